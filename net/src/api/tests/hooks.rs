use serde_json::{Value, json};

use super::stage::{Response, Stage};
use crate::api::{Code, HookFailure, Verdict, When, WorldError};

const CUSTOM: &str = "/v2/account/authenticate/custom?create=true&username=alice";

async fn log_in(stage: &Stage) -> Response {
    let body = r#"{"id":"custom-alice","vars":{"a":"1"}}"#;
    stage
        .ask("POST", CUSTOM)
        .key("defaultkey")
        .body(body)
        .send()
        .await
}

fn decide(stage: &Stage, verdict: Result<Verdict, HookFailure>) {
    let mut verdicts = stage.world.verdicts.lock().unwrap();
    verdicts.insert("AuthenticateCustom", verdict);
}

#[tokio::test]
async fn a_hook_sees_the_whole_request_and_may_refuse_it() {
    let stage = Stage::new().await;
    let refusal = HookFailure::Refused {
        code: Code::PermissionDenied,
        message: "not today".to_owned(),
    };
    decide(&stage, Err(refusal));
    log_in(&stage).await.refused(403, 7, "not today");
    let (when, call, _) = stage.world.seen.lock().unwrap().remove(0);
    assert_eq!((when, call.operation), (When::Before, "AuthenticateCustom"));
    assert!(call.caller.is_none());
    let request = json!({
        "account": {"id": "custom-alice", "vars": {"a": "1"}},
        "create": true,
        "username": "alice",
    });
    assert_eq!(call.request, request);

    decide(&stage, Ok(Verdict::Disabled));
    log_in(&stage)
        .await
        .refused(404, 5, "Requested resource was not found.");
    decide(&stage, Err(HookFailure::World(WorldError::Busy)));
    log_in(&stage)
        .await
        .refused(503, 14, "the server is overloaded; try again later");
}

#[tokio::test]
async fn a_hook_may_replace_the_request() {
    let stage = Stage::new().await;
    let request = json!({"account": {"id": "short"}});
    decide(&stage, Ok(Verdict::Proceed(request)));
    log_in(&stage)
        .await
        .refused(400, 3, "Custom ID invalid, must be 6-128 bytes.");
    let request = json!({"account": {"id": "custom-other"}, "create": false});
    decide(&stage, Ok(Verdict::Proceed(request)));
    log_in(&stage)
        .await
        .refused(404, 5, "User account not found.");
    decide(&stage, Ok(Verdict::Proceed(json!({"account": {"id": 7}}))));
    assert_eq!(log_in(&stage).await.status.as_u16(), 400);
    decide(&stage, Ok(Verdict::Proceed(Value::Null)));
    log_in(&stage)
        .await
        .refused(400, 3, "Custom ID is required.");
}

#[tokio::test]
async fn hooks_come_after_authentication() {
    let stage = Stage::new().await;
    decide(&stage, Ok(Verdict::Disabled));
    let response = stage.ask("POST", CUSTOM).body("{}").send().await;
    response.refused(401, 16, "Server key required");
    assert!(stage.world.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_game_hears_of_what_was_done_and_not_of_what_failed() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let listens_to = [
        "GetUsers",
        "GetAccount",
        "ListMatches",
        "SessionLogout",
        "UpdateAccount",
    ];
    *stage.world.listens_to.lock().unwrap() = listens_to.to_vec();
    let get = async |uri: &str| stage.ask("GET", uri).token(&alice.token).send().await;
    get("/v2/user?ids=bad").await;
    assert!(stage.world.seen.lock().unwrap().is_empty());
    get("/v2/user?usernames=alice").await.ok();
    get("/v2/match?minSize=2").await.ok();
    get("/v2/account").await.ok();
    let seen = stage.world.seen.lock().unwrap();
    let heard = |index: usize| {
        let (when, call, response) = &seen[index];
        assert_eq!(*when, When::After);
        assert_eq!(
            call.caller.as_ref().map(|caller| caller.user_id),
            Some(alice.id)
        );
        (call.operation, call.request.clone(), response.clone())
    };
    let (operation, request, response) = heard(0);
    assert_eq!(
        (operation, request),
        ("GetUsers", json!({"usernames": ["alice"]}))
    );
    assert_eq!(response["users"][0]["username"], "alice");
    assert_eq!(heard(1), ("ListMatches", json!({"min_size": 2}), json!({})));
    assert_eq!(heard(2).1, json!({}));
}
