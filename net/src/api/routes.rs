//! The table of routes.

use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::account::{DeleteAccount, GetAccount, UpdateAccount};
use super::authenticate::{AuthenticateCustom, AuthenticateDevice, AuthenticateEmail};
use super::caller::Caller as _;
use super::channel::ListChannelMessages;
use super::elsewhere::{Apple, Facebook, FacebookInstantGame, GameCenter, Google, Steam};
use super::error::{ApiError, Code};
use super::friend::{AddFriends, BlockFriends, DeleteFriends};
use super::friends::{ListFriends, ListFriendsOfFriends};
use super::gateway::Exchange;
use super::group::{CreateGroup, DeleteGroup, UpdateGroup};
use super::group_lists::{ListGroupUsers, ListGroups, ListUserGroups};
use super::group_members::{
    AddGroupUsers, BanGroupUsers, DemoteGroupUsers, JoinGroup, KickGroupUsers, LeaveGroup,
    PromoteGroupUsers,
};
use super::import::ImportFriends;
use super::link::{
    LinkCustom, LinkDevice, LinkElsewhere, LinkEmail, UnlinkCustom, UnlinkDevice, UnlinkElsewhere,
    UnlinkEmail,
};
use super::matches::ListMatches;
use super::matchmaker::GetMatchmakerStats;
use super::notification::{DeleteNotifications, ListNotifications};
use super::openapi::DescribeApi;
use super::operation::{self, Answer as _, Message, Operation};
use super::parameter::Parameter;
use super::parties::ListParties;
use super::rpc;
use super::session::{Healthcheck, Readiness, SessionLogout, SessionRefresh};
use super::social::AuthenticateElsewhere;
use super::storage::{DeleteStorageObjects, ReadStorageObjects, WriteStorageObjects};
use super::storage_list::ListStorageObjects;
use super::user::GetUsers;

/// One way to call one operation.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Matched whole; `{name}` stands for a segment, and at the end `{*name}` for anything, slashes
    /// included. Two of them stand side by side.
    pub(super) path: &'static str,
    /// Name of the operation.
    pub(super) name: &'static str,
    pub(super) query: &'static [Parameter],
    /// What callers prove themselves with.
    pub(super) proofs: &'static [&'static str],
    /// Name of the schema of the body, where there is one.
    pub(super) body: Option<&'static str>,
    /// Name of the schema of the answer; without one it is an empty object.
    pub(super) answer: Option<&'static str>,
    pub(super) run: fn(Exchange) -> BoxFuture<'static, Response>,
}

pub(super) const ROUTES: &[Route] = &[
    route::<Healthcheck>("GET", "/healthcheck"),
    route::<AuthenticateCustom>("POST", "/v2/account/authenticate/custom"),
    route::<AuthenticateDevice>("POST", "/v2/account/authenticate/device"),
    route::<AuthenticateEmail>("POST", "/v2/account/authenticate/email"),
    route::<AuthenticateElsewhere<Apple>>("POST", "/v2/account/authenticate/apple"),
    route::<AuthenticateElsewhere<Facebook>>("POST", "/v2/account/authenticate/facebook"),
    route::<AuthenticateElsewhere<FacebookInstantGame>>(
        "POST",
        "/v2/account/authenticate/facebookinstantgame",
    ),
    route::<AuthenticateElsewhere<GameCenter>>("POST", "/v2/account/authenticate/gamecenter"),
    route::<AuthenticateElsewhere<Google>>("POST", "/v2/account/authenticate/google"),
    route::<AuthenticateElsewhere<Steam>>("POST", "/v2/account/authenticate/steam"),
    route::<SessionRefresh>("POST", "/v2/account/session/refresh"),
    route::<SessionLogout>("POST", "/v2/session/logout"),
    route::<GetAccount>("GET", "/v2/account"),
    route::<UpdateAccount>("PUT", "/v2/account"),
    route::<DeleteAccount>("DELETE", "/v2/account"),
    route::<LinkDevice>("POST", "/v2/account/link/device"),
    route::<LinkCustom>("POST", "/v2/account/link/custom"),
    route::<LinkEmail>("POST", "/v2/account/link/email"),
    route::<UnlinkDevice>("POST", "/v2/account/unlink/device"),
    route::<UnlinkCustom>("POST", "/v2/account/unlink/custom"),
    route::<UnlinkEmail>("POST", "/v2/account/unlink/email"),
    route::<LinkElsewhere<Apple>>("POST", "/v2/account/link/apple"),
    route::<LinkElsewhere<Facebook>>("POST", "/v2/account/link/facebook"),
    route::<LinkElsewhere<FacebookInstantGame>>("POST", "/v2/account/link/facebookinstantgame"),
    route::<LinkElsewhere<GameCenter>>("POST", "/v2/account/link/gamecenter"),
    route::<LinkElsewhere<Google>>("POST", "/v2/account/link/google"),
    route::<LinkElsewhere<Steam>>("POST", "/v2/account/link/steam"),
    route::<UnlinkElsewhere<Apple>>("POST", "/v2/account/unlink/apple"),
    route::<UnlinkElsewhere<Facebook>>("POST", "/v2/account/unlink/facebook"),
    route::<UnlinkElsewhere<FacebookInstantGame>>("POST", "/v2/account/unlink/facebookinstantgame"),
    route::<UnlinkElsewhere<GameCenter>>("POST", "/v2/account/unlink/gamecenter"),
    route::<UnlinkElsewhere<Google>>("POST", "/v2/account/unlink/google"),
    route::<UnlinkElsewhere<Steam>>("POST", "/v2/account/unlink/steam"),
    route::<GetUsers>("GET", "/v2/user"),
    route::<ListMatches>("GET", "/v2/match"),
    route::<GetMatchmakerStats>("GET", "/v2/matchmaker/stats"),
    route::<ListParties>("GET", "/v2/party"),
    route::<ListChannelMessages>("GET", "/v2/channel/{channel_id}"),
    route::<ListNotifications>("GET", "/v2/notification"),
    route::<DeleteNotifications>("DELETE", "/v2/notification"),
    route::<DescribeApi>("GET", "/v2/tiltyard/openapi.json"),
    route::<Readiness>("GET", "/v2/tiltyard/ready"),
    route::<ReadStorageObjects>("POST", "/v2/storage"),
    route::<WriteStorageObjects>("PUT", "/v2/storage"),
    route::<DeleteStorageObjects>("PUT", "/v2/storage/delete"),
    route::<ListStorageObjects>("GET", "/v2/storage/{collection}"),
    route::<ListStorageObjects>("GET", "/v2/storage/{collection}/{user_id}"),
    route::<ListFriends>("GET", "/v2/friend"),
    route::<AddFriends>("POST", "/v2/friend"),
    route::<DeleteFriends>("DELETE", "/v2/friend"),
    route::<BlockFriends>("POST", "/v2/friend/block"),
    route::<ListFriendsOfFriends>("GET", "/v2/friend/friends"),
    route::<ImportFriends<Facebook>>("POST", "/v2/friend/facebook"),
    route::<ImportFriends<Steam>>("POST", "/v2/friend/steam"),
    rpc_route("GET"),
    rpc_route("POST"),
    route::<ListGroups>("GET", "/v2/group"),
    route::<CreateGroup>("POST", "/v2/group"),
    route::<UpdateGroup>("PUT", "/v2/group/{group_id}"),
    route::<DeleteGroup>("DELETE", "/v2/group/{group_id}"),
    route::<JoinGroup>("POST", "/v2/group/{group_id}/join"),
    route::<LeaveGroup>("POST", "/v2/group/{group_id}/leave"),
    route::<AddGroupUsers>("POST", "/v2/group/{group_id}/add"),
    route::<KickGroupUsers>("POST", "/v2/group/{group_id}/kick"),
    route::<BanGroupUsers>("POST", "/v2/group/{group_id}/ban"),
    route::<PromoteGroupUsers>("POST", "/v2/group/{group_id}/promote"),
    route::<DemoteGroupUsers>("POST", "/v2/group/{group_id}/demote"),
    route::<ListGroupUsers>("GET", "/v2/group/{group_id}/user"),
    route::<ListUserGroups>("GET", "/v2/user/{user_id}/group"),
];

const fn route<O: Operation>(method: &'static str, path: &'static str) -> Route {
    Route {
        method,
        path,
        name: O::NAME,
        query: O::QUERY,
        proofs: O::Caller::PROOFS,
        body: <O::Request as Message>::BODY,
        answer: O::Response::SCHEMA,
        run: |exchange| {
            let answer = operation::answer::<O>(exchange);
            answer.map(|result| result.into_response()).boxed()
        },
    }
}

const fn rpc_route(method: &'static str) -> Route {
    Route {
        method,
        path: "/v2/rpc/{*id}",
        name: "RpcFunc",
        query: rpc::QUERY,
        proofs: &["session", "http_key", "http_key_in_header"],
        // A body is any text in JSON, or with `unwrap` anything; see `openapi`.
        body: None,
        answer: Some("Rpc"),
        run: |exchange| rpc::answer(exchange).boxed(),
    }
}

/// The route of a request, and what the braces at the end of its path stand for.
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
    /// Whether it lets somebody in, or not, which costs more than most of what they may do then.
    pub(super) fn logs_in(&self) -> bool {
        self.path.starts_with("/v2/account/authenticate/")
    }

    /// What of the path stands for the names, slashes between them included; nothing if there are none.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut names = self.path.split('/').peekable();
        let mut segments = path.split('/');
        let mut named: Option<(usize, usize)> = None;
        let mut at = 0;
        while let Some(name) = names.next() {
            let segment = segments.next()?;
            let end = at + segment.len();
            if name.starts_with("{*") {
                return Some(&path[at..]);
            }
            if name.starts_with('{') {
                // Only what the whole path ends with may be missing.
                if segment.is_empty() && (named.is_some() || names.peek().is_some()) {
                    return None;
                }
                named = Some((named.map_or(at, |(begin, _)| begin), end));
            } else if name != segment {
                return None;
            }
            at = end + 1;
        }
        if segments.next().is_some() {
            return None;
        }
        Some(named.map_or("", |(begin, end)| &path[begin..end]))
    }
}
