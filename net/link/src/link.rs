//! One direction of a path.

use std::{array, iter::Flatten, ops::AddAssign, time::Duration};

use crate::{
    Profile,
    chance::{Chance, Fate},
};

/// One direction of a path that carries packets, without a clock and without the packets: told
/// when a packet is sent, it tells when that packet arrives.
///
/// A packet waits in the queue for the rate, then takes its time on the narrowest part of the path,
/// is lost there or not, takes delay and jitter, and may be held back or doubled at the end. So a
/// lost packet has used the rate, and a doubled one has not used it twice.
///
/// Times count from any start that suits, the same for all calls, and do not go back.
#[derive(Clone, Debug)]
pub struct Link {
    profile: Profile,
    chance: Chance,
    /// When all that was sent has passed the narrowest part.
    free_at: Duration,
    /// When the last packet arrives of those that keep their order.
    arrived_by: Duration,
    counters: Counters,
}

impl Link {
    /// An idle link that treats packets as the profile says.
    pub fn new(profile: &Profile) -> Self {
        Self {
            profile: *profile,
            chance: Chance::new(profile),
            free_at: Duration::ZERO,
            arrived_by: Duration::ZERO,
            counters: Counters::default(),
        }
    }

    /// Takes a packet of so many bytes, as they count for the rate, and tells when it arrives.
    pub fn send(&mut self, now: Duration, bytes: usize) -> Delivery {
        let fate = self.chance.draw();
        self.counters.sent += 1;
        let Some(departure) = self.depart(now, bytes) else {
            self.counters.queue_dropped += 1;
            return Delivery::NONE;
        };
        if fate.lost {
            self.counters.lost += 1;
            return Delivery::NONE;
        }
        self.arrive(departure, fate)
    }

    /// What became of the packets so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When the packet has passed the narrowest part, unless there is no room for it to wait. One
    /// that need not wait needs no room.
    fn depart(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let waits = self.free_at > now;
        if waits && self.backlog_bytes(now) + bytes as u128 > u128::from(self.profile.queue) {
            return None;
        }
        self.free_at = self
            .free_at
            .max(now)
            .saturating_add(self.profile.serialization(bytes));
        Some(self.free_at)
    }

    /// Bytes that have not passed the narrowest part, with what is left of the one passing it.
    fn backlog_bytes(&self, now: Duration) -> u128 {
        let rate = self.profile.rate.map_or(0, |rate| rate.get().into());
        self.free_at.saturating_sub(now).as_nanos() * rate / NANOS_PER_SECOND
    }

    fn arrive(&mut self, departure: Duration, fate: Fate) -> Delivery {
        let mut arrival = departure
            .saturating_add(self.profile.delay)
            .saturating_add(fate.jitter)
            .max(self.arrived_by);
        if fate.held {
            self.counters.reordered += 1;
            arrival = arrival.saturating_add(self.profile.hold);
        }
        let copy = fate
            .duplicated
            .then(|| arrival.saturating_add(fate.copy_jitter));
        if copy.is_some() {
            self.counters.duplicated += 1;
        }
        if !fate.held {
            self.arrived_by = copy.unwrap_or(arrival);
        }
        Delivery {
            arrival: Some(arrival),
            copy,
        }
    }
}

/// When a packet arrives: not at all, once or twice. Iterates over the times, in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Delivery {
    /// When the packet arrives, if it does.
    pub arrival: Option<Duration>,
    /// When it arrives for the second time, if it does.
    pub copy: Option<Duration>,
}

impl Delivery {
    const NONE: Self = Self {
        arrival: None,
        copy: None,
    };
}

impl IntoIterator for Delivery {
    type Item = Duration;
    type IntoIter = Flatten<array::IntoIter<Option<Duration>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        [self.arrival, self.copy].into_iter().flatten()
    }
}

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Packets that were handed to the link, whatever became of them.
    pub sent: u64,
    /// Packets that never arrive, by chance.
    pub lost: u64,
    /// Packets that found no room to wait for the rate.
    pub queue_dropped: u64,
    /// Packets that were held back, whether or not there were others to overtake them.
    pub reordered: u64,
    /// Packets that arrive twice.
    pub duplicated: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.lost += other.lost;
        self.queue_dropped += other.queue_dropped;
        self.reordered += other.reordered;
        self.duplicated += other.duplicated;
    }
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests;
