//! One pass of the matchmaker: which tickets go well together.
//!
//! A pure function of a pool that does not change meanwhile. Every seeking ticket in turn, the oldest
//! first, goes through the tickets that its query finds, the best and then the oldest first, and sorts
//! them into groups; the first group that everybody in it is content with, it takes and is done.
//!
//! Where others are looked at is bounded by what the pool's index leaves, and a seeker that finds its
//! group stops looking, so a pass over tickets that go together reads little more than these tickets.

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use smallvec::SmallVec;

use super::{
    TicketNumber,
    candidates::{Candidates, ListId},
    pool::{Entry, Form, Place, Pool},
    search::{Rules, Seeker},
    surplus,
};
use crate::query::CompiledQuery;

/// Groups of tickets, each in the order in which its players are listed: the seeker comes last.
pub(super) fn form(pool: &Pool, seekers: &[Seeker], rules: Rules) -> Vec<Vec<TicketNumber>> {
    let mut pass = Pass::new(pool, rules);
    let mut groups = Vec::new();
    for seeker in seekers {
        if pass.taken[seeker.place as usize] {
            continue;
        }
        let Some(mut group) = pass.seek(*seeker) else {
            continue;
        };
        group.push(seeker.place);
        for place in &group {
            pass.taken[*place as usize] = true;
        }
        let number = |place: &Place| pool.entry(*place).ticket.number;
        groups.push(group.iter().map(number).collect());
    }
    groups
}

/// What one pass knows.
pub(super) struct Pass<'a> {
    pub(super) pool: &'a Pool,
    rules: Rules,
    /// Tickets that are in a group already, by place.
    pub(super) taken: Vec<bool>,
    /// How much of each list lies behind: the tickets there are gone or taken.
    pub(super) heads: BTreeMap<ListId, usize>,
    /// What queries find whose finds differ in score, sorted.
    pub(super) ranked: BTreeMap<u32, Rc<[Place]>>,
    pub(super) ranked_len: usize,
    questions: u64,
}

/// Tickets that may become a match together with the seeker.
struct Partial {
    members: SmallVec<[Place; 8]>,
    size: usize,
}

impl<'a> Pass<'a> {
    fn new(pool: &'a Pool, rules: Rules) -> Self {
        Self {
            pool,
            rules,
            taken: vec![false; pool.places().len()],
            heads: BTreeMap::new(),
            ranked: BTreeMap::new(),
            ranked_len: 0,
            questions: 0,
        }
    }

    /// The others for a seeker, if there are such.
    fn seek(&mut self, seeker: Seeker) -> Option<Vec<Place>> {
        let mutual = self.rules.mutual
            && self
                .rules
                .questions_max
                .is_none_or(|questions_max| self.questions < questions_max);
        let entry = self.pool.entry(seeker.place);
        let query = query_of(entry)?;
        let counts = entry.counts();
        let room = counts.max.checked_sub(entry.size())?;
        let mut candidates = Candidates::new(self, seeker.place, &query);
        let mut partials: Vec<Partial> = Vec::new();
        while let Some(place) = candidates.next(self) {
            let candidate = self.pool.entry(place);
            if candidate.ticket.shares_session(&entry.ticket)
                || (mutual && !self.accepts(candidate, entry))
            {
                continue;
            }
            let Some(index) = self.sort_in(&mut partials, place, room, mutual) else {
                continue;
            };
            let size = partials[index].size + entry.size();
            let is_full = size == counts.max;
            if !is_full && (!seeker.settles || size < counts.min || candidates.peek(self)) {
                continue;
            }
            if let Some(group) = self.settle(&partials[index], entry) {
                return Some(group);
            }
            if is_full {
                // Nobody else fits in, and those inside cannot change their minds.
                partials.remove(index);
            }
        }
        None
    }

    /// Puts a ticket into the first group that it fits into, or a new one; which one that is.
    ///
    /// `None` if it is too large for any.
    fn sort_in(
        &mut self,
        partials: &mut Vec<Partial>,
        place: Place,
        room: usize,
        mutual: bool,
    ) -> Option<usize> {
        let pool = self.pool;
        let candidate = pool.entry(place);
        let size = candidate.size();
        if size > room {
            return None;
        }
        for (index, partial) in partials.iter_mut().enumerate() {
            let fits = partial.size + size <= room
                && partial.members.iter().all(|member| {
                    let member = pool.entry(*member);
                    !member.ticket.shares_session(&candidate.ticket)
                        && (!mutual
                            || (self.accepts(candidate, member) && self.accepts(member, candidate)))
                });
            if fits {
                partial.members.push(place);
                partial.size += size;
                return Some(index);
            }
        }
        partials.push(Partial {
            members: SmallVec::from_slice(&[place]),
            size,
        });
        Some(partials.len() - 1)
    }

    /// The group without whom it has too many, if everybody left is content.
    fn settle(&self, partial: &Partial, seeker: &Entry) -> Option<Vec<Place>> {
        let counts = seeker.counts();
        let mut members = partial.members.to_vec();
        let mut size = partial.size + seeker.size();
        let surplus = size % counts.multiple;
        if surplus > 0 {
            let tickets: Vec<(usize, i64)> = members
                .iter()
                .map(|member| self.pool.entry(*member))
                .map(|member| (member.size(), member.ticket.created_ns))
                .collect();
            for index in surplus::to_remove(&tickets, surplus)?.into_iter().rev() {
                members.remove(index);
            }
            size -= surplus;
        }
        let is_content = |member: &Place| {
            let counts = self.pool.entry(*member).counts();
            counts.are_content_with(size)
        };
        (counts.are_content_with(size) && members.iter().all(is_content)).then_some(members)
    }

    /// Whether the query of one ticket accepts another.
    fn accepts(&mut self, one: &Entry, other: &Entry) -> bool {
        self.questions += 1;
        query_of(one).is_some_and(|query| query.score(&other.document).is_some())
    }
}

/// The query of a ticket, if it can be evaluated.
fn query_of(entry: &Entry) -> Option<Cow<'_, CompiledQuery>> {
    match &entry.asked.form {
        Form::Nothing => None,
        Form::Ready(query) => Some(Cow::Borrowed(query)),
        Form::Large => entry.ticket.query.compile().ok().map(Cow::Owned),
    }
}
