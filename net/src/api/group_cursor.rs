//! Cursors of lists of groups. Each works for the list and the filter that it was made for; whose list it is
//! says the path, never the cursor.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::cursor::{bytes_of, encode};
use crate::store::{EdgePlace, GroupFilter, GroupPlace, Rank};

/// First bytes of cursors, which tell listings apart.
const GROUPS: u8 = b'g';
const EDGES: u8 = b'e';

/// Whose relations are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// The users of a group.
    Group(Uuid),
    /// The groups of a user.
    User(Uuid),
}

pub(crate) fn encode_edge(place: EdgePlace, side: Side, of: Option<Rank>) -> String {
    let mut bytes = vec![EDGES];
    bytes.extend(mark(&(side, of)));
    bytes.extend(place.rank.to_be_bytes());
    bytes.extend(place.position.to_be_bytes());
    bytes.extend(place.id.as_bytes());
    encode(&bytes)
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_edge(text: &str, side: Side, of: Option<Rank>) -> Option<EdgePlace> {
    let bytes = bytes_of(text)?;
    let rest = bytes.strip_prefix(&[EDGES])?;
    let rest = rest.strip_prefix(&mark(&(side, of)))?;
    let (rank, rest) = integer(rest)?;
    let (position, id) = integer(rest)?;
    Some(EdgePlace {
        rank,
        position,
        id: Uuid::from_slice(id).ok()?,
    })
}

pub(crate) fn encode_group(place: &GroupPlace, filter: &GroupFilter) -> String {
    let mut bytes = vec![GROUPS];
    bytes.extend(mark(filter));
    bytes.extend(place.edge_count.to_be_bytes());
    bytes.extend(place.update_us.to_be_bytes());
    bytes.extend(place.id.as_bytes());
    bytes.extend(place.text.as_bytes());
    encode(&bytes)
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_group(text: &str, filter: &GroupFilter) -> Option<GroupPlace> {
    let bytes = bytes_of(text)?;
    let rest = bytes.strip_prefix(&[GROUPS])?;
    let rest = rest.strip_prefix(&mark(filter))?;
    let (edge_count, rest) = integer(rest)?;
    let (update_us, rest) = integer(rest)?;
    let (id, text) = rest.split_first_chunk()?;
    let text = std::str::from_utf8(text).ok()?;
    Some(GroupPlace {
        edge_count,
        update_us,
        // The database does not compare with anything else.
        text: Some(text).filter(|text| !text.contains('\0'))?.to_owned(),
        id: Uuid::from_bytes(*id),
    })
}

fn integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (integer, rest) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*integer), rest))
}

/// What makes a cursor worthless for other lists.
fn mark(list: &impl std::fmt::Debug) -> [u8; 8] {
    let digest = Sha256::digest(format!("{list:?}"));
    let mut mark = [0; 8];
    mark.copy_from_slice(&digest[..8]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(open: Option<bool>) -> GroupFilter {
        GroupFilter::Traits {
            lang_tag: None,
            members: None,
            open,
        }
    }

    #[test]
    fn a_cursor_is_read_by_its_own_list_alone() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let place = EdgePlace {
            rank: 2,
            position: 1_795_253_282_000_001_000,
            id: other,
        };
        let text = encode_edge(place, Side::Group(one), None);
        assert_eq!(decode_edge(&text, Side::Group(one), None), Some(place));
        for (side, of) in [
            (Side::Group(other), None),
            (Side::User(one), None),
            (Side::Group(one), Some(Rank::Member)),
        ] {
            assert_eq!(decode_edge(&text, side, of), None);
        }
        let place = GroupPlace {
            edge_count: 3,
            update_us: -1,
            text: "ängö".to_owned(),
            id: one,
        };
        let text = encode_group(&place, &filter(None));
        assert_eq!(decode_group(&text, &filter(None)), Some(place));
        assert_eq!(decode_group(&text, &filter(Some(true))), None);
        assert_eq!(decode_edge(&text, Side::Group(one), None), None);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let place = GroupPlace {
            edge_count: 3,
            update_us: 5,
            text: "a\0".to_owned(),
            id: Uuid::nil(),
        };
        let with_nul = encode_group(&place, &filter(None));
        for text in ["", "zzz", "?", "Zw==", &with_nul, &with_nul[..40]] {
            assert_eq!(decode_group(text, &filter(None)), None, "{text}");
            assert_eq!(decode_edge(text, Side::User(Uuid::nil()), None), None);
        }
    }
}
