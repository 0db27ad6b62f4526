//! Lists of groups: `/v2/group`, `/v2/group/{group_id}/user`, `/v2/user/{user_id}/group`.

use serde::{Deserialize, Serialize};
use tiltyard_proto::api;
use tiltyard_proto::api::{group_user_list::GroupUser, user_group_list::UserGroup};

use super::channel::page_size;
use super::cursor::{Side, decode_edge, decode_group, encode_edge, encode_group};
use super::error::{ApiError, Code};
use super::group::{group_id, public_group};
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::user::public_user;
use crate::auth::SessionClaims;
use crate::store::{EdgePlace, GroupFilter, GroupPlace, Listed, NamePattern, Rank};

/// Relations on a page, unless the caller says otherwise.
const EDGES: i32 = 100;

/// Listing groups.
pub(super) struct ListGroups;

/// Which groups to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListGroupsRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    lang_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
}

impl Parameters for ListGroupsRequest {}

impl ListGroupsRequest {
    fn filter(self) -> Result<GroupFilter, ApiError> {
        let lang_tag = Some(self.lang_tag).filter(|lang_tag| !lang_tag.is_empty());
        let has_traits = lang_tag.is_some() || self.members.is_some() || self.open.is_some();
        if !self.name.is_empty() && has_traits {
            let text = "name filter cannot be combined with any other filter";
            return Err(ApiError::invalid(text));
        }
        Ok(match NamePattern::new(&self.name) {
            Some(pattern) => GroupFilter::Name(pattern),
            None => GroupFilter::Traits {
                lang_tag,
                members: self.members,
                open: self.open,
            },
        })
    }
}

impl Operation for ListGroups {
    const NAME: &'static str = "ListGroups";
    const QUERY: &'static [Parameter] = &[
        Parameter::text("name"),
        Parameter::text("cursor"),
        Parameter::integer("limit"),
        Parameter::text("lang_tag"),
        Parameter::integer("members"),
        Parameter::boolean("open"),
    ];
    type Caller = SessionClaims;
    type Request = ListGroupsRequest;
    type Response = api::GroupList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListGroupsRequest, ApiError> {
        Ok(ListGroupsRequest {
            name: query.string("name")?.unwrap_or_default(),
            cursor: query.string("cursor")?.unwrap_or_default(),
            limit: query.int("limit")?,
            lang_tag: query.string("lang_tag")?.unwrap_or_default(),
            members: query.int("members")?,
            open: query.bool("open")?,
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        mut request: ListGroupsRequest,
    ) -> Result<api::GroupList, ApiError> {
        const FAILED: &str = "Error while trying to list groups.";
        let limit = page_size(request.limit)?;
        let cursor = std::mem::take(&mut request.cursor);
        let filter = request.filter()?;
        let after = match cursor.as_str() {
            "" => None,
            // The code is the reference server's.
            text => Some(
                decode_group(text, &filter).ok_or_else(|| ApiError::new(Code::Internal, FAILED))?,
            ),
        };
        let found = state.store.groups(&filter, after.as_ref(), limit + 1).await;
        let mut groups = found.map_err(|error| ApiError::store(FAILED, &error))?;
        let has_more = groups.len() > limit as usize;
        groups.truncate(limit as usize);
        let last = groups.last().filter(|_| has_more);
        let cursor = last.map(|last| encode_group(&GroupPlace::of(last, &filter), &filter));
        Ok(api::GroupList {
            cursor: cursor.unwrap_or_default(),
            groups: groups.into_iter().map(public_group).collect(),
        })
    }
}

/// What to list of the relations of a group, or of a user.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct EdgesRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl EdgesRequest {
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::integer("state"),
        Parameter::text("cursor"),
    ];

    fn decode(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            limit: query.int("limit")?,
            state: query.int("state")?,
            cursor: query.string("cursor")?.unwrap_or_default(),
        })
    }

    /// Checks everything, and gives the size of the page, the rank, and where the page begins.
    fn page(&self, side: Side) -> Result<(u32, Option<Rank>, EdgePlace), ApiError> {
        let limit = page_size(Some(self.limit.unwrap_or(EDGES)))?;
        let refused = || ApiError::invalid("Invalid state - state must be between 0 and 4.");
        let rank = |number: i32| Rank::from_number(number.into()).ok_or_else(refused);
        let rank = self.state.map(rank).transpose()?;
        let refused = || ApiError::invalid("Cursor is invalid.");
        let after = match self.cursor.as_str() {
            "" => EdgePlace::START,
            text => decode_edge(text, side, rank).ok_or_else(refused)?,
        };
        Ok((limit, rank, after))
    }
}

/// Cuts off what is more than a page, and gives the cursor if there is more.
fn cut<T>(edges: &mut Vec<Listed<T>>, limit: u32, side: Side, rank: Option<Rank>) -> String {
    let has_more = edges.len() > limit as usize;
    edges.truncate(limit as usize);
    let last = edges.last().filter(|_| has_more);
    last.map(|last| encode_edge(last.place, side, rank))
        .unwrap_or_default()
}

/// Listing the users of a group.
pub(super) struct ListGroupUsers;

/// Which users to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListGroupUsersRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    group_id: String,
    #[serde(flatten)]
    edges: EdgesRequest,
}

impl Parameters for ListGroupUsersRequest {}

impl Operation for ListGroupUsers {
    const NAME: &'static str = "ListGroupUsers";
    const QUERY: &'static [Parameter] = EdgesRequest::QUERY;
    type Caller = SessionClaims;
    type Request = ListGroupUsersRequest;
    type Response = api::GroupUserList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListGroupUsersRequest, ApiError> {
        Ok(ListGroupUsersRequest {
            group_id: String::new(),
            edges: EdgesRequest::decode(query)?,
        })
    }

    fn take_segment(request: &mut ListGroupUsersRequest, segment: String) {
        request.group_id = segment;
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        request: ListGroupUsersRequest,
    ) -> Result<api::GroupUserList, ApiError> {
        let group = group_id(&request.group_id)?;
        let side = Side::Group(group);
        let (limit, rank, after) = request.edges.page(side)?;
        let found = state.store.group_users(group, rank, after, limit + 1).await;
        let mut found = found.map_err(|error| {
            ApiError::store("Error while trying to list users in a group.", &error)
        })?;
        if found.is_empty() {
            return Ok(api::GroupUserList::default());
        }
        let cursor = cut(&mut found, limit, side, rank);
        let ids = found.iter().map(|user| user.place.id).collect();
        let online = state.world.online(ids).await?;
        let public = |user: Listed<crate::store::User>| GroupUser {
            user: Some(public_user(user.what, online.contains(&user.place.id))),
            state: Some(user.rank as i32),
        };
        Ok(api::GroupUserList {
            group_users: found.into_iter().map(public).collect(),
            cursor,
        })
    }
}

/// Listing the groups of a user.
pub(super) struct ListUserGroups;

/// Which groups to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListUserGroupsRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    user_id: String,
    #[serde(flatten)]
    edges: EdgesRequest,
}

impl Parameters for ListUserGroupsRequest {}

impl Operation for ListUserGroups {
    const NAME: &'static str = "ListUserGroups";
    const QUERY: &'static [Parameter] = EdgesRequest::QUERY;
    type Caller = SessionClaims;
    type Request = ListUserGroupsRequest;
    type Response = api::UserGroupList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListUserGroupsRequest, ApiError> {
        Ok(ListUserGroupsRequest {
            user_id: String::new(),
            edges: EdgesRequest::decode(query)?,
        })
    }

    fn take_segment(request: &mut ListUserGroupsRequest, segment: String) {
        request.user_id = segment;
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        request: ListUserGroupsRequest,
    ) -> Result<api::UserGroupList, ApiError> {
        // It is a user, and the reference server calls it a group.
        let user = group_id(&request.user_id)?;
        let side = Side::User(user);
        let (limit, rank, after) = request.edges.page(side)?;
        let found = state.store.user_groups(user, rank, after, limit + 1).await;
        let mut found = found.map_err(|error| {
            ApiError::store("Error while trying to list groups for a user.", &error)
        })?;
        let cursor = cut(&mut found, limit, side, rank);
        let public = |group: Listed<crate::store::Group>| UserGroup {
            group: Some(public_group(group.what)),
            state: Some(group.rank as i32),
        };
        Ok(api::UserGroupList {
            user_groups: found.into_iter().map(public).collect(),
            cursor,
        })
    }
}
