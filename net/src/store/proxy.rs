//! A way to a database that tests can block.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Everything gets through.
    Flowing,
    /// Nothing gets through, and nobody is told.
    Frozen,
    /// Connections are closed, also new ones.
    Gone,
}

pub(super) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    /// Ends with the proxy.
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn start(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own_port = listener.local_addr().unwrap().port();
        let (state, seen) = watch::channel(State::Flowing);
        let host = host.to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() == State::Gone {
                    continue;
                }
                let server = TcpStream::connect((host.as_str(), port)).await.unwrap();
                ways.spawn(drive_way(client, server, seen.clone()));
            }
        });
        Self {
            port: own_port,
            state,
            _tasks: tasks,
        }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn be(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// Hands bytes on until one side closes or the way is gone.
async fn drive_way(mut client: TcpStream, mut server: TcpStream, mut seen: watch::Receiver<State>) {
    let (mut from_client, mut from_server) = ([0; 4096], [0; 4096]);
    loop {
        let state = *seen.borrow_and_update();
        let flowing = state == State::Flowing;
        if state == State::Gone {
            return;
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            read = client.read(&mut from_client), if flowing => {
                let read = read.unwrap_or_default();
                if read == 0 || server.write_all(&from_client[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut from_server), if flowing => {
                let read = read.unwrap_or_default();
                if read == 0 || client.write_all(&from_server[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
