//! The search for matches, which runs beside the world.
//!
//! The world tells a [`Searcher`] what changed since its last search and what to do now; the searcher
//! answers with groups of tickets. It decides nothing: a group becomes a match when the world finds all
//! of its tickets still there.

use std::sync::Arc;

use super::{
    Ticket, TicketNumber, groups,
    pool::{Entry, Place, Pool},
};

/// What a [`Searcher`] is to do.
#[derive(Clone, Debug)]
pub struct Search {
    /// Begin with an empty pool.
    pub(super) afresh: bool,
    /// New tickets, and how many intervals were over when each began to wait. Oldest first.
    pub(super) added: Vec<(Arc<Ticket>, u64)>,
    /// Tickets that are gone.
    pub(super) removed: Vec<TicketNumber>,
    /// Tickets whose group came to nothing, which search again as if they had begun to wait then.
    pub(super) renewed: Vec<(TicketNumber, u64)>,
    pub(super) occasion: Occasion,
    pub(super) rules: Rules,
}

/// Why there is a search, and so who searches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Occasion {
    /// These tickets and younger ones are new, and may make somebody's match full.
    Arrivals { first: TicketNumber },
    /// This many intervals are over now.
    Interval(u64),
}

/// By which rules matches are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rules {
    /// Intervals after which a ticket settles for less than its maximum.
    pub(super) intervals_max: u64,
    /// Whether everybody must accept everybody, rather than the searching ticket the others.
    pub(super) mutual: bool,
    /// Questions about acceptance after which `mutual` no longer holds.
    pub(super) questions_max: Option<u64>,
}

/// What a search found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// Tickets that go well together, in the order in which players are listed.
    pub(super) groups: Vec<Vec<TicketNumber>>,
    /// Nobody knows; the searcher's pool is lost.
    pub(super) lost: bool,
}

impl Found {
    /// What is answered in place of a searcher that broke.
    #[must_use]
    pub fn nothing_known() -> Self {
        Self {
            groups: Vec::new(),
            lost: true,
        }
    }
}

/// Keeps a copy of the pool, and searches it.
#[derive(Debug, Default)]
pub struct Searcher {
    pool: Pool,
}

impl Searcher {
    /// A searcher that knows of no ticket.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings the pool up to date and searches it once.
    ///
    /// The same sequence of searches finds the same groups.
    pub fn search(&mut self, search: Search) -> Found {
        if search.afresh {
            self.pool = Pool::default();
        }
        for number in search.removed {
            self.pool.remove(number);
        }
        self.pool.tidy();
        for (ticket, since) in search.added {
            self.pool.add(ticket, since);
        }
        for (number, since) in &search.renewed {
            self.pool.renew(*number, *since);
        }
        let renewed = search.renewed.iter().map(|(number, _)| *number);
        let seekers = seekers(&self.pool, search.occasion, renewed, search.rules);
        let groups = groups::form(&self.pool, &seekers, search.rules);
        Found {
            groups,
            lost: false,
        }
    }
}

/// A ticket that looks for others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seeker {
    pub(super) place: Place,
    /// Whether it settles for less than its maximum.
    pub(super) settles: bool,
}

/// Who looks for others, oldest first.
pub(super) fn seekers(
    pool: &Pool,
    occasion: Occasion,
    renewed: impl Iterator<Item = TicketNumber>,
    rules: Rules,
) -> Vec<Seeker> {
    let is_live = |place: &Place| pool.entry(*place).is_live();
    match occasion {
        Occasion::Arrivals { first } => {
            let again = renewed.filter(|number| *number < first);
            let mut places: Vec<Place> = again.filter_map(|number| pool.place_of(number)).collect();
            places.sort_unstable();
            places.extend(pool.place_from(first)..pool.places().end);
            let seeker = |place| Seeker {
                place,
                settles: false,
            };
            places.into_iter().filter(is_live).map(seeker).collect()
        }
        Occasion::Interval(interval) => {
            let seeker = |place| interval_seeker(pool.entry(place), place, interval, rules);
            pool.places().filter(is_live).filter_map(seeker).collect()
        }
    }
}

/// Looks only for its maximum at first, then settles, then waits to be found.
fn interval_seeker(entry: &Entry, place: Place, interval: u64, rules: Rules) -> Option<Seeker> {
    let waited = interval.saturating_sub(entry.since);
    let is_fixed = entry.counts().are_fixed();
    let searches = waited <= 1 || (!is_fixed && waited <= rules.intervals_max);
    searches.then_some(Seeker {
        place,
        settles: is_fixed || waited >= rules.intervals_max,
    })
}
