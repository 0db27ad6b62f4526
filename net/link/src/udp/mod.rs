//! UDP sockets for QUIC.

mod flight;
mod paths;
mod state;

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use quinn::{
    AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, ServerConfig, TokioRuntime, UdpPoller,
    udp::{RecvMeta, Transmit},
};
use tokio::time::Instant;

use self::{flight::Datagram, state::State};
use crate::{Counters, Profile};

/// A QUIC endpoint on a bad network: what it sends and what it receives both take the profile.
///
/// # Errors
///
/// Whatever the system says of the socket, and that there is no Tokio runtime.
pub fn endpoint(
    config: EndpointConfig,
    server: Option<ServerConfig>,
    socket: std::net::UdpSocket,
    profile: &Profile,
) -> io::Result<Endpoint> {
    tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    let socket = TokioRuntime.wrap_udp_socket(socket)?;
    let socket = Arc::new(LinkedSocket::new(socket, profile));
    Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
}

/// A UDP socket of [`quinn`] on a bad network.
///
/// Every remote address has two [`Link`](crate::Link)s of its own, one for each direction, whose
/// seeds come from that of the profile and from the order in which the addresses appear.
///
/// The socket has no task: it moves when the endpoint that owns it polls for datagrams, so an
/// endpoint that is dropped takes along what it has under way. Times are as fine as the timers of
/// Tokio: a datagram may come up to a millisecond late, and never early. Batches are split, so
/// that every datagram has its own fate, and markings for congestion (ECN) are kept.
///
/// Sending never waits. What would be too much under way is dropped and counted.
pub struct LinkedSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    started: Instant,
    state: Mutex<State>,
}

impl LinkedSocket {
    /// Puts a socket on a bad network.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with a clock.
    pub fn new(socket: Arc<dyn AsyncUdpSocket>, profile: &Profile) -> Self {
        let started = Instant::now();
        Self {
            state: Mutex::new(State::new(&socket, profile, started)),
            socket,
            started,
        }
    }

    /// What became of the datagrams so far.
    pub fn counters(&self) -> SocketCounters {
        self.lock().counters()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncUdpSocket for LinkedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let now = self.now();
        let mut state = self.lock();
        let segment_bytes = transmit
            .segment_size
            .unwrap_or(transmit.contents.len())
            .max(1);
        for segment in transmit.contents.chunks(segment_bytes) {
            let datagram = Datagram {
                peer: transmit.destination,
                local: transmit.src_ip,
                ecn: transmit.ecn,
                bytes: Bytes::copy_from_slice(segment),
            };
            state.sending.enter(now, &datagram);
        }
        state.flush(now, &*self.socket);
        state.wake_driver_if_late();
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        loop {
            state.poll_flush(cx, self.now(), &*self.socket)?;
            state.poll_fill(cx, self.now(), &*self.socket)?;
            let count = state.deliver(self.now(), bufs, meta);
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
            if state.poll_due(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl fmt::Debug for LinkedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedSocket")
            .field("socket", &self.socket)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

/// What became of the datagrams of a socket.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SocketCounters {
    /// Datagrams sent.
    pub sent: Counters,
    /// Datagrams received, counted when they come in from the real network.
    pub received: Counters,
    /// Datagrams and copies that were dropped because too much was under way.
    pub overflowed: u64,
    /// Datagrams that the system refused to send, or that did not fit the buffer of the receiver.
    pub failed: u64,
}

/// Sending never waits.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
