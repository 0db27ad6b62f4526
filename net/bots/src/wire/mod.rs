//! Connections: bytes of envelopes and datagrams in both directions, whatever carries them.

mod io;
mod quic;
mod tls;
mod websocket;

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use tiltyard_proto::datagram::Datagram;

pub(crate) use io::{in_time, open};
pub(crate) use quic::QuicDialer;
pub(crate) use tls::CertificateHash;
pub(crate) use websocket::connect as connect_socket;

use crate::trouble::Trouble;

/// How long a server may take for any one thing: a connection, an answer, a socket that takes no more.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// Longest envelope that a server may send. A listing of a full chat room stays below.
const INCOMING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection with a session.
pub(crate) enum Wire {
    Socket(Box<websocket::SocketWire>),
    Quic(Box<quic::QuicWire>),
}

/// What came.
pub(crate) enum Incoming {
    /// An envelope, in the format of the wire.
    Envelope(Bytes),
    /// A datagram that is neither late nor a copy.
    Datagram(Bytes),
}

/// Bytes on the network below, in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Wire {
    /// The next that comes, or why nothing will.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Trouble> {
        match self {
            Self::Socket(wire) => wire.next().await,
            Self::Quic(wire) => wire.next().await,
        }
    }

    /// Sends an envelope.
    pub(crate) async fn send(&mut self, envelope: Bytes) -> Result<(), Trouble> {
        let sending = async {
            match self {
                Self::Socket(wire) => wire.send(envelope).await,
                Self::Quic(wire) => wire.send(&envelope).await,
            }
        };
        in_time(sending).await.map_err(Trouble::Lost)?
    }

    /// What datagrams call this match; none on a WebSocket.
    pub(crate) fn handle(&self, match_id: &str) -> Option<u32> {
        match self {
            Self::Socket(_) => None,
            Self::Quic(wire) => wire.handle(match_id),
        }
    }

    /// Sends a datagram, which may get lost.
    pub(crate) fn send_datagram(&self, datagram: &Datagram<'_>) {
        if let Self::Quic(wire) = self {
            wire.send_datagram(datagram);
        }
    }

    /// Bytes so far.
    pub(crate) fn traffic(&self) -> Traffic {
        match self {
            Self::Socket(wire) => wire.traffic(),
            Self::Quic(wire) => wire.traffic(),
        }
    }

    /// Says goodbye. That the server has heard it is not certain.
    pub(crate) async fn close(self) {
        match self {
            Self::Socket(wire) => wire.close().await,
            Self::Quic(wire) => wire.close().await,
        }
    }
}

/// Any port on any address that reaches `remote`.
fn any_port(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}
