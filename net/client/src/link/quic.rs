//! QUIC: a stream of frames, and datagrams.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, RecvStream,
    Runtime, SendStream, TokioRuntime, TransportConfig, VarInt, crypto::rustls::QuicClientConfig,
};
use tiltyard_link::{LinkedSocket, Profile};
use tiltyard_proto::{
    Message as _,
    control::{self, Goodbye, Hello, MatchHandle, Welcome},
    decode_protobuf,
    framing::{Frame, FrameKind, FrameReader, write_frame, write_head},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    CLOSE_DEADLINE, INCOMING_BYTES_MAX, Incoming, Link, OUTBOX_MESSAGES_MAX, OpenError, Outgoing,
    Wire,
};
use crate::{connect::tls, event::Ended, http::QuicAddress, options::Options, stats::Stats};

/// How long a path may be silent before it counts as lost.
const IDLE_TIMEOUT_MS: u32 = 15_000;

/// A third of it, so that two of these may be lost.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const _: () = assert!(KEEP_ALIVE.as_millis() * 3 <= IDLE_TIMEOUT_MS as u128);

/// Taken for the round trip before one was measured. The 333 ms of RFC 9002 make a handshake that
/// loses a packet take a second.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// Datagrams that wait in either direction, in bytes: about 60 of the longest. With more, the oldest go.
const DATAGRAM_BUFFER_BYTES: usize = 64 * 1024;

/// How long a server may take to answer `HELLO`.
const WELCOME_DEADLINE: Duration = Duration::from_secs(5);

/// A connection of which the server does not know yet whose it is. Dropping it closes it.
pub(crate) struct Handshaken {
    endpoint: Endpoint,
    connection: Connection,
}

/// Opens a connection, without a session.
///
/// # Cancellation
///
/// The connection is closed.
pub(crate) async fn handshake(
    options: &Options,
    address: &QuicAddress,
) -> Result<Handshaken, OpenError> {
    let mut endpoint = endpoint(options, address.remote).map_err(OpenError::unreachable)?;
    let tls = tls::config(&options.trust, address.pins.clone(), &[control::ALPN])
        .map_err(OpenError::unreachable)?;
    let crypto = QuicClientConfig::try_from(tls).map_err(OpenError::unreachable)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport_config()));
    endpoint.set_default_client_config(config);
    let connection = endpoint
        .connect(address.remote, &options.server.host)
        .map_err(OpenError::unreachable)?
        .await
        .map_err(OpenError::unreachable)?;
    Ok(Handshaken {
        endpoint,
        connection,
    })
}

fn transport_config() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        // Servers open no streams.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(64 * 1024))
        .receive_window(VarInt::from_u32(256 * 1024))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES);
    config
}

fn endpoint(options: &Options, remote: SocketAddr) -> io::Result<Endpoint> {
    let Some(profile) = &options.network else {
        return Endpoint::client(any_port(remote));
    };
    let socket = UdpSocket::bind(any_port(remote))?;
    tiltyard_link::endpoint(EndpointConfig::default(), None, socket, profile)
}

/// Any port on any address that can reach `remote`.
fn any_port(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

impl Handshaken {
    /// Opens a session.
    ///
    /// # Cancellation
    ///
    /// The connection is closed; the server may have opened the session before.
    pub(crate) async fn begin(self, options: &Options, token: &str) -> Result<Link, OpenError> {
        let begun = timeout(WELCOME_DEADLINE, self.try_begin(options, token)).await;
        begun.unwrap_or_else(|_| {
            let why = Ended::Unreachable("no welcome in time".into());
            Err(OpenError::Silent(why))
        })
    }

    async fn try_begin(self, options: &Options, token: &str) -> Result<Link, OpenError> {
        let stream = self.connection.open_bi().await;
        let (mut send, receive) = stream.map_err(OpenError::unreachable)?;
        let hello = Hello {
            version: control::VERSION,
            token: token.to_owned(),
            online: options.online,
            lang: options.language.clone(),
        };
        let mut bytes = Vec::new();
        write_frame(FrameKind::Hello, &mut bytes, |out| {
            out.extend_from_slice(&hello.encode_to_vec());
        });
        // If this fails the connection has ended, and reading says why.
        drop(send.write_all(&bytes).await);

        let mut wire = QuicWire {
            endpoint: self.endpoint,
            connection: self.connection,
            receive,
            frames: FrameReader::new(INCOMING_BYTES_MAX),
            network: options.network,
            session_id: String::new(),
        };
        wire.session_id = wire.welcome().await?.session_id;
        let (outbox, waiting) = mpsc::channel(OUTBOX_MESSAGES_MAX);
        let writer = tokio::spawn(drive_writer(send, waiting));
        Ok(Link {
            wire: Wire::Quic(wire.into()),
            outbox,
            writer: AbortOnDropHandle::new(writer),
            relay: None,
        })
    }
}

/// The half of a connection that reads, and sends datagrams.
pub(crate) struct QuicWire {
    endpoint: Endpoint,
    connection: Connection,
    receive: RecvStream,
    frames: FrameReader,
    network: Option<Profile>,
    pub(super) session_id: String,
}

impl QuicWire {
    async fn welcome(&mut self) -> Result<Welcome, OpenError> {
        loop {
            if let Some(frame) = self.next_frame()? {
                return match FrameKind::of(frame.kind) {
                    Some(FrameKind::Welcome) => Welcome::decode(&*frame.body)
                        .map_err(|_| OpenError::Ended(Ended::Protocol("a bad welcome".into()))),
                    Some(FrameKind::Goodbye) => Err(ended_by(&frame.body).into()),
                    Some(_) => Err(OpenError::Ended(Ended::Protocol("no welcome".into()))),
                    None => continue,
                };
            }
            self.read().await?;
        }
    }

    pub(super) async fn next(&mut self) -> Incoming {
        loop {
            match self.take_frame() {
                Ok(Some(incoming)) => return incoming,
                Ok(None) => {}
                Err(ended) => return Incoming::Ended(ended),
            }
            // Both may be dropped without loss.
            let Self {
                connection,
                receive,
                ..
            } = self;
            let chunk = tokio::select! {
                datagram = connection.read_datagram() => return match datagram {
                    Ok(datagram) => Incoming::Datagram(datagram),
                    // The stream may still have the goodbye in it.
                    Err(_) => self.last().await,
                },
                chunk = receive.read_chunk(usize::MAX, true) => chunk,
            };
            match chunk {
                Ok(Some(chunk)) => self.frames.push(&chunk.bytes),
                Ok(None) => return Incoming::Ended(ended_without_goodbye()),
                Err(_) => return Incoming::Ended(self.close_reason()),
            }
        }
    }

    /// What is left on the stream when the connection has ended.
    async fn last(&mut self) -> Incoming {
        loop {
            match self.take_frame() {
                Ok(Some(incoming)) => return incoming,
                Ok(None) => {}
                Err(ended) => return Incoming::Ended(ended),
            }
            if let Err(ended) = self.read().await {
                return Incoming::Ended(ended);
            }
        }
    }

    async fn read(&mut self) -> Result<(), Ended> {
        match self.receive.read_chunk(usize::MAX, true).await {
            Ok(Some(chunk)) => self.frames.push(&chunk.bytes),
            Ok(None) => return Err(ended_without_goodbye()),
            Err(_) => return Err(self.close_reason()),
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, Ended> {
        let frame = self.frames.next();
        frame.map_err(|error| Ended::Protocol(error.to_string()))
    }

    /// The next frame of a kind that says something to the driver.
    fn take_frame(&mut self) -> Result<Option<Incoming>, Ended> {
        while let Some(frame) = self.next_frame()? {
            match FrameKind::of(frame.kind) {
                Some(FrameKind::Envelope) => {
                    let envelope = decode_protobuf(&frame.body).map_err(broken)?;
                    return Ok(Some(Incoming::Envelope(envelope.into())));
                }
                Some(FrameKind::MatchHandle) => {
                    let handle = MatchHandle::decode(&*frame.body).map_err(broken)?;
                    return Ok(Some(Incoming::MatchHandle(handle)));
                }
                Some(FrameKind::Goodbye) => return Err(ended_by(&frame.body)),
                // What later versions say may be skipped, and a second welcome says nothing new.
                Some(FrameKind::Hello | FrameKind::Welcome) | None => {}
            }
        }
        Ok(None)
    }

    /// Sends a datagram if the path takes one that long. With too many waiting, the oldest go.
    pub(crate) fn try_send_datagram(&self, datagram: Bytes) -> bool {
        self.connection.send_datagram(datagram).is_ok()
    }

    /// Goes on from another port of this machine, as a phone does that changes its network.
    pub(crate) fn rebind(&self) -> io::Result<()> {
        let socket = UdpSocket::bind(any_port(self.connection.remote_address()))?;
        let Some(profile) = &self.network else {
            return self.endpoint.rebind(socket);
        };
        let socket = LinkedSocket::new(TokioRuntime.wrap_udp_socket(socket)?, profile);
        self.endpoint.rebind_abstract(Arc::new(socket))
    }

    pub(super) fn measure(&self, stats: &mut Stats) {
        let measured = self.connection.stats();
        stats.rtt = Some(self.connection.rtt());
        stats.bytes_in += measured.udp_rx.bytes;
        stats.bytes_out += measured.udp_tx.bytes;
        stats.packets_lost += measured.path.lost_packets;
    }

    /// Closes the connection with what the goodbye said, whoever said it.
    pub(super) async fn close(self, code: u32, reason: &str, deadline: Instant) {
        self.connection
            .close(VarInt::from_u32(code), reason.as_bytes());
        // Until the server has heard it; if it has not by then, it finds out by itself.
        drop(timeout_at(deadline, self.endpoint.wait_idle()).await);
    }

    /// Why the connection has ended.
    fn close_reason(&self) -> Ended {
        match self.connection.close_reason() {
            Some(ConnectionError::ApplicationClosed(close)) => Ended::ByServer {
                code: u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX),
                reason: String::from_utf8_lossy(&close.reason).into_owned(),
            },
            Some(error) => Ended::Lost(error.to_string()),
            None => Ended::Protocol("the server reset the stream".into()),
        }
    }
}

impl From<Ended> for OpenError {
    /// What `GOODBYE` says about a session that has not begun.
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::ByServer { code, .. } if code == control::code::BAD_TOKEN => Self::Unauthorized,
            Ended::ByServer { .. } => Self::Refused(ended),
            Ended::Lost(_) => Self::Silent(ended),
            ended => Self::Ended(ended),
        }
    }
}

fn broken(error: tiltyard_proto::DecodeError) -> Ended {
    Ended::Protocol(error.to_string())
}

fn ended_without_goodbye() -> Ended {
    Ended::Protocol("the server finished without a goodbye".into())
}

fn ended_by(body: &[u8]) -> Ended {
    match Goodbye::decode(body) {
        Ok(Goodbye { code, reason }) => Ended::ByServer { code, reason },
        Err(error) => broken(error),
    }
}

/// Writes what waits, until a goodbye, the end of the connection, or the end of the outbox.
async fn drive_writer(mut send: SendStream, mut waiting: mpsc::Receiver<Outgoing>) {
    let mut bytes = Vec::new();
    while let Some(outgoing) = waiting.recv().await {
        bytes.clear();
        let is_last = matches!(outgoing, Outgoing::Goodbye { .. });
        match outgoing {
            Outgoing::Envelope(envelope) => {
                write_head(FrameKind::Envelope, envelope.len(), &mut bytes);
                bytes.extend_from_slice(&envelope);
            }
            Outgoing::Goodbye { code, reason } => {
                let (code, reason) = (code.into(), reason.to_owned());
                write_frame(FrameKind::Goodbye, &mut bytes, |out| {
                    out.extend_from_slice(&Goodbye { code, reason }.encode_to_vec());
                });
            }
        }
        if send.write_all(&bytes).await.is_err() {
            return;
        }
        if is_last {
            break;
        }
    }
    if send.finish().is_ok() {
        // Either the server has it all, or the connection has ended, or it takes too long.
        drop(timeout(CLOSE_DEADLINE, send.stopped()).await);
    }
}
