//! Online status: who follows whom.

use std::{collections::BTreeSet, sync::Arc};

use bevy_ecs::prelude::*;

use crate::{
    id::{Slot, UserId},
    lookup::Lookup,
    outbound::Recipients,
};

/// Which sessions want to know about a user. Every session follows its own user while it lives.
#[derive(Resource, Default, Debug)]
pub(crate) struct Followers {
    of_user: Lookup<UserId, BTreeSet<Slot>>,
}

impl Followers {
    pub(crate) fn follow(&mut self, slot: Slot, user: UserId) {
        self.of_user.get_or_default(user).insert(slot);
    }

    pub(crate) fn unfollow(&mut self, slot: Slot, user: UserId) {
        let Some(slots) = self.of_user.get_mut(&user) else {
            return;
        };
        slots.remove(&slot);
        if slots.is_empty() {
            self.of_user.remove(&user);
        }
    }

    /// Those who follow a user.
    pub(crate) fn of(&self, user: UserId) -> Option<Recipients> {
        let slots: Arc<[Slot]> = self.of_user.get(&user)?.iter().copied().collect();
        Some(Recipients::Many(slots))
    }
}
