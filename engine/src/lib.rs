//! An authoritative match engine: the rules of a match are bevy systems.
//!
//! ```text
//!                 ┌──────────────────────── one pass ────────────────────────┐
//! Inbound queue ─►│ Receive → Sessions → Requests → Admit → Loop → Settle → Send │─► Outbox
//!        ▲        └──────────────────────────────────────────────────────────┘       │
//!        └──────────────────── answers ◄── database ◄── asks ◄───────────────────────┘
//! ```
//!
//! The engine holds one world: sessions, streams, presences and matches are entities in it. It knows no
//! socket, no clock and no thread; whoever runs it (`tiltyard-net`, or a test) fills the queue, sets
//! [`Now`], runs [`Pass`] and takes what is in the [`Outbox`]. Nor does it wait: what rules ask of the
//! database ([`Storage`], [`Accounts`], [`Friends`], [`Groups`], [`Notifications`]) is answered in a later tick.
//!
//! ```
//! use tiltyard::prelude::*;
//!
//! #[derive(Component, Default)]
//! struct PingPong;
//!
//! impl MatchKind for PingPong {
//!     const NAME: &'static str = "pingpong";
//!     fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
//!         Ok(MatchInit::new(Self).tick_rate(10))
//!     }
//! }
//!
//! /// Sends every message back to whoever sent it.
//! fn pong(mut matches: Matches<PingPong>) {
//!     matches.each(|game| {
//!         for message in game.take_messages() {
//!             game.broadcast(1, message.data).to(message.sender).send();
//!         }
//!     });
//! }
//!
//! let mut app = App::new();
//! app.add_match::<PingPong>().add_systems(MatchLoop, pong);
//! ```

mod app;
mod audit;
mod census;
mod channel;
mod clock;
mod data;
mod delivery;
mod flight;
mod functions;
mod id;
mod inbound;
mod limits;
mod lookup;
mod matches;
mod matchmaker;
mod notification;
mod outbound;
mod overload;
mod party;
pub mod prelude;
pub mod query;
mod request;
mod requests;
mod schedule;
mod session;
mod shutdown;
#[cfg(test)]
mod stage;
mod status;
mod store;
mod stream;

pub use self::{
    app::GameApp,
    audit::Disagreements,
    census::Census,
    channel::{
        CHANNEL_NAME_BYTES_MAX, ChannelFunctions, ChannelId, ChannelInfo, ChannelMessage,
        ChannelPresences, MessageCode, MessageSender,
    },
    clock::{CATCH_UP_PERIODS_MAX, Now},
    data::{
        ASK_BATCH_MAX, Account, AccountUpdate, Accounts, Answered, Ask, AskId, DataAnswer,
        DataError, DataOutcome, DataReply, DataRequest, DataResult, ExpectedVersion,
        FRIENDS_PAGE_MAX, Friend, FriendState, Friends, Group, GroupChange, GroupFilter, GroupId,
        GroupMembership, GroupState, GroupUpdate, GroupUser, Groups, MATCH_ASKS_MAX, NewGroup,
        Notifications, ObjectAck, ObjectDelete, ObjectId, ObjectWrite, PAGE_MAX, Page, Paging,
        Question, ReadPermission, Storage, StorageObject, SystemAsk, User, WritePermission,
    },
    delivery::{Delivery, Transport},
    flight::{FLIGHT_PASSES_MAX, FlightRecorder, FlightTotals, PassRecord, Stopwatch, WorstVisit},
    functions::{
        AfterRequest, ApiCall, ApiResult, BeforeRequest, Caller, Environment, FunctionNames,
        HookOutcome, MatchedEntry, NotStored, RpcAnswer, RpcCall, RpcError, RpcResult,
        SessionEnded,
    },
    id::{
        CallId, MatchId, NODE_NAME_BYTES_MAX, NodeName, PartyId, SessionId, Slot, UserId,
        UserPresence, parse_uuid,
    },
    inbound::{Call, Cid, INBOUND_MESSAGES_MAX, Inbound, InboundSender, Opening, Permit, Quota},
    limits::{
        JOIN_METADATA_BYTES_MAX, JOIN_METADATA_ENTRIES_MAX, LABEL_BYTES_MAX, Limits, TICK_RATE_MAX,
        TICK_RATE_MIN,
    },
    matches::{
        Broadcast, Clock, Dispatcher, Game, Inbox, JoinAttempt, Label, Leave, Match, MatchContext,
        MatchData, MatchDirectory, MatchError, MatchFilter, MatchFunctions, MatchInfo, MatchInit,
        MatchKind, MatchListing, MatchParams, Matches, Message, Outcome, Participants, SignalError,
        Tick, TickRate, TicksSkipped,
    },
    matchmaker::{
        Completion, Found, MatchTokenSigner, MatchedTarget, MatchmakerMatched, MatchmakerOptions,
        MatchmakerProperties, MatchmakerStats, MatchmakerUser, Search, Searcher, Ticket,
        TicketNumber,
    },
    notification::{NewNotification, Notification, NotificationError, NotificationFunctions},
    outbound::{
        Answer, EnvelopeReader, ErrorCode, Event, MatchDataEvent, MatchText, Outbound, Outbox,
        RawEnvelope, Recipients, Reply, RequestError, StreamDataEvent,
    },
    overload::Overload,
    party::{PartyFilter, PartyFunctions, PartyInfo, PartyListing, PartyPage, PartyPresences},
    request::{MatchTarget, MatchmakerAdd, NamedPresence, Request, RequestKind, Spelled},
    schedule::{
        EnginePlugin, MatchJoin, MatchJoinAttempt, MatchLeave, MatchLoop, MatchSignal,
        MatchTerminate, Node, Pass, PassSystems,
    },
    session::{DISCONNECT_REASON, LogoutError, Session, SessionFunctions, TokenList, Tokens},
    shutdown::Shutdown,
    status::{StatusError, StatusFunctions},
    store::{
        MessageTimes, STORE_QUESTIONS_MAX, StoreFailure, StoreId, StoreOutcome, StoreReply,
        StoreRequest, StoredUser,
    },
    stream::{
        Presence, PresenceMeta, PresenceReason, PresenceView, StreamError, StreamFunctions,
        StreamId, mode,
    },
};
