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
use tiltyard::{Inbound, MatchId, Opening, Slot, Transport};
use tokio::{net::TcpStream, sync::Notify, task::spawn_local, time::Instant};
use tracing::{debug, warn};

use crate::{
    auth::Sessions,
    convert::{Datagram, Deliveries, Encoding, Frames, welcome_frame},
    listen::Greeted,
    metrics::Link,
    peer::{
        Carrier, NewestKey, Peer, Peers, QuicCarrier, ReaderOptions, drive_control,
        drive_websocket, enqueue,
    },
};

/// One thing that a network thread writes.
#[derive(Clone, Debug)]
pub(crate) enum Egress {
    /// A frame for one client.
    One {
        index: u32,
        generation: u32,
        frame: Bytes,
        newest: Option<NewestKey>,
    },
    /// Match data for one client, in a datagram.
    Datagram {
        index: u32,
        generation: u32,
        datagram: Datagram,
    },
    /// What datagrams call a match that a client joins.
    Announce {
        index: u32,
        generation: u32,
        match_id: MatchId,
        text: Arc<str>,
        deliveries: Deliveries,
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
    /// Serves the client of a WebSocket from the end of its handshake to the end of its connection.
    ///
    /// `early` is what arrived together with the handshake; `opening` says who it is, and the slot in it
    /// is set here.
    pub(crate) async fn serve_websocket(
        self: Rc<Self>,
        stream: TcpStream,
        early: Vec<u8>,
        encoding: Encoding,
        opening: Opening,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "a socket cannot be set to send at once");
        }
        let carrier = Carrier::Socket(stream);
        let (peer, seat) = self.seat(carrier, encoding, Transport::WebSocket);
        self.open(&peer, opening).await;
        drive_websocket(&peer, early, &self.options, &self.sessions).await;
        drop(seat);
    }

    /// Serves the client of a QUIC connection, whose first message was read, until its end.
    pub(crate) async fn serve_quic(self: Rc<Self>, greeted: Greeted, transport: Transport) {
        let Greeted {
            session,
            send,
            receive,
            frames,
            opening,
        } = greeted;
        let session_id = opening.session_id.0.to_string();
        let carrier = Carrier::Quic(Box::new(QuicCarrier::new(session, send)));
        let (peer, seat) = self.seat(carrier, Encoding::Framed, transport);
        peer.enqueue(welcome_frame(&session_id), None);
        peer.flush();
        self.open(&peer, opening).await;
        drive_control(&peer, receive, frames, &self.options, &self.sessions).await;
        peer.end_connection().await;
        debug!(slot = ?peer.slot, counts = ?peer.datagrams.counts(), "a client with datagrams has gone");
        drop(seat);
    }

    /// Gives a client its place.
    fn seat(
        self: &Rc<Self>,
        carrier: Carrier,
        encoding: Encoding,
        transport: Transport,
    ) -> (Rc<Peer>, Seat) {
        let slot = self.peers.borrow_mut().reserve(encoding as u8, transport);
        let peer = Rc::new(Peer::new(
            carrier,
            slot,
            self.inputs_max,
            self.options.rates,
            self.options.timing,
        ));
        self.peers.borrow_mut().insert(peer.clone());
        self.options.traffic.opened(Link::of(slot));
        let seat = Seat {
            thread: self.clone(),
            peer: peer.clone(),
        };
        (peer, seat)
    }

    /// Tells the world of a client.
    async fn open(&self, peer: &Rc<Peer>, opening: Opening) {
        if self.stopping.get() {
            peer.close(STOPPED_CODE, STOPPED_REASON);
        }
        let slot = peer.slot;
        let opened = Inbound::Opened(Box::new(Opening { slot, ..opening }));
        enqueue(&self.options.queue, opened).await;
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
            let mut waiting_bytes = 0;
            for peer in peers {
                peer.check(now);
                peer.count(&self.options.traffic);
                waiting_bytes += peer.outbox_bytes();
            }
            self.options.traffic.set_outbox_bytes(waiting_bytes);
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
    peer: Rc<Peer>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let slot = self.peer.slot;
        self.thread.peers.borrow_mut().remove(slot);
        let traffic = &self.thread.options.traffic;
        self.peer.count(traffic);
        traffic.ended(Link::of(slot), self.peer.end());
        let closed = Inbound::Closed { slot };
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
            newest,
        } => {
            if let Some(peer) = peers.get(index, generation) {
                peer.enqueue(frame, newest);
                touch(touched, peer);
            }
        }
        Egress::Datagram {
            index,
            generation,
            datagram,
        } => {
            if let Some(peer) = peers.get(index, generation) {
                peer.enqueue_datagram(&datagram);
                touch(touched, peer);
            }
        }
        Egress::Announce {
            index,
            generation,
            match_id,
            text,
            deliveries,
        } => {
            if let Some(peer) = peers.get(index, generation) {
                peer.announce(match_id, &text, deliveries);
                touch(touched, peer);
            }
        }
        Egress::Fanout { to, frames } => {
            for slot in to.iter().filter(|slot| slot.thread == peers.thread()) {
                let Some(peer) = peers.get(slot.index, slot.generation) else {
                    continue;
                };
                if let Some(frame) = frames.get(peer.encoding()) {
                    peer.enqueue(frame.clone(), frames.newest);
                } else if let Some(datagram) = &frames.datagram {
                    peer.enqueue_datagram(datagram);
                }
                touch(touched, peer);
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
