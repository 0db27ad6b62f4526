//! What clients may do how often, and what happens beyond it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tiltyard_proto::{control, framing::FrameKind};
use tiltyard_tests::{
    fixture,
    quic::{Kind, QuicSocket, Stranger, hello},
    server::{Ended, Server},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{interval, timeout},
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Attempts among which one is surely too much where one a second is allowed.
const ATTEMPTS: usize = 200;

#[tokio::test]
async fn what_comes_too_fast_waits_and_nothing_is_lost() {
    let options = [
        ("limits.messages_per_second", "500"),
        ("limits.messages_burst", "10"),
        ("limits.joins_per_second", "100"),
        ("limits.joins_burst", "2"),
    ];
    let server = Server::start_with(&options, fixture::plugin);
    let mut socket = server.connect("alice").await;
    let question = |number: u32| match number % 5 {
        0 => json!({ "cid": number.to_string(), "rpc": { "id": "cf_echo", "payload": "x" } }),
        _ => json!({ "cid": number.to_string(), "ping": {} }),
    };
    for number in 0..200 {
        socket.send(question(number)).await;
    }
    for number in 0..200 {
        assert_eq!(socket.next().await["cid"], number.to_string(), "in order");
    }
}

#[tokio::test]
async fn a_flood_of_what_cannot_wait_ends_its_own_connection_and_no_other() {
    let options = [
        ("limits.messages_per_second", "20"),
        ("limits.messages_burst", "20"),
    ];
    let server = Server::start_with(&options, |_| {});
    let mut bystander = server.connect("bystander").await;
    let expected = Ended {
        code: Some(1000),
        reason: "too many messages".to_owned(),
    };
    let mut pinger = server.connect("pinger").await;
    let pings = async {
        loop {
            if let Some(ended) = pinger.ping_frame().await {
                return ended;
            }
        }
    };
    let mut socket = QuicSocket::connect(&server, Kind::Quic, "mallory").await;
    let session = socket.stranger.session.clone();
    let datagrams = async move {
        // Twenty times the rate and more.
        let mut beat = interval(Duration::from_millis(10));
        loop {
            beat.tick().await;
            for _ in 0..10 {
                // One that is gone says goodbye.
                drop(session.send_datagram(Bytes::from_static(b"nothing that means anything")));
            }
        }
    };
    let flood = async {
        tokio::select! {
            goodbye = socket.stranger.goodbye() => goodbye,
            () = datagrams => unreachable!("it goes on for ever"),
        }
    };
    // Five seconds are what has to pass here.
    let both = timeout(PATIENCE, async { tokio::join!(pings, flood) });
    assert_eq!(both.await.unwrap(), (expected.clone(), expected));
    assert_eq!(bystander.ask("ping", json!({})).await["pong"], json!({}));
}

/// A server on which one address opens a socket, or logs in, once a second, and this machine counts.
fn strict() -> Server {
    let options = [
        ("limits.loopback", "true"),
        ("limits.connections_per_second", "1"),
        ("limits.connections_burst", "3"),
        ("limits.authentications_per_second", "1"),
        ("limits.authentications_burst", "3"),
    ];
    Server::start_with(&options, |_| {})
}

#[tokio::test]
async fn an_address_opens_only_so_many_sockets_at_a_time() {
    let server = strict();
    let token = server.login("alice").await;
    let mut sockets = Vec::new();
    let refused = loop {
        match server.try_connect_with(&token).await {
            Some(socket) => sockets.push(socket),
            None => break server.refusal(&token).await,
        }
        assert!(sockets.len() < ATTEMPTS, "there is a limit");
    };
    assert!(sockets.len() >= 3, "a burst is none");
    if let Some(refused) = refused {
        assert_eq!(refused, (429, Some("5".to_owned())));
    }
    for socket in &mut sockets {
        assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
    }
    assert_eq!(quic_refusal(&server, &token).await, Some(4503));
}

/// Opens connections over QUIC until one is refused. Returns why.
async fn quic_refusal(server: &Server, token: &str) -> Option<u16> {
    for _ in 0..ATTEMPTS {
        let mut stranger = Stranger::dial(server, Kind::Quic).await;
        stranger.write_frame(FrameKind::Hello, &hello(token)).await;
        let frame = stranger.next_frame().await?;
        if FrameKind::of(frame.kind) == Some(FrameKind::Goodbye) {
            let goodbye: control::Goodbye = tiltyard_proto::Message::decode(frame.body).unwrap();
            return u16::try_from(goodbye.code).ok();
        }
    }
    None
}

#[tokio::test]
async fn an_address_logs_in_only_so_often() {
    let server = strict();
    let mut answers = Vec::new();
    while answers.len() < ATTEMPTS {
        let answer = log_in(&server, "").await;
        answers.push(answer.clone());
        if answer.0 != 200 {
            break;
        }
    }
    assert!(answers.len() > 3, "a burst is none: {answers:?}");
    let text = "Too many logins from this address; try again later.";
    let refused = (429, json!({ "code": 8, "message": text }));
    assert_eq!(answers.last(), Some(&refused));
    let elsewhere = log_in(&server, "X-Forwarded-For: 192.0.2.7\r\n").await;
    assert_eq!(elsewhere.0, 200, "others are not kept out: {elsewhere:?}");
}

async fn log_in(server: &Server, header: &str) -> (u16, Value) {
    let headers = format!("Authorization: Basic ZGVmYXVsdGtleTo=\r\n{header}");
    let body = json!({ "id": "device-of-somebody" }).to_string();
    let path = "/v2/account/authenticate/device?create=true";
    let answer = server.try_http("POST", path, &headers, &body).await;
    answer.unwrap()
}

/// What a server says to the beginning of a request that never goes on, until it hangs up.
async fn answer_to_the_beginning(server: &Server, beginning: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("the server hangs up").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_head_or_body_that_never_comes_to_its_end_is_given_up() {
    let server = Server::start_with(&[("socket.read_timeout_ms", "100")], |_| {});
    let head = answer_to_the_beginning(&server, "GET / HTTP/1.1\r\nHost: tiltyard\r\n").await;
    assert!(!head.contains(" 200 "), "{head}");
    let beginning = "POST /v2/account/authenticate/device HTTP/1.1\r\nHost: tiltyard\r\n\
                     Authorization: Basic ZGVmYXVsdGtleTo=\r\nContent-Length: 100\r\n\r\n{";
    let body = answer_to_the_beginning(&server, beginning).await;
    assert!(body.starts_with("HTTP/1.1 504 "), "{body}");
    let long = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n", "x".repeat(32 * 1024));
    let long = answer_to_the_beginning(&server, &long).await;
    assert!(
        long.is_empty() || long.starts_with("HTTP/1.1 431 "),
        "{long}"
    );
}
