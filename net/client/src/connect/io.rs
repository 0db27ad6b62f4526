//! TCP, with TLS where the address says so.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::tls;
use crate::options::{Options, ServerAddress};

/// Bytes in both directions.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection over TCP.
pub(crate) struct Opened {
    pub(crate) io: Box<dyn Io>,
    /// The address that answered. QUIC is tried at the same one.
    pub(crate) remote: SocketAddr,
}

/// Opens a connection to the server.
///
/// # Cancellation
///
/// The connection is closed.
pub(crate) async fn open(options: &Options) -> io::Result<Opened> {
    let server = &options.server;
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    stream.set_nodelay(true)?;
    let remote = stream.peer_addr()?;
    let io: Box<dyn Io> = if server.is_secure {
        let config = tls::config(&options.trust, None, &[]).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(config));
        Box::new(connector.connect(server_name(server)?, stream).await?)
    } else {
        Box::new(stream)
    };
    Ok(Opened { io, remote })
}

/// Whom the certificate must name.
fn server_name(server: &ServerAddress) -> io::Result<ServerName<'static>> {
    ServerName::try_from(server.host.clone()).map_err(io::Error::other)
}

/// Counts bytes on their way.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Traffic {
    pub(crate) fn count_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_out(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes that came, and bytes that were sent.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let (bytes_in, bytes_out) = (&self.bytes_in, &self.bytes_out);
        (
            bytes_in.load(Ordering::Relaxed),
            bytes_out.load(Ordering::Relaxed),
        )
    }
}
