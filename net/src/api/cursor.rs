//! Cursors: places in listings, as text that only we read.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use tiltyard::{ChannelId, StreamId};
use uuid::Uuid;

use crate::store::Position;

/// Some clients drop the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// First bytes of cursors, which tell listings apart.
const CHANNEL: u8 = b'c';
const NOTIFICATIONS: u8 = b'n';

/// A place in the history of one channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ChannelCursor {
    pub(super) position: Position,
    /// Whether the listing is oldest first.
    pub(super) forward: bool,
    /// Whether it asks for the page that ends here, rather than for the one that begins here.
    pub(super) backs_up: bool,
}

impl ChannelCursor {
    pub(super) fn encode(&self, channel: &ChannelId) -> String {
        let mut bytes = vec![
            CHANNEL,
            u8::from(self.forward) | u8::from(self.backs_up) << 1,
        ];
        bytes.extend(mark(channel));
        write_position(self.position, &mut bytes);
        BASE64.encode(bytes)
    }

    /// `None` if it is no cursor of this channel.
    pub(super) fn decode(text: &str, channel: &ChannelId) -> Option<Self> {
        let bytes = bytes_of(text)?;
        let rest = bytes.strip_prefix(&[CHANNEL])?;
        let (flags, rest) = rest.split_first().filter(|(flags, _)| **flags < 4)?;
        let position = read_position(rest.strip_prefix(&mark(channel))?)?;
        Some(Self {
            position,
            forward: flags & 1 != 0,
            backs_up: flags & 2 != 0,
        })
    }
}

/// A place in a list of notifications.
pub(super) fn encode_notification(position: Position) -> String {
    let mut bytes = vec![NOTIFICATIONS];
    write_position(position, &mut bytes);
    BASE64.encode(bytes)
}

/// `None` if it is no cursor of notifications.
pub(super) fn decode_notification(text: &str) -> Option<Position> {
    read_position(bytes_of(text)?.strip_prefix(&[NOTIFICATIONS])?)
}

/// Bytes as a cursor.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The standard alphabet is read, too.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('+', "-").replace('/', "_")).ok()
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
    let mut mark = [0; 8];
    mark.copy_from_slice(&digest[..8]);
    mark
}

fn write_position(position: Position, bytes: &mut Vec<u8>) {
    bytes.extend(position.create_us.to_be_bytes());
    bytes.extend(position.id.as_bytes());
}

fn read_position(bytes: &[u8]) -> Option<Position> {
    let (create_us, id) = bytes.split_first_chunk()?;
    Some(Position {
        create_us: i64::from_be_bytes(*create_us),
        id: Uuid::from_slice(id).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
