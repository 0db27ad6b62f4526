//! What follows from changes between users.

use serde_json::{Map, Value};
use tiltyard::{Call, ChannelId, NewNotification, UserId};
use uuid::Uuid;

use crate::store::FriendNews;

/// Tells others what a user has done.
pub(crate) fn of_friends(
    user: Uuid,
    username: &str,
    news: Vec<(Uuid, FriendNews)>,
) -> Option<Call> {
    if news.is_empty() {
        return None;
    }
    let notifications = news
        .into_iter()
        .map(|(other, news)| (UserId(other), notification(user, username, news)));
    Some(Call::Notify(notifications.collect()))
}

/// Ends the direct chats of a user with those whom they block.
pub(crate) fn of_blocks(user: Uuid, blocked: Vec<Uuid>) -> impl Iterator<Item = Call> {
    blocked.into_iter().map(move |other| {
        let channel = ChannelId::direct(UserId(user), UserId(other));
        Call::CloseStream(channel.0)
    })
}

/// Codes and texts are those of the protocol.
fn notification(user: Uuid, username: &str, news: FriendNews) -> NewNotification {
    let (code, effect) = match news {
        FriendNews::Invited => (-2, "wants to add you as a friend"),
        FriendNews::Accepted => (-3, "accepted your friend request"),
        FriendNews::Removed => (-9, "removed you as a friend"),
    };
    NewNotification {
        subject: format!("{username} {effect}"),
        content: Map::from_iter([("username".to_owned(), Value::from(username))]),
        code,
        sender: UserId(user),
        persistent: true,
    }
}
