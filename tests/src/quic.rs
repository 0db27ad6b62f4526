//! Clients that speak to a server over QUIC and WebTransport, frame by frame and datagram by datagram.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use quinn::{Endpoint, EndpointConfig, crypto::rustls::QuicClientConfig};
use rustls::{
    DigitallySignedStruct, NamedGroup, SignatureScheme,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::{Value, json};
use sha2::Digest;
use tiltyard_link::Profile;
use tiltyard_proto::{
    Message, control,
    datagram::{self, Datagram},
    framing::{Frame, FrameKind, FrameReader, write_frame},
    json as wire_json,
    realtime::Envelope,
};
use web_transport_quinn::{RecvStream, SendStream, Session};

use crate::server::{Ended, PATIENCE, Server};

/// Which of the two a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A native client.
    Quic,
    /// A browser, as far as the server can tell.
    WebTransport,
}

/// A connection whose client has not said who it is.
pub struct Stranger {
    /// The connection.
    pub session: Session,
    /// Where packets leave; moved to another port to test migration.
    pub endpoint: Endpoint,
    send: SendStream,
    receive: RecvStream,
    frames: FrameReader,
}

/// A client over QUIC or WebTransport.
pub struct QuicSocket {
    /// The connection below.
    pub stranger: Stranger,
    /// What the server calls its matches in datagrams.
    pub handles: BTreeMap<String, u32>,
    /// Which session this is.
    pub session_id: String,
    cids: u32,
}

/// A datagram, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its handle.
    pub handle: u32,
    /// Its number.
    pub sequence: u16,
    /// Whether only the newest counts.
    pub newest: bool,
    /// Its op code.
    pub op_code: i64,
    /// The name of who sent it, if it was another client.
    pub sender: Option<String>,
    /// What it says.
    pub data: Vec<u8>,
}

/// A connection to a server, before the control stream.
///
/// # Panics
///
/// If there is none.
pub async fn dial(server: &Server, kind: Kind) -> (Endpoint, Session) {
    try_dial(server.address, kind)
        .await
        .expect("the handshake succeeds")
}

/// The same, through a bad network.
///
/// # Panics
///
/// If there is none.
pub async fn dial_through(server: &Server, kind: Kind, network: &Profile) -> (Endpoint, Session) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let endpoint = tiltyard_link::endpoint(EndpointConfig::default(), None, socket, network)
        .expect("a socket");
    let session = connect(&endpoint, server.address, kind).await;
    (endpoint, session.expect("the handshake succeeds"))
}

/// The same, if the server answers.
///
/// # Errors
///
/// What went wrong, as text.
pub async fn try_dial(address: SocketAddr, kind: Kind) -> Result<(Endpoint, Session), String> {
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).map_err(|e| e.to_string())?;
    let session = connect(&endpoint, address, kind).await?;
    Ok((endpoint, session))
}

async fn connect(endpoint: &Endpoint, address: SocketAddr, kind: Kind) -> Result<Session, String> {
    let connecting = endpoint
        .connect_with(client_config(kind), address, "localhost")
        .map_err(|e| e.to_string())?;
    let connection = tokio::time::timeout(PATIENCE, connecting)
        .await
        .map_err(|e| e.to_string())?
        .map_err(|e| e.to_string())?;
    match kind {
        Kind::Quic => Ok(Session::raw(connection)),
        Kind::WebTransport => {
            let url = format!("https://localhost:{}/wt", address.port());
            let url = url::Url::parse(&url).map_err(|e| e.to_string())?;
            Session::connect(connection, url)
                .await
                .map_err(|e| e.to_string())
        }
    }
}

/// Tickets for later connections, and how many were taken to resume with.
#[derive(Debug)]
pub struct Tickets {
    kept: ClientSessionMemoryCache,
    given: AtomicUsize,
}

impl Tickets {
    /// How many tickets the server has given.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.given.load(Ordering::Acquire)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.kept.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.given.fetch_add(1, Ordering::AcqRel);
        self.kept.insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(server)
    }
}

/// How a test client connects that resumes with tickets, and would send early if it were let.
#[must_use]
pub fn resuming_config() -> (quinn::ClientConfig, Arc<Tickets>) {
    let tickets = Arc::new(Tickets {
        kept: ClientSessionMemoryCache::new(8),
        given: AtomicUsize::new(0),
    });
    let config = config_with(Kind::Quic, Resumption::store(tickets.clone()));
    (config, tickets)
}

/// How test clients connect: whatever certificate they are shown.
#[must_use]
pub fn client_config(kind: Kind) -> quinn::ClientConfig {
    config_with(kind, Resumption::default())
}

fn config_with(kind: Kind, resumption: Resumption) -> quinn::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider speaks it")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous))
        .with_no_client_auth();
    tls.enable_early_data = true;
    tls.resumption = resumption;
    tls.alpn_protocols = match kind {
        Kind::Quic => vec![control::ALPN.to_vec()],
        Kind::WebTransport => vec![b"h3".to_vec()],
    };
    let mut config = quinn::ClientConfig::new(Arc::new(
        QuicClientConfig::try_from(tls).expect("it is TLS 1.3"),
    ));
    let mut transport = quinn::TransportConfig::default();
    transport.initial_rtt(Duration::from_millis(100));
    config.transport_config(Arc::new(transport));
    config
}

impl Stranger {
    /// A connection with its control stream.
    pub async fn dial(server: &Server, kind: Kind) -> Self {
        let (endpoint, session) = dial(server, kind).await;
        Self::open(endpoint, session).await
    }

    /// The control stream of a connection.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn open(endpoint: Endpoint, session: Session) -> Self {
        let (send, receive) = session.open_bi().await.expect("a stream");
        Self {
            session,
            endpoint,
            send,
            receive,
            frames: FrameReader::new(1 << 24),
        }
    }

    /// Writes bytes on the control stream.
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.send
            .write_all(bytes)
            .await
            .expect("the connection is open");
    }

    /// Writes a frame.
    pub async fn write_frame(&mut self, kind: FrameKind, message: &impl Message) {
        let mut bytes = Vec::new();
        write_frame(kind, &mut bytes, |out| {
            out.extend_from_slice(&message.encode_to_vec());
        });
        self.write(&bytes).await;
    }

    /// Ends the stream, and waits until QUIC has it at the server, or the connection has ended.
    pub async fn finish(&mut self) {
        if self.send.finish().is_ok() {
            drop(self.send.stopped().await);
        }
    }

    /// The next frame, or none if the server ended the stream.
    ///
    /// # Panics
    ///
    /// If it cannot be read, or nothing comes for a long time.
    pub async fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.next().expect("the server frames well") {
                return Some(frame);
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.receive.read(&mut buffer)).await;
            match read.expect("something in time") {
                Ok(Some(count)) => self.frames.push(&buffer[..count]),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Waits for the goodbye of the server; other frames are skipped.
    ///
    /// # Panics
    ///
    /// If the connection ends without one.
    pub async fn goodbye(&mut self) -> Ended {
        loop {
            let frame = self.next_frame().await.expect("a goodbye before the end");
            if FrameKind::of(frame.kind) == Some(FrameKind::Goodbye) {
                let goodbye = control::Goodbye::decode(frame.body).expect("a goodbye");
                return Ended {
                    code: u16::try_from(goodbye.code).ok(),
                    reason: goodbye.reason,
                };
            }
        }
    }

    /// Says who this is, and waits to be let in.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub async fn hello(mut self, token: &str) -> QuicSocket {
        self.write_frame(FrameKind::Hello, &hello(token)).await;
        let frame = self.next_frame().await.expect("an answer");
        assert_eq!(FrameKind::of(frame.kind), Some(FrameKind::Welcome));
        let welcome = control::Welcome::decode(frame.body).expect("a welcome");
        QuicSocket {
            stranger: self,
            handles: BTreeMap::new(),
            session_id: welcome.session_id,
            cids: 0,
        }
    }
}

/// The first message of a client.
#[must_use]
pub fn hello(token: &str) -> control::Hello {
    control::Hello {
        version: control::VERSION,
        token: token.to_owned(),
        online: false,
        lang: String::new(),
    }
}

impl QuicSocket {
    /// A new account, connected.
    pub async fn connect(server: &Server, kind: Kind, name: &str) -> Self {
        let token = server.login(name).await;
        Stranger::dial(server, kind).await.hello(&token).await
    }

    /// Sends an envelope, written as JSON.
    ///
    /// # Panics
    ///
    /// If it is none, or the connection is gone.
    pub async fn send(&mut self, envelope: Value) {
        let envelope: Envelope =
            wire_json::from_slice(envelope.to_string().as_bytes()).expect("an envelope");
        self.stranger
            .write_frame(FrameKind::Envelope, &envelope)
            .await;
    }

    /// Sends a request and waits for its answer; events that come before it are skipped.
    pub async fn ask(&mut self, message: &str, body: Value) -> Value {
        self.cids += 1;
        let cid = self.cids.to_string();
        self.send(json!({ "cid": cid, message: body })).await;
        loop {
            let envelope = self.next().await;
            if envelope["cid"] == cid {
                return envelope;
            }
        }
    }

    /// The next envelope, as JSON.
    ///
    /// # Panics
    ///
    /// If the connection ends instead.
    pub async fn next(&mut self) -> Value {
        loop {
            let frame = self.stranger.next_frame().await.expect("an envelope");
            match FrameKind::of(frame.kind) {
                Some(FrameKind::Envelope) => {
                    let envelope = tiltyard_proto::decode_protobuf(&frame.body);
                    let text = wire_json::to_string(&envelope.expect("an envelope"));
                    return serde_json::from_str(&text).expect("JSON");
                }
                Some(FrameKind::MatchHandle) => {
                    let named = control::MatchHandle::decode(frame.body).expect("a handle");
                    self.handles.insert(named.match_id, named.handle);
                }
                other => panic!("unexpected frame {other:?}"),
            }
        }
    }

    /// The next event of this kind; others are skipped.
    pub async fn next_event(&mut self, kind: &str) -> Value {
        loop {
            let mut envelope = self.next().await;
            if let Some(event) = envelope.get_mut(kind) {
                return event.take();
            }
        }
    }

    /// Joins a match. Returns what datagrams call it.
    ///
    /// # Panics
    ///
    /// If the match does not let us in, or has no name.
    pub async fn join(&mut self, match_id: &str) -> u32 {
        let answer = self
            .ask("match_join", json!({ "match_id": match_id }))
            .await;
        assert!(answer.get("match").is_some(), "{answer}");
        self.handles[match_id]
    }

    /// Sends match data in a datagram.
    pub fn send_datagram(&self, handle: u32, sequence: u16, op_code: i64, data: &[u8]) {
        let datagram = Datagram {
            handle,
            sequence,
            newest: false,
            op_code,
            sender: None,
            data,
        };
        let mut bytes = Vec::new();
        datagram.write(&mut bytes);
        self.send_bytes(bytes);
    }

    /// Sends a datagram as it is.
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    pub fn send_bytes(&self, bytes: Vec<u8>) {
        self.stranger
            .session
            .send_datagram(bytes.into())
            .expect("the connection is open");
    }

    /// The next datagram.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn next_datagram(&self) -> Arrived {
        let read = self.stranger.session.read_datagram();
        let bytes = tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a datagram in time")
            .expect("a datagram");
        let read = datagram::read(&bytes).expect("the server writes well");
        Arrived {
            handle: read.handle,
            sequence: read.sequence,
            newest: read.newest,
            op_code: read.op_code,
            sender: read.sender.map(|sender| sender.username.to_owned()),
            data: read.data.to_vec(),
        }
    }

    /// Goes on from another port, as a phone does that changes networks.
    ///
    /// # Panics
    ///
    /// If there is no other port.
    pub fn rebind(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        self.stranger.endpoint.rebind(socket).expect("it is taken");
    }
}

/// Takes every certificate: the servers of tests are our own.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The SHA-256 of a certificate, as servers tell it.
#[must_use]
pub fn hash(certificate: &[u8]) -> String {
    let digest = sha2::Sha256::digest(certificate);
    base64::Engine::encode(&base64::prelude::BASE64_STANDARD, digest)
}
