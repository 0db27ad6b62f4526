//! A server that has more to do than it can.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tiltyard::{Overload, Reply, Request, RequestError, TicksSkipped, prelude::*};
use tiltyard_proto::framing::FrameKind;
use tiltyard_tests::{
    quic::{Kind, Stranger, hello},
    server::{Ended, Server, Socket},
    stage::{Stage, join_request},
};

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a frame of 240 Hz, and than the period of the match.
const BURN: Duration = Duration::from_millis(30);

/// Echoes, and takes long for it.
#[derive(Component, Default)]
struct Furnace {
    ticks: u32,
}

#[derive(Resource, Clone, Default)]
struct Burning(Arc<AtomicBool>);

impl MatchKind for Furnace {
    const NAME: &'static str = "furnace";
    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self::default()).tick_rate(60))
    }
}

fn burn(mut matches: Matches<Furnace>, burning: Res<Burning>) {
    matches.each(|game| {
        game.state.ticks += 1;
        let start = Instant::now();
        while burning.0.load(Ordering::Acquire) && start.elapsed() < BURN {
            hint::spin_loop();
        }
        for message in game.take_messages() {
            game.broadcast(message.op_code, message.data)
                .to(message.sender)
                .send();
        }
    });
}

fn furnaces(burning: Burning) -> impl FnOnce(&mut App) + Send + 'static {
    move |app| {
        app.insert_resource(burning);
        app.add_match::<Furnace>()
            .add_systems(MatchLoop, burn)
            .add_rpc("create", |_: In<RpcCall>, mut directory: MatchDirectory| {
                let id = directory.create(Furnace::NAME, &MatchParams::default())?;
                RpcResult::Ok(id.to_string())
            });
    }
}

/// Asks for a match until the answer is what is wanted.
async fn ask_until(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = socket.ask("match_create", json!({})).await;
        if wanted(&answer) {
            return answer;
        }
        let id = &answer["match"]["match_id"];
        socket.ask("match_leave", json!({ "match_id": id })).await;
        assert!(Instant::now() < deadline, "{answer}");
    }
}

#[tokio::test]
async fn nobody_new_is_let_in_while_there_is_too_much_to_do_and_play_goes_on() {
    let burning = Burning::default();
    let options = [
        ("limits.busy_percent", "90"),
        ("limits.joins_per_second", "0"),
        ("session.token_expiry_sec", "3600"),
    ];
    let server = Server::start_with(&options, furnaces(burning.clone()));
    let mut player = server.connect("player").await;
    let made = player.ask("rpc", json!({ "id": "create" })).await;
    let id = made["rpc"]["payload"].clone();
    player.ask("match_join", json!({ "match_id": id })).await;
    let (token, mut bob) = (server.login("late").await, server.connect("bob").await);

    burning.0.store(true, Ordering::Release);
    let refused = ask_until(&mut bob, |answer| answer.get("error").is_some()).await;
    let text = "Server is overloaded, try again later";
    assert_eq!(refused["error"]["message"], text);
    let refused = bob.ask("match_join", json!({ "match_id": id })).await;
    assert_eq!(refused["error"], json!({ "code": 5, "message": text }));
    let wish = json!({ "min_count": 2, "max_count": 2, "query": "*" });
    let refused = bob.ask("matchmaker_add", wish).await;
    assert_eq!(refused["error"]["message"], text);
    let outside = server.refusal(&token).await;
    assert_eq!(outside, Some((503, Some("5".to_owned()))));
    let mut stranger = Stranger::dial(&server, Kind::Quic).await;
    stranger.write_frame(FrameKind::Hello, &hello(&token)).await;
    let expected = Ended {
        code: Some(4503),
        reason: "server is overloaded".to_owned(),
    };
    assert_eq!(stranger.goodbye().await, expected);
    let send = json!({ "match_id": id, "op_code": "7", "data": "eA==" });
    player.send(json!({ "match_data_send": send })).await;
    assert_eq!(player.next_event("match_data").await["op_code"], "7");

    burning.0.store(false, Ordering::Release);
    ask_until(&mut bob, |answer| answer.get("error").is_none()).await;
    let mut late = server.connect_with(&token).await;
    let joined = late.ask("match_join", json!({ "match_id": id })).await;
    assert_eq!(joined["match"]["match_id"], id);
}

#[test]
fn every_match_ticks_as_often_as_the_others_when_passes_come_late() {
    let mut stage = Stage::new(furnaces(Burning::default()));
    for _ in 0..40 {
        stage.create(Furnace::NAME, &MatchParams::default());
    }
    for _ in 0..100 {
        // A pass that takes a third of a second, which is twenty ticks.
        stage.miss(80);
        stage.step();
    }
    let world = stage.world();
    let mut found = world.query::<&Furnace>();
    let ticks: Vec<u32> = found.iter(world).map(|furnace| furnace.ticks).collect();
    assert!(
        ticks.iter().all(|ticks| (99..=101).contains(ticks)),
        "{ticks:?}"
    );
    assert!(
        world.resource::<TicksSkipped>().0 > 0,
        "and the rest is counted"
    );
}

#[test]
fn who_plays_may_do_everything_but_join_during_an_overload() {
    let mut stage = Stage::new(furnaces(Burning::default()));
    let id = stage.create(Furnace::NAME, &MatchParams::default());
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    assert!(matches!(stage.join(alice, id, &[]), Reply::Match(_)));
    stage.world().insert_resource(Overload(true));
    let refused = stage.ask(bob, join_request(id, &[]));
    assert!(matches!(refused, Reply::Error(RequestError { .. })));
    assert_eq!(stage.ask(alice, Request::Ping), Reply::Pong);
    let leave = Request::MatchLeave { match_id: id };
    assert_eq!(stage.ask(alice, leave), Reply::Done);
    stage.world().insert_resource(Overload(false));
    assert!(matches!(stage.join(bob, id, &[]), Reply::Match(_)));
}
