//! What a client tells its game.

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

use bytes::Bytes;
use thiserror::Error;
use tiltyard_proto::realtime::{self, envelope::Message};

use crate::session::Session;

/// One thing that happened, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The account is known. Answers [`authenticate`](crate::Client::authenticate).
    Authenticated {
        /// Which call this answers.
        request: RequestId,
        /// What to connect with, and to keep.
        session: Session,
    },
    /// The session has new tokens: whoever keeps it should keep this one.
    Refreshed {
        /// The session from here on.
        session: Session,
    },
    /// There is a connection.
    Connected {
        /// What it goes over.
        transport: Connection,
        /// UUID of the session on the server, as presences show it. A WebSocket does not tell.
        session_id: Option<String>,
        /// Attempts it took; 1 is the first.
        attempt: u32,
    },
    /// There is no connection, or an attempt has failed.
    Disconnected {
        /// Why.
        reason: Ended,
        /// Whether the client tries again by itself.
        will_retry: bool,
    },
    /// A server's answer to a request.
    Reply {
        /// Which call this answers.
        request: RequestId,
        /// What the server says.
        result: Result<Reply, ServerError>,
    },
    /// A request that will not be answered. Whether the server did what it asked is unknown.
    Failed {
        /// Which call this answers.
        request: RequestId,
        /// Why there is no answer.
        reason: FailReason,
    },
    /// Data of a match.
    MatchData(MatchData),
    /// The client is in a match again in which it was before the connection was lost.
    Rejoined {
        /// Which.
        match_id: MatchId,
        /// Who is there, as the answer to a join.
        joined: Box<realtime::Match>,
    },
    /// The client was in a match before the connection was lost, and is not let in again.
    MatchLost {
        /// Which.
        match_id: MatchId,
        /// Why.
        error: ServerError,
    },
    /// Whatever else a server says by itself: who comes and goes, chat, matches found.
    Message(Box<Message>),
}

/// What a connection goes over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Connection {
    /// QUIC, with datagrams for what may be lost.
    Quic,
    /// A WebSocket: nothing is lost on the way.
    WebSocket,
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quic => "quic",
            Self::WebSocket => "websocket",
        })
    }
}

/// Which call an answer belongs to. No two calls of a client share one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub(crate) u64);

impl RequestId {
    /// The number, for bookkeeping outside of Rust.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Which match. A clone costs nothing.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MatchId(Arc<str>);

impl<T: Into<Arc<str>>> From<T> for MatchId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

impl From<&Self> for MatchId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl Deref for MatchId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for MatchId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Data of a match.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchData {
    /// Which match.
    pub match_id: MatchId,
    /// Meaning is the game's own.
    pub op_code: i64,
    /// Meaning is the game's own.
    pub data: Bytes,
    /// Which participant sent it; `None` for the server.
    pub sender: Option<Presence>,
    /// Whether it may have overtaken others, and others may be missing.
    pub is_datagram: bool,
}

/// One connection of one player.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Presence {
    /// UUID of the account.
    pub user_id: String,
    /// UUID of the connection.
    pub session_id: String,
    /// Name of the account when the connection was opened.
    pub username: String,
}

impl From<realtime::UserPresence> for Presence {
    fn from(presence: realtime::UserPresence) -> Self {
        Self {
            user_id: presence.user_id,
            session_id: presence.session_id,
            username: presence.username,
        }
    }
}

/// What data of a match may lose on its way.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Delivery {
    /// Nothing: it arrives once and in order, however long that takes.
    #[default]
    Reliable,
    /// It may be lost and may overtake others. Over a WebSocket it does not overtake, and is lost only
    /// where too much waits: to be sent, or to be polled.
    Unreliable,
    /// As unreliable, and dropped on arrival if something newer with its op code was there first.
    Newest,
}

/// What a server answers to a request that it has done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply(pub(crate) Option<Message>);

impl Reply {
    /// All of it; `None` if the server only says that it is done.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        self.0.as_ref()
    }

    /// The match, if the request was to create or join one.
    #[must_use]
    pub const fn joined(&self) -> Option<&realtime::Match> {
        match &self.0 {
            Some(Message::Match(joined)) => Some(joined),
            _ => None,
        }
    }

    /// What a function returned, if the request was to call one.
    #[must_use]
    pub fn payload(&self) -> Option<&str> {
        match &self.0 {
            Some(Message::Rpc(rpc)) => Some(&rpc.payload),
            _ => None,
        }
    }
}

/// A server's refusal.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message} ({code})")]
pub struct ServerError {
    /// Of the protocol: 3 bad input, 4 no such match, 5 not let in, 6 no such function, 7 the function
    /// failed. For HTTP, its status.
    pub code: i32,
    /// For people.
    pub message: String,
}

/// Why a request has no answer.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FailReason {
    /// There was no connection when its turn came.
    #[error("not connected")]
    NotConnected,
    /// The connection ended first.
    #[error("the connection ended: {0}")]
    Ended(Ended),
    /// The server did not take the account: wrong password, unknown, banned.
    #[error(transparent)]
    Refused(#[from] ServerError),
    /// The server could not be asked.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
}

/// Why there is no connection.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// The game wanted so.
    #[error("closed by the game")]
    ByGame,
    /// The game left too many events waiting. Poll at least once a frame.
    #[error("the game did not poll")]
    NotPolled,
    /// The server wanted so.
    #[error("closed by the server: {reason} ({code})")]
    ByServer {
        /// As WebSockets have them; 0 if none was given.
        code: u32,
        /// For people.
        reason: String,
    },
    /// Nothing was heard from the server for too long, or the network failed.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server could not be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server does not take the session, and it cannot be refreshed: authenticate again.
    #[error("the session is not valid")]
    SessionInvalid,
    /// The server has no QUIC, and the game wants nothing else.
    #[error("the server has no QUIC")]
    NoQuic,
    /// The server said what this client does not understand.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// The client has stopped by a mistake in it, and is of no use any more.
    #[error("the client has stopped")]
    Stopped,
}

/// Reason of a server that closes a connection because it is not wanted any more: the player was
/// removed or banned, or has connected elsewhere. Two clients of one account would otherwise push each
/// other out for ever.
const REMOVED: &str = "server-side session disconnect";

impl Ended {
    /// Whether another attempt may end otherwise.
    pub(crate) fn may_retry(&self) -> bool {
        match self {
            Self::ByServer { code, reason } => {
                *code != tiltyard_proto::control::code::VERSION && reason != REMOVED
            }
            Self::Lost(_) | Self::Unreachable(_) | Self::Protocol(_) => true,
            Self::ByGame
            | Self::NotPolled
            | Self::SessionInvalid
            | Self::NoQuic
            | Self::Stopped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_who_was_removed_stays_away() {
        let by_server = |code, reason: &str| Ended::ByServer {
            code,
            reason: reason.into(),
        };
        assert!(!by_server(1000, REMOVED).may_retry());
        assert!(!by_server(4426, "1").may_retry(), "it will not learn");
        assert!(by_server(1001, "").may_retry(), "it may come back");
    }
}
