//! What those see who watch a server: metrics, the flight recorder, health.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use serde_json::{Value, json};
use tiltyard::{Pass, PassSystems, prelude::*};
use tiltyard_tests::{
    exposition::{Metric, Page, parse},
    server::Server,
};
use tokio::net::TcpSocket;

/// Where the last rows of the page about metrics are made from.
const METRICS_PAGE: &str = include_str!("../../../net/METRICS.md");

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with metrics, and whoever reads them.
struct Watched {
    server: Server,
    metrics: Server,
    /// Holds the port for the server without listening on it, so that nobody else is given it.
    _port: TcpSocket,
}

impl Watched {
    fn start(options: &[(&str, &str)], register: impl FnOnce(&mut App) + Send + 'static) -> Self {
        let held = TcpSocket::new_v4().unwrap();
        held.set_reuseaddr(true).unwrap();
        held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = held.local_addr().unwrap();
        let port = address.port().to_string();
        let mut options = options.to_vec();
        options.push(("metrics.prometheus_port", &port));
        Self {
            server: Server::start_with(&options, register),
            metrics: Server::at(address.to_string()),
            _port: held,
        }
    }

    async fn page(&self) -> Page {
        let (status, page) = self
            .metrics
            .try_http("GET", "/metrics", "", "")
            .await
            .unwrap();
        assert_eq!(status, 200);
        parse(page.as_str().unwrap()).unwrap()
    }

    /// Reads the page until a metric has this value.
    async fn shows(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let shows = async {
            while self.page().await[name].value(labels) != Some(value) {
                tokio::task::yield_now().await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shows).await;
        shown.unwrap_or_else(|_| panic!("{name}{labels:?} is not {value}"));
    }
}

fn echo(In(call): In<tiltyard::RpcCall>) -> RpcResult {
    Ok(call.payload)
}

fn games(app: &mut App) {
    app.add_plugins(pingpong::plugin).add_rpc("echo", echo);
}

#[tokio::test]
async fn a_player_is_seen_in_the_metrics() {
    let watched = Watched::start(&[], games);
    let mut socket = watched.server.connect("anna").await;
    socket.ask("ping", json!({})).await;
    socket
        .ask("rpc", json!({ "id": "Echo", "payload": "1" }))
        .await;
    let json = [("transport", "websocket"), ("format", "json")];
    watched.shows("tiltyard_sessions", &json, 1.0).await;
    watched.shows("nakama_sessions", &[], 1.0).await;
    watched.shows("tiltyard_world_sessions", &[], 1.0).await;
    for (name, labels) in [
        ("tiltyard_messages_received", [("kind", "Ping")].as_slice()),
        ("tiltyard_messages_sent", &[("kind", "pong")]),
        (
            "tiltyard_rpc_calls",
            &[("id", "echo"), ("carrier", "session")],
        ),
        (
            "tiltyard_logins",
            &[("method", "Device"), ("outcome", "accepted")],
        ),
        (
            "tiltyard_http_requests",
            &[("operation", "AuthenticateDevice"), ("status", "2xx")],
        ),
    ] {
        watched.shows(name, labels, 1.0).await;
    }
    let page = watched.page().await;
    let total = |name: &str, suffix: &str, labels: &[(&str, &str)]| {
        let mut metric = page[name].clone();
        metric.samples.retain(|sample| sample.suffix == suffix);
        metric.value(labels).unwrap()
    };
    assert!(total("tiltyard_received_bytes", "_total", &json) > 0.0);
    assert!(total("tiltyard_passes", "_total", &[]) > 0.0);
    assert!(total("tiltyard_pass_duration_seconds", "_count", &[]) > 0.0);
    assert!(total("tiltyard_pass_duration_seconds", "_sum", &[]) > 0.0);
    let reads = [("access", "write")];
    assert!(
        total(
            "tiltyard_database_question_duration_seconds",
            "_count",
            &reads
        ) > 0.0
    );
    drop(socket);
    let lost = [json[0], json[1], ("reason", "lost")];
    watched.shows("tiltyard_sessions_ended", &lost, 1.0).await;
    watched.shows("tiltyard_sessions", &json, 0.0).await;
}

fn series(page: &Page) -> usize {
    page.values().map(|metric| metric.samples.len()).sum()
}

#[tokio::test]
async fn what_clients_make_up_adds_no_series() {
    let unlimited =
        ["limits.messages_per_second", "limits.joins_per_second"].map(|name| (name, "0"));
    let watched = Watched::start(&unlimited, games);
    let before = series(&watched.page().await);
    let mut socket = watched.server.connect("anna").await;
    for number in 0..10_000_u32 {
        let made_up = format!("made-up-{number}");
        socket.send(json!({ "rpc": { "id": made_up } })).await;
        socket
            .send(json!({ "match_data_send": {
            "match_id": format!("{:08x}-0000-4000-8000-000000000000.", number),
            "op_code": number.to_string(),
            "data": "",
        } }))
            .await;
        if number % 1000 == 0 {
            let path = format!("/v2/rpc/{made_up}?http_key=none");
            watched.server.try_http("GET", &path, "", "").await.unwrap();
            watched
                .server
                .try_http("GET", &format!("/{made_up}"), "", "")
                .await
                .unwrap();
        }
        if number % 50 == 49 {
            // Keeps up with the answers.
            socket.ask("ping", json!({})).await;
        }
    }
    let unknown = [("id", "UNKNOWN"), ("carrier", "session")];
    watched
        .shows("tiltyard_rpc_calls", &unknown, 10_000.0)
        .await;
    assert_eq!(series(&watched.page().await), before);
}

#[tokio::test]
async fn the_page_about_metrics_has_all_of_them() {
    let watched = Watched::start(&[], games);
    let page = watched.page().await;
    let own = page
        .iter()
        .filter(|(name, _)| name.starts_with("tiltyard_"));
    let aliases = page
        .iter()
        .filter(|(_, metric)| metric.help.starts_with("The sum of "));
    let rows: Vec<String> = own.chain(aliases).map(row).collect();
    let missing: Vec<&String> = rows
        .iter()
        .filter(|row| !METRICS_PAGE.contains(*row))
        .collect();
    let is_row = |line: &&str| line.starts_with("| `tiltyard_") || line.starts_with("| `nakama_");
    let listed = METRICS_PAGE.lines().filter(is_row).count();
    assert!(
        missing.is_empty() && listed == rows.len(),
        "net/METRICS.md should have these rows and no others:\n{}",
        rows.join("\n")
    );
}

/// A row of the page.
fn row((name, metric): (&String, &Metric)) -> String {
    let total = if metric.kind == "counter" {
        "_total"
    } else {
        ""
    };
    let unit = if metric.unit.is_empty() {
        ""
    } else {
        &metric.unit
    };
    let labels: Vec<String> = metric
        .labels()
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let Metric { kind, help, .. } = metric;
    format!(
        "| `{name}{total}` | {kind} | {unit} | {} | {help} |",
        labels.join(", ")
    )
}

#[tokio::test]
async fn the_latest_passes_are_told_to_those_who_watch() {
    let watched = Watched::start(&[], games);
    let path = "/v2/tiltyard/flight?passes=3";
    let flight = async {
        loop {
            let flight = watched.metrics.http("GET", path, "", "").await;
            let passes = flight["passes"].as_array().unwrap().clone();
            if passes.len() == 3 {
                return passes;
            }
        }
    };
    let passes = tokio::time::timeout(PATIENCE, flight).await.unwrap();
    let numbers: Vec<u64> = passes
        .iter()
        .filter_map(|pass| pass["pass"].as_u64())
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{numbers:?}"
    );
    let sets = passes[0]["sets_us"].as_object().unwrap();
    assert_eq!(sets.len(), PassSystems::COUNT);
    assert!(passes[0]["took_us"].as_f64().unwrap() > 0.0);
    let public = watched.server.try_http("GET", path, "", "").await.unwrap();
    assert_eq!(public.0, 404, "players are not told");
    let public = watched
        .server
        .try_http("GET", "/metrics", "", "")
        .await
        .unwrap();
    assert_eq!(public.0, 404);
}

#[tokio::test]
async fn a_label_and_another_prefix_are_taken_from_the_options() {
    let options = [
        ("name", "one"),
        ("metrics.namespace", "a \"test\""),
        ("metrics.prefix", "game"),
    ];
    let page = Watched::start(&options, games).page().await;
    let labels = [("node_name", "one"), ("namespace", "a \"test\"")];
    assert_eq!(page["tiltyard_presences"].value(&labels), Some(0.0));
    assert_eq!(page["game_presences"].value(&labels), Some(0.0));
    assert!(!page.contains_key("nakama_presences"));
}

/// Lets passes stop when a test says so, and go on.
#[derive(Resource)]
struct Brake(Arc<Mutex<Option<mpsc::Receiver<()>>>>);

fn stop_at_the_brake(brake: Res<Brake>) {
    let stopped = brake.0.lock().unwrap().take();
    if let Some(released) = stopped {
        // Whoever stopped it may be gone.
        released.recv().unwrap_or_default();
    }
}

#[tokio::test]
async fn a_server_that_stops_ticking_is_neither_live_nor_ready_until_it_goes_on() {
    let brake = Arc::new(Mutex::new(None));
    let pulled = brake.clone();
    let options = [("health.pass_age_max_ms", "200")];
    let watched = Watched::start(&options, move |app| {
        app.insert_resource(Brake(pulled)).add_systems(
            Pass,
            stop_at_the_brake
                .in_set(PassSystems::Loop)
                .ambiguous_with_all(),
        );
    });
    let routes = ["/healthcheck", "/v2/tiltyard/ready"];
    for route in routes {
        answers(&watched.server, route, 200, &json!({})).await;
    }
    let (release, released) = mpsc::channel();
    *brake.lock().unwrap() = Some(released);
    let stuck = json!({ "code": 14, "message": "The server does not tick." });
    for route in routes {
        answers(&watched.server, route, 503, &stuck).await;
    }
    let page = watched.page().await;
    assert!(
        page["tiltyard_pass_age_seconds"].value(&[]).unwrap() > 0.1,
        "watched all the same"
    );
    assert_eq!(page["tiltyard_census_unanswered"].value(&[]), Some(1.0));
    release.send(()).unwrap();
    for route in routes {
        answers(&watched.server, route, 200, &json!({})).await;
    }
}

/// Asks until this is the answer.
async fn answers(server: &Server, route: &str, status: u16, body: &Value) {
    let expected = (status, body.clone());
    let answered = async {
        while server.try_http("GET", route, "", "").await.unwrap() != expected {
            tokio::task::yield_now().await;
        }
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await;
    answered.unwrap_or_else(|_| panic!("{route} does not answer {expected:?}"));
}
