//! What users do about each other: `POST` and `DELETE /v2/friend`, `POST /v2/friend/block`.

use serde::{Deserialize, Serialize};
use tiltyard::parse_uuid;
use tracing::warn;
use uuid::Uuid;

use super::error::ApiError;
use super::operation::{Context, Nothing, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::{ApiState, to_the_end};
use crate::auth::SessionClaims;
use crate::news;
use crate::store::{FriendMetadata, FriendNews, StoreError, UserQuery};

/// Inviting users, and accepting their invitations.
pub(super) struct AddFriends;

/// Ending relations of any kind.
pub(super) struct DeleteFriends;

/// Blocking users.
pub(super) struct BlockFriends;

/// Whom it is about: whoever is in either list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct FriendsRequest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usernames: Vec<String>,
    /// Text of a JSON object; for those who are added.
    #[serde(skip_serializing_if = "String::is_empty")]
    metadata: String,
}

/// What names users.
const FRIENDS: &[Parameter] = &[Parameter::texts("ids"), Parameter::texts("usernames")];

impl Parameters for FriendsRequest {}

impl Operation for AddFriends {
    const NAME: &'static str = "AddFriends";
    const QUERY: &'static [Parameter] = &[
        Parameter::texts("ids"),
        Parameter::texts("usernames"),
        Parameter::text("metadata"),
    ];
    type Caller = SessionClaims;
    type Request = FriendsRequest;
    type Response = Nothing;

    fn decode(query: &Query, _: &[u8]) -> Result<FriendsRequest, ApiError> {
        Ok(FriendsRequest {
            metadata: query.string("metadata")?.unwrap_or_default(),
            ..FriendsRequest::decode(query)?
        })
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: FriendsRequest,
    ) -> Result<Nothing, ApiError> {
        const TEXTS: Texts = Texts {
            is_self: "Cannot add self as friend.",
            failed: "Error while trying to add friends.",
        };
        let Some(others) = request.others(state, caller, &TEXTS).await? else {
            return Ok(Nothing);
        };
        if others.is_empty() {
            return Err(nobody());
        }
        let metadata = FriendMetadata::parse(&request.metadata)
            .map_err(|error| ApiError::store(TEXTS.failed, &error))?;
        let (store, user) = (state.store.clone(), caller.user_id);
        let added = change(state, caller, async move {
            store.add_friends(user, &others, &metadata, now).await
        });
        added
            .await
            .map_err(|error| ApiError::store(TEXTS.failed, &error))
    }
}

impl Operation for DeleteFriends {
    const NAME: &'static str = "DeleteFriends";
    const QUERY: &'static [Parameter] = FRIENDS;
    type Caller = SessionClaims;
    type Request = FriendsRequest;
    type Response = Nothing;

    fn decode(query: &Query, _: &[u8]) -> Result<FriendsRequest, ApiError> {
        FriendsRequest::decode(query)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: FriendsRequest,
    ) -> Result<Nothing, ApiError> {
        const TEXTS: Texts = Texts {
            is_self: "Cannot delete self.",
            failed: "Error while trying to delete friends.",
        };
        let Some(others) = request.others(state, caller, &TEXTS).await? else {
            return Ok(Nothing);
        };
        let (store, user) = (state.store.clone(), caller.user_id);
        let deleted = change(state, caller, async move {
            store.delete_friends(user, &others, now).await
        });
        deleted
            .await
            .map_err(|error| ApiError::store(TEXTS.failed, &error))
    }
}

impl Operation for BlockFriends {
    const NAME: &'static str = "BlockFriends";
    const QUERY: &'static [Parameter] = FRIENDS;
    type Caller = SessionClaims;
    type Request = FriendsRequest;
    type Response = Nothing;

    fn decode(query: &Query, _: &[u8]) -> Result<FriendsRequest, ApiError> {
        FriendsRequest::decode(query)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: FriendsRequest,
    ) -> Result<Nothing, ApiError> {
        const TEXTS: Texts = Texts {
            is_self: "Cannot block self.",
            failed: "Error while trying to block friends.",
        };
        let Some(others) = request.others(state, caller, &TEXTS).await? else {
            return Ok(Nothing);
        };
        if others.is_empty() {
            return Err(nobody());
        }
        let (state, user) = (state.clone(), caller.user_id);
        to_the_end(async move {
            let blocked = state.store.block_friends(user, &others, now).await;
            let blocked = blocked.map_err(|error| ApiError::store(TEXTS.failed, &error))?;
            // If the world is busy, they are blocked all the same, and to block them again does the rest.
            state.tell(news::of_blocks(user, blocked)).await?;
            Ok(Nothing)
        })
        .await
    }
}

/// What refusals of one operation say.
struct Texts {
    is_self: &'static str,
    failed: &'static str,
}

impl FriendsRequest {
    fn decode(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            ids: query.strings("ids")?,
            usernames: query.strings("usernames")?,
            metadata: String::new(),
        })
    }

    /// The ids of all whom it is about; there may be no such users. `None` if it names nobody.
    async fn others(
        &self,
        state: &ApiState,
        caller: &SessionClaims,
        texts: &Texts,
    ) -> Result<Option<Vec<Uuid>>, ApiError> {
        if self.ids.is_empty() && self.usernames.is_empty() {
            return Ok(None);
        }
        let is_self = || ApiError::invalid(texts.is_self);
        let mut others = Vec::with_capacity(self.ids.len() + self.usernames.len());
        for text in &self.ids {
            let id = parse_uuid(text).filter(|id| !id.is_nil());
            let id = id.ok_or_else(|| ApiError::invalid(format!("Invalid user ID '{text}'.")))?;
            if id == caller.user_id {
                return Err(is_self());
            }
            others.push(id);
        }
        for name in &self.usernames {
            if name.is_empty() {
                return Err(ApiError::invalid("Username must not be empty."));
            }
            if *name == caller.username {
                return Err(is_self());
            }
        }
        let query = UserQuery {
            usernames: self.usernames.clone(),
            ..UserQuery::default()
        };
        let named = state.store.users(&query).await;
        let named = named.map_err(|error| ApiError::store(texts.failed, &error))?;
        // A name that is one's own again, or by now, is not in the token.
        if named.iter().any(|user| user.id == caller.user_id) {
            return Err(is_self());
        }
        others.extend(named.into_iter().map(|user| user.id));
        Ok(Some(others))
    }
}

fn nobody() -> ApiError {
    ApiError::invalid("No valid ID or username was provided.")
}

/// Changes what users are to the caller and tells them, which is done whether or not they can be told.
async fn change(
    state: &ApiState,
    caller: &SessionClaims,
    change: impl Future<Output = Result<Vec<(Uuid, FriendNews)>, StoreError>> + Send + 'static,
) -> Result<Nothing, StoreError> {
    let (state, caller) = (state.clone(), caller.clone());
    to_the_end(async move {
        let call = news::of_friends(caller.user_id, &caller.username, change.await?);
        if let Err(error) = state.tell(call).await {
            warn!(%error, "users were not told of a friend's doing");
        }
        Ok(Nothing)
    })
    .await
}
