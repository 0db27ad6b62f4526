//! The table of routes.

use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::account::{GetAccount, UpdateAccount};
use super::authenticate::{AuthenticateCustom, AuthenticateDevice, AuthenticateEmail};
use super::channel::ListChannelMessages;
use super::error::{ApiError, Code};
use super::friend::{AddFriends, BlockFriends, DeleteFriends};
use super::friends::{ListFriends, ListFriendsOfFriends};
use super::gateway::Exchange;
use super::matches::ListMatches;
use super::matchmaker::GetMatchmakerStats;
use super::notification::{DeleteNotifications, ListNotifications};
use super::operation::{self, Operation};
use super::parties::ListParties;
use super::rpc;
use super::session::{Healthcheck, SessionLogout, SessionRefresh};
use super::user::GetUsers;

/// One way to call one operation.
pub(super) struct Route {
    method: &'static str,
    /// Matched whole; a `*` at the end stands for anything, slashes included, and `{}` for one segment.
    path: &'static str,
    pub(super) run: fn(Exchange) -> BoxFuture<'static, Response>,
}

const ROUTES: &[Route] = &[
    route::<Healthcheck>("GET", "/healthcheck"),
    route::<AuthenticateCustom>("POST", "/v2/account/authenticate/custom"),
    route::<AuthenticateDevice>("POST", "/v2/account/authenticate/device"),
    route::<AuthenticateEmail>("POST", "/v2/account/authenticate/email"),
    route::<SessionRefresh>("POST", "/v2/account/session/refresh"),
    route::<SessionLogout>("POST", "/v2/session/logout"),
    route::<GetAccount>("GET", "/v2/account"),
    route::<UpdateAccount>("PUT", "/v2/account"),
    route::<GetUsers>("GET", "/v2/user"),
    route::<ListMatches>("GET", "/v2/match"),
    route::<GetMatchmakerStats>("GET", "/v2/matchmaker/stats"),
    route::<ListParties>("GET", "/v2/party"),
    route::<ListChannelMessages>("GET", "/v2/channel/{}"),
    route::<ListNotifications>("GET", "/v2/notification"),
    route::<DeleteNotifications>("DELETE", "/v2/notification"),
    route::<ListFriends>("GET", "/v2/friend"),
    route::<AddFriends>("POST", "/v2/friend"),
    route::<DeleteFriends>("DELETE", "/v2/friend"),
    route::<BlockFriends>("POST", "/v2/friend/block"),
    route::<ListFriendsOfFriends>("GET", "/v2/friend/friends"),
    rpc_route("GET"),
    rpc_route("POST"),
];

const fn route<O: Operation>(method: &'static str, path: &'static str) -> Route {
    Route {
        method,
        path,
        run: |exchange| {
            let answer = operation::answer::<O>(exchange);
            answer.map(|result| result.into_response()).boxed()
        },
    }
}

const fn rpc_route(method: &'static str) -> Route {
    Route {
        method,
        path: "/v2/rpc/*",
        run: |exchange| rpc::answer(exchange).boxed(),
    }
}

/// The route of a request, and what its `*` or `{}` stands for.
pub(super) fn find<'p>(
    method: &Method,
    path: &'p str,
) -> Result<(&'static Route, &'p str), ApiError> {
    let mut known = false;
    for route in ROUTES {
        let Some(tail) = route.matches(path) else {
            continue;
        };
        if route.method == method.as_str() {
            return Ok((route, tail));
        }
        known = true;
    }
    if known {
        return Err(ApiError::new(Code::Unimplemented, "Method Not Allowed"));
    }
    Err(ApiError::not_found("Not Found"))
}

impl Route {
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        if let Some(fixed) = self.path.strip_suffix("{}") {
            let segment = path.strip_prefix(fixed)?;
            return (!segment.contains('/')).then_some(segment);
        }
        match self.path.strip_suffix('*') {
            Some(fixed) => path.strip_prefix(fixed),
            None => (path == self.path).then_some(""),
        }
    }
}
