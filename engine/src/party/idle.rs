//! Parties that nobody is in any more.

use std::time::Duration;

use bevy_ecs::prelude::*;
use tracing::debug;

use super::{Party, PartyIndex, components::Active};
use crate::{
    clock::Now,
    limits::Limits,
    stream::{self, StreamId},
};

/// When idle parties are looked for again.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub(super) struct NextIdleCheck(Duration);

/// Ends parties that nobody is in and of which nothing was asked since the check before.
///
/// A party ends with its last member; this finds those whose stream was closed under them.
pub(super) fn end_idle_parties(world: &mut World) {
    let (now, period) = (
        world.resource::<Now>().elapsed,
        world.resource::<Limits>().party_idle_check,
    );
    let mut next = world.resource_mut::<NextIdleCheck>();
    if period.is_zero() || now < next.0 {
        return;
    }
    next.0 = now + period;
    let entities: Vec<Entity> = world.resource::<PartyIndex>().entities().collect();
    for entity in entities {
        let was_active = world
            .get_mut::<Active>(entity)
            .is_some_and(|mut active| std::mem::take(&mut active.0));
        let Some(party) = world.get::<Party>(entity).copied() else {
            continue;
        };
        if !was_active && stream::roster_len(world, &StreamId::of_party(party.id)) == 0 {
            debug!(party = %party.id, "ended a party that nobody is in");
            world.despawn(entity);
        }
    }
}
