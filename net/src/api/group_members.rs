//! Who is in a group: `/v2/group/{group_id}/join`, `leave`, `add`, `kick`, `ban`, `promote`, `demote`.

use serde::{Deserialize, Serialize};
use tiltyard::{UserId, parse_uuid};
use uuid::Uuid;

use super::error::ApiError;
use super::group::{GroupRequest, group_id, group_operations};
use super::operation::{Context, Nothing, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::world::WorldError;
use super::{ApiState, to_the_end};
use crate::auth::SessionClaims;
use crate::news;
use crate::store::{Actor, Deed, GroupError, GroupNews};

group_operations! {
    /// Joining a group, or asking to.
    JoinGroup join;
    /// Leaving a group, or asking no more.
    LeaveGroup leave;
}

async fn join(
    Context { state, now, .. }: Context<'_>,
    user: Uuid,
    id: Uuid,
) -> Result<Nothing, ApiError> {
    let store = state.store.clone();
    let joined = change(state, id, user, async move {
        store.join_group(id, user, now).await
    });
    joined.await.map_err(|error| match error {
        GroupError::NotFound => ApiError::not_found("Group not found."),
        GroupError::Full => ApiError::invalid("Group is full."),
        error => ApiError::group("Error while trying to join group.", &error),
    })
}

async fn leave(
    Context { state, now, .. }: Context<'_>,
    user: Uuid,
    id: Uuid,
) -> Result<Nothing, ApiError> {
    let store = state.store.clone();
    let left = change(state, id, user, async move {
        store.leave_group(id, user, now).await
    });
    left.await.map_err(|error| match error {
        GroupError::LastSuperadmin => {
            ApiError::invalid("Cannot leave group when you are the last superadmin.")
        }
        error => ApiError::group("Error while trying to leave group.", &error),
    })
}

/// What concerns other users in a group.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct GroupUsersRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    group_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_ids: Vec<String>,
}

impl Parameters for GroupUsersRequest {}

/// The operations by which admins do something to users differ in little.
macro_rules! deeds {
    ($($(#[$doc:meta])* $Operation:ident $name:literal $deed:expr, $failure:literal;)*) => {$(
        $(#[$doc])*
        pub(super) struct $Operation;

        impl Operation for $Operation {
            const NAME: &'static str = $name;
            const QUERY: &'static [Parameter] = &[Parameter::texts("user_ids")];
            type Caller = SessionClaims;
            type Request = GroupUsersRequest;
            type Response = Nothing;

            fn decode(query: &Query, _: &[u8]) -> Result<GroupUsersRequest, ApiError> {
                Ok(GroupUsersRequest {
                    group_id: String::new(),
                    user_ids: query.strings("user_ids")?,
                })
            }

            fn take_segment(request: &mut GroupUsersRequest, segment: String) {
                request.group_id = segment;
            }

            async fn run(
                context: Context<'_>,
                caller: &SessionClaims,
                request: GroupUsersRequest,
            ) -> Result<Nothing, ApiError> {
                carry_out(context, caller.user_id, $deed, request, $failure).await
            }
        }
    )*};
}
deeds! {
    /// Making users members.
    AddGroupUsers "AddGroupUsers" Deed::Add,
        "Error while trying to add users to a group.";
    /// Throwing users out.
    KickGroupUsers "KickGroupUsers" Deed::Kick,
        "Error while trying to kick users from a group.";
    /// Throwing users out for good.
    BanGroupUsers "BanGroupUsers" Deed::Ban,
        "Error while trying to ban users from a group.";
    /// Giving members more to say.
    PromoteGroupUsers "PromoteGroupUsers" Deed::Promote,
        "Error while trying to promote users in a group.";
    /// Giving members less to say.
    DemoteGroupUsers "DemoteGroupUsers" Deed::Demote,
        "Error while trying to demote users in a group.";
}

async fn carry_out(
    Context { state, now, .. }: Context<'_>,
    admin: Uuid,
    deed: Deed,
    request: GroupUsersRequest,
    failure: &str,
) -> Result<Nothing, ApiError> {
    let id = group_id(&request.group_id)?;
    if request.user_ids.is_empty() {
        // Of all of them, the reference server misses them here alone.
        return match deed {
            Deed::Demote => Err(ApiError::invalid("User IDs must be set.")),
            _ => Ok(Nothing),
        };
    }
    let user_id = |text: &String| parse_uuid(text).filter(|id| !id.is_nil());
    let users = request.user_ids.iter().map(user_id);
    let users = users
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| ApiError::invalid("User ID must be a valid ID."))?;
    let store = state.store.clone();
    let done = change(state, id, admin, async move {
        let actor = Actor::Player(admin);
        store.change_group_users(id, actor, deed, &users, now).await
    });
    done.await.map_err(|error| match error {
        GroupError::NotAllowed => ApiError::not_found("Group not found or permission denied."),
        GroupError::UsersNotFound => ApiError::invalid("One or more users not found."),
        GroupError::Full => ApiError::invalid("Group is full."),
        error => ApiError::group(failure, &error),
    })
}

/// Changes who is in a group, and has the world do what follows from that.
async fn change(
    state: &ApiState,
    group: Uuid,
    user: Uuid,
    change: impl Future<Output = Result<GroupNews, GroupError>> + Send + 'static,
) -> Result<Nothing, GroupError> {
    let state = state.clone();
    to_the_end(async move {
        let calls = news::of_group(group, UserId(user), change.await?);
        note(state.tell(calls).await);
        Ok(Nothing)
    })
    .await
}

/// A change of a group stands, whoever heard of it.
pub(super) fn note(told: Result<(), WorldError>) {
    if let Err(error) = told {
        tracing::error!(%error, "the world was not told of a change to a group");
    }
}
