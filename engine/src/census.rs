//! How many of everything there is, for whoever watches the server.

use bevy_ecs::prelude::*;

use crate::{matches, matchmaker, party, session::SessionIndex, stream};

/// How many of everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Connected sessions.
    pub sessions: usize,
    /// Presences on all streams.
    pub presences: usize,
    /// Streams with at least one presence.
    pub streams: usize,
    /// Authoritative matches.
    pub matches: usize,
    /// The same by kind, every registered kind once, by name.
    pub matches_by_kind: Vec<(&'static str, usize)>,
    /// Parties.
    pub parties: usize,
    /// Tickets in the matchmaker.
    pub tickets: usize,
}

/// Counts everything, without looking at each.
pub(crate) fn census(world: &mut World) -> Census {
    let presences = world.query::<&stream::Presence>().iter(world).len();
    Census {
        sessions: world.resource::<SessionIndex>().len(),
        presences,
        streams: world.resource::<stream::StreamIndex>().len(),
        matches: matches::running(world),
        matches_by_kind: matches::running_by_kind(world),
        parties: party::count(world),
        tickets: matchmaker::ticket_count(world),
    }
}
