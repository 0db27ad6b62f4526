//! Channels on which the database says who may be: asking it, and what becomes out of date meanwhile.

use bevy_ecs::prelude::*;

use super::membership::bad_target;
use crate::{
    id::UserId,
    outbound::{ErrorCode, Reply, RequestError},
    requests::{self, Asker},
    session::Session,
    store::{self, StoreReply, StoreRequest},
    stream::{PresenceMeta, StreamId},
};

/// On a session: it waits to be let into such a channel.
///
/// Taken away if its user has to leave that channel meanwhile, since the answer of the database may be older
/// than that.
#[derive(Component)]
struct Entering {
    channel: StreamId,
    user: UserId,
}

/// Somebody who wants to be on a channel.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) asker: Asker,
    pub(super) channel: StreamId,
    pub(super) meta: PresenceMeta,
    /// Whether they may.
    pub(super) question: StoreRequest,
    /// What they are told if they may not.
    pub(super) refusal: &'static str,
    /// What they are told if the database does not say.
    pub(super) failure: &'static str,
}

/// Asks the database, and lets them in if it says so.
pub(super) fn look_up(world: &mut World, entry: Entry, let_in: fn(&mut World, Entry)) {
    let Ok(mut session) = world.get_entity_mut(entry.asker.session) else {
        return;
    };
    session.insert(Entering {
        channel: entry.channel.clone(),
        user: entry.asker.who.user_id,
    });
    store::ask(world, entry.question.clone(), move |world, outcome| {
        let session = entry.asker.session;
        if world.get::<Session>(session).is_none() {
            return;
        }
        let is_current = world.entity_mut(session).take::<Entering>().is_some();
        let refusal = match outcome {
            Ok(StoreReply::Allowed(true)) if is_current => return let_in(world, entry),
            Ok(StoreReply::Allowed(true)) => return look_up(world, entry, let_in),
            Ok(StoreReply::Allowed(false)) => bad_target(entry.refusal),
            _ => RequestError::new(ErrorCode::RuntimeException, entry.failure),
        };
        requests::answer(world, session, Reply::Error(refusal));
    });
}

/// Makes sessions that are about to enter a channel ask once more whether they may.
pub(crate) fn turn_away(world: &mut World, channel: &StreamId, leaves: impl Fn(UserId) -> bool) {
    let mut entering = world.query::<(Entity, &Entering)>();
    let turned: Vec<Entity> = entering
        .iter(world)
        .filter(|(_, entering)| entering.channel == *channel && leaves(entering.user))
        .map(|(session, _)| session)
        .collect();
    for session in turned {
        world.entity_mut(session).remove::<Entering>();
    }
}
