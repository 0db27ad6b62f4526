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

/// A word of the letters on the table that was not played before.
fn playable(state: &Value) -> String {
    let on_table = state["letters"].as_str().unwrap();
    let was_played = |word: &str| {
        let played = state["played"].as_array().unwrap();
        played.iter().any(|before| before["word"] == word)
    };
    let can_spell = |word: &str| {
        let count = |text: &str, letter| text.chars().filter(|&other| other == letter).count();
        word.chars()
            .all(|letter| count(word, letter) <= count(on_table, letter))
    };
    let word = words::dictionary::words()
        .iter()
        .find(|word| can_spell(word) && !was_played(word));
    (*word.unwrap()).to_owned()
}

/// Two who have begun a game of words; the first one has the turn.
fn words_of_two(stage: &mut Stage) -> ([Player; 2], MatchId) {
    let players = [stage.connect("ann"), stage.connect("ben")];
    let id = find(stage, players[0], "words_find");
    stage.join(players[0], id, &[]);
    stage.run(Duration::from_millis(500));
    assert_eq!(find(stage, players[1], "words_find"), id, "one waits there");
    stage.join(players[1], id, &[]);
    stage.send_data(players[1], id, words::wire::OP_BEGIN, "");
    stage.run(Duration::from_millis(500));
    (players, id)
}

#[test]
fn a_game_of_words_is_played_to_its_end() {
    let mut stage = Stage::new(words::plugin);
    let (players, id) = words_of_two(&mut stage);
    for turn in 0..10 {
        let state = last_state(&stage, players[0], 10);
        let who = players[turn % 2];
        let user_id = stage.client(who).user_id.to_string();
        assert_eq!(state["turn"], user_id, "they take turns");
        let word = json!({ "word": playable(&state) }).to_string();
        stage.send_data(who, id, words::wire::OP_WORD, &word);
        stage.run(Duration::from_millis(400));
    }
    let state = last_state(&stage, players[1], 10);
    assert_eq!(
        (&state["phase"], &state["outcome"]["how"]),
        (&json!("over"), &json!("rounds"))
    );
    assert_eq!(state["played"].as_array().unwrap().len(), 10);
}

#[test]
fn whoever_looks_away_from_the_words_is_told_when_it_is_their_turn() {
    let mut stage = Stage::new(words::plugin);
    let ([ann, ben], id) = words_of_two(&mut stage);
    stage.ask(ben, Request::MatchLeave { match_id: id });
    stage.take_events(ben);
    stage.send_data(ann, id, words::wire::OP_PASS, "");
    stage.run(Duration::from_millis(500));
    let told: Vec<_> = stage
        .take_events(ben)
        .into_iter()
        .filter_map(|event| match event {
            Event::Notifications(told) => Some(told),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(told.len(), 1, "once a turn");
    assert_eq!(told[0].code, words::wire::CODE_YOUR_TURN);
    let content: Value = serde_json::from_str(&told[0].content).unwrap();
    assert_eq!(content["match_id"], id.to_string());
    assert!(
        matches!(stage.join(ben, id, &[]), Reply::Match(_)),
        "the seat is still theirs"
    );
    // Nobody moves any more: both are out in the end, and the match with them.
    stage.lose(ann);
    stage.lose(ben);
    stage.run(Duration::from_secs(150));
    assert!(stage.world().match_get(id).is_none());
}
