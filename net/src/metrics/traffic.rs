//! What network threads count, each on its own, so that none waits for the cache of another.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use tiltyard::{RequestKind, Transport};

use super::counts::{Count, Described, closed_label, counts};
use crate::convert::Encoding;

/// What carries a client's messages, and in what form they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Link {
    SocketJson,
    SocketProtobuf,
    Quic,
    WebTransport,
}

impl Link {
    const ALL: [Self; 4] = [
        Self::SocketJson,
        Self::SocketProtobuf,
        Self::Quic,
        Self::WebTransport,
    ];

    pub(crate) const fn of(slot: tiltyard::Slot) -> Self {
        match (slot.transport, Encoding::of(slot.encoding)) {
            (Transport::Quic, _) => Self::Quic,
            (Transport::WebTransport, _) => Self::WebTransport,
            (Transport::WebSocket, Encoding::Json) => Self::SocketJson,
            (Transport::WebSocket, _) => Self::SocketProtobuf,
        }
    }

    const fn transport(self) -> (&'static str, &'static str) {
        let name = match self {
            Self::SocketJson | Self::SocketProtobuf => "websocket",
            Self::Quic => "quic",
            Self::WebTransport => "webtransport",
        };
        ("transport", name)
    }

    const fn labels(self) -> [(&'static str, &'static str); 2] {
        let format = match self {
            Self::SocketJson => "json",
            _ => "protobuf",
        };
        [self.transport(), ("format", format)]
    }
}

closed_label! {
    /// Why a connection ended.
    pub(crate) enum End {
        /// It broke, or ended without a word.
        Lost "lost",
        /// The client closed it.
        Left "left",
        /// The client did not take what was sent to it.
        Slow "slow",
        /// Nothing was heard of the client for too long.
        Silent "silent",
        /// The client said what is not of the protocol, or too much at once.
        Malformed "malformed",
        /// The client sent faster than it may, for too long.
        Flooded "flooded",
        /// The server stopped.
        Stopped "stopped",
        /// The world closed it: logged out, replaced, banned, sent away by game code.
        Closed "closed",
    }
}

closed_label! {
    /// What a reader waits for.
    pub(crate) enum Wait {
        /// A place for a request.
        Request "request",
        /// A place for match data.
        Input "input",
        /// Its turn: the client sends too fast.
        Rate "rate",
    }
}

closed_label! {
    /// What becomes of datagrams.
    pub(super) enum Fate {
        Sent "sent",
        Repeated "repeated",
        Replaced "replaced",
        Dropped "dropped",
        Received "received",
        Stale "stale",
        Refused "refused",
        Flooded "flooded",
    }
}

const KINDS: usize = RequestKind::ALL.len();

/// What one network thread counts.
#[derive(Debug)]
pub(crate) struct Traffic {
    opened: [Count; Link::ALL.len()],
    ended: [[Count; End::COUNT]; Link::ALL.len()],
    received: [Count; KINDS],
    received_bytes: [Count; Link::ALL.len()],
    sent_bytes: [Count; Link::ALL.len()],
    waits: [Count; Wait::COUNT],
    datagrams: [Count; Fate::COUNT],
    outbox_bytes: Count,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            opened: counts(),
            ended: std::array::from_fn(|_| counts()),
            received: counts(),
            received_bytes: counts(),
            sent_bytes: counts(),
            waits: counts(),
            datagrams: counts(),
            outbox_bytes: Count::default(),
        }
    }
}

/// How many datagrams had which fate, in the order of the label.
pub(crate) type Fates = [u64; Fate::COUNT];

impl Traffic {
    pub(crate) fn opened(&self, link: Link) {
        self.opened[link as usize].add(1);
    }

    pub(crate) fn ended(&self, link: Link, end: End) {
        self.ended[link as usize][end as usize].add(1);
    }

    /// A message of a client could be read.
    pub(crate) fn received(&self, kind: RequestKind) {
        self.received[kind as usize].add(1);
    }

    pub(crate) fn received_bytes(&self, link: Link, bytes: usize) {
        self.received_bytes[link as usize].add(bytes as u64);
    }

    pub(crate) fn sent_bytes(&self, link: Link, bytes: u64) {
        // Most clients are idle most of the time.
        if bytes > 0 {
            self.sent_bytes[link as usize].add(bytes);
        }
    }

    /// A reader has to wait for its client's place.
    pub(crate) fn waits(&self, wait: Wait) {
        self.waits[wait as usize].add(1);
    }

    pub(crate) fn datagrams(&self, fates: Fates) {
        let counts = self.datagrams.iter().zip(fates);
        for (count, more) in counts.filter(|(_, more)| *more > 0) {
            count.add(more);
        }
    }

    /// So much waits for all clients together.
    pub(crate) fn set_outbox_bytes(&self, bytes: usize) {
        self.outbox_bytes.set(bytes as u64);
    }
}

/// What all network threads count.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Vec<Arc<Traffic>>>);

impl Threads {
    pub(super) fn add(&self) -> Arc<Traffic> {
        let traffic = Arc::<Traffic>::default();
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(traffic.clone());
        traffic
    }

    fn sum(&self, count: impl Fn(&Traffic) -> &Count) -> u64 {
        let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(|traffic| count(traffic).get()).sum()
    }

    fn opened(&self, link: Link) -> u64 {
        self.sum(|traffic| &traffic.opened[link as usize])
    }

    fn ended(&self, link: Link, end: End) -> u64 {
        self.sum(|traffic| &traffic.ended[link as usize][end as usize])
    }

    /// Connections that ended, whatever carried them and why.
    pub(super) fn ended_in_all(&self) -> u64 {
        let pairs = Link::ALL.map(|link| End::ALL.iter().map(move |end| (link, *end)));
        let pairs = pairs.into_iter().flatten();
        pairs.map(|(link, end)| self.ended(link, end)).sum()
    }

    pub(super) fn opened_in_all(&self) -> u64 {
        Link::ALL.map(|link| self.opened(link)).iter().sum()
    }

    pub(super) fn received_in_all(&self) -> u64 {
        let kinds = 0..KINDS;
        kinds
            .map(|kind| self.sum(|traffic| &traffic.received[kind]))
            .sum()
    }

    pub(super) fn bytes_in_all(&self) -> (u64, u64) {
        let received = Link::ALL.map(|link| self.received_bytes(link));
        let sent = Link::ALL.map(|link| self.sent_bytes(link));
        (received.iter().sum(), sent.iter().sum())
    }

    fn received_bytes(&self, link: Link) -> u64 {
        self.sum(|traffic| &traffic.received_bytes[link as usize])
    }

    fn sent_bytes(&self, link: Link) -> u64 {
        self.sum(|traffic| &traffic.sent_bytes[link as usize])
    }

    /// Connections that are open. What ended is read first, so that it is never more than what was opened.
    fn open(&self, link: Link) -> u64 {
        let ended: u64 = End::ALL.iter().map(|end| self.ended(link, *end)).sum();
        self.opened(link).saturating_sub(ended)
    }

    fn encode_connections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let open = Described::new("sessions", "Open connections of clients");
        let series = Link::ALL.map(|link| (link.labels(), self.open(link)));
        open.gauge(encoder, series)?;
        let opened = Described::new("sessions_opened", "Connections of clients that were opened");
        let series = Link::ALL.map(|link| (link.labels(), self.opened(link)));
        opened.counter(encoder, series)?;
        let ended = Described::new("sessions_ended", "Connections that ended, by why they did");
        let series = Link::ALL.iter().flat_map(|link| {
            End::ALL.iter().map(move |end| {
                let [transport, format] = link.labels();
                let labels = [transport, format, ("reason", end.name())];
                (labels, self.ended(*link, *end))
            })
        });
        ended.counter(encoder, series)
    }

    fn encode_messages(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let received = Described::new(
            "messages_received",
            "Messages of clients over WebSockets and control streams that could be read",
        );
        let series = RequestKind::ALL.iter().map(|kind| {
            let count = self.sum(|traffic| &traffic.received[*kind as usize]);
            ([("kind", kind.name())], count)
        });
        received.counter(encoder, series)?;
        let bytes = Described::new(
            "received",
            "Bytes of messages of clients over WebSockets and control streams",
        )
        .in_bytes();
        let series = Link::ALL.map(|link| (link.labels(), self.received_bytes(link)));
        bytes.counter(encoder, series)?;
        let bytes = Described::new(
            "sent",
            "Bytes written to WebSockets and control streams, counted four times a second",
        );
        let series = Link::ALL.map(|link| (link.labels(), self.sent_bytes(link)));
        bytes.in_bytes().counter(encoder, series)
    }

    fn encode_waiting(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let waiting = Described::new(
            "outbox",
            "Bytes that wait for clients to take them, looked at four times a second",
        );
        let bytes = self.sum(|traffic| &traffic.outbox_bytes);
        let none: [(&str, &str); 0] = [];
        waiting.in_bytes().gauge(encoder, [(none, bytes)])?;
        let waits = Described::new(
            "quota_waits",
            "Messages that had to wait: their client had as many on their way as it may, or sent too fast",
        );
        let series = Wait::ALL.iter().map(|wait| {
            let count = self.sum(|traffic| &traffic.waits[*wait as usize]);
            ([("lane", wait.name())], count)
        });
        waits.counter(encoder, series)?;
        let datagrams = Described::new(
            "datagrams",
            "Datagrams by what became of them, counted four times a second",
        );
        let series = Fate::ALL.iter().map(|fate| {
            let count = self.sum(|traffic| &traffic.datagrams[*fate as usize]);
            ([("fate", fate.name())], count)
        });
        datagrams.counter(encoder, series)
    }
}

impl Collector for Threads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_connections(&mut encoder)?;
        self.encode_messages(&mut encoder)?;
        self.encode_waiting(&mut encoder)
    }
}
