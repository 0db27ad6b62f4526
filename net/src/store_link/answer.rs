//! What the engine itself asks of the database, and its answers.

use tiltyard::{StoreFailure, StoreOutcome, StoreReply, StoreRequest, StoredUser, UserId};
use tracing::warn;

use crate::store::{Store, StoreError, UserQuery};

/// Answers what the engine itself asks.
pub(super) async fn answer(store: &Store, request: StoreRequest) -> StoreOutcome {
    let done = |()| StoreReply::Done;
    let reply = match request {
        StoreRequest::Users { ids, usernames } => users(store, ids, usernames).await,
        StoreRequest::DirectMessage { from, to } => {
            let allowed = store.may_message(from.0, to.0).await;
            allowed.map(StoreReply::Allowed)
        }
        StoreRequest::GroupMember { group, user } => {
            let allowed = store.is_group_member(group, user.0).await;
            allowed.map(StoreReply::Allowed)
        }
        StoreRequest::InsertMessage(message) => store.insert_message(&message).await.map(done),
        StoreRequest::UpdateMessage(message) => {
            let times = store.update_message(&message).await;
            times.map(StoreReply::MessageTimes)
        }
        StoreRequest::RemoveMessage(message) => {
            let times = store.remove_message(&message).await;
            times.map(StoreReply::MessageTimes)
        }
        StoreRequest::InsertNotifications(notifications) => {
            store.insert_notifications(&notifications).await.map(done)
        }
        StoreRequest::InsertNotificationForAll(notification) => {
            let kept = store.insert_notification_for_all(&notification).await;
            kept.map(done)
        }
        other => {
            warn!(?other, "the database does not know such a question");
            return Err(StoreFailure::Failed);
        }
    };
    reply.map_err(|error| match error {
        // The store has told the operator already, once.
        StoreError::Unavailable(_) => StoreFailure::Unavailable,
        error => {
            warn!(%error, "the database failed");
            StoreFailure::Failed
        }
    })
}

async fn users(
    store: &Store,
    ids: Vec<UserId>,
    usernames: Vec<String>,
) -> Result<StoreReply, StoreError> {
    let query = UserQuery {
        ids: ids.into_iter().map(|id| id.0).collect(),
        usernames,
        ..UserQuery::default()
    };
    let found = store.users(&query).await?;
    let users = found.into_iter().map(|user| StoredUser {
        id: UserId(user.id),
        username: user.username.into(),
    });
    Ok(StoreReply::Users(users.collect()))
}
