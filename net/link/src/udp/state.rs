//! What moves in a socket.

use std::{
    io::{self, IoSliceMut},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use quinn::{AsyncUdpSocket, UdpPoller, udp::RecvMeta};
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use super::{SocketCounters, flight::Datagram, paths::Paths};
use crate::Profile;

pub(super) struct State {
    pub(super) sending: Paths,
    pub(super) receiving: Paths,
    writable: Pin<Box<dyn UdpPoller>>,
    /// Whether the receiving task waits for the real socket to take more.
    blocked: bool,
    /// Where the real socket writes datagrams before they start on their way.
    landing: Vec<u8>,
    started: Instant,
    timer: Pin<Box<Sleep>>,
    /// The time for which the timer is set, if it is.
    armed: Option<Duration>,
    /// The task that receives. It sends, too.
    driver: Option<Waker>,
    failed: u64,
}

impl State {
    pub(super) fn new(
        socket: &Arc<dyn AsyncUdpSocket>,
        profile: &Profile,
        started: Instant,
    ) -> Self {
        Self {
            sending: Paths::new(profile.derive(0)),
            receiving: Paths::new(profile.derive(1)),
            writable: socket.clone().create_io_poller(),
            blocked: false,
            landing: vec![0; BATCH_BYTES_MAX * BATCHES],
            started,
            timer: Box::pin(sleep_until(started)),
            armed: None,
            driver: None,
            failed: 0,
        }
    }

    pub(super) fn counters(&self) -> SocketCounters {
        SocketCounters {
            sent: self.sending.counters(),
            received: self.receiving.counters(),
            overflowed: self.sending.flight.overflowed() + self.receiving.flight.overflowed(),
            failed: self.failed,
        }
    }

    /// Sends what is due until the real socket takes no more, and tells whether that happened.
    pub(super) fn flush(&mut self, now: Duration, socket: &dyn AsyncUdpSocket) -> bool {
        while let Some(datagram) = self.sending.flight.peek(now) {
            match socket.try_send(&datagram.transmit()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) => {
                    debug!(peer = %datagram.peer, %error, "cannot send a datagram");
                    self.failed += 1;
                }
            }
            self.sending.flight.pop();
        }
        false
    }

    /// Sends what is due, and has the task woken when the real socket takes more.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        socket: &dyn AsyncUdpSocket,
    ) -> io::Result<()> {
        self.blocked = false;
        while self.flush(now, socket) {
            if self.writable.as_mut().poll_writable(cx)?.is_pending() {
                self.blocked = true;
                break;
            }
        }
        Ok(())
    }

    /// Starts what the real socket has received on its way here.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        socket: &dyn AsyncUdpSocket,
    ) -> io::Result<()> {
        for _ in 0..FILLS_MAX {
            match self.poll_receive(cx, now, socket) {
                Poll::Ready(result) => result?,
                Poll::Pending => return Ok(()),
            }
        }
        // There may be more, but others want to run as well.
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        now: Duration,
        socket: &dyn AsyncUdpSocket,
    ) -> Poll<io::Result<()>> {
        let mut metas = [RecvMeta::default(); BATCHES];
        let mut chunks = self.landing.chunks_mut(BATCH_BYTES_MAX);
        let mut bufs: [IoSliceMut<'_>; BATCHES] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let count = ready!(socket.poll_recv(cx, &mut bufs, &mut metas))?;
        for (meta, buf) in metas.iter().zip(&bufs).take(count) {
            for bytes in buf[..meta.len].chunks(meta.stride.max(1)) {
                let datagram = Datagram {
                    peer: meta.addr,
                    local: meta.dst_ip,
                    ecn: meta.ecn,
                    bytes: Bytes::copy_from_slice(bytes),
                };
                self.receiving.enter(now, &datagram);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Hands over what has arrived; returns how many datagrams that are.
    pub(super) fn deliver(
        &mut self,
        now: Duration,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> usize {
        let mut count = 0;
        let room = bufs.len().min(metas.len());
        while count < room
            && let Some(datagram) = self.receiving.flight.peek(now)
        {
            // As a real socket does, it has none of those that do not fit.
            if let Some(buf) = bufs[count].get_mut(..datagram.bytes.len()) {
                buf.copy_from_slice(&datagram.bytes);
                metas[count] = datagram.meta();
                count += 1;
            } else {
                self.failed += 1;
            }
            self.receiving.flight.pop();
        }
        count
    }

    /// Is ready when something is due in either direction, and has the task woken then.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self
            .driver
            .as_ref()
            .is_some_and(|it| it.will_wake(cx.waker()))
        {
            self.driver = Some(cx.waker().clone());
        }
        self.armed = self.next_due();
        let Some(due) = self.armed else {
            return Poll::Pending;
        };
        let deadline = self.started + due.min(FAR);
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx)
    }

    /// Has the receiving task look again if the timer would wake it too late for what was sent.
    pub(super) fn wake_driver_if_late(&mut self) {
        let Some(due) = self.sending.flight.next_due() else {
            return;
        };
        let in_time = self.armed.is_some_and(|armed| armed <= due);
        if !in_time
            && !self.blocked
            && let Some(driver) = &self.driver
        {
            driver.wake_by_ref();
        }
    }

    fn next_due(&self) -> Option<Duration> {
        let sending = self.sending.flight.next_due().filter(|_| !self.blocked);
        let receiving = self.receiving.flight.next_due();
        [sending, receiving].into_iter().flatten().min()
    }
}

/// The most that the system hands over at once: datagrams that it has put together, as large as
/// the largest IP packet.
const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Such batches to receive in one call.
const BATCHES: usize = 4;
/// Calls to receive before others get a turn.
const FILLS_MAX: usize = 16;
/// Longer than anything runs; clocks cannot count all that a [`Duration`] can.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
