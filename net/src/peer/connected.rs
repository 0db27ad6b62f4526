//! One connected client, shared by its readers and the thread that writes to it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tiltyard::{MatchId, Slot};
use tiltyard_proto::control;
use tokio::{sync::Notify, task::spawn_local, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Carrier, Lane, QUEUED_REQUESTS_MAX, RateLimits,
    datagrams::Datagrams,
    outbox::{NewestKey, Outbox, OutboxFull},
    rate::{FLOODING, Rates},
    reader::is_malformed,
};
use crate::{
    convert::{
        Datagram, Deliveries, Encoding, close_frame, goodbye_frame, match_handle_frame, ping_frame,
    },
    metrics::{End, Link, Traffic},
};

/// Bytes that may wait for a moment; a client that is further behind for longer is closed.
const OUTBOX_BYTES_SOFT_MAX: usize = 64 * 1024;
/// For how long more than that may wait.
const OUTBOX_SOFT_WAIT: Duration = Duration::from_secs(3);
/// What a client is told that does not read fast enough.
const SLOW_REASON: &str = "session outgoing queue full";
/// What a client is told that is not heard of.
const SILENT_REASON: &str = "i/o timeout";

/// One connected client. Lives on one network thread.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) carrier: Carrier,
    outbox: RefCell<Outbox>,
    /// What travels in datagrams, where there are any.
    pub(crate) datagrams: Datagrams,
    /// Where the world sends messages for it.
    pub(crate) slot: Slot,
    /// Places for requests.
    pub(crate) requests: Arc<Lane>,
    /// Places for match data that waits for a tick.
    pub(crate) inputs: Arc<Lane>,
    /// Places for match data that came in datagrams.
    pub(crate) datagram_inputs: Arc<Lane>,
    /// How fast it sends.
    pub(super) rates: Rates,
    /// When something must have been heard again.
    pub(crate) heard_by: Cell<Instant>,
    /// When the next ping is due.
    pub(crate) ping_at: Cell<Instant>,
    /// Since when more waits than should.
    behind_since: Cell<Option<Instant>>,
    writing: Cell<bool>,
    /// Told when the last word is written.
    written: Notify,
    /// Something new is in the outbox, and the thread knows.
    touched: Cell<bool>,
    stage: Cell<Stage>,
    /// Why it ended, as far as anybody knows.
    end: Cell<End>,
    /// Cancelled when nobody is to wait for this client any more.
    pub(crate) stopped: CancellationToken,
    timing: Timing,
}

/// How far a connection is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The client has ended the connection. Nothing reaches it; what it said before is read to the end.
    Left,
    /// A closing frame was sent; the client's is awaited until then.
    Closing {
        until: Instant,
    },
    Gone,
}

impl Peer {
    pub(crate) fn new(
        carrier: Carrier,
        slot: Slot,
        inputs_max: u32,
        rates: RateLimits,
        timing: Timing,
    ) -> Self {
        let now = Instant::now();
        Self {
            carrier,
            outbox: RefCell::default(),
            datagrams: Datagrams::default(),
            slot,
            requests: Arc::new(Lane::new(QUEUED_REQUESTS_MAX)),
            inputs: Arc::new(Lane::new(inputs_max)),
            datagram_inputs: Arc::new(Lane::new(inputs_max)),
            rates: Rates::new(rates, now),
            heard_by: Cell::new(now + timing.pong_wait),
            ping_at: Cell::new(now + timing.ping_period),
            behind_since: Cell::default(),
            writing: Cell::default(),
            written: Notify::new(),
            touched: Cell::default(),
            stage: Cell::new(Stage::Open),
            end: Cell::new(End::Lost),
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

    /// Whether a task waits for the carrier to take more.
    pub(super) const fn is_writing(&self) -> bool {
        self.writing.get()
    }

    /// Whether what the client said counts.
    pub(super) const fn is_heard(&self) -> bool {
        matches!(self.stage.get(), Stage::Open | Stage::Left)
    }

    /// Puts a frame into the outbox. What a closing client should still have received is lost.
    ///
    /// One with a key takes the place of the last with that key, if that waits still.
    pub(crate) fn enqueue(self: &Rc<Self>, frame: Bytes, newest: Option<NewestKey>) {
        if !self.is_open() {
            return;
        }
        let pushed = self.outbox.borrow_mut().push(frame.clone(), newest);
        if pushed.is_ok() {
            return;
        }
        // A burst fills the outbox of a client that keeps up perfectly; only the socket can tell.
        self.flush();
        let pushed = self.outbox.borrow_mut().push(frame, newest);
        if self.is_open() && pushed == Err(OutboxFull) {
            debug!(slot = ?self.slot, "closing a client that does not keep up");
            self.outbox.borrow_mut().clear_unsent();
            self.close(1000, SLOW_REASON);
        }
    }

    /// Puts match data aside that leaves in a datagram.
    pub(crate) fn enqueue_datagram(&self, datagram: &Datagram) {
        if !self.is_open() {
            return;
        }
        if !self.datagrams.knows(datagram.match_id) {
            // The client has not joined, as far as this thread has heard.
            self.announce(
                datagram.match_id,
                &datagram.match_id.to_string().into(),
                &[],
            );
        }
        self.datagrams.push(datagram.clone());
    }

    /// Gives a match a short name for datagrams and tells the client, who is about to hear that it joined.
    pub(crate) fn announce(&self, match_id: MatchId, text: &Arc<str>, deliveries: Deliveries) {
        if self.carrier.quic().is_none() || !self.is_open() {
            return;
        }
        let handle = self.datagrams.bind(match_id, text.clone(), deliveries);
        self.outbox
            .borrow_mut()
            .push_anyway(match_handle_frame(handle, text));
    }

    /// Notes that the outbox has something new. Returns whether that is news.
    pub(crate) fn mark_touched(&self) -> bool {
        !self.touched.replace(true)
    }

    /// Writes as much as the socket takes without waiting; a task of its own waits for the rest.
    pub(crate) fn flush(self: &Rc<Self>) {
        self.touched.set(false);
        if !self.writing.get() {
            self.write();
        }
        // What QUIC has of datagrams goes before what it has of streams, so they wait while the stream is
        // behind; what they say is replaced meanwhile.
        if let Some(quic) = self.carrier.quic()
            && self.is_open()
            && !self.writing.get()
        {
            self.datagrams.flush(&quic.session, self);
        }
    }

    fn write(self: &Rc<Self>) {
        match self.carrier.try_write(&self.outbox) {
            Ok(()) => self.written.notify_one(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writing.set(true);
                spawn_local(drive_writes(self.clone()));
            }
            Err(_) => self.lose(),
        }
    }

    /// Nothing can be written any more.
    fn lose(&self) {
        let left = self
            .carrier
            .quic()
            .is_some_and(|quic| quic.session.close_reason().is_some());
        if left && self.is_open() {
            self.end.set(End::Left);
            self.stage.set(Stage::Left);
            self.outbox.borrow_mut().clear();
        } else if !left {
            self.abandon();
        }
    }

    /// Says goodbye and waits for the client's.
    pub(crate) fn close(self: &Rc<Self>, code: u16, reason: &str) {
        if !self.is_open() {
            return;
        }
        self.flush();
        if !self.is_open() {
            return;
        }
        self.end.set(end_of(code, reason));
        self.stage.set(Stage::Closing {
            until: Instant::now() + self.timing.close_wait,
        });
        let frame = match self.carrier {
            Carrier::Socket(_) => close_frame(code, reason),
            Carrier::Quic(_) => goodbye_frame(code, reason),
        };
        self.outbox.borrow_mut().push_anyway(frame);
        self.flush();
        if self.carrier.quic().is_some() {
            spawn_local(take_leave(self.clone(), code, reason.to_owned()));
        }
    }

    /// Answers a ping of the client, when nothing else waits.
    pub(super) fn answer_ping(self: &Rc<Self>, frame: Bytes) {
        if self.is_open() {
            self.outbox.borrow_mut().set_pong(frame);
            self.flush();
        }
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
            self.end.set(End::Left);
        }
        self.stage.set(Stage::Gone);
    }

    /// Ends a QUIC connection whose client has said goodbye, or ended its stream. Does nothing if we said
    /// goodbye first: then it ends with our code.
    pub(super) fn close_connection(&self, code: u32, reason: &str) {
        if let Some(quic) = self.carrier.quic().filter(|_| self.is_open()) {
            self.stage.set(Stage::Gone);
            self.end.set(End::Left);
            quic.session.close(code, reason.as_bytes());
        }
    }

    /// Makes sure that a QUIC connection ends with its client, whoever else holds on to it.
    pub(crate) async fn end_connection(&self) {
        if let Some(quic) = self.carrier.quic() {
            if !matches!(self.stage.get(), Stage::Closing { .. }) {
                quic.session.close(control::code::OVER, b"");
            }
            let patience = self.timing.close_wait * 3;
            drop(tokio::time::timeout(patience, quic.session.closed()).await);
        }
    }

    /// Gives the connection up without a word.
    pub(crate) fn abandon(&self) {
        self.stage.set(Stage::Gone);
        self.outbox.borrow_mut().clear();
        if let Some(quic) = self.carrier.quic() {
            quic.session.close(1000, b"");
        }
        self.stopped.cancel();
    }

    /// Looks at the clock: pings a quiet client, gives up one that is silent, stuck or slow to close.
    pub(crate) fn check(self: &Rc<Self>, now: Instant) {
        match self.stage.get() {
            Stage::Gone | Stage::Left => {}
            // One over QUIC is bounded by whoever takes leave.
            Stage::Closing { until } if now >= until && self.carrier.socket().is_some() => {
                self.abandon();
            }
            Stage::Closing { .. } => {}
            Stage::Open => {
                self.check_speed(now);
                // QUIC knows by itself whether the other side is there.
                if let Some(quic) = self.carrier.quic() {
                    self.datagrams.watch_loss(&quic.session);
                } else if now >= self.heard_by.get() {
                    debug!(slot = ?self.slot, "closing a client that went silent");
                    self.close(1000, SILENT_REASON);
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

    /// Counts what became of this client's messages since it was last counted.
    pub(crate) fn count(&self, traffic: &Traffic) {
        let written = self.outbox.borrow_mut().take_written();
        traffic.sent_bytes(Link::of(self.slot), written);
        if self.carrier.quic().is_some() {
            traffic.datagrams(self.datagrams.take_fates());
        }
    }

    /// Bytes that wait for it.
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.outbox.borrow().bytes()
    }

    /// Why it ended, as far as anybody knows.
    pub(crate) const fn end(&self) -> End {
        self.end.get()
    }

    /// The client is alive: the deadline moves, and so does the next ping.
    pub(crate) fn heard(&self, now: Instant, timing: Timing) {
        self.heard_by.set(now + timing.pong_wait);
        self.ping_at.set(now + timing.ping_period);
    }
}

/// Why a client is gone that was told this.
fn end_of(code: u16, reason: &str) -> End {
    match (code, reason) {
        (_, SLOW_REASON) => End::Slow,
        (_, SILENT_REASON) => End::Silent,
        (1001, _) => End::Stopped,
        (1002 | 1009, _) => End::Malformed,
        _ if is_malformed(reason) => End::Malformed,
        _ if reason == FLOODING.reason => End::Flooded,
        _ => End::Closed,
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
        let write = poll_fn(|context| peer.carrier.poll_write(&peer.outbox, context));
        let wrote = tokio::select! {
            wrote = tokio::time::timeout(peer.timing.write_wait, write) => wrote,
            () = peer.stopped.cancelled() => break Ok(()),
        };
        match wrote {
            Ok(Ok(())) => {}
            Ok(Err(error)) => break Err(error),
            Err(late) => break Err(late.into()),
        }
        peer.outbox.borrow_mut().prepare();
        if peer.outbox.borrow().is_empty() {
            break Ok(());
        }
    };
    peer.writing.set(false);
    peer.written.notify_one();
    // Datagrams have waited until the stream got on.
    if peer.is_open() {
        peer.flush();
    }
    if let Err(error) = outcome {
        debug!(slot = ?peer.slot, %error, "giving up a client whose socket takes nothing");
        peer.lose();
    }
}

/// Ends a QUIC connection when the client has heard the last word, or has had the time to.
async fn take_leave(peer: Rc<Peer>, code: u16, reason: String) {
    let Some(quic) = peer.carrier.quic() else {
        return;
    };
    let heard = async {
        while !peer.outbox.borrow().is_empty() {
            peer.written.notified().await;
        }
        quic.finish().await;
    };
    // A client that does not listen hears it with the end of the connection, if at all.
    drop(tokio::time::timeout(peer.timing.close_wait, heard).await);
    quic.session.close(u32::from(code), reason.as_bytes());
    // A browser is told by a stream of HTTP/3 first, which takes as long as it takes to get there.
    drop(tokio::time::timeout(peer.timing.close_wait, quic.session.closed()).await);
    peer.stage.set(Stage::Gone);
    peer.stopped.cancel();
}

#[cfg(test)]
mod tests;
