//! Kept notifications.

use tiltyard::{DataOutcome, DataReply, Notification, Page, Paging, UserId};
use uuid::Uuid;

use super::{bad_cursor, why};
use crate::{
    api::{decode_notification, encode_notification},
    store::{Position, Store},
};

pub(super) async fn list(store: &Store, user: UserId, paging: &Paging) -> DataOutcome {
    let after = match &paging.cursor {
        None => Position::START,
        Some(text) => decode_notification(text).ok_or_else(bad_cursor)?,
    };
    let items = store.notifications(user.0, after, paging.limit).await;
    let items = items.map_err(why)?;
    let place = |last: &Notification| Position {
        create_us: last.create_us,
        id: last.id,
    };
    let cursor = Some(encode_notification(items.last().map_or(after, place)));
    Ok(DataReply::Notifications(Page { items, cursor }))
}

pub(super) async fn delete(store: &Store, user: UserId, ids: &[Uuid]) -> DataOutcome {
    let deleted = store.delete_notifications(user.0, ids).await;
    deleted.map(|()| DataReply::Done).map_err(why)
}
