//! Groups and who is in them.

use jiff::Timestamp;
use tiltyard::{
    Call, DataError, DataOutcome, DataReply, GroupChange, GroupId, GroupUpdate, Page, UserId,
};
use uuid::Uuid;

use super::{ids_of, why};
use crate::{
    news,
    store::{self, Actor, Deed, Group, GroupError, Metadata, NewGroup, Store},
};

pub(super) async fn create(store: &Store, group: tiltyard::NewGroup) -> DataOutcome {
    let new = NewGroup {
        name: group.name,
        description: group.description,
        avatar_url: group.avatar_url,
        lang_tag: group.lang_tag,
        open: group.open,
        max_count: room(group.users_max)?,
        metadata: Metadata::parse(group.metadata).map_err(why)?,
    };
    let made = store.create_group(group.creator.0, &new, Timestamp::now());
    let made = made.await.map_err(why_of_group)?;
    Ok(DataReply::Group(Box::new(group_from_store(made))))
}

pub(super) async fn update(store: &Store, group: GroupId, update: GroupUpdate) -> DataOutcome {
    let change = store::GroupChange {
        name: update.name,
        description: update.description,
        avatar_url: update.avatar_url,
        lang_tag: update.lang_tag,
        open: update.open,
        max_count: update.users_max.map(room).transpose()?,
        metadata: update
            .metadata
            .map(Metadata::parse)
            .transpose()
            .map_err(why)?,
    };
    let updated = store.update_group(group.0, Actor::Server, &change, Timestamp::now());
    updated.await.map_err(why_of_group)?;
    Ok(DataReply::Done)
}

pub(super) async fn delete(store: &Store, group: GroupId) -> Result<Vec<Call>, DataError> {
    let deleted = store.delete_group(group.0, Actor::Server).await;
    deleted.map_err(why_of_group)?;
    Ok(vec![news::of_deleted_group(group.0)])
}

pub(super) async fn get(store: &Store, groups: Vec<GroupId>) -> DataOutcome {
    let ids: Vec<Uuid> = groups.into_iter().map(|group| group.0).collect();
    let found = store.groups_by_id(&ids).await.map_err(why)?;
    Ok(DataReply::Groups(Page {
        items: found.into_iter().map(group_from_store).collect(),
        cursor: None,
    }))
}

pub(super) async fn join(
    store: &Store,
    group: GroupId,
    user: UserId,
) -> Result<Vec<Call>, DataError> {
    let joined = store.join_group(group.0, user.0, Timestamp::now()).await;
    Ok(news::of_group(group.0, user, joined.map_err(why_of_group)?))
}

pub(super) async fn leave(
    store: &Store,
    group: GroupId,
    user: UserId,
) -> Result<Vec<Call>, DataError> {
    let left = store.leave_group(group.0, user.0, Timestamp::now()).await;
    Ok(news::of_group(group.0, user, left.map_err(why_of_group)?))
}

pub(super) async fn change(
    store: &Store,
    group: GroupId,
    users: &[UserId],
    change: GroupChange,
) -> Result<Vec<Call>, DataError> {
    let deed = match change {
        GroupChange::Add => Deed::Add,
        GroupChange::Kick => Deed::Kick,
        GroupChange::Ban => Deed::Ban,
        GroupChange::Promote => Deed::Promote,
        GroupChange::Demote => Deed::Demote,
    };
    let (users, now) = (ids_of(users), Timestamp::now());
    let changed = store.change_group_users(group.0, Actor::Server, deed, &users, now);
    let news = changed.await.map_err(why_of_group)?;
    Ok(news::of_group(group.0, UserId::SYSTEM, news))
}

/// Why nothing became of a group, as far as it matters to game code.
fn why_of_group(error: GroupError) -> DataError {
    match error {
        GroupError::NotFound
        | GroupError::NotAllowed
        | GroupError::Disabled
        | GroupError::UsersNotFound => DataError::NotFound,
        GroupError::NameTaken | GroupError::Full => DataError::Conflict,
        GroupError::LastSuperadmin => DataError::PermissionDenied,
        GroupError::NothingToChange => DataError::Invalid("nothing would change".to_owned()),
        GroupError::Store(error) => why(error),
    }
}

/// The protocol counts by signed numbers.
fn room(users_max: u32) -> Result<i32, DataError> {
    let too_much = |_| DataError::Invalid(format!("a group has room for {} at most", i32::MAX));
    i32::try_from(users_max).map_err(too_much)
}

pub(super) fn group_from_store(group: Group) -> tiltyard::Group {
    tiltyard::Group {
        id: GroupId(group.id),
        creator: UserId(group.creator_id),
        name: group.name,
        description: group.description,
        avatar_url: group.avatar_url,
        lang_tag: group.lang_tag,
        metadata: group.metadata,
        open: group.open,
        user_count: u32::try_from(group.edge_count).unwrap_or_default(),
        users_max: u32::try_from(group.max_count).unwrap_or_default(),
        create_us: group.create_time.as_microsecond(),
        update_us: group.update_time.as_microsecond(),
    }
}
