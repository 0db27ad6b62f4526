//! What a client may ask for over its socket.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    channel::ChannelId,
    id::{MatchId, PartyId, SessionId, UserId},
    matches::MatchData,
    outbound::RequestError,
};

/// A request, decoded and with its ids parsed.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the variants are the messages of the protocol; their fields say what they are"
)]
pub enum Request {
    ChannelJoin {
        target: String,
        kind: i32,
        persistence: bool,
        hidden: bool,
    },
    ChannelLeave {
        channel: Spelled<ChannelId>,
    },
    ChannelMessageSend {
        channel: Spelled<ChannelId>,
        content: String,
    },
    ChannelMessageUpdate {
        channel: Spelled<ChannelId>,
        message_id: Uuid,
        content: String,
    },
    ChannelMessageRemove {
        channel: Spelled<ChannelId>,
        message_id: Uuid,
    },
    MatchCreate {
        name: String,
    },
    MatchJoin {
        target: MatchTarget,
        metadata: BTreeMap<String, String>,
    },
    MatchLeave {
        match_id: MatchId,
    },
    MatchDataSend(MatchData),
    MatchmakerAdd(Box<MatchmakerAdd>),
    MatchmakerRemove {
        ticket: String,
    },
    Rpc {
        id: String,
        payload: String,
    },
    StatusFollow {
        user_ids: Vec<UserId>,
        usernames: Vec<String>,
    },
    StatusUnfollow {
        user_ids: Vec<UserId>,
    },
    StatusUpdate {
        status: Option<String>,
    },
    Ping,
    Pong,
    PartyCreate {
        open: bool,
        max_size: i32,
        label: String,
        hidden: bool,
    },
    PartyJoin {
        party: Spelled<PartyId>,
    },
    PartyLeave {
        party: Spelled<PartyId>,
    },
    PartyPromote {
        party: Spelled<PartyId>,
        presence: NamedPresence,
    },
    PartyAccept {
        party: Spelled<PartyId>,
        presence: NamedPresence,
    },
    PartyRemove {
        party: Spelled<PartyId>,
        presence: NamedPresence,
    },
    PartyClose {
        party: Spelled<PartyId>,
    },
    PartyJoinRequestList {
        party: Spelled<PartyId>,
    },
    PartyMatchmakerAdd {
        party: Spelled<PartyId>,
        add: Box<MatchmakerAdd>,
    },
    PartyMatchmakerRemove {
        party: Spelled<PartyId>,
        ticket: String,
    },
    PartyDataSend {
        party: Spelled<PartyId>,
        op_code: i64,
        data: Bytes,
    },
    PartyUpdate {
        party: Spelled<PartyId>,
        label: String,
        open: bool,
        hidden: bool,
    },
    /// A message whose ids or numbers are wrong: the answer is settled, but it waits its turn like any other.
    Invalid {
        kind: RequestKind,
        error: RequestError,
    },
}

/// An id together with the client's own spelling of it, which answers echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled<T> {
    /// What it means.
    pub id: T,
    /// How the client wrote it.
    pub text: Arc<str>,
}

/// Which match a client wants to join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchTarget {
    /// The one with this id.
    Id(Spelled<MatchId>),
    /// The one that a matchmaker token names. It need not exist yet.
    Token(Spelled<MatchId>),
}

/// A presence as a client names it: three texts that must all be equal to be somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPresence {
    /// The user.
    pub user_id: String,
    /// The session.
    pub session_id: String,
    /// The name.
    pub username: String,
}

impl NamedPresence {
    /// Whether this names the presence with these ids and name.
    #[must_use]
    pub fn names(&self, user_id: UserId, session_id: SessionId, username: &str) -> bool {
        self.username == username
            && self.session_id == session_id.to_string()
            && self.user_id == user_id.to_string()
    }
}

/// What a player, or a party, asks of the matchmaker.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchmakerAdd {
    /// Smallest acceptable number of players.
    pub min_count: i32,
    /// Preferred number of players.
    pub max_count: i32,
    /// The number of players must be a multiple of this.
    pub count_multiple: i32,
    /// Which others are acceptable.
    pub query: String,
    /// Texts that the queries of others may ask for.
    pub string_properties: BTreeMap<String, String>,
    /// Numbers that the queries of others may ask for.
    pub numeric_properties: BTreeMap<String, f64>,
}

macro_rules! request_kinds {
    ($($kind:ident),* $(,)?) => {
        /// The kinds of request, named as hooks name them.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[expect(missing_docs, reason = "each is named after its message")]
        pub enum RequestKind { $($kind),* }

        impl RequestKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name of the message, in camel case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }
        }
    };
}

request_kinds! {
    ChannelJoin, ChannelLeave, ChannelMessageSend, ChannelMessageUpdate, ChannelMessageRemove,
    MatchCreate, MatchJoin, MatchLeave, MatchDataSend, MatchmakerAdd, MatchmakerRemove, Rpc,
    StatusFollow, StatusUnfollow, StatusUpdate, Ping, Pong,
    PartyCreate, PartyJoin, PartyLeave, PartyPromote, PartyAccept, PartyRemove, PartyClose,
    PartyJoinRequestList, PartyMatchmakerAdd, PartyMatchmakerRemove, PartyDataSend, PartyUpdate,
}

impl Request {
    /// What kind of request it is.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        macro_rules! kinds {
            ($($kind:ident),*) => {
                match self {
                    $(Self::$kind { .. } => RequestKind::$kind,)*
                    Self::Invalid { kind, .. } => *kind,
                }
            };
        }
        kinds!(
            ChannelJoin,
            ChannelLeave,
            ChannelMessageSend,
            ChannelMessageUpdate,
            ChannelMessageRemove,
            MatchCreate,
            MatchJoin,
            MatchLeave,
            MatchDataSend,
            MatchmakerAdd,
            MatchmakerRemove,
            Rpc,
            StatusFollow,
            StatusUnfollow,
            StatusUpdate,
            Ping,
            Pong,
            PartyCreate,
            PartyJoin,
            PartyLeave,
            PartyPromote,
            PartyAccept,
            PartyRemove,
            PartyClose,
            PartyJoinRequestList,
            PartyMatchmakerAdd,
            PartyMatchmakerRemove,
            PartyDataSend,
            PartyUpdate
        )
    }
}
