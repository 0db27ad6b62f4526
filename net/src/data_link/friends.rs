//! Friends.

use jiff::Timestamp;
use tiltyard::{Call, DataError, DataOutcome, DataReply, FriendState, Page, Paging, UserId};

use super::{accounts::user_from_store, bad_cursor, ids_of, why};
use crate::{
    api::{decode_friend, encode_friend},
    news,
    store::{self, Friend, FriendMetadata, FriendQuery, Store, UserQuery},
};

pub(super) async fn list(
    store: &Store,
    user: UserId,
    state: Option<FriendState>,
    paging: &Paging,
) -> DataOutcome {
    let only = state.map(|state| match state {
        FriendState::Friend => store::FriendState::Friend,
        FriendState::InviteSent => store::FriendState::InviteSent,
        FriendState::InviteReceived => store::FriendState::InviteReceived,
        FriendState::Blocked => store::FriendState::Blocked,
    });
    let from = match &paging.cursor {
        None => None,
        Some(text) => Some(decode_friend(text, only).ok_or_else(bad_cursor)?),
    };
    let query = FriendQuery {
        state: only,
        from,
        // The one after the page is where the next begins.
        limit: paging.limit.saturating_add(1),
    };
    let found = store.friends(user.0, query).await.map_err(why)?;
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    let cursor = found.get(limit).map(|next| encode_friend(next.place()));
    let items = found
        .into_iter()
        .take(limit)
        .map(friend_from_store)
        .collect();
    Ok(DataReply::Friends(Page { items, cursor }))
}

pub(super) async fn add(
    store: &Store,
    user: UserId,
    others: &[UserId],
) -> Result<Vec<Call>, DataError> {
    let username = username(store, user).await?;
    let (others, metadata) = (ids_of(others), FriendMetadata::default());
    let added = store.add_friends(user.0, &others, &metadata, Timestamp::now());
    let call = news::of_friends(user.0, &username, added.await.map_err(why)?);
    Ok(call.into_iter().collect())
}

pub(super) async fn delete(
    store: &Store,
    user: UserId,
    others: &[UserId],
) -> Result<Vec<Call>, DataError> {
    let username = username(store, user).await?;
    let others = ids_of(others);
    let deleted = store.delete_friends(user.0, &others, Timestamp::now());
    let news = deleted.await.map_err(why)?;
    let call = news::of_friends(user.0, &username, news);
    Ok(call.into_iter().collect())
}

pub(super) async fn block(
    store: &Store,
    user: UserId,
    others: &[UserId],
) -> Result<Vec<Call>, DataError> {
    let others = ids_of(others);
    let blocked = store.block_friends(user.0, &others, Timestamp::now());
    let blocked = blocked.await.map_err(why)?;
    Ok(news::of_blocks(user.0, blocked).collect())
}

/// The name of which others are told.
async fn username(store: &Store, user: UserId) -> Result<String, DataError> {
    let query = UserQuery {
        ids: vec![user.0],
        ..UserQuery::default()
    };
    let found = store.users(&query).await.map_err(why)?.pop();
    Ok(found.ok_or(DataError::NotFound)?.username)
}

fn friend_from_store(friend: Friend) -> tiltyard::Friend {
    tiltyard::Friend {
        user: user_from_store(friend.user),
        state: match friend.state {
            store::FriendState::Friend => FriendState::Friend,
            store::FriendState::InviteSent => FriendState::InviteSent,
            store::FriendState::InviteReceived => FriendState::InviteReceived,
            store::FriendState::Blocked => FriendState::Blocked,
        },
        update_us: friend.update_time.as_microsecond(),
        metadata: friend.metadata,
    }
}
