//! Places in lists of friends.

use uuid::Uuid;

use super::{FRIENDS, FRIENDS_OF_FRIENDS, integer, open, seal};
use crate::store::{FriendOfFriendPlace, FriendPlace, FriendState};

pub(crate) fn encode_friend(place: FriendPlace) -> String {
    let position = place.position.to_be_bytes();
    let place: [&[u8]; 3] = [&[place.state as u8], &position, place.user_id.as_bytes()];
    seal(FRIENDS, &[], &place)
}

/// `None` if it is no cursor of friends, or of others than those in this state.
pub(crate) fn decode_friend(text: &str, only: Option<FriendState>) -> Option<FriendPlace> {
    let place = open(text, FRIENDS, &[])?;
    let (state, rest) = place.split_first()?;
    let state = FriendState::try_from(i64::from(*state)).ok()?;
    if only.is_some_and(|only| only != state) {
        return None;
    }
    let (position, user_id) = integer(rest).filter(|(position, _)| *position >= 0)?;
    Some(FriendPlace {
        state,
        position,
        user_id: Uuid::from_slice(user_id).ok()?,
    })
}

/// A place in a list of friends of friends.
pub(in crate::api) fn encode_friend_of_friend(place: FriendOfFriendPlace) -> String {
    let place: [&[u8]; 2] = [place.referrer.as_bytes(), place.user_id.as_bytes()];
    seal(FRIENDS_OF_FRIENDS, &[], &place)
}

/// `None` if it is no cursor of friends of friends.
pub(in crate::api) fn decode_friend_of_friend(text: &str) -> Option<FriendOfFriendPlace> {
    let place = open(text, FRIENDS_OF_FRIENDS, &[])?;
    let (referrer, user_id) = place.split_first_chunk()?;
    Some(FriendOfFriendPlace {
        referrer: Uuid::from_bytes(*referrer),
        user_id: Uuid::from_slice(user_id).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;
    use crate::api::cursor::BASE64;

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
        let whole = BASE64.decode(&text).unwrap();
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
