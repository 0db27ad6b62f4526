//! The workloads.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tiltyard_bots::{
    Fanout, Format, Join, MatchScript, Options, Report, Script, Ticket, Ticks, Transport, run,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    Plan,
    results::Results,
    server::{Kind, Server},
};

pub(crate) type Workload = fn(&Plan);

/// By name, in the order in which they run.
pub(crate) const ALL: [(&str, Workload); 9] = [
    ("W1", arena),
    ("W1-echo", echo),
    ("W2", relayed),
    ("W3", idle_sockets),
    ("W4", storm),
    ("W5", idle_matches),
    ("W6", matchmaker),
    ("W7", fan_out),
    ("growth", growth),
];

const TICK_RATE_HZ: u32 = 30;
const TICK_RATE: f64 = TICK_RATE_HZ as f64;
const PLAYERS: usize = 8;

/// Matches of the fixture that collect what players send, or send it back to all.
fn bench_matches(count: usize, aggregate: bool) -> Script {
    Script::Match(collecting(count, aggregate, true))
}

/// One of them, to be joined.
fn bench_match() -> MatchScript {
    MatchScript {
        players: 32,
        ..collecting(1, true, false)
    }
}

fn collecting(count: usize, aggregate: bool, stop_when_empty: bool) -> MatchScript {
    let mode = if aggregate { "aggregate" } else { "echo" };
    let payload = json!({
        "count": count, "tick_rate": TICK_RATE_HZ, "mode": mode, "stop_when_empty": stop_when_empty, "return_ids": true,
    });
    MatchScript {
        join: Join::Create {
            rpc: "bench_create_matches".into(),
            payload: payload.to_string(),
        },
        players: PLAYERS,
        fanout: Fanout::All,
        ticks: aggregate.then_some(Ticks {
            op_code: 2,
            rate: TICK_RATE,
            has_records: true,
        }),
        ..MatchScript::default()
    }
}

fn options(plan: &Plan, server: &Server) -> Options {
    Options {
        server: server.url.clone(),
        warmup: Duration::from_secs(1),
        duration: plan.window,
        connect_rate: 500.0,
        ..Options::default()
    }
}

/// Runs bots against a server of its own; gives what they saw and the CPU microseconds of the server.
fn measure(kind: Kind, set: impl FnOnce(&Server) -> Options) -> (Report, f64, f64) {
    let server = Server::start(kind, &[]);
    let report = run(set(&server)).expect("bots run");
    let resident = server.resident_kib() / 1024.0;
    let window = report.window.clone().expect("there was a window");
    let cpu_us = server.end(&window) * 1e6;
    (report, cpu_us, resident)
}

fn latencies(report: &Report) -> Vec<(&'static str, f64)> {
    let mut figures = Vec::new();
    if let Some(latency) = report.latency_ms {
        figures.push(("latency p50 ms", latency.p50));
        figures.push(("p99 ms", latency.p99));
    }
    if let Some(jitter) = report.tick_jitter_ms {
        figures.push(("jitter p50 ms", jitter.p50));
        figures.push(("jitter p99 ms", jitter.p99));
    }
    figures
}

/// One frame a tick and player with everything that all players sent.
fn arena(plan: &Plan) {
    let title =
        "40 matches of 8 players, 30 Hz in and out, 64 bytes a record, one frame a tick and player";
    let mut results = Results::new("W1", title);
    for _ in 0..plan.runs {
        for kind in Kind::ALL {
            arena_run(plan, kind, 40, kind.name(), &mut results, |_| {});
        }
        for (name, transport, format) in [
            ("tiltyard, JSON", Transport::WebSocket, Format::Json),
            ("tiltyard, QUIC", Transport::Quic, Format::Protobuf),
        ] {
            arena_run(plan, Kind::Tiltyard, 40, name, &mut results, |options| {
                options.transport = transport;
                options.format = format;
            });
        }
    }
    ratios(&results, "CPU us/frame");
    results.finish("CPU us/frame");
}

fn arena_run(
    plan: &Plan,
    kind: Kind,
    matches: usize,
    row: &str,
    results: &mut Results,
    change: impl FnOnce(&mut Options),
) {
    let (report, cpu_us, resident) = measure(kind, |server| {
        let mut options = Options {
            clients: matches * PLAYERS,
            rate: TICK_RATE,
            script: bench_matches(matches, true),
            ..options(plan, server)
        };
        change(&mut options);
        options
    });
    let mut figures = vec![
        ("CPU us/frame", cpu_us / report.messages_in.max(1) as f64),
        ("cores", cpu_us / 1e6 / report.seconds),
        ("frames/s", report.messages_in as f64 / report.seconds),
        ("arrived", report.delivery.unwrap_or(0.0)),
        ("MiB", resident),
    ];
    figures.extend(latencies(&report));
    results.add(row, &figures);
    results.note_errors(row, &report.errors);
}

/// How many times as much the server costs as the floors.
fn ratios(results: &Results, figure: &str) {
    let Some(ours) = results.median(Kind::Tiltyard.name(), figure) else {
        return;
    };
    println!();
    for floor in [Kind::FloorTokio, Kind::FloorEpoll] {
        if let Some(theirs) = results.median(floor.name(), figure) {
            println!("{figure}: {:.2} times {}", ours / theirs, floor.name());
        }
    }
}

/// Every message to all players of the match.
fn echo(plan: &Plan) {
    let title = "8 matches of 8 players, 60 messages a second each, every one to all 8";
    let mut results = Results::new("W1-echo", title);
    for _ in 0..plan.runs {
        for kind in Kind::ALL {
            let (report, cpu_us, _) = measure(kind, |server| Options {
                clients: 8 * PLAYERS,
                rate: 60.0,
                script: bench_matches(8, false),
                ..options(plan, server)
            });
            add_deliveries(&mut results, kind.name(), &report, cpu_us);
        }
    }
    ratios(&results, "CPU us/delivered");
    results.finish("CPU us/delivered");
}

fn add_deliveries(results: &mut Results, row: &str, report: &Report, cpu_us: f64) {
    let mut figures = vec![
        ("CPU us/delivered", cpu_us / report.delivered.max(1) as f64),
        ("delivered/s", report.deliveries_per_s),
        ("arrived", report.delivery.unwrap_or(0.0)),
    ];
    figures.extend(latencies(report));
    results.add(row, &figures);
    results.note_errors(row, &report.errors);
}

/// Matches without rules.
fn relayed(plan: &Plan) {
    let title =
        "40 relayed matches of 8 players, 10 messages a second each, every one to the other 7";
    let mut results = Results::new("W2", title);
    for _ in 0..plan.runs {
        let (report, cpu_us, _) = measure(Kind::Tiltyard, |server| Options {
            clients: 40 * PLAYERS,
            rate: 10.0,
            ..options(plan, server)
        });
        add_deliveries(&mut results, "tiltyard", &report, cpu_us);
    }
    results.finish("CPU us/delivered");
}

/// Connections that say nothing.
fn idle_sockets(plan: &Plan) {
    let mut results = Results::new("W3", "connections that say nothing");
    for _ in 0..plan.runs.min(3) {
        for clients in [1_000, 5_000, 10_000] {
            for kind in [Kind::Tiltyard, Kind::FloorTokio] {
                let server = Server::start(kind, &[]);
                let before = server.resident_kib();
                let (report, resident) = std::thread::scope(|scope| {
                    let bots = scope.spawn(|| {
                        run(Options {
                            clients,
                            transport: Transport::WebSocket,
                            script: Script::Idle,
                            sources: loopback_addresses(),
                            ..options(plan, &server)
                        })
                    });
                    // The last before they leave, when all have been idle for a while.
                    let mut resident = Vec::new();
                    while !bots.is_finished() {
                        resident.push((Instant::now(), server.resident_kib()));
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    (bots.join().expect("bots do not panic"), resident)
                });
                let report = report.expect("bots run");
                let end = report.window.as_ref().map(|window| window.end);
                let idle = resident.iter().rev().find(|(time, _)| Some(*time) < end);
                let most = idle.map_or(f64::NAN, |(_, kib)| *kib);
                let window = report.window.clone().expect("there was a window");
                let cpu_us = server.end(&window) * 1e6;
                let row = format!("{}, {clients}", kind.name());
                let count = clients as f64;
                results.add(
                    &row,
                    &[
                        ("KiB/connection", (most - before) / count),
                        ("CPU us/connection/s", cpu_us / count / report.seconds),
                        ("connected", report.connected as f64),
                    ],
                );
                results.note_errors(&row, &report.errors);
            }
        }
    }
    results.finish("KiB/connection");
}

/// More of them give more ports.
fn loopback_addresses() -> Vec<IpAddr> {
    (2..10)
        .map(|last| IpAddr::from([127, 0, 0, last]))
        .collect()
}

/// Logins, connections and joins.
fn storm(plan: &Plan) {
    let mut results = Results::new(
        "W4",
        "logging in, connecting, joining and leaving, 32 at a time",
    );
    for _ in 0..plan.runs {
        for (row, kind, fresh) in [
            ("tiltyard, new accounts", Kind::Tiltyard, true),
            ("tiltyard, known accounts", Kind::Tiltyard, false),
            ("floor, tokio", Kind::FloorTokio, false),
        ] {
            let (report, cpu_us, _) = measure(kind, |server| Options {
                clients: 32,
                script: Script::Storm {
                    fresh,
                    join: Some(bench_match()),
                },
                ..options(plan, server)
            });
            let visits = report.visits_per_s * report.seconds;
            let mut figures = vec![
                ("CPU us/visit", cpu_us / visits.max(1.0)),
                ("visits/s", report.visits_per_s),
            ];
            if let Some(visit) = report.visit_ms {
                figures.extend([("p50 ms", visit.p50), ("p99 ms", visit.p99)]);
            }
            results.add(row, &figures);
            results.note_errors(row, &report.errors);
        }
    }
    results.finish("CPU us/visit");
}

/// Matches without players.
fn idle_matches(plan: &Plan) {
    let mut results = Results::new("W5", "matches at 10 Hz without players");
    for _ in 0..plan.runs.min(3) {
        let mut base = 0.0;
        for matches in [0, 10_000, 100_000] {
            let server = Server::start(Kind::Tiltyard, &["--limits.joins_per_second", "0"]);
            let before = server.resident_kib();
            make_matches(&server, matches);
            // What making them has left to do is no part of it.
            std::thread::sleep(Duration::from_secs(2));
            let (cpu, start) = (server.cpu_seconds(), Instant::now());
            std::thread::sleep(plan.window);
            let cores = (server.cpu_seconds() - cpu) / start.elapsed().as_secs_f64();
            if matches == 0 {
                base = cores;
                continue;
            }
            let count = matches as f64;
            results.add(
                &format!("{matches}"),
                &[
                    ("CPU us/match-tick", (cores - base) * 1e6 / (count * 10.0)),
                    ("cores", cores),
                    ("cores without", base),
                    ("KiB/match", (server.resident_kib() - before) / count),
                ],
            );
        }
    }
    results.finish("CPU us/match-tick");
}

/// Makes matches at 10 Hz that go on without players.
fn make_matches(server: &Server, count: usize) {
    /// Matches that one call makes at most.
    const PER_CALL: usize = 250;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let address = server.url.authority().to_owned();
        let token = tiltyard_tests::server::Server::at(address.clone()).login("bench").await;
        let url = format!("ws://{address}/ws?token={token}");
        let (mut socket, _) = connect_async(url).await.expect("the server accepts");
        for _ in 0..count / PER_CALL {
            let payload = json!({
                "count": PER_CALL, "tick_rate": 10, "mode": "echo", "stop_when_empty": false, "return_ids": false,
            });
            let call = json!({ "cid": "1", "rpc": { "id": "bench_create_matches", "payload": payload.to_string() } });
            socket.send(Message::text(call.to_string())).await.expect("the connection is open");
            let answer = loop {
                match socket.next().await.expect("an answer").expect("an answer") {
                    Message::Text(text) => break text,
                    _ => continue,
                }
            };
            assert!(answer.contains("count"), "{answer}");
        }
    });
}

/// Tickets, all at once.
fn matchmaker(plan: &Plan) {
    let mut results = Results::new("W6", "tickets for two, all put in at once");
    for _ in 0..plan.runs.min(3) {
        for tickets in [250, 1_000, 10_000] {
            let server = Server::start(Kind::Tiltyard, &["--matchmaker.interval_sec", "1"]);
            let report = run(Options {
                clients: tickets,
                sources: loopback_addresses(),
                warmup: Duration::ZERO,
                duration: Duration::from_secs(20),
                connect_rate: 1_000.0,
                script: Script::Tickets(Ticket {
                    query: "*".into(),
                    min_count: 2,
                    max_count: 2,
                }),
                ..options(plan, &server)
            });
            let report = report.expect("bots run");
            let window = report.window.clone().expect("there was a window");
            let cpu_us = server.end(&window) * 1e6;
            let row = format!("{tickets}");
            let mut figures = vec![("CPU us/ticket", cpu_us / tickets as f64)];
            if let Some(ack) = report.ticket_ack_ms {
                figures.push(("ack p99 ms", ack.p99));
            }
            if let Some(matched) = report.ticket_matched_ms {
                figures.push(("matched", matched.count as f64));
                figures.push(("matched p50 ms", matched.p50));
                figures.push(("matched p99 ms", matched.p99));
            }
            results.add(&row, &figures);
            results.note_errors(&row, &report.errors);
        }
    }
    results.finish("CPU us/ticket");
}

/// One speaks, everybody hears.
fn fan_out(plan: &Plan) {
    let mut results = Results::new("W7", "one message to everybody in a room");
    for _ in 0..plan.runs.min(3) {
        for (listeners, rate, format) in [
            (200, 50.0, Format::Protobuf),
            (1_000, 10.0, Format::Protobuf),
            (1_000, 10.0, Format::Json),
            (10_000, 1.0, Format::Protobuf),
        ] {
            let (report, cpu_us, _) = measure(Kind::Tiltyard, |server| Options {
                clients: listeners,
                rate,
                format,
                sources: loopback_addresses(),
                connect_rate: 1_000.0,
                script: Script::Chat {
                    room: "square".into(),
                },
                ..options(plan, server)
            });
            let row = format!("{listeners}, {format}");
            let per_message = cpu_us / 1000.0 / (report.seconds * rate);
            results.add(&row, &[("CPU ms/message", per_message)]);
            add_deliveries(&mut results, &row, &report, cpu_us);
        }
    }
    results.finish("CPU us/delivered");
}

/// Whether a unit costs the same when there are more.
fn growth(plan: &Plan) {
    let mut results = Results::new("growth", "W1 with 5, 20 and 80 matches");
    for _ in 0..plan.runs {
        for matches in [5, 20, 80] {
            let row = format!("{matches} matches");
            arena_run(plan, Kind::Tiltyard, matches, &row, &mut results, |_| {});
        }
    }
    println!();
    if let Some(least) = results.median("5 matches", "CPU us/frame") {
        for row in ["20 matches", "80 matches"] {
            let cost = results.median(row, "CPU us/frame").unwrap_or(f64::NAN);
            println!(
                "{row}: {:.2} times the cost of a frame with 5",
                cost / least
            );
        }
    }
    results.finish("CPU us/frame");
}
