//! Over QUIC and WebTransport: what the control stream and datagrams carry, and who is let in.

use std::time::Duration;

use serde_json::json;
use tiltyard::prelude::*;
use tiltyard_proto::{control, framing::FrameKind};
use tiltyard_tests::{
    quic::{Arrived, Kind, QuicSocket, Stranger, hello, try_dial},
    server::{Ended, Server},
};

const KINDS: [Kind; 2] = [Kind::Quic, Kind::WebTransport];

/// Sends back whatever comes, the way the op code says: 1 as it came, 2 newest only, 3 reliably.
#[derive(Component, Default)]
struct Echo;

impl MatchKind for Echo {
    const NAME: &'static str = "echo";
    const DELIVERY: &'static [(i64, Delivery)] = &[(2, Delivery::Newest)];
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(60))
    }
}

fn echo(mut matches: Matches<Echo>) {
    matches.each(|game| {
        for message in game.take_messages() {
            let transport = game.transport(message.sender.session_id);
            if message.op_code == 9 {
                let text = transport.map(|transport| transport.to_string());
                game.broadcast(9, text.unwrap_or_default()).send();
                continue;
            }
            let back = game.broadcast(message.op_code, message.data);
            let back = back.to(message.sender);
            if message.op_code == 1 && !message.reliable {
                back.unreliable().send();
            } else {
                back.send();
            }
        }
    });
}

fn games(app: &mut App) {
    app.add_match::<Echo>().add_systems(MatchLoop, echo);
    app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
        let id = directory.create(Echo::NAME, &MatchParams::default());
        Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
    });
}

async fn create(socket: &mut QuicSocket) -> String {
    let answer = socket.ask("rpc", json!({ "id": "create" })).await;
    answer["rpc"]["payload"].as_str().unwrap().to_owned()
}

/// A server, and a client in a match of its own.
async fn in_match(kind: Kind) -> (Server, QuicSocket, String, u32) {
    let server = Server::start(games);
    let mut socket = QuicSocket::connect(&server, kind, "alice").await;
    let id = create(&mut socket).await;
    let handle = socket.join(&id).await;
    (server, socket, id, handle)
}

fn ended(code: u32, reason: &str) -> Ended {
    Ended {
        code: u16::try_from(code).ok(),
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn the_control_stream_speaks_the_protocol_of_the_web_socket() {
    for kind in KINDS {
        let server = Server::start(games);
        let mut alice = QuicSocket::connect(&server, kind, "alice").await;
        assert_eq!(alice.ask("ping", json!({})).await["pong"], json!({}));
        let unknown = alice.ask("rpc", json!({ "id": "nothing" })).await;
        assert_eq!(unknown["error"]["code"], 6, "{unknown}");

        // Somebody on a WebSocket is in the same room.
        let mut bob = server.connect("bob").await;
        let join = json!({ "target": "room", "type": 1 });
        let joined = bob.ask("channel_join", join.clone()).await;
        alice.ask("channel_join", join).await;
        let channel = joined["channel"]["id"].clone();
        let write = json!({ "channel_id": channel, "content": "{\"text\":\"hello\"}" });
        bob.ask("channel_message_send", write).await;
        let heard = alice.next_event("channel_message").await;
        assert_eq!(heard["content"], "{\"text\":\"hello\"}");
    }
}

#[tokio::test]
async fn unreliable_data_goes_and_comes_in_datagrams() {
    for kind in KINDS {
        let (_server, socket, _, handle) = in_match(kind).await;
        socket.send_datagram(handle, 0, 1, b"there and back");
        let expected = Arrived {
            handle,
            sequence: 0,
            newest: false,
            op_code: 1,
            sender: None,
            data: b"there and back".to_vec(),
        };
        assert_eq!(socket.next_datagram().await, expected);
    }
}

#[tokio::test]
async fn reliable_and_long_data_goes_on_the_stream() {
    let (_server, mut socket, id, _) = in_match(Kind::Quic).await;
    // Not newest only, but too long for a datagram; "AAAA" is three zero bytes.
    let long = "AAAA".repeat(600);
    for (op_code, data, reliable) in [("2", &*long, false), ("3", "AAAA", true)] {
        let send =
            json!({ "match_id": id, "op_code": op_code, "data": data, "reliable": reliable });
        socket.send(json!({ "match_data_send": send })).await;
        let back = socket.next_event("match_data").await;
        assert_eq!(back["data"], data);
        assert_eq!(back["op_code"], op_code);
    }
}

#[tokio::test]
async fn what_the_game_declares_newest_only_is_marked_so_and_old_inputs_are_dropped() {
    let (_server, socket, _, handle) = in_match(Kind::Quic).await;
    socket.send_datagram(handle, 5, 2, b"five");
    let back = socket.next_datagram().await;
    assert_eq!((back.newest, &*back.data), (true, &b"five"[..]));
    socket.send_datagram(handle, 4, 2, b"four is late");
    socket.send_datagram(handle, 5, 2, b"five again");
    socket.send_datagram(handle, 6, 2, b"six");
    assert_eq!(socket.next_datagram().await.data, b"six");
}

#[tokio::test]
async fn relayed_data_says_who_sent_it_and_goes_on_as_it_came() {
    let server = Server::start(games);
    let mut alice = QuicSocket::connect(&server, Kind::Quic, "alice").await;
    let mut bob = QuicSocket::connect(&server, Kind::WebTransport, "bob").await;
    let mut carol = server.connect("carol").await;
    let made = alice.ask("match_create", json!({})).await;
    let id = made["match"]["match_id"].as_str().unwrap().to_owned();
    let from_alice = alice.handles[&id];
    bob.join(&id).await;
    carol.ask("match_join", json!({ "match_id": id })).await;

    alice.send_datagram(from_alice, 0, 7, b"all of you");
    let heard = bob.next_datagram().await;
    assert_eq!(heard.sender.as_deref(), Some("alice"));
    assert_eq!((heard.op_code, &*heard.data), (7, &b"all of you"[..]));
    let heard = carol.next_event("match_data").await;
    assert_eq!(heard["presence"]["username"], "alice");
    assert_eq!(heard["data"], "YWxsIG9mIHlvdQ==");

    // Carol's client never says that anything is reliable, and must not lose anything for it.
    let send = json!({ "match_id": id, "op_code": "8", "data": "AAAA" });
    carol.send(json!({ "match_data_send": send })).await;
    let heard = bob.next_event("match_data").await;
    assert_eq!(heard["op_code"], "8");
}

#[tokio::test]
async fn rules_know_what_everybody_is_connected_over() {
    for (kind, name) in [(Kind::Quic, "quic"), (Kind::WebTransport, "webtransport")] {
        let (_server, mut socket, _, handle) = in_match(kind).await;
        socket.send_datagram(handle, 0, 9, b"");
        let told = socket.next_event("match_data").await;
        let text = tiltyard_proto::json::to_string(&tiltyard_proto::realtime::MatchData {
            data: name.as_bytes().to_vec(),
            ..Default::default()
        });
        assert!(text.contains(told["data"].as_str().unwrap()), "{told}");
    }
}

#[tokio::test]
async fn a_client_that_changes_its_port_keeps_its_session() {
    for kind in KINDS {
        let (_server, mut socket, _, handle) = in_match(kind).await;
        for sequence in 0..3 {
            let before = socket.stranger.endpoint.local_addr().unwrap();
            socket.rebind();
            assert_ne!(socket.stranger.endpoint.local_addr().unwrap(), before);
            socket.send_datagram(handle, sequence, 1, b"still here");
            assert_eq!(socket.next_datagram().await.data, b"still here");
            assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
        }
    }
}

#[tokio::test]
async fn who_may_not_come_in_is_told_why() {
    let server = Server::start(games);
    let token = server.login("alice").await;
    let mut wrong_version = hello(&token);
    wrong_version.version = 2;
    let too_long = "x".repeat(9000);
    let cases = [
        (hello("forged"), 4401, "missing or invalid token"),
        (hello(""), 4401, "missing or invalid token"),
        (
            wrong_version,
            4426,
            "version 2 is not spoken here, version 1 is",
        ),
        (hello(&too_long), 4400, "the first frame is no hello"),
    ];
    for kind in KINDS {
        for (message, code, reason) in &cases {
            let mut stranger = Stranger::dial(&server, kind).await;
            stranger.write_frame(FrameKind::Hello, message).await;
            assert_eq!(stranger.goodbye().await, ended(*code, reason));
        }
        let mut stranger = Stranger::dial(&server, kind).await;
        stranger
            .write_frame(FrameKind::Goodbye, &control::Goodbye::default())
            .await;
        let reason = "the first frame is no hello";
        assert_eq!(stranger.goodbye().await, ended(4400, reason));
    }
    assert_eq!(server.sessions(), 0, "nobody was let in");
}

#[tokio::test]
async fn broken_frames_end_their_own_connection_and_no_other() {
    let server = Server::start(games);
    let mut bystander = QuicSocket::connect(&server, Kind::Quic, "bystander").await;
    let cases: [(&[u8], u32, &str); 5] = [
        (&[0], 1002, "broken frame"),
        (&[0xff, 0xff, 0xff, 0xff, 1], 1002, "broken frame"),
        (&[1, 99], 1002, "unexpected kind of frame"),
        (&[2, 0, 0xff], 1000, "received malformed payload"),
        (&[0x82, 0x20, 0], 1009, ""),
    ];
    for (number, (bytes, code, reason)) in cases.iter().enumerate() {
        let name = format!("mallory-{number}");
        let mut mallory = QuicSocket::connect(&server, Kind::Quic, &name).await;
        mallory.stranger.write(bytes).await;
        assert_eq!(mallory.stranger.goodbye().await, ended(*code, reason));
    }
    assert_eq!(bystander.ask("ping", json!({})).await["pong"], json!({}));
    server.sessions_fall_to(1).await;
}

#[tokio::test]
async fn broken_datagrams_are_dropped_and_the_connection_goes_on() {
    let (_server, socket, _, handle) = in_match(Kind::Quic).await;
    for bytes in [
        &[][..],
        &[0xff],
        &[0x40],
        &[0x40, 99, 0, 0, 2],
        &[0x80, 0, 0, 0, 2],
        // Says who sent it, which is the server's to say.
        &[0x41, 0, 0, 0, 2],
    ] {
        socket.send_bytes(bytes.to_vec());
    }
    socket.send_datagram(handle, 0, 1, b"good");
    assert_eq!(socket.next_datagram().await.data, b"good");
}

#[tokio::test]
async fn a_second_stream_is_refused() {
    let (_server, mut socket, _, _) = in_match(Kind::Quic).await;
    let mut one_way = socket.stranger.session.open_uni().await.unwrap();
    drop(one_way.write_all(b"hello").await);
    assert!(
        one_way.stopped().await.unwrap().is_some(),
        "nobody reads it"
    );
    let (mut send, mut receive) = socket.stranger.session.open_bi().await.unwrap();
    // Whether it is the write that fails or the read, the stream does not stay.
    drop(send.write_all(b"hello").await);
    receive.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
}

#[tokio::test]
async fn a_datagram_of_no_session_is_dropped_and_the_connection_goes_on() {
    let (server, mut socket, _, handle) = in_match(Kind::WebTransport).await;
    let connection: &quinn::Connection = &socket.stranger.session;
    for bytes in [&[][..], &[0x3f, 1, 2]] {
        connection
            .send_datagram(bytes::Bytes::from_static(bytes))
            .unwrap();
    }
    socket.send_datagram(handle, 0, 1, b"good");
    assert_eq!(socket.next_datagram().await.data, b"good");
    assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
    assert_eq!(server.sessions(), 1);
}

#[tokio::test]
async fn what_was_said_before_goodbye_counts() {
    const MESSAGES: usize = 400;
    /// Counts what comes, slowly.
    #[derive(Component, Default)]
    struct Tally(usize);
    impl MatchKind for Tally {
        const NAME: &'static str = "tally";
        fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
            Ok(MatchInit::new(Self::default()).tick_rate(2))
        }
    }
    fn tally(mut matches: Matches<Tally>) {
        matches.each(|game| {
            game.state.0 += game.take_messages().len();
            let told = game.state.0.to_string();
            game.broadcast(1, told).send();
        });
    }
    let server = Server::start(|app| {
        app.add_match::<Tally>().add_systems(MatchLoop, tally);
        app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Tally::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    });
    for kind in KINDS {
        let mut alice = QuicSocket::connect(&server, kind, "alice").await;
        let id = create(&mut alice).await;
        alice.join(&id).await;
        let mut bob = server.connect("bob").await;
        bob.ask("match_join", json!({ "match_id": id })).await;
        for _ in 0..MESSAGES {
            let send = json!({ "match_id": id, "op_code": "1", "data": "AAAA", "reliable": true });
            alice.send(json!({ "match_data_send": send })).await;
        }
        // As proto/TRANSPORT.md says: the last word, the end of the stream, and the end of the connection
        // as soon as QUIC has it there.
        alice
            .stranger
            .write_frame(FrameKind::Goodbye, &control::Goodbye::default())
            .await;
        alice.stranger.finish().await;
        alice.stranger.session.close(1000, b"");
        let all = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, MESSAGES.to_string());
        while bob.next_event("match_data").await["data"] != all {}
    }
}

#[tokio::test]
async fn a_lost_client_is_gone_from_its_match_and_one_that_leaves_at_once() {
    let server = Server::start(games);
    for leave in [true, false] {
        let mut alice = QuicSocket::connect(&server, Kind::Quic, "alice").await;
        let id = create(&mut alice).await;
        alice.join(&id).await;
        let mut bob = server.connect("bob").await;
        bob.ask("match_join", json!({ "match_id": id })).await;
        if leave {
            alice
                .stranger
                .write_frame(FrameKind::Goodbye, &control::Goodbye::default())
                .await;
        } else {
            alice.stranger.session.close(0, b"");
        }
        loop {
            let event = bob.next_event("match_presence_event").await;
            if event["leaves"][0]["username"] == "alice" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn everybody_hears_goodbye_when_the_server_stops() {
    let server = Server::start(games);
    let mut alice = QuicSocket::connect(&server, Kind::Quic, "alice").await;
    let mut bob = QuicSocket::connect(&server, Kind::WebTransport, "bob").await;
    let stop = tokio::task::spawn_blocking(move || server.stop());
    let expected = ended(1001, "server is shutting down");
    assert_eq!(alice.stranger.goodbye().await, expected);
    assert_eq!(bob.stranger.goodbye().await, expected);
    stop.await.unwrap();
}

#[tokio::test]
async fn addresses_prove_themselves_first_where_that_is_wanted() {
    let server = Server::start_with(&[("quic.retry", "always")], games);
    for kind in KINDS {
        let mut socket = QuicSocket::connect(&server, kind, "alice").await;
        assert_eq!(socket.ask("ping", json!({})).await["pong"], json!({}));
    }
}

#[tokio::test]
async fn early_data_is_not_taken() {
    let server = Server::start(games);
    let token = server.login("alice").await;
    let (client, tickets) = tiltyard_tests::quic::resuming_config();
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    for attempt in 0..2 {
        assert_eq!(tickets.taken() > 0, attempt > 0, "the second time resumes");
        let connecting = endpoint
            .connect_with(client.clone(), server.address, "localhost")
            .unwrap();
        // The ticket is good for resuming, but not for sending early.
        let connecting = connecting.into_0rtt().err();
        let connecting = connecting.unwrap_or_else(|| panic!("early data at {attempt}"));
        let connection = connecting.await.unwrap();
        let session = web_transport_quinn::Session::raw(connection);
        let (mut send, mut receive) = session.open_bi().await.unwrap();
        let mut bytes = Vec::new();
        tiltyard_proto::framing::write_frame(FrameKind::Hello, &mut bytes, |out| {
            out.extend(tiltyard_proto::Message::encode_to_vec(&hello(&token)));
        });
        send.write_all(&bytes).await.unwrap();
        assert!(receive.read(&mut [0; 64]).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_server_without_quic_says_so_and_leaves_the_port_alone() {
    let server = Server::start_with(&[("quic.enabled", "false")], games);
    let answer = server.http("GET", "/v2/tiltyard/transport", "", "").await;
    assert_eq!(answer, json!({ "version": 1 }));
    let taken = std::net::UdpSocket::bind(server.address);
    assert!(taken.is_ok(), "the port is free: {taken:?}");
}

#[tokio::test]
async fn the_way_in_is_told_over_http() {
    let server = Server::start(games);
    let answer = server.http("GET", "/v2/tiltyard/transport", "", "").await;
    let port = server.address.port();
    assert_eq!(answer["version"], 1);
    assert_eq!(
        answer["quic"],
        json!({ "port": port, "alpn": "tiltyard/1" })
    );
    assert_eq!(
        answer["webtransport"],
        json!({ "port": port, "path": "/wt" })
    );
    let hash = answer["certificate_hashes"][0].as_str().unwrap();
    let (_, session) = try_dial(server.address, Kind::Quic).await.unwrap();
    let shown = session.peer_identity().unwrap();
    let shown: Box<Vec<rustls::pki_types::CertificateDer<'_>>> = shown.downcast().unwrap();
    assert_eq!(hash, tiltyard_tests::quic::hash(&shown[0]), "what is shown");
}

#[tokio::test]
async fn a_silent_client_does_not_hold_a_place_for_ever() {
    let server = Server::start(games);
    let mut silent = Stranger::dial(&server, Kind::Quic).await;
    // A stream is opened by its first byte; no hello follows it.
    silent.write(&[100]).await;
    let goodbye = tokio::time::timeout(Duration::from_secs(60), silent.goodbye()).await;
    assert_eq!(goodbye.unwrap(), ended(4408, "no hello in time"));
}

/// What a new connection is shown.
async fn shown(server: &Server) -> Vec<u8> {
    let (_, session) = try_dial(server.address, Kind::Quic).await.unwrap();
    let shown = session.peer_identity().unwrap();
    let shown: Box<Vec<rustls::pki_types::CertificateDer<'_>>> = shown.downcast().unwrap();
    shown[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_dropping_anybody() {
    let folder = tempfile::TempDir::new().unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let write_pair = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    };
    write_pair("one.example");
    let options = [
        ("quic.certificate", certificate.to_str().unwrap()),
        ("quic.private_key", key.to_str().unwrap()),
    ];
    let server = Server::start_with(&options, games);
    let mut alice = QuicSocket::connect(&server, Kind::Quic, "alice").await;
    let told = server.http("GET", "/v2/tiltyard/transport", "", "").await;
    assert_eq!(told.get("certificate_hashes"), None, "an authority vouches");
    let one = shown(&server).await;

    write_pair("two.example");
    let renewed = async { while shown(&server).await == one {} };
    tokio::time::timeout(Duration::from_secs(60), renewed)
        .await
        .unwrap();
    assert_eq!(alice.ask("ping", json!({})).await["pong"], json!({}));
}

/// Keeps what came, and ticks slowly.
#[derive(Component, Default)]
struct Slow;

impl MatchKind for Slow {
    const NAME: &'static str = "slow";
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(2))
    }
}

#[tokio::test]
async fn a_flood_of_datagrams_keeps_the_newest_and_closes_nobody() {
    fn tell(mut matches: Matches<Slow>) {
        matches.each(|game| {
            for message in game.take_messages() {
                game.broadcast(1, message.data).to(message.sender).send();
            }
        });
    }
    let server = Server::start(|app| {
        app.add_match::<Slow>().add_systems(MatchLoop, tell);
        app.add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
            let id = directory.create(Slow::NAME, &MatchParams::default());
            Ok::<_, RpcError>(id.map(|id| id.to_string()).unwrap_or_default())
        });
    });
    let mut socket = QuicSocket::connect(&server, Kind::Quic, "alice").await;
    let id = create(&mut socket).await;
    let handle = socket.join(&id).await;
    for sequence in 0..2000_u16 {
        socket.send_datagram(handle, sequence, 1, &sequence.to_be_bytes());
        // What QUIC sends itself is bounded, too; it is the server's bound that counts here.
        if sequence % 50 == 0 {
            socket.ask("ping", json!({})).await;
        }
    }
    let mut told: u32 = 0;
    loop {
        let back = socket.next_event("match_data").await;
        told += 1;
        // 1999 is 0x07cf.
        if back["data"] == "B88=" {
            break;
        }
    }
    assert!(told < 2000, "some gave way to newer ones: {told}");
}

/// The first packet of a new connection, as its client sends it.
async fn first_packet() -> Vec<u8> {
    let sink = tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    let config = tiltyard_tests::quic::client_config(Kind::Quic);
    let _connecting = endpoint
        .connect_with(config, sink.local_addr().unwrap(), "localhost")
        .unwrap();
    let mut packet = vec![0; 2048];
    let (length, _) = sink.recv_from(&mut packet).await.unwrap();
    packet.truncate(length);
    packet
}

/// Whether a packet asks its receiver to prove its address (RFC 9000, section 17.2.5).
fn is_retry(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 0b1111)
}

#[tokio::test]
async fn an_address_that_proves_nothing_is_not_sent_much() {
    const PACKETS: usize = 600;
    // 256 handshakes that stay open, and those of one more second.
    const ANSWERED: usize = 256 + 64;
    let server = Server::start(games);
    let mut packets = Vec::new();
    for _ in 0..PACKETS {
        packets.push(first_packet().await);
    }
    // All from one address that never answers, as if it were somebody else's.
    let victim = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let ears = victim.try_clone().unwrap();
    ears.set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let heard = std::thread::spawn(move || {
        let (mut packet, mut retries, mut bytes) = ([0; 2048], 0, 0);
        while retries < PACKETS - ANSWERED {
            let (length, _) = ears.recv_from(&mut packet).expect("enough are asked");
            retries += usize::from(is_retry(&packet[..length]));
            bytes += length;
        }
        bytes
    });
    for packet in &packets {
        victim.send_to(packet, server.address).unwrap();
    }
    // Others come in meanwhile.
    let mut alice = QuicSocket::connect(&server, Kind::Quic, "alice").await;
    assert_eq!(alice.ask("ping", json!({})).await["pong"], json!({}));
    let received = tokio::task::spawn_blocking(|| heard.join().unwrap())
        .await
        .unwrap();
    let sent = packets.iter().map(Vec::len).sum::<usize>();
    let bound = 3 * 1200 * ANSWERED + sent / 10;
    assert!(
        received <= bound,
        "{received} bytes for {sent}, at most {bound}"
    );
}
