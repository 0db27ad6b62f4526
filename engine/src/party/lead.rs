//! What only the leader of a party may do.

use bevy_ecs::prelude::*;

use super::{
    Party, PartyIndex, PartyMember, PartyMembers,
    components::{JoinRequests, PartyTerms},
    label::check_label,
    member_left,
    requests::{check_room, find_led, handled, is_full, let_in, refusal},
    roster::tell,
};
use crate::{
    id::PartyId,
    outbound::{Event, Outbox, Recipients, Reply, RequestError},
    request::{NamedPresence, Request, Spelled},
    requests::{Asker, Handled},
    session::SessionIndex,
    stream::{self, PresenceReason, StreamId},
};

const PROMOTE: &str = "Error promoting new party leader";
const ACCEPT: &str = "Error accepting party join request";
const REMOVE: &str = "Error removing party member or join request";
const CLOSE: &str = "Error closing party";
const LIST_REQUESTS: &str = "Error listing party join requests";
const UPDATE: &str = "Error updating party";

/// Lets another member lead.
pub(super) fn promote(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyPromote { party, presence } = request else {
        return Handled::Silent;
    };
    handled(promote_member(world, asker, party.id, &presence))
}

fn promote_member(
    world: &mut World,
    asker: &Asker,
    id: PartyId,
    named: &NamedPresence,
) -> Result<Reply, RequestError> {
    let entity = find_led(world, asker, id, PROMOTE)?;
    let member = member_named(world, entity, named);
    let PartyMember { who, .. } = member.ok_or_else(|| refusal(PROMOTE, NO_MEMBER))?;
    if let Some(mut members) = world.get_mut::<PartyMembers>(entity) {
        members.leader = who.clone();
    }
    let event = Event::PartyLeader {
        party_id: id,
        presence: who,
    };
    tell(&mut world.into(), id, event);
    Ok(Reply::Done)
}

/// Lets somebody in who asked.
pub(super) fn accept(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyAccept { party, presence } = request else {
        return Handled::Silent;
    };
    handled(accept_request(world, asker, party.id, &presence))
}

fn accept_request(
    world: &mut World,
    asker: &Asker,
    id: PartyId,
    named: &NamedPresence,
) -> Result<Reply, RequestError> {
    let entity = find_led(world, asker, id, ACCEPT)?;
    if is_full(world, entity) {
        return Err(refusal(ACCEPT, "party full"));
    }
    let who = take_request(world, entity, named)
        .ok_or_else(|| refusal(ACCEPT, "party join request not found"))?;
    let gone = || refusal(ACCEPT, "party could not accept request");
    let session = world.resource::<SessionIndex>().with_id(who.session_id);
    let session = session.ok_or_else(gone)?;
    check_room(world, session).map_err(|_| gone())?;
    let_in(world, session, &who, id);
    Ok(Reply::Done)
}

/// Sends a member away, or declines somebody who asked.
pub(super) fn remove(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyRemove { party, presence } = request else {
        return Handled::Silent;
    };
    handled(remove_named(world, asker, party.id, &presence))
}

fn remove_named(
    world: &mut World,
    asker: &Asker,
    id: PartyId,
    named: &NamedPresence,
) -> Result<Reply, RequestError> {
    let entity = find_led(world, asker, id, REMOVE)?;
    let me = &asker.who;
    if named.names(me.user_id, me.session_id, &me.username) {
        return Err(refusal(REMOVE, "party cannot remove self"));
    }
    if let Some(member) = member_named(world, entity, named) {
        remove_member(world, id, &member);
        return Ok(Reply::Done);
    }
    match take_request(world, entity, named) {
        Some(_) => Ok(Reply::Done),
        None => Err(refusal(REMOVE, NO_MEMBER)),
    }
}

fn remove_member(world: &mut World, id: PartyId, PartyMember { who, slot }: &PartyMember) {
    let session = world.resource::<SessionIndex>().with_id(who.session_id);
    let presence = session
        .and_then(|session| stream::find(world, session, who.user_id, &StreamId::of_party(id)));
    match presence {
        Some(presence) => stream::untrack(world, presence, PresenceReason::Leave),
        // The stream was closed and the party kept its list.
        None => {
            member_left(&mut world.into(), id, who);
            world.flush();
        }
    }
    world
        .resource_mut::<Outbox>()
        .send(Recipients::One(*slot), Event::PartyClose { party_id: id });
}

/// Ends a party. Nobody is told that anybody left.
pub(super) fn close(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyClose { party } = request else {
        return Handled::Silent;
    };
    let entity = match find_led(world, asker, party.id, CLOSE) {
        Ok(entity) => entity,
        Err(error) => return Handled::refuse(error),
    };
    let event = Event::PartyClose { party_id: party.id };
    tell(&mut world.into(), party.id, event);
    stream::close(world, &StreamId::of_party(party.id));
    world.despawn(entity);
    Handled::Reply(Reply::Done)
}

/// Lists who asked to be let in.
pub(super) fn list_requests(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyJoinRequestList {
        party: Spelled { id, text },
    } = request
    else {
        return Handled::Silent;
    };
    let presences = find_led(world, asker, id, LIST_REQUESTS).map(|entity| {
        let requests = world.get::<JoinRequests>(entity);
        requests
            .map(|requests| requests.0.clone())
            .unwrap_or_default()
    });
    handled(presences.map(|presences| Reply::PartyJoinRequests {
        party_id: text,
        presences,
    }))
}

/// Changes the terms of a party, all together.
pub(super) fn update(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::PartyUpdate {
        party,
        label,
        open,
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
    handled(change_terms(world, asker, party.id, terms))
}

fn change_terms(
    world: &mut World,
    asker: &Asker,
    id: PartyId,
    terms: PartyTerms,
) -> Result<Reply, RequestError> {
    if terms.hidden && !matches!(&*terms.label, "" | "{}") {
        let problem = "party is hidden and label is not empty, invalid operation";
        return Err(refusal(UPDATE, problem));
    }
    let entity = find_led(world, asker, id, UPDATE)?;
    check_label(&terms.label).map_err(|problem| refusal(UPDATE, problem))?;
    let event = Event::PartyUpdate {
        party_id: id,
        label: terms.label.clone(),
        open: terms.open,
        hidden: terms.hidden,
    };
    world.entity_mut(entity).insert(terms);
    if let Some(party) = world.get::<Party>(entity).copied() {
        world.resource_mut::<PartyIndex>().touch(&party);
    }
    tell(&mut world.into(), id, event);
    Ok(Reply::Done)
}

const NO_MEMBER: &str = "party member not found";

fn member_named(world: &World, entity: Entity, named: &NamedPresence) -> Option<PartyMember> {
    let mut members = world.get::<PartyMembers>(entity)?.as_slice().iter();
    let found = members
        .find(|PartyMember { who, .. }| named.names(who.user_id, who.session_id, &who.username));
    found.cloned()
}

/// Takes somebody off the list of those who asked.
fn take_request(
    world: &mut World,
    entity: Entity,
    named: &NamedPresence,
) -> Option<crate::id::UserPresence> {
    let mut requests = world.get_mut::<JoinRequests>(entity)?;
    let place = requests
        .0
        .iter()
        .position(|who| named.names(who.user_id, who.session_id, &who.username))?;
    Some(requests.0.remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        party::Party,
        stage::{Peer, Stage},
    };

    struct Scene {
        stage: Stage,
        alice: Peer,
        bob: Peer,
        carol: Peer,
        party: Spelled<PartyId>,
    }

    /// Alice leads a party; bob is in it if it is open, and has asked if it is not. Carol is connected.
    fn scene(open: bool, max_size: i32) -> Scene {
        let mut stage = Stage::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| stage.connect(name));
        let create = Request::PartyCreate {
            open,
            max_size,
            label: String::new(),
            hidden: false,
        };
        stage.reply(&alice, create);
        let world = stage.world();
        let entity = world.resource::<PartyIndex>().entities().next().unwrap();
        let id = world.get::<Party>(entity).unwrap().id;
        let party = Spelled {
            id,
            text: "as bob wrote it".into(),
        };
        stage.reply(
            &bob,
            Request::PartyJoin {
                party: party.clone(),
            },
        );
        stage.clear();
        Scene {
            stage,
            alice,
            bob,
            carol,
            party,
        }
    }

    impl Scene {
        fn promote(&self, who: &Peer) -> Request {
            Request::PartyPromote {
                party: self.party.clone(),
                presence: who.named(),
            }
        }

        fn accept(&self, who: &Peer) -> Request {
            Request::PartyAccept {
                party: self.party.clone(),
                presence: who.named(),
            }
        }

        fn remove(&self, who: &Peer) -> Request {
            Request::PartyRemove {
                party: self.party.clone(),
                presence: who.named(),
            }
        }

        fn update(&self, label: &str, open: bool, hidden: bool) -> Request {
            Request::PartyUpdate {
                party: self.party.clone(),
                label: label.to_owned(),
                open,
                hidden,
            }
        }

        fn close(&self) -> Request {
            Request::PartyClose {
                party: self.party.clone(),
            }
        }

        fn list(&self) -> Request {
            Request::PartyJoinRequestList {
                party: self.party.clone(),
            }
        }

        fn join(&self) -> Request {
            Request::PartyJoin {
                party: self.party.clone(),
            }
        }

        /// What `who` hears when asking, and what bob hears of it.
        fn run(&mut self, who: &Peer, request: Request) -> (Vec<String>, Vec<String>) {
            let told = self.stage.ask(who, request);
            (told, self.stage.heard(&self.bob))
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nobody_but_the_leader_leads() {
        let mut scene = scene(true, 4);
        let (alice, bob) = (scene.alice.clone(), scene.bob.clone());
        for (request, prefix) in [
            (scene.promote(&bob), PROMOTE),
            (scene.accept(&alice), ACCEPT),
            (scene.remove(&alice), REMOVE),
            (scene.close(), CLOSE),
            (scene.list(), LIST_REQUESTS),
            (scene.update("no label", true, false), UPDATE),
        ] {
            let reply = scene.stage.reply(&bob, request);
            assert_eq!(reply, format!("3 {prefix}: party leader only"));
        }
        scene.party.id.uuid = uuid::Uuid::nil();
        for (request, prefix) in [
            (scene.promote(&bob), PROMOTE),
            (scene.accept(&alice), ACCEPT),
            (scene.remove(&alice), REMOVE),
            (scene.close(), CLOSE),
            (scene.list(), LIST_REQUESTS),
            (scene.update("no label", true, false), UPDATE),
        ] {
            let reply = scene.stage.reply(&bob, request);
            assert_eq!(reply, format!("3 {prefix}: party not found"));
        }
    }

    #[test]
    fn everybody_learns_who_leads_before_the_one_who_decided_it_is_done() {
        let mut scene = scene(true, 4);
        let (alice, bob, carol) = (scene.alice.clone(), scene.bob.clone(), scene.carol.clone());
        let request = scene.promote(&alice);
        let heard = scene.run(&alice, request);
        assert_eq!(
            heard,
            (
                texts(&["alice leads", "reply: ok"]),
                texts(&["alice leads"])
            )
        );
        let request = scene.promote(&carol);
        let reply = scene.stage.reply(&alice, request);
        assert_eq!(
            reply,
            "3 Error promoting new party leader: party member not found"
        );
        let mut misnamed = bob.named();
        misnamed.username = "rob".to_owned();
        let request = Request::PartyPromote {
            party: scene.party.clone(),
            presence: misnamed,
        };
        let reply = scene.stage.reply(&alice, request);
        assert_eq!(
            reply,
            "3 Error promoting new party leader: party member not found"
        );
        let request = scene.promote(&bob);
        let heard = scene.run(&alice, request);
        assert_eq!(
            heard,
            (texts(&["bob leads", "reply: ok"]), texts(&["bob leads"]))
        );
        let request = scene.list();
        assert_eq!(scene.stage.reply(&bob, request), "asked:");
    }

    #[test]
    fn whoever_is_accepted_is_in() {
        let mut scene = scene(false, 3);
        let (alice, bob, carol) = (scene.alice.clone(), scene.bob.clone(), scene.carol.clone());
        let request = scene.join();
        scene.stage.reply(&carol, request);
        scene.stage.clear();
        let request = scene.list();
        assert_eq!(scene.stage.reply(&alice, request), "asked: bob carol");
        let request = scene.accept(&bob);
        let (alice_heard, bob_heard) = scene.run(&alice, request);
        assert_eq!(alice_heard, texts(&["reply: ok", "party +bob"]));
        let snapshot =
            r#"party of alice bob led by alice, I am bob; max 3, open false, hidden false, """#;
        assert_eq!(bob_heard, texts(&[snapshot, "party +bob"]));
        let request = scene.accept(&bob);
        let reply = scene.stage.reply(&alice, request);
        assert_eq!(
            reply,
            "3 Error accepting party join request: party join request not found"
        );
        let request = scene.list();
        assert_eq!(scene.stage.reply(&alice, request), "asked: carol");
    }

    #[test]
    fn whoever_has_gone_cannot_be_accepted() {
        let mut scene = scene(false, 2);
        let (alice, bob) = (scene.alice.clone(), scene.bob.clone());
        scene.stage.vanish(&bob);
        let request = scene.list();
        assert_eq!(
            scene.stage.reply(&alice, request),
            "asked: bob",
            "requests wait"
        );
        for problem in [
            "party could not accept request",
            "party join request not found",
        ] {
            let request = scene.accept(&bob);
            let reply = scene.stage.reply(&alice, request);
            assert_eq!(
                reply,
                format!("3 Error accepting party join request: {problem}")
            );
        }
    }

    #[test]
    fn nobody_is_accepted_into_a_full_party() {
        let mut scene = scene(false, 2);
        let (alice, bob, carol) = (scene.alice.clone(), scene.bob.clone(), scene.carol.clone());
        let request = scene.join();
        scene.stage.reply(&carol, request);
        let request = scene.accept(&bob);
        scene.stage.reply(&alice, request);
        let request = scene.accept(&carol);
        let reply = scene.stage.reply(&alice, request);
        assert_eq!(reply, "3 Error accepting party join request: party full");
    }

    #[test]
    fn whoever_is_removed_is_told_that_it_is_over() {
        let mut scene = scene(true, 4);
        let (alice, bob) = (scene.alice.clone(), scene.bob.clone());
        let request = scene.remove(&bob);
        let heard = scene.run(&alice, request);
        assert_eq!(
            heard,
            (texts(&["reply: ok", "party -bob"]), texts(&["party over"]))
        );
        for (who, problem) in [
            (&bob, "party member not found"),
            (&alice, "party cannot remove self"),
        ] {
            let request = scene.remove(who);
            let reply = scene.stage.reply(&alice, request);
            assert_eq!(
                reply,
                format!("3 Error removing party member or join request: {problem}")
            );
        }
    }

    #[test]
    fn declining_is_silent() {
        let mut scene = scene(false, 4);
        let (alice, bob) = (scene.alice.clone(), scene.bob.clone());
        let request = scene.remove(&bob);
        let heard = scene.run(&alice, request);
        assert_eq!(heard, (texts(&["reply: ok"]), vec![]));
        let request = scene.join();
        assert_eq!(scene.stage.reply(&bob, request), "ok", "bob may ask again");
    }

    #[test]
    fn a_party_that_is_closed_is_over_for_everybody() {
        let mut scene = scene(true, 4);
        let alice = scene.alice.clone();
        let request = scene.close();
        let heard = scene.run(&alice, request);
        assert_eq!(
            heard,
            (texts(&["party over", "reply: ok"]), texts(&["party over"]))
        );
        let request = scene.close();
        let reply = scene.stage.reply(&alice, request);
        assert_eq!(reply, "3 Error closing party: party not found");
    }

    #[test]
    fn terms_change_together() {
        let mut scene = scene(false, 4);
        let alice = scene.alice.clone();
        let request = scene.update(r#"{"a":1}"#, true, false);
        let told = r#"terms: open true, hidden false, "{\"a\":1}""#;
        let heard = scene.run(&alice, request);
        assert_eq!(
            heard,
            (texts(&[told, "reply: ok"]), vec![]),
            "bob only asked"
        );
        let request = scene.list();
        assert_eq!(
            scene.stage.reply(&alice, request),
            "asked: bob",
            "opening admits nobody"
        );
        for (label, problem) in [
            ("[]", "failed to unmarshal party label: json: cannot unmarshal array into Go value of type map[string]interface {}".to_owned()),
            (&*"x".repeat(2049), "party label too long".to_owned()),
        ] {
            let request = scene.update(label, true, false);
            let reply = scene.stage.reply(&alice, request);
            assert_eq!(reply, format!("3 Error updating party: {problem}"));
        }
        let request = scene.update("{}", false, true);
        assert_eq!(scene.stage.reply(&alice, request), "ok");
        scene.party.id.uuid = uuid::Uuid::nil();
        let request = scene.update("x", false, true);
        let reply = scene.stage.reply(&alice, request);
        let expected =
            "3 Error updating party: party is hidden and label is not empty, invalid operation";
        assert_eq!(reply, expected, "whether or not there is such a party");
    }
}
