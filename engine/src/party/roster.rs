//! Members of a party come and go with presences on its stream.

use std::sync::Arc;

use bevy_ecs::{prelude::*, world::DeferredWorld};

use super::{
    PartyIndex, PartyMember, PartyMembers, changed,
    components::{Party, PartyTerms},
};
use crate::{
    id::{PartyId, Slot, UserPresence},
    outbound::{Event, Outbox, Recipients},
    stream::{self, PresenceView, StreamId},
};

/// A party as one of its members sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyInfo {
    /// Which party.
    pub party_id: PartyId,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// Whether it stays out of listings. Told to its maker only.
    pub hidden: bool,
    /// Members that fit.
    pub size_max: usize,
    /// The recipient.
    pub me: UserPresence,
    /// Who leads it.
    pub leader: UserPresence,
    /// All members, longest first.
    pub presences: Vec<UserPresence>,
    /// Its label. Told to its maker only.
    pub label: Arc<str>,
}

/// Who came to a party and who left it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyPresences {
    /// Which party.
    pub party_id: PartyId,
    /// Who came.
    pub joins: Vec<PresenceView>,
    /// Who went.
    pub leaves: Vec<PresenceView>,
}

/// A visible presence appeared on the stream of a party: if there is room, it is a member.
///
/// It is shown the party before anybody learns of it, unless it is the one who made it.
pub(crate) fn member_joined(
    world: &mut DeferredWorld,
    id: PartyId,
    who: &UserPresence,
    slot: Slot,
) {
    let Some(entity) = world.resource::<PartyIndex>().find(id) else {
        return;
    };
    let Some(size_max) = world.get::<Party>(entity).map(|party| party.size_max) else {
        return;
    };
    let Some(mut members) = world.get_mut::<PartyMembers>(entity) else {
        return;
    };
    let count = members.as_slice().len();
    if count >= size_max || members.contains(who) {
        return;
    }
    let who = who.clone();
    members.add(PartyMember {
        who: who.clone(),
        slot,
    });
    if count > 0
        && let Some(info) = info(world, entity, who)
    {
        // Label and secrecy are the leader's affair.
        let event = Event::Party(Box::new(PartyInfo {
            hidden: false,
            label: Arc::default(),
            ..info
        }));
        world
            .resource_mut::<Outbox>()
            .send(Recipients::One(slot), event);
    }
    changed(world, id);
}

/// A visible presence left the stream of a party. Whoever has been there longest leads on, and nobody is
/// left without a party that is still there.
pub(crate) fn member_left(world: &mut DeferredWorld, id: PartyId, who: &UserPresence) {
    let Some(entity) = world.resource::<PartyIndex>().find(id) else {
        return;
    };
    let Some(mut members) = world.get_mut::<PartyMembers>(entity) else {
        return;
    };
    if !members.remove(who) {
        return;
    }
    let Some(longest) = members.as_slice().first().map(|member| member.who.clone()) else {
        world.commands().entity(entity).try_despawn();
        return;
    };
    if members.leader == *who {
        members.leader = longest.clone();
        let event = Event::PartyLeader {
            party_id: id,
            presence: longest,
        };
        tell(world, id, event);
    }
    changed(world, id);
}

/// A party as `me` sees it.
pub(super) fn info(world: &World, entity: Entity, me: UserPresence) -> Option<PartyInfo> {
    let party = world.get::<Party>(entity)?;
    let terms = world.get::<PartyTerms>(entity)?;
    let members = world.get::<PartyMembers>(entity)?;
    Some(PartyInfo {
        party_id: party.id,
        open: terms.open,
        hidden: terms.hidden,
        size_max: party.size_max,
        me,
        leader: members.leader.clone(),
        presences: members.presences(),
        label: terms.label.clone(),
    })
}

/// Sends something to everybody on the stream of a party.
pub(super) fn tell(world: &mut DeferredWorld, id: PartyId, event: Event) {
    let to = stream::entity_of(world, &StreamId::of_party(id))
        .and_then(|stream| stream::recipients_in(world, stream));
    if let Some(to) = to {
        world.resource_mut::<Outbox>().send(to, event);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        PartyFilter, PartyFunctions, PresenceMeta, Request, Spelled, StreamFunctions,
        stage::{Peer, Stage},
    };

    fn party_of(stage: &mut Stage, leader: &Peer, max_size: i32) -> PartyId {
        let create = Request::PartyCreate {
            open: true,
            max_size,
            label: String::new(),
            hidden: false,
        };
        stage.reply(leader, create);
        let filter = PartyFilter {
            limit: 1,
            ..PartyFilter::default()
        };
        let id = stage.world().party_list(&filter).unwrap().parties[0].party_id;
        stage.clear();
        id
    }

    fn put(stage: &mut Stage, id: PartyId, peer: &Peer) {
        let (stream, who) = (StreamId::of_party(id), peer.who.clone());
        stage
            .world()
            .stream_user_join(
                &stream,
                who.user_id,
                who.session_id,
                PresenceMeta::default(),
            )
            .unwrap();
        stage.pass();
    }

    fn names(stage: &mut Stage, id: PartyId) -> Vec<String> {
        let members = crate::party::members(stage.world(), id).unwrap_or_default();
        members
            .iter()
            .map(|member| member.who.username.to_string())
            .collect()
    }

    #[test]
    fn whoever_is_put_on_the_stream_is_a_member_while_there_is_room() {
        let mut stage = Stage::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| stage.connect(name));
        let id = party_of(&mut stage, &alice, 2);
        put(&mut stage, id, &bob);
        let snapshot =
            r#"party of alice bob led by alice, I am bob; max 2, open true, hidden false, """#;
        assert_eq!(stage.heard(&bob), [snapshot, "party +bob"]);
        put(&mut stage, id, &carol);
        assert_eq!(names(&mut stage, id), ["alice", "bob"]);
        assert_eq!(
            stage.heard(&carol),
            ["party +carol"],
            "on the stream, but no member"
        );
        let stream = StreamId::of_party(id);
        let (user, session) = (bob.who.user_id, bob.who.session_id);
        stage.world().stream_user_leave(&stream, user, session);
        let party = Spelled {
            id,
            text: "".into(),
        };
        stage.reply(&carol, Request::PartyJoin { party });
        assert_eq!(
            names(&mut stage, id),
            ["alice", "carol"],
            "now there is room"
        );
    }

    #[test]
    fn the_lead_passes_on_when_the_leader_is_taken_off_the_stream() {
        let mut stage = Stage::new();
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let id = party_of(&mut stage, &alice, 2);
        put(&mut stage, id, &bob);
        stage.clear();
        let stream = StreamId::of_party(id);
        let (user, session) = (alice.who.user_id, alice.who.session_id);
        stage.world().stream_user_leave(&stream, user, session);
        stage.pass();
        assert_eq!(stage.heard(&bob), ["bob leads", "party -alice"]);
    }

    #[test]
    fn a_presence_that_changes_stays_a_member_until_it_is_hidden() {
        let mut stage = Stage::new();
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let id = party_of(&mut stage, &alice, 2);
        put(&mut stage, id, &bob);
        let stream = StreamId::of_party(id);
        let update = |stage: &mut Stage, hidden| {
            let meta = PresenceMeta {
                hidden,
                ..PresenceMeta::default()
            };
            let who = alice.who.clone();
            stage
                .world()
                .stream_user_update(&stream, who.user_id, who.session_id, meta)
                .unwrap();
            names(stage, id)
        };
        assert_eq!(update(&mut stage, false), ["alice", "bob"]);
        assert_eq!(update(&mut stage, true), ["bob"]);
        assert_eq!(update(&mut stage, false), ["bob", "alice"]);
    }

    #[test]
    fn a_party_whose_stream_was_closed_lives_until_it_is_found_idle() {
        let mut stage = Stage::new();
        let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
        let id = party_of(&mut stage, &alice, 2);
        put(&mut stage, id, &bob);
        stage.clear();
        stage.world().stream_close(&StreamId::of_party(id));
        stage.wait(Duration::from_secs(30));
        let data = Request::PartyDataSend {
            party: Spelled {
                id,
                text: "".into(),
            },
            op_code: 1,
            data: "still here".into(),
        };
        assert_eq!(stage.reply(&alice, data), "ok");
        assert_eq!(stage.heard(&bob), ["alice sends 1 still here"]);
        stage.wait(Duration::from_secs(30));
        assert_eq!(names(&mut stage, id), ["alice", "bob"], "it was in use");
        stage.wait(Duration::from_secs(29));
        assert_eq!(
            names(&mut stage, id),
            ["alice", "bob"],
            "it is not time yet"
        );
        stage.wait(Duration::from_secs(1));
        assert_eq!(names(&mut stage, id), [""; 0]);
    }

    #[test]
    fn a_party_with_members_is_not_idle() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let id = party_of(&mut stage, &alice, 2);
        for _ in 0..5 {
            stage.wait(Duration::from_secs(60));
        }
        assert_eq!(names(&mut stage, id), ["alice"]);
    }
}
