//! Who waits to be put together with others.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, mem,
    sync::Arc,
    time::Duration,
};

use bevy_ecs::prelude::*;
use smallvec::SmallVec;
use thiserror::Error;
use uuid::Uuid;

use super::{
    MatchmakerOptions, MatchmakerProperties, Ticket, TicketNumber,
    search::{Found, Occasion, Rules, Search},
    stats::Stats,
    ticket::Counts,
};
use crate::{
    clock::Now,
    id::{PartyId, SessionId, UserPresence},
    limits::Limits,
    lookup::Lookup,
    outbound::{Outbound, Outbox},
    query::Query,
    request::MatchmakerAdd,
};

/// The tickets, and where the search for matches stands.
///
/// One search runs at a time. What changes meanwhile is told to the searcher with the next one.
#[derive(Resource, Debug, Default)]
pub(crate) struct Tickets {
    waiting: BTreeMap<TicketNumber, Waiting>,
    by_id: Lookup<Uuid, TicketNumber>,
    /// Of a session alone, and of parties that it was in.
    of_session: Lookup<SessionId, Numbers>,
    of_party: Lookup<PartyId, Numbers>,
    next: u64,
    last_created_ns: i64,
    /// Tickets from here on are new to the searcher.
    unsent_from: TicketNumber,
    removed: Vec<TicketNumber>,
    renewed: Vec<(TicketNumber, u64)>,
    progress: Progress,
    pub(super) stats: Stats,
}

type Numbers = SmallVec<[TicketNumber; 3]>;

#[derive(Debug)]
struct Waiting {
    ticket: Arc<Ticket>,
    /// Intervals that were over when its waiting began.
    since: u64,
}

/// Where the search for matches stands.
#[derive(Debug, Default)]
struct Progress {
    /// Intervals that are over and were searched after.
    intervals: u64,
    next_interval: Option<Duration>,
    /// An interval is over, and its search could not begin yet.
    is_due: bool,
    running: Option<Occasion>,
    /// What the search found, as far as it was not dealt with yet.
    found: Option<VecDeque<Vec<TicketNumber>>>,
    /// The searcher must begin with an empty pool, after the next interval.
    is_lost: bool,
}

/// Why a ticket was not taken.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
pub(crate) enum AddError {
    #[error("matchmaker query invalid")]
    Query,
    #[error("matchmaker too many tickets")]
    TooMany,
    #[error("matchmaker duplicate session")]
    DuplicateSession,
}

/// Makes the names of tickets. Tests make their own, so that they know them.
#[derive(Resource)]
pub(crate) struct TicketIds(pub(crate) Box<dyn FnMut() -> Uuid + Send + Sync>);

impl Default for TicketIds {
    fn default() -> Self {
        Self(Box::new(Uuid::new_v4))
    }
}

impl fmt::Debug for TicketIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketIds")
    }
}

/// Takes a ticket of one player, or of everybody in a party. Its name is returned.
pub(crate) fn add(
    world: &mut World,
    members: &[UserPresence],
    party: Option<PartyId>,
    counts: Counts,
    add: MatchmakerAdd,
) -> Result<Uuid, AddError> {
    let text = if add.query.is_empty() {
        "*"
    } else {
        &add.query
    };
    let query = Query::parse(text).map_err(|_| AddError::Query)?;
    let query_text = text.into();
    let tickets_max = world.resource::<Limits>().matchmaker.tickets_max;
    let created_ns = world.resource::<Now>().unix_ms.saturating_mul(1_000_000);
    let id = world.resource_mut::<TicketIds>().0();
    let mut tickets = world.resource_mut::<Tickets>();
    tickets.check(members, party, tickets_max)?;
    // Time stands still within a pass, and tickets must differ.
    let created_ns = created_ns.max(tickets.last_created_ns + 1);
    let number = TicketNumber(tickets.next);
    tickets.insert(Ticket {
        number,
        id,
        created_ns,
        party,
        members: members.into(),
        counts,
        query,
        query_text,
        properties: Arc::new(MatchmakerProperties {
            strings: add.string_properties,
            numbers: add.numeric_properties,
        }),
    });
    Ok(id)
}

impl Tickets {
    fn check(
        &self,
        members: &[UserPresence],
        party: Option<PartyId>,
        tickets_max: usize,
    ) -> Result<(), AddError> {
        let count = match (party, members) {
            (Some(party), _) => self.of_party.get(&party).map_or(0, SmallVec::len),
            (None, [member]) => self.own_count(member.session_id),
            (None, _) => 0,
        };
        if count >= tickets_max {
            return Err(AddError::TooMany);
        }
        let mut sessions: Vec<SessionId> = members.iter().map(|who| who.session_id).collect();
        sessions.sort_unstable();
        if sessions.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(AddError::DuplicateSession);
        }
        Ok(())
    }

    /// Tickets of a session alone; those of its party are the party's.
    fn own_count(&self, session: SessionId) -> usize {
        let numbers = self.of_session.get(&session);
        let numbers = numbers.into_iter().flatten();
        numbers
            .filter(|number| self.get(**number).is_some_and(|own| own.party.is_none()))
            .count()
    }

    fn insert(&mut self, ticket: Ticket) {
        let number = ticket.number;
        self.next += 1;
        self.last_created_ns = ticket.created_ns;
        self.by_id.insert(ticket.id, number);
        for member in &ticket.members {
            self.of_session
                .get_or_default(member.session_id)
                .push(number);
        }
        if let Some(party) = ticket.party {
            self.of_party.get_or_default(party).push(number);
        }
        let since = self.progress.intervals;
        let ticket = Arc::new(ticket);
        self.waiting.insert(number, Waiting { ticket, since });
    }

    pub(super) fn get(&self, number: TicketNumber) -> Option<&Arc<Ticket>> {
        self.waiting.get(&number).map(|waiting| &waiting.ticket)
    }

    /// Everybody who waits, once for each ticket.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        let tickets = self.waiting.values().map(|waiting| &waiting.ticket);
        tickets.flat_map(|ticket| ticket.members.iter().map(|member| member.session_id))
    }

    /// The ticket that clients call so.
    pub(super) fn named(&self, id: &str) -> Option<&Arc<Ticket>> {
        let uuid = Uuid::try_parse(id).ok()?;
        let ticket = self.get(*self.by_id.get(&uuid)?)?;
        (ticket.id.to_string() == id).then_some(ticket)
    }

    /// Takes a ticket out.
    pub(super) fn remove(&mut self, number: TicketNumber) -> Option<Arc<Ticket>> {
        let Waiting { ticket, .. } = self.waiting.remove(&number)?;
        self.by_id.remove(&ticket.id);
        for member in &ticket.members {
            forget(&mut self.of_session, member.session_id, number);
        }
        if let Some(party) = ticket.party {
            forget(&mut self.of_party, party, number);
        }
        if number < self.unsent_from {
            self.removed.push(number);
        }
        Some(ticket)
    }

    fn remove_all(&mut self, numbers: Option<Numbers>) {
        for number in numbers.into_iter().flatten() {
            self.remove(number);
        }
    }

    /// Takes out whatever a session takes part in, with everybody else who does.
    pub(crate) fn remove_of_session(&mut self, session: SessionId) {
        let numbers = self.of_session.get(&session).cloned();
        self.remove_all(numbers);
    }

    /// Takes out the tickets of a party, whose members are no longer those who asked.
    pub(crate) fn remove_of_party(&mut self, party: PartyId) {
        let numbers = self.of_party.get(&party).cloned();
        self.remove_all(numbers);
    }

    /// Lets tickets search again whose group came to nothing, as they searched before.
    pub(super) fn renew(&mut self, numbers: &[TicketNumber], intervals_max: u64) {
        let intervals = self.progress.intervals;
        for number in numbers {
            let Some(waiting) = self.waiting.get_mut(number) else {
                continue;
            };
            let since = if waiting.ticket.counts.are_fixed() {
                intervals
            } else {
                intervals.saturating_sub(intervals_max - 1)
            };
            waiting.since = waiting.since.max(since);
            self.renewed.push((*number, waiting.since));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    fn oldest(&self) -> Option<&Arc<Ticket>> {
        self.waiting.values().next().map(|waiting| &waiting.ticket)
    }

    /// Takes what the search found that runs.
    pub(super) fn take_found(&mut self, found: Found) {
        if self.progress.running.is_some() {
            self.progress.is_lost |= found.lost;
            self.progress.found = Some(found.groups.into());
        }
    }

    /// The next group that was found. After the last one the search is over.
    pub(super) fn next_group(&mut self) -> Option<Vec<TicketNumber>> {
        let group = self.progress.found.as_mut()?.pop_front();
        if group.is_none() {
            self.progress.found = None;
            if let Some(Occasion::Interval(_)) = self.progress.running.take() {
                self.stats.end_interval();
            }
        }
        group
    }

    /// Whether an interval ended in this pass or before, and is yet to be searched after.
    fn check_interval(&mut self, elapsed: Duration, options: &MatchmakerOptions) {
        let progress = &mut self.progress;
        let next = progress.next_interval.get_or_insert(options.interval);
        while elapsed >= *next {
            *next += options.interval.max(Duration::from_millis(1));
            progress.is_due = true;
        }
    }

    /// The next search, if it is time for one and none runs.
    fn next_search(&mut self, options: &MatchmakerOptions) -> Option<Search> {
        if self.progress.running.is_some() {
            return None;
        }
        let has_arrivals = self.unsent_from.0 < self.next || !self.renewed.is_empty();
        let occasion = if mem::take(&mut self.progress.is_due) {
            let oldest_ns = self.oldest().map(|ticket| ticket.created_ns);
            self.stats.begin_interval(self.waiting.len(), oldest_ns);
            if self.waiting.is_empty() {
                self.stats.end_interval();
                return None;
            }
            self.progress.intervals += 1;
            Occasion::Interval(self.progress.intervals)
        } else if options.eager && has_arrivals && !self.progress.is_lost {
            Occasion::Arrivals {
                first: self.unsent_from,
            }
        } else {
            return None;
        };
        self.progress.running = Some(occasion);
        Some(self.search(occasion, options))
    }

    fn search(&mut self, occasion: Occasion, options: &MatchmakerOptions) -> Search {
        let afresh = mem::take(&mut self.progress.is_lost);
        if afresh {
            self.unsent_from = TicketNumber(0);
            self.removed.clear();
        }
        let unsent = self.waiting.range(self.unsent_from..);
        let added = unsent
            .map(|(_, waiting)| (waiting.ticket.clone(), waiting.since))
            .collect();
        self.unsent_from = TicketNumber(self.next);
        Search {
            afresh,
            added,
            removed: mem::take(&mut self.removed),
            renewed: mem::take(&mut self.renewed),
            occasion,
            rules: Rules::of(options),
        }
    }
}

fn forget<K: Eq + std::hash::Hash>(lookup: &mut Lookup<K, Numbers>, key: K, number: TicketNumber) {
    if let Some(numbers) = lookup.get_mut(&key) {
        numbers.retain(|other| *other != number);
        if numbers.is_empty() {
            lookup.remove(&key);
        }
    }
}

/// Begins a search when it is time.
pub(super) fn begin_search(
    now: Res<Now>,
    limits: Res<Limits>,
    mut tickets: ResMut<Tickets>,
    mut outbox: ResMut<Outbox>,
) {
    tickets.check_interval(now.elapsed, &limits.matchmaker);
    if let Some(search) = tickets.next_search(&limits.matchmaker) {
        outbox.push(Outbound::Search(Box::new(search)));
    }
}
