//! What the API needs of the world, and of game code in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tiltyard::Call;
use uuid::Uuid;

use super::error::Code;
use crate::auth::SessionClaims;

/// The world as the API sees it.
///
/// Every call may wait for a pass of the schedule. The API gives each a deadline and drops the
/// future when it is over, so nothing may be lost by that but the answer.
pub trait World: Send + Sync + 'static {
    /// Whether there is a function of this name, in lower case.
    fn has_rpc(&self, id: &str) -> bool;

    /// Calls a function of the game.
    fn rpc(&self, call: RpcRequest) -> BoxFuture<'_, Result<RpcReply, RpcFailure>>;

    /// Lists running matches, as `GET /v2/match` orders them.
    fn list_matches(
        &self,
        filter: MatchFilter,
    ) -> BoxFuture<'_, Result<Vec<MatchListing>, ListFailure>>;

    /// How the matchmaker had been doing when its latest interval was over.
    fn matchmaker_stats(&self) -> BoxFuture<'_, Result<MatchmakerStats, WorldError>>;
    /// Lists parties that are not hidden.
    fn list_parties(&self, filter: PartyFilter) -> BoxFuture<'_, Result<PartyPage, ListFailure>>;

    /// Those of the users who have a status.
    fn online(&self, users: Vec<Uuid>) -> BoxFuture<'_, Result<BTreeSet<Uuid>, WorldError>>;

    /// Whether the game wants to see, or to hear of, calls of this operation.
    fn has_hook(&self, operation: &str, when: When) -> bool;

    /// Shows the game a request before it is carried out.
    fn before(&self, call: ApiCall) -> BoxFuture<'_, Result<Verdict, HookFailure>>;

    /// Tells the game of a request that was carried out. Nobody waits for this.
    fn after(&self, call: ApiCall, response: Value);

    /// Closes every connection of a user.
    fn disconnect_user(&self, user_id: Uuid) -> BoxFuture<'_, Result<(), WorldError>>;

    /// Has the world do what follows from something that has happened already, waiting for a place in its
    /// queue, and waits until it is done: until notifications that are to be kept are, for one.
    fn tell(&self, call: Call) -> BoxFuture<'_, Result<(), WorldError>>;
}

/// Whether a hook comes before or after the operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// It may change or refuse the request.
    Before,
    /// It is told the response.
    After,
}

/// The world did not take the call, or did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Its queue is full; try again.
    #[error("the server is overloaded")]
    Busy,
    /// It is shutting down.
    #[error("the server is shutting down")]
    Stopped,
}

/// A request as hooks see it.
#[derive(Clone, Debug)]
pub struct ApiCall {
    /// Name of the operation, such as `AuthenticateCustom`.
    pub operation: &'static str,
    /// Who calls; nobody yet while somebody logs in.
    pub caller: Option<SessionClaims>,
    /// Where the call comes from.
    pub client: Option<IpAddr>,
    /// The request, its names in snake case and its defaults left out.
    pub request: Value,
}

/// What a hook decided about a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Carry this out; it may differ from what was asked.
    Proceed(Value),
    /// Pretend that there is no such operation.
    Disabled,
}

/// A hook did not let a request through.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HookFailure {
    /// The game refused, for this reason.
    Refused {
        /// What the client is told it was.
        code: Code,
        /// What the client reads.
        message: String,
    },
    /// The game was not asked.
    World(WorldError),
}

/// A call of a function of the game.
#[derive(Clone, Debug)]
pub struct RpcRequest {
    /// Name of the function in lower case.
    pub id: String,
    /// What is handed to it.
    pub payload: Bytes,
    /// Who calls; `None` if it is another server, by the HTTP key.
    pub caller: Option<SessionClaims>,
    /// Parameters of the query.
    pub query: BTreeMap<String, Vec<String>>,
    /// Headers of the request, their names in lower case.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Where the call comes from.
    pub client: Option<IpAddr>,
}

/// What a function returned.
#[derive(Clone, Debug, Default)]
pub struct RpcReply {
    /// Its result; empty for none.
    pub payload: Bytes,
}

/// Why a function returned nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RpcFailure {
    /// There is no such function.
    NotFound,
    /// The function failed, for this reason.
    Failed {
        /// What the client is told it was.
        code: Code,
        /// What the client reads.
        message: String,
    },
    /// The function was not called.
    World(WorldError),
}

/// Which matches to list. `None` is no filter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MatchFilter {
    /// Matches at most, 1 to 100.
    pub limit: usize,
    /// Only authoritative matches, or only relayed ones.
    pub authoritative: Option<bool>,
    /// Only matches with this label.
    pub label: Option<String>,
    /// Participants at least.
    pub min_size: Option<u32>,
    /// Participants at most.
    pub max_size: Option<u32>,
    /// A query over labels; comes before `label`.
    pub query: Option<String>,
}

/// A running match.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchListing {
    /// Its id, with the node after the dot.
    pub match_id: String,
    /// Whether game code runs it.
    pub authoritative: bool,
    /// Its label; `None` for relayed matches.
    pub label: Option<String>,
    /// Participants.
    pub size: u32,
    /// Ticks a second; 0 for relayed matches.
    pub tick_rate: u32,
    /// Name of its kind; empty for relayed matches.
    pub handler_name: String,
}

/// How the matchmaker has been doing. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MatchmakerStats {
    /// Tickets that waited.
    pub ticket_count: usize,
    /// Since when the first of them waited.
    pub oldest_created_ns: Option<i64>,
    /// The latest players that found others, the last of them last.
    pub completions: Vec<MatchmakerCompletion>,
}

/// One player's way to a match. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MatchmakerCompletion {
    /// When they asked.
    pub created_ns: i64,
    /// When others were found.
    pub completed_ns: i64,
}

/// Which parties to list. `None` is no filter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartyFilter {
    /// Parties at most, 1 to 100.
    pub limit: usize,
    /// Parties to leave out first.
    pub offset: usize,
    /// Only parties that anybody may join, or only the others.
    pub open: Option<bool>,
    /// A query over labels; empty for none.
    pub query: String,
}

/// A party.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartyListing {
    /// Its id, with the node after the dot.
    pub party_id: String,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// Members that fit.
    pub max_size: u32,
    /// Its label, a JSON object.
    pub label: String,
}

/// Some of the parties.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartyPage {
    /// The parties.
    pub parties: Vec<PartyListing>,
    /// The offset of the next page, if there is one.
    pub next: Option<usize>,
}

/// Why matches, or parties, were not listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListFailure {
    /// The query cannot be understood.
    BadQuery,
    /// The world was not asked.
    World(WorldError),
}
