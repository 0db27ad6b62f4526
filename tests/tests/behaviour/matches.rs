//! Authoritative matches: who gets in, what the rules see, how matches end.

use std::time::Duration;

use tiltyard::{
    Answer, Call, Event, Inbound, Limits, Reply, Request, RequestError, SignalError, prelude::*,
};
use tiltyard_tests::{
    fixture,
    stage::{Player, Stage, join_request},
};

fn stage() -> Stage {
    Stage::new(fixture::plugin)
}

fn params(name: &str, value: impl Into<serde_json::Value>) -> MatchParams {
    MatchParams::new().with(name, value)
}

fn error_of(reply: Reply) -> String {
    match reply {
        Reply::Error(RequestError { message, .. }) => message,
        other => panic!("expected an error, got {other:?}"),
    }
}

fn in_match(
    stage: &mut Stage,
    count: usize,
    params: &MatchParams,
) -> (tiltyard::MatchId, Vec<Player>) {
    let id = stage.create("conformance", params);
    let players: Vec<Player> = (0..count)
        .map(|number| stage.connect(&format!("player-{number}")))
        .collect();
    for player in &players {
        assert!(matches!(stage.join(*player, id, &[]), Reply::Match(_)));
    }
    (id, players)
}

#[test]
fn two_who_want_the_last_seat_in_one_pass_do_not_both_get_it() {
    let mut stage = stage();
    let id = stage.create("conformance", &params("max_players", 1));
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    stage.send(alice, join_request(id, &[]));
    let second = stage.ask(bob, join_request(id, &[]));
    assert_eq!(error_of(second), "match full");
    assert_eq!(stage.world().match_get(id).unwrap().size, 1);
}

#[test]
fn what_follows_a_join_in_the_same_pass_waits_for_its_answer() {
    let mut stage = stage();
    let id = stage.create("conformance", &params("tick_rate", 60));
    let alice = stage.connect("alice");
    stage.send(alice, join_request(id, &[]));
    stage.send_data(alice, id, 1, "right behind the join");
    stage.send(alice, Request::Ping);
    stage.run(Duration::from_millis(100));
    let data = stage.client(alice).match_data();
    assert_eq!(
        data,
        [(1, "right behind the join".to_owned())],
        "she was in by then"
    );
}

#[test]
fn a_last_word_before_a_disconnect_still_counts() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 2, &params("tick_rate", 30));
    stage.send_data(players[0], id, 2, "last word");
    stage.lose(players[0]);
    stage.run(Duration::from_millis(100));
    assert!(
        stage
            .client(players[1])
            .match_data()
            .contains(&(2, "last word".to_owned()))
    );
}

#[test]
fn a_thousand_messages_between_two_ticks_arrive_in_order() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 1, &params("tick_rate", 1));
    for number in 0..1000 {
        stage.send_data(players[0], id, 1, &number.to_string());
    }
    stage.run(Duration::from_millis(1100));
    let texts: Vec<String> = stage
        .client(players[0])
        .match_data()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(texts, expected);
}

#[test]
fn the_first_tick_is_number_zero_and_callbacks_see_the_next_one() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 1, &params("tick_rate", 10));
    stage.send_data(players[0], id, 11, "");
    stage.run(Duration::from_millis(110));
    assert_eq!(
        stage.client(players[0]).match_data(),
        [(11, r#"{"tick":0}"#.to_owned())]
    );
}

#[test]
fn matches_tick_at_their_own_rates() {
    let mut stage = stage();
    let (fast, players) = in_match(&mut stage, 1, &params("tick_rate", 60));
    let slow = stage.create("conformance", &params("tick_rate", 7));
    stage.join(players[0], slow, &[]);
    stage.run(Duration::from_secs(10));
    for (id, expected) in [(fast, 600_i64), (slow, 70)] {
        stage.take_events(players[0]);
        stage.send_data(players[0], id, 11, "");
        stage.run(Duration::from_millis(200));
        let (_, text) = stage.client(players[0]).match_data().remove(0);
        let tick: i64 = text
            .trim_start_matches(r#"{"tick":"#)
            .trim_end_matches('}')
            .parse()
            .unwrap();
        assert!(
            (tick - expected).abs() <= expected / 20 + 3,
            "{id} is at tick {tick}, expected about {expected}"
        );
    }
}

#[test]
fn rates_and_labels_out_of_bounds_make_no_match() {
    let mut stage = stage();
    let long = "l".repeat(2049);
    for (params, expected) in [
        (params("tick_rate", 0), MatchError::TickRate(0)),
        (params("tick_rate", 61), MatchError::TickRate(61)),
        (params("label", long), MatchError::LabelTooLong),
        (
            params("init", "error"),
            MatchError::Init("fixture: init".to_owned()),
        ),
    ] {
        assert_eq!(
            stage.world().match_create("conformance", &params),
            Err(expected)
        );
    }
    let unknown = stage.world().match_create("nothing", &MatchParams::new());
    assert_eq!(unknown, Err(MatchError::UnknownKind("nothing".to_owned())));
    assert!(matches!(stage.call(Call::Census), Answer::Census(census) if census.matches == 0));
}

#[test]
fn joining_twice_is_answered_without_asking_the_rules_again() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 1, &params("max_players", 1));
    stage.take_events(players[0]);
    let Reply::Match(info) = stage.join(players[0], id, &[("reject", "no")]) else {
        panic!("she is in already");
    };
    assert_eq!(
        (info.size, info.presences.len()),
        (1, 1),
        "the answer lists herself"
    );
    assert!(stage.take_events(players[0]).is_empty(), "nobody is told");
}

#[test]
fn a_match_that_ends_itself_says_nothing_and_refuses_from_then_on() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 2, &MatchParams::new());
    stage.take_events(players[1]);
    stage.send_data(players[0], id, 14, "");
    stage.run(Duration::from_millis(200));
    assert!(stage.take_events(players[1]).is_empty());
    assert_eq!(error_of(stage.join(players[1], id, &[])), "Match not found");
    assert_eq!(
        stage.world().match_signal(id, "x"),
        Err(SignalError::NotFound)
    );
    assert_eq!(
        stage.ask(players[0], Request::MatchLeave { match_id: id }),
        Reply::Done
    );
}

#[test]
fn deferred_broadcasts_come_last_and_are_bounded() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 1, &MatchParams::new());
    stage.send_data(players[0], id, 6, "a");
    stage.send_data(players[0], id, 6, "b");
    stage.run(Duration::from_millis(200));
    let texts: Vec<String> = stage
        .client(players[0])
        .match_data()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        texts,
        ["immediate:a", "immediate:b", "deferred:a", "deferred:b"]
    );
    for _ in 0..129 {
        stage.send_data(players[0], id, 6, "x");
    }
    stage.run(Duration::from_millis(200));
    assert!(
        stage.world().match_get(id).is_none(),
        "the 129th is an error, and the rules did not catch it"
    );
}

#[test]
fn kicked_players_are_not_told_and_may_come_back() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 2, &params("announce", true));
    stage.run(Duration::from_millis(50));
    stage.take_events(players[0]);
    stage.take_events(players[1]);
    stage.send_data(players[1], id, 8, "");
    stage.run(Duration::from_millis(200));
    let told = |events: &[Event]| {
        events
            .iter()
            .any(|event| matches!(event, Event::MatchPresence { .. }))
    };
    assert!(told(&stage.take_events(players[0])));
    assert!(!told(&stage.take_events(players[1])));
    assert_eq!(stage.world().match_get(id).unwrap().size, 1);
    assert!(matches!(stage.join(players[1], id, &[]), Reply::Match(_)));
}

#[test]
fn empty_matches_are_stopped_where_the_operator_wants_it() {
    let limits = Limits {
        match_empty_seconds_max: 3,
        ..Limits::default()
    };
    let mut stage = Stage::with_limits(limits, fixture::plugin);
    let (empty, lived_in) = (
        stage.create("conformance", &MatchParams::new()),
        stage.create("conformance", &MatchParams::new()),
    );
    let alice = stage.connect("alice");
    stage.join(alice, lived_in, &[]);
    stage.run(Duration::from_secs(4));
    assert!(stage.world().match_get(empty).is_none());
    assert!(stage.world().match_get(lived_in).is_some());
    stage.lose(alice);
    stage.run(Duration::from_secs(4));
    assert!(stage.world().match_get(lived_in).is_none());
}

#[test]
fn matches_are_told_of_the_end_and_then_it_comes() {
    let mut stage = stage();
    let (_, players) = in_match(&mut stage, 1, &MatchParams::new());
    stage.push(Inbound::Shutdown {
        grace: Duration::from_secs(2),
    });
    stage.step();
    let told = stage.client(players[0]).match_data();
    assert_eq!(
        told,
        [(103, r#"{"event":"terminate","grace":2}"#.to_owned())]
    );
    let refused = stage
        .world()
        .match_create("conformance", &MatchParams::new());
    assert_eq!(refused, Err(MatchError::Stopping));
    stage.run(Duration::from_secs(1));
    assert!(!stage.world().resource::<tiltyard::Shutdown>().is_finished());
    stage.run(Duration::from_millis(1100));
    assert!(stage.world().resource::<tiltyard::Shutdown>().is_finished());
}

#[test]
fn one_session_joins_only_so_many_matches() {
    let limits = Limits {
        matches_per_session_max: 2,
        ..Limits::default()
    };
    let mut stage = Stage::with_limits(limits, fixture::plugin);
    let ids: Vec<_> = (0..3)
        .map(|_| stage.create("conformance", &MatchParams::new()))
        .collect();
    let alice = stage.connect("alice");
    assert!(matches!(stage.join(alice, ids[0], &[]), Reply::Match(_)));
    assert!(matches!(stage.join(alice, ids[1], &[]), Reply::Match(_)));
    assert_eq!(
        error_of(stage.join(alice, ids[2], &[])),
        "Too many matches joined"
    );
    assert!(
        matches!(stage.join(alice, ids[1], &[]), Reply::Match(_)),
        "the ones she is in count once"
    );
}

#[test]
fn listings_follow_labels_and_sizes_at_once() {
    let mut stage = stage();
    let label = |level: i64| params("label", format!(r#"{{"mode":"duel","level":{level}}}"#));
    let (low, _) = in_match(&mut stage, 1, &label(5));
    let high = stage.create("conformance", &label(50));
    let found = |stage: &mut Stage, query: &str| -> Vec<tiltyard::MatchId> {
        let filter = MatchFilter::limit(10).query(query);
        stage
            .world()
            .match_list(&filter)
            .unwrap()
            .into_iter()
            .map(|found| found.match_id)
            .collect()
    };
    assert_eq!(found(&mut stage, ""), [high, low], "newest first");
    assert_eq!(found(&mut stage, "+label.level:>10"), [high]);
    stage
        .world()
        .match_signal(high, r#"label:{"mode":"duel","level":1}"#)
        .unwrap();
    assert!(found(&mut stage, "+label.level:>10").is_empty());
    let sized = MatchFilter {
        min_size: Some(1),
        ..MatchFilter::limit(10)
    };
    let sized = stage.world().match_list(&sized).unwrap();
    assert_eq!(
        sized.iter().map(|found| found.match_id).collect::<Vec<_>>(),
        [low]
    );
}

#[test]
fn a_join_right_behind_a_leave_is_asked_anew() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 1, &params("tick_rate", 30));
    stage.send(players[0], Request::MatchLeave { match_id: id });
    assert!(matches!(
        stage.ask(players[0], join_request(id, &[])),
        Reply::Done
    ));
    stage.step();
    stage.send_data(players[0], id, 1, "still here");
    stage.run(Duration::from_millis(100));
    assert_eq!(stage.world().match_get(id).unwrap().size, 1);
    assert_eq!(
        stage.client(players[0]).match_data(),
        [(1, "still here".to_owned())]
    );
}

#[test]
fn closing_the_stream_of_a_match_leaves_no_ghost_when_the_player_goes() {
    let mut stage = stage();
    let (id, players) = in_match(&mut stage, 2, &params("tick_rate", 30));
    stage.world().stream_close(&StreamId::of_match(id));
    stage.lose(players[0]);
    stage.run(Duration::from_millis(50));
    assert_eq!(stage.world().match_get(id).unwrap().size, 1);
}

/// A kind that does not start if it is told so.
#[derive(Component)]
struct Explosive;

impl MatchKind for Explosive {
    const NAME: &'static str = "explosive";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        assert!(!params.flag("explode").unwrap_or_default(), "as planted");
        Ok(MatchInit::new(Self))
    }
}

#[test]
fn a_panic_while_a_match_is_made_costs_that_match_only() {
    let mut stage = Stage::new(|app| {
        app.add_match::<Explosive>();
    });
    let failed = stage
        .world()
        .match_create("explosive", &params("explode", true));
    assert!(matches!(failed, Err(MatchError::Init(_))), "{failed:?}");
    let id = stage.create("explosive", &MatchParams::new());
    assert!(stage.world().match_get(id).is_some());
}

#[test]
fn a_function_that_makes_a_match_and_panics_leaves_the_records_in_order() {
    let mut stage = Stage::new(|app| {
        app.add_match::<Explosive>();
        app.add_rpc(
            "trip",
            |_: In<RpcCall>, mut directory: MatchDirectory| -> RpcResult {
                directory.create(Explosive::NAME, &MatchParams::new())?;
                panic!("as planted");
            },
        );
    });
    let player = stage.connect("player");
    let call = Request::Rpc {
        id: "trip".to_owned(),
        payload: String::new(),
    };
    assert!(matches!(stage.ask(player, call), Reply::Error(_)));
    stage.run(Duration::from_millis(50));
    let Answer::Census(census) = stage.call(Call::Census) else {
        panic!("a census");
    };
    let listed = stage
        .world()
        .match_list(&MatchFilter::limit(10))
        .unwrap()
        .len();
    assert_eq!(census.matches, listed);
}

#[test]
fn a_hook_after_joining_may_signal_the_match() {
    fn signal(In(after): In<tiltyard::AfterRequest>, world: &mut World) {
        let Some(Reply::Match(info)) = after.reply else {
            return;
        };
        let id = info.match_id.id();
        assert_eq!(world.match_signal(id, "hello"), Ok("echo:hello".to_owned()));
        world.insert_resource(Signalled);
    }
    #[derive(Resource)]
    struct Signalled;
    let mut stage = Stage::new(|app| {
        fixture::plugin(app);
        app.after(RequestKind::MatchJoin, signal);
    });
    in_match(&mut stage, 1, &params("announce", true));
    assert!(stage.world().contains_resource::<Signalled>());
}
