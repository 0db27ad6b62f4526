//! The tickets among which a search looks, arranged for it.

use std::sync::Arc;

use super::{
    Ticket, TicketNumber,
    ticket::{Counts, PROPERTIES_PREFIX},
};
use crate::{
    lookup::Lookup,
    query::{ArrivalIndex, CompiledQuery, Document},
};

/// Where a ticket is in the pool. Older tickets have lower places.
pub(super) type Place = u32;

/// Tickets in their order of arrival.
///
/// Tickets that go leave a gap behind; gaps are closed when they are more than the tickets left.
#[derive(Debug)]
pub(super) struct Pool {
    entries: Vec<Entry>,
    index: ArrivalIndex,
    queries: Lookup<Arc<str>, Arc<Asked>>,
    asked_count: u32,
    live: usize,
}

/// One ticket, as a search sees it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) ticket: Arc<Ticket>,
    pub(super) document: Document,
    pub(super) asked: Arc<Asked>,
    /// Intervals that were over when its waiting began.
    pub(super) since: u64,
    is_live: bool,
}

/// A query that one ticket or several ask.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: u32,
    pub(super) form: Form,
    /// Whether all tickets that it finds have the same score.
    pub(super) alike: bool,
}

#[derive(Debug)]
pub(super) enum Form {
    /// It cannot be evaluated and finds nothing.
    Nothing,
    Ready(CompiledQuery),
    /// Its patterns are too large to be kept; whoever needs it compiles it.
    Large,
}

/// Bytes of patterns that a query may have to be kept ready.
///
/// A search for one user id takes 24 KB; ten thousand tickets that each refuse one player then take as
/// much as 240 MB if all are different, so what is larger than a short pattern is compiled when needed.
const READY_PATTERN_BYTES_MAX: usize = 8 * 1024;

/// Gaps that are left alone however few tickets there are.
const GAPS_MIN: usize = 1024;

impl Default for Pool {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            index: ArrivalIndex::new(PROPERTIES_PREFIX),
            queries: Lookup::default(),
            asked_count: 0,
            live: 0,
        }
    }
}

impl Pool {
    /// Adds a ticket, which is younger than all others.
    pub(super) fn add(&mut self, ticket: Arc<Ticket>, since: u64) {
        let document = ticket.document();
        self.add_entry(ticket, document, since);
    }

    fn add_entry(&mut self, ticket: Arc<Ticket>, document: Document, since: u64) {
        self.index.push(&document);
        let asked = self.asked(&ticket);
        self.live += 1;
        self.entries.push(Entry {
            ticket,
            document,
            asked,
            since,
            is_live: true,
        });
    }

    /// Takes a ticket out, if it is there.
    pub(super) fn remove(&mut self, number: TicketNumber) {
        if let Some(entry) = self.find(number)
            && std::mem::take(&mut entry.is_live)
        {
            self.live -= 1;
        }
    }

    /// Lets a ticket search again as if its waiting had begun after this interval at the earliest.
    pub(super) fn renew(&mut self, number: TicketNumber, since: u64) {
        if let Some(entry) = self.find(number) {
            entry.since = entry.since.max(since);
        }
    }

    fn find(&mut self, number: TicketNumber) -> Option<&mut Entry> {
        let place = self
            .entries
            .binary_search_by_key(&number, |entry| entry.ticket.number)
            .ok()?;
        self.entries.get_mut(place)
    }

    /// Closes gaps if they are many.
    pub(super) fn tidy(&mut self) {
        let gaps = self.entries.len() - self.live;
        if gaps <= self.live.max(GAPS_MIN) {
            return;
        }
        let entries = std::mem::take(self).entries;
        for entry in entries.into_iter().filter(|entry| entry.is_live) {
            self.add_entry(entry.ticket, entry.document, entry.since);
        }
    }

    fn asked(&mut self, ticket: &Ticket) -> Arc<Asked> {
        if let Some(asked) = self.queries.get(&*ticket.query_text) {
            return asked.clone();
        }
        let (form, alike) = match ticket.query.compile() {
            Err(_) => (Form::Nothing, true),
            Ok(query) => {
                let alike = query.scores_alike();
                if query.pattern_bytes() > READY_PATTERN_BYTES_MAX {
                    (Form::Large, alike)
                } else {
                    (Form::Ready(query), alike)
                }
            }
        };
        self.asked_count += 1;
        let asked = Arc::new(Asked {
            id: self.asked_count,
            form,
            alike,
        });
        self.queries
            .insert(ticket.query_text.clone(), asked.clone());
        asked
    }

    /// Places up to the youngest ticket's, gaps included.
    pub(super) fn places(&self) -> std::ops::Range<Place> {
        0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn place_of(&self, number: TicketNumber) -> Option<Place> {
        let place = self.place_from(number);
        let entry = self.entries.get(place as usize)?;
        (entry.ticket.number == number).then_some(place)
    }

    /// The place of the first ticket that is no older than this one.
    pub(super) fn place_from(&self, number: TicketNumber) -> Place {
        let place = self
            .entries
            .partition_point(|entry| entry.ticket.number < number);
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    pub(super) fn entry(&self, place: Place) -> &Entry {
        &self.entries[place as usize]
    }

    pub(super) const fn index(&self) -> &ArrivalIndex {
        &self.index
    }
}

impl Entry {
    pub(super) const fn is_live(&self) -> bool {
        self.is_live
    }

    pub(super) fn counts(&self) -> Counts {
        self.ticket.counts
    }

    pub(super) fn size(&self) -> usize {
        self.ticket.size()
    }
}
