//! Matches that clients run among themselves.

use tiltyard::{Event, Reply, Request, prelude::*};
use tiltyard_tests::stage::{Player, Stage, data_request, join_request};

fn create(stage: &mut Stage, player: Player, name: &str) -> tiltyard::MatchInfo {
    match stage.ask(
        player,
        Request::MatchCreate {
            name: name.to_owned(),
        },
    ) {
        Reply::Match(info) => *info,
        other => panic!("expected a match, got {other:?}"),
    }
}

fn id_of(info: &tiltyard::MatchInfo) -> tiltyard::MatchId {
    info.match_id.id()
}

#[test]
fn a_named_match_is_the_same_for_everybody_who_knows_the_name() {
    let mut stage = Stage::new(|_| {});
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    let first = create(&mut stage, alice, "arena");
    let second = create(&mut stage, bob, "arena");
    assert_eq!(id_of(&first), id_of(&second));
    assert_eq!((first.size, first.presences.len()), (1, 0));
    assert_eq!(
        (second.size, second.presences.len()),
        (2, 1),
        "the size counts bob, the list does not"
    );
}

#[test]
fn data_goes_to_the_others_or_to_those_who_are_named() {
    let mut stage = Stage::new(|_| {});
    let players: Vec<Player> = ["alice", "bob", "carol"]
        .map(|name| stage.connect(name))
        .into();
    let id = id_of(&create(&mut stage, players[0], ""));
    for player in &players[1..] {
        assert!(matches!(stage.join(*player, id, &[]), Reply::Match(_)));
    }
    let received = |stage: &Stage| {
        players
            .iter()
            .map(|player| stage.client(*player).match_data().len())
            .collect::<Vec<_>>()
    };
    stage.send_data(players[0], id, 1, "all");
    stage.step();
    assert_eq!(received(&stage), [0, 1, 1]);
    let Request::MatchDataSend(mut data) = data_request(id, 2, "carol and me") else {
        unreachable!("a request with data");
    };
    data.to = vec![
        stage.client(players[2]).session_id,
        stage.client(players[0]).session_id,
    ];
    data.addressed = true;
    stage.send(players[0], Request::MatchDataSend(data));
    stage.step();
    assert_eq!(received(&stage), [1, 1, 2]);
}

#[test]
fn a_stranger_can_neither_send_nor_name_recipients() {
    let mut stage = Stage::new(|_| {});
    let (alice, mallory) = (stage.connect("alice"), stage.connect("mallory"));
    let id = id_of(&create(&mut stage, alice, ""));
    stage.take_events(alice);
    let Request::MatchDataSend(mut data) = data_request(id, 1, "forged") else {
        unreachable!("a request with data");
    };
    stage.send(mallory, Request::MatchDataSend(data.clone()));
    data.to = vec![stage.client(alice).session_id];
    data.addressed = true;
    stage.send(mallory, Request::MatchDataSend(data));
    stage.step();
    assert!(stage.take_events(alice).is_empty());
}

#[test]
fn a_match_without_anybody_is_gone() {
    let mut stage = Stage::new(|_| {});
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    let id = id_of(&create(&mut stage, alice, ""));
    assert_eq!(stage.world().match_get(id).unwrap().size, 1);
    assert_eq!(
        stage.ask(alice, Request::MatchLeave { match_id: id }),
        Reply::Done
    );
    assert!(matches!(
        stage.ask(bob, join_request(id, &[])),
        Reply::Error(_)
    ));
    assert!(stage.world().match_get(id).is_none());
}

#[test]
fn arrivals_in_one_pass_are_told_together() {
    let mut stage = Stage::new(|_| {});
    let alice = stage.connect("alice");
    let id = id_of(&create(&mut stage, alice, ""));
    let others: Vec<Player> = ["bob", "carol", "dave"]
        .map(|name| stage.connect(name))
        .into();
    stage.take_events(alice);
    for player in &others {
        stage.send(*player, join_request(id, &[]));
    }
    stage.step();
    let events = stage.take_events(alice);
    assert!(
        matches!(events.as_slice(), [Event::MatchPresence { joins, .. }] if joins.len() == 3),
        "{events:?}"
    );
}
