//! A way to a server that can be cut, and on which UDP ends in a hole.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use tiltyard_client::Options;

/// Passes TCP on to a server, and tells clients that QUIC is at another port.
pub struct Gate {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Gate {
    /// A gate in front of `server`. Clients are told that QUIC is at `quic_port`; 0 for none.
    ///
    /// # Panics
    ///
    /// If there is no port for it.
    #[must_use]
    pub fn open(server: SocketAddr, quic_port: u16) -> Self {
        let body = match quic_port {
            0 => r#"{"version":1}"#.to_owned(),
            port => format!(r#"{{"version":1,"quic":{{"port":{port},"alpn":"tiltyard/1"}}}}"#),
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        Self::open_with(server, answer)
    }

    /// A gate that answers with this, head and all, and nothing more when it is asked where QUIC is.
    ///
    /// # Panics
    ///
    /// If there is no port for it.
    #[must_use]
    pub fn open_with(server: SocketAddr, answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a port");
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let is_closed = Arc::<AtomicBool>::default();
        let (all, stop) = (Arc::clone(&open), Arc::clone(&is_closed));
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for client in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(client) = client else { continue };
                    let (all, answer) = (&all, &answer);
                    scope.spawn(move || drop(serve(client, server, answer, all)));
                }
            });
        });
        Self {
            address,
            open,
            is_closed,
            thread: Some(thread),
        }
    }

    /// Options of a client that goes through it.
    ///
    /// # Panics
    ///
    /// Never: this is an address.
    #[must_use]
    pub fn options(&self) -> Options {
        Options::new(&format!("http://{}", self.address)).expect("an address")
    }

    /// Cuts all connections. New ones are let through.
    ///
    /// # Panics
    ///
    /// If a thread of the gate has panicked.
    pub fn cut(&self) {
        for stream in self.open.lock().expect("no thread panics").drain(..) {
            // It may have ended by itself.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        // So that accepting ends.
        drop(TcpStream::connect(self.address));
        self.cut();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Answers for the server where QUIC is, and passes on everything else.
fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    answer: &str,
    open: &Mutex<Vec<TcpStream>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    if head.starts_with(b"GET /v2/tiltyard/transport ") {
        client.write_all(answer.as_bytes())?;
        // Whoever waits for more than that waits until the gate is closed.
        open.lock()
            .expect("no thread panics")
            .push(client.try_clone()?);
        return client.read(&mut byte).map(drop);
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(&head)?;
    {
        let mut open = open.lock().expect("no thread panics");
        open.extend([client.try_clone()?, upstream.try_clone()?]);
    }
    let (mut from_server, mut to_client) = (upstream.try_clone()?, client.try_clone()?);
    thread::scope(|scope| {
        scope.spawn(move || {
            drop(io::copy(&mut from_server, &mut to_client));
            drop(to_client.shutdown(Shutdown::Both));
        });
        drop(io::copy(&mut client, &mut upstream));
        drop(upstream.shutdown(Shutdown::Both));
    });
    Ok(())
}
