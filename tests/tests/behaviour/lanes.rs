//! Reliable data is not lost, and who does not read costs only itself.

use std::env;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tiltyard_tests::{
    quic::{Kind, QuicSocket},
    server::{Ended, Server, Socket},
};

/// Clients of a match; every fifth of them never reads.
const CLIENTS_PER_MATCH: usize = 50;
const READERS_PER_MATCH: usize = 40;
/// 800 KB a client, three times what waits for one that does not read.
const MESSAGES: usize = 220;

fn numbered(id: &Value, number: usize, data: &str) -> Value {
    let send = json!({ "match_id": id, "op_code": number.to_string(), "data": data });
    json!({ "match_data_send": send })
}

/// `TILTYARD_SLOW_CLIENTS` is how many there are, 100 by default.
fn match_count() -> usize {
    let clients = env::var("TILTYARD_SLOW_CLIENTS").ok();
    let clients = clients.map_or(100, |clients| clients.parse().unwrap());
    clients / CLIENTS_PER_MATCH
}

/// One match, of which some do not read.
struct Table {
    id: Value,
    sender: Socket,
    readers: Vec<Socket>,
    sleepers: Vec<Socket>,
}

impl Table {
    async fn new(server: &Server, token: &str) -> Self {
        let mut sender = server.connect_with(token).await;
        let id = sender.ask("match_create", json!({})).await["match"]["match_id"].take();
        let (mut readers, mut sleepers) = (Vec::new(), Vec::new());
        for place in 0..CLIENTS_PER_MATCH {
            let reads = place < READERS_PER_MATCH;
            let mut socket = if reads {
                server.connect_with(token).await
            } else {
                server.connect_narrowly(token).await
            };
            socket.ask("match_join", json!({ "match_id": id })).await;
            let list = if reads { &mut readers } else { &mut sleepers };
            list.push(socket);
        }
        Self {
            id,
            sender,
            readers,
            sleepers,
        }
    }

    /// Sends everything to everybody, and waits until those who read have it.
    async fn play(mut self) -> Vec<Socket> {
        let data = BASE64_STANDARD.encode([7; 2700]);
        let sending = async {
            for number in 1..=MESSAGES {
                self.sender.send(numbered(&self.id, number, &data)).await;
            }
            // Presences and answers came meanwhile, and are no reason to be slow.
            self.sender.ask("ping", json!({})).await;
        };
        let reading = self.readers.iter_mut().map(async |reader| {
            for number in 1..=MESSAGES {
                let event = reader.next_event("match_data").await;
                assert_eq!(event["op_code"], number.to_string(), "all of it, in order");
            }
        });
        tokio::join!(sending, join_all(reading));
        for reader in &mut self.readers {
            assert_eq!(reader.ask("ping", json!({})).await["pong"], json!({}));
        }
        self.sleepers
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_closed_with_a_reason_and_costs_nobody_else_anything() {
    let options = [
        // They read when all is over.
        ("socket.close_ack_wait_ms", "120000"),
        ("socket.write_wait_ms", "120000"),
        ("session.token_expiry_sec", "3600"),
    ];
    let server = Server::start_with(&options, |_| {});
    let token = server.login("everybody").await;
    let tables: Vec<usize> = (0..match_count()).collect();
    let tables = join_all(tables.iter().map(|_| Table::new(&server, &token))).await;
    let sleepers = join_all(tables.into_iter().map(Table::play)).await;
    let expected = Ended {
        code: Some(1000),
        reason: "session outgoing queue full".to_owned(),
    };
    for mut sleeper in sleepers.into_iter().flatten() {
        assert_eq!(sleeper.ended().await, expected);
    }
}

const BURST: usize = 1000;

/// The numbers that came, in the order in which they did.
fn number_of(event: &Value) -> usize {
    event["op_code"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_thousand_messages_each_way_arrive_once_and_in_order_over_a_narrow_path() {
    let network = "delay=5ms,rate=4mbit,queue=64kb";
    let server = Server::start_with(&[("dev.network", network)], |_| {});
    let mut web = server.connect("web").await;
    let mut quic = QuicSocket::connect(&server, Kind::Quic, "quic").await;
    let id = web.ask("match_create", json!({})).await["match"]["match_id"].take();
    quic.join(id.as_str().unwrap()).await;
    let data = BASE64_STANDARD.encode([7; 30]);
    let reliable = |number| {
        let mut send = numbered(&id, number, &data);
        send["match_data_send"]["reliable"] = json!(true);
        send
    };
    // All is said before anything is heard.
    for number in 1..=BURST {
        web.send(reliable(number)).await;
        quic.send(reliable(number)).await;
    }
    for number in 1..=BURST {
        assert_eq!(number_of(&web.next_event("match_data").await), number);
        assert_eq!(number_of(&quic.next_event("match_data").await), number);
    }
    for socket in [
        &web.ask("ping", json!({})).await,
        &quic.ask("ping", json!({})).await,
    ] {
        assert!(socket.get("match_data").is_none(), "and nothing twice");
    }
}
