//! What follows from changes to groups: for their channels, and for users.

use tiltyard::{Call, ChannelId, NewNotification, StreamId, UserId, mode};
use uuid::Uuid;

use crate::store::{GroupNews, JoinRequest};

/// Codes of notifications, by section 13.3 of the protocol.
const CODE_ADDED: i32 = -4;
const CODE_JOIN_REQUEST: i32 = -5;

/// Characters in the longest subject, as the database keeps it.
const SUBJECT_CHARACTERS_MAX: usize = 255;

/// Tells what somebody has changed about a group.
pub(crate) fn of_group(group: Uuid, actor: UserId, news: GroupNews) -> Vec<Call> {
    if news.is_gone {
        return vec![of_deleted_group(group)];
    }
    let notifications = notifications(group, actor, &news);
    let mut calls = Vec::new();
    if !(news.messages.is_empty() && news.left.is_empty()) {
        calls.push(Call::ChannelSystemMessages {
            channel: ChannelId(stream_of(group)),
            messages: news.messages,
            leavers: news.left,
        });
    }
    if !notifications.is_empty() {
        calls.push(Call::Notify(notifications));
    }
    calls
}

/// Takes everybody off the channel of a group that is no more.
pub(crate) fn of_deleted_group(group: Uuid) -> Call {
    Call::CloseStream(stream_of(group))
}

fn stream_of(group: Uuid) -> StreamId {
    StreamId::about(mode::GROUP, group)
}

fn notifications(group: Uuid, actor: UserId, news: &GroupNews) -> Vec<(UserId, NewNotification)> {
    let group = group.to_string();
    let make = |user: &UserId, code, subject: &str, key: &str, value: &str| {
        let content = [("group_id", group.as_str()), (key, value)];
        let content = content.map(|(key, value)| (key.to_owned(), value.into()));
        let notification = NewNotification {
            subject: subject.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
            content: content.into_iter().collect(),
            code,
            sender: actor,
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
        // The server has groups, too, and no mailbox that anybody reads.
        let admins = admins.iter().filter(|admin| **admin != UserId::SYSTEM);
        all.extend(
            admins.map(|user| make(user, CODE_JOIN_REQUEST, &subject, "username", username)),
        );
    }
    all
}
