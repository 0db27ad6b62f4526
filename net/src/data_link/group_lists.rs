//! Lists of groups, of their users, and of a user's groups.

use tiltyard::{
    DataError, DataOutcome, DataReply, GroupFilter, GroupId, GroupMembership, GroupState,
    GroupUser, Page, Paging, UserId,
};

use super::{accounts::user_from_store, bad_cursor, cut, groups::group_from_store, why};
use crate::{
    api::{Side, decode_edge, decode_group, encode_edge, encode_group},
    store::{self, EdgePlace, GroupPlace, Listed, NamePattern, Rank, Store},
};

pub(super) async fn groups(store: &Store, filter: GroupFilter, paging: &Paging) -> DataOutcome {
    let filter = filter_to_store(filter);
    let after = match &paging.cursor {
        None => None,
        Some(text) => Some(decode_group(text, &filter).ok_or_else(bad_cursor)?),
    };
    // One more tells whether there is a next page.
    let more = paging.limit.saturating_add(1);
    let found = store.groups(&filter, after.as_ref(), more).await;
    let (found, is_last) = cut(found.map_err(why)?, paging.limit);
    let last = found.last().filter(|_| !is_last);
    let cursor = last.map(|last| encode_group(&GroupPlace::of(last, &filter), &filter));
    let items = found.into_iter().map(group_from_store).collect();
    Ok(DataReply::Groups(Page { items, cursor }))
}

pub(super) async fn users(
    store: &Store,
    group: GroupId,
    state: Option<GroupState>,
    paging: &Paging,
) -> DataOutcome {
    let part = Part::new(Side::Group(group.0), state, paging)?;
    let found = store.group_users(group.0, part.rank, part.after, part.more);
    let page = part.page(found.await.map_err(why)?, |user| GroupUser {
        state: state_from_store(user.rank),
        user: user_from_store(user.what),
    });
    Ok(DataReply::GroupUsers(page))
}

pub(super) async fn of_user(
    store: &Store,
    user: UserId,
    state: Option<GroupState>,
    paging: &Paging,
) -> DataOutcome {
    let part = Part::new(Side::User(user.0), state, paging)?;
    let found = store.user_groups(user.0, part.rank, part.after, part.more);
    let page = part.page(found.await.map_err(why)?, |group| GroupMembership {
        state: state_from_store(group.rank),
        group: group_from_store(group.what),
    });
    Ok(DataReply::UserGroups(page))
}

/// Which part of a list of relations.
struct Part {
    side: Side,
    rank: Option<Rank>,
    after: EdgePlace,
    limit: u32,
    /// One more than the limit tells whether there is a next page.
    more: u32,
}

impl Part {
    fn new(side: Side, state: Option<GroupState>, paging: &Paging) -> Result<Self, DataError> {
        let rank = state.map(state_to_store);
        let after = match &paging.cursor {
            None => EdgePlace::START,
            Some(text) => decode_edge(text, side, rank).ok_or_else(bad_cursor)?,
        };
        Ok(Self {
            side,
            rank,
            after,
            limit: paging.limit,
            more: paging.limit.saturating_add(1),
        })
    }

    fn page<T, U>(&self, found: Vec<Listed<T>>, read: impl Fn(Listed<T>) -> U) -> Page<U> {
        let (found, is_last) = cut(found, self.limit);
        let last = found.last().filter(|_| !is_last);
        let cursor = last.map(|last| encode_edge(last.place, self.side, self.rank));
        let items = found.into_iter().map(read).collect();
        Page { items, cursor }
    }
}

fn filter_to_store(filter: GroupFilter) -> store::GroupFilter {
    let pattern = filter.name.as_deref().and_then(NamePattern::new);
    match pattern {
        Some(pattern) => store::GroupFilter::Name(pattern),
        None => store::GroupFilter::Traits {
            lang_tag: filter.lang_tag,
            members: filter
                .users_max
                .map(|members| i32::try_from(members).unwrap_or(i32::MAX)),
            open: filter.open,
        },
    }
}

const fn state_to_store(state: GroupState) -> Rank {
    match state {
        GroupState::Superadmin => Rank::Superadmin,
        GroupState::Admin => Rank::Admin,
        GroupState::Member => Rank::Member,
        GroupState::JoinRequest => Rank::JoinRequest,
        GroupState::Banned => Rank::Banned,
    }
}

const fn state_from_store(rank: Rank) -> GroupState {
    match rank {
        Rank::Superadmin => GroupState::Superadmin,
        Rank::Admin => GroupState::Admin,
        Rank::Member => GroupState::Member,
        Rank::JoinRequest => GroupState::JoinRequest,
        Rank::Banned => GroupState::Banned,
    }
}
