//! What can be done to streams. Everything else is built from these few operations.

use std::sync::Arc;

use bevy_ecs::{prelude::*, world::DeferredWorld};

use super::{
    Presence, PresenceEvents, PresenceMeta, PresenceReason, StreamId,
    events::PresenceView,
    presence::{OfSession, OnStream, Presences, SessionPresences},
};
use crate::{
    id::{Slot, UserId, UserPresence},
    lookup::Lookup,
    matches::MatchIndex,
    outbound::Recipients,
    party,
    session::Session,
};

/// Finds streams by name. Kept true by the hooks of [`StreamId`].
#[derive(Resource, Default, Debug)]
pub(crate) struct StreamIndex {
    streams: Lookup<StreamId, Entity>,
    /// Presences that ever joined, which is also the order of the next one.
    joined: u64,
}

impl StreamIndex {
    pub(super) fn insert(&mut self, id: StreamId, entity: Entity) {
        self.streams.insert(id, entity);
    }

    pub(super) fn remove(&mut self, id: &StreamId, entity: Entity) {
        if self.streams.get(id) == Some(&entity) {
            self.streams.remove(id);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }
}

/// Where messages to everybody on a stream go: a list that is shared, and made anew only after changes.
#[derive(Component, Default, Debug)]
pub(crate) struct Roster {
    shared: Option<Arc<[Slot]>>,
    /// The stream is being closed: its presences go without a word.
    pub(super) closing: bool,
}

impl Roster {
    pub(super) fn forget(&mut self) {
        self.shared = None;
    }
}

/// Whether [`track`] added anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tracked {
    /// The presence is new.
    New,
    /// It was there already, and nothing changed.
    Existing,
}

/// The stream with this name, if anybody is on it.
pub(crate) fn entity_of(world: &World, id: &StreamId) -> Option<Entity> {
    world.resource::<StreamIndex>().streams.get(id).copied()
}

/// The presence of a session on a stream, for that user.
pub(crate) fn find(world: &World, session: Entity, user: UserId, id: &StreamId) -> Option<Entity> {
    let stream = entity_of(world, id)?;
    let presences = world.get::<SessionPresences>(session)?;
    presences.as_slice().iter().copied().find(|presence| {
        world
            .get::<OnStream>(*presence)
            .is_some_and(|on| on.0 == stream)
            && world
                .get::<Presence>(*presence)
                .is_some_and(|presence| presence.who.user_id == user)
    })
}

/// Puts a session on a stream. If it is there already, nothing changes.
pub(crate) fn track(
    world: &mut World,
    session: Entity,
    user: UserId,
    id: &StreamId,
    meta: PresenceMeta,
) -> Tracked {
    if find(world, session, user, id).is_some() {
        return Tracked::Existing;
    }
    let Some((slot, who)) = world
        .get::<Session>(session)
        .map(|session| (session.slot, session.presence.clone()))
    else {
        return Tracked::Existing;
    };
    let stream =
        entity_of(world, id).unwrap_or_else(|| world.spawn((id.clone(), Roster::default())).id());
    let mut index = world.resource_mut::<StreamIndex>();
    index.joined += 1;
    let presence = Presence {
        who: UserPresence {
            user_id: user,
            ..who
        },
        meta,
        slot,
        order: index.joined,
        reason: PresenceReason::Disconnect,
    };
    let view = (!presence.meta.hidden).then(|| PresenceView::of(&presence));
    world.spawn((presence, OnStream(stream), OfSession(session)));
    if let Some(mut roster) = world.get_mut::<Roster>(stream) {
        roster.forget();
    }
    if let Some(view) = view {
        if let Some(party_id) = id.party_id() {
            party::member_joined(&mut world.into(), party_id, &view.who, slot);
        }
        world
            .resource_mut::<PresenceEvents>()
            .joined(stream, id, view);
    }
    Tracked::New
}

/// Changes a presence in place, or adds it.
pub(crate) fn update(
    world: &mut World,
    session: Entity,
    user: UserId,
    id: &StreamId,
    meta: PresenceMeta,
) {
    let Some(entity) = find(world, session, user, id) else {
        track(world, session, user, id, meta);
        return;
    };
    let Some(stream) = world.get::<OnStream>(entity).map(|on| on.0) else {
        return;
    };
    let Some(mut presence) = world.get_mut::<Presence>(entity) else {
        return;
    };
    let before = (!presence.meta.hidden).then(|| PresenceView::of(&presence));
    presence.meta = meta;
    let after = (!presence.meta.hidden).then(|| PresenceView::of(&presence));
    let slot = presence.slot;
    if let Some(party_id) = id.party_id() {
        // Only who becomes visible or invisible comes or goes; a changed presence stays where it is.
        match (&before, &after) {
            (None, Some(view)) => {
                party::member_joined(&mut world.into(), party_id, &view.who, slot)
            }
            (Some(view), None) => {
                party::member_left(&mut world.into(), party_id, &view.who);
                world.flush();
            }
            _ => {}
        }
    }
    world
        .resource_mut::<PresenceEvents>()
        .updated(stream, id, after, before);
}

/// Takes a presence off its stream.
pub(crate) fn untrack(world: &mut World, presence: Entity, reason: PresenceReason) {
    if let Some(mut presence) = world.get_mut::<Presence>(presence) {
        presence.reason = reason;
    }
    world.despawn(presence);
}

/// Takes a session off every stream.
pub(crate) fn untrack_session(world: &mut World, session: Entity, reason: PresenceReason) {
    let presences = world
        .get::<SessionPresences>(session)
        .map(|all| all.as_slice().to_vec())
        .unwrap_or_default();
    for presence in presences {
        untrack(world, presence, reason);
    }
}

/// Takes a session off every other stream of these modes.
pub(crate) fn untrack_others(world: &mut World, session: Entity, modes: &[u8], keep: &StreamId) {
    let presences = world
        .get::<SessionPresences>(session)
        .map(|all| all.as_slice().to_vec())
        .unwrap_or_default();
    for presence in presences {
        let other =
            stream_of(world, presence).is_some_and(|id| modes.contains(&id.mode) && id != keep);
        if other {
            untrack(world, presence, PresenceReason::Leave);
        }
    }
}

/// Removes everybody from a stream at once; nobody is told.
pub(crate) fn close(world: &mut World, id: &StreamId) {
    let Some(stream) = entity_of(world, id) else {
        return;
    };
    if let Some(mut roster) = world.get_mut::<Roster>(stream) {
        roster.closing = true;
    }
    let presences = world
        .get::<Presences>(stream)
        .map(|all| all.as_slice().to_vec())
        .unwrap_or_default();
    let seat = id
        .match_id()
        .filter(|id| world.resource::<MatchIndex>().find(*id).is_some());
    for presence in &presences {
        let session = world.get::<OfSession>(*presence).map(|of| of.0);
        if let Some((seat, mut session)) =
            seat.zip(session.and_then(|session| world.get_mut::<Session>(session)))
        {
            session.orphaned_seats.push(seat);
        }
    }
    for presence in presences {
        world.despawn(presence);
    }
    world.despawn(stream);
}

/// The presences on a stream, in the order in which they joined.
pub(crate) fn members(world: &World, id: &StreamId) -> Vec<Presence> {
    let presences = entity_of(world, id).and_then(|stream| world.get::<Presences>(stream));
    let mut members: Vec<Presence> = presences
        .map(|presences| {
            presences
                .as_slice()
                .iter()
                .filter_map(|entity| world.get::<Presence>(*entity))
                .cloned()
                .collect()
        })
        .unwrap_or_default();
    members.sort_by_key(|presence| presence.order);
    members
}

/// How many presences are on a stream, hidden ones included.
pub(crate) fn roster_len(world: &World, id: &StreamId) -> usize {
    let presences = entity_of(world, id).and_then(|stream| world.get::<Presences>(stream));
    presences.map_or(0, |presences| presences.as_slice().len())
}

/// Where messages to everybody on a stream go; `None` if nobody is there.
pub(crate) fn recipients(world: &mut World, stream: Entity) -> Option<Recipients> {
    recipients_in(&mut world.into(), stream)
}

/// The same, in the middle of a change.
pub(crate) fn recipients_in(world: &mut DeferredWorld, stream: Entity) -> Option<Recipients> {
    if let Some(shared) = world.get::<Roster>(stream)?.shared.clone() {
        return Some(Recipients::Many(shared));
    }
    let presences = world.get::<Presences>(stream)?.as_slice();
    let slots = presences
        .iter()
        .filter_map(|entity| Some(world.get::<Presence>(*entity)?.slot));
    let shared: Arc<[Slot]> = slots.collect();
    world.get_mut::<Roster>(stream)?.shared = Some(shared.clone());
    Some(Recipients::Many(shared))
}

/// The name of the stream that a presence is on.
pub(crate) fn stream_of(world: &World, presence: Entity) -> Option<&StreamId> {
    let stream = world.get::<OnStream>(presence)?.0;
    world.get::<StreamId>(stream)
}
