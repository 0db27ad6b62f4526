//! Who comes in and who has left.

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::prelude::*;

use super::{
    Leave, Match, MatchInfo, Participants,
    callbacks::{call, conclude, settle_one},
    components::{Knock, Knocks, Label, Occasion, Turn},
    index::MatchIndex,
    requests::leave_others_if_single,
};
use crate::{
    id::{MatchId, UserPresence},
    outbound::{ErrorCode, MatchText, Reply, RequestError},
    request::Spelled,
    requests,
    schedule::{MatchJoin, MatchJoinAttempt, MatchLeave},
    session::Session,
    stream::{self, PresenceMeta, PresenceReason, StreamId},
};

/// Somebody who wants to join.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinAttempt {
    /// Who it is.
    pub presence: UserPresence,
    /// What they send along.
    pub metadata: BTreeMap<String, String>,
    /// The variables of their session.
    pub vars: Arc<BTreeMap<String, String>>,
}

/// Who left matches and has not been taken off their lists yet.
#[derive(Resource, Default, Debug)]
pub(crate) struct Departures(Vec<(MatchId, Leave)>);

impl Departures {
    pub(crate) fn push(&mut self, id: MatchId, presence: UserPresence, reason: PresenceReason) {
        self.0.push((id, Leave { presence, reason }));
    }
}

/// Matches that somebody wants to join.
#[derive(Resource, Default, Debug)]
pub(crate) struct Knocking(pub(crate) Vec<Entity>);

/// Matches whose rules decided something that the engine has to carry out.
#[derive(Resource, Default, Debug)]
pub(crate) struct Unsettled(pub(crate) Vec<Entity>);

/// Rounds of leaving and joining in one go; what is left waits for the next pass. Rules that kick
/// whoever joins and let in whoever was kicked could go on for ever.
const ROUNDS_MAX: usize = 64;

/// Lets players in and out until nothing is left to do.
pub(super) fn admit(world: &mut World) {
    for _ in 0..ROUNDS_MAX {
        let settled = settle_decisions(world);
        let left = see_off(world);
        let joined = answer_knocks(world);
        let resumed = requests::resume_sessions(world);
        if !(settled || left || joined || resumed) {
            return;
        }
    }
}

fn settle_decisions(world: &mut World) -> bool {
    let unsettled = std::mem::take(&mut world.resource_mut::<Unsettled>().0);
    for entity in &unsettled {
        settle_one(world, *entity);
    }
    !unsettled.is_empty()
}

/// Takes those who left off the lists of their matches, and tells the rules.
fn see_off(world: &mut World) -> bool {
    let departures = std::mem::take(&mut world.resource_mut::<Departures>().0);
    if departures.is_empty() {
        return false;
    }
    let mut called: Vec<Entity> = Vec::new();
    for (id, leave) in departures {
        let Some(entity) = world
            .resource::<MatchIndex>()
            .find(id)
            .map(|entry| entry.entity)
        else {
            continue;
        };
        let Some(mut participants) = world.get_mut::<Participants>(entity) else {
            continue;
        };
        // A session that was put on the stream by a function is no participant.
        if !participants.remove(leave.presence.session_id) {
            continue;
        }
        let Some(mut turn) = world.get_mut::<Turn>(entity) else {
            continue;
        };
        match turn.0.as_deref_mut() {
            Some(Occasion::Leave(leaves)) => leaves.push(leave),
            _ => {
                turn.0 = Some(Box::new(Occasion::Leave(vec![leave])));
                called.push(entity);
            }
        }
    }
    call(world, MatchLeave, called.clone());
    for entity in called {
        conclude(world, entity);
    }
    true
}

/// Puts one player of every match that somebody wants to join before its rules.
///
/// One at a time: the rules have let one in before they decide about the next, so that two do not get
/// the last seat.
fn answer_knocks(world: &mut World) -> bool {
    let knocking = std::mem::take(&mut world.resource_mut::<Knocking>().0);
    if knocking.is_empty() {
        return false;
    }
    let mut asked: Vec<(Entity, Knock)> = Vec::new();
    for entity in knocking {
        let Some(knock) = next_knock(world, entity) else {
            continue;
        };
        if let Some(mut turn) = world.get_mut::<Turn>(entity) {
            turn.0 = Some(Box::new(Occasion::JoinAttempt {
                attempt: knock.attempt.clone(),
                refusal: None,
            }));
            asked.push((entity, knock));
        }
    }
    let called = asked.iter().map(|(entity, _)| *entity).collect();
    let ran = call(world, MatchJoinAttempt, called);
    let mut joined = Vec::new();
    for (entity, knock) in asked {
        let verdict = conclude(world, entity).filter(|_| ran);
        if decide(world, entity, &knock, verdict) {
            joined.push((entity, knock.attempt.presence));
        }
        if world
            .get::<Knocks>(entity)
            .is_some_and(|knocks| !knocks.0.is_empty())
        {
            world.resource_mut::<Knocking>().0.push(entity);
        }
    }
    welcome(world, joined);
    true
}

/// Tells the rules who is in. Hooks that ran when players were answered may have changed the matches.
fn welcome(world: &mut World, joined: Vec<(Entity, UserPresence)>) {
    let mut called = Vec::new();
    for (entity, who) in joined {
        if let Some(mut turn) = world.get_mut::<Turn>(entity) {
            turn.0 = Some(Box::new(Occasion::Join(vec![who])));
            called.push(entity);
        }
    }
    call(world, MatchJoin, called.clone());
    for entity in called {
        conclude(world, entity);
    }
}

/// The next player who is still connected.
fn next_knock(world: &mut World, entity: Entity) -> Option<Knock> {
    loop {
        let knock = world.get_mut::<Knocks>(entity)?.0.pop_front()?;
        if world.get::<Session>(knock.session).is_some() {
            return Some(knock);
        }
    }
}

/// Lets a player in or sends them away. Returns whether they are in.
fn decide(world: &mut World, entity: Entity, knock: &Knock, verdict: Option<Occasion>) -> bool {
    let Some(Occasion::JoinAttempt { refusal, .. }) = verdict else {
        refuse(world, knock, "");
        return false;
    };
    if let Some(refusal) = refusal {
        refuse(world, knock, &refusal.reason);
        return false;
    }
    let Some((Match { id, deliveries, .. }, label)) = world
        .get::<Match>(entity)
        .copied()
        .zip(world.get::<Label>(entity).cloned())
    else {
        refuse(world, knock, "");
        return false;
    };
    let Some(slot) = world
        .get::<Session>(knock.session)
        .map(|session| session.slot)
    else {
        return false;
    };
    let who = knock.attempt.presence.clone();
    let Some(mut participants) = world.get_mut::<Participants>(entity) else {
        return false;
    };
    let others = participants.as_slice().to_vec();
    participants.add(who.clone(), slot);
    let stream = StreamId::of_match(id);
    stream::track(
        world,
        knock.session,
        who.user_id,
        &stream,
        PresenceMeta::default(),
    );
    leave_others_if_single(world, knock.session, &stream);
    let info = MatchInfo {
        match_id: MatchText::Spelled(Spelled {
            id,
            text: knock.spelled.clone(),
        }),
        authoritative: true,
        label: Some(label.0),
        size: others.len(),
        presences: others,
        me: who,
        deliveries,
    };
    requests::answer(world, knock.session, Reply::Match(Box::new(info)));
    true
}

fn refuse(world: &mut World, knock: &Knock, reason: &str) {
    let reason = if reason.is_empty() {
        "Match join rejected"
    } else {
        reason
    };
    let error = RequestError::new(ErrorCode::MatchJoinRejected, reason);
    requests::answer(world, knock.session, Reply::Error(error));
}

/// Sends everybody away who waits for a match that is over.
pub(super) fn refuse_all(world: &mut World, entity: Entity) {
    let knocks = world
        .get_mut::<Knocks>(entity)
        .map(|mut knocks| std::mem::take(&mut knocks.0))
        .unwrap_or_default();
    for knock in knocks {
        refuse(world, &knock, "");
    }
}
