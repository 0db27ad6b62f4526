use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{Player, Response, Stage};
use crate::store::{Actor, ObjectCondition, ObjectId, ObjectValue, ObjectWrite};
use crate::store::{ReadPermission, WritePermission};

const UNNAMED: &str = "Invalid collection or key value supplied. They must be set.";
const BAD_USER: &str = "Invalid user ID - make sure user ID is a valid UUID.";

async fn get(stage: &Stage, player: &Player, uri: &str) -> Response {
    stage.ask("GET", uri).token(&player.token).send().await
}

async fn send(stage: &Stage, player: &Player, call: (&str, &str), body: &Value) -> Response {
    let ask = stage.ask(call.0, call.1).token(&player.token);
    ask.body(body.to_string()).send().await
}

async fn read(stage: &Stage, player: &Player, ids: Value) -> Response {
    let body = json!({ "object_ids": ids });
    send(stage, player, ("POST", "/v2/storage"), &body).await
}

async fn write(stage: &Stage, player: &Player, objects: Value) -> Response {
    let body = json!({ "objects": objects });
    send(stage, player, ("PUT", "/v2/storage"), &body).await
}

async fn delete(stage: &Stage, player: &Player, ids: Value) -> Response {
    let body = json!({ "object_ids": ids });
    send(stage, player, ("PUT", "/v2/storage/delete"), &body).await
}

/// An object that the server's own code has written.
async fn plant(stage: &Stage, owner: Uuid, key: &str, read: u8, write: u8) {
    let object = [ObjectWrite {
        id: ObjectId {
            collection: "saves".to_owned(),
            key: key.to_owned(),
            owner,
        },
        value: ObjectValue::parse("{}".to_owned()).unwrap(),
        condition: ObjectCondition::Any,
        read: ReadPermission::from_number(read.into()).unwrap(),
        write: WritePermission::from_number(write.into()).unwrap(),
    }];
    let now = stage.state.clock.now();
    let written = stage.state.store.write_objects(Actor::Server, &object, now);
    written.await.unwrap();
}

#[tokio::test]
async fn an_object_is_written_read_listed_and_deleted() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let value = r#"{"b":1,"a":2}"#;
    let acks = write(&stage, &alice, json!([
        {"collection": "saves", "key": "slot", "value": value, "user_id": Uuid::nil().to_string()},
        {"collection": "saves", "key": "open", "value": "{}", "permissionRead": 2, "permission_write": 0},
    ]))
    .await
    .ok();
    let time = "2026-11-21T09:28:02Z";
    // By `printf … | md5sum`.
    let version = "4d6cdf2743e326e6233749adcc15d0d2";
    let empty = "99914b932bd37a50b983c5e7c90ae93b";
    let slot = json!({
        "collection": "saves",
        "key": "slot",
        "version": version,
        "user_id": alice.id.to_string(),
        "create_time": time,
        "update_time": time,
    });
    let mut open = slot.clone();
    open["key"] = "open".into();
    open["version"] = empty.into();
    assert_eq!(acks, json!({"acks": [slot, open]}));

    let id = json!({"collection": "saves", "key": "slot", "user_id": alice.id.to_string()});
    let mut object = slot.clone();
    object["value"] = value.into();
    object["permission_read"] = 1.into();
    object["permission_write"] = 1.into();
    let upper = alice.id.simple().to_string().to_uppercase();
    let same = json!({"collection": "saves", "key": "slot", "userId": upper});
    let found = read(&stage, &alice, json!([id, same])).await.ok();
    assert_eq!(found, json!({"objects": [object]}));
    let ownerless = json!([{"collection": "saves", "key": "slot"}]);
    let found = read(&stage, &alice, ownerless).await.ok();
    assert_eq!(found, json!({}), "no owner is the system");

    let mut public = open;
    public["value"] = "{}".into();
    public["permission_read"] = 2.into();
    let list = get(&stage, &alice, "/v2/storage/saves").await.ok();
    assert_eq!(list, json!({"objects": [public]}), "what is 0 is left out");

    let gone = json!([{"collection": "saves", "key": "slot", "version": version}]);
    assert_eq!(delete(&stage, &alice, gone).await.ok(), json!({}));
    assert_eq!(read(&stage, &alice, json!([id])).await.ok(), json!({}));
}

#[tokio::test]
async fn nothing_asked_is_nothing_done() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for call in [
        ("POST", "/v2/storage"),
        ("PUT", "/v2/storage"),
        ("PUT", "/v2/storage/delete"),
    ] {
        assert_eq!(send(&stage, &alice, call, &json!({})).await.text(), "{}");
    }
    for uri in ["/v2/storage/", "/v2/storage/none", "/v2/storage/delete"] {
        assert_eq!(get(&stage, &alice, uri).await.text(), "{}", "{uri}");
    }
    let not_found = ["/v2/storage/a/", "/v2/storage/a/b/c"];
    for uri in not_found {
        get(&stage, &alice, uri).await.refused(404, 5, "Not Found");
    }
    for call in [
        ("PUT", "/v2/storage/a"),
        ("POST", "/v2/storage/a/b"),
        ("GET", "/v2/storage"),
    ] {
        let refused = send(&stage, &alice, call, &json!({})).await;
        refused.refused(501, 12, "Method Not Allowed");
    }
    let nobody = stage.ask("GET", "/v2/storage/saves").send().await;
    nobody.refused(401, 16, "Auth token required");
}

#[tokio::test]
async fn reads_are_refused_as_the_reference_refuses_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for (id, code, message) in [
        (json!({"collection": "", "key": "k"}), 3, UNNAMED),
        (json!({"collection": "c", "user_id": "x"}), 3, UNNAMED),
        (
            json!({"collection": "c", "key": "k", "user_id": "x"}),
            3,
            BAD_USER,
        ),
        (
            json!({"collection": "c", "key": "k", "user_id": Uuid::nil().to_string()}),
            3,
            BAD_USER,
        ),
        (
            json!({"collection": "c", "key": "\0"}),
            13,
            "Error reading storage objects.",
        ),
    ] {
        let status = if code == 3 { 400 } else { 500 };
        let good = json!({"collection": "c", "key": "k"});
        read(&stage, &alice, json!([good, id]))
            .await
            .refused(status, code, message);
    }
}

#[tokio::test]
async fn writes_are_refused_as_the_reference_refuses_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    plant(&stage, alice.id, "there", 1, 1).await;
    plant(&stage, alice.id, "locked", 2, 0).await;
    let bad_read = "Invalid Read permission supplied. It must be either 0, 1 or 2.";
    let bad_write = "Invalid Write permission supplied. It must be either 0 or 1.";
    let no_object = "Value must be a JSON object.";
    let version = "Storage write rejected - version check failed.";
    let denied = "Storage write rejected - permission denied.";
    let failed = "Error writing storage objects.";
    let long = "x".repeat(129);
    // What differs from `{"collection": "saves", "key": "new", "value": "{}"}`.
    for (change, code, message) in [
        (json!({"collection": ""}), 3, UNNAMED),
        (json!({"key": null, "permission_read": 3}), 3, UNNAMED),
        (json!({"value": "", "permission_read": 3}), 3, UNNAMED),
        (
            json!({"permission_read": 3, "permission_write": 2}),
            3,
            bad_read,
        ),
        (json!({"permission_read": -1}), 3, bad_read),
        (json!({"permission_write": 2, "value": "x"}), 3, bad_write),
        (json!({"permission_write": -1}), 3, bad_write),
        (json!({"value": "[]"}), 3, no_object),
        (json!({"value": "{"}), 3, no_object),
        (json!({"value": "{} x", "key": long}), 3, no_object),
        (json!({"version": "0"}), 3, version),
        (json!({"key": "there", "version": "0"}), 3, version),
        (json!({"key": "there", "version": "*"}), 3, version),
        (json!({"key": "locked", "version": "*"}), 3, version),
        (json!({"key": "locked", "version": "0"}), 3, denied),
        (
            json!({"key": "locked", "permission_read": 2, "permission_write": 0}),
            3,
            denied,
        ),
        (json!({"collection": long}), 13, failed),
        (json!({"key": long}), 13, failed),
        (json!({"key": "a\0b"}), 13, failed),
        (json!({"value": r#"{"a":"\u0000"}"#}), 13, failed),
    ] {
        let mut bad = json!({"collection": "saves", "key": "new", "value": "{}"});
        for (name, value) in change.as_object().unwrap() {
            bad[name] = value.clone();
        }
        let good = json!({"collection": "saves", "key": "a", "value": "{}"});
        let status = if code == 3 { 400 } else { 500 };
        let refused = write(&stage, &alice, json!([good, bad])).await;
        refused.refused(status, code, message);
        let left = json!([{"collection": "saves", "key": "a", "user_id": alice.id.to_string()}]);
        assert_eq!(
            read(&stage, &alice, left).await.text(),
            "{}",
            "all or nothing"
        );
    }
    // What the request is told comes before what the objects are told.
    let both = json!([
        {"collection": "saves", "key": "there", "value": "{}", "version": "*"},
        {"collection": "saves", "key": "new", "value": "[]"},
    ]);
    write(&stage, &alice, both).await.refused(400, 3, no_object);
}

#[tokio::test]
async fn deletes_are_refused_as_the_reference_refuses_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    for key in ["mine", "there"] {
        plant(&stage, alice.id, key, 2, 1).await;
    }
    plant(&stage, alice.id, "locked", 2, 0).await;
    plant(&stage, bob.id, "bobs", 2, 1).await;
    let rejected =
        "Storage delete rejected - not found, version check failed, or permission denied.";
    for (id, code, message) in [
        (json!({"collection": "saves"}), 3, UNNAMED),
        (json!({"key": "mine"}), 3, UNNAMED),
        (json!({"collection": "saves", "key": "gone"}), 3, rejected),
        (json!({"collection": "saves", "key": "locked"}), 3, rejected),
        (
            json!({"collection": "saves", "key": "there", "version": "0"}),
            3,
            rejected,
        ),
        (
            json!({"collection": "saves", "key": "there", "version": "*"}),
            3,
            rejected,
        ),
        (
            json!({"collection": "saves", "key": "bobs", "user_id": bob.id.to_string()}),
            3,
            rejected,
        ),
        (
            json!({"collection": "saves", "key": "\0"}),
            13,
            "Error deleting storage objects.",
        ),
    ] {
        let status = if code == 3 { 400 } else { 500 };
        let mine = json!({"collection": "saves", "key": "mine"});
        let refused = delete(&stage, &alice, json!([mine, id])).await;
        refused.refused(status, code, message);
    }
    let list = get(&stage, &alice, "/v2/storage/saves?limit=100")
        .await
        .ok();
    assert_eq!(list["objects"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn lists_are_paged_and_show_what_the_caller_may_see() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    for (key, read) in [("b0", 0), ("b1", 1), ("a1", 1), ("a2", 2), ("b2", 2)] {
        plant(&stage, alice.id, key, read, 1).await;
    }
    plant(&stage, Uuid::nil(), "b2", 2, 0).await;
    let alices = [
        format!("/v2/storage/saves/{}", alice.id),
        format!("/v2/storage/saves?userId={}", alice.id),
    ];
    let everybodys = "/v2/storage/saves".to_owned();
    for (caller, uri, expected) in [
        (&alice, &alices[0], &["a1", "b1", "a2", "b2"][..]),
        (&alice, &alices[1], &["a1", "b1", "a2", "b2"]),
        (&bob, &alices[0], &["a2", "b2"]),
        (&bob, &alices[1], &["a2", "b2"]),
        (&alice, &everybodys, &["a2", "b2", "b2"]),
        (&bob, &everybodys, &["a2", "b2", "b2"]),
    ] {
        let mark = if uri.contains('?') { '&' } else { '?' };
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            // One by default.
            let page = get(&stage, caller, &format!("{uri}{mark}cursor={cursor}"))
                .await
                .ok();
            let [object] = page["objects"].as_array().unwrap().as_slice() else {
                panic!("{page}");
            };
            found.push(object["key"].as_str().unwrap().to_owned());
            match page.get("cursor") {
                Some(next) => cursor = next.as_str().unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(found, expected, "{uri}");
    }
    let page = get(&stage, &alice, &format!("{}?limit=4", alices[0]))
        .await
        .ok();
    assert_eq!(page.get("cursor"), None, "there is no more");
}

#[tokio::test]
async fn lists_are_refused_as_the_reference_refuses_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    for key in ["a", "b"] {
        plant(&stage, alice.id, key, 2, 1).await;
    }
    let bad_limit = "Invalid limit - limit must be between 1 and 100.";
    let bad_cursor = "Malformed cursor was used.";
    let own = format!("/v2/storage/saves/{}", alice.id);
    let page = get(&stage, &alice, &own).await.ok();
    let cursor = page["cursor"].as_str().unwrap();
    for (caller, uri, status, code, message) in [
        (
            &alice,
            "/v2/storage/saves?limit=0&user_id=x".to_owned(),
            400,
            3,
            bad_limit,
        ),
        (
            &alice,
            "/v2/storage/saves/x?limit=101".to_owned(),
            400,
            3,
            bad_limit,
        ),
        (
            &alice,
            "/v2/storage/saves/x?cursor=x".to_owned(),
            400,
            3,
            BAD_USER,
        ),
        (
            &alice,
            format!("/v2/storage/saves/x?user_id={}", alice.id),
            400,
            3,
            BAD_USER,
        ),
        (
            &alice,
            "/v2/storage/saves?cursor=x".to_owned(),
            400,
            3,
            bad_cursor,
        ),
        (&bob, format!("{own}?cursor={cursor}"), 400, 3, bad_cursor),
        (
            &alice,
            format!("/v2/storage/saves?cursor={cursor}"),
            400,
            3,
            bad_cursor,
        ),
        (
            &alice,
            "/v2/storage/%00".to_owned(),
            500,
            13,
            "Error listing storage objects.",
        ),
    ] {
        get(&stage, caller, &uri)
            .await
            .refused(status, code, message);
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_a_503() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    stage.state.store.close().await;
    let id = json!([{"collection": "c", "key": "k", "value": "{}"}]);
    for (response, message) in [
        (
            read(&stage, &alice, id.clone()).await,
            "Error reading storage objects.",
        ),
        (
            write(&stage, &alice, id.clone()).await,
            "Error writing storage objects.",
        ),
        (
            delete(&stage, &alice, id).await,
            "Error deleting storage objects.",
        ),
        (
            get(&stage, &alice, "/v2/storage/c").await,
            "Error listing storage objects.",
        ),
    ] {
        response.refused(503, 14, message);
    }
}
