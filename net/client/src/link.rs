//! An open connection: what comes in, what goes out, how it ends.
//!
//! ```text
//!            ┌─ Quic ──────┐
//! driver ◄───┤             ├─── Link::next: one thing at a time, on the driver's own task
//!            └─ WebSocket ─┘
//! driver ───► outbox (bounded) ───► writer, a task of its own: whole messages, in order
//! ```

mod quic;
mod websocket;

use std::time::Duration;

use bytes::Bytes;
use tiltyard_proto::{control, realtime::Envelope};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use quic::{Handshaken, QuicWire, handshake};
pub(crate) use websocket::{WebSocketWire, upgrade};

use crate::{
    connect::Relay,
    event::{Connection, Ended},
    stats::Stats,
};

/// Messages that wait for the network. What waits longer waits with the game, which is told when
/// that is full.
const OUTBOX_MESSAGES_MAX: usize = 64;

/// The longest message of a server. They have matches, parties and histories in them, and no limit
/// of their own.
const INCOMING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long an end may take: until the server has taken what was sent last, and has answered.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// An open connection.
pub(crate) struct Link {
    pub(crate) wire: Wire,
    pub(crate) outbox: mpsc::Sender<Outgoing>,
    writer: AbortOnDropHandle<()>,
    relay: Option<Relay>,
}

/// The half of a connection that reads.
pub(crate) enum Wire {
    Quic(Box<QuicWire>),
    WebSocket(WebSocketWire),
}

/// What the server sent.
pub(crate) enum Incoming {
    Envelope(Box<Envelope>),
    MatchHandle(control::MatchHandle),
    Datagram(Bytes),
    Ended(Ended),
}

/// What goes to the server, reliably.
pub(crate) enum Outgoing {
    /// In protobuf.
    Envelope(Vec<u8>),
    /// The last one.
    Goodbye { code: u16, reason: &'static str },
}

/// Why a connection was not opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The server does not take the token.
    Unauthorized,
    /// The server has answered, and does not want a session now.
    Refused(Ended),
    /// QUIC has shaken hands, and nothing came after that: some networks let no more through.
    Silent(Ended),
    /// Anything else.
    Ended(Ended),
}

impl OpenError {
    pub(crate) fn unreachable(error: impl ToString) -> Self {
        Self::Ended(Ended::Unreachable(error.to_string()))
    }

    /// Whether this comes from the server, which would say the same over anything else.
    pub(crate) const fn is_answer(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Refused(_))
    }

    /// What the game is told, if the session cannot be refreshed.
    pub(crate) fn into_ended(self) -> Ended {
        match self {
            Self::Unauthorized => Ended::SessionInvalid,
            Self::Refused(ended) | Self::Silent(ended) | Self::Ended(ended) => ended,
        }
    }
}

impl Wire {
    /// What the server sent next.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Incoming {
        match self {
            Self::Quic(wire) => wire.next().await,
            Self::WebSocket(wire) => wire.next().await,
        }
    }

    pub(crate) const fn connection(&self) -> Connection {
        match self {
            Self::Quic(_) => Connection::Quic,
            Self::WebSocket(_) => Connection::WebSocket,
        }
    }

    /// What the server calls this session, if it has said so.
    pub(crate) fn session_id(&self) -> Option<String> {
        match self {
            Self::Quic(wire) => Some(wire.session_id.clone()),
            Self::WebSocket(_) => None,
        }
    }

    /// Puts what the wire knows into `stats`, on top of what was there before it.
    pub(crate) fn measure(&self, stats: &mut Stats) {
        stats.transport = Some(self.connection());
        match self {
            Self::Quic(wire) => wire.measure(stats),
            Self::WebSocket(wire) => wire.measure(stats),
        }
    }
}

impl Link {
    /// Ends the connection for this reason. Takes a second at most.
    ///
    /// Unless it has ended already, what waits is sent, then a goodbye.
    pub(crate) async fn close(self, reason: &Ended) {
        let deadline = Instant::now() + CLOSE_DEADLINE;
        let Self {
            wire,
            outbox,
            mut writer,
            // Carries what follows.
            relay: _relay,
        } = self;
        if let Some((code, reason)) = goodbye(reason) {
            let goodbye = Outgoing::Goodbye { code, reason };
            let said = async {
                // A writer that is gone has lost its connection.
                drop(outbox.send(goodbye).await);
                drop((&mut writer).await);
            };
            if timeout_at(deadline, said).await.is_err() {
                tracing::debug!("the server does not take the goodbye");
            }
        }
        drop(writer);
        match (wire, reason) {
            (_, Ended::Lost(_)) => {}
            (Wire::Quic(wire), reason) => {
                let (code, reason) = last_word(reason);
                wire.close(code, reason, deadline).await;
            }
            (Wire::WebSocket(wire), _) => wire.close(deadline).await,
        }
    }
}

/// What the connection is closed with: the server's own words, or ours.
fn last_word(reason: &Ended) -> (u32, &str) {
    match (reason, goodbye(reason)) {
        (Ended::ByServer { code, reason }, _) => (*code, reason),
        (_, Some((code, reason))) => (code.into(), reason),
        (_, None) => (control::code::OVER, ""),
    }
}

/// What the server is told, if it does not know already.
const fn goodbye(reason: &Ended) -> Option<(u16, &'static str)> {
    Some(match reason {
        Ended::ByServer { .. } | Ended::Lost(_) => return None,
        Ended::Protocol(_) => (1002, "protocol error"),
        Ended::NotPolled => (1000, "the game does not listen"),
        _ => (1000, "closed by the client"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_closed_with_the_words_of_its_goodbye() {
        let by_server = Ended::ByServer {
            code: 1001,
            reason: "bye".into(),
        };
        assert_eq!(goodbye(&by_server), None, "it has said so itself");
        assert_eq!(last_word(&by_server), (1001, "bye"));
        let broken = Ended::Protocol("a bad frame".into());
        assert_eq!(last_word(&broken), (1002, "protocol error"));
        assert_eq!(last_word(&Ended::ByGame), (1000, "closed by the client"));
    }
}
