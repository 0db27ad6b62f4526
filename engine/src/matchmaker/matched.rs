//! What happens to tickets that were found to go well together.

use std::{fmt, sync::Arc};

use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::{Completion, Found, MatchmakerProperties, Ticket, TicketNumber, tickets::Tickets};
use crate::{
    clock::Now,
    functions::{Functions, MatchedEntry},
    id::{MatchId, PartyId, UserPresence},
    limits::Limits,
    outbound::{Event, Outbox, Recipients},
    session::{Session, SessionIndex},
};

/// Makes the token with which players join the match that the matchmaker found: given the match and the
/// time in seconds since 1970. Set by whoever has the keys.
#[derive(Resource, Clone)]
pub struct MatchTokenSigner(pub Arc<dyn Fn(MatchId, i64) -> String + Send + Sync>);

impl fmt::Debug for MatchTokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchTokenSigner")
    }
}

/// The matchmaker has found others.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchmakerMatched {
    /// The recipient's own ticket.
    pub ticket: Uuid,
    /// Where everybody goes.
    pub target: MatchedTarget,
    /// Everybody.
    pub users: Arc<[MatchmakerUser]>,
    /// Which of them the recipient is.
    pub me: usize,
}

/// Where players go that were put together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MatchedTarget {
    /// To a match that the server made for them.
    Match(MatchId),
    /// To a relayed match, which this token opens.
    Token(Arc<str>),
}

/// One of those that were put together.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchmakerUser {
    /// Who it is.
    pub presence: UserPresence,
    /// The party that they came with.
    pub party_id: Option<PartyId>,
    /// What they told of themselves.
    pub properties: Arc<MatchmakerProperties>,
}

/// Players that are put together in one pass before the others wait for the next.
///
/// Each costs the pass and the network some five microseconds, so this is a millisecond or two; a pool of
/// ten thousand that all match at the end of an interval is done within a twentieth of a second.
const PLAYERS_PER_PASS_MAX: usize = 512;

/// Takes what a search found.
pub(crate) fn take_found(world: &mut World, found: Found) {
    world.resource_mut::<Tickets>().take_found(found);
}

/// Makes matches of what a search found.
pub(super) fn make_matches(world: &mut World) {
    let intervals_max = world.resource::<Limits>().matchmaker.intervals_max;
    let mut players = 0;
    while players < PLAYERS_PER_PASS_MAX {
        let mut tickets = world.resource_mut::<Tickets>();
        let Some(group) = tickets.next_group() else {
            return;
        };
        if group.iter().any(|number| tickets.get(*number).is_none()) {
            tickets.renew(&group, intervals_max.into());
            continue;
        }
        let group: Vec<Arc<Ticket>> = group
            .into_iter()
            .filter_map(|number: TicketNumber| tickets.remove(number))
            .collect();
        players += group.iter().map(|ticket| ticket.size()).sum::<usize>();
        put_together(world, &group);
    }
}

fn put_together(world: &mut World, group: &[Arc<Ticket>]) {
    let now = *world.resource::<Now>();
    let completed_ns = now.unix_ms.saturating_mul(1_000_000);
    let mut tickets_of_users = Vec::new();
    let mut users = Vec::new();
    let stats = &mut world.resource_mut::<Tickets>().stats;
    for ticket in group {
        for member in &ticket.members {
            stats.complete(Completion {
                created_ns: ticket.created_ns,
                completed_ns,
            });
            tickets_of_users.push(ticket.id);
            users.push(MatchmakerUser {
                presence: member.clone(),
                party_id: ticket.party,
                properties: ticket.properties.clone(),
            });
        }
    }
    let users: Arc<[MatchmakerUser]> = users.into();
    let target = target(world, &users, now.unix_seconds());
    for (me, ticket) in tickets_of_users.into_iter().enumerate() {
        let sessions = world.resource::<SessionIndex>();
        let session = sessions.with_id(users[me].presence.session_id);
        let Some(slot) = session
            .and_then(|session| world.get::<Session>(session))
            .map(|session| session.slot)
        else {
            continue;
        };
        let matched = MatchmakerMatched {
            ticket,
            target: target.clone(),
            users: users.clone(),
            me,
        };
        world.resource_mut::<Outbox>().send(
            Recipients::One(slot),
            Event::MatchmakerMatched(Box::new(matched)),
        );
    }
}

/// The match that game code names, or else a token for a relayed one.
fn target(world: &mut World, users: &[MatchmakerUser], unix_seconds: i64) -> MatchedTarget {
    if world.resource::<Functions>().matched.is_some() {
        let entries = users.iter().map(entry).collect();
        if let Some(id) = Functions::call_matched(world, entries) {
            return MatchedTarget::Match(id);
        }
    }
    let id = MatchId::relayed(Uuid::new_v4());
    let token = match world.get_resource::<MatchTokenSigner>() {
        Some(signer) => (signer.0)(id, unix_seconds),
        // Nobody checks tokens where nobody signs them.
        None => id.to_string(),
    };
    MatchedTarget::Token(token.into())
}

fn entry(user: &MatchmakerUser) -> MatchedEntry {
    MatchedEntry {
        presence: user.presence.clone(),
        party_id: user.party_id,
        string_properties: user.properties.strings.clone(),
        numeric_properties: user.properties.numbers.clone(),
    }
}
