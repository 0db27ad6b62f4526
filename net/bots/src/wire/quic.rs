//! QUIC and WebTransport: a stream of frames, and datagrams.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use quinn::{
    ClientConfig, Endpoint, EndpointConfig, IdleTimeout, TransportConfig, VarInt,
    crypto::rustls::QuicClientConfig,
};
use tiltyard_proto::{
    Message as _,
    control::{self, Goodbye, Hello, MatchHandle},
    datagram::{self, DATAGRAM_BYTES_MAX, Datagram, Receiver, Verdict},
    framing::{Frame, FrameKind, FrameReader, write_frame, write_head},
};
use tokio::time::timeout;
use url::Url;
use web_transport_quinn::{RecvStream, SendStream, Session};

use super::{DEADLINE, INCOMING_BYTES_MAX, Incoming, Traffic, Wire, any_port, tls};
use crate::{
    Options,
    http::QuicAddress,
    options::Transport,
    trouble::{self, Trouble, lost},
};

/// How long a path may be silent; the clients of players have the same.
const IDLE_TIMEOUT_MS: u32 = 15_000;
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Taken for the round trip before one was measured, as clients of players do.
const INITIAL_RTT: Duration = Duration::from_millis(100);
const DATAGRAM_BUFFER_BYTES: usize = 64 * 1024;
/// Read from the control stream at once.
const READ_BYTES: usize = 2048;

/// How connections are opened; all bots of a thread share it.
pub(crate) struct QuicDialer {
    config: ClientConfig,
    remote: SocketAddr,
}

impl QuicDialer {
    /// None if the server has no QUIC.
    pub(crate) fn new(
        options: &Options,
        mut remote: SocketAddr,
        address: &QuicAddress,
    ) -> Result<Option<Self>, String> {
        let Some(port) = address.port else {
            return Ok(None);
        };
        remote.set_port(port);
        let alpn: &[u8] = match options.transport {
            Transport::WebTransport => b"h3",
            Transport::Quic | Transport::WebSocket => control::ALPN,
        };
        let tls = tls::config(address.pins.clone(), &[alpn]).map_err(|error| error.to_string())?;
        let crypto = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport_config(options)));
        Ok(Some(Self { config, remote }))
    }

    /// Opens a session, from a socket of its own as a player would. `number` seeds its network.
    pub(crate) async fn connect(
        &self,
        options: &Options,
        number: usize,
        source: Option<IpAddr>,
        token: &str,
    ) -> Result<Wire, Trouble> {
        let endpoint = self
            .endpoint(options, number, source)
            .map_err(trouble::connect)?;
        let host = options.server.host_str().unwrap_or_default();
        let connection = endpoint
            .connect_with(self.config.clone(), self.remote, host)
            .map_err(trouble::connect)?
            .await
            .map_err(trouble::connect)?;
        let session = match options.transport {
            Transport::WebTransport => {
                let port = self.remote.port();
                let url = format!("https://{host}:{port}{}", control::WEBTRANSPORT_PATH);
                let url = Url::parse(&url).map_err(trouble::connect)?;
                Session::connect(connection, url)
                    .await
                    .map_err(trouble::connect)?
            }
            Transport::Quic | Transport::WebSocket => Session::raw(connection),
        };
        QuicWire::begin(endpoint, session, token).await
    }

    fn endpoint(
        &self,
        options: &Options,
        number: usize,
        source: Option<IpAddr>,
    ) -> io::Result<Endpoint> {
        let local = source.map_or_else(|| any_port(self.remote), |source| (source, 0).into());
        let Some(profile) = &options.network else {
            return Endpoint::client(local);
        };
        let socket = UdpSocket::bind(local)?;
        let profile = profile.derive(number as u64);
        tiltyard_link::endpoint(EndpointConfig::default(), None, socket, &profile)
    }
}

fn transport_config(options: &Options) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_TIMEOUT_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES);
    if options.transport == Transport::Quic {
        // Servers open no streams but those that HTTP/3 needs.
        config
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0));
    }
    config
}

pub(crate) struct QuicWire {
    endpoint: Endpoint,
    session: Session,
    send: SendStream,
    receive: RecvStream,
    frames: FrameReader,
    buffer: Box<[u8; READ_BYTES]>,
    /// The match that was joined last, by its name in datagrams.
    named: Option<MatchHandle>,
    datagrams: Receiver,
}

impl QuicWire {
    async fn begin(endpoint: Endpoint, session: Session, token: &str) -> Result<Wire, Trouble> {
        let (send, receive) = session.open_bi().await.map_err(trouble::connect)?;
        let mut wire = Self {
            endpoint,
            session,
            send,
            receive,
            frames: FrameReader::new(INCOMING_BYTES_MAX),
            buffer: Box::new([0; READ_BYTES]),
            named: None,
            datagrams: Receiver::default(),
        };
        let hello = Hello {
            version: control::VERSION,
            token: token.to_owned(),
            online: false,
            lang: String::new(),
        };
        wire.send_message(FrameKind::Hello, &hello.encode_to_vec())
            .await?;
        loop {
            if let Some(frame) = wire.frames.next().map_err(trouble::connect)? {
                match FrameKind::of(frame.kind) {
                    Some(FrameKind::Welcome) => return Ok(Wire::Quic(Box::new(wire))),
                    Some(FrameKind::Goodbye) => return Err(ended_by(&frame.body)),
                    _ => continue,
                }
            }
            let read = wire.receive.read(&mut wire.buffer[..]).await;
            wire.take(read.map_err(trouble::connect)?)?;
        }
    }

    fn take(&mut self, read: Option<usize>) -> Result<(), Trouble> {
        let count = read.ok_or_else(|| lost("the stream ended without a goodbye"))?;
        self.frames.push(&self.buffer[..count]);
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Trouble> {
        loop {
            while let Some(frame) = self.frames.next().map_err(lost)? {
                if let Some(incoming) = self.open_frame(frame)? {
                    return Ok(incoming);
                }
            }
            let Self {
                session,
                receive,
                buffer,
                ..
            } = self;
            // Both may be dropped without loss.
            let read = tokio::select! {
                datagram = session.read_datagram() => match datagram {
                    Ok(datagram) => Err(datagram),
                    // The stream may still have the goodbye in it.
                    Err(_) => Ok(receive.read(&mut buffer[..]).await),
                },
                read = receive.read(&mut buffer[..]) => Ok(read),
            };
            match read {
                Ok(read) => self.take(read.map_err(lost)?)?,
                Err(datagram) if self.is_fresh(&datagram) => {
                    return Ok(Incoming::Datagram(datagram));
                }
                Err(_) => {}
            }
        }
    }

    fn open_frame(&mut self, frame: Frame) -> Result<Option<Incoming>, Trouble> {
        match FrameKind::of(frame.kind) {
            Some(FrameKind::Envelope) => return Ok(Some(Incoming::Envelope(frame.body))),
            Some(FrameKind::MatchHandle) => {
                self.named = Some(MatchHandle::decode(frame.body).map_err(lost)?);
                self.datagrams = Receiver::default();
            }
            Some(FrameKind::Goodbye) => return Err(ended_by(&frame.body)),
            Some(FrameKind::Hello | FrameKind::Welcome) | None => {}
        }
        Ok(None)
    }

    fn is_fresh(&mut self, datagram: &[u8]) -> bool {
        let Ok(datagram) = datagram::read(datagram) else {
            return false;
        };
        let is_ours = self
            .named
            .as_ref()
            .is_some_and(|named| named.handle == datagram.handle);
        let Datagram {
            sequence,
            op_code,
            newest,
            ..
        } = datagram;
        is_ours && self.datagrams.accept(sequence, op_code, newest) == Verdict::Fresh
    }

    pub(super) async fn send(&mut self, envelope: &[u8]) -> Result<(), Trouble> {
        self.send_message(FrameKind::Envelope, envelope).await
    }

    async fn send_message(&mut self, kind: FrameKind, body: &[u8]) -> Result<(), Trouble> {
        let mut bytes = Vec::with_capacity(body.len() + 5);
        write_head(kind, body.len(), &mut bytes);
        bytes.extend_from_slice(body);
        self.send.write_all(&bytes).await.map_err(lost)
    }

    pub(super) fn handle(&self, match_id: &str) -> Option<u32> {
        let named = self.named.as_ref()?;
        (named.match_id == match_id).then_some(named.handle)
    }

    pub(super) fn send_datagram(&self, datagram: &Datagram<'_>) {
        let mut bytes = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        datagram.write(&mut bytes);
        // One that does not go out is one that gets lost.
        self.session.send_datagram(bytes.into()).ok();
    }

    pub(super) fn traffic(&self) -> Traffic {
        let connection: &quinn::Connection = &self.session;
        let stats = connection.stats();
        Traffic {
            bytes_in: stats.udp_rx.bytes,
            bytes_out: stats.udp_tx.bytes,
        }
    }

    pub(super) async fn close(mut self) {
        let goodbye = Goodbye {
            code: control::code::OVER,
            reason: String::new(),
        };
        let mut bytes = Vec::new();
        write_frame(FrameKind::Goodbye, &mut bytes, |out| {
            out.extend_from_slice(&goodbye.encode_to_vec());
        });
        let closing = async {
            if self.send.write_all(&bytes).await.is_ok() && self.send.finish().is_ok() {
                self.send.stopped().await.ok();
            }
            self.session.close(control::code::OVER, b"");
            self.endpoint.wait_idle().await;
        };
        // A server that does not answer finds out by itself.
        timeout(DEADLINE, closing).await.ok();
    }
}

fn ended_by(body: &[u8]) -> Trouble {
    match Goodbye::decode(body) {
        Ok(Goodbye { code, reason }) => Trouble::Closed { code, reason },
        Err(error) => lost(error),
    }
}
