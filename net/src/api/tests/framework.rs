use std::io::{Read as _, Write as _};

use axum::body::Body;
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};
use serde_json::json;

use super::stage::{Asking, Response, Stage};

const DEVICE: &str = "/v2/account/authenticate/device";
const REQUIRED: &str = "Device ID is required.";

#[tokio::test]
async fn a_well_server_says_so_to_anybody() {
    let stage = Stage::new().await;
    let response = stage.ask("GET", "/healthcheck").send().await;
    let caching = response.header("cache-control");
    assert_eq!(caching, Some("no-store, no-cache, must-revalidate"));
    assert_eq!(response.header("vary"), Some("Accept-Encoding"));
    assert_eq!(response.text(), "{}");
    response.ok();
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_apart() {
    let stage = Stage::new().await;
    for path in [
        "/v2/nothing",
        "/v2",
        "/V2/account",
        "/v2/account/",
        "/healthcheck/",
        "/readycheck",
        "/v2/account%2Fextra",
        "/v2/%FFaccount",
        "/",
    ] {
        let response = stage.ask("GET", path).send().await;
        response.refused(404, 5, "Not Found");
    }
    for path in ["/", "/ws"] {
        for method in ["POST", "HEAD", "PUT"] {
            let response = stage.ask(method, path).send().await;
            assert_eq!(response.status.as_u16(), 404, "{method} {path}");
        }
    }
    for (method, path) in [
        ("POST", "/healthcheck"),
        ("POST", "/v2/account"),
        ("DELETE", "/v2/user"),
        ("GET", DEVICE),
    ] {
        let response = stage.ask(method, path).send().await;
        response.refused(501, 12, "Method Not Allowed");
    }
    let head = stage.ask("HEAD", "/healthcheck").send().await;
    assert_eq!((head.status.as_u16(), head.text()), (501, ""));
    let escaped = stage.ask("GET", "/v2/%61ccount").send().await;
    escaped.refused(401, 16, "Auth token required");
}

#[tokio::test]
async fn unclean_paths_are_sent_to_their_clean_form() {
    let stage = Stage::new().await;
    for (path, location) in [
        ("//v2/account", "/v2/account"),
        ("/v2/./account?limit=1&a=%20", "/v2/account?limit=1&a=%20"),
        ("/v2/x/../account", "/v2/account"),
        ("/v2//user//group", "/v2/user/group"),
        ("//evil.example/", "/evil.example/"),
        ("/.//a%0D%0Ab", "/a%0D%0Ab"),
        ("/./%5Cevil", "/%5Cevil"),
    ] {
        let response = stage.ask("GET", path).send().await;
        assert_eq!(response.status.as_u16(), 301, "{path}");
        assert_eq!(response.header("location"), Some(location));
        assert_eq!(response.text(), "");
    }
}

#[tokio::test]
async fn bodies_are_decoded_before_anybody_is_asked_who_they_are() {
    let stage = Stage::new().await;
    for body in [
        "{\"id\":",
        "not json",
        "[]",
        "null",
        "7",
        "{\"id\":7}",
        "{\"id\":\"a\",\"id\":\"b\"}",
        "{\"vars\":{\"a\":null}}",
        "{\"id\":\"\u{1}\"}",
    ] {
        let response = stage.ask("POST", DEVICE).body(body).send().await;
        let status = response.status.as_u16();
        assert_eq!(
            (status, &response.json()["code"]),
            (400, &json!(3)),
            "{body}"
        );
    }
    let bytes: &[u8] = b"{\"id\":\"\xff\"}";
    let response = stage.ask("POST", DEVICE).body(bytes).send().await;
    assert_eq!(response.status.as_u16(), 400);
    let query = stage
        .ask("POST", &format!("{DEVICE}?create=maybe"))
        .send()
        .await;
    query.refused(
        400,
        3,
        r#"parsing field "create": strconv.ParseBool: parsing "maybe": invalid syntax"#,
    );
    let response = stage
        .ask("POST", DEVICE)
        .body("x".repeat(300_000))
        .send()
        .await;
    assert_eq!(response.status.as_u16(), 400);
}

#[tokio::test]
async fn bodies_are_json_whatever_they_are_said_to_be() {
    let stage = Stage::new().await;
    let device = |body: &'static str| stage.ask("POST", DEVICE).key("defaultkey").body(body);
    for body in ["", "{}", " ", "{\"id\":null}", "{\"unknown\":[{\"a\":1}]}"] {
        device(body).send().await.refused(400, 3, REQUIRED);
    }
    let typed = device("{\"id\":\"device-typed\"}").header("content-type", "text/plain");
    typed.send().await.ok();
    device("{\"id\":\"device-tail\"} trailing")
        .send()
        .await
        .ok();
    let deep = "[".repeat(100_000);
    let ask = stage.ask("POST", DEVICE).key("defaultkey");
    let response = ask.body(format!("{{\"x\":{deep}")).send().await;
    assert_eq!(response.status.as_u16(), 400);
}

#[tokio::test]
async fn a_body_over_the_limit_ends_the_connection() {
    let stage = Stage::with(&["--socket.max_request_size_bytes=30"]).await;
    let fits = stage
        .ask("POST", DEVICE)
        .key("defaultkey")
        .body("{\"id\":\"device-that-fits-in\"}");
    fits.send().await.ok();
    let ask = stage.ask("POST", DEVICE).key("defaultkey");
    let response = ask.body(" ".repeat(31)).send().await;
    assert_eq!(response.header("connection"), Some("close"));
    response.refused(400, 3, "http: request body too large");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_bodies_are_read_up_to_the_same_limit() {
    let stage = Stage::new().await;
    let send = async |encoding: &str, body: Vec<u8>| {
        let ask = stage.ask("POST", DEVICE).key("defaultkey");
        ask.header("content-encoding", encoding)
            .body(body)
            .send()
            .await
    };
    let body = b"{\"id\":\"device-alice\"}";
    send("gzip", gzip(body)).await.ok();
    send("deflate", deflate(body)).await.ok();
    send("identity", body.to_vec()).await.ok();
    send("gzip", body.to_vec()).await.refused(400, 3, REQUIRED);
    let too_large = "trying to send message larger than max (262145 vs. 262144)";
    let bomb = vec![b' '; 64 * 1024 * 1024];
    send("gzip", gzip(&bomb)).await.refused(429, 8, too_large);
    send("deflate", deflate(&bomb))
        .await
        .refused(429, 8, too_large);
    let mut cut = gzip(body);
    cut.truncate(cut.len() / 2);
    assert_eq!(send("gzip", cut).await.status.as_u16(), 400);
}

#[tokio::test]
async fn answers_are_compressed_as_the_client_asks() {
    let stage = Stage::new().await;
    let encoded = async |accept: &str| {
        let ask = stage
            .ask("GET", "/healthcheck")
            .header("accept-encoding", accept);
        ask.send().await
    };
    let unpacked = |response: &Response| {
        let mut text = String::new();
        match response.header("content-encoding") {
            Some("gzip") => {
                _ = GzDecoder::new(&*response.body)
                    .read_to_string(&mut text)
                    .unwrap()
            }
            Some("deflate") => {
                _ = DeflateDecoder::new(&*response.body)
                    .read_to_string(&mut text)
                    .unwrap();
            }
            _ => text.push_str(response.text()),
        }
        text
    };
    for (accept, encoding) in [
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("gzip")),
        ("br,deflate , gzip", Some("deflate")),
        ("gzip;q=0.5, deflate", Some("deflate")),
        ("gzip;q=1.0", None),
        ("GZIP", None),
        ("*", None),
        ("", None),
    ] {
        let response = encoded(accept).await;
        assert_eq!(response.header("content-encoding"), encoding, "{accept}");
        assert_eq!(unpacked(&response), "{}", "{accept}");
    }
    let upgrade = stage
        .ask("GET", "/healthcheck")
        .header("accept-encoding", "gzip");
    let response = upgrade.header("upgrade", "websocket").send().await;
    assert_eq!(response.header("content-encoding"), None);
}

#[tokio::test]
async fn any_origin_may_read_the_answers() {
    let stage = Stage::new().await;
    for path in ["/healthcheck", "/v2/account", "/v2/nothing", "//v2"] {
        let with = stage
            .ask("GET", path)
            .header("origin", "https://game.example");
        let allowed = "access-control-allow-origin";
        assert_eq!(with.send().await.header(allowed), Some("*"), "{path}");
        assert_eq!(stage.ask("GET", path).send().await.header(allowed), None);
    }
}

#[tokio::test]
async fn browsers_may_ask_first() {
    let stage = Stage::new().await;
    let cases: &[(Option<&str>, Option<&str>, u16, Option<&str>, Option<&str>)] = &[
        (Some("GET"), None, 200, None, None),
        (Some("HEAD"), None, 200, None, None),
        (
            Some("POST"),
            Some("authorization,content-type"),
            200,
            None,
            Some("Authorization,Content-Type"),
        ),
        (
            Some("PUT"),
            Some("USER-AGENT, accept"),
            200,
            Some("PUT"),
            Some("User-Agent"),
        ),
        (Some("DELETE"), Some("origin"), 200, Some("DELETE"), None),
        (Some("PATCH"), None, 405, None, None),
        (Some("put"), None, 405, None, None),
        (Some("POST"), Some("x-other"), 403, None, None),
        (Some("POST"), Some("authorization,x-other"), 403, None, None),
        (None, None, 400, None, None),
    ];
    for (method, headers, status, allowed_methods, allowed_headers) in cases {
        let mut ask = stage
            .ask("OPTIONS", DEVICE)
            .header("origin", "https://game.example");
        if let Some(method) = method {
            ask = ask.header("access-control-request-method", method);
        }
        if let Some(headers) = headers {
            ask = ask.header("access-control-request-headers", headers);
        }
        let response = ask.send().await;
        assert_eq!(response.status.as_u16(), *status, "{method:?} {headers:?}");
        assert_eq!(response.text(), "");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(
            response.header("access-control-allow-methods"),
            *allowed_methods
        );
        assert_eq!(
            response.header("access-control-allow-headers"),
            *allowed_headers
        );
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
    for path in ["/v2/account", "/ws", "/v2/nothing"] {
        let plain = stage.ask("OPTIONS", path).send().await;
        assert_eq!((plain.status.as_u16(), plain.text()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn headers_of_the_operator_do_not_replace_ours() {
    let stage = Stage::with(&[
        "--socket.response_headers=X-Game=tilt=yard",
        "--socket.response_headers=content-type=text/html",
    ])
    .await;
    let response = stage.ask("GET", "/healthcheck").send().await;
    assert_eq!(response.header("x-game"), Some("tilt=yard"));
    assert_eq!(response.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn too_many_headers_end_the_connection() {
    let stage = Stage::new().await;
    let with = |size: usize| {
        stage
            .ask("GET", "/healthcheck")
            .header("x-long", &"x".repeat(size))
    };
    assert_eq!(with(6_000).send().await.status.as_u16(), 200);
    let response = with(12_000).send().await;
    assert_eq!(response.status.as_u16(), 431);
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(
        response.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

fn rpc<'a>(stage: &'a Stage, id: &str) -> Asking<'a> {
    stage
        .ask("POST", &format!("/v2/rpc/{id}"))
        .key("defaulthttpkey")
}

#[tokio::test]
async fn a_world_that_does_not_answer_is_given_up() {
    let stage = Stage::with(&["--socket.idle_timeout_ms=1"]).await;
    let response = rpc(&stage, "stuck").send().await;
    response.refused(504, 4, "context deadline exceeded");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let stage = Stage::with(&["--socket.read_timeout_ms=1"]).await;
    let login = stage.ask("POST", DEVICE).key("defaultkey");
    for ask in [login, rpc(&stage, "echo")] {
        let never = futures_util::stream::pending::<Result<&str, std::io::Error>>();
        let response = ask.body(Body::from_stream(never)).send().await;
        assert_eq!(response.status.as_u16(), 504);
        assert_eq!(response.json()["message"], "context deadline exceeded");
        assert_eq!(response.header("connection"), Some("close"));
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_not_the_end() {
    let stage = Stage::new().await;
    let response = rpc(&stage, "panic").send().await;
    response.refused(500, 13, "Internal server error.");
    assert_eq!(rpc(&stage, "void").send().await.status.as_u16(), 200);
}

#[tokio::test]
async fn routes_of_sockets_live_in_the_same_frame() {
    use axum::routing::get;
    use tower::ServiceExt as _;

    let stage = Stage::new().await;
    let sockets = axum::Router::new().route("/ws", get(|| async { "socket" }));
    let router = crate::api::around(sockets, stage.state.clone());
    let request = axum::http::Request::get("/ws").header("origin", "x");
    let response = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert!(!response.headers().contains_key("cache-control"));
    let request = axum::http::Request::post("/ws")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        router.oneshot(request).await.unwrap().status().as_u16(),
        404
    );
}
