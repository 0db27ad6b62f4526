//! Chat messages: what one is, and how it reaches a channel.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::ChannelId;
use crate::{
    id::UserId,
    outbound::{Event, Outbox},
    request::Spelled,
    store::{self, StoreReply, StoreRequest},
    stream,
};

/// A chat message, or what became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelMessage {
    /// Where it was sent, as its sender wrote it.
    pub channel: Spelled<ChannelId>,
    /// Updates and removals have the id of what they change.
    pub id: Uuid,
    /// What kind of message it is.
    pub code: MessageCode,
    /// Who sent it; [`UserId::SYSTEM`] is the server.
    pub sender: UserId,
    /// The sender's name when it was sent.
    pub username: Arc<str>,
    /// Text of a JSON object.
    pub content: Arc<str>,
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
    /// Whether it is kept.
    pub persistent: bool,
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(i32)]
pub enum MessageCode {
    /// Somebody said something.
    Chat = 0,
    /// They changed what they had said.
    Update = 1,
    /// They took it back.
    Remove = 2,
    /// Somebody joined the group.
    GroupJoin = 3,
    /// Somebody was added to the group.
    GroupAdd = 4,
    /// Somebody left the group.
    GroupLeave = 5,
    /// Somebody was kicked out of the group.
    GroupKick = 6,
    /// Somebody was promoted in the group.
    GroupPromote = 7,
    /// Somebody was banned from the group.
    GroupBan = 8,
    /// Somebody was demoted in the group.
    GroupDemote = 9,
}

/// Why a message did not get through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Undelivered {
    /// The sender has no such message there.
    NotFound,
    /// The database failed.
    NotStored,
}

/// Whether a text is a JSON object. What is in it is the game's own affair.
pub(super) fn is_object(content: &str) -> bool {
    let blank = |c| matches!(c, ' ' | '\t' | '\n' | '\r');
    content.trim_start_matches(blank).starts_with('{')
        && serde_json::from_str::<IgnoredAny>(content).is_ok()
}

/// Shows a message to everybody on its channel.
pub(super) fn deliver(world: &mut World, message: &Arc<ChannelMessage>) {
    let recipients = stream::entity_of(world, &message.channel.id.0)
        .and_then(|stream| stream::recipients(world, stream));
    if let Some(recipients) = recipients {
        let event = Event::ChannelMessage(message.clone());
        world.resource_mut::<Outbox>().send(recipients, event);
    }
}

/// Keeps a message, or changes the one that is kept; then shows it to its channel.
///
/// `then` runs after that, in a later pass.
pub(super) fn store_and_deliver(
    world: &mut World,
    message: ChannelMessage,
    then: impl FnOnce(&mut World, Result<Arc<ChannelMessage>, Undelivered>) + Send + Sync + 'static,
) {
    let message = Arc::new(message);
    let request = match message.code {
        MessageCode::Update => StoreRequest::UpdateMessage(message.clone()),
        MessageCode::Remove => StoreRequest::RemoveMessage(message.clone()),
        _ => StoreRequest::InsertMessage(message.clone()),
    };
    store::ask(world, request, move |world, outcome| {
        let stored = match outcome {
            Ok(StoreReply::Done) => Ok(message),
            Ok(StoreReply::MessageTimes(Some(times))) => Ok(Arc::new(ChannelMessage {
                create_us: times.create_us,
                update_us: times.update_us,
                ..Arc::unwrap_or_clone(message)
            })),
            Ok(StoreReply::MessageTimes(None)) => Err(Undelivered::NotFound),
            _ => Err(Undelivered::NotStored),
        };
        if let Ok(message) = &stored {
            deliver(world, message);
        }
        then(world, stored);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_an_object_is_content() {
        for content in [
            "{}",
            " \r\n\t{\"a\":[1,2,{}]} ",
            r#"{"a":"\ud800","a":1e9}"#,
        ] {
            assert!(is_object(content), "{content}");
        }
        for content in [
            "",
            " ",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "{",
            "{} {}",
            "{a:1}",
            "{\"a\":01}",
            "\u{feff}{}",
        ] {
            assert!(!is_object(content), "{content}");
        }
    }
}
