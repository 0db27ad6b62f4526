use axum::http::StatusCode;
use serde_json::{Value, json};

use super::stage::{Response, Stage};

const DEVICE: &str = "/v2/account/authenticate/device";
const CUSTOM: &str = "/v2/account/authenticate/custom";
const EMAIL: &str = "/v2/account/authenticate/email";
const REFRESH: &str = "/v2/account/session/refresh";
const LOGOUT: &str = "/v2/session/logout";

async fn post(stage: &Stage, uri: &str, body: Value) -> Response {
    let body = body.to_string();
    stage
        .ask("POST", uri)
        .key("defaultkey")
        .body(body)
        .send()
        .await
}

fn claims(session: &Value, member: &str) -> Value {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let token = session[member].as_str().unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    serde_json::from_slice(&claims.unwrap()).unwrap()
}

#[tokio::test]
async fn the_server_key_opens_authentication_and_nothing_else_does() {
    let stage = Stage::new().await;
    let body = r#"{"id":"device-alice"}"#;
    for (header, message) in [
        (None, "Server key required"),
        (Some("Bearer abc"), "Server key invalid"),
        (Some("Basic b3RoZXJrZXk6"), "Server key invalid"),
        (Some("basic ZGVmYXVsdGtleTo="), "Server key invalid"),
        (Some("Basic  ZGVmYXVsdGtleTo="), "Server key invalid"),
        (Some("Basic ZGVmYXVsdGtleQ=="), "Server key invalid"),
        (Some("Basic ???"), "Server key invalid"),
    ] {
        let mut ask = stage.ask("POST", DEVICE).body(body);
        if let Some(header) = header {
            ask = ask.header("authorization", header);
        }
        let response = ask.send().await;
        assert_eq!(response.header("www-authenticate"), Some(message));
        response.refused(401, 16, message);
    }
    let twice = stage
        .ask("POST", DEVICE)
        .key("defaultkey")
        .key("defaultkey");
    twice
        .body(body)
        .send()
        .await
        .refused(401, 16, "Server key required");
    let with_password = "Basic ZGVmYXVsdGtleTpwYXNz";
    let ask = stage
        .ask("POST", DEVICE)
        .header("authorization", with_password);
    ask.body(body).send().await.ok();
}

#[tokio::test]
async fn the_first_login_makes_the_account_and_later_ones_find_it() {
    let stage = Stage::new().await;
    for (uri, id) in [(DEVICE, "device-alice"), (CUSTOM, "custom")] {
        let name = format!("{id}-name");
        let uri_of_first = format!("{uri}?create=true&username={name}&");
        let first = post(&stage, &uri_of_first, json!({"id": id})).await.ok();
        assert_eq!(first["created"], true);
        assert_eq!(claims(&first, "token")["usn"], name.as_str());
        let tid = |session, member| claims(session, member)["tid"].clone();
        assert_eq!(tid(&first, "token"), tid(&first, "refresh_token"));

        let second = post(&stage, &format!("{uri}?username=other"), json!({"id": id}))
            .await
            .ok();
        assert_eq!(second.get("created"), None);
        assert_eq!(
            claims(&second, "token")["usn"],
            name.as_str(),
            "the first name stays"
        );
        assert_eq!(
            claims(&second, "token")["uid"],
            claims(&first, "token")["uid"]
        );

        post(&stage, &format!("{uri}?create=false"), json!({"id": id}))
            .await
            .ok();
        post(
            &stage,
            &format!("{uri}?create=false"),
            json!({"id": "nobody-there"}),
        )
        .await
        .refused(404, 5, "User account not found.");
    }
}

#[tokio::test]
async fn racing_first_logins_all_get_the_one_account() {
    let stage = Stage::new().await;
    // The same name too, so that the losers collide on whichever column comes first.
    let uri = format!("{DEVICE}?username=alice");
    let logins = (0..8).map(|_| post(&stage, &uri, json!({"id": "device-alice"})));
    let sessions = futures_util::future::join_all(logins).await;
    let sessions: Vec<_> = sessions.into_iter().map(Response::ok).collect();
    let created = sessions
        .iter()
        .filter(|session| session.get("created").is_some());
    assert_eq!(created.count(), 1);
    let id = claims(&sessions[0], "token")["uid"].clone();
    assert!(
        sessions
            .iter()
            .all(|session| claims(session, "token")["uid"] == id)
    );
}

#[tokio::test]
async fn identifiers_are_checked_in_order() {
    let stage = Stage::new().await;
    for (uri, kind, bytes_min) in [(DEVICE, "Device ID", 10), (CUSTOM, "Custom ID", 6)] {
        let gaps = format!("{kind} invalid, no spaces or control characters allowed.");
        let size = format!("{kind} invalid, must be {bytes_min}-128 bytes.");
        let required = format!("{kind} is required.");
        for (id, message) in [
            (String::new(), &required),
            ("a b".to_owned(), &gaps),
            ("tab\there-and-more".to_owned(), &gaps),
            ("del\u{7f}and-more".to_owned(), &gaps),
            ("x".repeat(bytes_min - 1), &size),
            ("x".repeat(129), &size),
            ("é".repeat(65), &size),
        ] {
            post(&stage, uri, json!({"id": id}))
                .await
                .refused(400, 3, message);
        }
        post(&stage, uri, json!({}))
            .await
            .refused(400, 3, &required);
        post(&stage, uri, json!({"id": null}))
            .await
            .refused(400, 3, &required);
        for id in [
            "x".repeat(bytes_min),
            "x".repeat(128),
            "wide\u{3000}space".to_owned(),
        ] {
            post(&stage, uri, json!({"id": id})).await.ok();
        }
    }
}

#[tokio::test]
async fn usernames_are_checked_and_unique() {
    let stage = Stage::new().await;
    let gaps = "Username invalid, no spaces or control characters allowed.";
    let size = "Username invalid, must be 1-128 bytes.";
    let long = "l".repeat(129);
    for (number, (name, outcome)) in [
        ("same", None),
        ("same", Some((409, 6, "Username is already in use."))),
        ("SAME", None),
        ("%20two%20words%20", None),
        ("line%0Abreak", Some((400, 3, gaps))),
        ("tab%09", Some((400, 3, gaps))),
        ("brackets[]", Some((400, 3, gaps))),
        ("bracket[", None),
        (&long[..128], None),
        (&long, Some((400, 3, size))),
        ("%E5%90%8D%E5%89%8D", None),
    ]
    .into_iter()
    .enumerate()
    {
        let uri = format!("{DEVICE}?username={name}");
        let response = post(&stage, &uri, json!({"id": format!("device-{number:04}")})).await;
        match outcome {
            None => assert_eq!(response.ok()["created"], true, "{name}"),
            Some((status, code, message)) => response.refused(status, code, message),
        }
    }
    let uri = format!("{DEVICE}?username=");
    let session = post(&stage, &uri, json!({"id": "device-anonymous"})).await;
    let name = claims(&session.ok(), "token")["usn"].clone();
    assert_eq!(name.as_str().unwrap().len(), 10, "none is given one");
}

#[tokio::test]
async fn variables_go_into_both_tokens() {
    let stage = Stage::new().await;
    let body = json!({"id": "custom-alice", "vars": {"region": "north"}});
    let session = post(&stage, CUSTOM, body).await.ok();
    for member in ["token", "refresh_token"] {
        assert_eq!(claims(&session, member)["vrs"], json!({"region": "north"}));
    }
    for vars in [json!([]), json!({}), Value::Null] {
        let session = post(&stage, CUSTOM, json!({"id": "custom-alice", "vars": vars}))
            .await
            .ok();
        assert_eq!(claims(&session, "token").get("vrs"), None, "{vars}");
    }
    for vars in [json!({"a": 1}), json!(["a"]), json!("a")] {
        let response = post(&stage, CUSTOM, json!({"id": "custom-alice", "vars": vars})).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{vars}");
    }
}

#[tokio::test]
async fn a_password_lets_in_by_address_or_name() {
    let stage = Stage::new().await;
    let login = |email: &str, password: &str| json!({"email": email, "password": password});
    let uri = format!("{EMAIL}?username=alice");
    let first = post(&stage, &uri, login("Alice@Example.com", "batsignal"))
        .await
        .ok();
    assert_eq!(first["created"], true);
    let again = post(&stage, EMAIL, login("aLICE@example.com", "batsignal"))
        .await
        .ok();
    assert_eq!(
        claims(&again, "token")["uid"],
        claims(&first, "token")["uid"]
    );
    let by_name = post(&stage, &uri, json!({"password": "batsignal"}))
        .await
        .ok();
    assert_eq!(by_name.get("created"), None);

    let wrong = "Invalid credentials.";
    post(&stage, EMAIL, login("alice@example.com", "batsignal?"))
        .await
        .refused(401, 16, wrong);
    post(&stage, &uri, login("", "batsignal?"))
        .await
        .refused(401, 16, wrong);
    stage.player("bob").await;
    post(
        &stage,
        &format!("{EMAIL}?username=bob"),
        login("", "batsignal"),
    )
    .await
    .refused(401, 16, wrong);
    let unknown = "User account not found.";
    post(
        &stage,
        &format!("{EMAIL}?create=false"),
        login("nobody@example.com", "batsignal"),
    )
    .await
    .refused(404, 5, unknown);
    post(
        &stage,
        &format!("{EMAIL}?username=nobody&create=true"),
        login("", "batsignal"),
    )
    .await
    .refused(404, 5, unknown);
}

#[tokio::test]
async fn addresses_and_passwords_are_checked_in_order() {
    let stage = Stage::new().await;
    let short = "Password must be at least 8 characters long.";
    for (email, password, message) in [
        (
            "a b@example.com",
            "",
            "Invalid email address, no spaces or control characters allowed.",
        ),
        ("example.com", "", "Invalid email address format."),
        ("a@b.co", "", "Invalid email address, must be 10-255 bytes."),
        ("alice@example.com", "1234567", short),
        ("", "", short),
        (
            "",
            "12345678",
            "Username is required when email address is not supplied.",
        ),
    ] {
        let body = json!({"email": email, "password": password});
        post(&stage, EMAIL, body).await.refused(400, 3, message);
    }
    post(&stage, EMAIL, json!({})).await.refused(400, 3, short);
    let four_letters = json!({"email": "alice@example.com", "password": "éééé"});
    post(&stage, EMAIL, four_letters).await.ok();
    let long = json!({"email": "carol@example.com", "password": "x".repeat(73)});
    post(&stage, EMAIL, long)
        .await
        .refused(400, 3, "Password must be at most 72 bytes long.");
}

#[tokio::test]
async fn refreshing_keeps_the_login_and_reads_the_name_anew() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let rename = stage.ask("PUT", "/v2/account").token(&alice.token);
    rename.body(r#"{"username":"alicia"}"#).send().await.ok();
    stage.pass_seconds(100);
    let session = post(&stage, REFRESH, json!({"token": alice.refresh, "vars": {}}))
        .await
        .ok();
    assert_eq!(session.get("created"), None);
    let token = claims(&session, "token");
    assert_eq!(token["usn"], "alicia");
    assert_eq!(token["iat"], 1_795_253_282);
    assert_eq!(token["exp"], 1_795_253_282 + 160);
    let vars = json!({"token": alice.refresh, "vars": {"a": "1"}});
    let session = post(&stage, REFRESH, vars).await.ok();
    assert_eq!(claims(&session, "refresh_token")["vrs"], json!({"a": "1"}));
    let kept = json!({"token": session["refresh_token"], "vars": []});
    let session = post(&stage, REFRESH, kept).await.ok();
    assert_eq!(claims(&session, "token")["vrs"], json!({"a": "1"}));
}

#[tokio::test]
async fn refreshing_needs_a_refresh_token() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let invalid = "Refresh token invalid or expired.";
    post(&stage, REFRESH, json!({}))
        .await
        .refused(400, 3, "Refresh token is required.");
    post(&stage, REFRESH, json!({"token": alice.token}))
        .await
        .refused(401, 16, invalid);
    post(&stage, REFRESH, json!({"token": "x.y.z"}))
        .await
        .refused(401, 16, invalid);
    let body = json!({"token": alice.refresh}).to_string();
    let without_key = stage.ask("POST", REFRESH).body(body.clone());
    without_key
        .send()
        .await
        .refused(401, 16, "Server key required");
    let with_bearer = stage.ask("POST", REFRESH).token("expired").body(body);
    with_bearer.send().await.ok();
    stage.pass_seconds(3600);
    post(&stage, REFRESH, json!({"token": alice.refresh}))
        .await
        .refused(401, 16, invalid);
}

#[tokio::test]
async fn a_token_of_a_user_who_is_gone_refreshes_nothing() {
    let stage = Stage::new().await;
    let nobody = stage.state.sessions.issue(
        uuid::Uuid::from_u128(7),
        "nobody",
        crate::auth::Vars::new(),
        stage.state.clock.now(),
    );
    post(&stage, REFRESH, json!({"token": nobody.refresh}))
        .await
        .refused(404, 5, "User account not found.");
    let account = stage.ask("GET", "/v2/account").token(&nobody.session);
    account.send().await.refused(404, 5, "Account not found.");
}

#[tokio::test]
async fn logging_out_ends_what_it_names_or_everything() {
    let stage = Stage::new().await;
    let works = async |token: &str| {
        let response = stage.ask("GET", "/v2/account").token(token).send().await;
        response.status == StatusCode::OK
    };
    let logout = async |token: &str, body: Value| {
        let ask = stage.ask("POST", LOGOUT).token(token);
        ask.body(body.to_string()).send().await
    };
    let alice = stage.player("alice").await;
    let bob = stage.player("bob").await;
    logout(&alice.token, json!({"token": bob.token}))
        .await
        .refused(400, 3, "Session token invalid.");
    logout(
        &alice.token,
        json!({"token": alice.token, "refresh_token": alice.token}),
    )
    .await
    .refused(400, 3, "Refresh token invalid.");
    assert!(works(&alice.token).await, "nothing is ended by half");
    let both = json!({"token": alice.token, "refreshToken": alice.refresh});
    assert_eq!(logout(&alice.token, both).await.ok(), json!({}));
    let gone = stage
        .ask("GET", "/v2/account")
        .token(&alice.token)
        .send()
        .await;
    assert_eq!(gone.header("www-authenticate"), Some("Auth token invalid"));
    gone.refused(401, 16, "Auth token invalid");
    post(&stage, REFRESH, json!({"token": alice.refresh}))
        .await
        .refused(401, 16, "Refresh token invalid or expired.");

    let other = stage.player("bob").await;
    stage.pass_seconds(1);
    logout(&bob.token, json!({})).await.ok();
    assert!(!works(&bob.token).await && !works(&other.token).await);
    assert!(works(&stage.player("bob").await.token).await);
}

#[tokio::test]
async fn a_single_session_ends_the_earlier_ones() {
    let stage = Stage::with(&["--session.single_session"]).await;
    let first = stage.player("alice").await;
    stage.pass_seconds(1);
    let second = stage.player("alice").await;
    let get = async |token: &str| {
        stage
            .ask("GET", "/v2/account")
            .token(token)
            .send()
            .await
            .status
    };
    assert_eq!(get(&first.token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&second.token).await, StatusCode::OK);
}

#[tokio::test]
async fn only_a_session_token_opens_the_rest() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let ticket = stage
        .state
        .sessions
        .matchmaker_token("x.", stage.state.clock.now());
    let invalid = "Auth token invalid";
    for header in [
        "Basic ZGVmYXVsdGtleTo=".to_owned(),
        format!("Bearer {}", alice.refresh),
        format!("Bearer {ticket}"),
        format!("bearer {}", alice.token),
        format!("Bearer  {}", alice.token),
        format!("Bearer {}x", alice.token),
        "Bearer".to_owned(),
        alice.token.clone(),
    ] {
        let ask = stage
            .ask("GET", "/v2/account")
            .header("authorization", &header);
        ask.send().await.refused(401, 16, invalid);
    }
    let twice = stage
        .ask("GET", "/v2/account")
        .token(&alice.token)
        .token(&alice.token);
    twice.send().await.refused(401, 16, invalid);
    let none = stage.ask("GET", &format!("/v2/account?token={}", alice.token));
    none.send().await.refused(401, 16, "Auth token required");
    stage.pass_seconds(60);
    let expired = stage.ask("GET", "/v2/account").token(&alice.token);
    expired.send().await.refused(401, 16, invalid);
}

/// A login with a password from an address.
async fn guess(stage: &Stage, address: &str, uri: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password}).to_string();
    let ask = stage.ask("POST", uri).key("defaultkey").body(body);
    ask.header("x-forwarded-for", address).send().await
}

const TOO_MANY: &str = "Too many failed login attempts. Try again later.";

#[tokio::test]
async fn passwords_are_not_found_by_trying() {
    let stage = Stage::new().await;
    let email = "alice@example.com";
    let by_name = format!("{EMAIL}?username=alice");
    guess(&stage, "192.0.2.1", &by_name, email, "batsignal")
        .await
        .ok();
    let wrong = "Invalid credentials.";
    for uri in [&by_name, EMAIL, &by_name, EMAIL, EMAIL] {
        let email = if uri == EMAIL { email } else { "" };
        let response = guess(&stage, "192.0.2.1", uri, email, "batsignal?").await;
        response.refused(401, 16, wrong);
    }
    for (uri, email) in [(EMAIL, email), (&by_name, "")] {
        guess(&stage, "192.0.2.1", uri, email, "batsignal")
            .await
            .refused(429, 8, TOO_MANY);
    }
    guess(&stage, "192.0.2.2", EMAIL, email, "batsignal")
        .await
        .ok();
    stage.pass_seconds(12);
    guess(&stage, "192.0.2.1", EMAIL, email, "batsignal")
        .await
        .ok();
    guess(&stage, "192.0.2.1", EMAIL, email, "batsignal?")
        .await
        .refused(401, 16, wrong);
    guess(&stage, "192.0.2.1", EMAIL, email, "batsignal?")
        .await
        .refused(429, 8, TOO_MANY);
}

#[tokio::test]
async fn accounts_that_are_not_there_are_guarded_like_others() {
    let stage = Stage::new().await;
    let unknown = "User account not found.";
    let by_name = format!("{EMAIL}?username=nobody");
    let by_email = format!("{EMAIL}?create=false");
    for (uri, email) in [(&by_name, ""), (&by_email, "nobody@example.com")] {
        for _ in 0..5 {
            guess(&stage, "127.0.0.1", uri, email, "batsignal")
                .await
                .refused(404, 5, unknown);
        }
        guess(&stage, "127.0.0.1", uri, email, "batsignal")
            .await
            .refused(429, 8, TOO_MANY);
    }
}

#[tokio::test]
async fn an_address_runs_out_of_guesses_for_all_accounts_together() {
    let stage = Stage::with(&["--auth.login_attempts_per_minute=1"]).await;
    for number in 0..7 {
        let uri = format!("{EMAIL}?username=nobody-{number}");
        let response = guess(&stage, "192.0.2.1", &uri, "", "batsignal").await;
        match number {
            0..6 => response.refused(404, 5, "User account not found."),
            _ => response.refused(429, 8, TOO_MANY),
        }
    }
    let device = stage.ask("POST", DEVICE).key("defaultkey");
    let device = device.header("x-forwarded-for", "192.0.2.1");
    let device = device.body(r#"{"id":"device-alice"}"#).send().await;
    device.ok();
}

#[tokio::test]
async fn guesses_under_the_address_of_others_are_ones_own() {
    let stage = Stage::with(&["--auth.login_attempts_per_minute=1"]).await;
    let uri = format!("{EMAIL}?username=nobody");
    let guess = |peer, forwarded| {
        let ask = stage.ask("POST", &uri).key("defaultkey").peer(peer);
        let ask = ask.header("x-forwarded-for", forwarded);
        ask.body(r#"{"password":"batsignal"}"#).send()
    };
    let (victim, other) = ("192.0.2.1", "198.51.100.1");
    let first = guess(other, victim).await;
    first.refused(404, 5, "User account not found.");
    guess(other, victim).await.refused(429, 8, TOO_MANY);
    let own = guess(victim, "").await;
    own.refused(404, 5, "User account not found.");
}

#[tokio::test]
async fn guesses_are_not_limited_if_the_operator_says_so() {
    let stage = Stage::with(&["--auth.login_attempts_per_minute=0"]).await;
    for _ in 0..8 {
        let uri = format!("{EMAIL}?username=nobody");
        let response = guess(&stage, "192.0.2.1", &uri, "", "batsignal").await;
        response.refused(404, 5, "User account not found.");
    }
}
