//! The Rust client against a whole server.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use tiltyard::prelude::*;
use tiltyard_client::{
    Account, Client, Connection, Delivery, Ended, Event, FailReason, MatchData, Options, Reconnect,
    Reply, RequestId, SendError, Session, Transport,
};
use tiltyard_tests::{gate::Gate, server::Server};

/// How long a test waits for what must come. Generous, because machines are shared.
const PATIENCE: Duration = Duration::from_secs(30);

fn server() -> Server {
    Server::start(|app| {
        app.add_plugins(pingpong::plugin);
    })
}

fn options(server: &Server) -> Options {
    Options::new(&format!("http://{}", server.address)).expect("an address")
}

/// Waits for an event for which `pick` has something; others are skipped.
fn expect<T>(client: &mut Client, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = client.wait(left).expect("an event in time");
        if let Event::Failed { reason, .. } = &event {
            assert!(
                !matches!(reason, FailReason::Unreachable(_)),
                "the server is there: {reason}"
            );
        }
        if let Some(picked) = pick(event) {
            return picked;
        }
    }
}

fn login(client: &mut Client, name: &str) -> Session {
    let account = Account::device(&format!("device-of-{name}")).named(name);
    let asked = client.authenticate(account).expect("there is room");
    expect(client, |event| match event {
        Event::Authenticated { request, session } => {
            assert_eq!(request, asked);
            Some(session)
        }
        _ => None,
    })
}

fn connect(client: &mut Client, session: Session, transport: Transport) -> Connection {
    client.connect(session, transport).expect("there is room");
    expect(client, |event| match event {
        Event::Connected { transport, .. } => Some(transport),
        Event::Disconnected { reason, .. } => panic!("{reason}"),
        _ => None,
    })
}

fn reply(client: &mut Client, asked: Result<RequestId, SendError>) -> Reply {
    let asked = asked.expect("it is sent");
    expect(client, |event| match event {
        Event::Reply { request, result } if request == asked => Some(result.expect("it is done")),
        Event::Failed { request, reason } if request == asked => panic!("{reason}"),
        _ => None,
    })
}

/// A match of ping pong that this client is in.
fn play(client: &mut Client) -> String {
    let asked = client.rpc("pingpong_create", "");
    let payload = reply(client, asked).payload().expect("text").to_owned();
    let payload: serde_json::Value = serde_json::from_str(&payload).expect("JSON");
    let match_id = payload["match_id"].as_str().expect("an id").to_owned();
    let asked = client.join_match(&match_id, [].into());
    assert!(reply(client, asked).joined().is_some());
    match_id
}

fn data(client: &mut Client) -> MatchData {
    expect(client, |event| match event {
        Event::MatchData(data) => Some(data),
        _ => None,
    })
}

#[test]
fn a_game_plays_over_a_websocket() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    assert_eq!(session.username(), "ann");
    let connection = connect(&mut client, session, Transport::WebSocket);
    assert_eq!(connection, Connection::WebSocket);

    let match_id = play(&mut client);
    for delivery in [Delivery::Reliable, Delivery::Unreliable, Delivery::Newest] {
        client
            .send_match_data(&*match_id, 7, "here", delivery)
            .expect("it is sent");
        let echo = data(&mut client);
        assert_eq!((&*echo.match_id, &*echo.data), (&*match_id, &b"here"[..]));
        assert!(!echo.is_datagram);
    }
    let stats = client.stats();
    assert_eq!(stats.transport, Some(Connection::WebSocket));
    assert!(stats.bytes_in > 0 && stats.bytes_out > 0);
}

/// The session with another token in front, which no server has signed.
fn with_token_until(session: &Session, expires_seconds: u64) -> Session {
    let claims = format!(
        r#"{{"uid":"{}","exp":{expires_seconds}}}"#,
        session.user_id()
    );
    let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
    Session::from_tokens(token, session.refresh_token()).expect("tokens")
}

#[test]
fn a_stored_session_is_refreshed_if_it_is_old_or_the_server_does_not_take_it() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let stored = login(&mut client, "ann").to_text();
    let stored = Session::from_text(&stored).expect("it was stored");
    // 1970 is old; in 2100 it would be good, if the server had signed it.
    for expires_seconds in [1, 4_102_444_800] {
        let session = with_token_until(&stored, expires_seconds);
        client
            .connect(session, Transport::WebSocket)
            .expect("there is room");
        let refreshed = expect(&mut client, |event| match event {
            Event::Refreshed { session } => Some(session),
            _ => None,
        });
        assert_eq!(refreshed.user_id(), stored.user_id());
        expect(&mut client, |event| {
            matches!(event, Event::Connected { .. }).then_some(())
        });
    }
}

#[test]
fn a_session_that_nobody_takes_is_given_up() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let stored = login(&mut client, "ann");
    let token = with_token_until(&stored, 4_102_444_800).token().to_owned();
    for refresh_token in ["", &token] {
        let session = Session::from_tokens(token.clone(), refresh_token).expect("tokens");
        client
            .connect(session, Transport::WebSocket)
            .expect("there is room");
        let ended = expect(&mut client, |event| match event {
            Event::Disconnected { reason, will_retry } => Some((reason, will_retry)),
            _ => None,
        });
        assert_eq!(ended, (Ended::SessionInvalid, false));
    }
}

#[test]
fn an_account_that_is_not_there_is_refused() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let account = Account::device("nobody-has-this-one").create(false);
    let asked = client.authenticate(account).expect("there is room");
    let reason = expect(&mut client, |event| match event {
        Event::Failed { request, reason } if request == asked => Some(reason),
        _ => None,
    });
    assert!(
        matches!(&reason, FailReason::Refused(error) if error.code == 404),
        "{reason:?}"
    );
}

#[test]
fn a_server_that_stops_is_noticed_and_requests_do_not_hang() {
    let server = server();
    let mut options = options(&server);
    options.reconnect = Reconnect::never();
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::WebSocket);
    let asked = client.ping().expect("it is sent");
    server.stop();
    let mut is_answered = false;
    let will_retry = expect(&mut client, |event| match event {
        Event::Reply { request, .. } | Event::Failed { request, .. } => {
            is_answered |= request == asked;
            None
        }
        Event::Disconnected { will_retry, .. } => Some(will_retry),
        _ => None,
    });
    assert!(is_answered && !will_retry);
    assert_eq!(client.ping(), Err(SendError::NotConnected));
}

#[test]
fn quic_alone_is_not_to_be_had_from_a_server_without() {
    let server = Server::start_with(&[("quic.enabled", "false")], |_| {});
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    client
        .connect(session, Transport::Quic)
        .expect("there is room");
    let ended = expect(&mut client, |event| match event {
        Event::Disconnected { reason, will_retry } => Some((reason, will_retry)),
        _ => None,
    });
    assert_eq!(ended, (Ended::NoQuic, false));
}

#[test]
fn where_a_server_has_no_quic_a_websocket_is_used() {
    let server = Server::start_with(&[("quic.enabled", "false")], |_| {});
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    let connection = connect(&mut client, session, Transport::Auto);
    assert_eq!(connection, Connection::WebSocket);
}

/// Sends until there are `count` echoes: what may be lost may be lost.
fn echoes(client: &mut Client, match_id: &str, count: usize) -> Vec<MatchData> {
    let deadline = Instant::now() + PATIENCE;
    let mut echoes = Vec::new();
    while echoes.len() < count {
        assert!(Instant::now() < deadline, "{} of {count}", echoes.len());
        let sent = client.send_match_data(match_id, 7, "here", Delivery::Unreliable);
        assert!(matches!(sent, Ok(()) | Err(SendError::Full)));
        if let Some(Event::MatchData(data)) = client.wait(Duration::from_millis(200)) {
            echoes.push(data);
        }
    }
    echoes
}

#[test]
fn a_game_plays_over_quic_with_datagrams() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    client
        .connect(session, Transport::Auto)
        .expect("there is room");
    let session_id = expect(&mut client, |event| match event {
        Event::Connected {
            transport,
            session_id,
            attempt,
        } => {
            assert_eq!((transport, attempt), (Connection::Quic, 1));
            session_id
        }
        _ => None,
    });
    let match_id = play(&mut client);
    let echoes = echoes(&mut client, &match_id, 10);
    assert!(
        echoes
            .iter()
            .all(|echo| echo.is_datagram && &*echo.data == b"here")
    );

    // Too long for a datagram, and too much to be lost.
    for (bytes, delivery) in [(2000, Delivery::Unreliable), (10, Delivery::Reliable)] {
        client
            .send_match_data(&*match_id, 7, vec![1; bytes], delivery)
            .expect("it is sent");
        let echo = expect(&mut client, |event| match event {
            Event::MatchData(data) if !data.is_datagram => Some(data),
            _ => None,
        });
        assert_eq!(echo.data.len(), bytes);
    }
    let stats = client.stats();
    assert_eq!(stats.transport, Some(Connection::Quic));
    assert!(stats.rtt.is_some() && stats.bytes_in > 0 && stats.bytes_out > 0);
    assert!(stats.datagrams_sent >= 10 && stats.datagrams_received >= 10);
    assert_eq!(stats.datagrams_unknown, 0);
    assert!(session_id.len() == 36, "a UUID");
}

#[test]
fn a_client_that_changes_its_port_keeps_its_session() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::Quic);
    let match_id = play(&mut client);
    for _ in 0..3 {
        client.rebind().expect("there is room");
        assert!(
            echoes(&mut client, &match_id, 5)
                .iter()
                .all(|echo| echo.is_datagram)
        );
    }
    assert_eq!(client.stats().connections, 1);
}

#[test]
fn a_quic_session_that_the_server_does_not_take_is_refreshed() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let stored = login(&mut client, "ann");
    let session = with_token_until(&stored, 4_102_444_800);
    let connection = connect(&mut client, session, Transport::Quic);
    assert_eq!(connection, Connection::Quic);
}

#[test]
fn a_server_that_stops_says_goodbye_over_quic() {
    let server = server();
    let mut options = options(&server);
    options.reconnect = Reconnect::never();
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::Quic);
    server.stop();
    let reason = expect(&mut client, |event| match event {
        Event::Disconnected { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(
        matches!(reason, Ended::ByServer { code: 1001, .. }),
        "{reason:?}"
    );
}

#[test]
fn a_game_that_does_not_poll_is_disconnected_and_told_so() {
    for transport in [Transport::Quic, Transport::WebSocket] {
        let server = server();
        let mut options = options(&server);
        options.events_max = 4;
        let mut client = Client::new(options).expect("a thread");
        let session = login(&mut client, "ann");
        connect(&mut client, session, transport);
        let match_id = play(&mut client);
        let asked: Vec<_> = std::iter::from_fn(|| client.ping().ok()).take(8).collect();
        assert!(!asked.is_empty());
        // Requests are refused while there is no room for their answers; these echoes come all the same.
        let deadline = Instant::now() + PATIENCE;
        while client.is_connected() {
            assert!(Instant::now() < deadline, "it is still connected");
            let sent = client.send_match_data(&*match_id, 7, "here", Delivery::Reliable);
            assert_ne!(sent, Err(SendError::TooLong));
            std::thread::yield_now();
        }
        let mut answered = Vec::new();
        let ended = expect(&mut client, |event| match event {
            Event::Reply { request, .. } | Event::Failed { request, .. } => {
                answered.push(request);
                None
            }
            Event::Disconnected { reason, will_retry } => Some((reason, will_retry)),
            _ => None,
        });
        assert_eq!(ended, (Ended::NotPolled, false));
        answered.sort();
        assert_eq!(answered, asked, "no request is left in silence");
    }
}

#[test]
fn a_game_plays_on_over_a_bad_network() {
    let server = server();
    for transport in [Transport::Quic, Transport::WebSocket] {
        let profile = "mobile,loss=10%,seed=3".parse().expect("a profile");
        let mut client = Client::new(options(&server).network(profile)).expect("a thread");
        let session = login(&mut client, "ann");
        connect(&mut client, session, transport);
        let match_id = play(&mut client);
        echoes(&mut client, &match_id, 20);
        if transport == Transport::Quic {
            client.rebind().expect("there is room");
            echoes(&mut client, &match_id, 5);
        }
        assert_eq!(client.stats().connections, 1);
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let server = server();
    // The gate passes on where QUIC is, but not the hash of the server's own certificate.
    let gate = Gate::open(server.address, server.address.port());
    let mut client = Client::new(gate.options()).expect("a thread");
    let session = login(&mut client, "ann");
    client
        .connect(session.clone(), Transport::Quic)
        .expect("there is room");
    let reason = expect(&mut client, |event| match event {
        Event::Disconnected { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(matches!(reason, Ended::Unreachable(_)), "{reason:?}");
    let connection = connect(&mut client, session, Transport::Auto);
    assert_eq!(connection, Connection::WebSocket);
}

#[test]
fn where_udp_is_blocked_a_websocket_is_used() {
    let server = server();
    let hole = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let gate = Gate::open(server.address, hole.local_addr().expect("a port").port());
    let mut client = Client::new(gate.options()).expect("a thread");
    let session = login(&mut client, "ann");
    let connection = connect(&mut client, session, Transport::Auto);
    assert_eq!(connection, Connection::WebSocket);
    play(&mut client);
    assert_eq!(server.sessions(), 1, "nobody is there twice");
}

#[test]
fn where_udp_is_blocked_a_token_that_the_server_does_not_take_is_refreshed() {
    let server = server();
    let hole = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let gate = Gate::open(server.address, hole.local_addr().expect("a port").port());
    let mut client = Client::new(gate.options()).expect("a thread");
    let stored = login(&mut client, "ann");
    let session = with_token_until(&stored, 4_102_444_800);
    let connection = connect(&mut client, session.clone(), Transport::Auto);
    assert_eq!(connection, Connection::WebSocket);
    play(&mut client);
    assert_eq!(server.sessions(), 1);

    let without = Session::from_tokens(session.token(), "").expect("a token");
    client
        .connect(without, Transport::Auto)
        .expect("there is room");
    let reason = expect(&mut client, |event| match event {
        Event::Disconnected { reason, .. } if reason != Ended::ByGame => Some(reason),
        _ => None,
    });
    assert_eq!(reason, Ended::SessionInvalid);
}

#[test]
fn whatever_a_server_says_of_quic_there_is_a_websocket() {
    let server = server();
    let senseless = "<html>";
    let bad_hash = r#"{"quic":{"port":1,"alpn":"tiltyard/1"},"certificate_hashes":["a"]}"#;
    for (status, body) in [
        (403, ""),
        (429, ""),
        (503, ""),
        (200, senseless),
        (200, bad_hash),
    ] {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\n\r\n{body}");
        let gate = Gate::open_with(server.address, answer);
        let mut client = Client::new(gate.options()).expect("a thread");
        let session = login(&mut client, "ann");
        let connection = connect(&mut client, session.clone(), Transport::Auto);
        assert_eq!(connection, Connection::WebSocket, "{status} {body}");
        client
            .connect(session, Transport::Quic)
            .expect("there is room");
        let reason = expect(&mut client, |event| match event {
            Event::Disconnected { reason, .. } if reason != Ended::ByGame => Some(reason),
            _ => None,
        });
        assert!(
            matches!(reason, Ended::Unreachable(_)),
            "or nothing: {reason}"
        );
    }
}

#[test]
fn a_route_that_does_not_answer_does_not_keep_the_websocket_waiting_for_ever() {
    let server = server();
    // A head without an end.
    let gate = Gate::open_with(
        server.address,
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".into(),
    );
    let mut client = Client::new(gate.options()).expect("a thread");
    let session = login(&mut client, "ann");
    let connection = connect(&mut client, session, Transport::Auto);
    assert_eq!(connection, Connection::WebSocket);
}

#[test]
fn a_lost_connection_is_opened_again_and_matches_are_joined_again() {
    let server = server();
    let gate = Gate::open(server.address, 0);
    let mut options = gate.options();
    options.reconnect.delay = Duration::from_millis(10);
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::WebSocket);
    let (kept, left) = (play(&mut client), play(&mut client));
    let asked = client.leave_match(&left);
    reply(&mut client, asked);
    gate.cut();
    let mut seen = Vec::new();
    let rejoined = expect(&mut client, |event| match event {
        Event::Disconnected { will_retry, .. } => {
            assert!(will_retry);
            seen.push("disconnected");
            None
        }
        Event::Connected { .. } => {
            seen.push("connected");
            None
        }
        Event::Rejoined { match_id, .. } => Some(match_id),
        _ => None,
    });
    assert_eq!(&*rejoined, kept);
    assert_eq!(seen.first(), Some(&"disconnected"));
    assert_eq!(seen.last(), Some(&"connected"));
    client
        .send_match_data(rejoined, 7, "here", Delivery::Reliable)
        .expect("it is sent");
    assert_eq!(&*data(&mut client).data, b"here");
}

#[test]
fn a_match_that_was_left_in_the_frame_of_its_join_is_not_joined_again() {
    let server = server();
    let gate = Gate::open(server.address, 0);
    let mut options = gate.options();
    options.reconnect.delay = Duration::from_millis(10);
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::WebSocket);
    let (left, kept) = (play(&mut client), play(&mut client));
    // In order: the join is answered when the leave has been sent.
    client.leave_match(&left).expect("it is sent");
    client.join_match(&left, [].into()).expect("it is sent");
    let asked = client.leave_match(&left);
    reply(&mut client, asked);
    gate.cut();
    let mut rejoined = Vec::new();
    expect(&mut client, |event| match event {
        Event::Rejoined { match_id, .. } => {
            rejoined.push(match_id.to_string());
            (*match_id == *kept).then_some(())
        }
        _ => None,
    });
    // A match answers in order: if this client had asked for it by itself, that is answered before this.
    let asked = client.join_match(&left, [].into()).expect("it is sent");
    expect(&mut client, |event| match event {
        Event::Rejoined { match_id, .. } => {
            rejoined.push(match_id.to_string());
            None
        }
        Event::Reply { request, .. } if request == asked => Some(()),
        _ => None,
    });
    assert_eq!(rejoined, [kept]);
}

#[test]
fn a_lost_quic_connection_comes_back_over_quic() {
    let server = server();
    let mut options = options(&server);
    options.reconnect.delay = Duration::from_millis(10);
    // Longer than the server takes, which ends the connection over it.
    options.message_bytes_max = 1024 * 1024;
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::Auto);
    let match_id = play(&mut client);
    client
        .send_match_data(&*match_id, 7, vec![1; 100_000], Delivery::Reliable)
        .expect("it is sent");
    let mut why = None;
    let rejoined = expect(&mut client, |event| match event {
        Event::Disconnected { reason, will_retry } => {
            assert!(will_retry);
            why = Some(reason);
            None
        }
        Event::Connected { transport, .. } => {
            assert_eq!(transport, Connection::Quic);
            None
        }
        Event::Rejoined { match_id, .. } => Some(match_id),
        _ => None,
    });
    assert!(
        matches!(why, Some(Ended::ByServer { code: 1009, .. })),
        "{why:?}"
    );
    assert_eq!(&*rejoined, match_id);
    assert!(
        echoes(&mut client, &match_id, 5)
            .iter()
            .all(|echo| echo.is_datagram)
    );
}

/// A match that lets in one player, once.
#[derive(Component, Default)]
struct Once {
    is_used: bool,
}

impl MatchKind for Once {
    const NAME: &'static str = "once";
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self::default()))
    }
}

fn admit(mut matches: Matches<Once>) {
    matches.each(|game| {
        if game.state.is_used {
            game.reject("once is enough");
        }
        game.state.is_used = true;
    });
}

#[test]
fn a_match_that_does_not_let_the_player_in_again_is_lost() {
    let server = Server::start(|app| {
        app.add_match::<Once>().add_systems(MatchJoinAttempt, admit);
        app.add_rpc("once", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Once::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    });
    let gate = Gate::open(server.address, 0);
    let mut options = gate.options();
    options.reconnect.delay = Duration::from_millis(10);
    let mut client = Client::new(options).expect("a thread");
    let session = login(&mut client, "ann");
    connect(&mut client, session, Transport::WebSocket);
    let asked = client.rpc("once", "");
    let match_id = reply(&mut client, asked)
        .payload()
        .expect("text")
        .to_owned();
    let asked = client.join_match(&match_id, [].into());
    reply(&mut client, asked);
    gate.cut();
    let (lost, error) = expect(&mut client, |event| match event {
        Event::MatchLost { match_id, error } => Some((match_id, error)),
        _ => None,
    });
    assert_eq!((&*lost, error.code), (&*match_id, 5));
}

#[test]
fn the_game_may_leave_and_come_back() {
    let server = server();
    let mut client = Client::new(options(&server)).expect("a thread");
    let session = login(&mut client, "ann");
    for _ in 0..2 {
        connect(&mut client, session.clone(), Transport::Auto);
        play(&mut client);
        client.disconnect().expect("there is room");
        let ended = expect(&mut client, |event| match event {
            Event::Disconnected { reason, will_retry } => Some((reason, will_retry)),
            _ => None,
        });
        assert_eq!(ended, (Ended::ByGame, false));
    }
    assert_eq!(client.stats().connections, 2);
}
