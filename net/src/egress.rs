//! From the engine's outbox to the network threads: every message is encoded at most once a format.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tiltyard::{Event, Outbound, Recipients, Reply, Slot};
use tracing::warn;

use crate::{
    bridge::Calls,
    convert::{Encoding, Frames, event_to_datagram, event_to_frame, newest_key, reply_to_frame},
    metrics::Sent,
    peer::NewestKey,
    search_link::SearchLink,
    store_link::StoreLink,
    thread::{Egress, EgressSender},
};

/// Recipients up to which each gets an entry of its own; above that the list itself is handed over.
const LISTED_RECIPIENTS_MAX: usize = 16;
/// Entries that are kept for a network thread which is a second behind. Beyond them its clients lose
/// messages and are closed for it.
const CARRIED_ENTRIES_MAX: usize = 262_144;

/// How often, and how long apart, a network thread that is behind is told that the server stops.
const CLOSE_TRIES_MAX: u32 = 100;
const CLOSE_REST: Duration = Duration::from_millis(10);

/// What a client is told whose messages could not be kept.
const LOST_REASON: &str = "server could not keep up";

/// Hands what leaves the world to the network threads.
#[derive(Debug)]
pub(crate) struct EgressRouter {
    threads: Vec<Outlet>,
    calls: Arc<Calls>,
    store: StoreLink,
    search: SearchLink,
    sent: Arc<Sent>,
}

#[derive(Debug)]
struct Outlet {
    thread: u8,
    sender: EgressSender,
    batch: Vec<Egress>,
}

impl EgressRouter {
    pub(crate) fn new(
        senders: Vec<EgressSender>,
        calls: Arc<Calls>,
        store: StoreLink,
        search: SearchLink,
        sent: Arc<Sent>,
    ) -> Self {
        let threads = senders
            .into_iter()
            .zip(0..)
            .map(|(sender, thread)| Outlet {
                thread,
                sender,
                batch: Vec::new(),
            })
            .collect();
        Self {
            threads,
            calls,
            store,
            search,
            sent,
        }
    }

    /// Encodes what one pass has to say and hands it over, one batch a thread.
    pub(crate) fn send(&mut self, outbound: Vec<Outbound>) {
        for entry in outbound {
            match entry {
                Outbound::Reply { to, cid, reply } => {
                    self.sent.reply(&reply);
                    self.announce(to, &reply);
                    let frame = reply_to_frame(cid, reply, Encoding::of(to.encoding));
                    self.push(to, frame, None);
                }
                Outbound::Event { to, event } => {
                    self.sent.event(&event, to.as_slice().len());
                    self.push_event(&to, &event);
                }
                Outbound::Close { slot, reason } => {
                    if let Some(outlet) = self.threads.get_mut(usize::from(slot.thread)) {
                        let Slot {
                            index, generation, ..
                        } = slot;
                        outlet.batch.push(Egress::Close {
                            index,
                            generation,
                            reason,
                        });
                    }
                }
                Outbound::Answer { id, answer } => self.calls.complete(id, answer),
                Outbound::Store { id, request } => self.store.ask(id, request),
                Outbound::Search(search) => self.search.search(*search),
            }
        }
        self.store.tell_refused();
        for outlet in &mut self.threads {
            outlet.hand_over();
        }
    }

    /// Closes every client after everything else that was sent.
    pub(crate) fn close_all(&mut self) {
        for outlet in &mut self.threads {
            outlet.batch.push(Egress::CloseAll);
            for _ in 0..CLOSE_TRIES_MAX {
                outlet.hand_over();
                if outlet.batch.is_empty() {
                    break;
                }
                std::thread::sleep(CLOSE_REST);
            }
        }
    }

    /// Tells a client that joined a match, and may send datagrams, what they call it.
    fn announce(&mut self, to: Slot, reply: &Reply) {
        let Reply::Match(info) = reply else {
            return;
        };
        if !to.transport.has_datagrams() {
            return;
        }
        let match_id = info.match_id.id();
        let text = info.match_id.to_string().into();
        let deliveries = info.deliveries;
        self.push_entry(to, |index, generation| Egress::Announce {
            index,
            generation,
            match_id,
            text,
            deliveries,
        });
    }

    fn push(&mut self, slot: Slot, frame: Bytes, newest: Option<NewestKey>) {
        self.push_entry(slot, |index, generation| Egress::One {
            index,
            generation,
            frame,
            newest,
        });
    }

    fn push_entry(&mut self, slot: Slot, entry: impl FnOnce(u32, u32) -> Egress) {
        if let Some(outlet) = self.threads.get_mut(usize::from(slot.thread)) {
            outlet.batch.push(entry(slot.index, slot.generation));
        }
    }

    fn push_event(&mut self, to: &Recipients, event: &Event) {
        let slots = to.as_slice();
        let frames = frames_for(slots, event);
        match to {
            Recipients::Many(shared) if shared.len() > LISTED_RECIPIENTS_MAX => {
                for outlet in &mut self.threads {
                    outlet.batch.push(Egress::Fanout {
                        to: shared.clone(),
                        frames: frames.clone(),
                    });
                }
            }
            _ => {
                for slot in slots {
                    let encoding = Encoding::of(slot.encoding);
                    if let Some(frame) = frames.get(encoding) {
                        self.push(*slot, frame.clone(), frames.newest);
                    } else if let Some(datagram) = &frames.datagram {
                        let datagram = datagram.clone();
                        self.push_entry(*slot, |index, generation| Egress::Datagram {
                            index,
                            generation,
                            datagram,
                        });
                    }
                }
            }
        }
    }
}

/// The event in every encoding that somebody wants.
fn frames_for(slots: &[Slot], event: &Event) -> Frames {
    let mut frames = Frames {
        newest: newest_key(event),
        ..Frames::default()
    };
    for encoding in [Encoding::Json, Encoding::Protobuf, Encoding::Framed] {
        if !slots
            .iter()
            .any(|slot| Encoding::of(slot.encoding) == encoding)
        {
            continue;
        }
        if encoding == Encoding::Framed {
            frames.datagram = event_to_datagram(event);
            if frames.datagram.is_some() {
                continue;
            }
        }
        frames.set(encoding, event_to_frame(event, encoding));
    }
    frames
}

impl Outlet {
    /// Gives the batch to the thread, or keeps it for the next pass.
    fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let Err(batch) = self.sender.try_send(std::mem::take(&mut self.batch)) else {
            return;
        };
        if batch.len() <= CARRIED_ENTRIES_MAX {
            self.batch = batch;
            return;
        }
        warn!(
            entries = batch.len(),
            "a network thread is far behind; its clients are closed"
        );
        self.batch = closings(&batch, self.thread);
    }
}

/// Nobody loses a message without being told: who had one in the batch is closed.
fn closings(batch: &[Egress], thread: u8) -> Vec<Egress> {
    let mut lost: Vec<(u32, u32)> = batch
        .iter()
        .flat_map(|entry| match entry {
            Egress::One {
                index, generation, ..
            }
            | Egress::Announce {
                index, generation, ..
            }
            | Egress::Close {
                index, generation, ..
            } => {
                vec![(*index, *generation)]
            }
            // Datagrams may be lost.
            Egress::Datagram { .. } | Egress::CloseAll => Vec::new(),
            Egress::Fanout { to, .. } => to
                .iter()
                .filter(|slot| slot.thread == thread)
                .map(|slot| (slot.index, slot.generation))
                .collect(),
        })
        .collect();
    lost.sort_unstable();
    lost.dedup();
    let close = |(index, generation)| Egress::Close {
        index,
        generation,
        reason: LOST_REASON,
    };
    let ends = batch
        .iter()
        .filter(|entry| matches!(entry, Egress::CloseAll))
        .cloned();
    lost.into_iter().map(close).chain(ends).collect()
}
