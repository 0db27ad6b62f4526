//! How old is the newest state that a player has, over a network that loses packets?
//!
//! One match broadcasts 32 bytes at 30 Hz, newest only, to players over QUIC, WebTransport and WebSocket at
//! once; the network between is 60 ms there and back. For each share of lost packets the age of the newest
//! state is taken every millisecond, as a game would that draws, and once at every arrival.
//! `cargo bench -p tiltyard-tests --bench age`; takes about a minute and a half, prints a table, and
//! writes `age.svg` and `age.json` into `target/bench`.
//!
//! Packets of QUIC are lost. A WebSocket's cannot be taken from inside a process, so there it is the
//! delay that is made: `tiltyard-link` says how. Client and server share one clock, that of this process.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    cell::Cell,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::LazyLock,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tiltyard::prelude::*;
use tiltyard_link::Profile;
use tiltyard_tests::{
    bench::{Plot, Table, output_folder, percentile, sorted},
    quic::{Kind, QuicSocket, Stranger, dial_through},
    server::{Server, Socket},
};
use tokio::{net::TcpListener, task::LocalSet};
use tokio_util::sync::CancellationToken;

const LOSSES_PERCENT: [u32; 4] = [0, 1, 5, 10];
const DELAY: Duration = Duration::from_millis(30);
const JITTER: Duration = Duration::from_millis(5);
const TICK_RATE_HZ: u8 = 30;
/// Players over each transport, whose ages are put together.
const PLAYERS: usize = 4;
/// For how long ages are taken, after the connections have found out what the network is like.
const SAMPLE_TIME: Duration = Duration::from_secs(15);
const WARM_UP: Duration = Duration::from_secs(5);
const OP_STATE: i64 = 1;
/// A state message: eight bytes of time and a little of everything.
const STATE_BYTES: usize = 32;

/// The clock of everybody in this process.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_ms() -> f64 {
    START.elapsed().as_secs_f64() * 1000.0
}

#[derive(Component, Default)]
struct Pulse;

impl MatchKind for Pulse {
    const NAME: &'static str = "pulse";
    const DELIVERY: &'static [(i64, Delivery)] = &[(OP_STATE, Delivery::Newest)];
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(TICK_RATE_HZ))
    }
}

fn broadcast(mut matches: Matches<Pulse>) {
    matches.each(|game| {
        let mut state = vec![0; STATE_BYTES];
        state[..8].copy_from_slice(&now_ms().to_le_bytes());
        game.broadcast(OP_STATE, state).send();
    });
}

fn time_of(state: &[u8]) -> f64 {
    let bytes = state.first_chunk().copied().unwrap_or_default();
    f64::from_le_bytes(bytes)
}

/// What was seen over one transport at one share of loss.
#[derive(Default)]
struct Seen {
    /// Of the newest state, every millisecond.
    ages: Vec<f64>,
    /// Of each state when it came.
    arrivals: Vec<f64>,
}

fn main() {
    LazyLock::force(&START);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = Server::start(|app| {
        app.add_match::<Pulse>().add_systems(MatchLoop, broadcast);
        app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Pulse::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    });
    let bound = DELAY.as_secs_f64() * 1000.0
        + JITTER.as_secs_f64() * 1000.0
        + 1000.0 / f64::from(TICK_RATE_HZ);
    println!(
        "{STATE_BYTES} bytes at {TICK_RATE_HZ} Hz, {} ms and up to {} ms more each way, {PLAYERS} players a transport, {} s; ages in ms\n",
        DELAY.as_millis(),
        JITTER.as_millis(),
        SAMPLE_TIME.as_secs(),
    );
    let mut table = Table::new(&[
        "",
        "loss",
        "states",
        "arrival p50",
        "arrival p99",
        "age p50",
        "age p99",
        "age p99.9",
        "bound",
    ]);
    let mut plot = Plot::new(
        "Age of the newest state, 99 % of the time below",
        "lost packets, %",
        "ms",
    );
    let mut results = Vec::new();
    let mut lines = vec![Vec::new(); NAMES.len()];
    for loss in LOSSES_PERCENT {
        let seen = LocalSet::new().block_on(&runtime, measure(&server, loss));
        for ((name, seen), line) in NAMES.iter().zip(seen).zip(&mut lines) {
            let (ages, arrivals) = (sorted(seen.ages), sorted(seen.arrivals));
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| percentile(&ages, share));
            let [arrival_p50, arrival_p99] = [0.5, 0.99].map(|share| percentile(&arrivals, share));
            table.row(
                [
                    (*name).to_owned(),
                    format!("{loss} %"),
                    arrivals.len().to_string(),
                ]
                .into_iter()
                .chain(
                    [arrival_p50, arrival_p99, p50, p99, p999, bound]
                        .map(|number| format!("{number:.1}")),
                ),
            );
            line.push((f64::from(loss), p99));
            results.push(json!({
                "transport": name, "loss_percent": loss, "states": arrivals.len(),
                "arrival_ms": { "p50": arrival_p50, "p99": arrival_p99 },
                "age_ms": { "p50": p50, "p99": p99, "p999": p999 }, "bound_ms": bound,
            }));
        }
    }
    println!("{table}");
    for (name, line) in NAMES.iter().zip(lines) {
        plot.line(name, line);
    }
    plot.bound("RTT/2 + jitter + 1 tick", vec![(0.0, bound), (10.0, bound)]);
    let folder = output_folder();
    plot.save(&folder.join("age.svg"))
        .expect("the plot is written");
    let text = serde_json::to_string_pretty(&results).expect("plain data");
    std::fs::write(folder.join("age.json"), text).expect("the results are written");
    server.stop();
}

const NAMES: [&str; 3] = ["QUIC", "WebTransport", "WebSocket"];

async fn measure(server: &Server, loss: u32) -> [Seen; 3] {
    let profile = |seed: usize| -> Profile {
        format!(
            "delay={}ms,jitter={}ms,loss={loss}%,seed={seed}",
            DELAY.as_millis(),
            JITTER.as_millis()
        )
        .parse()
        .expect("a profile")
    };
    let mut owner = server.connect("owner").await;
    let made = owner.ask("rpc", json!({ "id": "create" })).await;
    let match_id = made["rpc"]["payload"].as_str().expect("an id").to_owned();
    let stop = CancellationToken::new();
    let mut players = Vec::new();
    for number in 0..PLAYERS {
        for (kind, name) in [(Kind::Quic, "quic"), (Kind::WebTransport, "webtransport")] {
            let token = server.login(&format!("{name}-{number}-{loss}")).await;
            let (endpoint, session) = dial_through(server, kind, &profile(number)).await;
            let mut socket = Stranger::open(endpoint, session).await.hello(&token).await;
            socket.join(&match_id).await;
            players.push(tokio::task::spawn_local(watch_datagrams(socket)));
        }
        let token = server.login(&format!("websocket-{number}-{loss}")).await;
        let relay = relay(server.address, profile(number), stop.clone()).await;
        let mut socket = Server::at(relay.to_string()).connect_with(&token).await;
        socket
            .ask("match_join", json!({ "match_id": match_id }))
            .await;
        players.push(tokio::task::spawn_local(watch_socket(socket)));
    }
    let mut seen = [Seen::default(), Seen::default(), Seen::default()];
    for (number, player) in players.into_iter().enumerate() {
        let Seen { ages, arrivals } = player.await.expect("a player stays");
        let all = &mut seen[number % NAMES.len()];
        all.ages.extend(ages);
        all.arrivals.extend(arrivals);
    }
    stop.cancel();
    seen
}

/// A way to the server that is as bad as this; for TCP.
async fn relay(target: SocketAddr, profile: Profile, stop: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::task::spawn_local(async move {
        let relay = tiltyard_link::drive_relay(listener, target, &profile, stop.cancelled());
        relay.await.expect("the relay runs");
    });
    address
}

async fn watch_datagrams(socket: QuicSocket) -> Seen {
    let newest = Rc::new(Cell::new(f64::NAN));
    let arrivals = {
        let newest = newest.clone();
        async move |seen: &mut Seen| loop {
            let datagram = socket.next_datagram().await;
            note(&newest, time_of(&datagram.data), seen);
        }
    };
    watch(&newest, arrivals).await
}

async fn watch_socket(socket: Socket) -> Seen {
    let newest = Rc::new(Cell::new(f64::NAN));
    let arrivals = {
        let (newest, mut socket) = (newest.clone(), socket);
        async move |seen: &mut Seen| loop {
            let event: Value = socket.next_event("match_data").await;
            let text = event["data"].as_str().unwrap_or_default();
            let data = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text);
            note(&newest, time_of(&data.unwrap_or_default()), seen);
        }
    };
    watch(&newest, arrivals).await
}

fn note(newest: &Cell<f64>, time: f64, seen: &mut Seen) {
    // A second copy is not news.
    if newest.get() < time || newest.get().is_nan() {
        newest.set(time);
        seen.arrivals.push(now_ms() - time);
    }
}

/// Takes the age of the newest state every millisecond while `arrivals` keeps it up to date.
async fn watch(newest: &Cell<f64>, mut arrivals: impl AsyncFnMut(&mut Seen)) -> Seen {
    let mut warm_up = Seen::default();
    let time = tokio::time::sleep(WARM_UP);
    tokio::select! {
        () = arrivals(&mut warm_up) => {}
        () = time => {}
    }
    let mut seen = Seen::default();
    let mut ages = Vec::new();
    let sample = async {
        let mut period = tokio::time::interval(Duration::from_millis(1));
        let until = Instant::now() + SAMPLE_TIME;
        while Instant::now() < until {
            period.tick().await;
            ages.push(now_ms() - newest.get());
        }
    };
    tokio::select! {
        () = arrivals(&mut seen) => {}
        () = sample => {}
    }
    seen.ages = ages;
    seen
}
