//! What the rules of a match need, in one import.

pub use bevy_app::prelude::*;
pub use bevy_ecs::prelude::*;
pub use bytes::Bytes;

pub use crate::{
    Accounts, Answered, Ask, ChannelFunctions, ChannelId, DataError, DataResult, Delivery, Friends,
    Game, GameApp, Groups, HookOutcome, JoinAttempt, Leave, MatchDirectory, MatchError,
    MatchFilter, MatchFunctions, MatchId, MatchInit, MatchJoin, MatchJoinAttempt, MatchKind,
    MatchLeave, MatchListing, MatchLoop, MatchParams, MatchSignal, MatchTerminate, Matches,
    MessageSender, NewNotification, NotificationFunctions, Notifications, ObjectId, ObjectWrite,
    Paging, PartyFilter, PartyFunctions, PresenceMeta, PresenceReason, RequestKind, RpcAnswer,
    RpcCall, RpcError, RpcResult, SessionFunctions, SessionId, StatusFunctions, Storage,
    StorageObject, StreamFunctions, StreamId, Transport, UserId, UserPresence,
};
