use uuid::Uuid;

use super::stage::{Peer, Stage, spelled, user};
use crate::{Call, ChannelId, ChannelMessage, MessageCode, StoreFailure, StoreReply, StoreRequest};

const GROUP: i32 = 3;

fn group() -> Uuid {
    Uuid::from_u128(77)
}

fn channel() -> ChannelId {
    ChannelId::parse(&format!("3.{}..", group())).unwrap()
}

fn enters(stage: &mut Stage, peer: Peer) {
    stage.join(peer, GROUP, &group().to_string());
}

fn is_let_in(stage: &mut Stage, peer: Peer) {
    enters(stage, peer);
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.heard();
}

fn happens(stage: &mut Stage, code: MessageCode, to: Peer, leavers: &[Peer]) {
    let message = ChannelMessage {
        channel: spelled(&channel().to_string()),
        id: Uuid::from_u128(1),
        code,
        sender: user(to),
        username: "whoever".into(),
        content: "{}".into(),
        create_us: 1,
        update_us: 1,
        persistent: true,
    };
    stage.put(Call::ChannelSystemMessages {
        channel: channel(),
        messages: vec![message],
        leavers: leavers.iter().map(|peer| user(*peer)).collect(),
    });
}

#[test]
fn members_alone_are_let_into_the_channel_of_a_group() {
    let mut stage = Stage::with(&["alice", "bob"]);
    enters(&mut stage, 0);
    assert_eq!(stage.heard(), Vec::<String>::new(), "it is looked up first");
    let asked = stage.answer(Ok(StoreReply::Allowed(true)));
    let (group, user) = (group(), user(0));
    assert_eq!(asked, StoreRequest::GroupMember { group, user });
    let joined = format!("alice: channel {} []", channel());
    assert_eq!(stage.heard(), [&*joined, "alice: +[alice] -[]"]);
    for (outcome, text) in [
        (
            Ok(StoreReply::Allowed(false)),
            "error 3 Group not found: Invalid channel target",
        ),
        (
            Err(StoreFailure::Failed),
            "error 0 Failed to look up group membership",
        ),
        (
            Err(StoreFailure::Busy),
            "error 0 Failed to look up group membership",
        ),
    ] {
        enters(&mut stage, 1);
        stage.answer(outcome);
        assert_eq!(stage.heard(), [format!("bob: {text}")]);
    }
    enters(&mut stage, 1);
    stage.vanish(1);
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(stage.heard(), Vec::<String>::new(), "bob went");
}

#[test]
fn whoever_is_thrown_out_sees_the_message_and_is_gone() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.connect(2, 1, "laptop");
    for peer in 0..3 {
        is_let_in(&mut stage, peer);
    }
    happens(&mut stage, MessageCode::GroupKick, 1, &[1]);
    assert_eq!(
        stage.heard(),
        [
            "alice: message 6 whoever {}",
            "bob: message 6 whoever {}",
            "laptop: message 6 whoever {}",
            "alice: +[] -[bob,laptop]",
        ]
    );
    assert!(stage.questions.is_empty(), "the message was kept already");
    stage.say(1, &channel().to_string(), "{}");
    let refused = "bob: error 3 Must join channel before sending messages";
    assert_eq!(stage.heard(), [refused]);
}

#[test]
fn whoever_is_thrown_out_while_they_enter_is_looked_up_again() {
    let mut stage = Stage::with(&["alice", "bob"]);
    enters(&mut stage, 0);
    enters(&mut stage, 1);
    happens(&mut stage, MessageCode::GroupKick, 1, &[1]);
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.heard();
    stage.answer(Ok(StoreReply::Allowed(true)));
    assert_eq!(stage.heard(), Vec::<String>::new(), "that is out of date");
    stage.answer(Ok(StoreReply::Allowed(false)));
    let refused = "bob: error 3 Group not found: Invalid channel target";
    assert_eq!(stage.heard(), [refused]);
}

#[test]
fn the_channel_of_a_group_that_is_gone_is_closed_without_a_word() {
    let mut stage = Stage::with(&["alice", "bob"]);
    is_let_in(&mut stage, 0);
    enters(&mut stage, 1);
    stage.put(Call::CloseStream(channel().0));
    stage.answer(Ok(StoreReply::Allowed(true)));
    stage.answer(Ok(StoreReply::Allowed(false)));
    let refused = "bob: error 3 Group not found: Invalid channel target";
    assert_eq!(stage.heard(), [refused]);
    stage.say(0, &channel().to_string(), "{}");
    let refused = "alice: error 3 Must join channel before sending messages";
    assert_eq!(stage.heard(), [refused]);
}
