use axum::http::StatusCode;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tiltyard::StreamId;

use super::groups::{act, made};
use super::stage::{Player, Response, Stage};
use crate::store::Identifier;

const LAST: &str =
    "Cannot unlink last account identifier. Check profile exists and is not last link.";

pub(super) async fn change(stage: &Stage, player: &Player, route: &str, body: Value) -> Response {
    let uri = format!("/v2/account/{route}");
    let ask = stage.ask("POST", &uri).token(&player.token);
    ask.body(body.to_string()).send().await
}

async fn account(stage: &Stage, player: &Player) -> Value {
    let ask = stage.ask("GET", "/v2/account").token(&player.token);
    ask.send().await.ok()
}

async fn log_in(stage: &Stage, kind: &str, body: Value) -> Response {
    let uri = format!("/v2/account/authenticate/{kind}?create=false");
    let ask = stage.ask("POST", &uri).key("defaultkey");
    ask.body(body.to_string()).send().await
}

#[tokio::test]
async fn identifiers_are_checked_in_order_before_they_are_linked() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let long = "x".repeat(129);
    let gaps = "no spaces or control characters allowed.";
    for (route, id, message) in [
        ("link/device", "", "Device ID is required.".to_owned()),
        ("link/device", "a b", format!("Device ID invalid, {gaps}")),
        (
            "link/device",
            "short",
            "Device ID invalid, must be 10-128 bytes.".to_owned(),
        ),
        (
            "link/device",
            &long,
            "Device ID invalid, must be 10-128 bytes.".to_owned(),
        ),
        ("link/custom", "", "Custom ID is required.".to_owned()),
        ("link/custom", "a b", format!("Invalid custom ID, {gaps}")),
        (
            "link/custom",
            "short",
            "Invalid custom ID, must be 6-128 bytes.".to_owned(),
        ),
        (
            "unlink/device",
            "",
            "A device ID must be supplied.".to_owned(),
        ),
    ] {
        let response = change(&stage, &alice, route, json!({"id": id})).await;
        response.refused(400, 3, &message);
    }
    let both = "Email address and password is required.";
    let long = "x".repeat(73);
    for (email, password, message) in [
        ("", "batsignal", both),
        ("alice@example.com", "", both),
        (
            "a b",
            "short",
            "Invalid email address, no spaces or control characters allowed.",
        ),
        (
            "alice",
            "short",
            "Password must be at least 8 characters long.",
        ),
        ("alice", "batsignal", "Invalid email address format."),
        (
            "a@b.co",
            "batsignal",
            "Invalid email address, must be 10-255 bytes.",
        ),
        (
            "alice@example.com",
            &long,
            "Password must be at most 72 bytes long.",
        ),
    ] {
        let body = json!({"email": email, "password": password});
        let response = change(&stage, &alice, "link/email", body).await;
        response.refused(400, 3, message);
    }
    let nobody = stage
        .ask("POST", "/v2/account/link/device")
        .key("defaultkey");
    nobody.send().await.refused(401, 16, "Auth token invalid");
}

#[tokio::test]
async fn a_linked_identifier_opens_the_account_until_it_is_unlinked() {
    let stage = Stage::new().await;
    let (alice, bob) = (stage.player("alice").await, stage.player("bob").await);
    stage.pass_seconds(1);
    let email = json!({"email": "Alice@Example.com", "password": "batsignal"});
    for (kind, body, taken) in [
        (
            "device",
            json!({"id": "another-device"}),
            "Device ID already in use.",
        ),
        (
            "custom",
            json!({"id": "custom-alice"}),
            "Custom ID is already in use.",
        ),
        ("email", email, "Email is already in use."),
    ] {
        let (link, unlink) = (format!("link/{kind}"), format!("unlink/{kind}"));
        log_in(&stage, kind, body.clone())
            .await
            .refused(404, 5, "User account not found.");
        for _ in 0..2 {
            let linked = change(&stage, &alice, &link, body.clone()).await;
            assert_eq!(linked.ok(), json!({}), "one's own may be linked again");
        }
        log_in(&stage, kind, body.clone()).await.ok();
        let theirs = change(&stage, &bob, &link, body.clone()).await;
        theirs.refused(409, 6, taken);
        let theirs = change(&stage, &bob, &unlink, body.clone()).await;
        theirs.refused(403, 7, LAST);
        change(&stage, &alice, &unlink, body.clone()).await.ok();
        let gone = log_in(&stage, kind, body).await;
        gone.refused(404, 5, "User account not found.");
    }
    let account = account(&stage, &alice).await;
    assert_eq!(account["devices"], json!([{"id": "device-alice"}]));
    assert_eq!(account["user"]["update_time"], "2026-11-21T09:28:03Z");
}

#[tokio::test]
async fn devices_add_up_and_other_identifiers_are_replaced() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for id in ["another-device", "custom-one", "custom-two"] {
        let route = if id.starts_with("custom") {
            "link/custom"
        } else {
            "link/device"
        };
        change(&stage, &alice, route, json!({"id": id})).await.ok();
    }
    let email = json!({"email": "Alice@Example.com", "password": "batsignal"});
    change(&stage, &alice, "link/email", email).await.ok();
    let account = account(&stage, &alice).await;
    assert_eq!(account["devices"].as_array().unwrap().len(), 2);
    assert_eq!(account["custom_id"], "custom-two");
    assert_eq!(account["email"], "alice@example.com");
    let by_name = "email?username=alice&x=";
    let password = json!({"password": "batsignal"});
    log_in(&stage, by_name, password.clone()).await.ok();
    change(&stage, &alice, "unlink/email", json!({})).await.ok();
    let gone = log_in(&stage, by_name, password).await;
    gone.refused(401, 16, "Invalid credentials.");
}

#[tokio::test]
async fn the_last_way_in_is_not_taken_away() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let device = json!({"id": "device-alice"});
    let last = change(&stage, &alice, "unlink/device", device.clone()).await;
    last.refused(403, 7, LAST);
    for kind in ["custom", "email", "facebook", "google", "gamecenter"] {
        let never = change(&stage, &alice, &format!("unlink/{kind}"), json!({})).await;
        assert_eq!(never.ok(), json!({}), "{kind} was never linked");
    }
    let custom = json!({"id": "custom-alice"});
    change(&stage, &alice, "link/custom", custom.clone())
        .await
        .ok();
    let wrong = change(
        &stage,
        &alice,
        "unlink/custom",
        json!({"id": "custom-other"}),
    )
    .await;
    wrong.refused(403, 7, LAST);
    change(&stage, &alice, "unlink/device", device).await.ok();
    let last = change(&stage, &alice, "unlink/custom", json!({})).await;
    last.refused(403, 7, LAST);
    log_in(&stage, "custom", custom).await.ok();
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_tokens_and_connections() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    // In the very second of the login.
    let delete = async || {
        let ask = stage.ask("DELETE", "/v2/account").token(&alice.token);
        ask.send().await
    };
    assert_eq!(delete().await.ok(), json!({}));
    assert_eq!(*stage.world.disconnected.lock().unwrap(), [alice.id]);
    delete().await.refused(401, 16, "Auth token invalid");
    let refresh = json!({"token": alice.refresh}).to_string();
    let refresh = stage
        .ask("POST", "/v2/account/session/refresh")
        .key("defaultkey")
        .body(refresh);
    let refused = refresh.send().await;
    refused.refused(401, 16, "Refresh token invalid or expired.");
    let device = log_in(&stage, "device", json!({"id": "device-alice"})).await;
    device.refused(404, 5, "User account not found.");
    let again = stage.player("alice").await;
    assert_ne!(again.id, alice.id, "the name is free");
}

#[tokio::test]
async fn the_chats_of_groups_that_go_with_an_account_are_closed() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    let mut groups = Vec::new();
    for (founder, name) in [(&alice, "knights"), (&bob, "squires")] {
        let group = made(&stage, founder, json!({"name": name, "open": true})).await;
        for player in [&alice, &bob] {
            act(&stage, player, &group, "join", &[]).await.ok();
        }
        groups.push(group);
    }
    let ask = stage.ask("DELETE", "/v2/account").token(&alice.token);
    ask.send().await.ok();
    let closed = stage.world.closed.lock().unwrap().clone();
    let own = tiltyard::parse_uuid(&groups[0]).unwrap();
    let channel = StreamId::about(tiltyard::mode::GROUP, own);
    assert_eq!(closed, [channel], "the other has a superadmin still");
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_mistake() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    stage.state.store.delete_account(alice.id).await.unwrap();
    let custom = change(&stage, &alice, "link/custom", json!({"id": "custom-alice"})).await;
    custom.refused(404, 5, "Account not found.");
    let ask = stage.ask("DELETE", "/v2/account").token(&alice.token);
    assert_eq!(ask.send().await.ok(), json!({}));
}

#[tokio::test]
async fn whoever_hangs_up_while_deleting_is_disconnected_all_the_same() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let ask = stage.ask("DELETE", "/v2/account").token(&alice.token);
    assert!(ask.send().now_or_never().is_none(), "the database is asked");
    let is_over = async {
        while stage.world.disconnected.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, is_over).await.unwrap();
    let ask = stage.ask("GET", "/v2/account").token(&alice.token);
    ask.send().await.refused(401, 16, "Auth token invalid");
}

#[tokio::test]
async fn an_imported_password_is_hashed_anew_at_the_first_login() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let store = &stage.state.store;
    let email = Identifier::Email("alice@example.com".to_owned());
    let now = stage.state.clock.now();
    let imported = bcrypt::hash("batsignal", 4).unwrap();
    let linked = store.link(alice.id, &email, Some(&imported), now).await;
    linked.unwrap();
    for (password, status) in [
        ("wrong password", StatusCode::UNAUTHORIZED),
        ("batsignal", StatusCode::OK),
    ] {
        let body = json!({"email": "alice@example.com", "password": password});
        assert_eq!(log_in(&stage, "email", body).await.status, status);
        let login = store.find_login(&email).await.unwrap().unwrap();
        let renewed = login.password_hash.unwrap().starts_with("$argon2id$");
        assert_eq!(renewed, status == StatusCode::OK);
    }
    let body = json!({"email": "alice@example.com", "password": "batsignal"});
    log_in(&stage, "email", body).await.ok();
}
