//! What clients ask about matches.

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::prelude::*;
use bytes::Bytes;
use uuid::Uuid;

use super::{
    Inbox, JoinAttempt, Label, Match, Message, Participants,
    admission::Knocking,
    components::{Knock, Knocks},
    index::MatchIndex,
};
use crate::{
    clock::Now,
    delivery::{Delivery, delivery_of},
    id::{MatchId, SessionId, Slot, UserPresence},
    inbound::Permit,
    limits::{JOIN_METADATA_BYTES_MAX, JOIN_METADATA_ENTRIES_MAX, Limits},
    outbound::{
        ErrorCode, Event, MatchDataEvent, MatchText, Outbox, Recipients, Reply, RequestError,
    },
    request::{MatchTarget, Request, Spelled},
    requests::{Asker, Handled},
    session::Session,
    stream::{
        self, Presence, PresenceMeta, PresenceReason, SessionPresences, StreamId, Tracked, mode,
    },
};

/// Data that a client sends to a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchData {
    /// Which match.
    pub match_id: MatchText,
    /// What kind of data it is; the game's own affair.
    pub op_code: i64,
    /// The data.
    pub data: Bytes,
    /// Who is to receive it, in a relayed match; nobody in particular means everybody else.
    pub to: Vec<SessionId>,
    /// Whether any recipient was named at all; names that cannot be read are left out of `to`.
    pub addressed: bool,
    /// Whether its sender says that it must arrive. Most clients of relayed matches never say so and rely
    /// on it all the same.
    pub reliable: bool,
    /// Whether it came in a datagram; then it may go on in one.
    pub datagram: bool,
}

/// The answer to creating or joining a match.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchInfo {
    /// Which match, as the client wrote it.
    pub match_id: MatchText,
    /// Whether the server runs its rules.
    pub authoritative: bool,
    /// Its label, if the server runs it.
    pub label: Option<Arc<str>>,
    /// How many are in it; not always counting the one who asked.
    pub size: usize,
    /// Who is in it.
    pub presences: Vec<UserPresence>,
    /// The one who asked.
    pub me: UserPresence,
    /// How the match delivers its op codes; the others are reliable.
    pub deliveries: &'static [(i64, Delivery)],
}

/// Makes a relayed match, or joins the one with that name.
pub(super) fn create(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::MatchCreate { name } = request else {
        return Handled::Silent;
    };
    let uuid = if name.is_empty() {
        Uuid::new_v4()
    } else {
        Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes())
    };
    let id = MatchId::relayed(uuid);
    let stream = StreamId::of_match(id);
    if let Err(error) = check_room(world, asker, &stream) {
        return Handled::refuse(error);
    }
    let tracked = stream::track(
        world,
        asker.session,
        asker.who.user_id,
        &stream,
        PresenceMeta::default(),
    );
    let mut info = relayed_info(world, asker, MatchText::Canonical(id), &stream, tracked);
    // Here the size counts the one who asked, unlike in the answer to joining.
    info.size = stream::roster_len(world, &stream);
    Handled::Reply(Reply::Match(Box::new(info)))
}

/// Joins a match of either kind.
pub(super) fn join(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::MatchJoin { target, metadata } = request else {
        return Handled::Silent;
    };
    let (Spelled { id, text }, must_exist) = match target {
        MatchTarget::Id(spelled) => (spelled, true),
        MatchTarget::Token(spelled) => (spelled, false),
    };
    let stream = StreamId::of_match(id);
    let single = world.resource::<Limits>().single_match;
    let room = if single {
        Ok(())
    } else {
        check_room(world, asker, &stream)
    };
    if let Err(error) = room.and_then(|()| check_metadata(&metadata)) {
        return Handled::refuse(error);
    }
    if id.is_authoritative() {
        return knock(world, asker, id, text, metadata);
    }
    if must_exist && stream::roster_len(world, &stream) == 0 {
        return Handled::refuse(not_found());
    }
    let tracked = stream::track(
        world,
        asker.session,
        asker.who.user_id,
        &stream,
        PresenceMeta::default(),
    );
    if tracked == Tracked::New {
        leave_others_if_single(world, asker.session, &stream);
    }
    let info = relayed_info(
        world,
        asker,
        MatchText::Spelled(Spelled { id, text }),
        &stream,
        tracked,
    );
    Handled::Reply(Reply::Match(Box::new(info)))
}

/// Takes a session that has joined a match out of the others, if one is all it may be in.
pub(super) fn leave_others_if_single(world: &mut World, session: Entity, joined: &StreamId) {
    if world.resource::<Limits>().single_match {
        let modes = [mode::MATCH_RELAYED, mode::MATCH_AUTHORITATIVE];
        stream::untrack_others(world, session, &modes, joined);
    }
}

/// Leaves a match of either kind.
pub(super) fn leave(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::MatchLeave { match_id } = request else {
        return Handled::Silent;
    };
    if let Some(presence) = stream::find(
        world,
        asker.session,
        asker.who.user_id,
        &StreamId::of_match(match_id),
    ) {
        stream::untrack(world, presence, PresenceReason::Leave);
    }
    Handled::Reply(Reply::Done)
}

/// Puts data before the rules, or passes it on. What is not from a member is dropped.
pub(crate) fn receive_data(world: &mut World, asker: &Asker, data: MatchData, permit: Permit) {
    let id = data.match_id.id();
    let stream = StreamId::of_match(id);
    if stream::find(world, asker.session, asker.who.user_id, &stream).is_none() {
        return;
    }
    if !id.is_authoritative() {
        relay(world, asker, &stream, data);
        return;
    }
    let received_ms = world.resource::<Now>().unix_ms;
    let Some(entity) = world
        .resource::<MatchIndex>()
        .find(id)
        .map(|entry| entry.entity)
    else {
        return;
    };
    let delivery = world
        .get::<Match>(entity)
        .map_or(Delivery::Reliable, |found| {
            delivery_of(found.deliveries, data.op_code)
        });
    if let Some(mut inbox) = world.get_mut::<Inbox>(entity) {
        let MatchData {
            op_code,
            data,
            reliable,
            ..
        } = data;
        let message = Message {
            sender: asker.who.clone(),
            op_code,
            data,
            reliable,
            received_ms,
        };
        inbox.push(message, permit, delivery);
    }
}

fn relay(world: &mut World, asker: &Asker, stream: &StreamId, data: MatchData) {
    let members = stream::members(world, stream);
    let wanted = |presence: &&Presence| {
        let session = presence.who.session_id;
        if data.addressed {
            data.to.contains(&session)
        } else {
            session != asker.who.session_id
        }
    };
    let slots: Arc<[Slot]> = members
        .iter()
        .filter(wanted)
        .map(|presence| presence.slot)
        .collect();
    let event = MatchDataEvent {
        match_id: data.match_id,
        sender: Some(asker.who.clone()),
        op_code: data.op_code,
        data: data.data,
        reliable: data.reliable,
        delivery: if data.datagram {
            Delivery::Unreliable
        } else {
            Delivery::Reliable
        },
    };
    world
        .resource_mut::<Outbox>()
        .send(Recipients::Many(slots), Event::MatchData(event));
}

/// Asks the rules of a match to let somebody in. The answer comes later.
fn knock(
    world: &mut World,
    asker: &Asker,
    id: MatchId,
    spelled: Arc<str>,
    metadata: BTreeMap<String, String>,
) -> Handled {
    let Some(entity) = world
        .resource::<MatchIndex>()
        .find(id)
        .map(|entry| entry.entity)
    else {
        return Handled::refuse(not_found());
    };
    if let Some(info) = info_for_participant(world, entity, asker, &spelled) {
        return Handled::Reply(Reply::Match(Box::new(info)));
    }
    let Some(vars) = world
        .get::<Session>(asker.session)
        .map(|session| session.vars.clone())
    else {
        return Handled::Silent;
    };
    let knocks_max = world.resource::<Limits>().join_attempts_per_match_max;
    let Some(mut knocks) = world.get_mut::<Knocks>(entity) else {
        return Handled::refuse(not_found());
    };
    if knocks.0.len() >= knocks_max {
        let text = "Match is not currently accepting join requests";
        return Handled::refuse(RequestError::new(ErrorCode::MatchJoinRejected, text));
    }
    let attempt = JoinAttempt {
        presence: asker.who.clone(),
        metadata,
        vars,
    };
    knocks.0.push_back(Knock {
        session: asker.session,
        spelled,
        attempt,
    });
    if knocks.0.len() == 1 {
        world.resource_mut::<Knocking>().0.push(entity);
    }
    Handled::Later
}

/// The answer for somebody who is in the match already; the rules are not asked again.
fn info_for_participant(
    world: &World,
    entity: Entity,
    asker: &Asker,
    spelled: &Arc<str>,
) -> Option<MatchInfo> {
    let participants = world.get::<Participants>(entity)?;
    participants.position(asker.who.session_id)?;
    // Whoever has just left is on the list until the rules have heard of it, and asks anew.
    let Match { id, deliveries, .. } = *world.get::<Match>(entity)?;
    stream::find(
        world,
        asker.session,
        asker.who.user_id,
        &StreamId::of_match(id),
    )?;
    let presences = participants.as_slice().to_vec();
    Some(MatchInfo {
        match_id: MatchText::Spelled(Spelled {
            id,
            text: spelled.clone(),
        }),
        authoritative: true,
        label: world.get::<Label>(entity).map(|label| label.0.clone()),
        size: presences.len(),
        presences,
        me: asker.who.clone(),
        deliveries,
    })
}

fn relayed_info(
    world: &World,
    asker: &Asker,
    match_id: MatchText,
    stream: &StreamId,
    tracked: Tracked,
) -> MatchInfo {
    let members = stream::members(world, stream);
    let visible = members
        .into_iter()
        .filter(|presence| !presence.meta.hidden)
        .map(|presence| presence.who);
    let presences: Vec<UserPresence> = visible
        .filter(|who| tracked == Tracked::Existing || *who != asker.who)
        .collect();
    MatchInfo {
        match_id,
        authoritative: false,
        label: None,
        size: presences.len(),
        presences,
        me: asker.who.clone(),
        deliveries: &[],
    }
}

fn check_room(world: &World, asker: &Asker, stream: &StreamId) -> Result<(), RequestError> {
    if stream::find(world, asker.session, asker.who.user_id, stream).is_some() {
        return Ok(());
    }
    let presences = world
        .get::<SessionPresences>(asker.session)
        .map_or(&[][..], SessionPresences::as_slice);
    let streams = presences
        .iter()
        .filter_map(|presence| stream::stream_of(world, *presence));
    let matches = streams
        .filter(|id| matches!(id.mode, mode::MATCH_RELAYED | mode::MATCH_AUTHORITATIVE))
        .count();
    if matches < world.resource::<Limits>().matches_per_session_max {
        return Ok(());
    }
    Err(RequestError::bad_input("Too many matches joined"))
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), RequestError> {
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if metadata.len() <= JOIN_METADATA_ENTRIES_MAX && bytes <= JOIN_METADATA_BYTES_MAX {
        return Ok(());
    }
    Err(RequestError::bad_input(
        "Match join metadata too large, must be at most 32 entries and 1024 bytes",
    ))
}

fn not_found() -> RequestError {
    RequestError::new(ErrorCode::MatchNotFound, "Match not found")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        GameApp, MatchError, MatchFunctions, MatchInit, MatchKind, MatchParams, stage::Stage,
    };

    #[derive(Component)]
    struct Duel;

    impl MatchKind for Duel {
        const NAME: &'static str = "duel";

        fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
            Ok(MatchInit::new(Self))
        }
    }

    fn join_request(match_id: MatchId) -> Request {
        Request::MatchJoin {
            target: MatchTarget::Token(Spelled {
                id: match_id,
                text: match_id.to_string().into(),
            }),
            metadata: BTreeMap::new(),
        }
    }

    #[test]
    fn a_session_that_joins_a_match_leaves_the_others_if_so_configured() {
        let mut stage = Stage::with(Limits {
            single_match: true,
            matches_per_session_max: 2,
            ..Limits::default()
        });
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let [one, two] = [1, 2].map(|number| MatchId::relayed(Uuid::from_u128(number)));
        stage.reply(&bob, join_request(one));
        for _ in 0..2 {
            let create = Request::MatchCreate {
                name: String::new(),
            };
            stage.reply(&alice, create);
        }
        stage.reply(&alice, join_request(one));
        stage.clear();
        stage.reply(&alice, join_request(one));
        assert_eq!(stage.heard(&bob), [""; 0], "joining again changes nothing");
        stage.reply(&alice, join_request(two));
        assert_eq!(stage.heard(&bob), ["match -alice"]);
        stage.app.add_match::<Duel>();
        let duel = stage
            .world()
            .match_create("duel", &MatchParams::default())
            .unwrap();
        stage.reply(&bob, join_request(two));
        stage.clear();
        assert_eq!(stage.reply(&alice, join_request(duel)), "match");
        assert_eq!(stage.heard(&bob), ["match -alice"], "of either kind");
        stage.reply(&alice, join_request(two));
        let size = stage.world().match_get(duel).unwrap().size;
        assert_eq!(size, 0, "its rules learn of it");
    }
}
