//! Places in lists of groups. Each works for the filter that it was made for, too.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{EDGES, GROUPS, first_eight, integer, open, seal};
use crate::store::{EdgePlace, GroupFilter, GroupPlace, Rank};

/// Whose relations are listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// The users of a group.
    Group(Uuid),
    /// The groups of a user.
    User(Uuid),
}

pub(crate) fn encode_edge(place: EdgePlace, side: Side, of: Option<Rank>) -> String {
    let (rank, position) = (place.rank.to_be_bytes(), place.position.to_be_bytes());
    let place: [&[u8]; 3] = [&rank, &position, place.id.as_bytes()];
    seal(EDGES, &mark(&(side, of)), &place)
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_edge(text: &str, side: Side, of: Option<Rank>) -> Option<EdgePlace> {
    let place = open(text, EDGES, &mark(&(side, of)))?;
    let (rank, rest) = integer(&place)?;
    let (position, id) = integer(rest)?;
    Some(EdgePlace {
        rank,
        position,
        id: Uuid::from_slice(id).ok()?,
    })
}

pub(crate) fn encode_group(place: &GroupPlace, filter: &GroupFilter) -> String {
    let (edge_count, update_us) = (
        place.edge_count.to_be_bytes(),
        place.update_us.to_be_bytes(),
    );
    let (id, text) = (place.id.as_bytes(), place.text.as_bytes());
    seal(GROUPS, &mark(filter), &[&edge_count, &update_us, id, text])
}

/// `None` if it is no cursor of this list.
pub(crate) fn decode_group(text: &str, filter: &GroupFilter) -> Option<GroupPlace> {
    let place = open(text, GROUPS, &mark(filter))?;
    let (edge_count, rest) = integer(&place)?;
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

/// What makes a cursor worthless for other lists.
fn mark(list: &impl std::fmt::Debug) -> [u8; 8] {
    first_eight(&Sha256::digest(format!("{list:?}")))
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
