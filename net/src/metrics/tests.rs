use tiltyard::RequestKind;

use super::*;

const KINDS: [&str; 2] = ["arena", "xoxo"];
const RPCS: [&str; 2] = ["echo", "shop/buy"];
const OPERATIONS: [&str; 3] = ["Healthcheck", "AuthenticateDevice", "RpcFunc"];

/// What a small server counts, under these names of the reference server.
pub(crate) fn metrics(prefix: &str) -> Metrics {
    let naming = Naming {
        node: "node",
        namespace: "",
        prefix,
        kinds: &KINDS,
        rpcs: &RPCS,
        operations: &OPERATIONS,
    };
    Metrics::new(&naming, Arc::default())
}

/// The series with their values.
fn series(metrics: &Metrics) -> Vec<String> {
    let page = metrics.page().unwrap();
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[track_caller]
fn shows(metrics: &Metrics, expected: &str) {
    let series = series(metrics);
    assert!(
        series.iter().any(|line| line == expected),
        "{expected} is not in\n{}",
        series.join("\n")
    );
}

#[test]
fn what_clients_make_up_adds_no_series() {
    let metrics = metrics("nakama");
    let traffic = metrics.thread();
    let before = series(&metrics).len();
    for number in 0..10_000 {
        let made_up = format!("made-up-{}-{number}", number % 7);
        metrics.rpcs.count(&made_up, RpcCarrier::Session);
        metrics.rpcs.count(&made_up, RpcCarrier::Http);
        metrics.operations.begin(&made_up).finish(404);
        traffic.received(RequestKind::MatchDataSend);
        metrics.world.set_census(None);
    }
    assert_eq!(series(&metrics).len(), before);
    shows(
        &metrics,
        r#"tiltyard_rpc_calls_total{node_name="node",id="UNKNOWN",carrier="http"} 10000"#,
    );
    shows(
        &metrics,
        r#"tiltyard_http_requests_total{node_name="node",operation="none",status="4xx"} 10000"#,
    );
}

#[test]
fn network_threads_are_added_up() {
    let metrics = metrics("nakama");
    let threads = [metrics.thread(), metrics.thread()];
    for traffic in &threads {
        traffic.opened(Link::Quic);
        traffic.received_bytes(Link::Quic, 70);
        traffic.datagrams([1, 0, 0, 0, 0, 0, 0, 2]);
    }
    threads[0].ended(Link::Quic, End::Slow);
    for expected in [
        r#"tiltyard_sessions{node_name="node",transport="quic",format="protobuf"} 1"#,
        r#"tiltyard_sessions_opened_total{node_name="node",transport="quic",format="protobuf"} 2"#,
        r#"tiltyard_sessions_ended_total{node_name="node",transport="quic",format="protobuf",reason="slow"} 1"#,
        r#"tiltyard_received_bytes_total{node_name="node",transport="quic",format="protobuf"} 140"#,
        r#"tiltyard_datagrams_total{node_name="node",fate="sent"} 2"#,
        r#"tiltyard_datagrams_total{node_name="node",fate="flooded"} 4"#,
        r#"nakama_sessions{node_name="node"} 1"#,
        r#"nakama_overall_message_recv_bytes{node_name="node"} 140"#,
    ] {
        shows(&metrics, expected);
    }
}

#[test]
fn functions_are_found_whatever_their_case() {
    let metrics = metrics("nakama");
    metrics.rpcs.count("Shop/BUY", RpcCarrier::Session);
    shows(
        &metrics,
        r#"tiltyard_rpc_calls_total{node_name="node",id="shop/buy",carrier="session"} 1"#,
    );
}

#[test]
fn a_request_that_is_dropped_counts_as_given_up_and_a_login_as_refused() {
    let metrics = metrics("nakama");
    drop(metrics.operations.begin("AuthenticateDevice"));
    metrics.operations.begin("AuthenticateDevice").finish(200);
    for expected in [
        r#"tiltyard_http_requests_total{node_name="node",operation="AuthenticateDevice",status="given_up"} 1"#,
        r#"tiltyard_logins_total{node_name="node",method="Device",outcome="accepted"} 1"#,
        r#"tiltyard_logins_total{node_name="node",method="Device",outcome="refused"} 1"#,
        r#"nakama_AuthenticateDevice_count{node_name="node"} 2"#,
        r#"nakama_AuthenticateDevice_errors{node_name="node"} 1"#,
    ] {
        shows(&metrics, expected);
    }
}

#[test]
fn names_of_the_reference_server_can_be_left_out() {
    let page = metrics("").page().unwrap();
    let names = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let others = names.filter(|name| !name.starts_with("tiltyard_")).count();
    assert_eq!(others, 0);
}
