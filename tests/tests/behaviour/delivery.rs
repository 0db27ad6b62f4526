//! How data of a match is delivered: what the kind declares, and what a broadcast says otherwise.

use std::time::Duration;

use tiltyard::{Event, Request, Transport, prelude::*};
use tiltyard_tests::stage::{Player, Stage, data_request, join_request};

const OP_STATE: i64 = 10;
const OP_INPUT: i64 = 1;
/// Time in which a match of ten ticks a second surely ticks.
const TICK: Duration = Duration::from_millis(110);

/// Sends one message of every sort a tick, and remembers what came.
#[derive(Component, Default)]
struct Courier {
    heard: Vec<String>,
}

impl MatchKind for Courier {
    const NAME: &'static str = "courier";
    const DELIVERY: &'static [(i64, Delivery)] =
        &[(OP_STATE, Delivery::Newest), (OP_INPUT, Delivery::Newest)];
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self::default()).tick_rate(10))
    }
}

fn deliver(mut matches: Matches<Courier>) {
    matches.each(|game| {
        let heard = game
            .take_messages()
            .into_iter()
            .map(|message| String::from_utf8_lossy(&message.data).into_owned());
        game.state.heard.extend(heard);
        game.broadcast(OP_STATE, "as declared").send();
        game.broadcast(OP_STATE, "otherwise").reliable().send();
        game.broadcast(2, "not declared").send();
        game.broadcast(3, "may be lost").unreliable().send();
    });
}

fn stage() -> (Stage, Player, MatchId) {
    let mut stage = Stage::new(|app| {
        app.add_match::<Courier>().add_systems(MatchLoop, deliver);
    });
    let id = stage.create(Courier::NAME, &MatchParams::default());
    let alice = stage.connect("alice");
    stage.ask(alice, join_request(id, &[]));
    (stage, alice, id)
}

/// The same data, sent in a way that may lose it.
fn unreliable(request: Request) -> Request {
    let Request::MatchDataSend(data) = request else {
        panic!("not data");
    };
    Request::MatchDataSend(tiltyard::MatchData {
        reliable: false,
        ..data
    })
}

fn heard(stage: &mut Stage) -> Vec<String> {
    let world = stage.world();
    let mut found = world.query::<&Courier>();
    found.single(world).unwrap().heard.clone()
}

#[test]
fn a_broadcast_travels_as_declared_unless_it_says_otherwise() {
    let (mut stage, alice, _) = stage();
    stage.run(TICK);
    let mut sent: Vec<_> = stage
        .client(alice)
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::MatchData(data) => Some((data.data.clone(), data.delivery, data.reliable)),
            _ => None,
        })
        .collect();
    sent.truncate(4);
    let expected = [
        ("as declared", Delivery::Newest, false),
        ("otherwise", Delivery::Reliable, true),
        ("not declared", Delivery::Reliable, true),
        ("may be lost", Delivery::Unreliable, false),
    ];
    let expected = expected.map(|(text, delivery, reliable)| (text.into(), delivery, reliable));
    assert_eq!(sent, expected);
}

#[test]
fn of_what_is_newest_only_a_tick_sees_one_message_a_sender() {
    let (mut stage, alice, id) = stage();
    for text in ["old", "older news", "new"] {
        stage.send(alice, unreliable(data_request(id, OP_INPUT, text)));
    }
    stage.send(alice, data_request(id, OP_INPUT, "reliable"));
    stage.send(alice, unreliable(data_request(id, 7, "another op code")));
    stage.run(TICK);
    assert_eq!(heard(&mut stage), ["new", "reliable", "another op code"]);
}

#[test]
fn the_newest_of_one_sender_is_not_the_newest_of_another() {
    let (mut stage, alice, id) = stage();
    let bob = stage.connect("bob");
    stage.ask(bob, join_request(id, &[]));
    stage.send(alice, unreliable(data_request(id, OP_INPUT, "alice")));
    stage.send(bob, unreliable(data_request(id, OP_INPUT, "bob")));
    stage.run(TICK);
    assert_eq!(heard(&mut stage), ["alice", "bob"]);
}

#[test]
fn relayed_data_is_put_at_risk_only_if_it_was_already() {
    let mut stage = Stage::new(|_| {});
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    let create = Request::MatchCreate { name: "r".into() };
    let id = match stage.ask(alice, create) {
        tiltyard::Reply::Match(info) => info.match_id.id(),
        other => panic!("expected a match, got {other:?}"),
    };
    stage.ask(bob, join_request(id, &[]));
    let sent = unreliable(data_request(
        id,
        1,
        "flag not set, as most clients leave it",
    ));
    let Request::MatchDataSend(data) = sent.clone() else {
        panic!("not data");
    };
    stage.send(alice, sent);
    stage.send(
        alice,
        Request::MatchDataSend(tiltyard::MatchData {
            datagram: true,
            ..data
        }),
    );
    stage.step();
    let deliveries: Vec<_> = stage
        .client(bob)
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::MatchData(data) => Some((data.reliable, data.delivery)),
            _ => None,
        })
        .collect();
    let expected = [(false, Delivery::Reliable), (false, Delivery::Unreliable)];
    assert_eq!(deliveries, expected);
}

#[test]
fn only_a_web_socket_has_no_datagrams() {
    assert_eq!(Transport::WebTransport.to_string(), "webtransport");
    assert!(Transport::Quic.has_datagrams() && !Transport::WebSocket.has_datagrams());
}
