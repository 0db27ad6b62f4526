//! What others are told when a group has changed: its channel live, and users by notifications.

use std::future::Future;

use tiltyard::{ChannelId, NewNotification, StreamId, UserId, mode};
use uuid::Uuid;

use super::ApiState;
use super::world::WorldError;
use crate::store::{GroupError, GroupNews, JoinRequest};

/// Codes of notifications, by section 13.3 of the protocol.
const CODE_ADDED: i32 = -4;
const CODE_JOIN_REQUEST: i32 = -5;

/// Characters in the longest subject, as the database keeps it.
const SUBJECT_CHARACTERS_MAX: usize = 255;

/// Carries out a change and what follows from it, even if the caller hangs up in between: nobody stays on
/// the channel of a group of which they are no member.
///
/// It ends by itself, as the database and the world answer in bounded time.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, GroupError>> + Send + 'static,
) -> Result<T, GroupError> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Tells what `actor` has changed. The change stands, whatever becomes of this.
pub(super) async fn spread(state: &ApiState, group: Uuid, actor: Uuid, news: GroupNews) {
    if news.is_gone {
        return close_channel(state, group).await;
    }
    let notifications = notifications(group, actor, &news);
    if !(news.messages.is_empty() && news.left.is_empty()) {
        let shown = state
            .world
            .show_channel(ChannelId(stream_of(group)), news.messages, news.left);
        note(shown.await, "a group's channel was not told of a change");
    }
    if !notifications.is_empty() {
        let told = state.world.notify(notifications).await;
        note(told, "users were not told of a change to a group");
    }
}

/// Takes everybody off the channel of a group that is no more.
pub(super) async fn close_channel(state: &ApiState, group: Uuid) {
    let closed = state.world.close_stream(stream_of(group)).await;
    note(closed, "the channel of a deleted group was not closed");
}

fn note(outcome: Result<(), WorldError>, problem: &'static str) {
    if let Err(error) = outcome {
        tracing::error!(%error, "{problem}");
    }
}

fn stream_of(group: Uuid) -> StreamId {
    StreamId::about(mode::GROUP, group)
}

fn notifications(group: Uuid, actor: Uuid, news: &GroupNews) -> Vec<(UserId, NewNotification)> {
    let group = group.to_string();
    let make = |user: &UserId, code, subject: &str, key: &str, value: &str| {
        let content = [("group_id", group.as_str()), (key, value)];
        let content = content.map(|(key, value)| (key.to_owned(), value.into()));
        let notification = NewNotification {
            subject: subject.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
            content: content.into_iter().collect(),
            code,
            sender: UserId(actor),
            persistent: true,
        };
        (*user, notification)
    };
    let name = &news.name;
    let subject = format!("You've been added to group {name}");
    let added = news.added.iter();
    let mut all: Vec<_> = added
        .map(|user| make(user, CODE_ADDED, &subject, "name", name))
        .collect();
    if let Some(JoinRequest { username, admins }) = &news.request {
        let subject = format!("User {username} wants to join your group");
        let admins = admins.iter();
        all.extend(
            admins.map(|user| make(user, CODE_JOIN_REQUEST, &subject, "username", username)),
        );
    }
    all
}
