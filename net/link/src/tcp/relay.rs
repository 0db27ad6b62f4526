//! A relay for TCP connections.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    select,
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tracing::{debug, error};

use super::pump::drive_half;
use crate::Profile;

/// Carries TCP connections from a listener to a target over a bad network, both ways.
///
/// The connections are numbered, and their seeds derived, in the order in which they are accepted.
/// The end of one direction is passed on as such; a reset, or a target that refuses, resets the
/// other side, with the loss of what was under way. A side that reads slowly makes the other side
/// wait. Connections beyond 1,024 wait to be accepted.
///
/// Ends when `stop` is ready. All connections are reset then, and their tasks have ended when this
/// returns.
///
/// # Errors
///
/// What the system says when it accepts no more connections, such as when descriptors run out.
///
/// # Cancellation
///
/// The connections are reset soon after the future is dropped.
pub async fn drive_relay(
    listener: TcpListener,
    target: SocketAddr,
    profile: &Profile,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    let mut accepted = 0;
    let result = loop {
        let has_room = connections.len() < CONNECTIONS_MAX;
        select! {
            () = &mut stop => break Ok(()),
            Some(ended) = connections.join_next() => report(ended),
            client = listener.accept(), if has_room => match client {
                Ok((client, _)) => {
                    let profile = profile.derive(accepted);
                    accepted += 1;
                    connections.spawn(carry(client, target, profile));
                }
                Err(error) if belongs_to_client(&error) => {
                    debug!(%error, "a connection ended before it was accepted");
                }
                Err(error) => break Err(error),
            },
        }
    };
    connections.shutdown().await;
    result
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a relayed connection panicked");
    }
}

fn belongs_to_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Carries one connection until both directions have ended or one of them fails.
async fn carry(client: TcpStream, target: SocketAddr, profile: Profile) {
    let mut client = Side::new(client);
    let server = match timeout(CONNECT_TIMEOUT, TcpStream::connect(target)).await {
        Ok(Ok(server)) => server,
        Ok(Err(error)) => return debug!(%target, %error, "cannot connect"),
        Err(_) => return debug!(%target, "the target does not answer"),
    };
    let mut server = Side::new(server);
    match exchange(&mut client.stream, &mut server.stream, &profile).await {
        Ok(()) => {
            client.ended = true;
            server.ended = true;
        }
        Err(error) => {
            debug!(%target, %error, "a relayed connection ended early");
            // The other side hears of it no earlier than of anything else.
            sleep(profile.delay).await;
        }
    }
}

async fn exchange(
    client: &mut TcpStream,
    server: &mut TcpStream,
    profile: &Profile,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(
        drive_half(from_client, to_server, profile.derive(0)),
        drive_half(from_server, to_client, profile.derive(1)),
    )?;
    Ok(())
}

/// A connection that is reset when dropped, unless it has ended both ways.
struct Side {
    stream: TcpStream,
    ended: bool,
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            ended: false,
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Err(error) = self.stream.set_zero_linger() {
            debug!(%error, "cannot reset a connection, so it is closed");
        }
    }
}

/// How long a target may take to answer. The relay is near it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at a time. Each takes up to 1 MiB when it is full both ways.
const CONNECTIONS_MAX: usize = 1024;
