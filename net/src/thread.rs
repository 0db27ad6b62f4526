//! One network thread: its share of the sockets, all their reading and all their writing.
//!
//! The world hands it one batch a pass. Frames go to the outboxes first and then to the sockets, so that
//! a client gets everything of a pass with one write.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use tiltyard::{Inbound, Opening, Slot, Transport};
use tokio::{net::TcpStream, sync::Notify, task::spawn_local, time::Instant};
use tracing::warn;

use crate::{
    auth::Sessions,
    convert::{Encoding, Frames},
    peer::{Peer, Peers, ReaderOptions, drive_peer, enqueue},
};

/// One thing that a network thread writes.
#[derive(Clone, Debug)]
pub(crate) enum Egress {
    /// A frame for one client.
    One {
        index: u32,
        generation: u32,
        frame: Bytes,
    },
    /// A frame for many, of whom some may be on other threads.
    Fanout { to: Arc<[Slot]>, frames: Frames },
    /// Every client is to be closed, and whoever still comes.
    CloseAll,
    /// A client is to be closed.
    Close {
        index: u32,
        generation: u32,
        reason: &'static str,
    },
}

/// Batches that may wait for a network thread: a second of passes.
const BATCHES_MAX: usize = 256;

/// The world's end of the way to one network thread.
#[derive(Debug)]
pub(crate) struct EgressSender {
    batches: Sender<Vec<Egress>>,
    ready: Arc<Notify>,
}

/// The thread's end.
#[derive(Debug)]
pub(crate) struct EgressReceiver {
    batches: Receiver<Vec<Egress>>,
    ready: Arc<Notify>,
}

/// The way from the world to one network thread.
pub(crate) fn egress_channel() -> (EgressSender, EgressReceiver) {
    let (sender, batches) = crossbeam_channel::bounded(BATCHES_MAX);
    let ready = Arc::new(Notify::new());
    (
        EgressSender {
            batches: sender,
            ready: ready.clone(),
        },
        EgressReceiver { batches, ready },
    )
}

impl EgressSender {
    /// Hands over what the thread is to write; gives it back if the thread is a second behind.
    pub(crate) fn try_send(&self, batch: Vec<Egress>) -> Result<(), Vec<Egress>> {
        match self.batches.try_send(batch) {
            Ok(()) => {
                self.ready.notify_one();
                Ok(())
            }
            Err(TrySendError::Full(batch)) => Err(batch),
            // The thread is gone, and its clients with it.
            Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }
}

/// What one network thread knows.
#[derive(Debug)]
pub(crate) struct NetThread {
    pub(crate) peers: RefCell<Peers>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) options: ReaderOptions,
    pub(crate) inputs_max: u32,
    /// The server stops; new clients are told at once.
    pub(crate) stopping: Cell<bool>,
}

/// How often clients are looked after: pings, deadlines, slow ones.
const CHECK_PERIOD: Duration = Duration::from_millis(250);

impl NetThread {
    /// Serves a client from the end of its handshake to the end of its connection.
    ///
    /// `opening` says who it is; the slot in it is set here.
    pub(crate) async fn serve(
        self: Rc<Self>,
        stream: TcpStream,
        early: Vec<u8>,
        encoding: Encoding,
        opening: Opening,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "a socket cannot be set to send at once");
        }
        let slot = self
            .peers
            .borrow_mut()
            .reserve(encoding as u8, Transport::WebSocket);
        let peer = Rc::new(Peer::new(
            stream,
            slot,
            self.inputs_max,
            self.options.timing,
        ));
        self.peers.borrow_mut().insert(peer.clone());
        let seat = Seat {
            thread: self.clone(),
            slot,
        };
        if self.stopping.get() {
            peer.close(STOPPED_CODE, STOPPED_REASON);
        }
        enqueue(
            &self.options.queue,
            Inbound::Opened(Box::new(Opening { slot, ..opening })),
        )
        .await;
        drive_peer(&peer, early, &self.options, &self.sessions).await;
        drop(seat);
    }

    /// Writes what the world hands over, for ever.
    pub(crate) async fn drive_egress(self: Rc<Self>, egress: EgressReceiver) {
        let mut touched = Vec::new();
        loop {
            egress.ready.notified().await;
            let mut stop = false;
            for batch in egress.batches.try_iter() {
                let peers = self.peers.borrow();
                for entry in batch {
                    stop |= matches!(entry, Egress::CloseAll);
                    deliver(&peers, entry, &mut touched);
                }
            }
            for peer in touched.drain(..) {
                peer.flush();
            }
            if stop {
                self.stopping.set(true);
                for peer in self.peers.borrow().iter() {
                    peer.close(STOPPED_CODE, STOPPED_REASON);
                }
            }
        }
    }

    /// Looks after clients, for ever.
    pub(crate) async fn drive_checks(self: Rc<Self>) {
        let mut period = tokio::time::interval(CHECK_PERIOD);
        loop {
            period.tick().await;
            let now = Instant::now();
            let peers: Vec<Rc<Peer>> = self.peers.borrow().iter().cloned().collect();
            for peer in peers {
                peer.check(now);
            }
        }
    }

    /// Waits until every client has gone, or this long.
    pub(crate) async fn wait_until_empty(&self, wait: Duration) {
        let deadline = Instant::now() + wait;
        while Instant::now() < deadline && self.peers.borrow().iter().next().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A client's place, given back, and the world told, however its connection ends.
struct Seat {
    thread: Rc<NetThread>,
    slot: Slot,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.thread.peers.borrow_mut().remove(self.slot);
        let closed = Inbound::Closed { slot: self.slot };
        if let Err(TrySendError::Full(closed)) = self.thread.options.queue.try_send(closed) {
            let queue = self.thread.options.queue.clone();
            spawn_local(async move { enqueue(&queue, closed).await });
        }
    }
}

/// What clients are told when the server stops.
const STOPPED_CODE: u16 = 1001;
const STOPPED_REASON: &str = "server is shutting down";

fn deliver(peers: &Peers, entry: Egress, touched: &mut Vec<Rc<Peer>>) {
    match entry {
        Egress::One {
            index,
            generation,
            frame,
        } => {
            if let Some(peer) = peers.get(index, generation) {
                peer.enqueue(frame);
                touch(touched, peer);
            }
        }
        Egress::Fanout { to, frames } => {
            for slot in to.iter().filter(|slot| slot.thread == peers.thread()) {
                let Some(peer) = peers.get(slot.index, slot.generation) else {
                    continue;
                };
                if let Some(frame) = frames.get(peer.encoding()) {
                    peer.enqueue(frame.clone());
                    touch(touched, peer);
                }
            }
        }
        // Closed when everything before it is written.
        Egress::CloseAll => {}
        Egress::Close {
            index,
            generation,
            reason,
        } => {
            if let Some(peer) = peers.get(index, generation) {
                peer.close(1000, reason);
            }
        }
    }
}

/// Remembers whose outbox has something new; a peer that is flushed twice is written once.
fn touch(touched: &mut Vec<Rc<Peer>>, peer: &Rc<Peer>) {
    if peer.mark_touched() {
        touched.push(peer.clone());
    }
}
