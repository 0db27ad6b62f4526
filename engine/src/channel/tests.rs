use serde_json::Map;
use uuid::Uuid;

use super::stage::{Stage, session, spelled, user};
use crate::{
    Answer, Call, ChannelFunctions, ChannelId, GameApp, MessageCode, MessageSender, MessageTimes,
    NotStored, Request, RequestKind, RpcCall, RpcError, RpcResult, STORE_QUESTIONS_MAX,
    StoreFailure, StoreReply, StoreRequest, StreamFunctions, UserId,
};
use bevy_ecs::prelude::*;

const ROOM: i32 = 1;
const DIRECT: i32 = 2;
const GROUP: i32 = 3;

fn error(text: &str) -> Vec<String> {
    vec![format!("alice: error 3 {text}")]
}

#[test]
fn targets_that_are_none_are_refused_with_the_text_of_the_protocol() {
    let mut stage = Stage::with(&["alice"]);
    let long = "r".repeat(65);
    let nil = Uuid::nil().to_string();
    for (kind, target, text) in [
        (ROOM, "", "Invalid channel target"),
        (9, "", "Invalid channel target"),
        (9, "x", "Invalid channel type"),
        (-1, "x", "Invalid channel type"),
        (
            0,
            &*long,
            "Channel name is required and must be 1-64 chars: Invalid channel target",
        ),
        (
            ROOM,
            "a\u{7f}",
            "Channel name must not contain control chars: Invalid channel target",
        ),
        (
            ROOM,
            "\n",
            "Channel name must not contain control chars: Invalid channel target",
        ),
        (
            DIRECT,
            "bob",
            "Invalid user ID in direct message join: Invalid channel target",
        ),
        (
            DIRECT,
            &*nil,
            "Invalid user ID in direct message join: Invalid channel target",
        ),
        (
            GROUP,
            "knights",
            "Invalid group ID in group channel join: Invalid channel target",
        ),
    ] {
        stage.join(0, kind, target);
        assert_eq!(stage.heard(), error(text), "{kind} {target}");
    }
    assert!(stage.questions.is_empty(), "nothing was looked up");
}

#[test]
fn a_room_tells_who_is_there_and_who_comes_and_goes() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, 0, "a.b");
    assert_eq!(
        stage.heard(),
        ["alice: channel 2...a.b []", "alice: +[alice] -[]"]
    );
    stage.join(1, ROOM, "a.b");
    assert_eq!(
        stage.heard(),
        [
            "bob: channel 2...a.b [alice]",
            "alice: +[bob] -[]",
            "bob: +[bob] -[]"
        ]
    );
    stage.join(1, ROOM, "a.b");
    let again = ["bob: channel 2...a.b [alice,bob]"];
    assert_eq!(stage.heard(), again, "joining again changes nothing");
    let leave = Request::ChannelLeave {
        channel: spelled("a.b"),
    };
    stage.ask(1, leave.clone());
    assert_eq!(stage.heard(), ["bob: done", "alice: +[] -[bob]"]);
    stage.ask(1, leave);
    assert_eq!(stage.heard(), ["bob: done"]);
}

#[test]
fn hidden_members_are_not_seen_but_hear_and_speak() {
    let mut stage = Stage::with(&["alice", "ghost"]);
    stage.join_as(1, ROOM, "room", false, true);
    stage.join_as(0, ROOM, "room", false, false);
    assert_eq!(
        stage.heard(),
        [
            "ghost: channel 2...room []",
            "alice: channel 2...room []",
            "ghost: +[alice] -[]",
            "alice: +[alice] -[]",
        ]
    );
    stage.say(1, "room", "{}");
    assert_eq!(
        stage.heard(),
        [
            "ghost: message 0 ghost {}",
            "alice: message 0 ghost {}",
            "ghost: ack 0"
        ]
    );
    stage.vanish(1);
    assert_eq!(stage.heard(), Vec::<String>::new());
}

#[test]
fn a_session_is_in_a_bounded_number_of_channels() {
    let mut stage = Stage::with(&["alice"]);
    for room in ["a", "b", "c"] {
        stage.join(0, ROOM, room);
    }
    stage.heard();
    stage.join(0, ROOM, "d");
    assert_eq!(stage.heard(), error("Too many channels joined"));
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(stage.heard(), error("Too many channels joined"));
    stage.join(0, ROOM, "a");
    assert_eq!(stage.heard(), ["alice: channel 2...a [alice]"]);
}

#[test]
fn whoever_opens_a_direct_channel_invites_the_other() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(1, DIRECT, &user(0).to_string());
    assert_eq!(stage.heard(), Vec::<String>::new(), "it is looked up first");
    let asked = stage.answer(Ok(StoreReply::Allowed(true)));
    let (from, to) = (user(1), user(0));
    assert_eq!(asked, StoreRequest::DirectMessage { from, to });
    let id = format!("4.{}.{}.", user(0), user(1));
    assert_eq!(stage.heard(), ["bob: +[bob] -[]"]);
    let StoreRequest::InsertNotifications(kept) = stage.store() else {
        panic!("the invitation is kept");
    };
    let (invited, invitation) = &kept[0];
    assert_eq!((*invited, invitation.sender), (user(0), Some(user(1))));
    assert_eq!(invitation.content, r#"{"username":"bob"}"#);
    assert_eq!(
        stage.heard(),
        [
            "alice: told -1 bob wants to chat;".to_owned(),
            format!("bob: channel {id} []")
        ]
    );
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(
        stage.heard(),
        [
            format!("alice: channel {id} [bob]"),
            "bob: +[alice] -[]".to_owned(),
            "alice: +[alice] -[]".to_owned()
        ]
    );
    assert!(stage.questions.is_empty(), "bob is there already");
}

#[test]
fn a_direct_channel_that_is_closed_from_outside_is_empty_and_nobody_is_told() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.store();
    stage.join(1, DIRECT, &user(0).to_string());
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.heard();
    let ChannelId(stream) = ChannelId::direct(user(1), user(0));
    stage.put(Call::CloseStream(stream.clone()));
    assert_eq!(stage.heard(), Vec::<String>::new());
    assert!(matches!(stage.answers[..], [Answer::Done]));
    assert_eq!(stage.world().stream_count(&stream), 0);
    let channel = format!("4.{}.{}.", user(0), user(1));
    stage.say(1, &channel, "{}");
    let text = "bob: error 3 Must join channel before sending messages";
    assert_eq!(stage.heard(), [text]);
}

#[test]
fn whoever_is_blocked_while_they_enter_a_direct_channel_is_looked_up_again() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, DIRECT, &user(1).to_string());
    let ChannelId(stream) = ChannelId::direct(user(0), user(1));
    stage.put(Call::CloseStream(stream.clone()));
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(
        stage.world().stream_count(&stream),
        0,
        "that is out of date"
    );
    stage.answer(Ok(StoreReply::Allowed(false)));
    assert_eq!(
        stage.heard(),
        error("User ID not found: Invalid channel target")
    );
}

#[test]
fn an_invitation_that_cannot_be_kept_does_not_keep_anybody_out() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.heard();
    stage.answer(Err(StoreFailure::Failed));
    let id = format!("4.{}.{}.", user(0), user(1));
    assert_eq!(stage.heard(), [format!("alice: channel {id} []")]);
}

#[test]
fn a_direct_channel_with_oneself_invites_only_the_hidden() {
    let mut stage = Stage::with(&["alice"]);
    let me = user(0).to_string();
    stage.join(0, DIRECT, &me);
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert!(stage.questions.is_empty());
    let channel = spelled(&format!("4.{me}.{me}."));
    stage.ask(0, Request::ChannelLeave { channel });
    stage.join_as(0, DIRECT, &me, true, true);
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(stage.questions.len(), 1);
}

#[test]
fn a_direct_channel_needs_a_user_and_a_database() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Ok(StoreReply::Allowed(false)));
    assert_eq!(
        stage.heard(),
        error("User ID not found: Invalid channel target")
    );
    stage.join(0, DIRECT, &user(1).to_string());
    stage.answer(Err(StoreFailure::Failed));
    assert_eq!(stage.heard(), ["alice: error 0 Failed to look up user ID"]);
    stage.join(0, DIRECT, &user(1).to_string());
    stage.vanish(0);
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(
        stage.heard(),
        Vec::<String>::new(),
        "nobody is there to join"
    );
    assert!(stage.questions.is_empty());
}

#[test]
fn messages_are_checked_before_membership() {
    let mut stage = Stage::with(&["alice"]);
    let id = Uuid::from_u128(1);
    let not_an_object = error("Message content must be a valid JSON object");
    for content in ["", "[]", "{", "text"] {
        stage.say(0, "room", content);
        assert_eq!(stage.heard(), not_an_object, "{content}");
        stage.update(0, "room", id, content);
        assert_eq!(stage.heard(), not_an_object, "{content}");
    }
    stage.say(0, "room", "{}");
    assert_eq!(
        stage.heard(),
        error("Must join channel before sending messages")
    );
    stage.update(0, "room", id, "{}");
    assert_eq!(
        stage.heard(),
        error("Must join channel before updating messages")
    );
    stage.remove(0, "room", id);
    assert_eq!(
        stage.heard(),
        error("Must join channel before removing messages")
    );
}

#[test]
fn a_kept_message_is_stored_then_shown_then_acknowledged() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, ROOM, "room");
    stage.join(1, ROOM, "room");
    stage.heard();
    stage.say(0, "room", r#" {"b": 1,  "a":2}"#);
    stage.say(0, "room", r#"{"n":2}"#);
    assert_eq!(stage.heard(), Vec::<String>::new());
    assert_eq!(stage.questions.len(), 1, "a session's requests wait");
    let StoreRequest::InsertMessage(kept) = stage.store() else {
        panic!("the message is kept");
    };
    assert_eq!(
        stage.heard(),
        [
            r#"alice: message 0 alice  {"b": 1,  "a":2}"#,
            r#"bob: message 0 alice  {"b": 1,  "a":2}"#,
            "alice: ack 0",
        ]
    );
    assert!(stage.messages.iter().all(|message| *message == kept));
    assert_eq!(kept.create_us, kept.update_us);
    assert_eq!((kept.sender, kept.persistent), (user(0), true));
    let StoreRequest::InsertMessage(second) = stage.store() else {
        panic!("the second one goes on");
    };
    assert!(second.create_us > kept.create_us);
}

#[test]
fn updates_and_removals_carry_the_times_of_what_was_kept() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, ROOM, "room");
    stage.heard();
    let id = Uuid::from_u128(5);
    let times = MessageTimes {
        create_us: 3,
        update_us: 4,
    };
    stage.update(0, "room", id, r#"{"n":1}"#);
    let asked = stage.answer(Ok(StoreReply::MessageTimes(Some(times))));
    assert!(matches!(asked, StoreRequest::UpdateMessage(message) if message.id == id));
    stage.remove(0, "room", id);
    let asked = stage.answer(Ok(StoreReply::MessageTimes(Some(times))));
    assert!(matches!(asked, StoreRequest::RemoveMessage(message) if message.id == id));
    assert_eq!(
        stage.heard(),
        [
            r#"alice: message 1 alice {"n":1}"#,
            "alice: ack 1",
            "alice: message 2 alice {}",
            "alice: ack 2",
        ]
    );
    for message in &stage.messages {
        assert_eq!((message.create_us, message.update_us), (3, 4));
        assert_eq!((message.id, message.persistent), (id, true));
    }
}

#[test]
fn what_the_database_does_not_do_is_shown_to_nobody() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, ROOM, "room");
    stage.heard();
    let id = Uuid::from_u128(5);
    let missing = || Ok(StoreReply::MessageTimes(None));
    stage.say(0, "room", "{}");
    stage.answer(Err(StoreFailure::Failed));
    stage.update(0, "room", id, "{}");
    stage.answer(missing());
    stage.update(0, "room", id, "{}");
    stage.answer(Err(StoreFailure::Failed));
    stage.remove(0, "room", id);
    stage.answer(missing());
    stage.remove(0, "room", id);
    stage.answer(Err(StoreFailure::Busy));
    assert_eq!(
        stage.heard(),
        [
            "alice: error 0 Could not persist message to channel history",
            "alice: error 3 Could not find message to update in channel history",
            "alice: error 0 Could not persist message update to channel history",
            "alice: error 3 Could not find message to remove in channel history",
            "alice: error 0 Could not persist message remove to channel history",
        ]
    );
}

#[test]
fn without_persistence_nothing_is_stored_and_everything_is_shown() {
    let mut stage = Stage::with(&["alice"]);
    stage.join_as(0, ROOM, "room", false, false);
    stage.heard();
    let id = Uuid::from_u128(5);
    stage.say(0, "room", r#"{"n":1}"#);
    stage.update(0, "room", id, r#"{"n":2}"#);
    stage.remove(0, "room", id);
    assert_eq!(
        stage.heard(),
        [
            r#"alice: message 0 alice {"n":1}"#,
            "alice: ack 0",
            r#"alice: message 1 alice {"n":2}"#,
            "alice: ack 1",
            "alice: message 2 alice {}",
            "alice: ack 2",
        ]
    );
    assert!(stage.questions.is_empty());
    assert!(stage.messages.iter().all(|message| !message.persistent));
}

#[test]
fn a_message_of_one_who_has_gone_still_arrives() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.join(0, ROOM, "room");
    stage.join(1, ROOM, "room");
    stage.say(0, "room", "{}");
    stage.vanish(0);
    stage.heard();
    stage.store();
    assert_eq!(stage.heard(), ["bob: message 0 alice {}"]);
}

#[test]
fn a_session_that_asks_too_much_of_the_database_goes_on() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, ROOM, "room");
    let channel = ChannelId::parse("2...other").unwrap();
    for _ in 0..STORE_QUESTIONS_MAX {
        let sender = MessageSender::server();
        stage
            .world()
            .channel_message_send(&channel, Map::new(), sender, true);
    }
    stage.heard();
    stage.say(0, "room", "{}");
    stage.join(0, ROOM, "room");
    assert_eq!(
        stage.heard(),
        [
            "alice: error 0 Could not persist message to channel history",
            "alice: channel 2...room [alice]",
        ]
    );
}

#[test]
fn members_whom_server_code_removed_can_no_longer_speak() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, ROOM, "room");
    let stream = spelled("room").id.0;
    let world = stage.world();
    world.stream_user_leave(&stream, user(0), session(0));
    stage.heard();
    stage.say(0, "room", "{}");
    assert_eq!(
        stage.heard(),
        error("Must join channel before sending messages")
    );
}

#[test]
fn server_code_speaks_without_being_there() {
    let mut stage = Stage::with(&["alice"]);
    stage.join(0, ROOM, "room");
    stage.heard();
    let channel = spelled("room").id;
    let content = Map::from_iter([("n".to_owned(), 1.into())]);
    let world = stage.world();
    let sent = world.channel_message_send(&channel, content, MessageSender::server(), false);
    assert_eq!(
        (sent.sender, sent.code),
        (UserId::SYSTEM, MessageCode::Chat)
    );
    stage.pass();
    assert_eq!(stage.heard(), [r#"alice: message 0  {"n":1}"#]);
    let herald = MessageSender {
        user_id: user(9),
        username: "herald".into(),
    };
    let world = stage.world();
    world.channel_message_update(&channel, sent.id, Map::new(), herald.clone(), true);
    world.channel_message_remove(&channel, sent.id, herald, true);
    stage.pass();
    assert_eq!(stage.heard(), Vec::<String>::new());
    let times = MessageTimes {
        create_us: 1,
        update_us: 2,
    };
    stage.answer(Ok(StoreReply::MessageTimes(Some(times))));
    stage.answer(Ok(StoreReply::MessageTimes(None)));
    assert_eq!(stage.heard(), ["alice: message 1 herald {}"]);
}

fn herald(_: In<RpcCall>, world: &mut World) -> RpcResult {
    for room in ["2...a", "2...b"] {
        let channel = ChannelId::parse(room).unwrap();
        world.channel_message_send(&channel, Map::new(), MessageSender::server(), true);
    }
    Ok("ok".to_owned())
}

#[test]
fn a_function_is_answered_when_what_it_did_is_stored() {
    let mut stage = Stage::with(&["alice"]);
    stage.app.add_rpc("herald", herald);
    let call = Request::Rpc {
        id: "herald".to_owned(),
        payload: String::new(),
    };
    stage.ask(0, call.clone());
    stage.store();
    assert_eq!(stage.heard(), Vec::<String>::new());
    stage.store();
    assert_eq!(stage.heard(), ["alice: rpc ok"]);
    stage.ask(0, call.clone());
    stage.answer(Err(StoreFailure::Failed));
    stage.store();
    assert_eq!(stage.heard(), ["alice: error 7 Internal error."]);
    stage.ask(0, call);
    stage.answer(Err(StoreFailure::Unavailable));
    stage.store();
    let later = "alice: error 7 the database does not answer";
    assert_eq!(stage.heard(), [later]);
    let refused = |id: &str, _| RpcError::new(3, format!("{id} is not heard"));
    stage.world().insert_resource(NotStored(refused));
    stage.call("Herald");
    stage.store();
    stage.answer(Err(StoreFailure::Busy));
    let error = refused("herald", StoreFailure::Busy);
    assert!(matches!(&stage.answers[..], [Answer::Rpc(Err(told))] if *told == error));
    stage.answers.clear();
    stage.call("herald");
    assert!(stage.answers.is_empty());
    stage.store();
    stage.store();
    assert!(matches!(&stage.answers[..], [Answer::Rpc(Ok(payload))] if payload == "ok"));
}

#[test]
fn hooks_after_a_message_run_when_it_is_stored() {
    let mut stage = Stage::with(&["alice"]);
    #[derive(Resource, Default)]
    struct Seen(u32);
    stage.app.init_resource::<Seen>();
    stage.app.after(
        RequestKind::ChannelMessageSend,
        |_: In<crate::AfterRequest>, mut seen: ResMut<Seen>| seen.0 += 1,
    );
    stage.join(0, ROOM, "room");
    stage.say(0, "room", "{}");
    assert_eq!(stage.world().resource::<Seen>().0, 0);
    stage.store();
    assert_eq!(stage.world().resource::<Seen>().0, 1);
    stage.say(0, "room", "{}");
    stage.answer(Err(StoreFailure::Failed));
    assert_eq!(stage.world().resource::<Seen>().0, 1);
}
