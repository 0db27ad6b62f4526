//! Streams and presences, through the functions of server code.

use std::time::Duration;

use tiltyard::{Answer, Call, Event, StreamError, prelude::*};
use tiltyard_tests::stage::{Player, Stage};
use uuid::Uuid;

fn stage() -> (Stage, Player, Player, StreamId) {
    let mut stage = Stage::new(|_| {});
    let (alice, bob) = (stage.connect("alice"), stage.connect("bob"));
    (stage, alice, bob, StreamId::labelled(100, "room"))
}

fn put(stage: &mut Stage, player: Player, stream: &StreamId, hidden: bool) -> bool {
    let (user, session) = (
        stage.client(player).user_id,
        stage.client(player).session_id,
    );
    let meta = PresenceMeta {
        hidden,
        ..PresenceMeta::default()
    };
    let joined = stage
        .world()
        .stream_user_join(stream, user, session, meta)
        .unwrap();
    stage.step();
    joined
}

/// Who came and who went, by what an event says.
fn changes(events: &[Event]) -> Vec<(usize, usize)> {
    let counts = events.iter().filter_map(|event| match event {
        Event::StreamPresence { joins, leaves, .. } => Some((joins.len(), leaves.len())),
        _ => None,
    });
    counts.collect()
}

#[test]
fn a_newcomer_learns_of_itself_and_one_who_leaves_does_not() {
    let (mut stage, alice, bob, stream) = stage();
    assert!(put(&mut stage, alice, &stream, false));
    assert!(put(&mut stage, bob, &stream, false));
    assert!(
        !put(&mut stage, bob, &stream, true),
        "joining again changes nothing"
    );
    let (user, session) = (stage.client(bob).user_id, stage.client(bob).session_id);
    stage.world().stream_user_leave(&stream, user, session);
    stage.step();
    assert_eq!(changes(&stage.take_events(alice)), [(1, 0), (1, 0), (0, 1)]);
    assert_eq!(changes(&stage.take_events(bob)), [(1, 0)]);
}

#[test]
fn hidden_presences_receive_everything_and_show_nowhere() {
    let (mut stage, alice, bob, stream) = stage();
    put(&mut stage, alice, &stream, false);
    stage.take_events(alice);
    put(&mut stage, bob, &stream, true);
    stage.world().stream_send(&stream, "hi", &[], true);
    stage.step();
    assert_eq!(changes(&stage.take_events(alice)), []);
    let events = stage.take_events(bob);
    assert!(matches!(events.as_slice(), [Event::StreamData(data)] if data.data == "hi"));
    assert_eq!(stage.world().stream_count(&stream), 2);
    assert_eq!(
        stage.world().stream_user_list(&stream, false, true).len(),
        1
    );
}

#[test]
fn becoming_visible_is_a_join_and_becoming_hidden_a_leave() {
    let (mut stage, alice, bob, stream) = stage();
    put(&mut stage, alice, &stream, false);
    put(&mut stage, bob, &stream, false);
    stage.take_events(alice);
    let (user, session) = (stage.client(bob).user_id, stage.client(bob).session_id);
    for (hidden, expected) in [
        (false, Some((1, 1))),
        (true, Some((0, 1))),
        (true, None),
        (false, Some((1, 0))),
    ] {
        let meta = PresenceMeta {
            hidden,
            ..PresenceMeta::default()
        };
        stage
            .world()
            .stream_user_update(&stream, user, session, meta)
            .unwrap();
        stage.step();
        assert_eq!(
            changes(&stage.take_events(alice)),
            Vec::from_iter(expected),
            "hidden: {hidden}"
        );
    }
}

#[test]
fn closing_a_stream_tells_nobody() {
    let (mut stage, alice, bob, stream) = stage();
    put(&mut stage, alice, &stream, false);
    put(&mut stage, bob, &stream, false);
    stage.take_events(alice);
    stage.world().stream_close(&stream);
    stage.step();
    assert!(stage.take_events(alice).is_empty());
    assert_eq!(stage.world().stream_count(&stream), 0);
}

#[test]
fn data_reaches_named_sessions_whether_or_not_they_are_on_the_stream() {
    let (mut stage, alice, bob, stream) = stage();
    put(&mut stage, alice, &stream, false);
    stage.take_events(alice);
    let to = [stage.client(bob).session_id];
    stage.world().stream_send(&stream, "for bob", &to, true);
    stage.step();
    assert!(stage.take_events(alice).is_empty());
    assert_eq!(stage.take_events(bob).len(), 1);
}

#[test]
fn nobody_is_left_behind_when_sessions_go() {
    let (mut stage, alice, bob, stream) = stage();
    for player in [alice, bob] {
        put(&mut stage, player, &stream, false);
        put(&mut stage, player, &StreamId::labelled(101, "other"), true);
    }
    stage.take_events(bob);
    stage.lose(alice);
    stage.run(Duration::from_millis(20));
    assert_eq!(changes(&stage.take_events(bob)), [(0, 1)]);
    stage.lose(bob);
    stage.run(Duration::from_millis(20));
    let Answer::Census(census) = stage.call(Call::Census) else {
        panic!("a census");
    };
    assert_eq!(
        (census.sessions, census.presences, census.streams),
        (0, 0, 0)
    );
}

#[test]
fn a_session_that_is_not_connected_is_put_nowhere() {
    let (mut stage, alice, _, stream) = stage();
    let user = stage.client(alice).user_id;
    let stranger = SessionId(Uuid::from_u128(77));
    let outcome = stage
        .world()
        .stream_user_join(&stream, user, stranger, PresenceMeta::default());
    assert_eq!(outcome, Err(StreamError::SessionNotFound));
    stage.world().stream_user_leave(&stream, user, stranger);
}

#[test]
fn game_code_hears_of_sessions_that_start_and_end() {
    #[derive(Resource, Default)]
    struct Heard(Vec<String>);
    let mut stage = Stage::new(|app| {
        app.init_resource::<Heard>()
            .on_session_start(
                |In(caller): In<tiltyard::Caller>, mut heard: ResMut<Heard>| {
                    heard.0.push(format!("{} came", caller.username));
                },
            )
            .on_session_end(
                |In(ended): In<tiltyard::SessionEnded>, mut heard: ResMut<Heard>| {
                    heard.0.push(format!(
                        "{} went: {:?}",
                        ended.caller.username, ended.reason
                    ));
                },
            );
    });
    let alice = stage.connect("alice");
    stage.lose(alice);
    stage.step();
    let heard = &stage.world().resource::<Heard>().0;
    assert_eq!(*heard, ["alice came", "alice went: Disconnect"]);
}

#[test]
fn a_hook_that_ends_other_sessions_hears_of_those_too() {
    #[derive(Resource, Default)]
    struct Gone(Vec<String>);
    fn end_all(In(ended): In<tiltyard::SessionEnded>, world: &mut World) {
        world
            .resource_mut::<Gone>()
            .0
            .push(ended.caller.username.to_string());
        if let Some(user) = ended.caller.user_id {
            world.user_disconnect(user);
        }
    }
    let mut stage = Stage::new(|app| {
        app.init_resource::<Gone>().on_session_end(end_all);
    });
    let phone = stage.connect("phone");
    let user = stage.client(phone).user_id;
    let laptop = stage.connect_as("laptop", user);
    stage.lose(phone);
    stage.step();
    assert!(stage.client(laptop).closed().is_some());
    assert_eq!(stage.world().resource::<Gone>().0, ["phone", "laptop"]);
}

#[test]
fn a_hook_that_disables_a_message_is_asked_about_broken_ones_too() {
    let mut stage = Stage::new(|app| {
        app.before(RequestKind::MatchLeave, |_: In<tiltyard::BeforeRequest>| {
            HookOutcome::<tiltyard::Request>::Disable
        });
    });
    let alice = stage.connect("alice");
    let error = tiltyard::RequestError::bad_input("Invalid match ID");
    let kind = RequestKind::MatchLeave;
    stage.send(alice, tiltyard::Request::Invalid { kind, error });
    stage.step();
    assert_eq!(
        stage.client(alice).closed(),
        Some("error processing message")
    );
}
