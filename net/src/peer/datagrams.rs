//! What travels in datagrams to and from one client.
//!
//! ```text
//! match data ─► lane: newest wins, oldest goes ─► QUIC's own short queue ─► packets
//! packets ─► handle known? had it already? older than the newest? ─► match data
//! ```

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tiltyard::{Delivery, MatchId};
use tiltyard_proto::datagram::{self, DATAGRAM_BYTES_MAX};
use tokio::{task::spawn_local, time::Instant};
use web_transport_quinn::Session;

use super::{
    Peer,
    handles::{Handles, Received},
    loss::Loss,
};
use crate::{
    convert::{Datagram, Deliveries},
    metrics::Fates,
};

/// Bytes of datagrams that wait for a client whose connection takes no more at the moment.
const LANE_BYTES_MAX: usize = 32 * 1024;
/// Bytes that QUIC may hold itself before the rest waits in the lane, where newer data replaces older: three
/// packets, which is a third of a second at 100 kbit/s.
const QUEUED_BYTES_MAX: usize = 3 * DATAGRAM_BYTES_MAX;
/// What QUIC and WebTransport count for a datagram besides its bytes.
const OVERHEAD_BYTES: usize = 64;
/// Bytes that QUIC is allowed to hold; room for the largest datagram beyond the above.
pub(crate) const QUIC_QUEUE_BYTES: usize = QUEUED_BYTES_MAX + DATAGRAM_BYTES_MAX + OVERHEAD_BYTES;
/// How long after the first the second copy leaves of what may not be missed, on a connection that loses
/// packets. Long enough to be in another packet, and short beside a tick.
const COPY_AFTER: Duration = Duration::from_millis(4);

/// The datagrams of one client.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    lane: RefCell<Lane>,
    handles: RefCell<Handles>,
    copies: RefCell<Vec<Copy>>,
    /// A task sends copies.
    copying: Cell<bool>,
    loss: RefCell<Loss>,
    /// A task waits for room.
    waiting: Cell<bool>,
    counts: Cell<DatagramCounts>,
    /// Those of them that were handed on.
    told: Cell<DatagramCounts>,
}

/// How many datagrams of one client had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DatagramCounts {
    pub(crate) sent: u64,
    /// Second copies.
    pub(crate) repeated: u64,
    /// Gave way to newer data.
    pub(crate) replaced: u64,
    /// Did not fit into the lane.
    pub(crate) dropped: u64,
    pub(crate) received: u64,
    /// Were late, doubled or out of date.
    pub(crate) stale: u64,
    /// Could not be read, or named no match.
    pub(crate) refused: u64,
    /// Arrived faster than the match takes them, or than the client may send.
    pub(crate) flooded: u64,
}

impl DatagramCounts {
    /// The same in the order in which they are counted together.
    const fn fates(self) -> Fates {
        let Self {
            sent,
            repeated,
            replaced,
            dropped,
            received,
            stale,
            refused,
            flooded,
        } = self;
        [
            sent, repeated, replaced, dropped, received, stale, refused, flooded,
        ]
    }
}

/// A datagram that is sent once more.
#[derive(Debug)]
struct Copy {
    due: Instant,
    match_id: MatchId,
    op_code: i64,
    bytes: Bytes,
}

impl Datagrams {
    /// Whether the match has a short name on this connection.
    pub(super) fn knows(&self, match_id: MatchId) -> bool {
        self.handles.borrow().knows(match_id)
    }

    pub(super) fn bind(&self, match_id: MatchId, text: Arc<str>, deliveries: Deliveries) -> u32 {
        self.handles.borrow_mut().bind(match_id, text, deliveries)
    }

    pub(super) fn push(&self, datagram: Datagram) {
        let pushed = self.lane.borrow_mut().push(datagram);
        self.count(|counts| {
            counts.replaced += u64::from(pushed.replaced);
            counts.dropped += u64::from(pushed.dropped);
        });
    }

    /// What a datagram of the client says, unless it is to be dropped.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Received> {
        let read = datagram::read(bytes).ok();
        // Only servers say who sent something.
        let read = read.filter(|datagram| datagram.sender.is_none());
        let accepted = read.and_then(|datagram| self.handles.borrow_mut().accept(&datagram));
        self.count(|counts| match accepted {
            None => counts.refused += 1,
            Some(None) => counts.stale += 1,
            Some(Some(_)) => counts.received += 1,
        });
        accepted.flatten()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut DatagramCounts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }

    /// What became of datagrams since this was last asked.
    pub(super) fn take_fates(&self) -> Fates {
        let now = self.counts.get();
        let (now, told) = (now.fates(), self.told.replace(now).fates());
        std::array::from_fn(|fate| now[fate] - told[fate])
    }

    pub(crate) const fn counts(&self) -> DatagramCounts {
        self.counts.get()
    }

    /// Hands over what QUIC takes without queueing much; a task waits for room for the rest.
    pub(super) fn flush(&self, session: &Session, peer: &Rc<Peer>) {
        if self.waiting.get() {
            return;
        }
        loop {
            let Some(next) = self.lane.borrow().front_bytes() else {
                return;
            };
            let queued = QUIC_QUEUE_BYTES.saturating_sub(session.datagram_send_buffer_space());
            if queued + next > QUEUED_BYTES_MAX + OVERHEAD_BYTES {
                self.waiting.set(true);
                spawn_local(drive_lane(peer.clone()));
                return;
            }
            let Some(bytes) = self.pop(peer) else {
                return;
            };
            if session.send_datagram(bytes).is_err() {
                // The connection is at its end, which its reader learns as well.
                self.lane.borrow_mut().clear();
            }
        }
    }

    /// The next datagram as it goes on the wire; none if the lane is empty.
    fn pop(&self, peer: &Rc<Peer>) -> Option<Bytes> {
        let (match_id, body, handle, sequence) = loop {
            let popped = self.lane.borrow_mut().pop();
            let Datagram { match_id, body } = popped?;
            if let Some((handle, sequence)) = self.handles.borrow_mut().next_sequence(match_id) {
                break (match_id, body, handle, sequence);
            }
            // Its name was given up since.
            self.count(|counts| counts.dropped += 1);
        };
        let mut bytes = Vec::with_capacity(body.len() + 8);
        body.write(handle, sequence, &mut bytes);
        let bytes = Bytes::from(bytes);
        self.count(|counts| counts.sent += 1);
        if body.is_newest() && self.loss.borrow().is_noticeable() {
            let copy = Copy {
                due: Instant::now() + COPY_AFTER,
                match_id,
                op_code: body.op_code(),
                bytes: bytes.clone(),
            };
            self.keep_copy(copy, peer);
        }
        Some(bytes)
    }

    fn keep_copy(&self, copy: Copy, peer: &Rc<Peer>) {
        let mut copies = self.copies.borrow_mut();
        copies.retain(|kept| kept.match_id != copy.match_id || kept.op_code != copy.op_code);
        copies.push(copy);
        if !self.copying.replace(true) {
            spawn_local(drive_copies(peer.clone()));
        }
    }

    /// Sends the copies that are due. Gives the time of the next, if there is one.
    fn send_copies(&self, session: &Session) -> Option<Instant> {
        let now = Instant::now();
        let mut copies = self.copies.borrow_mut();
        copies.retain(|copy| {
            if copy.due > now {
                return true;
            }
            // Where packets wait, a second copy would only make them wait longer.
            let idle = session.datagram_send_buffer_space() + OVERHEAD_BYTES >= QUIC_QUEUE_BYTES;
            if idle && session.send_datagram(copy.bytes.clone()).is_ok() {
                self.count(|counts| counts.repeated += 1);
            }
            false
        });
        copies.iter().map(|copy| copy.due).min()
    }

    /// Notes how many packets were lost lately.
    pub(super) fn watch_loss(&self, session: &Session) {
        let path = quinn::Connection::stats(session).path;
        self.loss
            .borrow_mut()
            .note(path.sent_packets, path.lost_packets);
    }
}

/// Sends second copies until none is left.
async fn drive_copies(peer: Rc<Peer>) {
    if let Some(quic) = peer.carrier.quic() {
        let mut next = Some(Instant::now() + COPY_AFTER);
        while let Some(due) = next.filter(|_| peer.is_open()) {
            tokio::select! {
                () = tokio::time::sleep_until(due) => next = peer.datagrams.send_copies(&quic.session),
                () = peer.stopped.cancelled() => break,
            }
        }
    }
    peer.datagrams.copies.borrow_mut().clear();
    peer.datagrams.copying.set(false);
}

/// Sends what is in the lane whenever there is room, until nothing is left.
async fn drive_lane(peer: Rc<Peer>) {
    let Some(quic) = peer.carrier.quic() else {
        return;
    };
    // The stream goes first; whoever writes it flushes afterwards.
    while !peer.is_writing()
        && let Some(bytes) = peer.datagrams.pop(&peer)
    {
        let sent = tokio::select! {
            sent = quic.session.send_datagram_wait(bytes) => sent,
            () = peer.stopped.cancelled() => break,
        };
        if sent.is_err() {
            peer.datagrams.lane.borrow_mut().clear();
        }
    }
    peer.datagrams.waiting.set(false);
}

/// Datagrams in the order in which they leave.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Datagram>,
    bytes: usize,
}

/// What had to go when a datagram was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pushed {
    replaced: bool,
    dropped: u32,
}

impl Lane {
    /// Adds a datagram. One of which only the newest counts takes the place of the last of its kind;
    /// where there is no room, the oldest goes.
    fn push(&mut self, datagram: Datagram) -> Pushed {
        let mut pushed = Pushed::default();
        let length = datagram.body.len();
        let same = |waiting: &&mut Datagram| {
            waiting.body.is_newest()
                && waiting.match_id == datagram.match_id
                && waiting.body.op_code() == datagram.body.op_code()
        };
        if datagram.body.is_newest()
            && let Some(old) = self.waiting.iter_mut().find(same)
        {
            self.bytes = self.bytes + length - old.body.len();
            *old = datagram;
            pushed.replaced = true;
        } else {
            self.bytes += length;
            self.waiting.push_back(datagram);
        }
        while self.bytes > LANE_BYTES_MAX && self.waiting.len() > 1 {
            self.pop();
            pushed.dropped += 1;
        }
        pushed
    }

    fn pop(&mut self) -> Option<Datagram> {
        let datagram = self.waiting.pop_front()?;
        self.bytes -= datagram.body.len();
        Some(datagram)
    }

    fn front_bytes(&self) -> Option<usize> {
        self.waiting.front().map(|datagram| datagram.body.len())
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Whether only the newest of an op code counts, as its game declares.
pub(super) fn is_newest(deliveries: Deliveries, op_code: i64) -> bool {
    deliveries.contains(&(op_code, Delivery::Newest))
}

#[cfg(test)]
mod tests {
    use tiltyard_proto::datagram::Body;
    use uuid::Uuid;

    use super::*;

    fn datagram(op_code: i64, newest: bool, data: &[u8]) -> Datagram {
        Datagram {
            match_id: MatchId::relayed(Uuid::from_u128(1)),
            body: Body::new(op_code, newest, None, data),
        }
    }

    fn op_codes(lane: &Lane) -> Vec<i64> {
        lane.waiting
            .iter()
            .map(|datagram| datagram.body.op_code())
            .collect()
    }

    #[test]
    fn what_waits_gives_way_to_what_is_newer() {
        let mut lane = Lane::default();
        lane.push(datagram(1, true, b"old"));
        lane.push(datagram(2, false, b"other"));
        let pushed = lane.push(datagram(1, true, b"new and longer"));
        assert!(pushed.replaced);
        assert_eq!(op_codes(&lane), [1, 2]);
        let bytes: usize = lane
            .waiting
            .iter()
            .map(|datagram| datagram.body.len())
            .sum();
        assert_eq!(lane.bytes, bytes);
        lane.push(datagram(2, false, b"again"));
        assert_eq!(op_codes(&lane), [1, 2, 2], "each of these counts");
    }

    #[test]
    fn a_full_lane_drops_the_oldest() {
        let mut lane = Lane::default();
        let mut dropped = 0;
        for op_code in 0..40 {
            dropped += lane.push(datagram(op_code, false, &[0; 1000])).dropped;
        }
        let left = op_codes(&lane);
        assert_eq!(left.last(), Some(&39));
        assert_eq!(left.len() + dropped as usize, 40);
        assert!(lane.bytes <= LANE_BYTES_MAX && dropped > 0);
    }
}
