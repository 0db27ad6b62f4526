//! Everything that enters the world: one queue, one enum.
//!
//! What arrives has been decoded and checked: ids are parsed, sizes are within bounds. Network threads
//! fill the queue; the first set of every pass drains it.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bevy_ecs::prelude::*;
use crossbeam_channel::{Receiver, Sender};

use crate::{
    channel::{ChannelId, ChannelMessage},
    functions::{ApiCall, ApiResult, RpcCall},
    id::{CallId, SessionId, Slot, UserId},
    matches::MatchFilter,
    matchmaker::Found,
    notification::NewNotification,
    party::PartyFilter,
    query::CompiledQuery,
    request::Request,
    store::{StoreId, StoreOutcome},
    stream::StreamId,
};

/// Messages that the queue into the world holds before its writers must wait.
///
/// A quarter of a second of 250,000 messages a second, which is more than two network threads decode.
pub const INBOUND_MESSAGES_MAX: usize = 65_536;

/// One thing that enters the world.
#[derive(Debug)]
pub enum Inbound {
    /// A client connected and proved who it is.
    Opened(Box<Opening>),
    /// The carrier of a session is gone.
    Closed {
        /// Which session.
        slot: Slot,
    },
    /// A client asks for something.
    Request {
        /// Who asks.
        slot: Slot,
        /// What the answer is to carry so that the client can tell what it answers.
        cid: Cid,
        /// What is asked.
        request: Request,
        /// Gives back the client's place in the queue when the request is done with.
        permit: Permit,
    },
    /// Something outside asks a question and waits for the answer.
    Call {
        /// Which call the answer belongs to.
        id: CallId,
        /// The question.
        call: Box<Call>,
    },
    /// The database has answered.
    Stored {
        /// Which question.
        id: StoreId,
        /// The answer.
        outcome: StoreOutcome,
    },
    /// The answer to [`Outbound::Search`](crate::Outbound::Search).
    Found(Box<Found>),
    /// The server is asked to stop.
    Shutdown {
        /// How long matches have to end by themselves.
        grace: Duration,
    },
}

/// A client's correlation id, or none.
pub type Cid = Option<Box<str>>;

/// Who connected, and how.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where the carrier is.
    pub slot: Slot,
    /// The identity that others will see.
    pub session_id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// The name in the token.
    pub username: Arc<str>,
    /// The variables in the token.
    pub vars: Arc<BTreeMap<String, String>>,
    /// When the token expires, in seconds since 1970.
    pub expires: i64,
    /// The language that the client asked for.
    pub lang: Arc<str>,
    /// Where the client connects from.
    pub client_ip: Arc<str>,
    /// And from which port.
    pub client_port: u16,
    /// Whether the user appears online at once.
    pub online: bool,
}

/// A question from outside that one answer ends.
#[derive(Clone, Debug)]
pub enum Call {
    /// Run a registered function.
    Rpc(RpcCall),
    /// List matches.
    ListMatches {
        /// Which ones.
        filter: MatchFilter,
        /// The query of the filter, compiled by whoever asks: that may take longer than a pass.
        query: Option<CompiledQuery>,
    },
    /// Which of these users are online.
    Online(Vec<UserId>),
    /// Run the hook before an HTTP operation.
    BeforeApi(ApiCall),
    /// Run the hook after an HTTP operation that succeeded.
    AfterApi(ApiResult),
    /// Close every session of a user.
    Disconnect(UserId),
    /// Tell users what the server itself has to say, under codes that game code may not use. Answered when
    /// what is to be kept is kept, or cannot be.
    Notify(Vec<(UserId, NewNotification)>),
    /// Remove everybody from a stream at once; nobody is told.
    CloseStream(StreamId),
    /// How many of everything there is.
    Census,
    /// What so many of the latest passes did.
    Flight {
        /// How many passes.
        count: usize,
    },
    /// How the matchmaker has been doing.
    MatchmakerStats,
    /// List parties.
    ListParties {
        /// Which ones.
        filter: PartyFilter,
        /// The query of the filter, compiled by whoever asks.
        query: Option<CompiledQuery>,
    },
    /// Show a channel messages that are kept already, and then take users off it.
    ChannelSystemMessages {
        /// Which channel.
        channel: ChannelId,
        /// What everybody on it sees, those who are about to leave included.
        messages: Vec<ChannelMessage>,
        /// Whose sessions leave.
        leavers: Vec<UserId>,
    },
}

/// Gives a sender's place in the queue back when dropped.
///
/// Each peer may have a bounded number of messages on their way through the world; its reader waits when
/// they are used up, so that a client which sends too fast only slows itself down.
#[derive(Default)]
pub struct Permit(Option<Arc<dyn Quota>>);

/// What a [`Permit`] is taken from.
pub trait Quota: Send + Sync {
    /// One place is free again.
    fn release(&self);
}

impl Permit {
    /// A permit of this quota; the caller has already taken the place.
    #[must_use]
    pub fn new(quota: Arc<dyn Quota>) -> Self {
        Self(Some(quota))
    }

    /// A permit that nobody counts.
    #[must_use]
    pub const fn free() -> Self {
        Self(None)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(quota) = self.0.take() {
            quota.release();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// The reading end of the queue into the world.
#[derive(Resource, Debug)]
pub(crate) struct InboundQueue(pub(crate) Receiver<Inbound>);

/// The writing end of the queue into the world; clone one for every thread that writes.
#[derive(Resource, Clone, Debug)]
pub struct InboundSender(pub Sender<Inbound>);

/// Makes the queue into the world.
pub(crate) fn queue() -> (InboundSender, InboundQueue) {
    let (sender, receiver) = crossbeam_channel::bounded(INBOUND_MESSAGES_MAX);
    (InboundSender(sender), InboundQueue(receiver))
}
