mod attacks;
mod provider;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use self::provider::{Provider, Signer};
use super::*;

const NOW: i64 = 1_795_253_282;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn token(token: impl Into<String>) -> SocialProof {
    SocialProof::Token(token.into())
}

/// What Google says of a player.
fn google_claims() -> Value {
    json!({
        "iss": "https://accounts.google.com",
        "aud": "game.apps.googleusercontent.com",
        "sub": "110169484474386276334",
        "exp": NOW + 3600,
        "iat": NOW,
        "email": "ann@example.com",
        "email_verified": true,
        "name": "Ann",
        "picture": "https://example.com/ann.png",
    })
}

fn google(provider: &Provider) -> Google {
    Google::new(["other", "game.apps.googleusercontent.com"]).with_keys_url(&provider.url)
}

#[tokio::test]
async fn a_player_of_google_is_known_by_the_token() {
    let signer = Signer::rsa("one");
    let provider = Provider::start(&[signer.published()]).await;
    let google = google(&provider);
    let verified = google.verify(token(signer.sign(&google_claims())), at(0));
    let expected = SocialProfile::new("110169484474386276334")
        .with_display_name("Ann")
        .with_avatar_url("https://example.com/ann.png")
        .with_email("ann@example.com");
    assert_eq!(verified.await, Ok(expected));
}

#[tokio::test]
async fn a_player_of_apple_is_known_by_a_token_of_either_algorithm() {
    let signers = [Signer::rsa("one"), Signer::p256("two")];
    let provider = Provider::start(&[signers[0].published(), signers[1].published()]).await;
    let apple = Apple::new("com.example.game").with_keys_url(&provider.url);
    let mut claims = json!({
        "iss": "https://appleid.apple.com",
        "aud": "com.example.game",
        "sub": "001234.abcd",
        "exp": NOW + 600,
        "email": "ann@example.com",
        "email_verified": "true",
    });
    for signer in &signers {
        let verified = apple.verify(token(signer.sign(&claims)), at(0)).await;
        let expected = SocialProfile::new("001234.abcd").with_email("ann@example.com");
        assert_eq!(verified, Ok(expected));
    }
    claims["aud"] = "com.example.other".into();
    let verified = apple.verify(token(signers[0].sign(&claims)), at(0)).await;
    assert_eq!(verified, Err(SocialError::Rejected));
}

#[tokio::test]
async fn claims_must_be_for_us_and_of_today() {
    let signer = Signer::rsa("one");
    let provider = Provider::start(&[signer.published()]).await;
    let google = google(&provider);
    for (claim, value) in [
        ("iss", json!("https://accounts.google.com.example.com")),
        ("iss", json!("")),
        ("iss", Value::Null),
        ("aud", json!("another app")),
        ("aud", json!("")),
        ("aud", json!(["game.apps.googleusercontent.com"])),
        ("exp", json!(NOW)),
        ("exp", json!(NOW - 1)),
        ("exp", json!(null)),
        ("exp", json!("2795253282")),
        ("exp", json!(1e300)),
        ("sub", json!(7)),
        ("sub", Value::Null),
        ("name", json!(["Ann"])),
    ] {
        let mut claims = google_claims();
        claims[claim] = value.clone();
        let verified = google.verify(token(signer.sign(&claims)), at(0)).await;
        assert_eq!(verified, Err(SocialError::Rejected), "{claim} {value}");
    }
    let mut claims = google_claims();
    claims["email_verified"] = false.into();
    claims["iss"] = "accounts.google.com".into();
    let verified = google.verify(token(signer.sign(&claims)), at(0)).await;
    assert_eq!(verified.unwrap().email, "", "not theirs for all we know");
    let other = SocialProof::SignedPlayerInfo(signer.sign(&google_claims()));
    assert_eq!(
        google.verify(other, at(0)).await,
        Err(SocialError::Rejected)
    );
}

#[tokio::test]
async fn keys_are_kept_for_as_long_as_the_provider_says() {
    let (old, new) = (Signer::rsa("old"), Signer::p256("new"));
    let provider = Provider::start(&[old.published()]).await;
    let google = google(&provider);
    let with = |signer: &Signer| token(signer.sign(&google_claims()));
    for _ in 0..3 {
        assert!(google.verify(with(&old), at(0)).await.is_ok());
    }
    assert_eq!(provider.requests().len(), 1);
    provider.publish(&[new.published()]);
    let early = google.verify(with(&new), at(1)).await;
    assert_eq!(early, Err(SocialError::Rejected));
    assert_eq!(
        provider.requests().len(),
        1,
        "made-up keys are not looked for at once"
    );
    assert!(google.verify(with(&new), at(30)).await.is_ok());
    assert_eq!(provider.requests().len(), 2, "a new key is");
    let gone = google.verify(with(&old), at(31)).await;
    assert_eq!(gone, Err(SocialError::Rejected));
    assert!(google.verify(with(&new), at(30 + 599)).await.is_ok());
    assert_eq!(provider.requests().len(), 2);
    assert!(google.verify(with(&new), at(30 + 600)).await.is_ok());
    assert_eq!(provider.requests().len(), 3, "max-age is 600");
}

#[tokio::test]
async fn whoever_hangs_up_takes_the_keys_from_nobody() {
    let signer = Signer::rsa("one");
    let provider = Provider::start(&[signer.published()]).await;
    let google = google(&provider);
    let good = token(signer.sign(&google_claims()));
    let hung_up = google.verify(good.clone(), at(0)).now_or_never();
    assert_eq!(hung_up, None, "it has to wait for the keys");
    assert!(google.verify(good, at(0)).await.is_ok());
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_well_is_left_alone_for_a_while() {
    let signer = Signer::rsa("one");
    let good = token(signer.sign(&google_claims()));
    for (status, body) in [
        ("404 Not Found", "{}".to_owned()),
        ("302 Found", "{}".to_owned()),
        ("200 OK", "<html>".to_owned()),
        (
            "200 OK",
            format!("{{\"keys\":[]{}}}", " ".repeat(64 * 1024)),
        ),
    ] {
        let provider = Provider::start(&[signer.published()]).await;
        let keys = provider.answer_with(status, &body);
        let google = google(&provider);
        for seconds in [0, 29] {
            let verified = google.verify(good.clone(), at(seconds)).await;
            assert_eq!(verified, Err(SocialError::Unavailable), "{status}");
        }
        assert_eq!(provider.requests().len(), 1, "{status}");
        provider.answer_with("200 OK", &keys);
        assert!(google.verify(good.clone(), at(30)).await.is_ok());
    }
}

#[tokio::test]
async fn nobody_but_our_own_machine_is_asked_without_tls() {
    let signer = Signer::rsa("one");
    for url in ["http://example.com/keys", "ftp://127.0.0.1/", "keys", ""] {
        let google = Google::new(["x"]).with_keys_url(url);
        let verified = google.verify(token(signer.sign(&google_claims())), at(0));
        assert_eq!(verified.await, Err(SocialError::Unavailable), "{url}");
    }
    // A port that speaks no TLS.
    let provider = Provider::start(&[signer.published()]).await;
    let google = Google::new(["x"]).with_keys_url(provider.url.replace("http:", "https:"));
    let verified = google.verify(token(signer.sign(&google_claims())), at(0));
    assert_eq!(verified.await, Err(SocialError::Unavailable));
}

#[tokio::test]
async fn a_ticket_of_steam_is_shown_to_steam() {
    let provider = Provider::start(&[]).await;
    let secret = crate::config::Secret::new("key & more");
    let steam = Steam::new(secret, 480).with_url(&provider.url);
    let answer = json!({"response": {"params": {
        "result": "OK", "steamid": "76561198000000000", "ownersteamid": "76561198000000000",
        "vacbanned": false, "publisherbanned": false,
    }}});
    provider.answer_with("200 OK", &answer.to_string());
    let verified = steam.verify(token("14000000AbCd"), at(0)).await;
    assert_eq!(verified, Ok(SocialProfile::new("76561198000000000")));
    let request = "GET /?key=key+%26+more&appid=480&ticket=14000000AbCd HTTP/1.1";
    assert_eq!(provider.requests(), [request]);
}

#[tokio::test]
async fn tickets_that_steam_does_not_know_are_rejected() {
    let provider = Provider::start(&[]).await;
    let secret = crate::config::Secret::new("key");
    let steam = Steam::new(secret, 480).with_url(&provider.url);
    for ticket in ["", "xyz", "12&key=mine", "12 ", &"a".repeat(5121)] {
        let verified = steam.verify(token(ticket), at(0)).await;
        assert_eq!(verified, Err(SocialError::Rejected), "{ticket}");
    }
    assert_eq!(provider.requests().len(), 0, "these need not be shown");
    for (status, answer, expected) in [
        (
            "200 OK",
            r#"{"response":{"error":{"errorcode":101}}}"#,
            SocialError::Rejected,
        ),
        ("200 OK", r#"{"response":{}}"#, SocialError::Rejected),
        (
            "200 OK",
            r#"{"response":{"params":{"result":"Failure","steamid":"7"}}}"#,
            SocialError::Rejected,
        ),
        (
            "200 OK",
            r#"{"response":{"params":{"result":"OK","steamid":""}}}"#,
            SocialError::Rejected,
        ),
        (
            "200 OK",
            r#"{"response":{"params":{"result":"OK","steamid":"7 "}}}"#,
            SocialError::Rejected,
        ),
        ("200 OK", "[]", SocialError::Unavailable),
        ("403 Forbidden", "{}", SocialError::Unavailable),
    ] {
        provider.answer_with(status, answer);
        let verified = steam.verify(token("1400"), at(0)).await;
        assert_eq!(verified, Err(expected), "{answer}");
    }
}

#[tokio::test]
async fn steam_is_asked_about_so_many_tickets_at_a_time() {
    // Nobody accepts what comes here.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let steam = Steam::new(crate::config::Secret::new("key"), 480).with_url(url);
    let ask = || steam.verify(token("1400"), at(0));
    let mut waiting: Vec<_> = (0..steam::QUESTIONS_MAX).map(|_| ask()).collect();
    for question in &mut waiting {
        assert_eq!(question.now_or_never(), None);
    }
    assert_eq!(ask().now_or_never(), Some(Err(SocialError::Unavailable)));
    waiting.pop();
    assert_eq!(ask().now_or_never(), None, "a place is free again");
}

#[test]
fn proofs_are_not_printed() {
    assert_eq!(format!("{:?}", token("secret thing")), "Token(secret)");
}
