//! Many documents, arranged so that a query need not look at each.

use std::collections::BTreeMap;

use crate::query::{
    CompiledQuery, Document,
    clause::Occur,
    compile::Tally,
    condition::Condition,
    postings::{Field, Slot},
};

/// Documents by id, and by what is in them.
///
/// Everything is kept in order, so the same changes and the same query give the same answer.
#[derive(Clone, Debug)]
pub struct Index<Id> {
    slots: BTreeMap<Id, Slot>,
    entries: Vec<Option<(Id, Document)>>,
    /// Empty entries, to be used again.
    free: Vec<Slot>,
    fields: BTreeMap<Box<str>, Field>,
}

impl<Id: Copy + Ord> Index<Id> {
    /// An index without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The document of `id`, if there is one.
    pub fn get(&self, id: Id) -> Option<&Document> {
        self.document(*self.slots.get(&id)?)
    }

    /// Puts `document` in, in the place of any other of the same id, which is returned.
    pub fn insert(&mut self, id: Id, document: Document) -> Option<Document> {
        let replaced = self.remove(id);
        let slot = self.free.pop().unwrap_or(self.entries.len());
        for (name, values) in document.fields() {
            match self.fields.get_mut(name) {
                Some(field) => field.add(values, slot),
                None => self
                    .fields
                    .entry(name.into())
                    .or_default()
                    .add(values, slot),
            }
        }
        self.slots.insert(id, slot);
        let entry = Some((id, document));
        match self.entries.get_mut(slot) {
            Some(free) => *free = entry,
            None => self.entries.push(entry),
        }
        replaced
    }

    /// Takes the document of `id` out, if there is one.
    pub fn remove(&mut self, id: Id) -> Option<Document> {
        let slot = self.slots.remove(&id)?;
        let (_, document) = self.entries.get_mut(slot)?.take()?;
        self.free.push(slot);
        for (name, values) in document.fields() {
            let Some(field) = self.fields.get_mut(name) else {
                continue;
            };
            field.remove(values, slot);
            if field.is_empty() {
                self.fields.remove(name);
            }
        }
        Some(document)
    }

    /// Finds the documents that match, each with its score, as [`CompiledQuery::score`] tells it.
    ///
    /// Their order says nothing, but is the same after the same changes.
    pub fn search(&self, query: &CompiledQuery) -> Vec<(Id, f64)> {
        match self.candidates(query) {
            Some(slots) => slots
                .into_iter()
                .filter_map(|slot| self.score(slot, query))
                .collect(),
            None => self.search_all(query),
        }
    }

    /// The documents that pass the required clause which the fewest pass, if they are few enough
    /// for looking at each to be cheaper than looking at all clauses for everyone.
    fn candidates(&self, query: &CompiledQuery) -> Option<Vec<Slot>> {
        let mut max = self.len() / CANDIDATES_FRACTION;
        let mut fewest = None;
        for clause in query
            .clauses
            .iter()
            .filter(|clause| clause.occur == Occur::Must)
        {
            let field = clause
                .field
                .as_deref()
                .and_then(|name| self.fields.get(name));
            let slots = match field {
                Some(field) => field.few(&clause.condition, max),
                None => Some(Vec::new()),
            };
            if let Some(slots) = slots {
                max = slots.len();
                fewest = Some(slots);
            }
        }
        fewest
    }

    /// Asks clause after clause, with one tally for every document.
    fn search_all(&self, query: &CompiledQuery) -> Vec<(Id, f64)> {
        let mut tallies = vec![Tally::default(); self.entries.len()];
        // The number of the last clause that each document matched, counted from 1.
        let mut counted = vec![0; self.entries.len()];
        for (number, clause) in (1_usize..).zip(&query.clauses) {
            let Some(field) = clause
                .field
                .as_deref()
                .and_then(|name| self.fields.get(name))
            else {
                continue;
            };
            field.hits(&clause.condition, |slot, weight| {
                let first = counted[slot] != number;
                if first {
                    counted[slot] = number;
                    tallies[slot].count(clause);
                }
                if first || !matches!(clause.condition, Condition::Range(..)) {
                    tallies[slot].add(clause, weight);
                }
            });
        }
        let found = self
            .entries
            .iter()
            .zip(&tallies)
            .filter_map(|(entry, tally)| {
                let (id, _) = entry.as_ref()?;
                Some((*id, query.conclude(tally)?))
            });
        found.collect()
    }

    fn score(&self, slot: Slot, query: &CompiledQuery) -> Option<(Id, f64)> {
        let (id, document) = self.entries.get(slot)?.as_ref()?;
        Some((*id, query.score(document)?))
    }

    fn document(&self, slot: Slot) -> Option<&Document> {
        self.entries
            .get(slot)?
            .as_ref()
            .map(|(_, document)| document)
    }
}

impl<Id> Default for Index<Id> {
    fn default() -> Self {
        Self {
            slots: BTreeMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            fields: BTreeMap::new(),
        }
    }
}

/// Below this part of all documents, candidates are looked at one by one. That costs about as
/// much for one document as going through the postings costs for eight.
const CANDIDATES_FRACTION: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::query::Query;

    fn document(mode: &str, level: u32) -> Document {
        Document::builder()
            .json("label", &json!({"mode": mode, "level": level}))
            .build()
    }

    fn found(index: &Index<u32>, query: &str) -> Vec<u32> {
        let query = Query::parse(query).unwrap().compile().unwrap();
        let mut ids: Vec<u32> = index.search(&query).into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_replaced_document_is_found_by_its_new_values_only() {
        let mut index = Index::new();
        index.insert(1, document("duel", 1));
        index.insert(2, document("duel", 2));
        assert_eq!(
            index.insert(1, document("melee", 3)),
            Some(document("duel", 1))
        );
        assert_eq!(found(&index, "label.mode:duel"), [2]);
        assert_eq!(found(&index, "label.mode:melee"), [1]);
        assert_eq!(found(&index, "label.level:<3"), [2]);
        assert_eq!(
            (index.len(), index.get(1)),
            (2, Some(&document("melee", 3)))
        );
    }

    #[test]
    fn removal_leaves_nothing_behind() {
        let mut index = Index::new();
        for round in 0..50 {
            for id in 0..20 {
                index.insert(id, document(&format!("mode{round}"), round * id));
            }
            for id in (0..20).rev() {
                assert!(index.remove(id).is_some());
            }
        }
        assert_eq!(index.remove(7), None);
        assert!(
            index.is_empty() && index.fields.is_empty(),
            "no value outlives its documents"
        );
        assert_eq!(index.entries.len(), 20, "entries are used again");
        assert_eq!(index.free.len(), 20);
    }

    #[test]
    fn a_rare_requirement_is_looked_at_one_by_one() {
        let mut index = Index::new();
        for id in 0..100 {
            index.insert(id, document(if id % 2 == 0 { "duel" } else { "melee" }, id));
        }
        let candidates = |text: &str| {
            let query = Query::parse(text).unwrap().compile().unwrap();
            index.candidates(&query).map(|slots| slots.len())
        };
        assert_eq!(
            candidates("+label.mode:duel"),
            None,
            "half of all is not few"
        );
        assert_eq!(candidates("+label.mode:duel +label.level:>95"), Some(4));
        assert_eq!(candidates("+label.level:>95 +label.level:98"), Some(1));
        assert_eq!(
            candidates("label.level:98"),
            None,
            "only what is required narrows"
        );
        assert_eq!(candidates("+label.mode:du*"), None);
        assert_eq!(candidates("+nowhere:x"), Some(0));
        assert_eq!(
            candidates("+x +label.mode:duel"),
            Some(0),
            "no field, no match"
        );
        assert_eq!(found(&index, "+label.mode:duel +label.level:>95"), [96, 98]);
    }
}
