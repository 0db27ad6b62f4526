//! A wish to be put together with others.

use std::{collections::BTreeMap, sync::Arc};

use smallvec::SmallVec;
use uuid::Uuid;

use crate::{
    id::{PartyId, SessionId, UserPresence},
    outbound::RequestError,
    query::{Document, Query},
    request::MatchmakerAdd,
};

/// What tells tickets apart: their order of arrival.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Default)]
pub struct TicketNumber(pub u64);

/// The wish of a player, or of a party, to be put together with others. It never changes.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) number: TicketNumber,
    /// What clients call it.
    pub(crate) id: Uuid,
    /// Nanoseconds since 1970; later tickets have greater ones.
    pub(crate) created_ns: i64,
    pub(crate) party: Option<PartyId>,
    /// One, or everybody in the party.
    pub(crate) members: SmallVec<[UserPresence; 1]>,
    pub(crate) counts: Counts,
    pub(crate) query: Query,
    pub(crate) query_text: Arc<str>,
    pub(crate) properties: Arc<MatchmakerProperties>,
}

/// With how many a ticket is content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) multiple: usize,
}

/// What the queries of others may ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchmakerProperties {
    /// Texts.
    pub strings: BTreeMap<String, String>,
    /// Numbers. One hides a text of the same name from queries.
    pub numbers: BTreeMap<String, f64>,
}

/// With what the names of fields begin that hold properties.
pub(super) const PROPERTIES_PREFIX: &str = "properties.";

impl Ticket {
    /// How many players it stands for.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn has_session(&self, session: SessionId) -> bool {
        self.members
            .iter()
            .any(|member| member.session_id == session)
    }

    pub(super) fn shares_session(&self, other: &Self) -> bool {
        self.members
            .iter()
            .any(|member| other.has_session(member.session_id))
    }

    /// What queries are asked of.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and times are floats to queries"
    )]
    pub(super) fn document(&self) -> Document {
        let party = self.party.map(|id| id.to_string()).unwrap_or_default();
        let mut document = Document::builder()
            .keyword("ticket", &self.id.to_string())
            .keyword("party_id", &party)
            .number("min_count", self.counts.min as f64)
            .number("max_count", self.counts.max as f64)
            .number("created_at", self.created_ns as f64);
        let mut field = PROPERTIES_PREFIX.to_owned();
        let MatchmakerProperties { strings, numbers } = &*self.properties;
        for (key, text) in strings {
            if !numbers.contains_key(key) {
                field.truncate(PROPERTIES_PREFIX.len());
                field.push_str(key);
                document = document.text_or_date(&field, text);
            }
        }
        for (key, number) in numbers {
            field.truncate(PROPERTIES_PREFIX.len());
            field.push_str(key);
            document = document.number(&field, *number);
        }
        document.build()
    }
}

impl Counts {
    /// Whether a match of this size is what the ticket wants.
    pub(crate) fn are_content_with(self, size: usize) -> bool {
        self.min <= size && size <= self.max && size.is_multiple_of(self.multiple)
    }

    /// Whether it settles for nothing but one size.
    pub(crate) const fn are_fixed(self) -> bool {
        self.min == self.max
    }
}

/// Players of the largest group. Everybody in one is told of everybody else, with their properties: 128
/// players with 2 KiB each are 32 MB for one match, and each more costs twice as much again.
pub(super) const PLAYERS_MAX: usize = 128;
/// The largest multiple that the size of a group may have to be, such as the players of a team. Finding
/// which tickets to leave out grows with its square.
pub(super) const COUNT_MULTIPLE_MAX: usize = 32;
/// Bytes of all names and values of a ticket's properties.
pub(super) const PROPERTY_BYTES_MAX: usize = 2048;

impl MatchmakerAdd {
    /// Whether the counts make sense.
    ///
    /// # Errors
    ///
    /// The refusal that the client is told.
    pub fn check_counts(&self) -> Result<(), RequestError> {
        self.counts().map(drop)
    }

    fn property_bytes(&self) -> usize {
        let texts = self
            .string_properties
            .iter()
            .map(|(key, value)| key.len() + value.len());
        let numbers = self
            .numeric_properties
            .keys()
            .map(|key| key.len() + size_of::<f64>());
        texts.chain(numbers).sum()
    }

    pub(crate) fn counts(&self) -> Result<Counts, RequestError> {
        let count = |count: i32| usize::try_from(count).unwrap_or_default();
        let counts = Counts {
            min: count(self.min_count),
            max: count(self.max_count),
            multiple: count(self.count_multiple),
        };
        let problem = if counts.min < 2 {
            "Invalid minimum count, must be >= 2"
        } else if counts.max < counts.min {
            "Invalid maximum count, must be >= minimum count"
        } else if counts.multiple < 1 {
            "Invalid count multiple, must be >= 1"
        } else if !counts.min.is_multiple_of(counts.multiple) {
            "Invalid count multiple for minimum count, must divide"
        } else if !counts.max.is_multiple_of(counts.multiple) {
            "Invalid count multiple for maximum count, must divide"
        } else if counts.max > PLAYERS_MAX {
            "Invalid maximum count, must be <= 128"
        } else if counts.multiple > COUNT_MULTIPLE_MAX {
            "Invalid count multiple, must be <= 32"
        } else if self.property_bytes() > PROPERTY_BYTES_MAX {
            "Invalid properties, must be at most 2048 bytes"
        } else {
            return Ok(counts);
        };
        Err(RequestError::bad_input(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(min: i32, max: i32, multiple: i32, property: usize) -> Option<String> {
        let add = MatchmakerAdd {
            min_count: min,
            max_count: max,
            count_multiple: multiple,
            query: String::new(),
            string_properties: [("p".to_owned(), "x".repeat(property))].into(),
            numeric_properties: std::collections::BTreeMap::new(),
        };
        add.check_counts().err().map(|error| error.message)
    }

    #[test]
    fn tickets_at_the_bounds_are_taken_and_those_beyond_are_refused() {
        for (ticket, expected) in [
            ((2, 128, 1, 2047), None),
            (
                (2, 129, 1, 0),
                Some("Invalid maximum count, must be <= 128"),
            ),
            ((32, 64, 32, 0), None),
            (
                (33, 66, 33, 0),
                Some("Invalid count multiple, must be <= 32"),
            ),
            (
                (2, 2, 1, 2048),
                Some("Invalid properties, must be at most 2048 bytes"),
            ),
        ] {
            let (min, max, multiple, property) = ticket;
            assert_eq!(
                refusal(min, max, multiple, property).as_deref(),
                expected,
                "{ticket:?}"
            );
        }
    }
}
