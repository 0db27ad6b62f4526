//! What a channel is called: `mode.subject.subcontext.label`.

use std::fmt;

use uuid::Uuid;

use crate::{
    id::{UserId, parse_uuid},
    stream::{StreamId, mode},
};

/// Bytes in the longest room name.
pub const CHANNEL_NAME_BYTES_MAX: usize = 64;

/// A channel: a stream of mode 2, 3 or 4.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChannelId(pub StreamId);

impl ChannelId {
    /// Reads a channel id, split at its first three dots, so that room names may contain dots.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let (mode, subject, subcontext, label) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let uuid = |part: &str| {
            if part.is_empty() {
                Some(Uuid::nil())
            } else {
                parse_uuid(part)
            }
        };
        let stream = match mode {
            "2" if subject.is_empty() && subcontext.is_empty() && is_room_name(label) => {
                StreamId::labelled(mode::CHANNEL, label)
            }
            "3" if subcontext.is_empty() && label.is_empty() => {
                StreamId::about(mode::GROUP, uuid(subject)?)
            }
            "4" if label.is_empty() => StreamId {
                subcontext: uuid(subcontext)?,
                ..StreamId::about(mode::DIRECT_MESSAGE, uuid(subject)?)
            },
            _ => return None,
        };
        Some(Self(stream))
    }

    /// The channel of two users, whichever of them asks.
    #[must_use]
    pub fn direct(one: UserId, other: UserId) -> Self {
        let (one, other) = (one.0.min(other.0), one.0.max(other.0));
        Self(StreamId {
            subcontext: other,
            ..StreamId::about(mode::DIRECT_MESSAGE, one)
        })
    }

    /// The room's name, if it is a room.
    #[must_use]
    pub fn room_name(&self) -> Option<&str> {
        (self.0.mode == mode::CHANNEL).then_some(&*self.0.label)
    }

    /// The group, if it is a group's channel.
    #[must_use]
    pub fn group_id(&self) -> Option<Uuid> {
        (self.0.mode == mode::GROUP).then_some(self.0.subject)
    }

    /// The two users, if it is a direct channel.
    #[must_use]
    pub fn user_ids(&self) -> Option<(Uuid, Uuid)> {
        (self.0.mode == mode::DIRECT_MESSAGE).then_some((self.0.subject, self.0.subcontext))
    }
}

fn is_room_name(label: &str) -> bool {
    (1..=CHANNEL_NAME_BYTES_MAX).contains(&label.len())
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |uuid: Uuid| {
            if uuid.is_nil() {
                String::new()
            } else {
                uuid.to_string()
            }
        };
        let StreamId {
            mode,
            subject,
            subcontext,
            label,
        } = &self.0;
        write!(f, "{mode}.{}.{}.{label}", part(*subject), part(*subcontext))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names_may_contain_dots() {
        let id = ChannelId::parse("2...a.b").unwrap();
        assert_eq!(id.room_name(), Some("a.b"));
        assert_eq!(id.to_string(), "2...a.b");
    }

    #[test]
    fn direct_channels_name_two_users() {
        let text = "4.06488fd0-1c2b-4a3d-8e4f-0123456789ab.16488fd0-1c2b-4a3d-8e4f-0123456789ab.";
        assert_eq!(ChannelId::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_not_a_channel_id_is_refused() {
        for text in [
            "",
            "2",
            "2..",
            "2...",
            "2.x..room",
            "3.x..",
            "3...label",
            "5...",
            "4...x",
            "2..06488fd0.room",
        ] {
            assert_eq!(ChannelId::parse(text), None, "{text}");
        }
        assert_eq!(ChannelId::parse(&format!("2...{}", "r".repeat(65))), None);
    }
}
