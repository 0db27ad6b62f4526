//! What the store promises, kept by a server that is killed and by one that runs out of room.

use std::{collections::BTreeMap, env};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tiltyard_tests::{
    process::Process,
    server::{Server, Socket},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Names of objects that a writer always writes together, with the same number.
const KEYS: [&str; 2] = ["left", "right"];

/// A player who keeps numbers in storage.
#[derive(Clone)]
struct Writer {
    id: String,
    header: String,
}

impl Writer {
    async fn login(server: &Server, name: &str) -> Self {
        let header = format!("Authorization: Bearer {}\r\n", server.login(name).await);
        let account = server.http("GET", "/v2/account", &header, "").await;
        let id = account["user"]["id"].as_str().unwrap().to_owned();
        Self { id, header }
    }

    /// Whether it was acknowledged; the status if it was answered at all.
    async fn write(&self, server: &Server, number: u64, filler: &str) -> Option<u16> {
        let value = json!({ "number": number, "filler": filler }).to_string();
        let object = |key: &str| json!({ "collection": "numbers", "key": key, "value": value });
        let body = json!({ "objects": KEYS.map(object) }).to_string();
        let answer = server.try_http("PUT", "/v2/storage", &self.header, &body);
        let (status, body) = answer.await.ok()?;
        match status {
            200 => assert_eq!(body["acks"].as_array().map(Vec::len), Some(KEYS.len())),
            _ => assert_eq!(
                body,
                json!({ "code": 14, "message": "Error writing storage objects." })
            ),
        }
        Some(status)
    }

    /// The number that is kept; 0 if there is none.
    async fn read(&self, server: &Server) -> u64 {
        let id = |key: &str| json!({ "collection": "numbers", "key": key, "user_id": self.id });
        let body = json!({ "object_ids": KEYS.map(id) }).to_string();
        let found = server
            .http("POST", "/v2/storage", &self.header, &body)
            .await;
        let objects = found["objects"].as_array().cloned().unwrap_or_default();
        let numbers: Vec<u64> = objects.iter().map(number_of).collect();
        match *numbers {
            [] => 0,
            [left, right] if left == right => left,
            _ => panic!("a batch was torn: {numbers:?}"),
        }
    }
}

fn number_of(object: &Value) -> u64 {
    let value: Value = serde_json::from_str(object["value"].as_str().unwrap()).unwrap();
    value["number"].as_u64().unwrap()
}

/// Writes ever greater numbers until nobody answers, and tells the last that was acknowledged.
async fn write_on(
    address: std::net::SocketAddr,
    writer: Writer,
    mut number: u64,
    acknowledged: mpsc::Sender<()>,
) -> u64 {
    let server = Server::at(address.to_string());
    while let Some(status) = writer.write(&server, number + 1, "").await {
        assert_eq!(status, 200);
        number += 1;
        // Nobody counts any more when the server is being killed.
        acknowledged.send(()).await.ok();
    }
    number
}

/// `TILTYARD_TEST_KILLS` is how often the server is killed, 20 times if it is not set.
#[tokio::test]
async fn what_was_acknowledged_survives_kills_in_the_middle_of_writing() {
    const WRITERS: [&str; 3] = ["ann", "bob", "eve"];
    let kills = env::var("TILTYARD_TEST_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let mut last = BTreeMap::from(WRITERS.map(|name| (name, 0)));
    for round in 0..=kills {
        let process = Process::start(env!("CARGO_BIN_EXE_fixture"), data.path());
        let server = &process.server;
        let (sender, mut acknowledged) = mpsc::channel(16);
        let mut writing = Vec::new();
        for (name, last) in &mut last {
            let writer = Writer::login(server, name).await;
            let kept = writer.read(server).await;
            assert!(
                kept == *last || kept == *last + 1,
                "{name} was told of {last}, and {kept} is kept after {round} kills"
            );
            *last = kept;
            if round < kills {
                let sender = sender.clone();
                let writing_on = write_on(server.address, writer, kept, sender);
                writing.push((*name, tokio::spawn(writing_on)));
            }
        }
        if round == kills {
            break;
        }
        // Not always as many, so that it is not always at the same point of a write.
        for _ in 0..(3 + round * 7 % 11) {
            acknowledged.recv().await.unwrap();
        }
        process.kill();
        drop(acknowledged);
        for (name, writing) in writing {
            last.insert(name, writing.await.unwrap());
        }
    }
    assert!(last.values().sum::<u64>() >= 3 * kills, "{last:?}");
}

/// The tick that a match is in.
async fn tick(socket: &mut Socket, match_id: &str) -> u64 {
    let ask = json!({ "match_id": match_id, "op_code": "11", "data": "" });
    socket.send(json!({ "match_data_send": ask })).await;
    let data = socket.next_event("match_data").await;
    let data = BASE64_STANDARD.decode(data["data"].as_str().unwrap());
    let told: Value = serde_json::from_slice(&data.unwrap()).unwrap();
    told["tick"].as_u64().unwrap()
}

#[tokio::test]
async fn a_full_disk_fails_writes_and_nothing_else_until_there_is_room_again() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(env!("CARGO_BIN_EXE_fixture"), data.path());
    let server = &process.server;
    let ann = Writer::login(server, "ann").await;
    let mut socket = server.connect("bob").await;
    let made = socket.ask("rpc", json!({ "id": "cf_match_create" })).await;
    let made: Value = serde_json::from_str(made["rpc"]["payload"].as_str().unwrap()).unwrap();
    let match_id = made["match_id"].as_str().unwrap();
    let join = json!({ "match_id": match_id });
    socket.ask("match_join", join).await["match"]["match_id"]
        .as_str()
        .unwrap();
    assert_eq!(ann.write(server, 1, "").await, Some(200));

    process.limit_files(Some(data.path()));
    let filler = "x".repeat(100_000);
    let mut number = 1;
    let status = loop {
        let status = ann.write(server, number + 1, &filler).await.unwrap();
        if status != 200 {
            break status;
        }
        number += 1;
        assert!(number < 100, "20 MB do not fit where there is no room");
    };
    assert_eq!(status, 503);
    let mut ticked = tick(&mut socket, match_id).await;
    for _ in 0..5 {
        assert_eq!(ann.write(server, number + 1, &filler).await, Some(503));
        assert_eq!(
            ann.read(server).await,
            number,
            "what was acknowledged is there"
        );
        assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
        let now = tick(&mut socket, match_id).await;
        assert!(now > ticked, "the match goes on");
        ticked = now;
    }
    // A login that makes an account is a write, too; one that does not is none.
    let newcomer = json!({ "id": Uuid::new_v4() .to_string() }).to_string();
    let key = "Authorization: Basic ZGVmYXVsdGtleTo=\r\n";
    let path = "/v2/account/authenticate/device";
    let refused = server.try_http("POST", path, key, &newcomer).await.unwrap();
    assert_eq!(refused.0, 503, "{refused:?}");
    server.login("ann").await;

    process.limit_files(None);
    assert_eq!(ann.write(server, number + 1, &filler).await, Some(200));
    assert_eq!(ann.read(server).await, number + 1);
    let welcome = server.try_http("POST", path, key, &newcomer).await.unwrap();
    assert_eq!(welcome.0, 200, "{welcome:?}");
    assert!(tick(&mut socket, match_id).await > ticked);
}
