//! A whole server on a port of its own, and clients that speak to it over real sockets.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tiltyard::{Inbound, InboundSender, Session, prelude::*};
use tiltyard_net::{
    config::{self, Command, Defaults},
    engine_plugin, run_with,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// How long a test waits for what must come. Generous, because machines are shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server to speak to. One that was started here runs until it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    own: Option<Own>,
}

/// What belongs to a server that was started here.
struct Own {
    queue: crossbeam_channel::Sender<Inbound>,
    thread: JoinHandle<()>,
    sessions: Arc<AtomicUsize>,
    _data: TempDir,
}

impl Server {
    /// A server with the games that `register` adds.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(register: impl FnOnce(&mut App) + Send + 'static) -> Self {
        Self::start_with(&[], register)
    }

    /// The same, with other options.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with(
        options: &[(&str, &str)],
        register: impl FnOnce(&mut App) + Send + 'static,
    ) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let defaults = Defaults::new()
            .with_default("socket.port", "0")
            .with_default("net.threads", "2")
            .with_default("logger.level", "error")
            // Machines that run tests are busy with other things.
            .with_default("limits.busy_percent", "0")
            .with_default("data_dir", data.path().to_str().expect("a plain path"));
        let add =
            |defaults: Defaults, (key, value): &(&str, &str)| defaults.with_default(*key, *value);
        let defaults = options.iter().fold(defaults, add);
        let (ready, listening) = mpsc::channel();
        let sessions = Arc::new(AtomicUsize::new(0));
        let count = sessions.clone();
        let thread = thread::spawn(move || {
            let Ok(Command::Run(config)) = config::load([], [], &defaults) else {
                panic!("the defaults are a configuration");
            };
            let mut app = App::empty();
            app.add_plugins(engine_plugin(&config));
            count_sessions(&mut app, count);
            register(&mut app);
            let queue = app.world().resource::<InboundSender>().0.clone();
            let announce = move |address| ready.send((address, queue)).expect("the test waits");
            run_with(app, *config, announce).expect("the server runs");
        });
        let (address, queue) = listening.recv_timeout(PATIENCE).expect("the server starts");
        let own = Own {
            queue,
            thread,
            sessions,
            _data: data,
        };
        Self {
            address,
            own: Some(own),
        }
    }

    /// A server that somebody else started.
    ///
    /// # Panics
    ///
    /// If this is no address.
    pub fn at(address: impl AsRef<str>) -> Self {
        Self {
            address: address.as_ref().parse().expect("an address"),
            own: None,
        }
    }

    /// A session token of a new device account.
    pub async fn login(&self, name: &str) -> String {
        let body = json!({ "id": format!("device-of-{name}") }).to_string();
        let path = format!("/v2/account/authenticate/device?create=true&username={name}");
        let answer = self
            .http(
                "POST",
                &path,
                "Authorization: Basic ZGVmYXVsdGtleTo=\r\n",
                &body,
            )
            .await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A request over HTTP, and the JSON that answers it.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub async fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Value {
        let answer = self.try_http(method, path, headers, body).await;
        answer.expect("an answer").1
    }

    /// The same with the status, or what became of the connection instead.
    ///
    /// # Errors
    ///
    /// If there was no connection, or no answer to its end.
    ///
    /// # Panics
    ///
    /// If nothing comes for a long time.
    pub async fn try_http(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(self.address).await?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: tiltyard\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        read.expect("an answer in time")?;
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        if length.is_some_and(|length| body.len() < length) {
            return Err(cut());
        }
        let json = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
        Ok((status.ok_or_else(cut)?, json))
    }

    /// A new account, connected.
    pub async fn connect(&self, name: &str) -> Socket {
        let token = self.login(name).await;
        self.connect_with(&token).await
    }

    /// A connection with this token.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn connect_with(&self, token: &str) -> Socket {
        self.try_connect_with(token)
            .await
            .expect("the handshake succeeds")
    }

    /// A connection with this token, if the server takes it.
    pub async fn try_connect_with(&self, token: &str) -> Option<Socket> {
        let url = format!("ws://{}/ws?token={token}", self.address);
        let (stream, _) = connect_async(url).await.ok()?;
        Some(Socket { stream, cids: 0 })
    }

    /// How many sessions the engine has.
    ///
    /// # Panics
    ///
    /// If somebody else started the server.
    pub fn sessions(&self) -> usize {
        let own = self.own.as_ref().expect("a server of our own");
        own.sessions.load(Ordering::Acquire)
    }

    /// Waits until the engine has no more sessions than this.
    ///
    /// # Panics
    ///
    /// If it has more for a long time.
    pub async fn sessions_fall_to(&self, count: usize) {
        let fall = async {
            while self.sessions() > count {
                tokio::task::yield_now().await;
            }
        };
        let fell = tokio::time::timeout(PATIENCE, fall).await;
        fell.expect("sessions end with their connections");
    }

    /// Asks the server to stop and waits until it has.
    pub fn stop(self) {
        self.stop_within(Duration::ZERO);
    }

    /// The same; matches get this long to end by themselves.
    pub fn stop_within(mut self, grace: Duration) {
        self.ask_to_stop(grace);
    }

    fn ask_to_stop(&mut self, grace: Duration) {
        let Some(Own {
            queue,
            thread,
            sessions: _,
            _data,
        }) = self.own.take()
        else {
            return;
        };
        // A server that is gone needs no asking.
        drop(queue.send(Inbound::Shutdown { grace }));
        let outcome = thread.join();
        if !thread::panicking() {
            outcome.expect("the server stops without a panic");
        }
    }
}

/// Keeps a count of the engine's sessions that other threads can read.
fn count_sessions(app: &mut App, count: Arc<AtomicUsize>) {
    let fewer = count.clone();
    app.add_observer(move |_: On<Add<Session>>| {
        count.fetch_add(1, Ordering::AcqRel);
    });
    app.add_observer(move |_: On<Remove<Session>>| {
        fewer.fetch_sub(1, Ordering::AcqRel);
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_stop(Duration::ZERO);
    }
}

/// A client's connection, speaking JSON.
pub struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) cids: u32,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The code of the closing frame, if there was one.
    pub code: Option<u16>,
    /// Its reason.
    pub reason: String,
}

impl Socket {
    /// Sends a text frame as it is.
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.stream
            .send(Message::text(text.into()))
            .await
            .expect("the connection is open");
    }

    /// Sends a binary frame as it is.
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.stream
            .send(Message::binary(bytes))
            .await
            .expect("the connection is open");
    }

    /// Sends an envelope.
    pub async fn send(&mut self, envelope: Value) {
        self.send_text(envelope.to_string()).await;
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

    /// The next envelope.
    ///
    /// # Panics
    ///
    /// If the connection ends instead.
    pub async fn next(&mut self) -> Value {
        match self.next_or_end().await {
            Ok(envelope) => envelope,
            Err(ended) => panic!("the connection ended: {ended:?}"),
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

    /// Waits until the server ends the connection.
    pub async fn ended(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.next_or_end().await {
                return ended;
            }
        }
    }

    async fn next_or_end(&mut self) -> Result<Value, Ended> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = tokio::time::timeout_at(deadline, self.stream.next())
                .await
                .expect("something in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("an envelope"));
                }
                Some(Ok(Message::Close(frame))) => return Err(ended(frame)),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Err(ended(None)),
            }
        }
    }
}

pub(crate) fn ended(frame: Option<CloseFrame>) -> Ended {
    let code = frame.as_ref().map(|frame| frame.code.into());
    Ended {
        code,
        reason: frame
            .map(|frame| frame.reason.to_string())
            .unwrap_or_default(),
    }
}
