//! The Rust client against a whole server.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use tiltyard_client::{
    Account, Client, Connection, Delivery, Ended, Event, FailReason, MatchData, Options, Reconnect,
    Reply, RequestId, SendError, Session, Transport,
};
use tiltyard_tests::server::Server;

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
    let server = Server::start_with(&[("quic.enabled", "false")], |app| {
        app.add_plugins(pingpong::plugin);
    });
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
