//! One session on one stream.

use std::sync::Arc;

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use super::{PresenceEvents, StreamId, events::PresenceView, ops::Roster, swap_set::SwapSet};
use crate::{
    id::{Slot, UserPresence},
    matches::Departures,
    party,
};

/// Why a presence changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum PresenceReason {
    /// Nobody said.
    #[default]
    Unknown = 0,
    /// It came.
    Join = 1,
    /// It was changed in place.
    Update = 2,
    /// It went, or was taken off.
    Leave = 3,
    /// Its connection was lost or closed.
    Disconnect = 4,
}

impl PresenceReason {
    /// The reason with this number.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Unknown,
            1 => Self::Join,
            2 => Self::Update,
            3 => Self::Leave,
            4 => Self::Disconnect,
            _ => return None,
        })
    }
}

/// What a presence carries besides who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceMeta {
    /// Left out of lists and events. It still receives everything.
    pub hidden: bool,
    /// Chat that is sent under it is stored.
    pub persistence: bool,
    /// A text; only status streams show it.
    pub status: Arc<str>,
}

/// One session on one stream.
#[derive(Component, Clone, Debug)]
#[component(on_remove = leave)]
pub struct Presence {
    /// Who it is. The user need not be the session's own.
    pub who: UserPresence,
    /// How it is there.
    pub meta: PresenceMeta,
    /// Where messages for it go.
    pub(crate) slot: Slot,
    /// Presences that joined earlier have smaller numbers.
    pub(crate) order: u64,
    /// Why it will have left, should it go now.
    pub(crate) reason: PresenceReason,
}

/// Which stream a presence is on.
#[derive(Component, Clone, Copy, Debug)]
#[relationship(relationship_target = Presences)]
pub(crate) struct OnStream(pub(crate) Entity);

/// The presences on a stream.
#[derive(Component, Debug, Default)]
#[relationship_target(relationship = OnStream, linked_spawn)]
pub(crate) struct Presences(SwapSet);

impl Presences {
    pub(crate) fn as_slice(&self) -> &[Entity] {
        self.0.as_slice()
    }
}

/// Which session a presence belongs to.
#[derive(Component, Clone, Copy, Debug)]
#[relationship(relationship_target = SessionPresences)]
pub(crate) struct OfSession(pub(crate) Entity);

/// The presences of a session.
#[derive(Component, Debug, Default)]
#[relationship_target(relationship = OfSession, linked_spawn)]
pub(crate) struct SessionPresences(Vec<Entity>);

impl SessionPresences {
    pub(crate) fn as_slice(&self) -> &[Entity] {
        &self.0
    }
}

/// However a presence goes, those left behind learn of it, and so does the match it was in.
///
/// A stream that is closed is gone before its presences are: then nobody is told.
fn leave(mut world: DeferredWorld, context: HookContext) {
    let Some((presence, stream)) = world
        .get::<Presence>(context.entity)
        .zip(world.get::<OnStream>(context.entity))
        .map(|(presence, on)| (presence.clone(), on.0))
    else {
        return;
    };
    let Some(mut roster) = world.get_mut::<Roster>(stream) else {
        return;
    };
    roster.forget();
    if roster.closing {
        return;
    }
    let Some(id) = world.get::<StreamId>(stream).cloned() else {
        return;
    };
    if let Some(match_id) = id.match_id().filter(|id| id.is_authoritative()) {
        world
            .resource_mut::<Departures>()
            .push(match_id, presence.who.clone(), presence.reason);
    }
    let view = PresenceView::of(&presence);
    // Who leads from now on is told before who went.
    if let Some(party_id) = id.party_id() {
        party::member_left(&mut world, party_id, &presence.who);
    }
    if !presence.meta.hidden {
        world
            .resource_mut::<PresenceEvents>()
            .left(stream, &id, view);
    }
    let abandoned = world
        .get::<Presences>(stream)
        .is_none_or(|presences| presences.as_slice().is_empty());
    if abandoned {
        world.commands().entity(stream).try_despawn();
    }
}
