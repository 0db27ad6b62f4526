//! Documents in the order in which they arrived, arranged so that a search can stop early.
//!
//! Where [`Index`](crate::query::Index) answers with every match, this names the shortest list of
//! documents among which all matches are, oldest first, and leaves it to the caller how far to read.
//! Documents are only ever added; a caller from whose documents many have gone builds a new one.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use smallvec::SmallVec;

use crate::query::{
    CompiledQuery, Document, clause::Occur, condition::Condition, document::Values,
    sort_key::SortKey,
};

/// Where documents are, by what is in them.
#[derive(Debug)]
pub(crate) struct ArrivalIndex {
    /// Only fields whose names begin so are arranged.
    prefix: &'static str,
    fields: BTreeMap<Box<str>, FieldLists>,
    /// How many documents were added.
    places: u32,
    lists: u32,
}

/// The documents that have one field, by its values.
#[derive(Debug, Default)]
struct FieldLists {
    terms: BTreeMap<Arc<str>, List>,
    numbers: BTreeMap<SortKey, List>,
}

/// The documents that have one value, oldest first.
#[derive(Debug)]
struct List {
    id: u32,
    places: SmallVec<[u32; 4]>,
}

/// Documents among which all matches of a query are.
#[derive(Debug)]
pub(crate) enum Narrowed<'a> {
    /// All of them.
    All,
    /// Those of one list, oldest first. Lists are told apart by their number.
    List(u32, &'a [u32]),
    /// Those of several lists, each oldest first, no document in two of them.
    Lists(Vec<&'a [u32]>),
}

/// Documents that a range may cover for its lists to be merged. A merge costs a few nanoseconds a list
/// before the first document is found; above some thousand, going through all of them finds one sooner.
const RANGE_PLACES_MAX: usize = 2048;

impl ArrivalIndex {
    /// An index without documents, of fields whose names begin with `prefix`.
    pub(crate) fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            fields: BTreeMap::new(),
            places: 0,
            lists: 0,
        }
    }

    /// Adds a document; its place is the number of those before it.
    pub(crate) fn push(&mut self, document: &Document) {
        let place = self.places;
        self.places += 1;
        for (name, values) in document.fields() {
            if !name.starts_with(self.prefix) {
                continue;
            }
            if !self.fields.contains_key(name) {
                self.fields.insert(name.into(), FieldLists::default());
            }
            if let Some(field) = self.fields.get_mut(name) {
                field.push(values, place, &mut self.lists);
            }
        }
    }

    /// The shortest list that a required clause of `query` leaves. No field may have several values.
    pub(crate) fn narrow(&self, query: &CompiledQuery) -> Narrowed<'_> {
        let mut best = Narrowed::All;
        let mut best_len = self.places as usize;
        let mut ranges = SmallVec::<[FieldRange; 4]>::new();
        let required = query
            .clauses
            .iter()
            .filter(|clause| clause.occur == Occur::Must);
        for clause in required {
            let Some(name) = clause.field.as_deref() else {
                return Narrowed::Lists(Vec::new());
            };
            if !name.starts_with(self.prefix) {
                continue;
            }
            let Some(field) = self.fields.get(name) else {
                return Narrowed::Lists(Vec::new());
            };
            if let Condition::Range(low, high) = &clause.condition {
                FieldRange::narrow(&mut ranges, name, field, *low, *high);
                continue;
            }
            if let Some((found, len)) = field.shortest(&clause.condition)
                && len < best_len
            {
                (best, best_len) = (found, len);
            }
        }
        for range in &ranges {
            let len_max = best_len.saturating_sub(1).min(RANGE_PLACES_MAX);
            if let Some((lists, len)) = range.lists(len_max) {
                (best, best_len) = (Narrowed::Lists(lists), len);
            }
        }
        best
    }
}

impl FieldLists {
    fn push(&mut self, values: &Values, place: u32, lists: &mut u32) {
        let mut list = || {
            *lists += 1;
            List {
                id: *lists,
                places: SmallVec::new(),
            }
        };
        for term in &values.terms {
            let entry = self.terms.entry(Arc::clone(term)).or_insert_with(&mut list);
            entry.places.push(place);
        }
        for number in &values.numbers {
            let entry = self.numbers.entry(*number).or_insert_with(&mut list);
            entry.places.push(place);
        }
    }

    /// The documents that meet a condition, if that is known without reading every term.
    fn shortest(&self, condition: &Condition) -> Option<(Narrowed<'_>, usize)> {
        let (number, term) = match condition {
            Condition::Nothing => (None, None),
            Condition::Exact(term) => (None, self.terms.get(&**term)),
            Condition::Number { key, spelled } => {
                (self.numbers.get(key), self.terms.get(&**spelled))
            }
            Condition::Range(..) | Condition::Pattern(_) | Condition::Fuzzy { .. } => return None,
        };
        Some(match (number, term) {
            (None, None) => (Narrowed::Lists(Vec::new()), 0),
            (Some(list), None) | (None, Some(list)) => {
                (Narrowed::List(list.id, &list.places), list.places.len())
            }
            (Some(one), Some(other)) => (
                Narrowed::Lists(vec![&one.places, &other.places]),
                one.places.len() + other.places.len(),
            ),
        })
    }
}

/// What all ranges that a query requires of one field leave of it.
struct FieldRange<'q, 'a> {
    name: &'q str,
    field: &'a FieldLists,
    low: Bound<SortKey>,
    high: Bound<SortKey>,
}

impl<'q, 'a> FieldRange<'q, 'a> {
    fn narrow(
        ranges: &mut SmallVec<[Self; 4]>,
        name: &'q str,
        field: &'a FieldLists,
        low: Bound<SortKey>,
        high: Bound<SortKey>,
    ) {
        match ranges.iter_mut().find(|range| range.name == name) {
            Some(range) => {
                range.low = tighter(range.low, low, |a, b| a > b);
                range.high = tighter(range.high, high, |a, b| a < b);
            }
            None => ranges.push(Self {
                name,
                field,
                low,
                high,
            }),
        }
    }

    /// The lists within the range, if they hold no more than `len_max` documents together.
    fn lists(&self, len_max: usize) -> Option<(Vec<&'a [u32]>, usize)> {
        let (mut lists, mut len) = (Vec::new(), 0);
        if self.is_empty() {
            return Some((lists, len));
        }
        for (_, list) in self.field.numbers.range((self.low, self.high)) {
            len += list.places.len();
            if len > len_max {
                return None;
            }
            lists.push(&list.places[..]);
        }
        Some((lists, len))
    }

    fn is_empty(&self) -> bool {
        match (self.low, self.high) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => low >= high,
        }
    }
}

/// The bound that leaves less, where `closer` tells whether one key leaves less than another.
fn tighter(
    one: Bound<SortKey>,
    other: Bound<SortKey>,
    closer: impl Fn(SortKey, SortKey) -> bool,
) -> Bound<SortKey> {
    let key = |bound| match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    };
    let (Some(a), Some(b)) = (key(one), key(other)) else {
        return if key(one).is_some() { one } else { other };
    };
    // Of two bounds at one key, the one that excludes it leaves less.
    if closer(a, b) || (a == b && matches!(one, Bound::Excluded(_))) {
        one
    } else {
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;

    fn index(levels: &[f64]) -> ArrivalIndex {
        let mut index = ArrivalIndex::new("p.");
        for (place, level) in levels.iter().enumerate() {
            let mode = if place % 2 == 0 { "duel" } else { "melee" };
            let document = Document::builder()
                .keyword("id", mode)
                .keyword("p.mode", mode)
                .number("p.level", *level);
            index.push(&document.build());
        }
        index
    }

    fn narrowed(index: &ArrivalIndex, query: &str) -> Option<Vec<u32>> {
        match index.narrow(&Query::parse(query).unwrap().compile().unwrap()) {
            Narrowed::All => None,
            Narrowed::List(_, places) => Some(places.to_vec()),
            Narrowed::Lists(lists) => Some(lists.concat()),
        }
    }

    #[test]
    fn the_shortest_required_list_is_named() {
        let index = index(&[5.0, 1.0, 9.0, 1.0, 7.0]);
        assert_eq!(narrowed(&index, "+p.mode:duel").unwrap(), [0, 2, 4]);
        assert_eq!(narrowed(&index, "+p.mode:duel +p.level:1").unwrap(), [1, 3]);
        assert_eq!(narrowed(&index, "p.mode:duel"), None);
        assert_eq!(narrowed(&index, "-p.mode:duel"), None);
        assert_eq!(narrowed(&index, "+p.mode:du*"), None);
        assert_eq!(
            narrowed(&index, "+id:duel"),
            None,
            "other fields are not arranged"
        );
        assert_eq!(narrowed(&index, "+p.none:x").unwrap(), [0; 0]);
        assert_eq!(narrowed(&index, "+x").unwrap(), [0; 0]);
    }

    #[test]
    fn ranges_of_one_field_narrow_together() {
        let index = index(&[5.0, 1.0, 9.0, 1.0, 7.0]);
        assert_eq!(
            narrowed(&index, "+p.level:>=5 +p.level:<9").unwrap(),
            [0, 4]
        );
        assert_eq!(
            narrowed(&index, "+p.level:>5 +p.level:>=5 +p.level:<=7").unwrap(),
            [4]
        );
        assert_eq!(narrowed(&index, "+p.level:>5 +p.level:<5").unwrap(), [0; 0]);
        assert_eq!(narrowed(&index, "+p.level:>9 +p.level:<1").unwrap(), [0; 0]);
    }
}
