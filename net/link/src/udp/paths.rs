//! A link for every peer of a socket.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::flight::{Datagram, Flight};
use crate::{Counters, Link, Profile};

/// One direction of a socket: what is under way, and a link for every peer.
///
/// The links are numbered, and their seeds derived, in the order in which the peers appear. Their
/// addresses would make no repeatable seed: clients get other ports every time.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) flight: Flight,
    profile: Profile,
    links: BTreeMap<SocketAddr, PeerLink>,
    opened: u64,
    /// What the links counted that are forgotten.
    forgotten: Counters,
}

#[derive(Debug)]
struct PeerLink {
    link: Link,
    used_at: Duration,
}

impl Paths {
    pub(crate) fn new(profile: Profile) -> Self {
        Self {
            flight: Flight::default(),
            profile,
            links: BTreeMap::new(),
            opened: 0,
            forgotten: Counters::default(),
        }
    }

    /// Sends a datagram on its way over the link of its peer.
    pub(crate) fn enter(&mut self, now: Duration, datagram: &Datagram) {
        let link = self.link(now, datagram.peer);
        for due in link.send(now, datagram.packet_bytes()) {
            self.flight.push(due, datagram.clone());
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut total = self.forgotten;
        for peer in self.links.values() {
            total += peer.link.counters();
        }
        total
    }

    fn link(&mut self, now: Duration, peer: SocketAddr) -> &mut Link {
        if self.links.len() >= LINKS_MAX && !self.links.contains_key(&peer) {
            self.forget_the_stalest();
        }
        let (profile, opened) = (&self.profile, &mut self.opened);
        let peer = self.links.entry(peer).or_insert_with(|| {
            *opened += 1;
            PeerLink {
                link: Link::new(&profile.derive(*opened)),
                used_at: now,
            }
        });
        peer.used_at = now;
        &mut peer.link
    }

    fn forget_the_stalest(&mut self) {
        let stalest = self.links.iter().min_by_key(|(_, peer)| peer.used_at);
        let Some((&address, _)) = stalest else {
            return;
        };
        if let Some(peer) = self.links.remove(&address) {
            self.forgotten += peer.link.counters();
        }
    }
}

/// Peers that have a link of their own. One more takes the place of the one that was silent for
/// longest.
const LINKS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn from(client: u16) -> Datagram {
        Datagram {
            peer: ([127, 0, 0, 1], client).into(),
            local: None,
            ecn: None,
            bytes: Bytes::from_static(b"steer"),
        }
    }

    /// Which of its datagrams the first client gets through, with others in between or not.
    fn arrivals(others: u16) -> Vec<bool> {
        let mut paths = Paths::new("loss=50%,seed=7".parse().unwrap());
        (0..200)
            .map(|_| {
                let lost = paths.counters().lost;
                paths.enter(Duration::ZERO, &from(1));
                let arrived = paths.counters().lost == lost;
                (0..others).for_each(|other| paths.enter(Duration::ZERO, &from(2 + other)));
                arrived
            })
            .collect()
    }

    #[test]
    fn clients_do_not_change_the_fates_of_each_other() {
        assert_eq!(arrivals(0), arrivals(3));
    }

    #[test]
    fn clients_have_fates_of_their_own() {
        let fates = |client| {
            let mut paths = Paths::new("loss=50%,seed=7".parse().unwrap());
            paths.enter(Duration::ZERO, &from(1));
            (0..64)
                .map(|_| {
                    paths
                        .link(Duration::ZERO, from(client).peer)
                        .send(Duration::ZERO, 1)
                })
                .collect::<Vec<_>>()
        };
        assert_ne!(fates(1), fates(2));
    }

    #[test]
    fn the_client_silent_for_longest_makes_room_and_stays_counted() {
        let mut paths = Paths::new(Profile::default());
        for client in 0..5_000 {
            paths.enter(Duration::from_millis(client.into()), &from(client));
        }
        assert_eq!(paths.links.len(), LINKS_MAX);
        assert!(!paths.links.contains_key(&from(0).peer));
        assert!(paths.links.contains_key(&from(4_999).peer));
        assert_eq!(paths.counters().sent, 5_000);
    }
}
