//! What a party consists of.

use std::sync::Arc;

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use super::{PartyIndex, changed};
use crate::id::{PartyId, Slot, UserPresence};

/// A party. What is here never changes.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable, on_add = index_party, on_remove = forget_party)]
pub(crate) struct Party {
    pub(crate) id: PartyId,
    /// Members that it holds.
    pub(crate) size_max: usize,
    /// Its place in the order of creation.
    pub(crate) order: u64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created_ms: i64,
}

/// What the leader decides about a party.
#[derive(Component, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartyTerms {
    /// Whoever wants may join; otherwise the leader is asked.
    pub(crate) open: bool,
    /// It is left out of listings.
    pub(crate) hidden: bool,
    /// What listings show and search: nothing, or a JSON object.
    pub(crate) label: Arc<str>,
}

/// One session in a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyMember {
    pub(crate) who: UserPresence,
    pub(crate) slot: Slot,
}

/// Who is in a party, and who leads it. The leader is one of them.
#[derive(Component, Clone, Debug)]
pub(crate) struct PartyMembers {
    pub(crate) leader: UserPresence,
    /// In the order in which they joined.
    members: Vec<PartyMember>,
}

impl PartyMembers {
    /// Nobody yet; the leader is still to join.
    pub(crate) const fn led_by(leader: UserPresence) -> Self {
        Self {
            leader,
            members: Vec::new(),
        }
    }

    pub(crate) fn as_slice(&self) -> &[PartyMember] {
        &self.members
    }

    pub(crate) fn presences(&self) -> Vec<UserPresence> {
        let members = self.members.iter();
        members.map(|member| member.who.clone()).collect()
    }

    pub(crate) fn contains(&self, who: &UserPresence) -> bool {
        self.members.iter().any(|member| member.who == *who)
    }

    pub(super) fn add(&mut self, member: PartyMember) {
        self.members.push(member);
    }

    /// Takes a member off the list. Returns whether they were on it.
    pub(super) fn remove(&mut self, who: &UserPresence) -> bool {
        let before = self.members.len();
        self.members.retain(|member| member.who != *who);
        self.members.len() < before
    }
}

/// Who asked to join a party and waits for its leader, in the order in which they asked.
#[derive(Component, Clone, Debug, Default)]
pub(crate) struct JoinRequests(pub(crate) Vec<UserPresence>);

/// Whether anything was asked of a party since it was last found idle or not.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(crate) struct Active(pub(crate) bool);

fn index_party(mut world: DeferredWorld, context: HookContext) {
    if let Some(party) = world.get::<Party>(context.entity).copied() {
        world
            .resource_mut::<PartyIndex>()
            .insert(&party, context.entity);
    }
}

fn forget_party(mut world: DeferredWorld, context: HookContext) {
    if let Some(party) = world.get::<Party>(context.entity).copied() {
        world.resource_mut::<PartyIndex>().remove(&party);
        changed(&mut world, party.id);
    }
}
