//! TCP, with TLS where the address says so.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls_pki_types::ServerName;
use tiltyard_link::drive_relay;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, lookup_host},
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

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
    /// What carries it over a bad network.
    pub(crate) relay: Option<Relay>,
}

/// A task that carries a connection as long as this is kept.
pub(crate) type Relay = AbortOnDropHandle<()>;

/// Opens a connection to the server.
///
/// # Cancellation
///
/// The connection is closed.
pub(crate) async fn open(options: &Options) -> io::Result<Opened> {
    let server = &options.server;
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    let remote = stream.peer_addr()?;
    Ok(Opened {
        io: secure(options, stream).await?,
        remote,
        relay: None,
    })
}

/// The same, over the bad network that the options have, if they have one.
///
/// # Cancellation
///
/// As above.
pub(crate) async fn open_on_network(options: &Options) -> io::Result<Opened> {
    let Some(profile) = options.network else {
        return open(options).await;
    };
    let server = &options.server;
    let remote = lookup_host((server.host.as_str(), server.port))
        .await?
        .next()
        .ok_or(io::ErrorKind::NotFound)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let relay = tokio::spawn(async move {
        if let Err(error) = drive_relay(listener, remote, &profile, pending()).await {
            tracing::warn!(%error, "the bad network has broken down");
        }
    });
    let relay = AbortOnDropHandle::new(relay);
    let stream = TcpStream::connect(address).await?;
    Ok(Opened {
        io: secure(options, stream).await?,
        remote,
        relay: Some(relay),
    })
}

/// TLS, if the address says so.
async fn secure(options: &Options, stream: TcpStream) -> io::Result<Box<dyn Io>> {
    stream.set_nodelay(true)?;
    let server = &options.server;
    if !server.is_secure {
        return Ok(Box::new(stream));
    }
    let config = tls::config(&options.trust, None, &[]).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(server_name(server)?, stream).await?;
    Ok(Box::new(stream))
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
