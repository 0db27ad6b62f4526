//! What players notice of a PostgreSQL that freezes or crashes: in their matches nothing.
//!
//! Run where `TILTYARD_TEST_STORE` is `both`, since each test starts a PostgreSQL of its own.
//! `TILTYARD_OUTAGE_SECS` makes the outage last at least so many seconds; else it lasts until all that has to
//! be seen of it has been seen.

use std::{
    env,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tiltyard::{
    DataResult, ObjectAck, ObjectId, ObjectWrite, RpcAnswer, Storage, TicksSkipped, prelude::*,
};
use tiltyard_tests::{
    cluster::Cluster,
    server::{Server, Socket},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

const TICK_RATE_HZ: u8 = 30;
/// How often each kind of call is made while the database is out.
const ROUNDS: u32 = 2;
/// For what must happen at some time.
const PATIENCE: Duration = Duration::from_secs(30);
const SERVER_KEY: &str = "Authorization: Basic ZGVmYXVsdGtleTo=\r\n";

/// A match that tells whoever asks how it is doing.
#[derive(Component, Default)]
struct Pulse;

impl MatchKind for Pulse {
    const NAME: &'static str = "pulse";
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(TICK_RATE_HZ))
    }
}

fn tell(mut matches: Matches<Pulse>, skipped: Res<TicksSkipped>) {
    matches.each(|game| {
        let told = json!({ "tick": game.tick(), "skipped": skipped.0 }).to_string();
        for message in game.take_messages() {
            game.broadcast(message.op_code, told.clone())
                .to(&message.sender)
                .send();
        }
    });
}

/// Game code that keeps something.
fn keep(In(_): In<RpcCall>, mut storage: Storage) -> RpcAnswer {
    let write = ObjectWrite::new(ObjectId::of_server("notes", "last"), "{}".to_owned());
    storage.write([write]).then((), kept)
}

fn kept(In((_, kept)): In<((), DataResult<Vec<ObjectAck>>)>) -> RpcResult {
    kept?;
    Ok(String::new())
}

fn start_server(cluster: &Cluster) -> Server {
    let options = [
        ("database.address", &*cluster.address),
        ("session.token_expiry_sec", "3600"),
    ];
    Server::start_with(&options, |app| {
        app.add_match::<Pulse>().add_systems(MatchLoop, tell);
        app.add_later_rpc("keep", keep);
        app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Pulse::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    })
}

/// A cluster, or `None` and a word about it where these tests are not wanted.
fn cluster() -> Option<Cluster> {
    if env::var("TILTYARD_TEST_STORE").as_deref() == Ok("both") {
        return Some(Cluster::start().unwrap());
    }
    eprintln!("skipped: TILTYARD_TEST_STORE is not `both`");
    None
}

/// A count that others can wait for.
#[derive(Clone)]
struct Count(Arc<watch::Sender<u64>>);

impl Count {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    fn add_one(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    fn now(&self) -> u64 {
        *self.0.borrow()
    }

    async fn grows_by(&self, more: u64) {
        let mut seen = self.0.subscribe();
        let goal = self.now() + more;
        let reached = timeout(PATIENCE, seen.wait_for(|count| *count >= goal)).await;
        reached.expect("it goes on").unwrap();
    }
}

/// Somebody who plays and plays, and is never disconnected.
async fn play(
    mut socket: Socket,
    match_id: String,
    answers: Count,
    stop: CancellationToken,
) -> u64 {
    let join = json!({ "match_id": match_id });
    socket.ask("match_join", join).await["match"]["match_id"]
        .as_str()
        .unwrap();
    let (mut tick, mut skipped) = (0, 0);
    while !stop.is_cancelled() {
        let ask = json!({ "match_id": match_id, "op_code": "1", "data": "" });
        socket.send(json!({ "match_data_send": ask })).await;
        let event = socket.next_event("match_data").await;
        let told = BASE64_STANDARD.decode(event["data"].as_str().unwrap());
        let told: Value = serde_json::from_slice(&told.unwrap()).unwrap();
        let now = told["tick"].as_u64().unwrap();
        assert!(now > tick || tick == 0, "one answer a tick");
        (tick, skipped) = (now, told["skipped"].as_u64().unwrap());
        answers.add_one();
    }
    assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
    skipped
}

/// A user who keeps a number in storage.
struct Writer {
    server: Server,
    id: String,
    header: String,
    tried: u64,
    acknowledged: u64,
}

impl Writer {
    async fn login(address: SocketAddr, name: &str) -> Self {
        let server = Server::at(address.to_string());
        let header = format!("Authorization: Bearer {}\r\n", server.login(name).await);
        let account = server.http("GET", "/v2/account", &header, "").await;
        Self {
            server,
            id: account["user"]["id"].as_str().unwrap().to_owned(),
            header,
            tried: 0,
            acknowledged: 0,
        }
    }

    /// Writes ever greater numbers.
    async fn write_on(mut self, acknowledgements: Count, stop: CancellationToken) -> Self {
        while !stop.is_cancelled() {
            self.tried += 1;
            let value = json!({ "number": self.tried }).to_string();
            let object = json!({ "collection": "numbers", "key": "last", "value": value });
            let body = json!({ "objects": [object] }).to_string();
            let asked = self
                .server
                .try_http("PUT", "/v2/storage", &self.header, &body);
            match asked.await.unwrap() {
                (200, _) => {
                    self.acknowledged = self.tried;
                    acknowledgements.add_one();
                }
                (status, body) => assert_eq!((status, &body["code"]), (503, &json!(14)), "{body}"),
            }
        }
        self
    }

    async fn read(&self) -> u64 {
        let id = json!({ "collection": "numbers", "key": "last", "user_id": self.id });
        let body = json!({ "object_ids": [id] }).to_string();
        let asked = self.server.http("POST", "/v2/storage", &self.header, &body);
        let found = asked.await;
        let value = found["objects"][0]["value"].as_str().unwrap_or("{}");
        let value: Value = serde_json::from_str(value).unwrap();
        value["number"].as_u64().unwrap_or_default()
    }
}

/// A call that needs the database.
struct Call {
    method: &'static str,
    path: &'static str,
    header: String,
    body: String,
}

/// One of each sort: logins, readings, changes, game code.
fn calls(header: &str) -> Vec<Call> {
    let call = |method, path, header: &str, body: Value| Call {
        method,
        path,
        header: header.to_owned(),
        body: if body.is_null() {
            String::new()
        } else {
            body.to_string()
        },
    };
    let new = json!({ "id": "device-of-a-newcomer" });
    let known = json!({ "id": "device-of-caller" });
    let device = "/v2/account/authenticate/device";
    let object = json!({ "collection": "notes", "key": "one", "value": "{}" });
    let id = json!({ "collection": "notes", "key": "one" });
    vec![
        call("POST", device, SERVER_KEY, new),
        call("POST", device, SERVER_KEY, known),
        call("GET", "/v2/account", header, Value::Null),
        call(
            "PUT",
            "/v2/account",
            header,
            json!({ "display_name": "Cal" }),
        ),
        call("PUT", "/v2/storage", header, json!({ "objects": [object] })),
        call("POST", "/v2/storage", header, json!({ "object_ids": [id] })),
        call("GET", "/v2/storage/notes", header, Value::Null),
        call("GET", "/v2/friend", header, Value::Null),
        call("GET", "/v2/notification", header, Value::Null),
        call("GET", "/v2/group", header, Value::Null),
        call("POST", "/v2/rpc/keep", header, json!("")),
    ]
}

impl Call {
    async fn make(&self, server: &Server) -> u16 {
        let Self { method, path, .. } = self;
        let asked = server.try_http(method, path, &self.header, &self.body);
        let (status, body) = asked.await.unwrap();
        match status {
            200 => {}
            _ => assert_eq!(
                (status, &body["code"]),
                (503, &json!(14)),
                "{method} {path}: {body}"
            ),
        }
        status
    }

    async fn succeeds_at_last(&self, server: &Server) {
        while self.make(server).await != 200 {}
    }
}

/// What goes on all the time.
struct Life {
    stop: CancellationToken,
    answers: Vec<Count>,
    acknowledgements: Vec<Count>,
    players: Vec<JoinHandle<u64>>,
    writers: Vec<JoinHandle<Writer>>,
}

impl Life {
    async fn begin(server: &Server) -> Self {
        let stop = CancellationToken::new();
        let mut life = Self {
            stop: stop.clone(),
            answers: Vec::new(),
            acknowledgements: Vec::new(),
            players: Vec::new(),
            writers: Vec::new(),
        };
        for name in ["ann", "bob"] {
            let mut socket = server.connect(name).await;
            let made = socket.ask("rpc", json!({ "id": "create" })).await;
            let match_id = made["rpc"]["payload"].as_str().unwrap().to_owned();
            let answers = Count::new();
            let playing = play(socket, match_id, answers.clone(), stop.clone());
            life.players.push(tokio::spawn(playing));
            life.answers.push(answers);
        }
        for name in ["cid", "dan", "eve"] {
            let writer = Writer::login(server.address, name).await;
            let acknowledgements = Count::new();
            let writing = writer.write_on(acknowledgements.clone(), stop.clone());
            life.writers.push(tokio::spawn(writing));
            life.acknowledgements.push(acknowledgements);
        }
        life
    }

    /// Everybody is answered a few times more.
    async fn goes_on(&self) {
        let all = self.answers.iter().chain(&self.acknowledgements);
        join_all(all.map(|count| count.grows_by(5))).await;
    }

    /// How often each player was answered.
    fn answers(&self) -> Vec<u64> {
        self.answers.iter().map(Count::now).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        for player in self.players {
            let skipped = player.await.unwrap();
            eprintln!("ticks skipped in all: {skipped}");
            // A machine that is busy otherwise skips some. A world that waits for one call as long as a call
            // waits for the database would skip three seconds' worth.
            assert!(
                skipped < u64::from(TICK_RATE_HZ),
                "{skipped} ticks were skipped"
            );
        }
        for writer in self.writers {
            let writer = writer.await.unwrap();
            let (kept, last) = (writer.read().await, writer.acknowledged);
            eprintln!("acknowledged {last}, kept {kept}, tried {}", writer.tried);
            assert!(
                last <= kept && kept <= writer.tried,
                "{last} was acknowledged, {kept} is kept"
            );
        }
    }
}

/// Lets a database go away under a server at work, and come back.
async fn outlive(begin: fn(&Cluster), end: fn(&Cluster)) {
    let Some(cluster) = cluster() else { return };
    let at_least = env::var("TILTYARD_OUTAGE_SECS").map_or(0, |secs| secs.parse().unwrap());
    let server = start_server(&cluster);
    let header = format!("Authorization: Bearer {}\r\n", server.login("caller").await);
    let calls = calls(&header);
    let life = Life::begin(&server).await;
    life.goes_on().await;

    begin(&cluster);
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds < ROUNDS || start.elapsed() < Duration::from_secs(at_least) {
        let before = life.answers();
        let statuses = join_all(calls.iter().map(|call| call.make(&server))).await;
        for (status, call) in statuses.into_iter().zip(&calls) {
            assert_eq!(status, 503, "{} {}", call.method, call.path);
        }
        for (before, after) in before.into_iter().zip(life.answers()) {
            eprintln!("answers to a player while calls waited: {}", after - before);
            assert!(after > before + 5, "matches tick on while calls wait");
        }
        rounds += 1;
    }
    end(&cluster);
    let back_since = Instant::now();
    let back = join_all(calls.iter().map(|call| call.succeeds_at_last(&server)));
    timeout(PATIENCE, back).await.expect("calls work again");
    eprintln!("every call worked again after {:?}", back_since.elapsed());
    life.goes_on().await;
    life.end().await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_freezes_costs_no_match_a_tick_and_no_writer_an_acknowledged_write() {
    outlive(Cluster::freeze, Cluster::thaw).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_costs_no_match_a_tick_and_no_writer_an_acknowledged_write() {
    outlive(Cluster::crash, Cluster::restart).await;
}
