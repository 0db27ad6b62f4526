use serde_json::{Value, json};

use super::groups::{act, ask, create, made};
use super::stage::{Player, Stage};

const BAD_GROUP: &str = "Group ID must be a valid ID.";
const BAD_USER: &str = "User ID must be a valid ID.";
const DENIED: &str = "Group not found or permission denied.";
const NOWHERE: &str = "00000000-0000-4000-8000-000000000404";
const DEEDS: [&str; 5] = ["add", "kick", "ban", "promote", "demote"];

async fn update(
    stage: &Stage,
    player: &Player,
    group: &str,
    body: Value,
) -> super::stage::Response {
    let uri = format!("/v2/group/{group}");
    let asking = stage.ask("PUT", &uri).token(&player.token);
    asking.body(body.to_string()).send().await
}

#[tokio::test]
async fn what_creating_refuses_is_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let unset = "Group name must be set.";
    let failed = "Error while trying to create group.";
    made(&stage, &alice, json!({"name": "taken"})).await;
    for (body, status, code, text) in [
        (json!({}), 400, 3, unset),
        (json!({"name": "", "max_count": -1}), 400, 3, unset),
        (
            json!({"name": "taken", "max_count": -1}),
            400,
            3,
            "Group max count must be >= 1 when set.",
        ),
        (json!({"name": "taken"}), 409, 6, "Group name is in use."),
        (json!({"name": "n".repeat(256)}), 500, 13, failed),
        (
            json!({"name": "n", "description": "d".repeat(256)}),
            500,
            13,
            failed,
        ),
        (
            json!({"name": "n", "avatar_url": "a".repeat(513)}),
            500,
            13,
            failed,
        ),
        (
            json!({"name": "n", "lang_tag": "l".repeat(19)}),
            500,
            13,
            failed,
        ),
        (json!({"name": "n\0"}), 500, 13, failed),
    ] {
        let refused = create(&stage, &alice, body).await;
        refused.refused(status, code, text);
    }
    create(&stage, &alice, json!({"name": "Taken"})).await.ok();
}

#[tokio::test]
async fn what_updating_refuses_is_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let group = made(&stage, &alice, json!({"name": "g"})).await;
    made(&stage, &alice, json!({"name": "taken"})).await;
    act(&stage, &alice, &group, "add", &[&bob]).await.ok();
    let denied = "Group not found or you're not allowed to update.";
    let failed = "Error while trying to update group.";
    for (player, group, body, status, code, text) in [
        (&bob, "x", json!({"name": ""}), 400, 3, BAD_GROUP),
        (
            &bob,
            &*group,
            json!({"name": "", "lang_tag": ""}),
            400,
            3,
            "Group name cannot be empty.",
        ),
        (
            &bob,
            &group,
            json!({"lang_tag": ""}),
            400,
            3,
            "Group language cannot be empty.",
        ),
        (&bob, &group, json!({}), 404, 5, denied),
        (&alice, NOWHERE, json!({"name": "n"}), 404, 5, denied),
        (
            &alice,
            &group,
            json!({"name": null}),
            400,
            3,
            "Specify at least one field to update.",
        ),
        (
            &alice,
            &group,
            json!({"name": "taken"}),
            400,
            3,
            "Group name is in use.",
        ),
        (
            &alice,
            &group,
            json!({"name": "n".repeat(256)}),
            500,
            13,
            failed,
        ),
    ] {
        let refused = update(&stage, player, group, body).await;
        refused.refused(status, code, text);
    }
}

#[tokio::test]
async fn what_concerns_the_caller_alone_is_refused_as_written() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let carol = stage.player("carol").await;
    let group = made(&stage, &alice, json!({"name": "g", "max_count": 2})).await;
    let delete = "Group not found or you're not allowed to delete.";
    for (method, verb) in [("DELETE", ""), ("POST", "/join"), ("POST", "/leave")] {
        let refused = ask(&stage, &alice, method, &format!("group/x{verb}")).await;
        refused.refused(400, 3, BAD_GROUP);
    }
    let refused = ask(&stage, &alice, "POST", &format!("group/{NOWHERE}/join")).await;
    refused.refused(404, 5, "Group not found.");
    let done = ask(&stage, &alice, "POST", &format!("group/{NOWHERE}/leave")).await;
    assert_eq!(done.ok(), json!({}));
    act(&stage, &alice, &group, "add", &[&bob]).await.ok();
    act(&stage, &alice, &group, "promote", &[&bob]).await.ok();
    for (player, group) in [(&bob, &*group), (&carol, &group), (&alice, NOWHERE)] {
        let refused = ask(&stage, player, "DELETE", &format!("group/{group}")).await;
        refused.refused(400, 3, delete);
    }
    for player in [&carol, &bob] {
        let refused = act(&stage, player, &group, "join", &[]).await;
        refused.refused(400, 3, "Group is full.");
    }
    let refused = act(&stage, &alice, &group, "leave", &[]).await;
    let text = "Cannot leave group when you are the last superadmin.";
    refused.refused(400, 3, text);
}

#[tokio::test]
async fn what_concerns_others_is_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let carol = stage.player("carol").await;
    let group = made(&stage, &alice, json!({"name": "g", "max_count": 2})).await;
    act(&stage, &alice, &group, "add", &[&bob]).await.ok();
    for verb in DEEDS {
        let post = async |player: &Player, path: String| {
            ask(&stage, player, "POST", &format!("group/{path}")).await
        };
        let refused = post(&bob, format!("x/{verb}")).await;
        refused.refused(400, 3, BAD_GROUP);
        let none = post(&bob, format!("{group}/{verb}")).await;
        match verb {
            "demote" => none.refused(400, 3, "User IDs must be set."),
            _ => assert_eq!(none.ok(), json!({})),
        }
        let nil = uuid::Uuid::nil().to_string();
        for bad in ["x", "", &nil] {
            let path = format!("{group}/{verb}?user_ids={}&userIds={bad}", carol.id);
            post(&bob, path).await.refused(400, 3, BAD_USER);
        }
        for (player, group) in [(&bob, &*group), (&carol, &group), (&alice, NOWHERE)] {
            let refused = act(&stage, player, group, verb, &[&alice]).await;
            refused.refused(404, 5, DENIED);
        }
        let own = act(&stage, &alice, &group, verb, &[&alice]).await;
        assert_eq!(own.ok(), json!({}), "oneself is left out");
        let unknown = post(&alice, format!("{group}/{verb}?user_ids={NOWHERE}")).await;
        match verb {
            "add" => unknown.refused(400, 3, "One or more users not found."),
            _ => assert_eq!(unknown.ok(), json!({})),
        }
    }
    let refused = act(&stage, &alice, &group, "add", &[&carol]).await;
    refused.refused(400, 3, "Group is full.");
}

#[tokio::test]
async fn what_lists_refuse_is_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for number in 0..2 {
        let name = format!("g{number}");
        made(&stage, &alice, json!({"name": name})).await;
    }
    let limit = "Invalid limit - limit must be between 1 and 100.";
    let state = "Invalid state - state must be between 0 and 4.";
    let cursor = "Cursor is invalid.";
    let own = format!("user/{}/group", alice.id);
    let page = ask(&stage, &alice, "GET", &format!("{own}?limit=1")).await;
    let of_user = page.ok()["cursor"].as_str().unwrap().to_owned();
    for list in [&own, &format!("group/{NOWHERE}/user")] {
        for (query, text) in [
            ("limit=0&state=9", limit),
            ("limit=101", limit),
            ("state=5&cursor=zzz", state),
            ("state=-1", state),
            ("cursor=zzz", cursor),
            (&format!("state=0&cursor={of_user}"), cursor),
        ] {
            let refused = ask(&stage, &alice, "GET", &format!("{list}?{query}")).await;
            refused.refused(400, 3, text);
        }
    }
    for list in ["user/x/group?limit=0", "group/x/user?state=9"] {
        let refused = ask(&stage, &alice, "GET", list).await;
        refused.refused(400, 3, BAD_GROUP);
    }
    let unknown = ask(&stage, &alice, "GET", &format!("group/{NOWHERE}/user")).await;
    assert_eq!(unknown.ok(), json!({}));
    let page = ask(&stage, &alice, "GET", "group").await.ok();
    assert_eq!(
        page["groups"].as_array().unwrap().len(),
        1,
        "one by default"
    );
    let of_all = page["cursor"].as_str().unwrap().to_owned();
    let combined = "name filter cannot be combined with any other filter";
    for query in ["limit=0&name=a&open=true", "limit=101"] {
        let refused = ask(&stage, &alice, "GET", &format!("group?{query}")).await;
        refused.refused(400, 3, limit);
    }
    for other in ["open=false", "members=1", "lang_tag=en"] {
        let uri = format!("group?name=a&{other}&cursor=zzz");
        let refused = ask(&stage, &alice, "GET", &uri).await;
        refused.refused(400, 3, combined);
    }
    for query in [
        "cursor=zzz",
        &format!("open=false&cursor={of_all}"),
        "name=a%00",
    ] {
        let refused = ask(&stage, &alice, "GET", &format!("group?{query}")).await;
        refused.refused(500, 13, "Error while trying to list groups.");
    }
    let wrong_method = ask(&stage, &alice, "GET", &format!("group/{NOWHERE}")).await;
    wrong_method.refused(501, 12, "Method Not Allowed");
    let too_deep = ask(&stage, &alice, "POST", "group/a/b/join").await;
    too_deep.refused(404, 5, "Not Found");
}

#[tokio::test]
async fn a_database_that_is_gone_says_what_failed() {
    let stage = Stage::new().await;
    let ann = stage.player("ann").await;
    stage.state.store.close().await;
    let group = format!("/v2/group/{NOWHERE}");
    let users = format!("?user_ids={NOWHERE}");
    for (method, path, doing) in [
        ("POST", "/v2/group".to_owned(), "create group"),
        ("PUT", group.clone(), "update group"),
        ("DELETE", group.clone(), "delete group"),
        ("POST", format!("{group}/join"), "join group"),
        ("POST", format!("{group}/leave"), "leave group"),
        (
            "POST",
            format!("{group}/add{users}"),
            "add users to a group",
        ),
        (
            "POST",
            format!("{group}/kick{users}"),
            "kick users from a group",
        ),
        ("GET", "/v2/group".to_owned(), "list groups"),
        ("GET", format!("{group}/user"), "list users in a group"),
        (
            "GET",
            format!("/v2/user/{NOWHERE}/group"),
            "list groups for a user",
        ),
    ] {
        let ask = stage.ask(method, &path).token(&ann.token);
        let body = json!({"name": "n"}).to_string();
        let text = format!("Error while trying to {doing}.");
        ask.body(body).send().await.refused(503, 14, &text);
    }
}
