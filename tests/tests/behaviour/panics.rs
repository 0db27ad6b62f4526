//! A match that fails ends alone.

use std::time::Duration;

use serde_json::json;
use tiltyard::{Event, MatchId, Reply, prelude::*};
use tiltyard_tests::{
    server::Server,
    stage::{Player, Stage},
};

/// Counts its ticks out loud, and panics when it is told to.
#[derive(Component, Default)]
struct Fragile;

const TICK: i64 = 1;
const PANIC: i64 = 13;
const FAIL: i64 = 14;

impl MatchKind for Fragile {
    const NAME: &'static str = "fragile";

    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(30))
    }
}

fn count(mut matches: Matches<Fragile>) {
    matches.each(|game| -> Result<(), &'static str> {
        for message in game.take_messages() {
            assert_ne!(message.op_code, PANIC, "as planted");
            if message.op_code == FAIL {
                return Err("as planted");
            }
        }
        let tick = game.tick().to_string();
        game.broadcast(TICK, tick).send();
        Ok(())
    });
}

fn fragile(app: &mut App) {
    app.add_match::<Fragile>()
        .add_systems(MatchLoop, count)
        .add_rpc(
            "fragile",
            |_: In<RpcCall>, mut directory: MatchDirectory| {
                let id = directory.create(Fragile::NAME, &MatchParams::new())?;
                RpcResult::Ok(id.to_string())
            },
        );
}

/// Matches with a player each.
fn crowd(stage: &mut Stage, count: usize) -> Vec<(Player, MatchId)> {
    (0..count)
        .map(|number| {
            let player = stage.connect(&format!("player-{number}"));
            let id = stage.create(Fragile::NAME, &MatchParams::new());
            assert!(matches!(stage.join(player, id, &[]), Reply::Match(_)));
            (player, id)
        })
        .collect()
}

fn ticks_of(stage: &Stage, player: Player) -> Vec<u64> {
    let data = stage.client(player).match_data();
    data.iter()
        .filter(|(op, _)| *op == TICK)
        .map(|(_, text)| text.parse().unwrap())
        .collect()
}

fn without_gaps(ticks: &[u64]) -> bool {
    ticks.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[test]
fn one_panic_in_a_hundred_matches_costs_the_others_no_tick_and_nobody_a_connection() {
    for planted in [PANIC, FAIL] {
        let mut stage = Stage::new(fragile);
        let crowd = crowd(&mut stage, 100);
        stage.run(Duration::from_millis(500));
        let (victim, broken) = crowd[41];
        stage.send_data(victim, broken, planted, "");
        stage.run(Duration::from_secs(1));
        for (player, id) in &crowd {
            assert_eq!(
                stage.client(*player).closed(),
                None,
                "everybody keeps their connection"
            );
            let ticks = ticks_of(&stage, *player);
            assert!(without_gaps(&ticks), "{id} lost a tick: {ticks:?}");
            if *id != broken {
                assert!(
                    ticks.len() >= 44,
                    "{id} ticked {} times in a second and a half",
                    ticks.len()
                );
            }
        }
        assert!(
            stage.world().match_get(broken).is_none(),
            "the match that failed is gone"
        );
    }
}

#[test]
fn players_of_a_match_that_failed_are_told_and_may_go_on() {
    let mut stage = Stage::new(fragile);
    let crowd = crowd(&mut stage, 2);
    let (victim, broken) = crowd[0];
    stage.take_events(victim);
    stage.send_data(victim, broken, PANIC, "");
    stage.run(Duration::from_millis(200));
    let events = stage.take_events(victim);
    let told = events.iter().any(|event| matches!(event, Event::Error(_)));
    let left = events.iter().any(|event| {
        matches!(event, Event::MatchPresence { match_id, leaves, .. } if *match_id == broken && leaves.len() == 1)
    });
    assert!(
        told && left,
        "an error and the end of the match: {events:?}"
    );
    let (_, other) = crowd[1];
    assert!(
        matches!(stage.join(victim, other, &[]), Reply::Match(_)),
        "there are other matches"
    );
}

#[test]
fn a_panic_while_joining_refuses_the_player_and_ends_that_match_only() {
    fn refuse_violently(mut matches: Matches<Fragile>) {
        matches.each(|game| {
            let attempt = game.attempt().cloned().unwrap();
            assert!(!attempt.metadata.contains_key("panic"), "as planted");
        });
    }
    let mut stage = Stage::new(|app| {
        fragile(app);
        app.add_systems(MatchJoinAttempt, refuse_violently);
    });
    let id = stage.create(Fragile::NAME, &MatchParams::new());
    let other = stage.create(Fragile::NAME, &MatchParams::new());
    let player = stage.connect("player");
    assert!(matches!(
        stage.join(player, id, &[("panic", "1")]),
        Reply::Error(_)
    ));
    assert!(stage.world().match_get(id).is_none());
    assert!(matches!(stage.join(player, other, &[]), Reply::Match(_)));
}

#[test]
fn a_function_that_panics_fails_its_call_and_can_be_called_again() {
    let mut stage = Stage::new(|app| {
        app.add_rpc("fragile", |In(call): In<RpcCall>| -> RpcResult {
            assert!(call.payload.is_empty(), "as planted");
            Ok("fine".to_owned())
        });
    });
    let player = stage.connect("player");
    let call = |payload: &str| tiltyard::Request::Rpc {
        id: "fragile".to_owned(),
        payload: payload.to_owned(),
    };
    assert!(matches!(stage.ask(player, call("x")), Reply::Error(_)));
    assert_eq!(
        stage.ask(player, call("")),
        Reply::Rpc {
            id: "fragile".to_owned(),
            payload: "fine".to_owned()
        }
    );
}

#[tokio::test]
async fn over_real_sockets_the_other_clients_notice_nothing() {
    let server = Server::start(fragile);
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut socket = server.connect(&format!("player-{number}")).await;
        let made = socket.ask("rpc", json!({ "id": "fragile" })).await;
        let id = made["rpc"]["payload"].as_str().unwrap().to_owned();
        socket.ask("match_join", json!({ "match_id": id })).await;
        clients.push((socket, id));
    }
    let (victim, broken) = &mut clients[3];
    victim
        .send(json!({ "match_data_send": { "match_id": broken, "op_code": "13" } }))
        .await;
    let error = victim.next_event("error").await;
    assert_eq!(error["message"], "Match ended because of an error.");
    assert_eq!(
        victim.ask("ping", json!({})).await["pong"],
        json!({}),
        "the connection lives on"
    );
    for (number, (socket, _)) in clients.iter_mut().enumerate() {
        if number == 3 {
            continue;
        }
        for _ in 0..10 {
            assert_eq!(socket.next_event("match_data").await["op_code"], "1");
        }
    }
}
