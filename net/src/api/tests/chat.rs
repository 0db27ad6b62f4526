use std::sync::Arc;

use serde_json::{Value, json};
use tiltyard::{ChannelId, ChannelMessage, MessageCode, Notification, Spelled, UserId};
use uuid::Uuid;

use super::stage::{Player, Response, Stage};

async fn get(stage: &Stage, player: &Player, uri: &str) -> Response {
    stage.ask("GET", uri).token(&player.token).send().await
}

async fn say(stage: &Stage, sender: &Player, channel: &str, number: u128) {
    let message = ChannelMessage {
        channel: Spelled {
            id: ChannelId::parse(channel).unwrap(),
            text: channel.into(),
        },
        id: Uuid::from_u128(number),
        code: MessageCode::Chat,
        sender: UserId(sender.id),
        username: "alice".into(),
        content: Arc::from(format!(r#"{{"n": {number}}}"#)),
        create_us: 1_795_253_282_000_001 + i64::try_from(number).unwrap(),
        update_us: 1_795_253_282_000_001 + i64::try_from(number).unwrap(),
        persistent: true,
    };
    stage.state.store.insert_message(&message).await.unwrap();
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message["content"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn history_shows_everything_of_a_message() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    say(&stage, &alice, "2...a.b", 1).await;
    let page = get(&stage, &bob, "/v2/channel/2...a.b").await.ok();
    let mut message = page["messages"][0].clone();
    assert_eq!(
        message,
        json!({
            "channel_id": "2...a.b",
            "message_id": Uuid::from_u128(1).to_string(),
            "code": 0,
            "sender_id": alice.id.to_string(),
            "username": "alice",
            "content": r#"{"n": 1}"#,
            "create_time": "2026-11-21T09:28:02.000002Z",
            "update_time": "2026-11-21T09:28:02.000002Z",
            "persistent": true,
            "room_name": "a.b",
        })
    );
    assert!(page.get("next_cursor").is_none());
    assert!(page.get("prev_cursor").is_none());
    let unused = get(&stage, &bob, "/v2/channel/2...unused").await.ok();
    assert_eq!(unused, json!({}));
    message = get(&stage, &bob, "/v2/channel/2...a%2Eb").await.ok()["messages"][0].clone();
    assert_eq!(message["channel_id"], "2...a.b");
}

#[tokio::test]
async fn history_is_paged_both_ways() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for number in 1..=5 {
        say(&stage, &alice, "2...room", number).await;
    }
    let page = async |forward: bool, cursor: &Value| {
        let cursor = cursor.as_str().unwrap_or_default();
        let uri = format!("/v2/channel/2...room?limit=2&forward={forward}&cursor={cursor}");
        get(&stage, &alice, &uri).await.ok()
    };
    let none = Value::Null;
    for (forward, order) in [(true, [1, 2, 3, 4, 5]), (false, [5, 4, 3, 2, 1])] {
        let expect = order.map(|number| format!(r#"{{"n": {number}}}"#));
        let first = page(forward, &none).await;
        assert_eq!(contents(&first), expect[..2]);
        assert!(first.get("prev_cursor").is_none());
        let second = page(forward, &first["next_cursor"]).await;
        assert_eq!(contents(&second), expect[2..4]);
        let last = page(forward, &second["next_cursor"]).await;
        assert_eq!(contents(&last), expect[4..]);
        assert!(last.get("next_cursor").is_none());
        let back = page(forward, &last["prev_cursor"]).await;
        assert_eq!(contents(&back), expect[2..4]);
        let start = page(forward, &back["prev_cursor"]).await;
        assert_eq!(contents(&start), expect[..2]);
        assert!(start.get("prev_cursor").is_none(), "nothing precedes");
        let again = page(forward, &start["next_cursor"]).await;
        assert_eq!(contents(&again), expect[2..4]);
    }
}

#[tokio::test]
async fn a_cursor_that_was_kept_asks_for_what_is_newer() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    say(&stage, &alice, "2...room", 1).await;
    let newer = async |cursor: &Value| {
        let cursor = cursor.as_str().unwrap();
        let uri = format!("/v2/channel/2...room?limit=10&cursor={cursor}");
        get(&stage, &alice, &uri).await.ok()
    };
    let page = get(&stage, &alice, "/v2/channel/2...room?forward=false")
        .await
        .ok();
    let kept = &page["cacheable_cursor"];
    let nothing = newer(kept).await;
    assert_eq!(nothing, json!({"cacheable_cursor": kept}));
    say(&stage, &alice, "2...room", 2).await;
    assert_eq!(contents(&newer(kept).await), [r#"{"n": 2}"#]);
}

#[tokio::test]
async fn what_history_refuses_is_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let carol = stage.player("carol").await;
    let (low, high) = (alice.id.min(bob.id), alice.id.max(bob.id));
    let direct = format!("4.{low}.{high}.");
    for number in 1..=2 {
        say(&stage, &alice, &direct, number).await;
        say(&stage, &alice, "2...room", number + 10).await;
    }
    let page = get(&stage, &bob, &format!("/v2/channel/{direct}?forward=false")).await;
    let of_direct = page.ok()["next_cursor"].as_str().unwrap().to_owned();
    let page = get(&stage, &bob, "/v2/channel/2...room").await.ok();
    let of_room = page["next_cursor"].as_str().unwrap().to_owned();
    let limit = "Invalid limit - limit must be between 1 and 100.";
    let cursor = "Cursor is invalid or expired.";
    for (path, message) in [
        ("", "Invalid channel ID."),
        ("?limit=0", "Invalid channel ID."),
        ("9...x?limit=0", limit),
        ("2...room?limit=101", limit),
        ("2...room?limit=-1", limit),
        ("9...x", "Invalid channel ID."),
        ("2...room?cursor=zzz", cursor),
        (&format!("2...room?cursor={of_direct}"), cursor),
        (&format!("2...other?cursor={of_room}"), cursor),
        (&format!("2...room?forward=false&cursor={of_room}"), cursor),
        (&format!("{direct}?cursor=zzz"), cursor),
        (&direct, "Channel not found."),
        (
            &format!("{direct}?forward=false&cursor={of_direct}"),
            "Channel not found.",
        ),
        (&format!("3.{low}.."), "Group not found."),
    ] {
        let uri = format!("/v2/channel/{path}");
        get(&stage, &carol, &uri).await.refused(400, 3, message);
    }
    get(&stage, &carol, "/v2/channel/2...a%2Fb")
        .await
        .refused(404, 5, "Not Found");
    let uri = format!("/v2/channel/{direct}");
    let lower = get(&stage, &alice, &uri).await.ok();
    assert_eq!(lower["messages"][0]["user_id_one"], low.to_string());
    assert_eq!(lower["messages"][0]["user_id_two"], high.to_string());
    stage
        .ask("GET", &uri)
        .send()
        .await
        .refused(401, 16, "Auth token required");
}

async fn tell(stage: &Stage, user: &Player, number: u128, sender: Option<UserId>) {
    let notification = Notification {
        id: Uuid::from_u128(number),
        subject: format!("number {number}"),
        content: "{}".to_owned(),
        code: 5,
        sender,
        create_us: 1_795_253_282_900_000 + i64::try_from(number).unwrap(),
        persistent: true,
    };
    let batch = [(UserId(user.id), notification)];
    stage
        .state
        .store
        .insert_notifications(&batch)
        .await
        .unwrap();
}

#[tokio::test]
async fn notifications_are_read_to_the_end_and_on() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let list = async |query: &str| {
        let uri = format!("/v2/notification{query}");
        get(&stage, &alice, &uri).await.ok()
    };
    let empty = list("").await;
    let start = empty["cacheable_cursor"].as_str().unwrap();
    assert_eq!(empty, json!({"cacheable_cursor": start}));
    tell(&stage, &alice, 1, Some(UserId::SYSTEM)).await;
    tell(&stage, &alice, 2, Some(UserId(alice.id))).await;
    let first = list(&format!("?cacheableCursor={start}")).await;
    let listed = &first["notifications"];
    assert_eq!(
        listed,
        &json!([{
            "id": Uuid::from_u128(1).to_string(),
            "subject": "number 1",
            "content": "{}",
            "code": 5,
            "create_time": "2026-11-21T09:28:02Z",
            "persistent": true,
        }])
    );
    let cursor = first["cacheable_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=100&cacheable_cursor={cursor}")).await;
    assert_eq!(rest["notifications"][0]["sender_id"], alice.id.to_string());
    let cursor = rest["cacheable_cursor"].as_str().unwrap();
    let end = list(&format!("?limit=100&cacheable_cursor={cursor}")).await;
    assert_eq!(end, json!({"cacheable_cursor": cursor}));
    for limit in [0, 101, -1] {
        let uri = format!("/v2/notification?limit={limit}&cacheable_cursor=zzz");
        let text = "Invalid limit - limit must be between 1 and 100.";
        get(&stage, &alice, &uri).await.refused(400, 3, text);
    }
    let uri = "/v2/notification?cacheable_cursor=zzz";
    let text = "Error retrieving notifications.";
    get(&stage, &alice, uri).await.refused(500, 13, text);
}

#[tokio::test]
async fn users_delete_their_own_notifications_alone() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    tell(&stage, &alice, 1, None).await;
    tell(&stage, &bob, 2, None).await;
    let delete = async |query: &str| {
        let uri = format!("/v2/notification{query}");
        let asking = stage.ask("DELETE", &uri).token(&alice.token);
        asking.send().await
    };
    let ids = [1, 2].map(Uuid::from_u128);
    assert_eq!(delete("").await.ok(), json!({}));
    let text = "Error while deleting notifications.";
    delete(&format!("?ids={}&ids=x", ids[0]))
        .await
        .refused(500, 13, text);
    let left = async |player: &Player| {
        let list = get(&stage, player, "/v2/notification?limit=10").await.ok();
        list["notifications"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(left(&alice).await, 1);
    assert_eq!(
        delete(&format!("?ids={}&ids={}", ids[0], ids[1]))
            .await
            .ok(),
        json!({})
    );
    assert_eq!((left(&alice).await, left(&bob).await), (0, 1));
}
