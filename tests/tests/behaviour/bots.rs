//! Bots: what they send arrives, over every transport, and what does not is told.

use std::net::TcpListener;

use tiltyard_bots::{Asked, BotsError, Report, parse, run};
use tiltyard_tests::{fixture, server::Server};

/// Six bots in two matches. Nothing waits for the drain to end but what is really under way.
const FLAGS: &str =
    "--clients 6 --players 3 --rate 40 --warmup 0 --seconds 0.5 --drain 30 --connect-rate 1000";

fn bots(address: impl std::fmt::Display, flags: &str) -> Result<Report, BotsError> {
    let words = format!("--server http://{address} {FLAGS} {flags}");
    let words = words.split_whitespace().map(str::to_owned);
    let Ok(Asked::Run { options, .. }) = parse(words) else {
        panic!("these are flags");
    };
    run(*options)
}

#[track_caller]
fn all_arrives(server: &Server, flags: &str) {
    let report = bots(server.address, flags).unwrap();
    assert!(report.errors.is_empty(), "{flags}: {:?}", report.errors);
    assert_eq!((report.connected, report.joined), (6, 6), "{flags}");
    assert!(report.expected > 0, "{flags}");
    assert_eq!(report.delivered, report.expected, "{flags}");
    let measured = report.latency_ms.map(|latency| latency.count);
    assert_eq!(measured, Some(report.delivered), "{flags}");
}

#[test]
fn bots_get_all_that_bots_send_over_every_transport() {
    let server = Server::start(fixture::plugin);
    for transport in ["websocket", "quic", "webtransport"] {
        for matches in ["--match aggregate", "--match echo", "--relayed"] {
            all_arrives(&server, &format!("--transport {transport} {matches}"));
        }
    }
    all_arrives(&server, "--format json --match aggregate");
    all_arrives(&server, "--format json --relayed");
    all_arrives(&server, "--format json --chat lounge");
    all_arrives(&server, "--chat lounge");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = bots(address, "").unwrap_err();
    assert!(matches!(error, BotsError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
