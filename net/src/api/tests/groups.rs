use std::sync::PoisonError;

use serde_json::{Value, json};
use tiltyard::{MessageCode, UserId};
use uuid::Uuid;

use super::stage::{Player, Response, Stage};

pub(super) async fn ask(stage: &Stage, player: &Player, method: &str, path: &str) -> Response {
    let uri = format!("/v2/{path}");
    stage.ask(method, &uri).token(&player.token).send().await
}

pub(super) async fn create(stage: &Stage, player: &Player, body: Value) -> Response {
    let asking = stage.ask("POST", "/v2/group").token(&player.token);
    asking.body(body.to_string()).send().await
}

/// A new group, by its id.
pub(super) async fn made(stage: &Stage, player: &Player, body: Value) -> String {
    let group = create(stage, player, body).await.ok();
    group["id"].as_str().unwrap().to_owned()
}

pub(super) async fn act(
    stage: &Stage,
    player: &Player,
    group: &str,
    verb: &str,
    users: &[&Player],
) -> Response {
    let ids = users.iter().map(|user| format!("user_ids={}", user.id));
    let query = ids.collect::<Vec<_>>().join("&");
    ask(
        stage,
        player,
        "POST",
        &format!("group/{group}/{verb}?{query}"),
    )
    .await
}

/// Names and ranks of a group's users.
async fn users(stage: &Stage, player: &Player, group: &str, query: &str) -> Vec<(String, i64)> {
    let list = ask(stage, player, "GET", &format!("group/{group}/user{query}")).await;
    let list = list.ok();
    let users = list["group_users"].as_array().cloned().unwrap_or_default();
    let user = |user: Value| {
        let name = user["user"]["username"].as_str().unwrap().to_owned();
        (name, user["state"].as_i64().unwrap())
    };
    users.into_iter().map(user).collect()
}

/// What the channels of groups were shown: codes, names of the affected, and how many had to leave.
fn shown(stage: &Stage) -> Vec<(i32, String, usize)> {
    let mut shown = stage.world.shown.lock().unwrap();
    let shown = shown.drain(..).flat_map(|(channel, messages, leavers)| {
        assert!(channel.group_id().is_some());
        messages.into_iter().map(move |message| {
            assert_eq!((&*message.content, message.persistent), ("{}", true));
            let name = message.username.to_string();
            (message.code as i32, name, leavers.len())
        })
    });
    shown.collect()
}

#[tokio::test]
async fn a_group_is_shown_whole() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let body = json!({
        "name": "Knights", "description": "of the lance", "langTag": "de",
        "avatar_url": "a", "open": true, "max_count": 7, "metadata": "{\"x\":1}",
    });
    let group = create(&stage, &alice, body).await.ok();
    let expected = json!({
        "id": group["id"], "creator_id": alice.id.to_string(), "name": "Knights",
        "description": "of the lance", "lang_tag": "de", "metadata": "{}", "avatar_url": "a",
        "open": true, "edge_count": 1, "max_count": 7,
        "create_time": "2026-11-21T09:28:02Z", "update_time": "2026-11-21T09:28:02Z",
    });
    assert_eq!(group, expected);
    stage.pass_seconds(1);
    let plain = create(&stage, &alice, json!({"name": "plain"})).await.ok();
    let defaults = (&plain["open"], &plain["max_count"], &plain["lang_tag"]);
    assert_eq!(defaults, (&json!(false), &json!(100), &json!("en")));
    let own = ask(
        &stage,
        &alice,
        "GET",
        &format!("user/{}/group?limit=1", alice.id),
    )
    .await;
    assert_eq!(
        own.ok()["user_groups"],
        json!([{"group": expected, "state": 0}])
    );
    let uri = format!("/v2/group/{}", group["id"].as_str().unwrap());
    stage.pass_seconds(4);
    let body = json!({"description": "", "open": false, "group_id": "other"}).to_string();
    let put = stage.ask("PUT", &uri).token(&alice.token).body(body);
    assert_eq!(put.send().await.ok(), json!({}));
    let found = ask(&stage, &alice, "GET", "group?name=knights").await.ok();
    let found = &found["groups"][0];
    assert_eq!(
        (&found["open"], found.get("description")),
        (&json!(false), None)
    );
    assert_eq!(found["update_time"], "2026-11-21T09:28:07Z");
}

#[tokio::test]
async fn what_happens_in_a_group_is_seen_in_its_channel_and_its_history() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let group = made(&stage, &alice, json!({"name": "g", "open": true})).await;
    let one = |code: MessageCode, leavers| vec![(code as i32, "bob".to_owned(), leavers)];
    for (player, verb, expected) in [
        (&bob, "join", one(MessageCode::GroupJoin, 0)),
        (&bob, "join", vec![]),
        (&alice, "promote", one(MessageCode::GroupPromote, 0)),
        (&alice, "demote", one(MessageCode::GroupDemote, 0)),
        (&alice, "kick", one(MessageCode::GroupKick, 1)),
        (&alice, "kick", vec![]),
        (&alice, "add", one(MessageCode::GroupAdd, 0)),
        (&bob, "leave", one(MessageCode::GroupLeave, 1)),
        (&alice, "add", one(MessageCode::GroupAdd, 0)),
        (&alice, "ban", one(MessageCode::GroupBan, 1)),
        (&alice, "ban", vec![]),
        (&bob, "join", vec![]),
        (&bob, "leave", vec![]),
    ] {
        stage.pass_seconds(1);
        let done = act(&stage, player, &group, verb, &[&bob]).await;
        assert_eq!(done.ok(), json!({}));
        assert_eq!(shown(&stage), expected, "{verb}");
    }
    let uri = format!("channel/3.{group}..?limit=100");
    let page = ask(&stage, &alice, "GET", &uri).await.ok();
    let messages = page["messages"].as_array().unwrap();
    let codes: Vec<_> = messages.iter().map(|message| &message["code"]).collect();
    assert_eq!(json!(codes), json!([3, 7, 9, 6, 4, 5, 4, 8]));
    let first = &messages[0];
    assert_eq!(first["sender_id"], bob.id.to_string());
    assert_eq!(
        (&first["content"], &first["group_id"]),
        (&json!("{}"), &json!(group))
    );
    let refused = ask(&stage, &bob, "GET", &uri).await;
    refused.refused(400, 3, "Group not found.");
    assert_eq!(
        users(&stage, &bob, &group, "").await,
        [("alice".to_owned(), 0)]
    );
    let banned = users(&stage, &bob, &group, "?state=4").await;
    assert_eq!(banned, [("bob".to_owned(), 4)]);
    let own = ask(&stage, &bob, "GET", &format!("user/{}/group", bob.id)).await;
    assert_eq!(own.ok(), json!({}));
}

#[tokio::test]
async fn whoever_is_added_and_whoever_decides_is_notified() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let carol = stage.player("carol").await;
    let name = "g".repeat(255);
    let group = made(&stage, &alice, json!({"name": name})).await;
    let told = || {
        let told = std::mem::take(&mut *stage.world.told.lock().unwrap());
        let line = |(user, told): (UserId, tiltyard::NewNotification)| {
            assert!(told.persistent && told.subject.chars().count() <= 255);
            let content = Value::Object(told.content);
            (user.0, told.code, told.subject, content, told.sender.0)
        };
        told.into_iter().map(line).collect::<Vec<_>>()
    };
    act(&stage, &alice, &group, "add", &[&bob]).await.ok();
    let mut subject = format!("You've been added to group {name}");
    subject.truncate(255);
    let content = json!({"group_id": group, "name": name});
    assert_eq!(told(), [(bob.id, -4, subject, content, alice.id)]);
    act(&stage, &alice, &group, "promote", &[&bob]).await.ok();
    act(&stage, &carol, &group, "join", &[]).await.ok();
    let wish = |user: &Player| {
        let subject = "User carol wants to join your group".to_owned();
        let content = json!({"group_id": group, "username": "carol"});
        (user.id, -5, subject, content, carol.id)
    };
    assert_eq!(told(), [wish(&alice), wish(&bob)]);
    act(&stage, &carol, &group, "join", &[]).await.ok();
    assert_eq!(told(), [], "they are asked once");
    let listed = users(&stage, &carol, &group, "").await;
    let expected = [("alice", 0), ("bob", 1), ("carol", 3)];
    assert_eq!(listed, expected.map(|(name, rank)| (name.to_owned(), rank)));
    act(&stage, &bob, &group, "kick", &[&carol]).await.ok();
    assert_eq!(users(&stage, &carol, &group, "?state=3").await, []);
    assert_eq!(told(), []);
}

#[tokio::test]
async fn the_channel_ends_with_the_group() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let mut ended = Vec::new();
    for (method, path) in [("DELETE", ""), ("POST", "/leave")] {
        let group = made(&stage, &alice, json!({"name": "g"})).await;
        let done = ask(&stage, &alice, method, &format!("group/{group}{path}")).await;
        assert_eq!(done.ok(), json!({}));
        ended.push(Uuid::parse_str(&group).unwrap());
        let history = ask(&stage, &alice, "GET", &format!("channel/3.{group}..")).await;
        history.refused(400, 3, "Group not found.");
    }
    let closed = stage.world.closed.lock();
    let closed = closed.unwrap_or_else(PoisonError::into_inner);
    let closed: Vec<Uuid> = closed.iter().map(|stream| stream.subject).collect();
    assert_eq!(closed, ended);
}

#[tokio::test]
async fn lists_are_paged_by_cursors_of_their_own() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    for number in 0..5 {
        let body = json!({"name": format!("g{number}"), "open": number % 2 == 0});
        let group = made(&stage, &alice, body).await;
        act(&stage, &alice, &group, "add", &[&bob]).await.ok();
    }
    for (path, list) in [
        ("group?limit=2", "groups"),
        ("group?limit=2&name=G%25", "groups"),
        ("group?limit=2&open=true&langTag=en", "groups"),
        (&format!("user/{}/group?limit=2", bob.id), "user_groups"),
        (
            &format!("user/{}/group?limit=2&state=2", bob.id),
            "user_groups",
        ),
    ] {
        let total = if path.contains("open=true") { 3 } else { 5 };
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let uri = format!("{path}&cursor={cursor}");
            let page = ask(&stage, &alice, "GET", &uri).await.ok();
            seen.extend(page[list].as_array().unwrap().clone());
            let Some(next) = page.get("cursor") else {
                break;
            };
            cursor = next.as_str().unwrap().to_owned();
        }
        let name = |element: &Value| {
            let group = element.get("group").unwrap_or(element);
            group["name"].as_str().unwrap().to_owned()
        };
        let mut names: Vec<String> = seen.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), seen.len()), (total, total), "{path}");
    }
    stage.world.online.lock().unwrap().insert(bob.id);
    let group = made(&stage, &bob, json!({"name": "users"})).await;
    let page = ask(&stage, &alice, "GET", &format!("group/{group}/user"))
        .await
        .ok();
    assert_eq!(page["group_users"][0]["user"]["online"], true);
}
