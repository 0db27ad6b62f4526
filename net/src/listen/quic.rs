//! QUIC connections: native ones by the ALPN `tiltyard/1`, and those of browsers by `h3`.
//!
//! ```text
//! packet ─► full? refuse ─► busy? retry ─► TLS ─┬─ tiltyard/1 ─────────────────┬─► HELLO ─► thread
//!                                               └─ h3 ─► CONNECT /wt (browser) ┘
//! ```

use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, UdpSocket},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use quinn::{
    Endpoint, Incoming, TransportConfig, VarInt,
    crypto::rustls::{HandshakeData, QuicServerConfig},
};
use rustls::server::ResolvesServerCert;
use socket2::{Domain, Protocol, Socket, Type};
use tiltyard::{Opening, Transport};
use tiltyard_proto::{
    Message, control,
    datagram::DATAGRAM_BYTES_MAX,
    framing::{FrameKind, FrameReader},
};
use tokio::{
    task::spawn_local,
    time::{Instant, timeout_at},
};
use tracing::debug;
use web_transport_quinn::{RecvStream, SendStream, Session};

use super::{Admission, Gate, admission::Wishes, http::Pass};
use crate::{convert::goodbye_frame, peer::QUIC_QUEUE_BYTES, thread::NetThread};

/// From the first packet to the first message.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(5);
/// How long a client that is sent away has to hear why.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// Handshakes in a second, and at a time, from which on addresses have to prove themselves first.
const HANDSHAKES_PER_SECOND_MAX: u32 = 64;
/// The same, at a time.
const HALF_OPEN_MAX: usize = 256;
/// Handshakes that are under way at most; more are not answered.
const HANDSHAKES_MAX: usize = 1024;
/// Bytes that are asked of the system for each direction of the socket; one holds all clients.
const SOCKET_BYTES: usize = 4 * 1024 * 1024;

/// A client whose first message was read and found good.
pub(crate) struct Greeted {
    pub(crate) session: Session,
    pub(crate) send: SendStream,
    pub(crate) receive: RecvStream,
    /// What of the control stream was read already.
    pub(crate) frames: FrameReader,
    pub(crate) opening: Opening,
}

/// Accepts QUIC connections and serves them on this thread.
pub(crate) struct QuicListener {
    pub(crate) endpoint: Endpoint,
    pub(crate) thread: Rc<NetThread>,
    pub(crate) admission: Admission,
    pub(crate) gate: Arc<Gate>,
    /// Addresses always have to prove themselves first.
    pub(crate) retry_always: bool,
    pub(crate) load: Load,
}

/// How many handshakes there are.
#[derive(Debug)]
pub(crate) struct Load {
    half_open: Cell<usize>,
    /// The second that is counted, and how many began in it.
    second: RefCell<(Instant, u32)>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            half_open: Cell::new(0),
            second: RefCell::new((Instant::now(), 0)),
        }
    }
}

impl Load {
    /// Counts a handshake that begins. Returns whether there are many of them.
    fn begin(&self, now: Instant) -> bool {
        let mut second = self.second.borrow_mut();
        if now - second.0 >= Duration::from_secs(1) {
            *second = (now, 0);
        }
        second.1 += 1;
        second.1 > HANDSHAKES_PER_SECOND_MAX || self.half_open.get() > HALF_OPEN_MAX
    }
}

/// Opens the UDP port.
///
/// # Errors
///
/// Whatever the system says, such as that the port is in use.
pub(crate) fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    // The system may give less; a burst is lost sooner then.
    drop(socket.set_recv_buffer_size(SOCKET_BYTES));
    drop(socket.set_send_buffer_size(SOCKET_BYTES));
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// How connections are to be: with these certificates, and bounded in everything.
///
/// # Errors
///
/// If the TLS library cannot do what QUIC needs.
pub(crate) fn server_config(
    certificates: Arc<dyn ResolvesServerCert>,
) -> io::Result<quinn::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    tls.alpn_protocols = vec![
        control::ALPN.to_vec(),
        web_transport_quinn::ALPN.as_bytes().to_vec(),
    ];
    // What a client sends before the handshake is over could be sent again by anybody who heard it.
    tls.max_early_data_size = 0;
    let crypto = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport_config()))
        .migration(true)
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(16 * 1024)
        .incoming_buffer_size_total(4 * 1024 * 1024);
    Ok(config)
}

fn transport_config() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .initial_rtt(Duration::from_millis(100))
        .stream_receive_window(VarInt::from_u32(64 * 1024))
        .receive_window(VarInt::from_u32(256 * 1024))
        // More would only wait where a slow client is not noticed and newer data takes no older one's place.
        .send_window(64 * 1024)
        .max_concurrent_bidi_streams(VarInt::from_u32(8))
        .max_concurrent_uni_streams(VarInt::from_u32(8))
        .datagram_receive_buffer_size(Some(64 * 1024))
        .datagram_send_buffer_size(QUIC_QUEUE_BYTES)
        .max_idle_timeout(Some(VarInt::from_u32(15_000).into()))
        .keep_alive_interval(Some(Duration::from_secs(5)));
    config
}

/// Whose connection it is.
#[derive(Clone, Copy)]
struct Caller {
    client: SocketAddr,
    /// Whether it was counted as a new connection from there already.
    counted: bool,
}

/// Why a client is sent away that has not come in yet.
struct Refusal {
    code: u32,
    reason: String,
}

impl Refusal {
    fn new(code: u32, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl QuicListener {
    /// Accepts connections, for ever.
    pub(crate) async fn drive(self: Rc<Self>) {
        while let Some(incoming) = self.endpoint.accept().await {
            let busy = self.load.begin(Instant::now()) || self.retry_always;
            if busy && incoming.may_retry() && !incoming.remote_address_validated() {
                // An error means that it has proved itself already.
                drop(incoming.retry());
                continue;
            }
            if self.load.half_open.get() >= HANDSHAKES_MAX {
                incoming.ignore();
            } else if self.gate.is_full() || !self.may_come(&incoming) {
                incoming.refuse();
            } else {
                spawn_local(self.clone().serve(incoming));
            }
        }
    }

    /// Whether a connection may come from there now. An address that has not proved itself is counted when the
    /// handshake has, or anybody could use up what is another's.
    fn may_come(&self, incoming: &Incoming) -> bool {
        !incoming.remote_address_validated() || self.count_arrival(incoming.remote_address())
    }

    fn count_arrival(&self, client: SocketAddr) -> bool {
        let now = Instant::now();
        self.admission.arrivals.try_take(None, client.ip(), now)
    }

    async fn serve(self: Rc<Self>, incoming: Incoming) {
        let client = incoming.remote_address();
        let counted = incoming.remote_address_validated();
        let deadline = Instant::now() + HANDSHAKE_WAIT;
        let half_open = HalfOpen::new(self.clone());
        let connected = timeout_at(deadline, connect(incoming)).await;
        let greeted = match connected {
            Ok(Ok((session, transport))) => self
                .greet(session, Caller { client, counted }, deadline)
                .await
                .map(|(greeted, pass)| (greeted, pass, transport)),
            Ok(Err(error)) => {
                debug!(%client, %error, "a QUIC handshake failed");
                None
            }
            Err(_) => None,
        };
        drop(half_open);
        if let Some((greeted, pass, transport)) = greeted {
            self.thread.clone().serve_quic(greeted, transport).await;
            // The connection counts until here.
            drop(pass);
        }
    }

    /// Reads who a client is. One that may not come in is told why.
    async fn greet(
        &self,
        session: Session,
        caller: Caller,
        deadline: Instant,
    ) -> Option<(Greeted, Pass)> {
        let Ok(Ok((send, receive))) = timeout_at(deadline, session.accept_bi()).await else {
            let late = Refusal::new(control::code::HELLO_LATE, "no control stream in time");
            session.close(late.code, late.reason.as_bytes());
            session.closed().await;
            return None;
        };
        let mut frames = FrameReader::new(control::HELLO_BYTES_MAX);
        let mut receive = receive;
        let hello = timeout_at(deadline, read_hello(&mut receive, &mut frames)).await;
        let hello = hello
            .unwrap_or_else(|_| Err(Refusal::new(control::code::HELLO_LATE, "no hello in time")));
        match hello.and_then(|hello| self.admit(&hello, &session, caller)) {
            Ok((opening, pass)) => {
                // The length of a frame counts its kind.
                frames.set_max(self.thread.options.message_bytes_max + 1);
                let greeted = Greeted {
                    session,
                    send,
                    receive,
                    frames,
                    opening,
                };
                Some((greeted, pass))
            }
            Err(refusal) => {
                debug!(client = %caller.client, reason = refusal.reason, "a QUIC client was sent away");
                send_away(&session, send, &refusal).await;
                None
            }
        }
    }

    fn admit(
        &self,
        hello: &control::Hello,
        session: &Session,
        Caller { client, counted }: Caller,
    ) -> Result<(Opening, Pass), Refusal> {
        if hello.version != control::VERSION {
            let spoken = control::VERSION;
            let reason = format!(
                "version {} is not spoken here, version {spoken} is",
                hello.version
            );
            return Err(Refusal::new(control::code::VERSION, reason));
        }
        if session.max_datagram_size() < DATAGRAM_BYTES_MAX {
            let reason = "the connection has no datagrams of 1100 bytes";
            return Err(Refusal::new(control::code::BROKEN, reason));
        }
        if let Some(reason) = self.admission.capacity.refusal() {
            return Err(Refusal::new(control::code::FULL, reason));
        }
        let claims = self
            .admission
            .verify(&hello.token)
            .map_err(|_| Refusal::new(control::code::BAD_TOKEN, "missing or invalid token"))?;
        // Only now: before, anybody could have taken the places of an address that is not theirs.
        let free = counted || self.count_arrival(client);
        let Some(pass) = self.gate.enter(client.ip()).filter(|_| free) else {
            let reason = "too many connections from this address";
            return Err(Refusal::new(control::code::FULL, reason));
        };
        let wishes = Wishes {
            online: hello.online,
            lang: &hello.lang,
        };
        let opening = self
            .admission
            .opening(claims, wishes, client.ip(), client.port());
        Ok((opening, pass))
    }
}

/// A handshake that is under way, for as long as it is.
struct HalfOpen(Rc<QuicListener>);

impl HalfOpen {
    fn new(listener: Rc<QuicListener>) -> Self {
        listener.load.half_open.update(|count| count + 1);
        Self(listener)
    }
}

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.0.load.half_open.update(|count| count - 1);
    }
}

/// Finishes the handshake of whichever protocol it is.
async fn connect(incoming: Incoming) -> io::Result<(Session, Transport)> {
    let connection = incoming.accept()?.await?;
    let data = connection.handshake_data();
    let data = data.and_then(|data| data.downcast::<HandshakeData>().ok());
    let protocol = data.and_then(|data| data.protocol).unwrap_or_default();
    if protocol == control::ALPN {
        return Ok((Session::raw(connection), Transport::Quic));
    }
    let request = web_transport_quinn::Request::accept(connection)
        .await
        .map_err(io::Error::other)?;
    if request.url.path() != control::WEBTRANSPORT_PATH {
        let path = request.url.path().to_owned();
        request
            .reject(axum::http::StatusCode::NOT_FOUND)
            .await
            .map_err(io::Error::other)?;
        return Err(io::Error::other(format!("nothing is at {path}")));
    }
    let session = request.ok().await.map_err(io::Error::other)?;
    Ok((session, Transport::WebTransport))
}

async fn read_hello(
    receive: &mut RecvStream,
    frames: &mut FrameReader,
) -> Result<control::Hello, Refusal> {
    let not_hello = || Refusal::new(control::code::NOT_HELLO, "the first frame is no hello");
    let mut buffer = [0; 1024];
    loop {
        match frames.next() {
            Ok(Some(frame)) if FrameKind::of(frame.kind) == Some(FrameKind::Hello) => {
                return control::Hello::decode(frame.body).map_err(|_| not_hello());
            }
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return Err(not_hello()),
        }
        match receive.read(&mut buffer).await {
            Ok(Some(count)) => frames.push(&buffer[..count]),
            Ok(None) | Err(_) => return Err(not_hello()),
        }
    }
}

/// Says why, and gives the client a moment to hear it.
async fn send_away(session: &Session, send: SendStream, refusal: &Refusal) {
    let mut send = send;
    let Refusal { code, reason } = refusal;
    let heard = async {
        let frame = goodbye_frame(u16::try_from(*code).unwrap_or(1002), reason);
        if send.write_all(&frame).await.is_ok() && send.finish().is_ok() {
            drop(send.stopped().await);
        }
    };
    let deadline = Instant::now() + REFUSAL_WAIT;
    drop(timeout_at(deadline, heard).await);
    session.close(*code, reason.as_bytes());
    drop(timeout_at(deadline + REFUSAL_WAIT, session.closed()).await);
}
