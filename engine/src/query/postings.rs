//! Which documents have a value: the inverted form of one field.

use std::{collections::BTreeMap, sync::Arc};

use smallvec::SmallVec;

use crate::query::{
    condition::{Condition, NUMBER_TERMS},
    document::Values,
    sort_key::SortKey,
};

/// Where a document is kept in the index.
pub(super) type Slot = usize;

/// The documents that have one field, by its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    terms: BTreeMap<Arc<str>, Postings>,
    numbers: BTreeMap<SortKey, Postings>,
}

impl Field {
    pub(super) fn add(&mut self, values: &Values, slot: Slot) {
        for term in &values.terms {
            match self.terms.get_mut(term) {
                Some(postings) => postings.add(slot),
                None => {
                    self.terms
                        .insert(Arc::clone(term), Postings(SmallVec::from_slice(&[slot])));
                }
            }
        }
        for number in &values.numbers {
            self.numbers.entry(*number).or_default().add(slot);
        }
    }

    pub(super) fn remove(&mut self, values: &Values, slot: Slot) {
        for term in &values.terms {
            if self
                .terms
                .get_mut(term)
                .is_some_and(|postings| postings.remove(slot))
            {
                self.terms.remove(term);
            }
        }
        for number in &values.numbers {
            if self
                .numbers
                .get_mut(number)
                .is_some_and(|postings| postings.remove(slot))
            {
                self.numbers.remove(number);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.numbers.is_empty()
    }

    /// The documents that meet `condition`, in order, if looking at no more than `max` postings
    /// shows them all. Conditions that would have to read every term are not tried.
    pub(super) fn few(&self, condition: &Condition, max: usize) -> Option<Vec<Slot>> {
        let mut slots = Vec::new();
        let mut add = |postings: &Postings| {
            let fits = slots.len() + postings.0.len() <= max;
            if fits {
                slots.extend_from_slice(&postings.0);
            }
            fits
        };
        let within = match condition {
            Condition::Nothing => true,
            Condition::Exact(term) => self.terms.get(&**term).is_none_or(add),
            Condition::Number { key, spelled } => {
                self.numbers.get(key).is_none_or(&mut add)
                    && self.terms.get(&**spelled).is_none_or(add)
            }
            Condition::Range(low, high) => self
                .numbers
                .range((*low, *high))
                .all(|(_, postings)| add(postings)),
            Condition::Pattern(_) | Condition::Fuzzy { .. } => false,
        };
        if !within {
            return None;
        }
        slots.sort_unstable();
        slots.dedup();
        Some(slots)
    }

    /// Calls `hit` with slot and weight of every match of `condition`, for each document in the
    /// order in which [`Condition::hits`] finds them in the document itself. A document may have
    /// several numbers in a range; the caller counts only the first.
    pub(super) fn hits(&self, condition: &Condition, mut hit: impl FnMut(Slot, f64)) {
        let mut all =
            |postings: &Postings, weight| postings.0.iter().for_each(|slot| hit(*slot, weight));
        match condition {
            Condition::Nothing => {}
            Condition::Exact(term) => {
                if let Some(postings) = self.terms.get(&**term) {
                    all(postings, 1.0);
                }
            }
            Condition::Number { key, spelled } => {
                if let Some(postings) = self.numbers.get(key) {
                    all(postings, 1.0);
                }
                if let Some(postings) = self.terms.get(&**spelled) {
                    all(postings, 1.0);
                }
            }
            Condition::Range(low, high) => {
                self.numbers
                    .range((*low, *high))
                    .for_each(|(_, postings)| all(postings, 1.0));
            }
            Condition::Pattern(_) | Condition::Fuzzy { .. } => {
                for (term, postings) in &self.terms {
                    if let Some(weight) = condition.weigh_term(term) {
                        all(postings, weight);
                    }
                }
                if condition.matches_any_number() {
                    self.numbers
                        .values()
                        .for_each(|postings| all(postings, NUMBER_TERMS));
                }
            }
        }
    }
}

/// The documents that have one value, in order. Most values are those of one document.
#[derive(Clone, Debug, Default)]
struct Postings(SmallVec<[Slot; 2]>);

impl Postings {
    fn add(&mut self, slot: Slot) {
        if let Err(index) = self.0.binary_search(&slot) {
            self.0.insert(index, slot);
        }
    }

    /// Removes a document, and answers whether none is left.
    fn remove(&mut self, slot: Slot) -> bool {
        if let Ok(index) = self.0.binary_search(&slot) {
            self.0.remove(index);
        }
        self.0.is_empty()
    }
}
