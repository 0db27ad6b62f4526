use serde_json::json;

use super::{
    stage::{match_id, read, rpc},
    *,
};

/// The id of the only game that a player finds in their list.
fn only_game(stage: &mut Stage, player: Player) -> String {
    let listed = stage.call(player, "xoxo_open_games", "").unwrap();
    assert_eq!(listed["games"].as_array().unwrap().len(), 1, "{listed}");
    listed["games"][0]["game_id"].as_str().unwrap().to_owned()
}

fn wanted(game_id: &str) -> String {
    json!({ "game_id": game_id }).to_string()
}

/// A game that sleeps after a move of Ann's, and both players connected again.
fn asleep() -> (Stage, [Player; 2], String) {
    let (mut stage, players, id) = seated(true);
    stage.play(players[0], id, 4);
    let players = players.map(|player| stage.reconnect(player));
    stage.run(LONG);
    assert!(!stage.is_running(id));
    let game_id = only_game(&mut stage, players[1]);
    (stage, players, game_id)
}

#[test]
fn a_game_sleeps_when_both_have_gone_and_goes_on_where_it_was() {
    let (mut stage, [ann, bob], id) = seated(true);
    stage.play(ann, id, 4);
    stage.lose(ann);
    stage.run(LONG);
    assert!(
        stage.is_running(id) && stage.objects.is_empty(),
        "bob is there"
    );
    stage.lose(bob);
    stage.run(Duration::from_secs(1));
    assert!(stage.is_running(id), "they may come back");
    assert_eq!(stage.objects.len(), 3, "but it is saved");
    stage.run(LONG);
    assert!(!stage.is_running(id));

    let bob = stage.connect(2, "bob");
    let listed = stage.call(bob, "xoxo_open_games", "").unwrap();
    let game = &listed["games"][0];
    assert_eq!(
        (&game["opponent"], &game["your_turn"]),
        (&json!("ann"), &json!(true))
    );
    let payload = wanted(game["game_id"].as_str().unwrap());
    let woken = stage.find(bob, "xoxo_resume", &payload);
    assert!(stage.join(bob, woken));
    stage.run(Duration::from_millis(400));
    let state = stage.state(bob);
    assert_eq!(state["board"], "....X....");
    assert_eq!(
        (&state["phase"], &state["turn"]),
        (&json!("playing"), &json!("O"))
    );
    assert_eq!(state["seats"]["X"]["away"], true);
    stage.play(bob, woken, 0);
    assert_eq!(
        stage.told,
        [(ann.user, "It is your turn against bob".to_owned())]
    );
}

#[test]
fn two_who_resume_at_once_get_the_same_match() {
    let (mut stage, players, game_id) = asleep();
    stage.is_up = false;
    for player in players {
        stage.send(player, rpc("xoxo_resume", &wanted(&game_id)));
    }
    stage.step();
    assert_eq!(stage.asked.len(), 2, "both wait for the database");
    stage.answer(1);
    stage.answer(0);
    stage.step();
    let ids = players.map(|player| {
        let reply = stage.reply(player).unwrap();
        match_id(&read(reply).unwrap())
    });
    assert_eq!(ids[0], ids[1]);
    for player in players {
        assert!(stage.join(player, ids[0]));
    }
    stage.play(players[1], ids[0], 0);
    assert_eq!(stage.state(players[0])["board"], "O...X....");
    let third = stage.find(players[0], "xoxo_resume", &wanted(&game_id));
    assert_eq!(third, ids[0], "and so does whoever comes later");
}

#[test]
fn a_game_that_is_over_is_forgotten() {
    let (mut stage, players, game_id) = asleep();
    let id = stage.find(players[0], "xoxo_resume", &wanted(&game_id));
    for player in players {
        assert!(stage.join(player, id));
    }
    let [ann, bob] = players;
    for (player, cell) in [(bob, 0), (ann, 3), (bob, 1)] {
        stage.play(player, id, cell);
    }
    stage.lose(bob);
    stage.play(ann, id, 5);
    stage.run(Duration::from_secs(1));
    assert_eq!(stage.state(ann)["outcome"]["winner"], "X");
    let told = stage.told.last().unwrap();
    assert_eq!(
        *told,
        (bob.user, "Your game against ann is over".to_owned())
    );
    let kept: Vec<_> = stage.objects.keys().map(|id| &*id.collection).collect();
    assert_eq!(kept, ["xoxo"], "but for the win");
    let bob = stage.connect(2, "bob");
    let none = Err("There is no such game.".to_owned());
    assert_eq!(stage.call(bob, "xoxo_resume", &wanted(&game_id)), none);
}

#[test]
fn strangers_do_not_get_in() {
    let (mut stage, players, game_id) = asleep();
    let cyd = stage.connect(3, "cyd");
    let none = Err("There is no such game.".to_owned());
    assert_eq!(stage.call(cyd, "xoxo_resume", &wanted(&game_id)), none);
    let id = stage.find(players[0], "xoxo_resume", &wanted(&game_id));
    assert_eq!(stage.call(cyd, "xoxo_resume", &wanted(&game_id)), none);
    assert!(!stage.join(cyd, id), "a seat that is kept is not free");
    assert_eq!(stage.call(cyd, "xoxo_resume", &wanted("0")), none);
    let listed = stage.call(cyd, "xoxo_open_games", "").unwrap();
    assert_eq!(listed, json!({ "games": [] }));
    for payload in ["", "{}", "7"] {
        assert!(stage.call(cyd, "xoxo_resume", payload).is_err());
    }
}

#[test]
fn a_game_that_nobody_joins_after_it_woke_sleeps_again_as_it_was() {
    let (mut stage, players, game_id) = asleep();
    let before = stage.objects.clone();
    let id = stage.find(players[0], "xoxo_resume", &wanted(&game_id));
    stage.run(LONG);
    assert!(!stage.is_running(id));
    assert_eq!(stage.objects, before, "nothing had to be written");
}

#[test]
fn a_game_is_not_put_to_sleep_before_it_is_saved() {
    let (mut stage, players, id) = seated(true);
    stage.is_up = false;
    stage.play(players[0], id, 4);
    let players = players.map(|player| stage.reconnect(player));
    stage.run(LONG);
    stage.fail_all();
    stage.run(LONG);
    assert!(stage.is_running(id));
    assert!(stage.join(players[0], id), "and may go on until then");
    stage.lose(players[0]);
    stage.is_up = true;
    stage.run(LONG);
    assert!(!stage.is_running(id));
    assert_eq!(stage.objects.len(), 3);
}

#[test]
fn a_save_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
    let (mut stage, players, id) = seated(true);
    stage.play(players[0], id, 4);
    stage.is_up = false;
    let players = players.map(|player| stage.reconnect(player));
    stage.run(Duration::from_millis(400));
    stage.make_but_fail();
    assert!(stage.join(players[1], id));
    stage.is_up = true;
    stage.play(players[1], id, 0);
    stage.lose(players[1]);
    stage.run(LONG);
    assert!(!stage.is_running(id));
    let game_id = only_game(&mut stage, players[0]);
    let woken = stage.find(players[0], "xoxo_resume", &wanted(&game_id));
    assert!(stage.join(players[0], woken));
    assert_eq!(stage.state(players[0])["board"], "O...X....");
}

#[test]
fn a_match_that_woke_from_an_old_save_loses_against_the_one_that_has_gone_on() {
    let (mut stage, players, game_id) = asleep();
    let old = stage.objects.clone();
    let id = stage.find(players[1], "xoxo_resume", &wanted(&game_id));
    assert!(stage.join(players[1], id));
    stage.play(players[1], id, 0);
    let players = [players[0], stage.reconnect(players[1])];
    stage.run(LONG);
    let new = std::mem::replace(&mut stage.objects, old);
    assert!(!stage.is_running(id));
    let stale = stage.find(players[1], "xoxo_resume", &wanted(&game_id));
    stage.objects = new.clone();
    assert!(stage.join(players[1], stale));
    stage.play(players[1], stale, 8);
    stage.lose(players[1]);
    stage.run(LONG);
    assert!(!stage.is_running(stale));
    assert_eq!(stage.objects, new);
}

#[test]
fn a_function_says_so_when_the_database_fails() {
    let (mut stage, players, game_id) = asleep();
    stage.is_up = false;
    for (id, payload) in [
        ("xoxo_open_games", String::new()),
        ("xoxo_resume", wanted(&game_id)),
    ] {
        stage.send(players[0], rpc(id, &payload));
        stage.step();
        stage.fail_all();
        stage.step();
        let reply = stage.reply(players[0]).unwrap();
        assert_eq!(read(reply), Err("the database failed".to_owned()));
    }
}

#[test]
fn whoever_looks_for_a_table_gets_one_where_somebody_waits_now() {
    let mut stage = Stage::new();
    let [ann, bob] = [stage.connect(1, "ann"), stage.connect(2, "bob")];
    let passive = stage.find(ann, "xoxo_create", r#"{"passive":true}"#);
    assert!(stage.join(ann, passive));
    let live = stage.find(ann, "xoxo_find", "");
    assert_ne!(live, passive);
    assert!(stage.join(ann, live));
    assert_eq!(stage.find(bob, "xoxo_find", ""), live);
}

#[test]
fn a_server_that_stops_saves_the_games_at_which_players_sit() {
    let (mut stage, players, id) = seated(true);
    stage.play(players[0], id, 4);
    stage.stop(Duration::from_secs(5));
    stage.run(Duration::from_secs(1));
    assert!(!stage.is_running(id));
    assert_eq!(stage.objects.len(), 3);
}

#[test]
fn a_live_table_is_never_saved() {
    let (mut stage, players, id) = seated(false);
    stage.play(players[0], id, 4);
    for player in players {
        stage.lose(player);
    }
    stage.run(LONG);
    assert!(!stage.is_running(id));
    let collections = stage.objects.keys().map(|id| &*id.collection);
    assert_eq!(
        collections.collect::<Vec<_>>(),
        ["xoxo"],
        "whoever stayed longer won"
    );
    assert!(stage.told.is_empty());
}
