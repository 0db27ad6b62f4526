//! The matchmaker: players say with whom they want to play, and are put together.
//!
//! ```text
//! MatchmakerAdd ─► Tickets ──Search──► Searcher (another thread): Pool → seekers → groups
//!                     ▲ │                                  │
//!     sessions close ─┘ └◄────────────Found────────────────┘─► matchmaker_matched
//! ```
//!
//! [`Tickets`] is the truth and belongs to the world. The search takes longer than a
//! pass may, so a [`Searcher`] does it elsewhere, on a copy of the pool that it keeps: what leaves with
//! the outbox is what changed since the last search. A group that it finds becomes a match only if all of
//! its tickets are still there.
//!
//! There are searches after every interval and, unless [`MatchmakerOptions::eager`] is off, as soon as
//! there are new tickets. The latter ask only whether a new ticket's match can be made full; settling for
//! less is left to the intervals.

mod candidates;
mod groups;
mod matched;
mod party;
mod pool;
mod requests;
mod search;
mod stats;
mod surplus;
mod ticket;
mod tickets;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;

use std::time::Duration;

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;

pub(crate) use self::{matched::take_found, tickets::Tickets};
pub use self::{
    matched::{MatchTokenSigner, MatchedTarget, MatchmakerMatched, MatchmakerUser},
    search::{Found, Search, Searcher},
    stats::{Completion, MatchmakerStats},
    ticket::{MatchmakerProperties, Ticket, TicketNumber},
};
use self::{search::Rules, tickets::TicketIds};
use crate::{
    audit::audit,
    party::WatchParties,
    request::RequestKind,
    requests::{HandleRequests, carry_out_requests},
    schedule::{Pass, PassSystems},
    stream::announce_presences,
};

/// How the matchmaker works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchmakerOptions {
    /// Tickets that one session may have at the same time, and one party.
    pub tickets_max: usize,
    /// Time between searches in which tickets may settle for less than their maximum.
    pub interval: Duration,
    /// Intervals after which they do; at least 1.
    pub intervals_max: u32,
    /// Whether everybody in a match must accept everybody else, rather than the one who searched the
    /// others.
    pub mutual: bool,
    /// Intervals of work in one search after which `mutual` no longer holds; 0 for never.
    pub mutual_intervals_max: u32,
    /// Whether full matches are made at once.
    pub eager: bool,
}

impl Default for MatchmakerOptions {
    fn default() -> Self {
        Self {
            tickets_max: 3,
            interval: Duration::from_secs(15),
            intervals_max: 2,
            mutual: false,
            mutual_intervals_max: 1,
            eager: true,
        }
    }
}

/// Questions whether a ticket is acceptable that count as a second of work, so that a search needs no
/// clock and finds the same on every machine. One takes between a tenth of a microsecond and a few.
const QUESTIONS_PER_SECOND: u64 = 1_000_000;

impl Rules {
    fn of(options: &MatchmakerOptions) -> Self {
        let seconds = options.interval.as_secs() * u64::from(options.mutual_intervals_max);
        Self {
            intervals_max: options.intervals_max.max(1).into(),
            mutual: options.mutual,
            questions_max: (options.mutual_intervals_max > 0)
                .then_some(seconds.saturating_mul(QUESTIONS_PER_SECOND)),
        }
    }
}

/// The matchmaker.
pub(crate) struct MatchmakerPlugin;

impl Plugin for MatchmakerPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Tickets>()
            .init_resource::<TicketIds>()
            .handle_request(RequestKind::MatchmakerAdd, requests::add)
            .handle_request(RequestKind::MatchmakerRemove, requests::remove)
            .handle_request(RequestKind::PartyMatchmakerAdd, party::add)
            .handle_request(RequestKind::PartyMatchmakerRemove, party::remove)
            .watch_parties(party::forget_party)
            .add_systems(
                Pass,
                (
                    matched::make_matches
                        .in_set(PassSystems::Requests)
                        .after(carry_out_requests),
                    tickets::begin_search
                        .in_set(PassSystems::Send)
                        .after(announce_presences)
                        .before(audit),
                ),
            );
    }
}

/// How the matchmaker has been doing.
pub(crate) fn stats(world: &World) -> MatchmakerStats {
    world.resource::<Tickets>().stats.published()
}

/// How many tickets wait.
pub(crate) fn ticket_count(world: &World) -> usize {
    world.resource::<Tickets>().len()
}
