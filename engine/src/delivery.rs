//! How data of a match travels, and over what.

use std::fmt;

/// What may happen to data on its way.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Delivery {
    /// It arrives once and in order, however long that takes.
    #[default]
    Reliable,
    /// It may be lost, and may overtake other data, rather than wait for it. Where a connection cannot do
    /// that, it is reliable.
    Unreliable,
    /// As unreliable, and only the newest of an op code counts: what is older than what has arrived is
    /// dropped, and what still waits to leave gives way to what is newer. Data that is too long for a
    /// datagram (1,100 bytes) goes reliably and is not compared with what goes in datagrams: keep the
    /// messages of such an op code below that, or number them.
    Newest,
}

/// What a session is connected over.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// A WebSocket: everything is reliable.
    #[default]
    WebSocket,
    /// QUIC, with datagrams for what may be lost.
    Quic,
    /// The same from a browser.
    WebTransport,
}

impl Transport {
    /// Whether data may be lost rather than late.
    #[must_use]
    pub const fn has_datagrams(self) -> bool {
        !matches!(self, Self::WebSocket)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "websocket",
            Self::Quic => "quic",
            Self::WebTransport => "webtransport",
        })
    }
}

/// How a kind of match delivers its op codes, as [`MatchKind::DELIVERY`](crate::MatchKind::DELIVERY)
/// says.
pub(crate) type Deliveries = &'static [(i64, Delivery)];

/// How an op code is delivered: reliably, if nothing is said of it.
pub(crate) fn delivery_of(deliveries: &[(i64, Delivery)], op_code: i64) -> Delivery {
    deliveries
        .iter()
        .find(|(declared, _)| *declared == op_code)
        .map_or(Delivery::Reliable, |(_, delivery)| *delivery)
}
