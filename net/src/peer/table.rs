//! The clients of one network thread.

use std::rc::Rc;

use tiltyard::{Slot, Transport};

use super::Peer;

/// Clients by place. A place that is used again has another generation, so that a message for whoever
/// was there before reaches nobody.
#[derive(Debug)]
pub(crate) struct Peers {
    thread: u8,
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Place {
    generation: u32,
    peer: Option<Rc<Peer>>,
}

impl Peers {
    pub(crate) const fn new(thread: u8) -> Self {
        Self {
            thread,
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Which thread this is.
    pub(crate) const fn thread(&self) -> u8 {
        self.thread
    }

    /// A place for a new client.
    pub(crate) fn reserve(&mut self, encoding: u8, transport: Transport) -> Slot {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let place = &mut self.places[index as usize];
        place.generation = place.generation.wrapping_add(1);
        Slot {
            thread: self.thread,
            encoding,
            transport,
            index,
            generation: place.generation,
        }
    }

    pub(crate) fn insert(&mut self, peer: Rc<Peer>) {
        let index = peer.slot.index as usize;
        self.places[index].peer = Some(peer);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        let Some(place) = self.places.get_mut(slot.index as usize) else {
            return;
        };
        if place.generation == slot.generation && place.peer.take().is_some() {
            self.free.push(slot.index);
        }
    }

    pub(crate) fn get(&self, index: u32, generation: u32) -> Option<&Rc<Peer>> {
        let place = self.places.get(index as usize)?;
        if place.generation == generation {
            place.peer.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Peer>> {
        self.places.iter().filter_map(|place| place.peer.as_ref())
    }
}
