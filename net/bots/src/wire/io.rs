//! TCP, with TLS where the address says so.

use std::{
    cell::Cell,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{DEADLINE, Traffic, tls};
use crate::Options;

/// Bytes in both directions.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// Waits for `doing`, but not for ever.
pub(crate) async fn in_time<T>(doing: impl Future<Output = T>) -> Result<T, String> {
    let done = timeout(DEADLINE, doing).await;
    done.map_err(|_| "no answer in time".into())
}

/// Opens a connection, from `source` if there is one.
pub(crate) async fn open(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
) -> io::Result<Box<dyn Io>> {
    let stream = dial(remote, source).await?;
    secure(options, stream).await
}

/// The same, and counts the bytes.
pub(super) async fn open_metered(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
) -> io::Result<(Box<dyn Io>, Meter)> {
    let meter = Meter::default();
    let stream = dial(remote, source).await?;
    let metered = Metered {
        stream,
        meter: meter.clone(),
    };
    Ok((secure(options, metered).await?, meter))
}

async fn dial(remote: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = source {
        socket.bind((source, 0).into())?;
    }
    let stream = socket.connect(remote).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn secure(options: &Options, stream: impl Io + 'static) -> io::Result<Box<dyn Io>> {
    if options.server.scheme() != "https" {
        return Ok(Box::new(stream));
    }
    let config = tls::config(None, &[]).map_err(io::Error::other)?;
    let host = options.server.host_str().unwrap_or_default().to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
    Ok(Box::new(stream.await?))
}

/// Bytes that went through a [`Metered`] stream.
pub(super) type Meter = Rc<Cell<Traffic>>;

/// A stream whose bytes are counted.
struct Metered {
    stream: TcpStream,
    meter: Meter,
}

impl Metered {
    fn count(&self, change: impl FnOnce(&mut Traffic)) {
        let mut traffic = self.meter.get();
        change(&mut traffic);
        self.meter.set(traffic);
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        self.count(|traffic| traffic.bytes_in += read as u64);
        poll
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = poll {
            self.count(|traffic| traffic.bytes_out += written as u64);
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
