//! Who follows whom.

use std::{collections::BTreeSet, sync::Arc};

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use crate::{
    id::{Slot, UserId},
    lookup::Lookup,
    outbound::Recipients,
    session::Session,
};

/// The users that a session follows, apart from its own, whom every session follows while it lives.
#[derive(Component, Clone, Debug, Default)]
#[component(on_add = follow_self, on_remove = unfollow_everybody)]
pub(crate) struct Follows {
    users: BTreeSet<UserId>,
}

impl Follows {
    /// The users, apart from the session's own.
    pub(crate) fn users(&self) -> impl Iterator<Item = UserId> {
        self.users.iter().copied()
    }
}

/// Which sessions want to know about a user. Kept true by [`Follows`].
#[derive(Resource, Default, Debug)]
pub(crate) struct Followers {
    of_user: Lookup<UserId, FollowerList>,
}

#[derive(Debug, Default)]
struct FollowerList {
    slots: BTreeSet<Slot>,
    /// The same as a list that is shared, made anew only after changes.
    shared: Option<Arc<[Slot]>>,
}

impl Followers {
    fn follow(&mut self, slot: Slot, user: UserId) {
        let list = self.of_user.get_or_default(user);
        if list.slots.insert(slot) {
            list.shared = None;
        }
    }

    fn unfollow(&mut self, slot: Slot, user: UserId) {
        let Some(list) = self.of_user.get_mut(&user) else {
            return;
        };
        if list.slots.remove(&slot) {
            list.shared = None;
        }
        if list.slots.is_empty() {
            self.of_user.remove(&user);
        }
    }

    /// Whether this session is told about that user.
    pub(crate) fn tells(&self, slot: Slot, user: UserId) -> bool {
        self.of_user
            .get(&user)
            .is_some_and(|list| list.slots.contains(&slot))
    }

    /// Those who follow a user.
    pub(crate) fn of(&mut self, user: UserId) -> Option<Recipients> {
        let FollowerList { slots, shared } = self.of_user.get_mut(&user)?;
        let shared = shared.get_or_insert_with(|| slots.iter().copied().collect());
        Some(Recipients::Many(shared.clone()))
    }
}

/// A session would follow more users than it may; nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Lets a session follow these users, all or none. Those it follows already, and its own, count no more.
pub(super) fn follow(
    world: &mut World,
    session: Entity,
    users: &[UserId],
    users_max: usize,
) -> Result<(), TooMany> {
    let Some((slot, own)) = route(&world.into(), session) else {
        return Ok(());
    };
    let Some(mut follows) = world.get_mut::<Follows>(session) else {
        return Ok(());
    };
    let wanted = users.iter().copied().filter(|user| *user != own);
    let new: BTreeSet<UserId> = wanted
        .filter(|user| !follows.users.contains(user))
        .collect();
    if follows.users.len() + new.len() > users_max {
        return Err(TooMany);
    }
    follows.users.extend(&new);
    let mut followers = world.resource_mut::<Followers>();
    for user in new {
        followers.follow(slot, user);
    }
    Ok(())
}

/// Lets a session follow these users no more. It goes on following its own.
pub(super) fn unfollow(world: &mut World, session: Entity, users: &[UserId]) {
    let Some((slot, _)) = route(&world.into(), session) else {
        return;
    };
    for user in users {
        let followed = world
            .get_mut::<Follows>(session)
            .is_some_and(|mut follows| follows.users.remove(user));
        if followed {
            world.resource_mut::<Followers>().unfollow(slot, *user);
        }
    }
}

fn follow_self(mut world: DeferredWorld, context: HookContext) {
    if let Some((slot, own)) = route(&world, context.entity) {
        world.resource_mut::<Followers>().follow(slot, own);
    }
}

/// However a session ends, nobody is told anything there any more.
fn unfollow_everybody(mut world: DeferredWorld, context: HookContext) {
    let Some((slot, own)) = route(&world, context.entity) else {
        return;
    };
    let users = world
        .get_mut::<Follows>(context.entity)
        .map(|mut follows| std::mem::take(&mut follows.users))
        .unwrap_or_default();
    let mut followers = world.resource_mut::<Followers>();
    for user in users.into_iter().chain([own]) {
        followers.unfollow(slot, user);
    }
}

fn route(world: &DeferredWorld, session: Entity) -> Option<(Slot, UserId)> {
    let session = world.get::<Session>(session)?;
    Some((session.slot, session.presence.user_id))
}
