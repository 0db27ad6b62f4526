//! Everything that leaves the world: one outbox, one enum.
//!
//! Systems append to the [`Outbox`]; after the last set of a pass it is handed to the network as one
//! batch. What is sent to many is one entry with a shared list of recipients, so that it can be encoded
//! once.

use std::{any::Any, fmt, sync::Arc};

use bevy_ecs::prelude::*;
use bytes::Bytes;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    census::Census,
    channel::{ChannelInfo, ChannelMessage, ChannelPresences},
    delivery::Delivery,
    flight::PassRecord,
    functions::{HookOutcome, RpcResult},
    id::{CallId, MatchId, PartyId, Slot, UserId, UserPresence},
    inbound::Cid,
    matches::{MatchInfo, MatchListing},
    matchmaker::{MatchmakerMatched, MatchmakerStats, Search},
    notification::Notification,
    party::{PartyInfo, PartyPage, PartyPresences},
    request::Spelled,
    store::{StoreId, StoreRequest},
    stream::{PresenceView, StreamId},
};

/// One thing that leaves the world.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// The answer to a request.
    Reply {
        /// Who asked.
        to: Slot,
        /// The correlation id of the request.
        cid: Cid,
        /// The answer.
        reply: Reply,
    },
    /// Something that happened, for everyone it concerns.
    Event {
        /// Who is told.
        to: Recipients,
        /// What happened.
        event: Event,
    },
    /// The session is over; its carrier is to be closed.
    Close {
        /// Which one.
        slot: Slot,
        /// What the client is told.
        reason: &'static str,
    },
    /// A question to the database. Its answer comes back as [`Inbound::Stored`](crate::Inbound::Stored).
    Store {
        /// Which question.
        id: StoreId,
        /// The question.
        request: StoreRequest,
    },
    /// What the matchmaker's [`Searcher`](crate::Searcher) is to do, one search at a time. Its answer comes
    /// back as [`Inbound::Found`](crate::Inbound::Found).
    Search(Box<Search>),
    /// The answer to a call from outside.
    Answer {
        /// Which call.
        id: CallId,
        /// The answer.
        answer: Answer,
    },
}

/// Who receives an event. Cheap to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// One session.
    One(Slot),
    /// Several sessions; the list is shared and never changes.
    Many(Arc<[Slot]>),
}

impl Recipients {
    /// The sessions.
    #[must_use]
    pub fn as_slice(&self) -> &[Slot] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }
}

/// The answer to a request of a client.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It was done and there is nothing more to say.
    Done,
    /// It was refused.
    Error(RequestError),
    /// A match was created or joined.
    Match(Box<MatchInfo>),
    /// A channel was joined.
    Channel(Box<ChannelInfo>),
    /// A chat message was sent, updated or removed.
    ChannelMessageAck(Arc<ChannelMessage>),
    /// A function was run.
    Rpc {
        /// The id, as the client wrote it.
        id: String,
        /// What the function returned.
        payload: String,
    },
    /// The matchmaker looks for others; this is the ticket.
    MatchmakerTicket(Uuid),
    /// The connection works.
    Pong,
    /// Who is online of those whom the asker wants to follow.
    Status(Vec<PresenceView>),
    /// A party was made.
    Party(Box<PartyInfo>),
    /// Who waits to be let into a party.
    PartyJoinRequests {
        /// The id, as the client wrote it.
        party_id: Arc<str>,
        /// In the order in which they asked.
        presences: Vec<UserPresence>,
    },
    /// The matchmaker looks for others for a party.
    PartyMatchmakerTicket {
        /// The id, as the client wrote it.
        party_id: Arc<str>,
        /// The ticket.
        ticket: Uuid,
    },
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Data of a match, from another participant or from the rules.
    MatchData(MatchDataEvent),
    /// Somebody joined or left a match.
    MatchPresence {
        /// Which match.
        match_id: MatchId,
        /// Who came.
        joins: Vec<PresenceView>,
        /// Who went.
        leaves: Vec<PresenceView>,
    },
    /// Data of a stream.
    StreamData(StreamDataEvent),
    /// Somebody joined or left a stream.
    StreamPresence {
        /// Which stream.
        stream: StreamId,
        /// Who came.
        joins: Vec<PresenceView>,
        /// Who went.
        leaves: Vec<PresenceView>,
    },
    /// Somebody joined or left a chat channel.
    ChannelPresence(Box<ChannelPresences>),
    /// A chat message was sent, updated or removed.
    ChannelMessage(Arc<ChannelMessage>),
    /// Notifications of one user.
    Notifications(Vec<Notification>),
    /// Somebody appeared, changed status or disappeared.
    StatusPresence {
        /// New values.
        joins: Vec<PresenceView>,
        /// Previous values.
        leaves: Vec<PresenceView>,
    },
    /// The matchmaker has found others.
    MatchmakerMatched(Box<MatchmakerMatched>),
    /// Something went wrong that no request caused.
    Error(RequestError),
    /// A ready-made message of the wire protocol.
    Raw(RawEnvelope),
    /// A party that the recipient is in now.
    Party(Box<PartyInfo>),
    /// A party has another leader.
    PartyLeader {
        /// Which party.
        party_id: PartyId,
        /// Who leads it now.
        presence: UserPresence,
    },
    /// Somebody wants to join a party; told to its leader.
    PartyJoinRequest {
        /// Which party.
        party_id: PartyId,
        /// Who wants to join.
        presence: UserPresence,
    },
    /// Somebody joined or left a party.
    PartyPresence(Box<PartyPresences>),
    /// The terms of a party changed.
    PartyUpdate {
        /// Which party.
        party_id: PartyId,
        /// Its label.
        label: Arc<str>,
        /// Whether anybody may join without being accepted.
        open: bool,
        /// Whether it stays out of listings.
        hidden: bool,
    },
    /// Data from another member of a party.
    PartyData {
        /// Which party.
        party_id: PartyId,
        /// Who sent it.
        presence: UserPresence,
        /// What kind of data it is; the game's own affair.
        op_code: i64,
        /// The data.
        data: Bytes,
    },
    /// A party is over, for the recipient at least.
    PartyClose {
        /// Which party.
        party_id: PartyId,
    },
    /// The matchmaker looks for others for a party; told to those who did not ask for it.
    PartyMatchmakerTicket {
        /// Which party.
        party_id: PartyId,
        /// The ticket.
        ticket: Uuid,
    },
}

/// Data of a match on its way to participants.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchDataEvent {
    /// Which match, as the recipients are to see it.
    pub match_id: MatchText,
    /// Who sent it, or none if the rules did.
    pub sender: Option<UserPresence>,
    /// What kind of data it is; the game's own affair.
    pub op_code: i64,
    /// The data, or none if the field is to be absent.
    pub data: Bytes,
    /// Whether its sender says that it must arrive.
    pub reliable: bool,
    /// What may happen to it on its way.
    pub delivery: Delivery,
}

/// A match id as it is written to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchText {
    /// The canonical form.
    Canonical(MatchId),
    /// The way a client wrote it.
    Spelled(Spelled<MatchId>),
}

impl MatchText {
    /// The id that a client wrote, with its spelling if that is unusual.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = MatchId::parse(text)?;
        if id.is_written(text) {
            return Some(Self::Canonical(id));
        }
        let text = text.into();
        Some(Self::Spelled(Spelled { id, text }))
    }

    /// The id itself.
    #[must_use]
    pub const fn id(&self) -> MatchId {
        match self {
            Self::Canonical(id) | Self::Spelled(Spelled { id, .. }) => *id,
        }
    }
}

impl fmt::Display for MatchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canonical(id) => id.fmt(f),
            Self::Spelled(spelled) => f.write_str(&spelled.text),
        }
    }
}

/// Data of a stream on its way to its members.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamDataEvent {
    /// Which stream.
    pub stream: StreamId,
    /// The data, any text.
    pub data: String,
    /// Whether it must arrive.
    pub reliable: bool,
}

/// Why a request was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct RequestError {
    /// What kind of refusal it is.
    pub code: ErrorCode,
    /// What the client is told.
    pub message: String,
}

impl RequestError {
    /// A refusal of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The request is wrong.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadInput, message)
    }
}

/// The error codes of the realtime protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i32)]
pub enum ErrorCode {
    /// Something failed inside the server.
    RuntimeException = 0,
    /// The message is not one that a client may send, or a hook disabled it.
    UnrecognizedPayload = 1,
    /// The envelope holds no message.
    MissingPayload = 2,
    /// The message is wrong.
    BadInput = 3,
    /// There is no such match.
    MatchNotFound = 4,
    /// The match does not let this player in.
    MatchJoinRejected = 5,
    /// There is no such function.
    RuntimeFunctionNotFound = 6,
    /// A function or a hook failed.
    RuntimeFunctionException = 7,
}

/// The answer to a call from outside.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Call::Rpc`](crate::Call::Rpc).
    Rpc(RpcResult),
    /// To [`Call::ListMatches`](crate::Call::ListMatches).
    Matches(Vec<MatchListing>),
    /// To [`Call::Online`](crate::Call::Online): those of the users who are.
    Online(Vec<UserId>),
    /// To [`Call::BeforeApi`](crate::Call::BeforeApi).
    Hook(HookOutcome<serde_json::Value>),
    /// To a call that has nothing to say.
    Done,
    /// To [`Call::Census`](crate::Call::Census).
    Census(Census),
    /// To [`Call::MatchmakerStats`](crate::Call::MatchmakerStats).
    MatchmakerStats(MatchmakerStats),
    /// To [`Call::ListParties`](crate::Call::ListParties).
    Parties(PartyPage),
    /// To [`Call::Flight`](crate::Call::Flight): the latest pass is last.
    Flight(Vec<PassRecord>),
}

/// A message of the wire protocol that the engine passes on without looking inside.
#[derive(Clone)]
pub struct RawEnvelope(pub Arc<dyn Any + Send + Sync>);

impl fmt::Debug for RawEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawEnvelope")
    }
}

/// Reads the JSON form of a message of the wire protocol. Set by whoever knows that protocol.
#[derive(Resource, Clone)]
pub struct EnvelopeReader(pub Arc<dyn Fn(&str) -> Result<RawEnvelope, String> + Send + Sync>);

/// What this pass has to say to the outside.
#[derive(Resource, Default, Debug)]
pub struct Outbox {
    entries: Vec<Outbound>,
}

impl Outbox {
    /// Takes everything out; what was allocated for it goes along.
    pub fn take(&mut self) -> Vec<Outbound> {
        std::mem::take(&mut self.entries)
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn push(&mut self, outbound: Outbound) {
        self.entries.push(outbound);
    }

    pub(crate) fn reply(&mut self, to: Slot, cid: Cid, reply: Reply) {
        self.push(Outbound::Reply { to, cid, reply });
    }

    pub(crate) fn send(&mut self, to: Recipients, event: Event) {
        if !to.as_slice().is_empty() {
            self.push(Outbound::Event { to, event });
        }
    }
}
