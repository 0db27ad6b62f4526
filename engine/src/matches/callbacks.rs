//! Running the rules' callbacks, and carrying out what they decided.

use bevy_ecs::{prelude::*, schedule::ScheduleLabel};
use tracing::warn;

use super::{
    Dispatcher, Label, Match, Participants,
    components::{Ending, Occasion, Turn},
    index::MatchIndex,
    param::Called,
};
use crate::{
    data,
    delivery::Delivery,
    id::{MatchId, SessionId},
    outbound::{ErrorCode, Event, MatchDataEvent, MatchText, Outbox, Recipients, RequestError},
    session::SessionIndex,
    stream::{self, PresenceReason, PresenceView, StreamId},
};

/// What players are told whose match failed. Why it failed is for the log.
const FAILED_TEXT: &str = "Match ended because of an error.";

/// Runs the systems of one callback for these matches.
///
/// Returns whether it ran: a callback that is running already is not entered again.
pub(super) fn call(world: &mut World, callback: impl ScheduleLabel, matches: Vec<Entity>) -> bool {
    let before = std::mem::replace(&mut *world.resource_mut::<Called>(), Called::These(matches));
    let ran = world.try_run_schedule(callback);
    if let Err(error) = &ran {
        warn!(%error, "a match callback could not run");
    }
    *world.resource_mut::<Called>() = before;
    ran.is_ok()
}

/// Carries out what a callback decided. Returns what the callback was about.
pub(super) fn conclude(world: &mut World, entity: Entity) -> Option<Occasion> {
    let occasion = world.get_mut::<Turn>(entity)?.0.take();
    flush(world, entity);
    settle_one(world, entity);
    occasion.map(|occasion| *occasion)
}

/// Sends what the rules of a match have to say: what was deferred comes last.
fn flush(world: &mut World, entity: Entity) {
    let Some(id) = world.get::<Match>(entity).map(|found| found.id) else {
        return;
    };
    world.resource_scope(|world, mut outbox: Mut<Outbox>| {
        if let Some(mut dispatcher) = world.get_mut::<Dispatcher>(entity) {
            send_all(id, &mut dispatcher, &mut outbox);
        }
    });
}

pub(super) fn send_all(id: MatchId, dispatcher: &mut Dispatcher, outbox: &mut Outbox) {
    let Dispatcher {
        broadcasts,
        deferred,
        ..
    } = dispatcher;
    for outgoing in broadcasts.drain(..).chain(deferred.drain(..)) {
        let event = MatchDataEvent {
            match_id: MatchText::Canonical(id),
            sender: outgoing.sender,
            op_code: outgoing.op_code,
            data: outgoing.data,
            reliable: outgoing.delivery == Delivery::Reliable,
            delivery: outgoing.delivery,
        };
        outbox.send(outgoing.to, Event::MatchData(event));
    }
}

/// Carries out asks, kicks, a changed label and the end.
pub(super) fn settle_one(world: &mut World, entity: Entity) {
    let Some(dispatcher) = world.get::<Dispatcher>(entity) else {
        return;
    };
    if !dispatcher.wants_settling() {
        return;
    }
    data::ask_for_match(world, entity);
    let Some(mut dispatcher) = world.get_mut::<Dispatcher>(entity) else {
        return;
    };
    let kicks = std::mem::take(&mut dispatcher.kicks);
    let relabelled = std::mem::take(&mut dispatcher.label_changed);
    let ending = dispatcher.ending.take();
    let labelled = world.get::<Match>(entity).zip(world.get::<Label>(entity));
    if relabelled && let Some((found, label)) = labelled {
        let (order, label) = (found.order, label.0.clone());
        world.resource_mut::<MatchIndex>().relabel(order, label);
    }
    for session in kicks {
        kick(world, entity, session);
    }
    match ending {
        None => {}
        Some(Ending::Over) => stop(world, entity),
        Some(Ending::Failed(failure)) => fail(world, entity, &failure),
    }
}

fn kick(world: &mut World, entity: Entity, session: SessionId) {
    let Some(id) = world.get::<Match>(entity).map(|found| found.id) else {
        return;
    };
    let participants = world.get::<Participants>(entity);
    let Some(user) = participants
        .and_then(|participants| {
            participants
                .as_slice()
                .iter()
                .find(|who| who.session_id == session)
        })
        .map(|who| who.user_id)
    else {
        return;
    };
    let Some(found) = world.resource::<SessionIndex>().with_id(session) else {
        return;
    };
    if let Some(presence) = stream::find(world, found, user, &StreamId::of_match(id)) {
        stream::untrack(world, presence, PresenceReason::Leave);
    }
}

/// Ends a match whose rules failed: its players are told, and keep their connections.
fn fail(world: &mut World, entity: Entity, failure: &str) {
    let Some(Match { id, kind, .. }) = world.get::<Match>(entity).copied() else {
        return;
    };
    warn!(match_id = %id, kind, failure, "a match ended because its rules failed");
    let stream = StreamId::of_match(id);
    let leaves = stream::members(world, &stream)
        .iter()
        .map(PresenceView::of)
        .collect();
    let to = stream::entity_of(world, &stream).and_then(|stream| stream::recipients(world, stream));
    let to = to.unwrap_or_else(|| Recipients::Many([].into()));
    let mut outbox = world.resource_mut::<Outbox>();
    let error = RequestError::new(ErrorCode::RuntimeException, FAILED_TEXT);
    outbox.send(to.clone(), Event::Error(error));
    outbox.send(
        to,
        Event::MatchPresence {
            match_id: id,
            joins: Vec::new(),
            leaves,
        },
    );
    stop(world, entity);
}

/// Ends a match without a word.
pub(super) fn stop(world: &mut World, entity: Entity) {
    flush(world, entity);
    data::ask_for_match(world, entity);
    let Some(Match { id, .. }) = world.get::<Match>(entity).copied() else {
        return;
    };
    super::admission::refuse_all(world, entity);
    // From here on it is not found any more.
    world.entity_mut(entity).remove::<Match>();
    stream::close(world, &StreamId::of_match(id));
    world.despawn(entity);
}
