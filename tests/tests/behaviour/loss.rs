//! Over a network that loses packets: what is reliable arrives once and in order, and the rest is fresh.

use serde_json::json;
use tiltyard::prelude::*;
use tiltyard_link::Profile;
use tiltyard_tests::{
    quic::{Kind, QuicSocket, Stranger, dial_through},
    server::Server,
};

const OP_COUNT: i64 = 1;
const OP_STATE: i64 = 2;
/// Numbers that are sent in each direction.
const NUMBERS: u32 = 300;

/// Counts for everybody, reliably, and says how far it is, newest only; remembers what it is told.
#[derive(Component, Default)]
struct Counter {
    sent: u32,
    heard: Vec<u32>,
}

impl MatchKind for Counter {
    const NAME: &'static str = "counter";
    const DELIVERY: &'static [(i64, Delivery)] = &[(OP_STATE, Delivery::Newest)];
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self::default()).tick_rate(60))
    }
}

fn count(mut matches: Matches<Counter>) {
    matches.each(|game| {
        for message in game.take_messages() {
            let number = number_of(&message.data);
            game.state.heard.push(number);
            if game.state.heard.len() == NUMBERS as usize {
                // As it came: a client that sent 0, 1, 2 … is told so.
                let in_order = game.state.heard.iter().zip(0..).all(|(a, b)| *a == b);
                game.broadcast(9, if in_order { "in order" } else { "in disorder" })
                    .send();
            }
        }
        if game.participants().is_empty() || game.state.sent >= NUMBERS {
            return;
        }
        let number = game.state.sent.to_be_bytes().to_vec();
        game.state.sent += 1;
        game.broadcast(OP_COUNT, number.clone()).send();
        game.broadcast(OP_STATE, number).send();
    });
}

fn number_of(data: &[u8]) -> u32 {
    data.first_chunk()
        .copied()
        .map_or(u32::MAX, u32::from_be_bytes)
}

fn games(app: &mut App) {
    app.add_match::<Counter>().add_systems(MatchLoop, count);
    app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
        let id = directory.create(Counter::NAME, &MatchParams::default());
        Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
    });
}

async fn joined(server: &Server, kind: Kind, network: &str) -> (QuicSocket, String) {
    let network: Profile = network.parse().unwrap();
    let token = server.login("alice").await;
    let (endpoint, session) = dial_through(server, kind, &network).await;
    let mut socket = Stranger::open(endpoint, session).await.hello(&token).await;
    let made = socket.ask("rpc", json!({ "id": "create" })).await;
    let id = made["rpc"]["payload"].as_str().unwrap().to_owned();
    socket.join(&id).await;
    (socket, id)
}

fn decoded(event: &serde_json::Value) -> Vec<u8> {
    let text = event["data"].as_str().unwrap();
    base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).unwrap()
}

#[tokio::test]
async fn reliable_data_arrives_once_and_in_order_at_five_percent_loss() {
    for kind in [Kind::Quic, Kind::WebTransport] {
        let server = Server::start(games);
        let network = "delay=30ms,jitter=5ms,loss=5%,reorder=1%,duplicate=1%,seed=11";
        let (mut socket, id) = joined(&server, kind, network).await;
        for number in 0..NUMBERS {
            let data =
                base64::Engine::encode(&base64::prelude::BASE64_STANDARD, number.to_be_bytes());
            let send = json!({ "match_id": id, "op_code": "1", "data": data, "reliable": true });
            socket.send(json!({ "match_data_send": send })).await;
        }
        let mut next = 0;
        let mut verdict = None;
        while next < NUMBERS || verdict.is_none() {
            let event = socket.next_event("match_data").await;
            if event["op_code"] == "9" {
                verdict = Some(decoded(&event));
            } else {
                assert_eq!(number_of(&decoded(&event)), next, "{kind:?}");
                next += 1;
            }
        }
        assert_eq!(verdict.as_deref(), Some(&b"in order"[..]), "{kind:?}");
    }
}

#[tokio::test]
async fn of_newest_only_data_nearly_all_arrives_because_it_is_sent_twice() {
    let server = Server::start(games);
    let network = "delay=30ms,loss=10%,seed=12";
    let (socket, _) = joined(&server, Kind::Quic, network).await;
    let mut bodies = std::collections::BTreeMap::new();
    let mut copies = 0;
    loop {
        // The last of them may be lost, and its copy, too.
        let patience = std::time::Duration::from_secs(5);
        let Ok(datagram) = tokio::time::timeout(patience, socket.next_datagram()).await else {
            break;
        };
        let number = number_of(&datagram.data);
        match bodies.insert(datagram.sequence, number) {
            None => {}
            Some(before) => {
                assert_eq!(before, number, "one number, one message");
                copies += 1;
            }
        }
    }
    assert!(bodies.values().is_sorted(), "numbers are given in order");
    let share = bodies.len() * 100 / NUMBERS as usize;
    // Before the loss is noticed a tenth is missing, afterwards a hundredth.
    assert!(share >= 93, "{share} of 100 arrived");
    assert!(copies >= bodies.len() / 2, "{copies} copies came");
}

#[tokio::test]
async fn more_unreliable_data_than_the_path_carries_does_not_hold_up_the_rest() {
    const BYTES: usize = 1000;
    /// Sends ten times what the path carries, and counts reliably beside it.
    #[derive(Component, Default)]
    struct Flood(u32);
    impl MatchKind for Flood {
        const NAME: &'static str = "flood";
        fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
            Ok(MatchInit::new(Self::default()).tick_rate(60))
        }
    }
    fn flood(mut matches: Matches<Flood>) {
        matches.each(|game| {
            if game.participants().is_empty() || game.state.0 >= NUMBERS {
                return;
            }
            let number = game.state.0.to_be_bytes().to_vec();
            game.state.0 += 1;
            game.broadcast(OP_COUNT, number).send();
            for _ in 0..4 {
                game.broadcast(OP_STATE, vec![0; BYTES]).unreliable().send();
            }
        });
    }
    let server = Server::start(|app| {
        app.add_match::<Flood>().add_systems(MatchLoop, flood);
        app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Flood::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    });
    let network = "delay=10ms,rate=200kbit,queue=16kb,seed=5";
    let (mut socket, _) = joined(&server, Kind::Quic, network).await;
    for next in 0..NUMBERS {
        let event = socket.next_event("match_data").await;
        assert_eq!(number_of(&decoded(&event)), next);
    }
}

#[tokio::test]
async fn the_server_can_make_the_network_bad_itself() {
    let options = [("dev.network", "delay=20ms,jitter=2ms,loss=5%,seed=3")];
    let server = Server::start_with(&options, games);
    let mut socket = QuicSocket::connect(&server, Kind::WebTransport, "alice").await;
    for _ in 0..20 {
        assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
    }
    let rtt = socket.stranger.session.rtt();
    assert!(
        rtt >= std::time::Duration::from_millis(40),
        "there and back: {rtt:?}"
    );
    let mut bob = server.connect("bob").await;
    let sent = std::time::Instant::now();
    assert_eq!(bob.ask("ping", json!({})).await["pong"], json!({}));
    assert!(
        sent.elapsed() >= std::time::Duration::from_millis(40),
        "a WebSocket goes the same way"
    );
}
