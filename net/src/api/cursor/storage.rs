//! Places in a list of storage objects.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{STORAGE, first_eight, open, seal};
use crate::store::{ObjectListing, ObjectPosition, ReadPermission};

/// It says where to go on, never what may be seen.
pub(crate) fn encode_storage(position: &ObjectPosition, listing: &ObjectListing) -> String {
    let ObjectPosition { read, key, owner } = position;
    let place: [&[u8]; 3] = [&[*read as u8], owner.as_bytes(), key.as_bytes()];
    seal(STORAGE, &mark(listing), &place)
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_storage(text: &str, listing: &ObjectListing) -> Option<ObjectPosition> {
    let place = open(text, STORAGE, &mark(listing))?;
    let (read, rest) = place.split_first()?;
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

/// What makes a cursor worthless for other lists of objects.
fn mark(listing: &ObjectListing) -> [u8; 8] {
    let (scope, owner, collection) = listing.identity();
    let digest = Sha256::new()
        .chain_update([scope])
        .chain_update(owner)
        .chain_update(collection)
        .finalize();
    first_eight(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Actor;

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
}
