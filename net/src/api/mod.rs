//! The HTTP API: `/healthcheck` and everything below `/v2`.
//!
//! ```text
//! request → frame (headers, CORS) → gateway (path, method, deadline, panics)
//!   → operation: decode → authenticate → before hook → carry out → after hook → encode
//! ```
//!
//! The table of routes is in `routes`; an operation is a type in the file of its group. Function
//! calls (`/v2/rpc`) have rules of their own and go past the operations.

mod account;
mod authenticate;
mod body;
mod caller;
mod channel;
mod cursor;
mod elsewhere;
mod error;
mod frame;
mod friend;
mod friends;
mod gateway;
mod group;
mod group_lists;
mod group_members;
mod identifiers;
mod import;
mod link;
mod matches;
mod matchmaker;
mod notification;
mod openapi;
mod operation;
mod parameter;
mod parties;
mod query;
mod routes;
mod rpc;
mod session;
mod social;
mod storage;
mod storage_list;
#[cfg(test)]
mod tests;
mod user;
mod visitor;
mod world;

use std::sync::Arc;

use axum::Router;
use futures_util::future::join_all;
use tiltyard::Call;

pub use caller::client_address;
pub(crate) use cursor::{
    Side, decode_edge, decode_friend, decode_group, decode_notification, decode_storage,
    encode_edge, encode_friend, encode_group, encode_notification, encode_storage,
};
pub use error::Code;
pub use world::{
    ApiCall, HookFailure, ListFailure, MatchFilter, MatchListing, MatchmakerCompletion,
    MatchmakerStats, PartyFilter, PartyListing, PartyPage, RpcFailure, RpcReply, RpcRequest,
    Verdict, When, World, WorldError,
};

use crate::auth::{Clock, LoginAttempts, Passwords, Secrets, Sessions};
use crate::capacity::Capacity;
use crate::config::Config;
use crate::health::Health;
use crate::metrics::{Operations, Rpcs};
use crate::rate::AddressRate;
use crate::social::SocialProviders;
use crate::store::Store;

/// What the API works with. Clones share it.
#[derive(Clone)]
pub struct ApiState {
    /// The configuration.
    pub config: Arc<Config>,
    /// The keys that callers present.
    pub secrets: Arc<Secrets>,
    /// The tokens.
    pub sessions: Arc<Sessions>,
    /// The hasher of passwords.
    pub passwords: Arc<Passwords>,
    /// Who has guessed passwords of late.
    pub login_attempts: Arc<LoginAttempts>,
    /// Where logins have come from of late.
    pub authentications: Arc<AddressRate>,
    /// How the server bears its load.
    pub capacity: Arc<Capacity>,
    /// Those who know players from elsewhere.
    pub social: Arc<SocialProviders>,
    /// The accounts.
    pub store: Store,
    /// The world and the game in it.
    pub world: Arc<dyn World>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    pub(crate) health: Arc<Health>,
    pub(crate) operations: Arc<Operations>,
    pub(crate) rpcs: Arc<Rpcs>,
}

impl ApiState {
    /// Has the world do what follows from a change, which stands whatever becomes of this.
    async fn tell(&self, calls: impl IntoIterator<Item = Call>) -> Result<(), WorldError> {
        let told = calls.into_iter().map(|call| self.world.tell(call));
        // All of them are tried.
        join_all(told).await.into_iter().collect()
    }
}

/// Carries out a change and what follows from it, even if the caller hangs up in between: nobody stays on
/// a channel on which they may not be any more, or connected without an account, and nobody is left untold.
///
/// It ends by itself, as the database and the world answer in bounded time.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The names of all operations.
pub(crate) fn operation_names() -> Vec<&'static str> {
    routes::ROUTES.iter().map(|route| route.name).collect()
}

/// The API alone.
///
/// The caller's address is taken from axum's `ConnectInfo<SocketAddr>`, where there is one.
pub fn router(state: ApiState) -> Router {
    around(Router::new(), state)
}

/// The API around further routes, such as `/` and `/ws`.
///
/// What holds for every request of the port holds for those too: cross-origin rules, extra
/// response headers, the limit on headers, and that `/` and `/ws` know no method but GET.
pub fn around(sockets: Router, state: ApiState) -> Router {
    let layer = axum::middleware::from_fn_with_state(state.clone(), frame::frame);
    sockets
        .fallback(move |request| gateway::answer(state.clone(), request))
        .layer(layer)
}
