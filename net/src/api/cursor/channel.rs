//! Places in the history of a channel.

use sha2::{Digest as _, Sha256};
use tiltyard::{ChannelId, StreamId};

use super::{CHANNEL, first_eight, open, position_bytes, read_position, seal};
use crate::store::Position;

/// A place in the history of one channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::api) struct ChannelCursor {
    pub(in crate::api) position: Position,
    /// Whether the listing is oldest first.
    pub(in crate::api) forward: bool,
    /// Whether it asks for the page that ends here, rather than for the one that begins here.
    pub(in crate::api) backs_up: bool,
}

impl ChannelCursor {
    pub(in crate::api) fn encode(&self, channel: &ChannelId) -> String {
        let flags = u8::from(self.forward) | u8::from(self.backs_up) << 1;
        let place = position_bytes(self.position);
        seal(CHANNEL, &[flags], &[&mark(channel), &place])
    }

    /// `None` if it is no cursor of this channel.
    pub(in crate::api) fn decode(text: &str, channel: &ChannelId) -> Option<Self> {
        let bytes = open(text, CHANNEL, &[])?;
        let (flags, rest) = bytes.split_first().filter(|(flags, _)| **flags < 4)?;
        let position = read_position(rest.strip_prefix(&mark(channel))?)?;
        Some(Self {
            position,
            forward: flags & 1 != 0,
            backs_up: flags & 2 != 0,
        })
    }
}

/// What makes a cursor worthless for other channels.
fn mark(channel: &ChannelId) -> [u8; 8] {
    let StreamId {
        mode,
        subject,
        subcontext,
        label,
    } = &channel.0;
    let digest = Sha256::new()
        .chain_update([*mode])
        .chain_update(subject)
        .chain_update(subcontext)
        .chain_update(&**label)
        .finalize();
    first_eight(&digest)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::api::cursor::{decode_notification, encode_notification};

    fn position() -> Position {
        Position {
            create_us: 1_795_253_282_000_001,
            id: Uuid::from_u128(7),
        }
    }

    #[test]
    fn a_cursor_is_read_by_its_own_channel_alone() {
        let room = ChannelId::parse("2...room").unwrap();
        for (forward, backs_up) in [(false, false), (false, true), (true, false), (true, true)] {
            let cursor = ChannelCursor {
                position: position(),
                forward,
                backs_up,
            };
            let text = cursor.encode(&room);
            assert_eq!(ChannelCursor::decode(&text, &room), Some(cursor.clone()));
            let bare = text.trim_end_matches('=');
            assert_eq!(ChannelCursor::decode(bare, &room), Some(cursor));
            for other in ["2...roo", "4..."] {
                let other = ChannelId::parse(other).unwrap();
                assert_eq!(ChannelCursor::decode(&text, &other), None);
            }
            assert_eq!(decode_notification(&text), None);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let room = ChannelId::parse("2...room").unwrap();
        let whole = encode_notification(position());
        assert_eq!(decode_notification(&whole), Some(position()));
        for text in ["", "zzz", "?", "bg==", &whole[..whole.len() - 4]] {
            assert_eq!(decode_notification(text), None, "{text}");
            assert_eq!(ChannelCursor::decode(text, &room), None, "{text}");
        }
        assert_eq!(ChannelCursor::decode(&whole, &room), None);
    }
}
