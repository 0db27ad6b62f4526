//! Lists of friends: `GET /v2/friend`, `GET /v2/friend/friends`.

use serde::{Deserialize, Serialize};
use tiltyard_proto::api;

use super::cursor::{
    decode_friend, decode_friend_of_friend, encode_friend, encode_friend_of_friend,
};
use super::error::ApiError;
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::user::{public_user, whole_seconds};
use crate::auth::SessionClaims;
use crate::store::{Friend, FriendOfFriend, FriendQuery, FriendState, User};

const FAILED: &str = "Error while trying to list friends.";

/// Listing one's own friends, by state and then by age.
pub(super) struct ListFriends;

/// What to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListFriendsRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Parameters for ListFriendsRequest {}

impl Operation for ListFriends {
    const NAME: &'static str = "ListFriends";
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::integer("state"),
        Parameter::text("cursor"),
    ];
    type Caller = SessionClaims;
    type Request = ListFriendsRequest;
    type Response = api::FriendList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListFriendsRequest, ApiError> {
        Ok(ListFriendsRequest {
            limit: query.int("limit")?,
            state: query.int("state")?,
            cursor: query.string("cursor")?.unwrap_or_default(),
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: ListFriendsRequest,
    ) -> Result<api::FriendList, ApiError> {
        let limit = page_size(request.limit, 1000, 1000)?;
        let only = request.state.map(read_state).transpose()?;
        let from = match request.cursor.as_str() {
            "" => None,
            text => Some(decode_friend(text, only).ok_or_else(bad_cursor)?),
        };
        // The one after the page is where the next begins.
        let query = FriendQuery {
            state: only,
            from,
            limit: limit + 1,
        };
        let friends = state.store.friends(caller.user_id, query).await;
        let mut friends = friends.map_err(|error| ApiError::store(FAILED, &error))?;
        let next = friends.get(limit as usize).map(Friend::place);
        friends.truncate(limit as usize);
        let ids = friends.iter().map(|friend| friend.user.id).collect();
        let online = state.world.online(ids).await?;
        let listed = friends.into_iter().map(|friend| {
            let is_online = online.contains(&friend.user.id);
            api::Friend {
                user: Some(uncounted(friend.user, is_online)),
                state: Some(friend.state as i32),
                update_time: Some(whole_seconds(friend.update_time)),
                metadata: friend.metadata,
            }
        });
        Ok(api::FriendList {
            friends: listed.collect(),
            cursor: next.map(encode_friend).unwrap_or_default(),
        })
    }
}

/// Listing the friends of one's own friends.
pub(super) struct ListFriendsOfFriends;

/// What to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListFriendsOfFriendsRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Parameters for ListFriendsOfFriendsRequest {}

impl Operation for ListFriendsOfFriends {
    const NAME: &'static str = "ListFriendsOfFriends";
    const QUERY: &'static [Parameter] = &[Parameter::integer("limit"), Parameter::text("cursor")];
    type Caller = SessionClaims;
    type Request = ListFriendsOfFriendsRequest;
    type Response = api::FriendsOfFriendsList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListFriendsOfFriendsRequest, ApiError> {
        Ok(ListFriendsOfFriendsRequest {
            limit: query.int("limit")?,
            cursor: query.string("cursor")?.unwrap_or_default(),
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: ListFriendsOfFriendsRequest,
    ) -> Result<api::FriendsOfFriendsList, ApiError> {
        let limit = page_size(request.limit, 10, 100)?;
        let after = match request.cursor.as_str() {
            "" => None,
            text => Some(decode_friend_of_friend(text).ok_or_else(bad_cursor)?),
        };
        let found = state
            .store
            .friends_of_friends(caller.user_id, after, limit + 1)
            .await;
        let mut found = found.map_err(|error| ApiError::store(FAILED, &error))?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| has_more);
        let last = last.map(FriendOfFriend::place);
        let ids = found.iter().map(|found| found.user.id).collect();
        let online = state.world.online(ids).await?;
        let listed = found.into_iter().map(|found| {
            let is_online = online.contains(&found.user.id);
            api::friends_of_friends_list::FriendOfFriend {
                referrer: found.referrer.to_string(),
                user: Some(uncounted(found.user, is_online)),
            }
        });
        Ok(api::FriendsOfFriendsList {
            friends_of_friends: listed.collect(),
            cursor: last.map(encode_friend_of_friend).unwrap_or_default(),
        })
    }
}

/// How many to list.
fn page_size(limit: Option<i32>, default: u32, max: u32) -> Result<u32, ApiError> {
    let limit = limit.map_or(Ok(default), u32::try_from).ok();
    limit
        .filter(|limit| (1..=max).contains(limit))
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "Invalid limit - limit must be between 1 and {max}."
            ))
        })
}

fn read_state(number: i32) -> Result<FriendState, ApiError> {
    FriendState::try_from(i64::from(number))
        .map_err(|_| ApiError::invalid("Invalid state - state must be between 0 and 3."))
}

fn bad_cursor() -> ApiError {
    ApiError::invalid("Cursor is invalid.")
}

/// A user as they are shown in lists of friends: how many they have themselves is not told.
fn uncounted(user: User, is_online: bool) -> api::User {
    api::User {
        edge_count: 0,
        ..public_user(user, is_online)
    }
}
