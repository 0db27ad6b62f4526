//! Over real sockets: bad input, limits, order, the end.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;
use tiltyard::prelude::*;
use tiltyard_tests::{
    fixture,
    server::{Ended, Server},
};

fn ended(code: u16, reason: &str) -> Ended {
    Ended {
        code: Some(code),
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn what_is_no_envelope_closes_its_own_connection_and_no_other() {
    let server = Server::start(|_| {});
    let mut bystander = server.connect("bystander").await;
    let malformed = [
        "hello",
        "[1,2]",
        "\"text\"",
        "{\"cid\":\"1\",\"dance\":{}}",
        "{\"cid\":1}",
        "{\"ping\":{}} {}",
        "{\"ping\":{},\"pong\":{}}",
        "{\"rpc\":{\"id\":\"a\",\"id\":\"b\"}}",
        "",
    ];
    for (number, text) in malformed.iter().enumerate() {
        let mut socket = server.connect(&format!("mallory-{number}")).await;
        socket.send_text(*text).await;
        assert_eq!(
            socket.ended().await,
            ended(1000, "received malformed payload"),
            "{text}"
        );
    }
    for text in [
        "{}",
        "{\"cid\":\"1\"}",
        "{\"ping\":null}",
        "{\"match\":{}}",
        "{\"error\":{}}",
        "{\"stream_data\":{}}",
    ] {
        let mut socket = server.connect("nobody").await;
        socket.send_text(text).await;
        assert_eq!(
            socket.ended().await,
            ended(1000, "error processing message"),
            "{text}"
        );
    }
    assert_eq!(bystander.ask("ping", json!({})).await["pong"], json!({}));
}

#[tokio::test]
async fn deep_nesting_is_malformed_and_not_the_end_of_the_server() {
    let server = Server::start(|_| {});
    let mut socket = server.connect("mallory").await;
    socket.send_text("[".repeat(4000)).await;
    assert_eq!(
        socket.ended().await,
        ended(1000, "received malformed payload")
    );
    assert_eq!(
        server.connect("alice").await.ask("ping", json!({})).await["pong"],
        json!({})
    );
}

#[tokio::test]
async fn the_wrong_kind_of_frame_closes_the_connection() {
    let server = Server::start(|_| {});
    let mut socket = server.connect("mallory").await;
    socket.send_binary(vec![1, 2, 3]).await;
    assert_eq!(
        socket.ended().await,
        ended(1000, "received unexpected WebSocket message type")
    );
}

#[tokio::test]
async fn messages_of_4096_bytes_are_read_and_longer_ones_are_not() {
    let server = Server::start(|app| {
        app.add_rpc("length", |In(call): In<RpcCall>| -> RpcResult {
            Ok(call.payload.len().to_string())
        });
    });
    let mut socket = server.connect("alice").await;
    let frame = |length: usize| {
        let empty = r#"{"cid":"1","rpc":{"id":"length","payload":""}}"#;
        empty.replace(
            r#""payload":"""#,
            &format!(r#""payload":"{}""#, "x".repeat(length - empty.len())),
        )
    };
    socket.send_text(frame(4096)).await;
    assert!(socket.next().await["rpc"]["payload"].is_string());
    socket.send_text(frame(4097)).await;
    assert_eq!(socket.ended().await, ended(1009, ""));
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_questions() {
    let server = Server::start(fixture::plugin);
    let mut socket = server.connect("alice").await;
    let made = socket.ask("rpc", json!({ "id": "cf_match_create" })).await;
    let made: serde_json::Value =
        serde_json::from_str(made["rpc"]["payload"].as_str().unwrap()).unwrap();
    let id = &made["match_id"];
    let questions = [
        json!({ "cid": "0", "match_join": { "match_id": id } }),
        json!({ "cid": "1", "ping": {} }),
        json!({ "cid": "2", "match_leave": { "match_id": "nonsense" } }),
        json!({ "cid": "3", "rpc": { "id": "cf_echo", "payload": "x" } }),
        json!({ "cid": "4", "match_leave": { "match_id": id } }),
    ];
    for question in questions {
        socket.send(question).await;
    }
    let mut order = Vec::new();
    while order.len() < 5 {
        if let Some(cid) = socket.next().await.get("cid") {
            order.push(cid.as_str().unwrap().to_owned());
        }
    }
    assert_eq!(order, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn more_than_the_lane_holds_is_slowed_down_and_nothing_is_lost() {
    let server = Server::start(fixture::plugin);
    let mut socket = server.connect("alice").await;
    let made = socket
        .ask(
            "rpc",
            json!({ "id": "cf_match_create", "payload": r#"{"params":{"tick_rate":20}}"# }),
        )
        .await;
    let made: serde_json::Value =
        serde_json::from_str(made["rpc"]["payload"].as_str().unwrap()).unwrap();
    let id = made["match_id"].clone();
    socket.ask("match_join", json!({ "match_id": id })).await;
    for number in 0..1000 {
        let data = BASE64_STANDARD.encode(number.to_string());
        let send = json!({ "match_id": id, "op_code": "1", "data": data });
        socket.send(json!({ "match_data_send": send })).await;
    }
    for number in 0..1000 {
        let data = socket.next_event("match_data").await;
        assert_eq!(data["data"], BASE64_STANDARD.encode(number.to_string()));
    }
}

#[tokio::test]
async fn everybody_gets_a_closing_frame_when_the_server_stops() {
    let server = Server::start(|_| {});
    let mut sockets = Vec::new();
    for number in 0..20 {
        sockets.push(server.connect(&format!("player-{number}")).await);
    }
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    for mut socket in sockets {
        assert_eq!(socket.ended().await.code, Some(1001));
    }
    stopped.await.unwrap();
}

#[tokio::test]
async fn forged_and_missing_tokens_are_refused_before_the_handshake() {
    let server = Server::start(|_| {});
    for (path, expected) in [
        ("/ws", "Missing or invalid token\n"),
        ("/ws?token=", "Missing or invalid token\n"),
        ("/ws?token=x.y.z", "Missing or invalid token\n"),
        ("/ws?token=x&format=xml", "Invalid format parameter\n"),
    ] {
        assert_eq!(server.http("GET", path, "", "").await, expected, "{path}");
    }
    let token = server.login("alice").await;
    let plain = server
        .http("GET", &format!("/ws?token={token}"), "", "")
        .await;
    assert_eq!(plain, "Bad Request\n", "a good token, but no handshake");
    let other = server
        .http(
            "GET",
            &format!("/ws?token={token}"),
            "Authorization: Basic eDo=\r\n",
            "",
        )
        .await;
    assert_eq!(
        other, "Missing or invalid token\n",
        "a header counts before the query"
    );
}

#[tokio::test]
async fn a_place_that_is_taken_again_at_once_leaves_no_ghost_behind() {
    let server = Server::start(fixture::plugin);
    let mut watcher = server.connect("watcher").await;
    let token = server.login("hasty").await;
    // The world may hear of the next connection before it has heard of the end of the last one.
    for _ in 0..50 {
        let mut hasty = server.connect_with(&token).await;
        let join = json!({ "stream": { "mode": 100, "label": "room" } }).to_string();
        hasty
            .ask("rpc", json!({ "id": "cf_stream_join", "payload": join }))
            .await;
    }
    let count = json!({ "stream": { "mode": 100, "label": "room" } }).to_string();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let answer = watcher
            .ask("rpc", json!({ "id": "cf_stream_count", "payload": count }))
            .await;
        if answer["rpc"]["payload"] == r#"{"count":0}"# {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "ghosts: {answer}");
    }
}

#[tokio::test]
async fn a_burst_closes_nobody_who_keeps_up() {
    let server = Server::start(|_| {});
    let mut sender = server.connect("sender").await;
    let mut reader = server.connect("reader").await;
    let made = sender.ask("match_create", json!({})).await;
    let id = made["match"]["match_id"].clone();
    reader.ask("match_join", json!({ "match_id": id })).await;
    let data = BASE64_STANDARD.encode([7; 2700]);
    let reading = tokio::spawn(async move {
        for number in 1..=500 {
            let event = reader.next_event("match_data").await;
            assert_eq!(
                event["op_code"],
                number.to_string(),
                "in order, and none is lost"
            );
        }
    });
    for number in 1..=500 {
        let send = json!({ "match_id": id, "op_code": number.to_string(), "data": data });
        sender.send(json!({ "match_data_send": send })).await;
    }
    reading.await.unwrap();
}

#[tokio::test]
async fn web_sockets_count_as_connections() {
    let server = Server::start_with(&[("socket.max_sessions", "3")], |_| {});
    let token = server.login("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(server.connect_with(&token).await);
    }
    assert!(
        server.try_connect_with(&token).await.is_none(),
        "the fourth is one too many"
    );
}

/// Says goodbye when the server stops, and ends.
#[derive(Component, Default)]
struct Polite;

impl MatchKind for Polite {
    const NAME: &'static str = "polite";

    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self))
    }
}

fn say_goodbye(mut matches: Matches<Polite>) {
    matches.each(|game| {
        game.broadcast(9, "goodbye").send();
        game.end();
    });
}

#[tokio::test]
async fn the_last_words_of_matches_arrive_before_the_closing_frame() {
    let server = Server::start(|app| {
        app.add_match::<Polite>()
            .add_systems(MatchTerminate, say_goodbye)
            .add_rpc("polite", |_: In<RpcCall>, mut directory: MatchDirectory| {
                RpcResult::Ok(
                    directory
                        .create(Polite::NAME, &MatchParams::new())?
                        .to_string(),
                )
            });
    });
    let mut sockets = Vec::new();
    for number in 0..40 {
        let mut socket = server.connect(&format!("player-{number}")).await;
        let made = socket.ask("rpc", json!({ "id": "polite" })).await;
        socket
            .ask("match_join", json!({ "match_id": made["rpc"]["payload"] }))
            .await;
        sockets.push(socket);
    }
    let grace = std::time::Duration::from_secs(60);
    let stopped = tokio::task::spawn_blocking(move || server.stop_within(grace));
    for mut socket in sockets {
        assert_eq!(socket.next_event("match_data").await["op_code"], "9");
        assert_eq!(socket.ended().await.code, Some(1001));
    }
    stopped.await.unwrap();
}
