//! Tickets of parties.
//!
//! A ticket stands for those who were members when the leader asked. Whenever they are others, it goes.

use bevy_ecs::{prelude::*, world::DeferredWorld};

use super::tickets::{self, Tickets};
use crate::{
    id::{PartyId, UserPresence},
    outbound::{Event, Outbox, Recipients, Reply, RequestError},
    party,
    request::{Request, Spelled},
    requests::{Asker, Handled},
    session::SessionIndex,
};

const ADD_FAILED: &str = "Error adding party to matchmaker";
/// Not what one expects, and what clients know.
const REMOVE_FAILED: &str = "Error closing party";

/// Begins to wait for others, with everybody in the party.
pub(super) fn add(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyMatchmakerAdd { party, add } = request else {
        return Handled::Silent;
    };
    let counts = match add.counts() {
        Ok(counts) => counts,
        Err(error) => return Handled::refuse(error),
    };
    let Spelled { id, text } = party;
    if let Err(error) = party::check_leader(world, asker, id, ADD_FAILED) {
        return Handled::refuse(error);
    }
    let members = party::members(world, id).unwrap_or_default().to_vec();
    // A party keeps members whose stream was closed under it; those who are gone do not wait for others.
    let sessions = world.resource::<SessionIndex>();
    let here = members
        .iter()
        .filter(|member| sessions.with_id(member.who.session_id).is_some());
    let presences: Vec<UserPresence> = here.map(|member| member.who.clone()).collect();
    let ticket = match tickets::add(world, &presences, Some(id), counts, *add) {
        Ok(ticket) => ticket,
        Err(error) => return fail(ADD_FAILED, error),
    };
    let others = members.iter().filter(|member| member.slot != asker.slot);
    let to = Recipients::Many(others.map(|member| member.slot).collect());
    let event = Event::PartyMatchmakerTicket {
        party_id: id,
        ticket,
    };
    world.resource_mut::<Outbox>().send(to, event);
    Handled::Reply(Reply::PartyMatchmakerTicket {
        party_id: text,
        ticket,
    })
}

/// Stops waiting. The other members are not told.
pub(super) fn remove(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyMatchmakerRemove { party, ticket } = request else {
        return Handled::Silent;
    };
    if ticket.is_empty() {
        return Handled::refuse(RequestError::bad_input("Invalid matchmaker ticket"));
    }
    if let Err(error) = party::check_leader(world, asker, party.id, REMOVE_FAILED) {
        return Handled::refuse(error);
    }
    let mut tickets = world.resource_mut::<Tickets>();
    let own = tickets
        .named(&ticket)
        .filter(|ticket| ticket.party == Some(party.id));
    let Some(number) = own.map(|ticket| ticket.number) else {
        return fail(REMOVE_FAILED, "matchmaker ticket not found");
    };
    tickets.remove(number);
    Handled::Reply(Reply::Done)
}

fn fail(prefix: &str, problem: impl std::fmt::Display) -> Handled {
    Handled::refuse(RequestError::bad_input(format!("{prefix}: {problem}")))
}

/// The members are others now, or the party is gone.
pub(super) fn forget_party(world: &mut DeferredWorld, id: PartyId) {
    world.resource_mut::<Tickets>().remove_of_party(id);
}
