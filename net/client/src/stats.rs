//! How a connection does.

use std::time::Duration;

use crate::event::Connection;

/// How a client does. Counts go on over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// What the connection goes over; `None` without one.
    pub transport: Option<Connection>,
    /// Time from here to the server and back: for QUIC its own smoothed measure, for a WebSocket that
    /// of the last ping.
    pub rtt: Option<Duration>,
    /// Datagrams with match data that were sent.
    pub datagrams_sent: u64,
    /// Datagrams that came, those included that were dropped.
    pub datagrams_received: u64,
    /// Datagrams of the server that are missing.
    pub datagrams_lost: u64,
    /// Datagrams dropped because they came twice.
    pub datagrams_duplicate: u64,
    /// Datagrams dropped because they came far too late to tell whether they came before.
    pub datagrams_late: u64,
    /// Datagrams dropped because something newer with their op code was there first.
    pub datagrams_outdated: u64,
    /// Datagrams dropped because they were none, or of an unknown match.
    pub datagrams_unknown: u64,
    /// QUIC packets of this client that got lost.
    pub packets_lost: u64,
    /// Bytes of UDP for QUIC, of messages for a WebSocket.
    pub bytes_in: u64,
    /// The same, sent.
    pub bytes_out: u64,
    /// Match data that was dropped because the game did not poll.
    pub events_dropped: u64,
    /// Match data that could be lost and was not sent, as there was no connection or too much waited.
    pub sends_dropped: u64,
    /// Connections that were opened.
    pub connections: u64,
}

impl Stats {
    /// What is left of it when the connection has ended.
    pub(crate) fn disconnected(self) -> Self {
        Self {
            transport: None,
            rtt: None,
            ..self
        }
    }
}
