//! Other users: `/v2/user`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tiltyard_proto::api;

use super::error::ApiError;
use super::identifiers::parse_user_id;
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use crate::auth::SessionClaims;
use crate::store::{User, UserQuery};

/// Looking up users.
pub(super) struct GetUsers;

/// Whom to look up; whoever is in any of the lists.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct GetUsersRequest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usernames: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facebook_ids: Vec<String>,
}

impl Parameters for GetUsersRequest {}

impl Operation for GetUsers {
    const NAME: &'static str = "GetUsers";
    const QUERY: &'static [Parameter] = &[
        Parameter::texts("ids"),
        Parameter::texts("usernames"),
        Parameter::texts("facebook_ids"),
    ];
    type Caller = SessionClaims;
    type Request = GetUsersRequest;
    type Response = api::Users;

    fn decode(query: &Query, _: &[u8]) -> Result<GetUsersRequest, ApiError> {
        Ok(GetUsersRequest {
            ids: query.strings("ids")?,
            usernames: query.strings("usernames")?,
            facebook_ids: query.strings("facebook_ids")?,
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        request: GetUsersRequest,
    ) -> Result<api::Users, ApiError> {
        let id = |text: &String| {
            let refused = || ApiError::invalid(format!("ID '{text}' is not a valid system ID."));
            parse_user_id(text).ok_or_else(refused)
        };
        let query = UserQuery {
            ids: request.ids.iter().map(id).collect::<Result<_, _>>()?,
            usernames: request.usernames,
            facebook_ids: request.facebook_ids,
        };
        let users = state.store.users(&query).await;
        let users =
            users.map_err(|error| ApiError::store("Error retrieving user accounts.", &error))?;
        if users.is_empty() {
            return Ok(api::Users::default());
        }
        let ids = users.iter().map(|user| user.id).collect();
        let online = state.world.online(ids).await?;
        let public = users.into_iter().map(|user| {
            let online = online.contains(&user.id);
            public_user(user, online)
        });
        Ok(api::Users {
            users: public.collect(),
        })
    }
}

/// A user as anybody may see them.
pub(super) fn public_user(user: User, online: bool) -> api::User {
    api::User {
        id: user.id.to_string(),
        username: user.username,
        display_name: user.display_name,
        avatar_url: user.avatar_url,
        lang_tag: user.lang_tag,
        location: user.location,
        timezone: user.timezone,
        metadata: user.metadata,
        facebook_id: user.facebook_id,
        google_id: user.google_id,
        gamecenter_id: user.gamecenter_id,
        steam_id: user.steam_id,
        online,
        edge_count: user.edge_count,
        create_time: Some(whole_seconds(user.create_time)),
        update_time: Some(whole_seconds(user.update_time)),
        facebook_instant_game_id: user.facebook_instant_game_id,
        apple_id: user.apple_id,
    }
}

/// Times of accounts are told without their fraction.
pub(super) fn whole_seconds(time: Timestamp) -> tiltyard_proto::Timestamp {
    tiltyard_proto::timestamp(time.as_second(), 0)
}
