//! What players ask of the matchmaker.

use bevy_ecs::prelude::*;

use super::tickets::{self, Tickets};
use crate::{
    outbound::{ErrorCode, Reply, RequestError},
    request::Request,
    requests::{Asker, Handled},
};

/// Begins to wait for others.
pub(super) fn add(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::MatchmakerAdd(add) = request else {
        return Handled::Silent;
    };
    let counts = match add.counts() {
        Ok(counts) => counts,
        Err(error) => return Handled::refuse(error),
    };
    let members = std::slice::from_ref(&asker.who);
    match tickets::add(world, members, None, counts, *add) {
        Ok(ticket) => Handled::Reply(Reply::MatchmakerTicket(ticket)),
        // Clients are not told which of the reasons it was.
        Err(_) => Handled::refuse(RequestError::new(
            ErrorCode::RuntimeException,
            "Error adding to matchmaker",
        )),
    }
}

/// Stops waiting.
pub(super) fn remove(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::MatchmakerRemove { ticket } = request else {
        return Handled::Silent;
    };
    if ticket.is_empty() {
        return Handled::refuse(RequestError::bad_input("Invalid matchmaker ticket"));
    }
    let mut tickets = world.resource_mut::<Tickets>();
    let own = tickets
        .named(&ticket)
        .filter(|ticket| ticket.party.is_none() && ticket.has_session(asker.who.session_id));
    let Some(number) = own.map(|ticket| ticket.number) else {
        return Handled::refuse(RequestError::bad_input("Matchmaker ticket not found"));
    };
    tickets.remove(number);
    Handled::Reply(Reply::Done)
}
