//! Cursors: places in listings, as text that only we read.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use tiltyard::{ChannelId, StreamId};
use uuid::Uuid;

use crate::store::{
    FriendOfFriendPlace, FriendPlace, FriendState, ObjectListing, ObjectPosition, Position,
    ReadPermission,
};

/// Some clients drop the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// First bytes of cursors, which tell listings apart.
const CHANNEL: u8 = b'c';
const NOTIFICATIONS: u8 = b'n';
const STORAGE: u8 = b's';
const FRIENDS: u8 = b'f';
const FRIENDS_OF_FRIENDS: u8 = b'o';

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
pub(crate) fn encode_notification(position: Position) -> String {
    let mut bytes = vec![NOTIFICATIONS];
    write_position(position, &mut bytes);
    BASE64.encode(bytes)
}

/// `None` if it is no cursor of notifications.
pub(crate) fn decode_notification(text: &str) -> Option<Position> {
    read_position(bytes_of(text)?.strip_prefix(&[NOTIFICATIONS])?)
}

/// A place in a list of storage objects. It says where to go on, never what may be seen.
pub(crate) fn encode_storage(position: &ObjectPosition, listing: &ObjectListing) -> String {
    let mut bytes = vec![STORAGE];
    bytes.extend(mark_of_objects(listing));
    bytes.push(position.read as u8);
    bytes.extend(position.owner.as_bytes());
    bytes.extend(position.key.as_bytes());
    BASE64.encode(bytes)
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_storage(text: &str, listing: &ObjectListing) -> Option<ObjectPosition> {
    let bytes = bytes_of(text)?;
    let rest = bytes.strip_prefix(&[STORAGE])?;
    let (read, rest) = rest
        .strip_prefix(&mark_of_objects(listing))?
        .split_first()?;
    let (owner, key) = rest.split_first_chunk()?;
    let key = std::str::from_utf8(key).ok()?;
    if key.contains('\0') {
        return None;
    }
    Some(ObjectPosition {
        read: ReadPermission::from_number((*read).into())?,
        key: key.to_owned(),
        owner: Uuid::from_bytes(*owner),
    })
}

/// A place in a list of friends.
pub(crate) fn encode_friend(place: FriendPlace) -> String {
    let mut bytes = vec![FRIENDS, place.state as u8];
    bytes.extend(place.position.to_be_bytes());
    bytes.extend(place.user_id.as_bytes());
    BASE64.encode(bytes)
}

/// `None` if it is no cursor of friends, or of others than those in this state.
pub(crate) fn decode_friend(text: &str, only: Option<FriendState>) -> Option<FriendPlace> {
    let bytes = bytes_of(text)?;
    let (state, rest) = bytes.strip_prefix(&[FRIENDS])?.split_first()?;
    let state = FriendState::try_from(i64::from(*state)).ok()?;
    if only.is_some_and(|only| only != state) {
        return None;
    }
    let (position, user_id) = rest.split_first_chunk()?;
    Some(FriendPlace {
        state,
        position: Some(i64::from_be_bytes(*position)).filter(|position| *position >= 0)?,
        user_id: Uuid::from_slice(user_id).ok()?,
    })
}

/// A place in a list of friends of friends.
pub(super) fn encode_friend_of_friend(place: FriendOfFriendPlace) -> String {
    let mut bytes = vec![FRIENDS_OF_FRIENDS];
    bytes.extend(place.referrer.as_bytes());
    bytes.extend(place.user_id.as_bytes());
    BASE64.encode(bytes)
}

/// `None` if it is no cursor of friends of friends.
pub(super) fn decode_friend_of_friend(text: &str) -> Option<FriendOfFriendPlace> {
    let bytes = bytes_of(text)?;
    let (referrer, user_id) = bytes
        .strip_prefix(&[FRIENDS_OF_FRIENDS])?
        .split_first_chunk()?;
    Some(FriendOfFriendPlace {
        referrer: Uuid::from_bytes(*referrer),
        user_id: Uuid::from_slice(user_id).ok()?,
    })
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
    first_eight(&digest)
}

/// What makes a cursor worthless for other lists of objects.
fn mark_of_objects(listing: &ObjectListing) -> [u8; 8] {
    let (scope, owner, collection) = listing.identity();
    let digest = Sha256::new()
        .chain_update([scope])
        .chain_update(owner)
        .chain_update(collection)
        .finalize();
    first_eight(&digest)
}

fn first_eight(digest: &[u8]) -> [u8; 8] {
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
    use crate::store::Actor;

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
    fn a_cursor_of_storage_is_read_by_its_own_list_alone() {
        let (alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let listing = |actor, collection: &str, owner| {
            ObjectListing::new(actor, collection.to_owned(), owner)
        };
        let own = listing(Actor::Player(alice), "saves", Some(alice));
        let position = ObjectPosition {
            read: ReadPermission::Owner,
            key: "slöt".to_owned(),
            owner: alice,
        };
        let text = encode_storage(&position, &own);
        assert_eq!(decode_storage(&text, &own), Some(position.clone()));
        for other in [
            listing(Actor::Player(bob), "saves", Some(alice)),
            listing(Actor::Player(bob), "saves", Some(bob)),
            listing(Actor::Player(alice), "saves", None),
            listing(Actor::Player(alice), "save", Some(alice)),
            listing(Actor::Server, "saves", Some(alice)),
        ] {
            assert_eq!(decode_storage(&text, &other), None, "{other:?}");
        }
        let nul = ObjectPosition {
            key: "a\0".to_owned(),
            ..position
        };
        for text in [
            encode_storage(&nul, &own),
            "cw==".into(),
            "zzz".into(),
            text[4..].into(),
        ] {
            assert_eq!(decode_storage(&text, &own), None, "{text}");
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

    #[test]
    fn cursors_of_friends_are_read_whole_or_not_at_all() {
        let place = FriendPlace {
            state: FriendState::Blocked,
            position: 1_795_253_282_000_000_001,
            user_id: Uuid::from_u128(7),
        };
        let text = encode_friend(place);
        assert_eq!(decode_friend(&text, None), Some(place));
        let further = FriendOfFriendPlace {
            referrer: Uuid::from_u128(8),
            user_id: Uuid::from_u128(7),
        };
        let text_further = encode_friend_of_friend(further);
        assert_eq!(decode_friend_of_friend(&text_further), Some(further));
        assert_eq!(decode_friend(&text_further, None), None);
        assert_eq!(decode_friend_of_friend(&text), None);
        let whole = bytes_of(&text).unwrap();
        let changed = |index: usize, byte| {
            let mut bytes = whole.clone();
            bytes[index] = byte;
            BASE64.encode(bytes)
        };
        let longer = BASE64.encode([whole.as_slice(), &[0]].concat());
        let shorter = BASE64.encode(&whole[..whole.len() - 1]);
        for text in [
            changed(1, 4),
            changed(2, 0x80),
            longer,
            shorter,
            String::new(),
        ] {
            assert_eq!(decode_friend(&text, None), None, "{text}");
            assert_eq!(decode_friend_of_friend(&text), None, "{text}");
        }
    }
}
