use serde_json::json;

use super::stage::{Asking, Response, Stage};

const NO_CREDENTIALS: &str = r#"{"error":"Auth token or HTTP key required","message":"Auth token or HTTP key required","code":16}"#;
const BAD_KEY: &str = r#"{"error":"HTTP key invalid","message":"HTTP key invalid","code":16}"#;
const BAD_TOKEN: &str =
    r#"{"error":"Auth token invalid","message":"Auth token invalid","code":16}"#;
const NO_ID: &str = r#"{"error":"RPC ID must be set","message":"RPC ID must be set","code":3}"#;
const UNKNOWN: &str =
    r#"{"error":"RPC function not found","message":"RPC function not found","code":5}"#;
const NOT_TEXT: &str = r#"{"error":"json: cannot unmarshal object into Go value of type string","message":"json: cannot unmarshal object into Go value of type string","code":3}"#;
const KEY: &str = "defaulthttpkey";

#[track_caller]
fn verbatim(response: &Response, status: u16, body: &str) {
    assert_eq!((response.status.as_u16(), response.text()), (status, body));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("www-authenticate"), None);
}

#[tokio::test]
async fn callers_are_judged_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let echo = |query: &str| {
        stage
            .ask("POST", &format!("/v2/rpc/echo{query}"))
            .body("\"x\"")
    };
    verbatim(&echo("").send().await, 401, NO_CREDENTIALS);
    verbatim(&echo("?http_key=").send().await, 401, NO_CREDENTIALS);
    verbatim(&echo("?http_key=wrong").send().await, 401, BAD_KEY);
    verbatim(&echo("?httpKey=wrong").send().await, 401, BAD_KEY);
    verbatim(
        &echo("?http_key=wrong").token(&alice.token).send().await,
        401,
        BAD_KEY,
    );
    verbatim(&echo("").key("defaultkey").send().await, 401, BAD_KEY);
    verbatim(&echo("").token("x.y.z").send().await, 401, BAD_TOKEN);
    verbatim(&echo("").token(&alice.refresh).send().await, 401, BAD_TOKEN);
    verbatim(
        &echo("").header("authorization", "Digest x").send().await,
        401,
        BAD_TOKEN,
    );

    let caller = async |ask: Asking<'_>| {
        verbatim(&ask.send().await, 200, r#"{"payload":"x"}"#);
        let call = stage.world.calls.lock().unwrap().pop().unwrap();
        call.caller.map(|caller| caller.user_id)
    };
    assert_eq!(caller(echo("").token(&alice.token)).await, Some(alice.id));
    assert_eq!(caller(echo("").key(KEY)).await, None);
    assert_eq!(caller(echo("?http_key=defaulthttpkey")).await, None);
    assert_eq!(caller(echo("?httpKey=defaulthttpkey")).await, None);
    let both = echo("?http_key=defaulthttpkey").token(&alice.token);
    assert_eq!(caller(both).await, None, "the key wins over the token");
}

#[tokio::test]
async fn functions_are_found_whatever_the_case() {
    let stage = Stage::new().await;
    let ask = |path: &str| stage.ask("POST", path).key(KEY).body("\"x\"");
    verbatim(&ask("/v2/rpc/ECHO").send().await, 200, r#"{"payload":"x"}"#);
    verbatim(&ask("/v2/rpc/a/b").send().await, 200, r#"{"payload":"x"}"#);
    verbatim(&ask("/v2/rpc/missing").send().await, 404, UNKNOWN);
    verbatim(&ask("/v2/rpc/").send().await, 400, NO_ID);
    let bad_body = stage.ask("POST", "/v2/rpc/missing").key(KEY).body("{");
    verbatim(&bad_body.send().await, 404, UNKNOWN);
    ask("/v2/rpc").send().await.refused(404, 5, "Not Found");
    for method in ["PUT", "DELETE", "PATCH", "HEAD"] {
        let response = stage.ask(method, "/v2/rpc/echo").key(KEY).send().await;
        assert_eq!(response.status.as_u16(), 501, "{method}");
    }
}

#[tokio::test]
async fn payloads_are_text_in_json_unless_unwrapped() {
    let stage = Stage::new().await;
    let echo = |query: &str| stage.ask("POST", &format!("/v2/rpc/echo{query}")).key(KEY);
    for (body, payload) in [
        ("\"\"", ""),
        ("\"{\\\"a\\\":1}\"", "{\"a\":1}"),
        ("", ""),
        ("null", ""),
        (" \"x\" ", "x"),
    ] {
        let response = echo("").body(body).send().await;
        assert_eq!(response.ok(), json!({"payload": payload}), "{body}");
    }
    for body in ["{}", "7", "[\"x\"]", "\"x", "x", "true"] {
        verbatim(&echo("").body(body).send().await, 400, NOT_TEXT);
    }
    for query in ["?unwrap", "?unwrap=", "?unwrap=false", "?a=b&unwrap=true"] {
        let response = echo(query).body("{\"a\":1}").send().await;
        assert_eq!(response.text(), "{\"a\":1}", "{query}");
        assert_eq!(response.header("content-type"), Some("text/plain"));
    }
    let typed = echo("?unwrap").header("content-type", "application/x-game");
    let response = typed.body("\u{1}\u{2}").send().await;
    assert_eq!(response.header("content-type"), Some("application/x-game"));
    assert_eq!(response.text(), "\u{1}\u{2}");
    let void = stage.ask("POST", "/v2/rpc/void").key(KEY).send().await;
    assert_eq!(void.ok(), json!({"payload": ""}));
}

#[tokio::test]
async fn with_get_the_payload_is_empty_and_the_query_is_seen() {
    let stage = Stage::new().await;
    let uri = "/v2/rpc/echo?payload=%22x%22&a=1&a=2&http_key=defaulthttpkey&bad=%zz";
    let ask = stage
        .ask("GET", uri)
        .header("x-game", "1")
        .header("grpc-timeout", "9S");
    let ask = ask.header("x-forwarded-for", "192.0.2.7");
    assert_eq!(ask.send().await.ok(), json!({"payload": ""}));
    let call = stage.world.calls.lock().unwrap().pop().unwrap();
    assert_eq!(call.query["payload"], ["\"x\""]);
    assert_eq!(call.query["a"], ["1", "2"]);
    assert!(
        !call.query.contains_key("http_key"),
        "the key is not for the game"
    );
    assert_eq!(call.headers["x-game"], ["1"]);
    assert!(!call.headers.contains_key("grpc-timeout"));
    assert_eq!(call.client, Some([192, 0, 2, 7].into()));
}

#[tokio::test]
async fn failures_of_a_function_have_a_shape_of_their_own() {
    let stage = Stage::new().await;
    for (given, status, code) in [
        (1, 499, 1),
        (3, 400, 3),
        (4, 504, 4),
        (5, 404, 5),
        (6, 409, 6),
        (7, 403, 7),
        (8, 429, 8),
        (9, 400, 9),
        (12, 501, 12),
        (13, 500, 13),
        (14, 503, 14),
        (16, 401, 16),
        (0, 500, 13),
        (17, 500, 13),
        (400, 500, 13),
    ] {
        let ask = stage.ask("POST", "/v2/rpc/fail").key(KEY);
        let response = ask.body(format!("\"{given}\"")).send().await;
        let body = format!(r#"{{"code":{code},"error":{{}},"message":"boom"}}"#);
        verbatim(&response, status, &body);
    }
    let unwrapped = stage
        .ask("POST", "/v2/rpc/fail?unwrap")
        .key(KEY)
        .body("5")
        .send()
        .await;
    verbatim(&unwrapped, 404, r#"{"code":5,"error":{},"message":"boom"}"#);
    let busy = stage.ask("POST", "/v2/rpc/busy").key(KEY).send().await;
    assert_eq!(
        (busy.status.as_u16(), busy.json()["code"].clone()),
        (503, json!(14))
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_with_a_space() {
    let stage = Stage::with(&["--socket.max_request_size_bytes=10"]).await;
    let echo = |body: &'static str| stage.ask("POST", "/v2/rpc/echo?unwrap").key(KEY).body(body);
    assert_eq!(echo("0123456789").send().await.text(), "0123456789");
    let response = echo("0123456789a").send().await;
    assert_eq!(response.header("connection"), Some("close"));
    verbatim(
        &response,
        400,
        r#"{"code":3, "message":"http: request body too large"}"#,
    );
}
