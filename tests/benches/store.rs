//! What do logins and storage cost, and what do matches notice of passwords being checked?
//!
//! A server in a process of its own, on SQLite and on a PostgreSQL with `fsync`, is asked over HTTP for five
//! seconds a row, by one caller and by 32. Then a hundred users log in by password at once, again and again,
//! while a player watches how evenly the ticks of a match at 30 Hz arrive.
//! `cargo bench -p tiltyard-tests --bench store`; takes about two minutes, prints two tables, and writes
//! `store.json` and `store.svg` into `target/bench`. CPU time is the server's without the database's own
//! processes; of SQLite it is all of it.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tiltyard_tests::{
    bench::{Plot, Table, output_folder, percentile, sorted},
    cluster::Cluster,
    process::Process,
    server::{Server, Socket},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use uuid::Uuid;

const ROW_TIME: Duration = Duration::from_secs(5);
const CALLERS: [usize; 2] = [1, 32];
const PASSWORDS: usize = 100;
const TICK_RATE_HZ: f64 = 30.0;
const SERVER_KEY: &str = "Authorization: Basic ZGVmYXVsdGtleTo=\r\n";
const DEVICE: &str = "/v2/account/authenticate/device";
const EMAIL: &str = "/v2/account/authenticate/email";

#[derive(Clone, Copy)]
enum Deed {
    NewLogin,
    KnownLogin,
    Write,
    Read,
}

const DEEDS: [(Deed, &str); 4] = [
    (Deed::NewLogin, "login, new device"),
    (Deed::KnownLogin, "login, known device"),
    (Deed::Write, "storage write"),
    (Deed::Read, "storage read"),
];

/// A connection that is kept.
struct Caller {
    stream: BufReader<TcpStream>,
    device: String,
    header: String,
    user_id: String,
}

impl Caller {
    /// Nobody yet.
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream: BufReader::new(stream),
            device: Uuid::new_v4().to_string(),
            header: SERVER_KEY.to_owned(),
            user_id: String::new(),
        }
    }

    /// A user with one object in storage.
    async fn login(address: SocketAddr) -> Self {
        let mut caller = Self::connect(address).await;
        let body = json!({ "id": caller.device });
        let token = loop {
            let (_, answer) = caller.ask("POST", DEVICE, SERVER_KEY, &body).await;
            if let Some(token) = answer["token"].as_str() {
                break token.to_owned();
            }
        };
        caller.header = format!("Authorization: Bearer {token}\r\n");
        let header = caller.header.clone();
        let (_, account) = caller
            .ask("GET", "/v2/account", &header, &Value::Null)
            .await;
        let id = account["user"]["id"].as_str().expect("an id");
        caller.user_id = id.to_owned();
        while !caller.act(Deed::Write).await {}
        caller
    }

    /// Whether it was done; a server that is asked too much says so by a 503.
    async fn act(&mut self, deed: Deed) -> bool {
        let header = self.header.clone();
        let (status, answer) = match deed {
            Deed::NewLogin => {
                let body = json!({ "id": Uuid::new_v4().to_string() });
                self.ask("POST", DEVICE, SERVER_KEY, &body).await
            }
            Deed::KnownLogin => {
                let body = json!({ "id": self.device });
                self.ask("POST", DEVICE, SERVER_KEY, &body).await
            }
            Deed::Write => {
                let value = json!({ "level": 7, "note": "x".repeat(200) }).to_string();
                let object = json!({ "collection": "saves", "key": "one", "value": value });
                let body = json!({ "objects": [object] });
                self.ask("PUT", "/v2/storage", &header, &body).await
            }
            Deed::Read => {
                let id = json!({ "collection": "saves", "key": "one", "user_id": self.user_id });
                let body = json!({ "object_ids": [id] });
                self.ask("POST", "/v2/storage", &header, &body).await
            }
        };
        assert!(matches!(status, 200 | 503), "{answer}");
        status == 200
    }

    async fn ask(&mut self, method: &str, path: &str, header: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: tiltyard\r\nContent-Length: {}\r\n{header}\r\n{body}",
            body.len()
        );
        let sent = self.stream.get_mut().write_all(request.as_bytes()).await;
        sent.expect("the connection is kept");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            let read = self.stream.read_line(&mut line).await;
            assert!(read.expect("an answer") > 0, "the connection is kept");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().expect("a status");
            } else if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().expect("a length");
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        let read = self.stream.read_exact(&mut body).await;
        read.expect("an answer");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// What came of a row.
struct Measured {
    per_second: f64,
    latencies_ms: Vec<f64>,
    cpu_us: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a count of some seconds")]
async fn measure(process: &Process, deed: Deed, callers: usize) -> Measured {
    let address = process.server.address;
    let callers = join_all((0..callers).map(|_| Caller::login(address))).await;
    let (cpu, start) = (process.cpu_seconds(), Instant::now());
    let work = callers.into_iter().map(|mut caller| {
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < ROW_TIME {
                let asked = Instant::now();
                if !caller.act(deed).await {
                    continue;
                }
                latencies.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            latencies
        })
    });
    let latencies = join_all(work).await.into_iter();
    let latencies_ms = sorted(
        latencies
            .flat_map(|caller| caller.expect("a caller"))
            .collect(),
    );
    let count = latencies_ms.len() as f64;
    Measured {
        per_second: count / start.elapsed().as_secs_f64(),
        cpu_us: (process.cpu_seconds() - cpu) * 1e6 / count,
        latencies_ms,
    }
}

/// How far the ticks of a match come from where they belong, in ms, while `meanwhile` runs.
async fn unevenness(socket: &mut Socket, meanwhile: impl Future<Output = ()>) -> Vec<f64> {
    let mut off = Vec::new();
    let watch = async {
        let mut before = None;
        loop {
            socket.next_event("match_data").await;
            let now = Instant::now();
            if let Some(before) = before.replace(now) {
                let period_ms = now.duration_since(before).as_secs_f64() * 1000.0;
                off.push((period_ms - 1000.0 / TICK_RATE_HZ).abs());
            }
        }
    };
    tokio::select! {
        () = watch => {}
        () = meanwhile => {}
    }
    sorted(off)
}

/// Joins a match that tells its players something every tick.
async fn join_match(server: &Server) -> Socket {
    let mut socket = server.connect("watcher").await;
    let payload =
        json!({ "count": 1, "tick_rate": TICK_RATE_HZ, "mode": "aggregate", "return_ids": true });
    let call = json!({ "id": "bench_create_matches", "payload": payload.to_string() });
    let made = socket.ask("rpc", call).await;
    let made = made["rpc"]["payload"].as_str().expect("an answer");
    let made: Value = serde_json::from_str(made).expect("an answer");
    let join = json!({ "match_id": made["match_ids"][0] });
    socket.ask("match_join", join).await;
    socket
}

fn user(number: usize) -> Value {
    json!({ "email": format!("user{number}@example.com"), "password": "correct horse" })
}

/// Logs in by password until the time is over; counts who was let in and who was sent away.
async fn log_in_by_password(address: SocketAddr, number: usize, counts: &[AtomicU64; 2]) {
    let mut caller = Caller::connect(address).await;
    let start = Instant::now();
    while start.elapsed() < ROW_TIME {
        let (status, answer) = caller.ask("POST", EMAIL, SERVER_KEY, &user(number)).await;
        match status {
            200 => counts[0].fetch_add(1, Ordering::Relaxed),
            429 => counts[1].fetch_add(1, Ordering::Relaxed),
            _ => panic!("{status} {answer}"),
        };
    }
}

async fn passwords(server: &Server, table: &mut Table) -> Vec<Value> {
    let mut socket = join_match(server).await;
    for number in 0..PASSWORDS {
        let mut caller = Caller::connect(server.address).await;
        let (status, answer) = caller.ask("POST", EMAIL, SERVER_KEY, &user(number)).await;
        assert_eq!(status, 200, "{answer}");
    }
    let counts = [AtomicU64::new(0), AtomicU64::new(0)];
    let idle = unevenness(&mut socket, tokio::time::sleep(ROW_TIME)).await;
    let storm = (0..PASSWORDS).map(|number| log_in_by_password(server.address, number, &counts));
    let busy = unevenness(&mut socket, async {
        join_all(storm).await;
    })
    .await;
    let [done, refused] = [0, 1].map(|which| counts[which].load(Ordering::Relaxed));
    let mut results = Vec::new();
    for (name, off, done, refused) in [
        ("nobody logs in", idle, 0, 0),
        ("100 log in", busy, done, refused),
    ] {
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| percentile(&off, share));
        table.row(
            [name.to_owned(), done.to_string(), refused.to_string()]
                .into_iter()
                .chain([p50, p99, most].map(|number| format!("{number:.2}"))),
        );
        results.push(json!({
            "load": name, "logins": done, "sent_away": refused,
            "unevenness_ms": { "p50": p50, "p99": p99, "max": most },
        }));
    }
    results
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let cluster = Cluster::start_durable();
    let mut databases = vec![("SQLite", Vec::new())];
    match &cluster {
        Ok(cluster) => databases.push(("PostgreSQL", vec!["--database.address", &cluster.address])),
        Err(error) => println!("without PostgreSQL: {error}\n"),
    }
    let mut table = Table::new(&[
        "",
        "callers",
        "per second",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "CPU us each",
    ]);
    let mut login_table = Table::new(&[
        "ticks off by",
        "logins",
        "sent away",
        "p50 ms",
        "p99 ms",
        "most ms",
    ]);
    let mut plot = Plot::new("Operations per second", "callers", "per second");
    let (mut results, mut logins) = (Vec::new(), Vec::new());
    for (database, options) in &databases {
        let data = tempfile::tempdir().expect("a temporary folder");
        let process = Process::start_with(env!("CARGO_BIN_EXE_fixture"), data.path(), options);
        for (deed, name) in DEEDS {
            let mut points = Vec::new();
            for callers in CALLERS {
                let measured = measure(&process, deed, callers).await;
                let Measured {
                    per_second,
                    cpu_us,
                    latencies_ms,
                } = measured;
                let [p50, p99, p999] =
                    [0.5, 0.99, 0.999].map(|share| percentile(&latencies_ms, share));
                table.row([
                    format!("{database}: {name}"),
                    callers.to_string(),
                    format!("{per_second:.0}"),
                    format!("{p50:.2}"),
                    format!("{p99:.2}"),
                    format!("{p999:.2}"),
                    format!("{cpu_us:.0}"),
                ]);
                points.push((
                    f64::from(u32::try_from(callers).unwrap_or(u32::MAX)),
                    per_second,
                ));
                results.push(json!({
                    "database": database, "operation": name, "callers": callers,
                    "per_second": per_second, "cpu_us": cpu_us,
                    "latency_ms": { "p50": p50, "p99": p99, "p999": p999 },
                }));
            }
            plot.line(&format!("{database}: {name}"), points);
        }
        if *database == "SQLite" {
            logins = passwords(&process.server, &mut login_table).await;
        }
    }
    println!("{table}\n{login_table}");
    let folder = output_folder();
    plot.save(&folder.join("store.svg"))
        .expect("the plot is written");
    let text = serde_json::to_string_pretty(&json!({ "operations": results, "passwords": logins }));
    std::fs::write(folder.join("store.json"), text.expect("plain data"))
        .expect("the results are written");
}
