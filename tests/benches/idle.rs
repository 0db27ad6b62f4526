//! What does a server cost that has much to keep and nothing to do?
//!
//! Starts the fixture server as a process of its own, connects 1,000 idle sockets, creates 10,000
//! matches at 10 Hz without players, and prints resident memory and the CPU time of the tick thread.
//! `cargo bench -p tiltyard-tests --bench idle`; takes about half a minute.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tiltyard_tests::server::Server;
use tokio_tungstenite::{connect_async, tungstenite::Message};

const SOCKETS: usize = 1_000;
const MATCHES: usize = 10_000;
/// Matches that one call creates at most.
const MATCHES_PER_CALL: usize = 250;
const TICK_RATE_HZ: usize = 10;
/// How often the CPU time is read, and over how long.
const SAMPLES: usize = 5;
const SAMPLE_TIME: Duration = Duration::from_secs(3);
/// Ticks of `/proc/PID/stat` in a second, on every Linux that matters.
const CLOCK_TICKS: f64 = 100.0;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let mut process = Process::start(data.path());
    let empty = process.rss_mib();
    let server = Server::at(process.address.clone());
    let token = server.login("bench").await;
    let url = format!("ws://{}/ws?token={token}", process.address);
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(connect_async(&url).await.expect("the server accepts").0);
    }
    let with_sockets = process.rss_mib();
    for _ in 0..MATCHES / MATCHES_PER_CALL {
        let payload = json!({
            "count": MATCHES_PER_CALL, "tick_rate": TICK_RATE_HZ, "mode": "echo", "stop_when_empty": false,
            "return_ids": false,
        });
        let call = json!({ "cid": "1", "rpc": { "id": "bench_create_matches", "payload": payload.to_string() } });
        sockets[0]
            .send(Message::text(call.to_string()))
            .await
            .expect("the connection is open");
        sockets[0]
            .next()
            .await
            .expect("an answer")
            .expect("an answer");
    }
    let with_matches = process.rss_mib();
    let mut cores: Vec<f64> = (0..SAMPLES).map(|_| process.tick_thread_cores()).collect();
    cores.sort_by(f64::total_cmp);
    println!("| | |");
    println!("|---|---|");
    println!("| resident, empty | {empty:.1} MiB |");
    println!("| resident, {SOCKETS} sockets | {with_sockets:.1} MiB |");
    println!("| resident, {SOCKETS} sockets and {MATCHES} matches | {with_matches:.1} MiB |");
    println!(
        "| per socket | {:.1} KiB |",
        (with_sockets - empty) * 1024.0 / SOCKETS as f64
    );
    println!(
        "| per match | {:.2} KiB |",
        (with_matches - with_sockets) * 1024.0 / MATCHES as f64
    );
    println!(
        "| tick thread, {MATCHES} matches at {TICK_RATE_HZ} Hz | {:.1} % of a core ({:.1}-{:.1}) |",
        cores[SAMPLES / 2] * 100.0,
        cores[0] * 100.0,
        cores[SAMPLES - 1] * 100.0,
    );
    let per_tick_ns = cores[SAMPLES / 2] * 1e9 / (MATCHES * TICK_RATE_HZ) as f64;
    println!("| per match-tick | {per_tick_ns:.0} ns |");
}

/// The server under measurement. Ends with this value.
struct Process {
    child: Child,
    address: String,
    /// Kept so that the server can go on writing.
    _output: BufReader<ChildStdout>,
}

impl Process {
    fn start(data: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fixture"))
            .args([
                "--socket.port",
                "0",
                "--logger.level",
                "error",
                "--data_dir",
            ])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            let read = output.read_line(&mut line).expect("its output");
            assert!(read > 0, "the server says where it listens");
        }
        let (_, address) = line.trim_end().split_once("http://").expect("an address");
        Self {
            child,
            address: address.trim_end_matches('/').to_owned(),
            _output: output,
        }
    }

    fn rss_mib(&self) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("its memory");
        let kib: f64 = line
            .split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok())
            .expect("a number");
        kib / 1024.0
    }

    /// CPU time of the tick thread, which is the process's first, as a share of real time.
    fn tick_thread_cores(&mut self) -> f64 {
        let (before, start) = (self.tick_thread_seconds(), Instant::now());
        std::thread::sleep(SAMPLE_TIME);
        (self.tick_thread_seconds() - before) / start.elapsed().as_secs_f64()
    }

    fn tick_thread_seconds(&self) -> f64 {
        let id = self.child.id();
        let stat = fs::read_to_string(format!("/proc/{id}/task/{id}/stat")).expect("a thread");
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let fields: Vec<f64> = fields
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        // Without the state, which is no number, user and system time are the 11th and 12th.
        (fields[10] + fields[11]) / CLOCK_TICKS
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
