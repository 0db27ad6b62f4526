//! Groups: `/v2/group`.

use serde::{Deserialize, Serialize};
use tiltyard::parse_uuid;
use tiltyard_proto::api;
use uuid::Uuid;

use super::error::{ApiError, Code};
use super::group_members::note;
use super::operation::{Context, Nothing, Operation, Parameters, decode_body};
use super::query::Query;
use super::to_the_end;
use super::user::whole_seconds;
use crate::auth::SessionClaims;
use crate::news;
use crate::store::{Actor, Group, GroupChange, GroupError, Metadata, NewGroup};

/// Members that fit, unless the creator says otherwise.
const MAX_COUNT: i32 = 100;
/// The language of a group, unless the creator says otherwise.
const LANG_TAG: &str = "en";

/// Founding a group.
pub(super) struct CreateGroup;

impl Operation for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::CreateGroupRequest;
    type Response = api::Group;

    fn decode(_: &Query, body: &[u8]) -> Result<api::CreateGroupRequest, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: api::CreateGroupRequest,
    ) -> Result<api::Group, ApiError> {
        if request.name.is_empty() {
            return Err(ApiError::invalid("Group name must be set."));
        }
        if request.max_count < 0 {
            let text = "Group max count must be >= 1 when set.";
            return Err(ApiError::invalid(text));
        }
        let new = NewGroup {
            name: request.name,
            description: request.description,
            avatar_url: request.avatar_url,
            lang_tag: or_default(request.lang_tag, LANG_TAG),
            open: request.open,
            max_count: match request.max_count {
                0 => MAX_COUNT,
                max_count => max_count,
            },
            metadata: Metadata::default(),
        };
        let made = state.store.create_group(caller.user_id, &new, now).await;
        made.map(public_group).map_err(|error| match error {
            GroupError::NameTaken => ApiError::new(Code::AlreadyExists, "Group name is in use."),
            error => ApiError::group("Error while trying to create group.", &error),
        })
    }
}

fn or_default(text: String, default: &str) -> String {
    if text.is_empty() {
        return default.to_owned();
    }
    text
}

/// Changing a group.
pub(super) struct UpdateGroup;

impl Operation for UpdateGroup {
    const NAME: &'static str = "UpdateGroup";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::UpdateGroupRequest;
    type Response = Nothing;

    fn decode(_: &Query, body: &[u8]) -> Result<api::UpdateGroupRequest, ApiError> {
        decode_body(body)
    }

    fn take_segment(request: &mut api::UpdateGroupRequest, segment: String) {
        request.group_id = segment;
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: api::UpdateGroupRequest,
    ) -> Result<Nothing, ApiError> {
        let id = group_id(&request.group_id)?;
        let change = GroupChange {
            name: request.name,
            description: request.description,
            avatar_url: request.avatar_url,
            lang_tag: request.lang_tag,
            open: request.open,
            ..GroupChange::default()
        };
        if change.name.as_deref() == Some("") {
            return Err(ApiError::invalid("Group name cannot be empty."));
        }
        if change.lang_tag.as_deref() == Some("") {
            return Err(ApiError::invalid("Group language cannot be empty."));
        }
        let user = Actor::Player(caller.user_id);
        let updated = state.store.update_group(id, user, &change, now).await;
        updated.map_err(|error| match error {
            GroupError::NotAllowed => {
                ApiError::not_found("Group not found or you're not allowed to update.")
            }
            GroupError::NothingToChange => {
                ApiError::invalid("Specify at least one field to update.")
            }
            GroupError::NameTaken => ApiError::invalid("Group name is in use."),
            GroupError::Disabled => ApiError::invalid("No new fields in group update."),
            error => ApiError::group("Error while trying to update group.", &error),
        })?;
        Ok(Nothing)
    }
}

/// What concerns a group as a whole, or the caller in it.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct GroupRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) group_id: String,
}

impl Parameters for GroupRequest {}

/// Operations whose request is a group in the path differ in what they do with it alone.
macro_rules! group_operations {
    ($($(#[$doc:meta])* $Operation:ident $run:ident;)*) => {$(
        $(#[$doc])*
        pub(super) struct $Operation;

        impl Operation for $Operation {
            const NAME: &'static str = stringify!($Operation);
            type Caller = SessionClaims;
            type Request = GroupRequest;
            type Response = Nothing;

            fn decode(_: &Query, _: &[u8]) -> Result<GroupRequest, ApiError> {
                Ok(GroupRequest::default())
            }

            fn take_segment(request: &mut GroupRequest, segment: String) {
                request.group_id = segment;
            }

            async fn run(
                context: Context<'_>,
                caller: &SessionClaims,
                request: GroupRequest,
            ) -> Result<Nothing, ApiError> {
                $run(context, caller.user_id, group_id(&request.group_id)?).await
            }
        }
    )*};
}
pub(super) use group_operations;

group_operations! {
    /// Deleting a group.
    DeleteGroup delete;
}

async fn delete(
    Context { state, .. }: Context<'_>,
    user: Uuid,
    id: Uuid,
) -> Result<Nothing, ApiError> {
    let state = state.clone();
    let deleted = to_the_end(async move {
        state.store.delete_group(id, Actor::Player(user)).await?;
        note(state.tell([news::of_deleted_group(id)]).await);
        Ok(())
    });
    deleted.await.map_err(|error| match error {
        GroupError::NotAllowed => {
            ApiError::invalid("Group not found or you're not allowed to delete.")
        }
        error => ApiError::group("Error while trying to delete group.", &error),
    })?;
    Ok(Nothing)
}

/// The group that a path names.
pub(super) fn group_id(text: &str) -> Result<Uuid, ApiError> {
    parse_uuid(text).ok_or_else(|| ApiError::invalid("Group ID must be a valid ID."))
}

/// A group as anybody may see it.
pub(super) fn public_group(group: Group) -> api::Group {
    api::Group {
        id: group.id.to_string(),
        creator_id: group.creator_id.to_string(),
        name: group.name,
        description: group.description,
        lang_tag: group.lang_tag,
        metadata: group.metadata,
        avatar_url: group.avatar_url,
        open: Some(group.open),
        edge_count: group.edge_count,
        max_count: group.max_count,
        create_time: Some(whole_seconds(group.create_time)),
        update_time: Some(whole_seconds(group.update_time)),
    }
}
