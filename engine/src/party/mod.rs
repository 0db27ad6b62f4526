//! Parties: sessions that play together before and after a match, with one of them leading.
//!
//! A party is an entity. Who is in it follows from presences on its stream: whoever is put there, by a
//! request or by server code, becomes a member while there is room, and whoever leaves it, in whatever
//! way, is none any more. Only a stream that is closed leaves the list of members behind, until the party
//! is found idle.
//!
//! ```text
//! presence on a stream of mode 7 ──► roster ──► PartyMembers ──► watchers (such as the matchmaker)
//! ```
//!
//! What other features use: [`members`], [`leader`] and [`check_leader`], and
//! [`WatchParties::watch_parties`] for being told, at once, that what somebody decided for the members of
//! a party is void, because somebody joined, left, wanted to join although in it, or closed the party.

mod components;
mod idle;
mod index;
mod label;
mod lead;
mod listing;
mod requests;
mod roster;

use bevy_app::prelude::*;
use bevy_ecs::{prelude::*, world::DeferredWorld};

pub(crate) use self::listing::list_compiled;
pub use self::listing::{PartyFilter, PartyFunctions, PartyListing, PartyPage};
pub use self::roster::{PartyInfo, PartyPresences};
pub(crate) use self::{
    components::{Party, PartyMember, PartyMembers},
    roster::{member_joined, member_left},
};
use self::{idle::NextIdleCheck, index::PartyIndex};
use crate::{
    id::{PartyId, UserPresence},
    matches::settle_matches,
    outbound::RequestError,
    request::RequestKind,
    requests::{Asker, HandleRequests},
    schedule::{Pass, PassSystems},
};

/// Parties and their requests.
pub(crate) struct PartyPlugin;

impl Plugin for PartyPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<PartyIndex>()
            .init_resource::<PartyWatchers>()
            .init_resource::<NextIdleCheck>()
            .handle_request(RequestKind::PartyCreate, requests::create)
            .handle_request(RequestKind::PartyJoin, requests::join)
            .handle_request(RequestKind::PartyLeave, requests::leave)
            .handle_request(RequestKind::PartyDataSend, requests::send_data)
            .handle_request(RequestKind::PartyPromote, lead::promote)
            .handle_request(RequestKind::PartyAccept, lead::accept)
            .handle_request(RequestKind::PartyRemove, lead::remove)
            .handle_request(RequestKind::PartyClose, lead::close)
            .handle_request(RequestKind::PartyJoinRequestList, lead::list_requests)
            .handle_request(RequestKind::PartyUpdate, lead::update)
            .add_systems(
                Pass,
                idle::end_idle_parties
                    .in_set(PassSystems::Settle)
                    .before(settle_matches),
            );
    }
}

/// Is told that the members of a party are others now, or that it is gone.
pub(crate) type PartyWatcher = fn(&mut DeferredWorld, PartyId);

/// Who is told about changes of parties.
#[derive(Resource, Clone, Debug, Default)]
pub(crate) struct PartyWatchers(Vec<PartyWatcher>);

/// Lets a plugin learn about changes of parties.
pub(crate) trait WatchParties {
    /// From now on this is called, in the middle of whatever changes the party, whenever tickets of the
    /// party have to be cancelled: somebody joined, left or was removed, somebody who is in it joined
    /// again, or the party is gone.
    fn watch_parties(&mut self, watcher: PartyWatcher) -> &mut Self;
}

impl WatchParties for App {
    fn watch_parties(&mut self, watcher: PartyWatcher) -> &mut Self {
        self.init_resource::<PartyWatchers>();
        self.world_mut()
            .resource_mut::<PartyWatchers>()
            .0
            .push(watcher);
        self
    }
}

/// Tells everybody who watches parties.
pub(crate) fn changed(world: &mut DeferredWorld, id: PartyId) {
    let mut next = 0;
    while let Some(watcher) = world.resource::<PartyWatchers>().0.get(next).copied() {
        watcher(world, id);
        next += 1;
    }
}

/// Who is in a party, longest first; `None` if there is no such party here.
pub(crate) fn members(world: &World, id: PartyId) -> Option<&[PartyMember]> {
    let party = world.resource::<PartyIndex>().find(id)?;
    Some(world.get::<PartyMembers>(party)?.as_slice())
}

/// Who leads a party; `None` if there is no such party here.
pub(crate) fn leader(world: &World, id: PartyId) -> Option<&UserPresence> {
    let party = world.resource::<PartyIndex>().find(id)?;
    Some(&world.get::<PartyMembers>(party)?.leader)
}

/// Refuses whoever does not lead the party. `prefix` says what failed, such as "Error closing party".
pub(crate) fn check_leader(
    world: &World,
    asker: &Asker,
    id: PartyId,
    prefix: &str,
) -> Result<(), RequestError> {
    let refusal = match leader(world, id) {
        None => "party not found",
        Some(leader) if *leader != asker.who => "party leader only",
        Some(_) => return Ok(()),
    };
    Err(RequestError::bad_input(format!("{prefix}: {refusal}")))
}

/// How many parties there are.
pub(crate) fn count(world: &World) -> usize {
    world.resource::<PartyIndex>().len()
}
