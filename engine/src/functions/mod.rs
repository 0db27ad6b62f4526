//! What a server adds to the protocol: functions that clients call, and hooks around what they ask.
//!
//! All of them are bevy systems. They run between other requests, in the order in which requests
//! arrived, and may use any system parameter, `&mut World` included. One that panics fails its own call
//! and nothing else.

mod later;
mod registry;
mod rpc;
mod system;

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::prelude::*;
use thiserror::Error;
use tracing::warn;

pub use self::{later::RpcAnswer, registry::FunctionNames};
pub(crate) use self::{
    later::{Awaited, Later, Progress, hand_over, progress},
    registry::Functions,
    rpc::call_rpc,
    system::{Function, FunctionError, panic_text},
};
use crate::{
    id::{SessionId, UserId, UserPresence},
    matches::MatchError,
    outbound::Reply,
    query::QueryError,
    request::Request,
    store::StoreFailure,
    stream::PresenceReason,
};

/// On whose behalf something runs.
///
/// A call with the server's own key has no user; a call over HTTP has no session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The account, if any.
    pub user_id: Option<UserId>,
    /// Its name, or empty.
    pub username: Arc<str>,
    /// The variables of the session token.
    pub vars: Arc<BTreeMap<String, String>>,
    /// When the session token expires, in seconds since 1970; 0 without a token.
    pub expires: i64,
    /// The connection, if the call came over one.
    pub session_id: Option<SessionId>,
    /// Where the client connects from.
    pub client_ip: Arc<str>,
    /// And from which port.
    pub client_port: u16,
    /// The language that the connection asked for; empty over HTTP.
    pub lang: Arc<str>,
}

/// What the operator tells game code, by name: `runtime.env` of the configuration.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);

/// A call of a registered function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RpcCall {
    /// The id, in lower case.
    pub id: String,
    /// What the caller sends along.
    pub payload: String,
    /// Who calls.
    pub caller: Caller,
    /// The query parameters of an HTTP call.
    pub query: BTreeMap<String, Vec<String>>,
    /// The headers of an HTTP call.
    pub headers: BTreeMap<String, Vec<String>>,
}

/// What a function returns: a payload, which may be empty, or an error.
pub type RpcResult = Result<String, RpcError>;

/// Why a function failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct RpcError {
    /// A gRPC status code; HTTP callers see the status that belongs to it.
    pub code: i32,
    /// What the caller is told.
    pub message: String,
}

impl RpcError {
    /// The code of an error that nobody gave a code.
    pub const INTERNAL: i32 = 13;
    /// The code of an error in what the caller sent.
    pub const INVALID_ARGUMENT: i32 = 3;
    /// The code of something that does not exist.
    pub const NOT_FOUND: i32 = 5;
    /// The code of something that is there already.
    pub const ALREADY_EXISTS: i32 = 6;
    /// The code of something that the caller may not do.
    pub const PERMISSION_DENIED: i32 = 7;
    /// The code of something that somebody else was faster to change.
    pub const ABORTED: i32 = 10;
    /// The code of something that may work later.
    pub const UNAVAILABLE: i32 = 14;

    /// An error with this status code and text.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What callers are told whose function did its work, but whose changes the database did not take. By
/// default that it is unavailable, if it may take them later; else an internal error.
#[derive(Resource, Clone, Copy, Debug)]
pub struct NotStored(pub fn(id: &str, failure: StoreFailure) -> RpcError);

impl Default for NotStored {
    fn default() -> Self {
        Self(|_, failure| match failure {
            StoreFailure::Failed => RpcError::new(RpcError::INTERNAL, "Internal error."),
            failure => RpcError::new(RpcError::UNAVAILABLE, failure.to_string()),
        })
    }
}

impl NotStored {
    pub(crate) fn error(world: &World, rpc: &str, failure: StoreFailure) -> RpcError {
        warn!(rpc, %failure, "what a function had stored is not stored");
        (world.resource::<Self>().0)(rpc, failure)
    }
}

/// A match that could not be made is the server's affair, or the caller's parameters are wrong.
impl From<MatchError> for RpcError {
    fn from(error: MatchError) -> Self {
        let code = match error {
            MatchError::UnknownKind(_) => Self::NOT_FOUND,
            MatchError::Stopping | MatchError::TooManyMatches => Self::UNAVAILABLE,
            _ => Self::INVALID_ARGUMENT,
        };
        Self::new(code, error.to_string())
    }
}

impl From<QueryError> for RpcError {
    fn from(error: QueryError) -> Self {
        Self::new(Self::INVALID_ARGUMENT, error.to_string())
    }
}

/// What a hook decides before the server does what was asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HookOutcome<T> {
    /// Go on, with this in place of what was asked.
    Proceed(T),
    /// Refuse, and say this.
    Reject(RpcError),
    /// Act as if the server did not know such a request.
    Disable,
}

/// A request about to be carried out.
#[derive(Clone, Debug)]
pub struct BeforeRequest {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub request: Request,
}

/// A request that was carried out.
#[derive(Clone, Debug)]
pub struct AfterRequest {
    /// Who asked.
    pub caller: Caller,
    /// What was asked.
    pub request: Request,
    /// What was answered, if anything.
    pub reply: Option<Reply>,
}

/// A session that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEnded {
    /// Whose it was.
    pub caller: Caller,
    /// Why it ended.
    pub reason: PresenceReason,
}

/// An HTTP operation about to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// Its name, such as `AuthenticateCustom`.
    pub operation: String,
    /// Who asks.
    pub caller: Caller,
    /// What is asked: path, query and body in one object, with the names of the protocol.
    pub request: serde_json::Value,
}

/// An HTTP operation that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResult {
    /// What was asked.
    pub call: ApiCall,
    /// What was answered.
    pub response: serde_json::Value,
}

/// One player, or one member of a party, that the matchmaker put together with others.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedEntry {
    /// Who it is.
    pub presence: UserPresence,
    /// The party through which they were matched, if any.
    pub party_id: Option<crate::id::PartyId>,
    /// Their text properties.
    pub string_properties: BTreeMap<String, String>,
    /// Their number properties.
    pub numeric_properties: BTreeMap<String, f64>,
}
