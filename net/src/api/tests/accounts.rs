use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{Player, Response, Stage};

async fn get(stage: &Stage, player: &Player, uri: &str) -> Response {
    stage.ask("GET", uri).token(&player.token).send().await
}

async fn put(stage: &Stage, player: &Player, body: Value) -> Response {
    let ask = stage.ask("PUT", "/v2/account").token(&player.token);
    ask.body(body.to_string()).send().await
}

#[tokio::test]
async fn a_fresh_account_has_these_members_and_no_others() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let account = get(&stage, &alice, "/v2/account").await.ok();
    let expected = json!({
        "user": {
            "id": alice.id.to_string(),
            "username": "alice",
            "lang_tag": "en",
            "metadata": "{}",
            "create_time": "2026-11-21T09:28:02Z",
            "update_time": "2026-11-21T09:28:02Z",
        },
        "wallet": "{}",
        "devices": [{"id": "device-alice"}],
    });
    assert_eq!(account, expected);
    stage.world.online.lock().unwrap().insert(alice.id);
    let account = get(&stage, &alice, "/v2/account").await.ok();
    assert_eq!(account["user"]["online"], true);
}

#[tokio::test]
async fn an_account_is_changed_in_either_spelling_and_cleared_by_empty_text() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    stage.pass_seconds(1);
    let change = json!({
        "displayName": "Alice A.",
        "avatar_url": "https://example.com/a.png",
        "langTag": "sv",
        "location": "Umea",
        "timezone": "Europe/Stockholm",
    });
    assert_eq!(put(&stage, &alice, change).await.ok(), json!({}));
    let user = get(&stage, &alice, "/v2/account").await.ok()["user"].clone();
    assert_eq!(user["display_name"], "Alice A.");
    assert_eq!(user["lang_tag"], "sv");
    assert_eq!(user["update_time"], "2026-11-21T09:28:03Z");
    put(
        &stage,
        &alice,
        json!({"display_name": "", "location": null}),
    )
    .await
    .ok();
    let user = get(&stage, &alice, "/v2/account").await.ok()["user"].clone();
    assert_eq!(user.get("display_name"), None);
    assert_eq!(user["location"], "Umea", "null is absent");
}

#[tokio::test]
async fn changes_are_refused_as_the_reference_refuses_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    stage.player("bob").await;
    let size = "Username invalid, must be 1-128 bytes.";
    let gaps = "Username invalid, no spaces or control characters allowed.";
    let taken = "rpc error: code = AlreadyExists desc = Username is already in use.";
    let unfit = "Error while trying to update account.";
    for (body, status, code, message) in [
        (json!({"username": ""}), 400, 3, size),
        (json!({"username": "x".repeat(129)}), 400, 3, size),
        (json!({"username": "a\nb"}), 400, 3, gaps),
        (json!({}), 400, 3, "No fields to update."),
        (
            json!({"metadata": "{}", "location": null}),
            400,
            3,
            "No fields to update.",
        ),
        (json!({"username": "bob"}), 400, 3, taken),
        (json!({"display_name": "x".repeat(256)}), 500, 13, unfit),
        (json!({"avatar_url": "x".repeat(513)}), 500, 13, unfit),
        (json!({"lang_tag": ""}), 500, 13, unfit),
        (json!({"location": "a\u{0}b"}), 500, 13, unfit),
    ] {
        put(&stage, &alice, body)
            .await
            .refused(status, code, message);
    }
    put(&stage, &alice, json!({"username": "alice"})).await.ok();
}

#[tokio::test]
async fn users_are_looked_up_by_any_list() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    stage.world.online.lock().unwrap().insert(bob.id);
    let names = async |uri: &str| {
        let users = get(&stage, &alice, uri).await.ok();
        let users = users["users"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<_> = users
            .iter()
            .map(|user| {
                user.get("username")
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    };
    let id = bob.id.to_string();
    assert_eq!(names(&format!("/v2/user?ids={id}&")).await, ["bob"]);
    assert_eq!(names("/v2/user?usernames=alice").await, ["alice"]);
    let upper = bob.id.simple().to_string().to_uppercase();
    let all = format!("/v2/user?ids={id}&ids={upper}&usernames=bob&usernames=alice");
    assert_eq!(names(&all).await, ["alice", "bob"], "each once");
    assert_eq!(
        names("/v2/user?usernames=alice,bob").await,
        [""; 0],
        "commas do not split"
    );
    assert_eq!(names("/v2/user?facebookIds=x").await, [""; 0]);
    assert_eq!(names(&format!("/v2/user?ids={}", Uuid::nil())).await, [""]);
    assert_eq!(get(&stage, &alice, "/v2/user").await.text(), "{}");
    let bad = get(&stage, &alice, "/v2/user?ids=bad").await;
    bad.refused(400, 3, "ID 'bad' is not a valid system ID.");
    let users = get(&stage, &alice, &format!("/v2/user?ids={id}"))
        .await
        .ok();
    assert_eq!(users["users"][0]["online"], true);
    assert_eq!(users["users"][0].get("wallet"), None);
}

#[tokio::test]
async fn a_database_that_is_gone_is_a_503_that_says_what_failed() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    stage.state.store.close().await;
    let reading = get(&stage, &ann, "/v2/account").await;
    let writing = put(&stage, &ann, json!({"location": "Tilbury"})).await;
    for (response, message) in [
        (reading, "Error retrieving user account."),
        (writing, "Error while trying to update account."),
    ] {
        assert_eq!(response.status, 503);
        assert_eq!(response.json(), json!({"code": 14, "message": message}));
    }
}
