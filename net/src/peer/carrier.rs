//! The socket of one client, shared by its reader and the thread that writes to it.

use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tiltyard::Slot;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::spawn_local,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Lane, QUEUED_REQUESTS_MAX,
    outbox::{Outbox, OutboxFull},
};
use crate::convert::{Encoding, close_frame, ping_frame};

/// Bytes that may wait for a moment; a client that is further behind for longer is closed.
const OUTBOX_BYTES_SOFT_MAX: usize = 64 * 1024;
/// For how long more than that may wait.
const OUTBOX_SOFT_WAIT: Duration = Duration::from_secs(3);
/// What a client is told that does not read fast enough.
const SLOW_REASON: &str = "session outgoing queue full";

/// One connected client. Lives on one network thread.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    outbox: RefCell<Outbox>,
    /// Where the world sends messages for it.
    pub(crate) slot: Slot,
    /// Places for requests.
    pub(crate) requests: Arc<Lane>,
    /// Places for match data that waits for a tick.
    pub(crate) inputs: Arc<Lane>,
    /// When something must have been heard again.
    pub(crate) heard_by: Cell<Instant>,
    /// When the next ping is due.
    pub(crate) ping_at: Cell<Instant>,
    /// Since when more waits than should.
    behind_since: Cell<Option<Instant>>,
    writing: Cell<bool>,
    /// Something new is in the outbox, and the thread knows.
    touched: Cell<bool>,
    stage: Cell<Stage>,
    /// Cancelled when nobody is to wait for this client any more.
    pub(crate) stopped: CancellationToken,
    timing: Timing,
}

/// How far a connection is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// A closing frame was sent; the client's is awaited until then.
    Closing {
        until: Instant,
    },
    Gone,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream, slot: Slot, inputs_max: u32, timing: Timing) -> Self {
        let now = Instant::now();
        Self {
            stream,
            outbox: RefCell::default(),
            slot,
            requests: Arc::new(Lane::new(QUEUED_REQUESTS_MAX)),
            inputs: Arc::new(Lane::new(inputs_max)),
            heard_by: Cell::new(now + timing.pong_wait),
            ping_at: Cell::new(now + timing.ping_period),
            behind_since: Cell::default(),
            writing: Cell::default(),
            touched: Cell::default(),
            stage: Cell::new(Stage::Open),
            stopped: CancellationToken::new(),
            timing,
        }
    }

    pub(crate) const fn encoding(&self) -> Encoding {
        Encoding::of(self.slot.encoding)
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage.get(), Stage::Open)
    }

    /// Puts a frame into the outbox. What a closing client should still have received is lost.
    pub(crate) fn enqueue(self: &Rc<Self>, frame: Bytes) {
        if !self.is_open() {
            return;
        }
        let pushed = self.outbox.borrow_mut().push(frame.clone());
        if pushed.is_ok() {
            return;
        }
        // A burst fills the outbox of a client that keeps up perfectly; only the socket can tell.
        self.flush();
        let pushed = self.outbox.borrow_mut().push(frame);
        if self.is_open() && pushed == Err(OutboxFull) {
            debug!(slot = ?self.slot, "closing a client that does not keep up");
            self.outbox.borrow_mut().clear_unsent();
            self.close(1000, SLOW_REASON);
        }
    }

    /// Notes that the outbox has something new. Returns whether that is news.
    pub(crate) fn mark_touched(&self) -> bool {
        !self.touched.replace(true)
    }

    /// Writes as much as the socket takes without waiting; a task of its own waits for the rest.
    pub(crate) fn flush(self: &Rc<Self>) {
        self.touched.set(false);
        if self.writing.get() {
            return;
        }
        match self.write_some() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writing.set(true);
                spawn_local(drive_writes(self.clone()));
            }
            Err(_) => self.abandon(),
        }
    }

    fn write_some(&self) -> io::Result<()> {
        loop {
            let mut outbox = self.outbox.borrow_mut();
            outbox.prepare();
            if outbox.is_empty() {
                return Ok(());
            }
            let written = {
                let (slices, count) = outbox.slices();
                self.stream.try_write_vectored(&slices[..count])?
            };
            outbox.advance(written);
        }
    }

    /// Sends a closing frame and waits for the client's.
    pub(crate) fn close(self: &Rc<Self>, code: u16, reason: &str) {
        if !self.is_open() {
            return;
        }
        self.stage.set(Stage::Closing {
            until: Instant::now() + self.timing.close_wait,
        });
        self.outbox
            .borrow_mut()
            .push_anyway(close_frame(code, reason));
        self.flush();
    }

    /// Answers the client's closing frame.
    pub(crate) fn close_in_answer(self: &Rc<Self>, code: Option<u16>) {
        if self.is_open() {
            let frame = code.map_or_else(
                || Bytes::from_static(&[0x88, 0]),
                |code| close_frame(code, ""),
            );
            self.outbox.borrow_mut().push_anyway(frame);
            self.flush();
        }
        self.stage.set(Stage::Gone);
    }

    /// Gives the connection up without a word.
    pub(crate) fn abandon(&self) {
        self.stage.set(Stage::Gone);
        self.outbox.borrow_mut().clear();
        self.stopped.cancel();
    }

    /// Looks at the clock: pings a quiet client, gives up one that is silent, stuck or slow to close.
    pub(crate) fn check(self: &Rc<Self>, now: Instant) {
        match self.stage.get() {
            Stage::Gone => {}
            Stage::Closing { until } if now >= until => self.abandon(),
            Stage::Closing { .. } => {}
            Stage::Open => {
                self.check_speed(now);
                if now >= self.heard_by.get() {
                    debug!(slot = ?self.slot, "closing a client that went silent");
                    self.close(1000, "i/o timeout");
                } else if now >= self.ping_at.get() {
                    self.ping_at.set(now + self.timing.ping_period);
                    self.outbox.borrow_mut().push_anyway(ping_frame());
                    self.flush();
                }
            }
        }
    }

    fn check_speed(self: &Rc<Self>, now: Instant) {
        if self.outbox.borrow().bytes() <= OUTBOX_BYTES_SOFT_MAX {
            self.behind_since.set(None);
            return;
        }
        let since = self.behind_since.get().unwrap_or(now);
        self.behind_since.set(Some(since));
        if now >= since + OUTBOX_SOFT_WAIT {
            debug!(slot = ?self.slot, "closing a client that stays behind");
            self.close(1000, SLOW_REASON);
        }
    }

    /// The client is alive: the deadline moves, and so does the next ping.
    pub(crate) fn heard(&self, now: Instant, timing: Timing) {
        self.heard_by.set(now + timing.pong_wait);
        self.ping_at.set(now + timing.ping_period);
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) ping_period: Duration,
    pub(crate) pong_wait: Duration,
    pub(crate) write_wait: Duration,
    pub(crate) close_wait: Duration,
}

/// Writes the outbox of a socket that was full, until it is empty, broken, or takes nothing for too long.
///
/// It outlives the client's place in the table only as long as the socket goes on taking something.
async fn drive_writes(peer: Rc<Peer>) {
    let outcome = loop {
        let ready = tokio::select! {
            ready = tokio::time::timeout(peer.timing.write_wait, peer.stream.writable()) => ready,
            () = peer.stopped.cancelled() => break Ok(()),
        };
        match ready {
            Ok(Ok(())) => {}
            Ok(Err(error)) => break Err(error),
            Err(late) => break Err(late.into()),
        }
        match peer.write_some() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => break outcome,
        }
    };
    peer.writing.set(false);
    if let Err(error) = outcome {
        debug!(slot = ?peer.slot, %error, "giving up a client whose socket takes nothing");
        peer.abandon();
    }
}

/// The socket as the WebSocket library sees it: it reads from the socket and writes to the outbox.
#[derive(Debug)]
pub(super) struct Carrier(pub(super) Rc<Peer>);

impl AsyncRead for Carrier {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(context))?;
            match self.0.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Carrier {
    /// Only control frames come this way, so there is never much; written at once, because the last one
    /// of a connection is not flushed.
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.0.is_open() {
            self.0
                .outbox
                .borrow_mut()
                .set_pong(Bytes::copy_from_slice(bytes));
            self.0.flush();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
