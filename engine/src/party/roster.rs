//! Members of a party come and go with presences on its stream.

use bevy_ecs::{prelude::*, world::DeferredWorld};

use super::{
    PartyIndex, PartyMember, PartyMembers, changed,
    components::{Party, PartyTerms},
};
use crate::{
    id::{PartyId, Slot, UserPresence},
    outbound::{Event, Outbox, Recipients},
    stream::{self, PresenceView, StreamId},
};

/// A party as one of its members sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyInfo {
    /// Which party.
    pub party_id: PartyId,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// Whether it stays out of listings. Told to its maker only.
    pub hidden: bool,
    /// Members that fit.
    pub size_max: usize,
    /// The recipient.
    pub me: UserPresence,
    /// Who leads it.
    pub leader: UserPresence,
    /// All members, longest first.
    pub presences: Vec<UserPresence>,
    /// Its label. Told to its maker only.
    pub label: std::sync::Arc<str>,
}

/// Who came to a party and who left it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyPresences {
    /// Which party.
    pub party_id: PartyId,
    /// Who came.
    pub joins: Vec<PresenceView>,
    /// Who went.
    pub leaves: Vec<PresenceView>,
}

/// A visible presence appeared on the stream of a party: if there is room, it is a member.
///
/// It is shown the party before anybody learns of it, unless it is the one who made it.
pub(crate) fn member_joined(
    world: &mut DeferredWorld,
    id: PartyId,
    who: &UserPresence,
    slot: Slot,
) {
    let Some(entity) = world.resource::<PartyIndex>().find(id) else {
        return;
    };
    let Some(size_max) = world.get::<Party>(entity).map(|party| party.size_max) else {
        return;
    };
    let Some(mut members) = world.get_mut::<PartyMembers>(entity) else {
        return;
    };
    let count = members.as_slice().len();
    if count >= size_max || members.contains(who) {
        return;
    }
    let who = who.clone();
    members.add(PartyMember {
        who: who.clone(),
        slot,
    });
    if count > 0 {
        if let Some(info) = info(world, entity, who) {
            // Label and secrecy are the leader's affair.
            let event = Event::Party(Box::new(PartyInfo {
                hidden: false,
                label: std::sync::Arc::default(),
                ..info
            }));
            world
                .resource_mut::<Outbox>()
                .send(Recipients::One(slot), event);
        }
    }
    changed(world, id);
}

/// A visible presence left the stream of a party. Whoever has been there longest leads on, and nobody is
/// left without a party that is still there.
pub(crate) fn member_left(world: &mut DeferredWorld, id: PartyId, who: &UserPresence) {
    let Some(entity) = world.resource::<PartyIndex>().find(id) else {
        return;
    };
    let Some(mut members) = world.get_mut::<PartyMembers>(entity) else {
        return;
    };
    if !members.remove(who) {
        return;
    }
    let Some(longest) = members.as_slice().first().map(|member| member.who.clone()) else {
        world.commands().entity(entity).try_despawn();
        return;
    };
    if members.leader == *who {
        members.leader = longest.clone();
        let event = Event::PartyLeader {
            party_id: id,
            presence: longest,
        };
        tell(world, id, event);
    }
    changed(world, id);
}

/// A party as `me` sees it.
pub(super) fn info(world: &World, entity: Entity, me: UserPresence) -> Option<PartyInfo> {
    let party = world.get::<Party>(entity)?;
    let terms = world.get::<PartyTerms>(entity)?;
    let members = world.get::<PartyMembers>(entity)?;
    Some(PartyInfo {
        party_id: party.id,
        open: terms.open,
        hidden: terms.hidden,
        size_max: party.size_max,
        me,
        leader: members.leader.clone(),
        presences: members.presences(),
        label: terms.label.clone(),
    })
}

/// Sends something to everybody on the stream of a party.
pub(super) fn tell(world: &mut DeferredWorld, id: PartyId, event: Event) {
    let to = stream::entity_of(world, &StreamId::of_party(id))
        .and_then(|stream| stream::recipients_in(world, stream));
    if let Some(to) = to {
        world.resource_mut::<Outbox>().send(to, event);
    }
}
