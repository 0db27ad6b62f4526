//! Cursors: places in listings, as text that only we read. Each works for the list that it was made for; it
//! says where to go on, never whose list it is or what may be seen.

mod channel;
mod friends;
mod groups;
mod notifications;
mod storage;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use uuid::Uuid;

pub(super) use channel::ChannelCursor;
pub(crate) use friends::{decode_friend, encode_friend};
pub(super) use friends::{decode_friend_of_friend, encode_friend_of_friend};
pub(crate) use groups::{Side, decode_edge, decode_group, encode_edge, encode_group};
pub(crate) use notifications::{decode_notification, encode_notification};
pub(crate) use storage::{decode_storage, encode_storage};

use crate::store::Position;

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
const GROUPS: u8 = b'g';
const EDGES: u8 = b'e';

/// A cursor of a kind of listing. What is marked is worthless for lists with another mark.
fn seal(kind: u8, mark: &[u8], place: &[&[u8]]) -> String {
    BASE64.encode([&[kind], mark, &place.concat()].concat())
}

/// The place in a cursor of this kind and mark. The standard alphabet is read, too.
fn open(text: &str, kind: u8, mark: &[u8]) -> Option<Vec<u8>> {
    let bytes = BASE64
        .decode(text.replace('+', "-").replace('/', "_"))
        .ok()?;
    let place = bytes.strip_prefix(&[kind])?.strip_prefix(mark)?;
    Some(place.to_vec())
}

/// What stays of a digest in a cursor.
fn first_eight(digest: &[u8]) -> [u8; 8] {
    let mut mark = [0; 8];
    mark.copy_from_slice(&digest[..8]);
    mark
}

fn integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (integer, rest) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*integer), rest))
}

fn position_bytes(position: Position) -> Vec<u8> {
    let create_us = position.create_us.to_be_bytes();
    [create_us.as_slice(), position.id.as_bytes()].concat()
}

fn read_position(bytes: &[u8]) -> Option<Position> {
    let (create_us, id) = integer(bytes)?;
    Some(Position {
        create_us,
        id: Uuid::from_slice(id).ok()?,
    })
}
