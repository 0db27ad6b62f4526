use serde_json::Map;

use crate::{
    Answer, Call, NewNotification, NotificationError, NotificationFunctions, StoreFailure,
    StoreRequest, StreamFunctions, StreamId, UserId,
    channel::stage::{Stage, session, user},
};

fn new(code: i32, subject: &str, persistent: bool) -> NewNotification {
    NewNotification {
        subject: subject.to_owned(),
        content: Map::from_iter([("n".to_owned(), code.into())]),
        code,
        sender: UserId::SYSTEM,
        persistent,
    }
}

#[test]
fn game_code_has_codes_of_its_own() {
    let mut stage = Stage::with(&["alice"]);
    let world = stage.world();
    for code in [1, i32::MAX, -1000, -2000] {
        assert_eq!(
            world.notification_send(user(0), new(code, "x", false)),
            Ok(())
        );
    }
    for code in [0, -1, -7, -999, -2001, i32::MIN] {
        let refused = Err(NotificationError::Code);
        assert_eq!(
            world.notification_send(user(0), new(code, "x", false)),
            refused
        );
        assert_eq!(world.notification_send_all(new(code, "x", false)), refused);
    }
    for subject in [String::new(), "å".repeat(256)] {
        let sent = world.notification_send(user(0), new(1, &subject, false));
        assert_eq!(sent, Err(NotificationError::Subject));
    }
    let longest = "å".repeat(255);
    assert_eq!(
        world.notification_send(user(0), new(1, &longest, true)),
        Ok(())
    );
}

#[test]
fn the_server_has_codes_of_its_own_and_answers_when_they_are_kept() {
    let mut stage = Stage::with(&["alice", "bob"]);
    let several = [(1, -2), (0, -3)].map(|(peer, code)| (user(peer), new(code, "x", true)));
    stage.put(Call::Notify(several.to_vec()));
    assert_eq!(stage.questions.len(), 2, "each stands for itself");
    stage.answer(Err(StoreFailure::Failed));
    assert_eq!(stage.heard(), Vec::<String>::new());
    assert!(stage.answers.is_empty());
    stage.store();
    assert_eq!(stage.heard(), ["alice: told -3 x;"]);
    assert!(matches!(stage.answers[..], [Answer::Done]));
}

#[test]
fn every_session_of_the_user_is_told_but_those_that_left() {
    let mut stage = Stage::with(&["phone", "bob"]);
    stage.connect(2, 0, "laptop");
    let send = |stage: &mut Stage| {
        let world = stage.world();
        world
            .notification_send(user(0), new(5, "hello", false))
            .unwrap();
        stage.pass();
        stage.heard()
    };
    assert_eq!(
        send(&mut stage),
        ["phone: told 5 hello;", "laptop: told 5 hello;"]
    );
    let stream = StreamId::notifications(user(0));
    let world = stage.world();
    world.stream_user_leave(&stream, user(0), session(0));
    assert_eq!(send(&mut stage), ["laptop: told 5 hello;"]);
    stage.vanish(2);
    assert_eq!(send(&mut stage), Vec::<String>::new());
    assert!(stage.questions.is_empty());
}

#[test]
fn what_is_kept_is_stored_before_anything_of_the_same_call_is_delivered() {
    let mut stage = Stage::with(&["alice", "bob"]);
    let several = vec![
        (user(1), new(1, "first", false)),
        (user(0), new(2, "second", true)),
        (user(1), new(3, "third", true)),
    ];
    stage.world().notifications_send(several.clone()).unwrap();
    stage.pass();
    assert_eq!(stage.heard(), Vec::<String>::new());
    let StoreRequest::InsertNotifications(kept) = stage.store() else {
        panic!("two are kept");
    };
    let codes: Vec<_> = kept
        .iter()
        .map(|(_, kept)| (kept.code, kept.persistent))
        .collect();
    assert_eq!(codes, [(2, true), (3, true)]);
    assert!(kept[0].1.create_us < kept[1].1.create_us);
    assert_eq!(
        stage.heard(),
        ["alice: told 2 second;", "bob: told 1 first; 3 third;"]
    );
    stage.world().notifications_send(several).unwrap();
    stage.pass();
    stage.answer(Err(StoreFailure::Failed));
    assert_eq!(stage.heard(), Vec::<String>::new());
    let mut bad = vec![(user(0), new(1, "good", false))];
    bad.push((user(0), new(0, "bad", false)));
    stage.world().notifications_send(bad).unwrap_err();
    stage.pass();
    assert_eq!(stage.heard(), Vec::<String>::new(), "all or nothing");
}

#[test]
fn everybody_connected_is_told_at_once_if_it_is_not_kept() {
    let mut stage = Stage::with(&["alice", "bob"]);
    let stream = StreamId::notifications(user(1));
    let world = stage.world();
    world.stream_user_leave(&stream, user(1), session(1));
    world.notification_send_all(new(7, "all", false)).unwrap();
    stage.pass();
    assert_eq!(stage.heard(), ["alice: told 7 all;", "bob: told 7 all;"]);
}

#[test]
fn everybody_gets_a_copy_of_their_own_if_it_is_kept() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.connect(2, 1, "laptop");
    stage
        .world()
        .notification_send_all(new(7, "all", true))
        .unwrap();
    stage.pass();
    assert_eq!(stage.heard(), Vec::<String>::new());
    let StoreRequest::InsertNotificationForAll(kept) = stage.store() else {
        panic!("it is kept");
    };
    assert_eq!(
        stage.heard(),
        [
            "alice: told 7 all;",
            "bob: told 7 all;",
            "laptop: told 7 all;"
        ]
    );
    let (alice, bob) = (kept.id_for(user(0)), kept.id_for(user(1)));
    assert_ne!(alice, bob);
    assert_eq!(alice.get_version_num(), 4);
    assert_eq!(alice, kept.id_for(user(0)), "the database derives the same");
}
