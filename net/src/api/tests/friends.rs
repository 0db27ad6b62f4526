use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tiltyard::{ChannelId, UserId};
use uuid::Uuid;

use super::stage::{Player, Response, Stage};
use crate::api::WorldError;

async fn ask(stage: &Stage, method: &str, player: &Player, uri: &str) -> Response {
    stage.ask(method, uri).token(&player.token).send().await
}

/// Does something that succeeds and has nothing to say.
async fn act(stage: &Stage, method: &str, player: &Player, uri: &str) {
    assert_eq!(
        ask(stage, method, player, uri).await.ok(),
        json!({}),
        "{uri}"
    );
}

async fn add(stage: &Stage, player: &Player, other: &Player) {
    let uri = format!("/v2/friend?ids={}", other.id);
    act(stage, "POST", player, &uri).await;
}

async fn befriend(stage: &Stage, one: &Player, other: &Player) {
    add(stage, one, other).await;
    add(stage, other, one).await;
}

async fn list(stage: &Stage, player: &Player, query: &str) -> Value {
    let uri = format!("/v2/friend{query}");
    ask(stage, "GET", player, &uri).await.ok()
}

fn names(page: &Value) -> Vec<(i64, &str)> {
    let friends = page["friends"].as_array().map_or(&[][..], Vec::as_slice);
    let one = |friend: &'_ Value| friend["state"].as_i64().unwrap();
    friends
        .iter()
        .map(|friend| (one(friend), friend["user"]["username"].as_str().unwrap()))
        .collect()
}

/// Codes and subjects of what users were told since this was last asked.
fn told(stage: &Stage) -> Vec<(UserId, i32, String)> {
    let told = std::mem::take(&mut *stage.world.told.lock().unwrap());
    let told = told.into_iter();
    told.map(|(user, told)| (user, told.code, told.subject))
        .collect()
}

#[tokio::test]
async fn a_friend_is_listed_with_all_but_their_count() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    let bob = stage.player("bob").await;
    assert_eq!(list(&stage, &ann, "").await, json!({}));
    let uri = format!("/v2/friend?ids={}&metadata=%7B%22n%22%3A1%7D", bob.id);
    act(&stage, "POST", &ann, &uri).await;
    stage.pass_seconds(5);
    act(&stage, "POST", &bob, "/v2/friend?usernames=ann").await;
    let seen = |user: &Player, name: &str, metadata: &str| {
        json!({"friends": [{
            "user": {
                "id": user.id.to_string(),
                "username": name,
                "lang_tag": "en",
                "metadata": "{}",
                "create_time": "2026-11-21T09:28:02Z",
                "update_time": "2026-11-21T09:28:02Z",
            },
            "state": 0,
            "update_time": "2026-11-21T09:28:07Z",
            "metadata": metadata,
        }]})
    };
    assert_eq!(
        list(&stage, &ann, "").await,
        seen(&bob, "bob", r#"{"n":1}"#)
    );
    assert_eq!(list(&stage, &bob, "").await, seen(&ann, "ann", "{}"));
    stage.world.online.lock().unwrap().insert(bob.id);
    let page = list(&stage, &ann, "").await;
    assert_eq!(page["friends"][0]["user"]["online"], true);
    let uri = "/v2/user?usernames=ann";
    let users = ask(&stage, "GET", &bob, uri).await.ok();
    assert_eq!(users["users"][0]["edge_count"], 1);
}

#[tokio::test]
async fn what_changes_refuse_is_checked_in_order() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    let bob = stage.player("bob").await;
    let (me, bob) = (ann.id.to_string(), bob.id.to_string());
    let nil = Uuid::nil();
    let nobody = "No valid ID or username was provided.";
    let (bad_id, nil_id) = ("Invalid user ID 'zz'.", format!("Invalid user ID '{nil}'."));
    let no_name = "Username must not be empty.";
    for (method, path, is_self) in [
        ("POST", "/v2/friend", "Cannot add self as friend."),
        ("DELETE", "/v2/friend", "Cannot delete self."),
        ("POST", "/v2/friend/block", "Cannot block self."),
    ] {
        let refused = async |query: &str, message: &str| {
            let uri = format!("{path}?{query}");
            let response = ask(&stage, method, &ann, &uri).await;
            response.refused(400, 3, message);
        };
        act(&stage, method, &ann, path).await;
        refused(&format!("ids={me}&ids=zz"), is_self).await;
        refused(&format!("ids=zz&ids={me}"), bad_id).await;
        refused(&format!("ids={}", me.to_uppercase()), is_self).await;
        refused(&format!("ids={nil}"), &nil_id).await;
        refused("ids=", "Invalid user ID ''.").await;
        refused("usernames=ann&ids=zz", bad_id).await;
        refused("usernames=ann&usernames=", is_self).await;
        refused("usernames=&usernames=ann", no_name).await;
        refused(&format!("usernames=ann&ids={bob}"), is_self).await;
        if method == "POST" {
            refused("usernames=nobody&usernames=x%00", nobody).await;
            refused("usernames=nobody&metadata=x", nobody).await;
        }
        let uri = format!("{path}?ids={bob}");
        let response = stage.ask(method, &uri).send().await;
        response.refused(401, 16, "Auth token required");
    }
    for metadata in ["x", "[]", "%7B%22a%22%3A%22%5Cu0000%22%7D"] {
        let uri = format!("/v2/friend?ids={bob}&metadata={metadata}");
        let response = ask(&stage, "POST", &ann, &uri).await;
        response.refused(500, 13, "Error while trying to add friends.");
    }
    act(&stage, "DELETE", &ann, "/v2/friend?usernames=nobody").await;
    let unknown = Uuid::from_u128(7);
    for (method, path) in [("POST", ""), ("DELETE", ""), ("POST", "/block")] {
        let uri = format!("/v2/friend{path}?ids={unknown}");
        act(&stage, method, &ann, &uri).await;
    }
    assert_eq!(list(&stage, &ann, "").await, json!({}), "nothing was done");
    assert_eq!(told(&stage), []);
    let response = ask(&stage, "GET", &ann, "/v2/friend/block").await;
    response.refused(501, 12, "Method Not Allowed");
}

#[tokio::test]
async fn a_name_that_has_become_ones_own_is_oneself() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    let rename = stage.ask("PUT", "/v2/account").token(&ann.token);
    rename.body(r#"{"username": "anna"}"#).send().await.ok();
    let response = ask(&stage, "POST", &ann, "/v2/friend?usernames=anna").await;
    response.refused(400, 3, "Cannot add self as friend.");
}

#[tokio::test]
async fn users_are_told_what_others_did() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    let bob = stage.player("bob").await;
    let (to_ann, to_bob) = (UserId(ann.id), UserId(bob.id));
    let uri = format!("/v2/friend?ids={}&ids={}&usernames=bob", bob.id, bob.id);
    act(&stage, "POST", &ann, &uri).await;
    {
        let told = stage.world.told.lock().unwrap();
        let invitation = &told[0].1;
        assert_eq!(invitation.sender, to_ann);
        assert!(invitation.persistent);
        let content = Value::Object(invitation.content.clone());
        assert_eq!(content, json!({"username": "ann"}));
    }
    let invited = "ann wants to add you as a friend".to_owned();
    assert_eq!(told(&stage), [(to_bob, -2, invited)]);
    add(&stage, &ann, &bob).await;
    assert_eq!(told(&stage), [], "it is the same invitation");
    add(&stage, &bob, &ann).await;
    let accepted = "bob accepted your friend request".to_owned();
    assert_eq!(told(&stage), [(to_ann, -3, accepted)]);
    // Told or not, it is done.
    *stage.world.outcome.lock().unwrap() = Some(Err(WorldError::Busy));
    act(&stage, "DELETE", &bob, "/v2/friend?usernames=ann").await;
    let removed = "bob removed you as a friend".to_owned();
    assert_eq!(told(&stage), [(to_ann, -9, removed)]);
    act(&stage, "DELETE", &bob, "/v2/friend?usernames=ann").await;
    assert_eq!(told(&stage), []);
}

#[tokio::test]
async fn a_block_empties_the_direct_channel_and_is_not_told() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    let bob = stage.player("bob").await;
    befriend(&stage, &ann, &bob).await;
    told(&stage);
    let nobody = Uuid::from_u128(7);
    let uri = format!("/v2/friend/block?ids={}&ids={nobody}", bob.id);
    *stage.world.outcome.lock().unwrap() = Some(Err(WorldError::Busy));
    let response = ask(&stage, "POST", &ann, &uri).await;
    let text = "the server is overloaded; try again later";
    response.refused(503, 14, text);
    *stage.world.outcome.lock().unwrap() = None;
    act(&stage, "POST", &ann, &uri).await;
    let channel = ChannelId::direct(UserId(bob.id), UserId(ann.id)).0;
    let closed = stage.world.closed.lock().unwrap().clone();
    assert_eq!(closed, [channel.clone(), channel], "and to try again helps");
    assert_eq!(names(&list(&stage, &ann, "").await), [(3, "bob")]);
    assert_eq!(list(&stage, &bob, "").await, json!({}));
    add(&stage, &bob, &ann).await;
    add(&stage, &ann, &bob).await;
    assert_eq!(names(&list(&stage, &ann, "").await), [(3, "bob")]);
    assert_eq!(told(&stage), []);
    act(&stage, "DELETE", &ann, "/v2/friend?usernames=bob").await;
    assert_eq!(list(&stage, &ann, "").await, json!({}));
    assert_eq!(told(&stage), []);
}

#[tokio::test]
async fn friends_are_paged_by_state_and_age() {
    let stage = Stage::new().await;
    let me = stage.player("mary").await;
    for name in ["blocked", "asked", "asking", "friend1", "friend2"] {
        let other = stage.player(name).await;
        stage.pass_seconds(1);
        match name {
            "blocked" => act(&stage, "POST", &me, "/v2/friend/block?usernames=blocked").await,
            "asked" => add(&stage, &me, &other).await,
            "asking" => add(&stage, &other, &me).await,
            _ => befriend(&stage, &other, &me).await,
        }
    }
    let all = [
        (0, "friend1"),
        (0, "friend2"),
        (1, "asked"),
        (2, "asking"),
        (3, "blocked"),
    ];
    assert_eq!(names(&list(&stage, &me, "").await), all);
    assert_eq!(names(&list(&stage, &me, "?state=2").await), all[3..4]);
    let mut cursor = String::new();
    for expected in [&all[..2], &all[2..4], &all[4..]] {
        let page = list(&stage, &me, &format!("?limit=2&cursor={cursor}")).await;
        assert_eq!(names(&page), expected);
        cursor = page["cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(cursor, "", "it was the last");
    let page = list(&stage, &me, "?limit=5").await;
    assert_eq!(page.get("cursor"), None);
    let first = list(&stage, &me, "?limit=1&state=0").await;
    let cursor = first["cursor"].as_str().unwrap();
    let rest = list(&stage, &me, &format!("?limit=1&state=0&cursor={cursor}")).await;
    assert_eq!(
        (names(&rest), rest.get("cursor")),
        (all[1..2].to_vec(), None)
    );
    let page = list(&stage, &me, "?limit=2").await;
    let next = page["cursor"].as_str().unwrap();
    let uri = format!("?state={}&limit=1&cursor={next}", all[2].0);
    let page = list(&stage, &me, &uri).await;
    assert_eq!(names(&page), all[2..3], "it is of the state of the next");
    let limit = "Invalid limit - limit must be between 1 and 1000.";
    let state = "Invalid state - state must be between 0 and 3.";
    let invalid = "Cursor is invalid.";
    for (query, message) in [
        ("limit=0&state=4&cursor=zzz", limit),
        ("limit=-1", limit),
        ("limit=1001", limit),
        ("state=4&cursor=zzz", state),
        ("state=-1", state),
        ("cursor=zzz", invalid),
        (&format!("state=1&cursor={cursor}"), invalid),
        (&format!("state=0&cursor={next}"), invalid),
    ] {
        let response = ask(&stage, "GET", &me, &format!("/v2/friend?{query}")).await;
        response.refused(400, 3, message);
    }
    let uri = format!("/v2/friend/friends?cursor={cursor}");
    let response = ask(&stage, "GET", &me, &uri).await;
    response.refused(400, 3, invalid);
    let stranger = stage.player("stranger").await;
    let page = list(&stage, &stranger, &format!("?cursor={cursor}")).await;
    assert_eq!(page, json!({}), "a cursor is a place in one's own list");
}

#[tokio::test]
async fn friends_of_friends_are_listed_with_whoever_knows_them() {
    let stage = Stage::new().await;
    let me = stage.player("mary").await;
    let near = stage.player("near").await;
    let mut far = [stage.player("far1").await, stage.player("far2").await];
    far.sort_by_key(|player| player.id);
    befriend(&stage, &me, &near).await;
    for player in &far {
        befriend(&stage, &near, player).await;
    }
    let get = async |query: &str| {
        let uri = format!("/v2/friend/friends{query}");
        ask(&stage, "GET", &me, &uri).await
    };
    stage.world.online.lock().unwrap().insert(far[0].id);
    let page = get("?limit=1").await.ok();
    let found = &page["friends_of_friends"];
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["referrer"], near.id.to_string());
    assert_eq!(found[0]["user"]["id"], far[0].id.to_string());
    assert_eq!(found[0]["user"]["online"], true);
    assert_eq!(found[0]["user"].get("edge_count"), None);
    let cursor = page["cursor"].as_str().unwrap();
    let rest = get(&format!("?cursor={cursor}")).await.ok();
    let found = rest["friends_of_friends"].as_array().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["user"]["id"], far[1].id.to_string());
    assert_eq!(rest.get("cursor"), None);
    let limit = "Invalid limit - limit must be between 1 and 100.";
    for query in ["?limit=0&cursor=zzz", "?limit=101"] {
        get(query).await.refused(400, 3, limit);
    }
    let invalid = "Cursor is invalid.";
    get("?cursor=zzz").await.refused(400, 3, invalid);
    let response = ask(&stage, "GET", &me, &format!("/v2/friend?cursor={cursor}")).await;
    response.refused(400, 3, invalid);
}

#[tokio::test]
async fn what_follows_from_a_block_is_done_for_callers_who_hang_up_too() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let uri = format!("/v2/friend/block?ids={}", bob.id);
    let asked = stage.ask("POST", &uri).token(&alice.token).send();
    assert!(asked.now_or_never().is_none(), "the database has to work");
    let is_closed = async {
        while stage.world.closed.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), is_closed);
    in_time.await.expect("their chat is closed");
}

#[tokio::test]
async fn a_database_that_is_gone_says_what_failed() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    stage.state.store.close().await;
    let uri = format!("?ids={}", Uuid::from_u128(7));
    for (method, path, doing) in [
        ("GET", "/v2/friend", "list"),
        ("GET", "/v2/friend/friends", "list"),
        ("POST", "/v2/friend", "add"),
        ("DELETE", "/v2/friend", "delete"),
        ("POST", "/v2/friend/block", "block"),
    ] {
        let response = ask(&stage, method, &ann, &format!("{path}{uri}")).await;
        let text = format!("Error while trying to {doing} friends.");
        response.refused(503, 14, &text);
    }
}
