//! What the rules of a match need, in one import.

pub use bevy_app::prelude::*;
pub use bevy_ecs::prelude::*;
pub use bytes::Bytes;

pub use crate::{
    ChannelFunctions, ChannelId, Delivery, Game, GameApp, HookOutcome, JoinAttempt, Leave,
    MatchDirectory, MatchError, MatchFilter, MatchFunctions, MatchId, MatchInit, MatchJoin,
    MatchJoinAttempt, MatchKind, MatchLeave, MatchListing, MatchLoop, MatchParams, MatchSignal,
    MatchTerminate, Matches, MessageSender, NewNotification, NotificationFunctions, PartyFilter,
    PartyFunctions, PresenceMeta, PresenceReason, RequestKind, RpcCall, RpcError, RpcResult,
    SessionFunctions, SessionId, StatusFunctions, StreamFunctions, StreamId, Transport, UserId,
    UserPresence,
};
