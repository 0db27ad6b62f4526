//! The example games, played headless for a while.

use std::time::Duration;

use serde_json::{Value, json};
use tiltyard::{Event, MatchId, Reply, Request, prelude::*};
use tiltyard_tests::stage::{Player, Stage, data_request};

/// Calls a function that makes or finds a match.
fn find(stage: &mut Stage, player: Player, function: &str) -> MatchId {
    let call = Request::Rpc {
        id: function.to_owned(),
        payload: String::new(),
    };
    let Reply::Rpc { payload, .. } = stage.ask(player, call) else {
        panic!("{function} finds a match");
    };
    let answer: Value = serde_json::from_str(&payload).unwrap();
    MatchId::parse(answer["match_id"].as_str().unwrap()).unwrap()
}

fn last_state(stage: &Stage, player: Player, op_code: i64) -> Value {
    let data = stage.client(player).match_data();
    let (_, text) = data.iter().rfind(|(op, _)| *op == op_code).unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn ping_pong_returns_what_it_gets() {
    let mut stage = Stage::new(pingpong::plugin);
    let alice = stage.connect("alice");
    let id = find(&mut stage, alice, "pingpong_create");
    stage.join(alice, id, &[]);
    stage.send_data(alice, id, 7, "ping");
    stage.run(Duration::from_millis(200));
    assert_eq!(
        stage.client(alice).match_data(),
        [(pingpong::OP_PONG, "ping".to_owned())]
    );
}

#[test]
fn two_who_look_for_a_table_meet_and_one_wins() {
    let mut stage = Stage::new(xoxo::plugin);
    let players = [stage.connect("ann"), stage.connect("ben")];
    let id = find(&mut stage, players[0], "xoxo_find");
    stage.join(players[0], id, &[]);
    stage.run(Duration::from_millis(500));
    assert_eq!(
        find(&mut stage, players[1], "xoxo_find"),
        id,
        "one waits there"
    );
    stage.join(players[1], id, &[]);
    stage.run(Duration::from_millis(500));
    // Whoever holds the cross begins, and fills the top row.
    for cell in [0, 3, 1, 4, 2] {
        let state = last_state(&stage, players[0], 10);
        let turn = state["turn"].as_str().unwrap().to_owned();
        let seat = state["seats"][&turn]["session_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let who = players
            .into_iter()
            .find(|who| stage.client(*who).session_id.to_string() == seat)
            .unwrap();
        stage.send_data(who, id, 1, &json!({ "cell": cell }).to_string());
        stage.run(Duration::from_millis(400));
    }
    let state = last_state(&stage, players[1], 10);
    assert_eq!(
        (&state["phase"], &state["outcome"]["how"]),
        (&json!("over"), &json!("line"))
    );
}

#[test]
fn a_player_who_does_not_move_in_time_forfeits() {
    let mut stage = Stage::new(xoxo::plugin);
    let players = [stage.connect("ann"), stage.connect("ben")];
    let id = find(&mut stage, players[0], "xoxo_find");
    for player in players {
        stage.join(player, id, &[]);
    }
    stage.run(Duration::from_secs(35));
    assert_eq!(last_state(&stage, players[0], 10)["outcome"]["how"], "time");
}

#[test]
fn sixteen_fly_in_an_arena_and_the_seventeenth_does_not() {
    let mut stage = Stage::new(arena::plugin);
    let first = stage.connect("pilot-0");
    let id = find(&mut stage, first, "arena_find");
    stage.join(first, id, &[]);
    for number in 1..16 {
        let player = stage.connect(&format!("pilot-{number}"));
        assert!(
            matches!(stage.join(player, id, &[]), Reply::Match(_)),
            "pilot {number}"
        );
    }
    let late = stage.connect("late");
    assert!(matches!(stage.join(late, id, &[]), Reply::Error(_)));
    stage.take_events(first);
    // Garbage steers nobody, and does no harm.
    for sequence in 0..300_u32 {
        let text = if sequence % 3 == 0 { "garbage" } else { "" };
        stage.send(first, data_request(id, 1, text));
        stage.step();
    }
    stage.run(Duration::from_secs(10));
    let states = stage
        .take_events(first)
        .into_iter()
        .filter(|event| matches!(event, Event::MatchData(data) if data.op_code == 10));
    let count = states.count();
    assert!(
        (330..=350).contains(&count),
        "{count} states in eleven and a quarter seconds at 30 Hz"
    );
    assert_eq!(stage.world().match_get(id).unwrap().size, 16);
}
