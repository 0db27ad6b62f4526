//! What clients ask about parties.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::{
    Party, PartyIndex, PartyMembers, changed, check_leader,
    components::{Active, JoinRequests, PartyTerms},
    label::check_label,
    roster::{info, member_joined},
};
use crate::{
    clock::Now,
    id::{PartyId, Slot, UserPresence},
    limits::Limits,
    outbound::{Event, Outbox, Recipients, Reply, RequestError},
    request::Request,
    requests::{Asker, Handled},
    schedule::Node,
    session::Session,
    stream::{self, PresenceMeta, PresenceReason, SessionPresences, StreamId, mode},
};

/// Members in the largest party.
const SIZE_MAX: usize = 256;

const CREATE: &str = "Error creating party";
const JOIN: &str = "Error joining party";
const SEND_DATA: &str = "Error sending party data";

/// Makes a party whose only member and leader is the one who asks.
pub(super) fn create(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyCreate {
        open,
        max_size,
        label,
        hidden,
    } = request
    else {
        return Handled::Silent;
    };
    let terms = PartyTerms {
        open,
        hidden,
        label: label.into(),
    };
    handled(found_party(world, asker, max_size, terms))
}

fn found_party(
    world: &mut World,
    asker: &Asker,
    max_size: i32,
    terms: PartyTerms,
) -> Result<Reply, RequestError> {
    let size_max = usize::try_from(max_size)
        .ok()
        .filter(|size| (1..=SIZE_MAX).contains(size))
        .ok_or_else(|| RequestError::bad_input("Invalid party max size, must be 1-256"))?;
    check_label(&terms.label).map_err(|problem| refusal(CREATE, problem))?;
    check_room(world, asker.session).map_err(|problem| refusal(CREATE, problem))?;
    let id = PartyId {
        uuid: Uuid::new_v4(),
        node: world.resource::<Node>().0,
    };
    let party = Party {
        id,
        size_max,
        order: world.resource_mut::<PartyIndex>().next_order(),
        created_ms: world.resource::<Now>().unix_ms,
    };
    let entity = world
        .spawn((
            party,
            terms,
            PartyMembers::led_by(asker.who.clone()),
            JoinRequests::default(),
            Active(true),
        ))
        .id();
    let_in(world, asker.session, &asker.who, id);
    info(world, entity, asker.who.clone())
        .map(|info| Reply::Party(Box::new(info)))
        .ok_or_else(|| refusal(CREATE, "party closed"))
}

/// Joins an open party, or asks the leader of a closed one.
pub(super) fn join(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyJoin { party } = request else {
        return Handled::Silent;
    };
    handled(join_or_ask(world, asker, party.id).map_err(|problem| refusal(JOIN, problem)))
}

fn join_or_ask(world: &mut World, asker: &Asker, id: PartyId) -> Result<Reply, &'static str> {
    let entity = find(world, id)?;
    // Full is full, even for those who are in it.
    if is_full(world, entity) {
        return Err("party full");
    }
    let member = world
        .get::<PartyMembers>(entity)
        .is_some_and(|members| members.contains(&asker.who));
    if !world
        .get::<PartyTerms>(entity)
        .is_some_and(|terms| terms.open)
    {
        ask_leader(world, asker, entity, member)?;
        return Ok(Reply::Done);
    }
    if !member {
        check_room(world, asker.session)?;
    }
    let_in(world, asker.session, &asker.who, id);
    Ok(Reply::Done)
}

fn ask_leader(
    world: &mut World,
    asker: &Asker,
    entity: Entity,
    member: bool,
) -> Result<(), &'static str> {
    let party = world.get::<Party>(entity).copied().ok_or("party closed")?;
    let mut requests = world
        .get_mut::<JoinRequests>(entity)
        .ok_or("party closed")?;
    if requests.0.len() >= party.size_max {
        return Err("party join requests full");
    }
    if requests
        .0
        .iter()
        .any(|who| who.user_id == asker.who.user_id)
    {
        return Err("party join request duplicate");
    }
    if member {
        return Err("party join request already member");
    }
    requests.0.push(asker.who.clone());
    let leader = world.get::<PartyMembers>(entity).and_then(|members| {
        let leads = |member: &&super::PartyMember| member.who == members.leader;
        members.as_slice().iter().find(leads)
    });
    if let Some(slot) = leader.map(|leader| leader.slot) {
        let event = Event::PartyJoinRequest {
            party_id: party.id,
            presence: asker.who.clone(),
        };
        world
            .resource_mut::<Outbox>()
            .send(Recipients::One(slot), event);
    }
    Ok(())
}

/// Leaves a party. It succeeds whatever there is to leave.
pub(super) fn leave(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyLeave { party } = request else {
        return Handled::Silent;
    };
    let stream = StreamId::of_party(party.id);
    if let Some(presence) = stream::find(world, asker.session, asker.who.user_id, &stream) {
        stream::untrack(world, presence, PresenceReason::Leave);
    }
    Handled::Reply(Reply::Done)
}

/// Passes data on to every other member.
pub(super) fn send_data(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyDataSend {
        party,
        op_code,
        data,
    } = request
    else {
        return Handled::Silent;
    };
    let others = find(world, party.id).and_then(|entity| others(world, entity, &asker.who));
    let others = match others {
        Ok(others) => others,
        Err(problem) => return Handled::refuse(refusal(SEND_DATA, problem)),
    };
    let event = Event::PartyData {
        party_id: party.id,
        presence: asker.who.clone(),
        op_code,
        data,
    };
    world
        .resource_mut::<Outbox>()
        .send(Recipients::Many(others), event);
    Handled::Reply(Reply::Done)
}

/// Where the members of a party are, except `who`, who must be one of them.
fn others(world: &World, entity: Entity, who: &UserPresence) -> Result<Arc<[Slot]>, &'static str> {
    let members = world.get::<PartyMembers>(entity).ok_or("party closed")?;
    if !members.contains(who) {
        return Err("party member not found");
    }
    let others = members
        .as_slice()
        .iter()
        .filter(|member| member.who != *who);
    Ok(others.map(|member| member.slot).collect())
}

pub(super) fn handled(result: Result<Reply, RequestError>) -> Handled {
    Handled::Reply(result.unwrap_or_else(Reply::Error))
}

pub(super) fn refusal(prefix: &str, problem: impl std::fmt::Display) -> RequestError {
    RequestError::bad_input(format!("{prefix}: {problem}"))
}

/// The party with this id, which is in use.
fn find(world: &mut World, id: PartyId) -> Result<Entity, &'static str> {
    let found = world.resource::<PartyIndex>().find(id);
    let entity = found.ok_or("party not found")?;
    if let Some(mut active) = world.get_mut::<Active>(entity) {
        active.0 = true;
    }
    Ok(entity)
}

/// The same, for whoever leads it.
pub(super) fn find_led(
    world: &mut World,
    asker: &Asker,
    id: PartyId,
    prefix: &str,
) -> Result<Entity, RequestError> {
    let entity = find(world, id).map_err(|problem| refusal(prefix, problem))?;
    check_leader(world, asker, id, prefix)?;
    Ok(entity)
}

pub(super) fn is_full(world: &World, entity: Entity) -> bool {
    let party = world.get::<Party>(entity);
    let members = world.get::<PartyMembers>(entity);
    party
        .zip(members)
        .is_some_and(|(party, members)| members.as_slice().len() >= party.size_max)
}

/// Whether a session may be in one more party.
pub(super) fn check_room(world: &World, session: Entity) -> Result<(), &'static str> {
    let limits = world.resource::<Limits>();
    let presences = world
        .get::<SessionPresences>(session)
        .map_or(&[][..], SessionPresences::as_slice);
    let streams = presences
        .iter()
        .filter_map(|presence| stream::stream_of(world, *presence));
    let parties = streams.filter(|id| id.mode == mode::PARTY).count();
    if limits.single_party || parties < limits.parties_per_session_max {
        return Ok(());
    }
    Err("too many parties joined")
}

/// Puts a session on the stream of a party, which makes it a member.
pub(super) fn let_in(world: &mut World, session: Entity, who: &UserPresence, id: PartyId) {
    let is_in = |world: &World| {
        super::members(world, id).is_some_and(|members| members.iter().any(|one| one.who == *who))
    };
    if is_in(world) {
        changed(&mut world.into(), id);
        return;
    }
    let stream = StreamId::of_party(id);
    stream::track(
        world,
        session,
        who.user_id,
        &stream,
        PresenceMeta::default(),
    );
    // Whoever was on the stream already, hidden or when there was no room, is a member only now.
    if let Some(slot) = world.get::<Session>(session).map(|session| session.slot) {
        member_joined(&mut world.into(), id, who, slot);
    }
    if world.resource::<Limits>().single_party {
        stream::untrack_others(world, session, &[mode::PARTY], &stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        party::WatchParties,
        request::Spelled,
        stage::{Peer, Stage},
    };

    const LABEL: &str = r#"{"mode":"duel"}"#;

    fn create_request(open: bool, max_size: i32) -> Request {
        Request::PartyCreate {
            open,
            max_size,
            label: String::new(),
            hidden: false,
        }
    }

    /// The newest party.
    fn newest(stage: &mut Stage) -> Spelled<PartyId> {
        let world = stage.world();
        let entity = world.resource::<PartyIndex>().entities().last().unwrap();
        let id = world.get::<Party>(entity).unwrap().id;
        Spelled {
            id,
            text: id.to_string().into(),
        }
    }

    fn make(stage: &mut Stage, leader: &Peer, open: bool, max_size: i32) -> Spelled<PartyId> {
        let reply = stage.reply(leader, create_request(open, max_size));
        assert!(reply.starts_with("party of"), "{reply}");
        newest(stage)
    }

    fn join_request(party: &Spelled<PartyId>) -> Request {
        Request::PartyJoin {
            party: party.clone(),
        }
    }

    fn leave_request(party: &Spelled<PartyId>) -> Request {
        Request::PartyLeave {
            party: party.clone(),
        }
    }

    fn data(party: &Spelled<PartyId>) -> Request {
        Request::PartyDataSend {
            party: party.clone(),
            op_code: 7,
            data: "go".into(),
        }
    }

    #[test]
    fn whoever_makes_a_party_leads_it() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let request = Request::PartyCreate {
            open: true,
            max_size: 4,
            label: LABEL.to_owned(),
            hidden: true,
        };
        assert_eq!(
            stage.ask(&alice, request),
            [
                r#"reply: party of alice led by alice, I am alice; max 4, open true, hidden true, "{\"mode\":\"duel\"}""#,
                "party +alice"
            ]
        );
    }

    #[test]
    fn parties_hold_1_to_256_and_have_labels() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        for size in [0, -1, 257, i32::MIN, i32::MAX] {
            let reply = stage.reply(&alice, create_request(true, size));
            assert_eq!(reply, "3 Invalid party max size, must be 1-256");
        }
        for (label, problem) in [
            ("x".repeat(2049), "party label too long"),
            (
                "{".to_owned(),
                "failed to unmarshal party label: unexpected end of JSON input",
            ),
        ] {
            let request = Request::PartyCreate {
                open: true,
                max_size: 256,
                label,
                hidden: false,
            };
            let reply = stage.reply(&alice, request);
            assert_eq!(reply, format!("3 Error creating party: {problem}"));
        }
        stage.reply(&alice, create_request(true, 256));
        stage.reply(&alice, create_request(true, 1));
        assert_eq!(stage.world().resource::<PartyIndex>().entities().count(), 2);
    }

    #[test]
    fn whoever_joins_sees_the_party_before_anybody_hears_of_it() {
        let mut stage = Stage::new();
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let party = make(&mut stage, &alice, true, 4);
        stage.heard(&alice);
        assert_eq!(
            stage.ask(&bob, join_request(&party)),
            [
                r#"party of alice bob led by alice, I am bob; max 4, open true, hidden false, """#,
                "reply: ok",
                "party +bob"
            ]
        );
        assert_eq!(stage.heard(&alice), ["party +bob"]);
        assert_eq!(
            stage.ask(&bob, join_request(&party)),
            ["reply: ok"],
            "once is enough"
        );
    }

    #[test]
    fn a_full_party_is_full_even_for_its_members() {
        let mut stage = Stage::new();
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let party = make(&mut stage, &alice, true, 1);
        for peer in [&alice, &bob] {
            let reply = stage.reply(peer, join_request(&party));
            assert_eq!(reply, "3 Error joining party: party full");
        }
    }

    #[test]
    fn parties_that_are_not_here_are_not_found() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let mut party = make(&mut stage, &alice, true, 2);
        party.id.node = crate::NodeName::new("other").unwrap();
        let reply = stage.reply(&alice, join_request(&party));
        assert_eq!(reply, "3 Error joining party: party not found");
        let reply = stage.reply(&alice, data(&party));
        assert_eq!(reply, "3 Error sending party data: party not found");
        assert_eq!(stage.reply(&alice, leave_request(&party)), "ok");
    }

    #[test]
    fn a_closed_party_asks_its_leader() {
        let mut stage = Stage::new();
        let [alice, bob, carol, dave] =
            ["alice", "bob", "carol", "dave"].map(|name| stage.connect(name));
        let bob_too = stage.connect("bob");
        let party = make(&mut stage, &alice, false, 2);
        stage.clear();
        assert_eq!(stage.ask(&bob, join_request(&party)), ["reply: ok"]);
        assert_eq!(stage.heard(&alice), ["bob asks"]);
        for (peer, problem) in [
            (&bob, "party join request duplicate"),
            (&bob_too, "party join request duplicate"),
            (&alice, "party join request already member"),
        ] {
            let reply = stage.reply(peer, join_request(&party));
            assert_eq!(reply, format!("3 Error joining party: {problem}"));
        }
        assert_eq!(stage.reply(&carol, join_request(&party)), "ok");
        let reply = stage.reply(&dave, join_request(&party));
        assert_eq!(reply, "3 Error joining party: party join requests full");
    }

    #[test]
    fn the_longest_member_leads_when_the_leader_goes() {
        let mut stage = Stage::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| stage.connect(name));
        let party = make(&mut stage, &alice, true, 4);
        stage.reply(&bob, join_request(&party));
        stage.reply(&carol, join_request(&party));
        stage.clear();
        assert_eq!(
            stage.ask(&alice, leave_request(&party)),
            ["reply: ok"],
            "whoever leaves hears nothing"
        );
        assert_eq!(stage.heard(&carol), ["bob leads", "party -alice"]);
        stage.vanish(&bob);
        assert_eq!(stage.heard(&carol), ["carol leads", "party -bob"]);
        assert_eq!(
            stage.ask(&alice, leave_request(&party)),
            ["reply: ok"],
            "twice is fine"
        );
        stage.reply(&carol, leave_request(&party));
        let reply = stage.reply(&alice, join_request(&party));
        assert_eq!(
            reply, "3 Error joining party: party not found",
            "it ended with its last member"
        );
    }

    #[test]
    fn data_goes_to_all_other_members() {
        let mut stage = Stage::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| stage.connect(name));
        let party = make(&mut stage, &alice, true, 4);
        stage.reply(&bob, join_request(&party));
        stage.clear();
        assert_eq!(stage.ask(&alice, data(&party)), ["reply: ok"]);
        assert_eq!(stage.heard(&bob), ["alice sends 7 go"]);
        let reply = stage.reply(&carol, data(&party));
        assert_eq!(reply, "3 Error sending party data: party member not found");
        assert_eq!(stage.heard(&alice), [""; 0]);
    }

    #[test]
    fn a_session_is_in_so_many_parties_and_no_more() {
        let mut stage = Stage::with(Limits {
            parties_per_session_max: 1,
            ..Limits::default()
        });
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let first = make(&mut stage, &alice, true, 4);
        let reply = stage.reply(&alice, create_request(true, 4));
        assert_eq!(reply, "3 Error creating party: too many parties joined");
        make(&mut stage, &bob, true, 4);
        let reply = stage.reply(&bob, join_request(&first));
        assert_eq!(reply, "3 Error joining party: too many parties joined");
    }

    #[test]
    fn one_party_at_a_time_if_so_configured() {
        let mut stage = Stage::with(Limits {
            single_party: true,
            parties_per_session_max: 1,
            ..Limits::default()
        });
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let first = make(&mut stage, &alice, true, 4);
        stage.reply(&bob, join_request(&first));
        stage.clear();
        make(&mut stage, &alice, true, 4);
        assert_eq!(stage.heard(&bob), ["bob leads", "party -alice"]);
        stage.reply(&alice, join_request(&first));
        assert_eq!(stage.world().resource::<PartyIndex>().entities().count(), 1);
    }

    #[derive(Resource, Default)]
    struct Seen(u32);

    #[test]
    fn watchers_hear_of_every_change_at_once() {
        let mut stage = Stage::new();
        stage.app.init_resource::<Seen>();
        stage
            .app
            .watch_parties(|world, _| world.resource_mut::<Seen>().0 += 1);
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let party = make(&mut stage, &alice, true, 4);
        let news = |stage: &mut Stage| std::mem::take(&mut stage.world().resource_mut::<Seen>().0);
        assert_eq!(news(&mut stage), 1, "alice came");
        stage.reply(&bob, join_request(&party));
        assert_eq!(news(&mut stage), 1, "bob came");
        stage.reply(&bob, join_request(&party));
        assert_eq!(news(&mut stage), 1, "bob came again");
        stage.reply(&bob, leave_request(&party));
        assert_eq!(news(&mut stage), 1, "bob went");
        stage.reply(&bob, leave_request(&party));
        assert_eq!(news(&mut stage), 0, "nothing happened");
        stage.vanish(&alice);
        assert_eq!(news(&mut stage), 1, "the party ended");
    }
}
