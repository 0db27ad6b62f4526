//! A server that is asked to stop by the system.

use std::env;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiltyard_tests::{
    process::Process,
    quic::{Kind, QuicSocket},
    server::{Ended, Server, Socket},
};

const PLAYERS_PER_MATCH: usize = 25;
/// The op code of the fixture's last words.
const TERMINATED: &str = "103";

fn goodbye() -> Ended {
    Ended {
        code: Some(1001),
        reason: "server is shutting down".to_owned(),
    }
}

fn start(data: &TempDir, grace_seconds: &str) -> Process {
    let options = [
        "--shutdown_grace_sec",
        grace_seconds,
        "--quic.enabled",
        "true",
        "--limits.busy_percent",
        "0",
    ];
    Process::start_with(env!("CARGO_BIN_EXE_fixture"), data.path(), &options)
}

/// The status with which the process ends.
async fn exit_code(process: Process) -> Option<i32> {
    let ended = tokio::task::spawn_blocking(move || process.wait());
    ended.await.unwrap().code()
}

/// Players in a match of their own. `TILTYARD_SHUTDOWN_CLIENTS` is how many there are in all, 100 by default.
async fn match_of_many(server: &Server, token: &str) -> Vec<Socket> {
    let mut players = Vec::new();
    let mut id = Value::Null;
    for _ in 0..PLAYERS_PER_MATCH {
        let mut player = server.connect_with(token).await;
        if id.is_null() {
            let made = player.ask("rpc", json!({ "id": "cf_match_create" })).await;
            let made = made["rpc"]["payload"].as_str().unwrap();
            id = serde_json::from_str::<Value>(made).unwrap()["match_id"].take();
        }
        let joined = player.ask("match_join", json!({ "match_id": id })).await;
        assert_eq!(joined["match"]["match_id"], id);
        players.push(player);
    }
    players
}

#[tokio::test]
async fn everybody_hears_the_last_words_of_their_match_and_then_goodbye() {
    let clients = env::var("TILTYARD_SHUTDOWN_CLIENTS").ok();
    let clients: usize = clients.map_or(100, |clients| clients.parse().unwrap());
    let data = TempDir::new().unwrap();
    let process = start(&data, "1");
    let token = process.server.login("everybody").await;
    let matches = 0..clients / PLAYERS_PER_MATCH;
    let players = matches.map(|_| match_of_many(&process.server, &token));
    let mut players: Vec<Socket> = join_all(players).await.into_iter().flatten().collect();
    let mut quic = QuicSocket::connect(&process.server, Kind::Quic, "quic").await;
    process.signal("TERM");
    join_all(players.iter_mut().map(async |player| {
        assert_eq!(player.next_event("match_data").await["op_code"], TERMINATED);
        assert_eq!(player.ended().await, goodbye());
    }))
    .await;
    assert_eq!(quic.stranger.goodbye().await, goodbye());
    assert_eq!(exit_code(process).await, Some(0));
}

#[tokio::test]
async fn nobody_new_comes_in_and_a_second_signal_ends_it_at_once() {
    let data = TempDir::new().unwrap();
    // Ten minutes are longer than anybody waits for this test.
    let process = start(&data, "600");
    let server = &process.server;
    let token = server.login("alice").await;
    let mut players = match_of_many(server, &token).await;
    // It holds nothing up that it does not listen.
    let _deaf = server.connect_narrowly(&token).await;
    let mut bystander = server.connect_with(&token).await;
    let made = bystander.ask("match_create", json!({})).await;
    let id = &made["match"]["match_id"];
    process.signal("INT");
    for player in &mut players {
        assert_eq!(player.next_event("match_data").await["op_code"], TERMINATED);
    }
    let refused = players[0]
        .ask("match_join", json!({ "match_id": id }))
        .await;
    let text = "Server is shutting down";
    assert_eq!(refused["error"], json!({ "code": 5, "message": text }));
    let refused = server.refusal(&token).await;
    assert_eq!(refused, Some((503, Some("5".to_owned()))));
    process.signal("TERM");
    players.push(bystander);
    for mut player in players {
        assert_eq!(player.ended().await, goodbye());
    }
    assert_eq!(exit_code(process).await, Some(0));
}
