//! Whom a ticket's query finds, the best and then the oldest first, as far as somebody reads.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    rc::Rc,
};

use super::{
    groups::Pass,
    pool::{Entry, Place, Pool},
};
use crate::query::{CompiledQuery, Narrowed};

/// A list of places of which a pass remembers how much lies behind.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum ListId {
    All,
    Posting(u32),
    Ranked(u32),
}

/// The tickets that one seeker may be put together with, in order.
pub(super) struct Candidates<'q, 'a> {
    seeker: Place,
    query: &'q CompiledQuery,
    source: Source<'a>,
    /// Whether the source has only tickets that the query finds.
    is_asked: bool,
    peeked: Option<Place>,
}

enum Source<'a> {
    List {
        list: List<'a>,
        at: usize,
    },
    /// The oldest of several lists comes first.
    Merge(BinaryHeap<Reverse<(Place, usize)>>, Vec<&'a [Place]>),
}

enum List<'a> {
    /// So many, from the first.
    All(Place),
    Some(&'a [Place]),
    Ranked(Rc<[Place]>),
}

/// Places in the sorted finds that a pass keeps for further tickets with the same query: 16 MB.
const RANKED_PLACES_MAX: usize = 4 * 1024 * 1024;

impl<'q, 'a> Candidates<'q, 'a> {
    pub(super) fn new(pass: &mut Pass<'a>, seeker: Place, query: &'q CompiledQuery) -> Self {
        let asked = &pass.pool.entry(seeker).asked;
        let source = if asked.alike {
            Source::narrowed(pass, query)
        } else {
            let list = List::Ranked(ranked(pass, asked.id, query));
            Source::list(pass, ListId::Ranked(asked.id), list)
        };
        Self {
            seeker,
            query,
            source,
            is_asked: !asked.alike,
            peeked: None,
        }
    }

    pub(super) fn next(&mut self, pass: &Pass) -> Option<Place> {
        match self.peeked.take() {
            Some(place) => Some(place),
            None => self.read(pass),
        }
    }

    /// Whether there is another one.
    pub(super) fn peek(&mut self, pass: &Pass) -> bool {
        if self.peeked.is_none() {
            self.peeked = self.read(pass);
        }
        self.peeked.is_some()
    }

    fn read(&mut self, pass: &Pass) -> Option<Place> {
        let seeker = pass.pool.entry(self.seeker);
        loop {
            let place = self.source.next()?;
            if place == self.seeker || !pass.is_free(place) {
                continue;
            }
            let candidate = pass.pool.entry(place);
            let fits = within_range(seeker, candidate)
                && (self.is_asked || self.query.score(&candidate.document).is_some());
            if fits {
                return Some(place);
            }
        }
    }
}

/// Whether a ticket could be content with whatever match the seeker wants, and is no party's own.
fn within_range(seeker: &Entry, candidate: &Entry) -> bool {
    let (wanted, counts) = (seeker.counts(), candidate.counts());
    let is_own = seeker.ticket.party.is_some() && seeker.ticket.party == candidate.ticket.party;
    counts.min >= wanted.min && counts.max <= wanted.max && !is_own
}

impl Pass<'_> {
    fn is_free(&self, place: Place) -> bool {
        !self.taken[place as usize] && self.pool.entry(place).is_live()
    }
}

impl<'a> Source<'a> {
    /// All that may match a query whose finds are alike.
    fn narrowed(pass: &mut Pass<'a>, query: &CompiledQuery) -> Self {
        let pool: &'a Pool = pass.pool;
        match pool.index().narrow(query) {
            Narrowed::All => Self::list(pass, ListId::All, List::All(pool.places().end)),
            Narrowed::List(id, places) => Self::list(pass, ListId::Posting(id), List::Some(places)),
            Narrowed::Lists(lists) => {
                let firsts = lists.iter().enumerate();
                let firsts = firsts.filter_map(|(list, places)| Some((*places.first()?, list)));
                let heap = firsts.map(Reverse).collect();
                let lists = lists.into_iter().map(|places| &places[1..]).collect();
                Self::Merge(heap, lists)
            }
        }
    }

    /// A list from its first free ticket on.
    fn list(pass: &mut Pass<'a>, id: ListId, list: List<'a>) -> Self {
        let mut at = pass.heads.get(&id).copied().unwrap_or_default();
        while list.get(at).is_some_and(|place| !pass.is_free(place)) {
            at += 1;
        }
        pass.heads.insert(id, at);
        Self::List { list, at }
    }

    fn next(&mut self) -> Option<Place> {
        match self {
            Self::List { list, at } => {
                let place = list.get(*at)?;
                *at += 1;
                Some(place)
            }
            Self::Merge(heap, lists) => {
                let Reverse((place, list)) = heap.pop()?;
                let rest = &mut lists[list];
                if let Some((next, after)) = rest.split_first() {
                    *rest = after;
                    heap.push(Reverse((*next, list)));
                }
                Some(place)
            }
        }
    }
}

impl List<'_> {
    fn get(&self, at: usize) -> Option<Place> {
        match self {
            Self::All(end) => Place::try_from(at).ok().filter(|place| place < end),
            Self::Some(places) => places.get(at).copied(),
            Self::Ranked(places) => places.get(at).copied(),
        }
    }
}

/// Everybody whom a query finds, the best first, and of equals the oldest.
fn ranked(pass: &mut Pass, id: u32, query: &CompiledQuery) -> Rc<[Place]> {
    if let Some(found) = pass.ranked.get(&id) {
        return found.clone();
    }
    let mut found: Vec<(f64, Place)> = Vec::new();
    let mut source = Source::narrowed(pass, query);
    while let Some(place) = source.next() {
        if !pass.is_free(place) {
            continue;
        }
        if let Some(score) = query.score(&pass.pool.entry(place).document) {
            found.push((score, place));
        }
    }
    found.sort_unstable_by(|(a, one), (b, other)| {
        b.partial_cmp(a)
            .unwrap_or(Ordering::Equal)
            .then(one.cmp(other))
    });
    let found: Rc<[Place]> = found.into_iter().map(|(_, place)| place).collect();
    if pass.ranked_len + found.len() <= RANKED_PLACES_MAX {
        pass.ranked_len += found.len();
        pass.ranked.insert(id, found.clone());
    }
    found
}
