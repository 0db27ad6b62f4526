//! Looks whether everything that knows of a session still agrees.
//!
//! Sessions, presences, streams and seats in matches are kept true by hooks, never by hand. This is the
//! proof: in debug builds and tests it looks at everything after every pass; in release builds it compares
//! the counts now and then, because a walk over 50,000 sessions takes longer than a pass may. What it finds
//! is logged and counted; tests fail if it found anything.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;
use tracing::error;

use crate::{
    clock::Now,
    id::SessionId,
    matches::{Match, MatchIndex, Participants},
    matchmaker::Tickets,
    session::{Session, SessionIndex},
    status::{Followers, Follows},
    stream::{Presence, Presences, SessionPresences, StreamId, StreamIndex},
};

/// Passes between two looks in release builds; about ten seconds.
const RELEASE_PERIOD_PASSES: u64 = 2400;

/// How often something did not agree since the server started. More than 0 is a bug of ours.
#[derive(Resource, Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disagreements(pub u64);

/// Looks at everything, or at the counts if it is time to.
pub(crate) fn audit(world: &mut World) {
    let found = if cfg!(debug_assertions) {
        disagreements(world)
    } else if world
        .resource::<Now>()
        .pass
        .is_multiple_of(RELEASE_PERIOD_PASSES)
    {
        miscounts(world)
    } else {
        return;
    };
    if found.is_empty() {
        return;
    }
    world.resource_mut::<Disagreements>().0 += found.len() as u64;
    error!(?found, "the engine's records do not agree");
}

/// What the indexes count, against what there is. Counting entities does not look at them.
fn miscounts(world: &mut World) -> Vec<String> {
    let sessions = world.query::<&Session>().iter(world).len();
    let streams = world.query::<&StreamId>().iter(world).len();
    let matches = world.query::<&Match>().iter(world).len();
    let counts = [
        ("sessions", world.resource::<SessionIndex>().len(), sessions),
        ("streams", world.resource::<StreamIndex>().len(), streams),
        ("matches", world.resource::<MatchIndex>().len(), matches),
    ];
    let wrong = counts.iter().filter(|(_, indexed, there)| indexed != there);
    let told =
        wrong.map(|(what, indexed, there)| format!("{indexed} {what} are indexed, {there} exist"));
    told.collect()
}

fn disagreements(world: &mut World) -> Vec<String> {
    let mut found = Vec::new();
    check_sessions(world, &mut found);
    check_presences(world, &mut found);
    check_streams(world, &mut found);
    check_seats(world, &mut found);
    check_tickets(world, &mut found);
    check_follows(world, &mut found);
    found
}

/// Every session is found by its slot, its id and its user.
fn check_sessions(world: &mut World, found: &mut Vec<String>) {
    let mut sessions = world.query::<(Entity, &Session)>();
    let index = world.resource::<SessionIndex>();
    let mut count = 0;
    for (entity, session) in sessions.iter(world) {
        count += 1;
        let id = session.presence.session_id;
        if index.at(session.slot) != Some(entity) || index.with_id(id) != Some(entity) {
            found.push(format!("session {id} is not found by its slot or id"));
        }
        if !index.of_user(session.presence.user_id).contains(&entity) {
            found.push(format!("session {id} is not found by its user"));
        }
    }
    if index.len() != count {
        found.push(format!(
            "{} sessions are indexed, {count} exist",
            index.len()
        ));
    }
}

/// Every presence belongs to a session that exists.
fn check_presences(world: &mut World, found: &mut Vec<String>) {
    let mut presences = world.query::<&Presence>();
    let mut sessions = world.query::<(&Session, &SessionPresences)>();
    let owned: usize = sessions
        .iter(world)
        .map(|(_, presences)| presences.as_slice().len())
        .sum();
    let count = presences.iter(world).count();
    if owned != count {
        found.push(format!("{count} presences exist, sessions have {owned}"));
    }
}

/// Every stream has somebody on it and is found by its name.
fn check_streams(world: &mut World, found: &mut Vec<String>) {
    let mut streams = world.query::<(Entity, &StreamId, Option<&Presences>)>();
    let mut count = 0;
    for (entity, id, presences) in streams.iter(world) {
        count += 1;
        if presences.is_none_or(|presences| presences.as_slice().is_empty()) {
            found.push(format!("nobody is on stream {id:?}"));
        }
        if crate::stream::entity_of(world, id) != Some(entity) {
            found.push(format!("stream {id:?} is not found by its name"));
        }
    }
    let indexed = world.resource::<StreamIndex>().len();
    if indexed != count {
        found.push(format!("{indexed} streams are indexed, {count} exist"));
    }
}

/// Everybody whom the matchmaker knows is connected.
fn check_tickets(world: &World, found: &mut Vec<String>) {
    let sessions = world.resource::<SessionIndex>();
    for id in world.resource::<Tickets>().sessions() {
        if sessions.with_id(id).is_none() {
            found.push(format!("{id} waits for others and is not connected"));
        }
    }
}

/// Every session is told about its own user and about those that it follows.
fn check_follows(world: &mut World, found: &mut Vec<String>) {
    let mut sessions = world.query::<(&Session, &Follows)>();
    let followers = world.resource::<Followers>();
    for (session, follows) in sessions.iter(world) {
        let mut users = follows.users().chain([session.presence.user_id]);
        if let Some(user) = users.find(|user| !followers.tells(session.slot, *user)) {
            let id = session.presence.session_id;
            found.push(format!("session {id} follows {user} and is told nothing"));
        }
    }
}

/// Every seat in a match is taken once, by somebody who is connected, and every match is listed.
fn check_seats(world: &mut World, found: &mut Vec<String>) {
    let mut matches = world.query::<(&Match, &Participants)>();
    let sessions = world.resource::<SessionIndex>();
    let mut count = 0;
    for (of, participants) in matches.iter(world) {
        count += 1;
        let mut seen: BTreeSet<SessionId> = BTreeSet::new();
        for participant in participants.as_slice() {
            let id = participant.session_id;
            if sessions.with_id(id).is_none() {
                found.push(format!("{id} plays in {} and is not connected", of.id));
            }
            if !seen.insert(id) {
                found.push(format!("{id} plays in {} twice", of.id));
            }
        }
    }
    let listed = world.resource::<MatchIndex>().len();
    if listed != count {
        found.push(format!("{listed} matches are listed, {count} exist"));
    }
}
