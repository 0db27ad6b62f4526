//! Datagrams that are under way.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};

/// A datagram, with what travels beside its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) ecn: Option<EcnCodepoint>,
    pub(crate) bytes: Bytes,
}

impl Datagram {
    pub(crate) fn transmit(&self) -> Transmit<'_> {
        Transmit {
            destination: self.peer,
            ecn: self.ecn,
            contents: &self.bytes,
            segment_size: None,
            src_ip: self.local,
        }
    }

    pub(crate) fn meta(&self) -> RecvMeta {
        RecvMeta {
            addr: self.peer,
            len: self.bytes.len(),
            stride: self.bytes.len(),
            ecn: self.ecn,
            dst_ip: self.local,
        }
    }

    /// Bytes as they count for the rate: with the headers of UDP and IP, not with those of the link
    /// below.
    pub(crate) fn packet_bytes(&self) -> usize {
        let header_bytes = if self.peer.is_ipv4() { 20 + 8 } else { 40 + 8 };
        self.bytes.len() + header_bytes
    }
}

/// Datagrams in the order in which they are due; those due together in the order of their coming.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    waiting: BinaryHeap<Reverse<Waiting>>,
    bytes: usize,
    entered: u64,
    overflowed: u64,
}

impl Flight {
    /// Keeps a datagram until it is due, unless too much is under way.
    pub(crate) fn push(&mut self, due: Duration, datagram: Datagram) {
        let bytes = self.bytes + datagram.bytes.len();
        if self.waiting.len() >= DATAGRAMS_MAX || bytes > BYTES_MAX {
            self.overflowed += 1;
            return;
        }
        self.bytes = bytes;
        self.entered += 1;
        self.waiting.push(Reverse(Waiting {
            due,
            number: self.entered,
            datagram,
        }));
    }

    /// The first datagram, if it is due.
    pub(crate) fn peek(&self, now: Duration) -> Option<&Datagram> {
        let Reverse(first) = self.waiting.peek()?;
        (first.due <= now).then_some(&first.datagram)
    }

    /// Takes the first datagram out.
    pub(crate) fn pop(&mut self) {
        if let Some(Reverse(first)) = self.waiting.pop() {
            self.bytes -= first.datagram.bytes.len();
        }
    }

    /// When the first datagram is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.waiting.peek().map(|Reverse(first)| first.due)
    }

    /// Datagrams that were dropped because too much was under way.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

#[derive(Debug)]
struct Waiting {
    due: Duration,
    number: u64,
    datagram: Datagram,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// A thousand players at 60 datagrams a second keep a tenth of a second of delay under way.
const DATAGRAMS_MAX: usize = 8192;
/// All of those with full packets.
const BYTES_MAX: usize = DATAGRAMS_MAX * 1500;

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(bytes: &'static [u8]) -> Datagram {
        Datagram {
            peer: ([10, 0, 0, 1], 7).into(),
            local: None,
            ecn: None,
            bytes: Bytes::from_static(bytes),
        }
    }

    #[test]
    fn datagrams_leave_when_due_and_equals_in_order() {
        let mut flight = Flight::default();
        for (ms, bytes) in [(20, b"c"), (10, b"a"), (10, b"b")] {
            flight.push(Duration::from_millis(ms), datagram(bytes));
        }
        assert_eq!(flight.next_due(), Some(Duration::from_millis(10)));
        assert!(flight.peek(Duration::from_millis(9)).is_none());
        for bytes in [b"a", b"b", b"c"] {
            let first = flight.peek(Duration::from_millis(20)).unwrap();
            assert_eq!(&*first.bytes, bytes);
            flight.pop();
        }
        assert_eq!((flight.next_due(), flight.bytes), (None, 0));
    }

    #[test]
    fn what_is_under_way_is_bounded_in_number_and_bytes() {
        let mut flight = Flight::default();
        for _ in 0..DATAGRAMS_MAX + 3 {
            flight.push(Duration::ZERO, datagram(b"a"));
        }
        assert_eq!(flight.overflowed(), 3);

        let mut flight = Flight::default();
        let large = datagram(&[0; 60_000]);
        for _ in 0..BYTES_MAX / 60_000 + 3 {
            flight.push(Duration::ZERO, large.clone());
        }
        assert_eq!(flight.overflowed(), 3);
    }
}
