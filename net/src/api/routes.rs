//! The table of routes.

use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::account::{GetAccount, UpdateAccount};
use super::authenticate::{AuthenticateCustom, AuthenticateDevice, AuthenticateEmail};
use super::channel::ListChannelMessages;
use super::error::{ApiError, Code};
use super::gateway::Exchange;
use super::group::{CreateGroup, DeleteGroup, UpdateGroup};
use super::group_lists::{ListGroupUsers, ListGroups, ListUserGroups};
use super::group_members::{
    AddGroupUsers, BanGroupUsers, DemoteGroupUsers, JoinGroup, KickGroupUsers, LeaveGroup,
    PromoteGroupUsers,
};
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
    /// Matched whole; a `*` at the end stands for anything, slashes included, and one `{}` for a segment.
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
    rpc_route("GET"),
    rpc_route("POST"),
    route::<ListGroups>("GET", "/v2/group"),
    route::<CreateGroup>("POST", "/v2/group"),
    route::<UpdateGroup>("PUT", "/v2/group/{}"),
    route::<DeleteGroup>("DELETE", "/v2/group/{}"),
    route::<JoinGroup>("POST", "/v2/group/{}/join"),
    route::<LeaveGroup>("POST", "/v2/group/{}/leave"),
    route::<AddGroupUsers>("POST", "/v2/group/{}/add"),
    route::<KickGroupUsers>("POST", "/v2/group/{}/kick"),
    route::<BanGroupUsers>("POST", "/v2/group/{}/ban"),
    route::<PromoteGroupUsers>("POST", "/v2/group/{}/promote"),
    route::<DemoteGroupUsers>("POST", "/v2/group/{}/demote"),
    route::<ListGroupUsers>("GET", "/v2/group/{}/user"),
    route::<ListUserGroups>("GET", "/v2/user/{}/group"),
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
        if let Some((before, after)) = self.path.split_once("{}") {
            let segment = path.strip_prefix(before)?.strip_suffix(after)?;
            return (!segment.contains('/')).then_some(segment);
        }
        match self.path.strip_suffix('*') {
            Some(fixed) => path.strip_prefix(fixed),
            None => (path == self.path).then_some(""),
        }
    }
}
