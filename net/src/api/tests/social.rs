use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::links::change;
use super::stage::{Response, Stage};
use crate::social::{
    SocialError, SocialKind, SocialProfile, SocialProof, SocialProvider, SocialProviders,
};

/// Knows whoever shows `good-` and a name, in whatever form.
struct Fake;

impl SocialProvider for Fake {
    fn verify(
        &self,
        proof: SocialProof,
        _: Timestamp,
    ) -> BoxFuture<'_, Result<SocialProfile, SocialError>> {
        let text = match proof {
            SocialProof::Token(text) | SocialProof::SignedPlayerInfo(text) => text,
            SocialProof::GameCenter(proof) => proof.signature,
        };
        let profile = match text.strip_prefix("good-") {
            Some("") => Ok(SocialProfile::new("")),
            Some(name) => Ok(SocialProfile::new(format!("id-{name}"))
                .with_display_name(name.to_uppercase())
                .with_avatar_url("x".repeat(513))
                .with_email(format!("{name}@example.com"))),
            None if text == "down" => Err(SocialError::Unavailable),
            None => Err(SocialError::Rejected),
        };
        Box::pin(async { profile })
    }
}

const KINDS: [(&str, SocialKind, &str, &str); 6] = [
    ("apple", SocialKind::Apple, "apple_id", "Apple"),
    ("facebook", SocialKind::Facebook, "facebook_id", "Facebook"),
    (
        "facebookinstantgame",
        SocialKind::FacebookInstantGame,
        "facebook_instant_game_id",
        "Facebook Instant Game",
    ),
    (
        "gamecenter",
        SocialKind::GameCenter,
        "gamecenter_id",
        "GameCenter",
    ),
    ("google", SocialKind::Google, "google_id", "Google"),
    ("steam", SocialKind::Steam, "steam_id", "Steam"),
];

pub(super) async fn stage_with_providers() -> Stage {
    let mut stage = Stage::new().await;
    let none = SocialProviders::new();
    let all = KINDS
        .iter()
        .fold(none, |all, (_, kind, ..)| all.with(*kind, Fake));
    stage.state.social = Arc::new(all);
    stage
}

/// What is shown to log in and to unlink.
fn account(kind: SocialKind, proof: &str) -> Value {
    match kind {
        SocialKind::FacebookInstantGame => json!({"signed_player_info": proof}),
        SocialKind::GameCenter => json!({
            "player_id": "p", "bundle_id": "b", "timestamp_seconds": "1795253282", "salt": "s",
            "signature": proof, "publicKeyUrl": "u",
        }),
        _ => json!({"token": proof}),
    }
}

/// What is shown to link.
fn link(kind: SocialKind, proof: &str) -> Value {
    match kind {
        SocialKind::Steam => json!({"account": account(kind, proof), "sync": false}),
        _ => account(kind, proof),
    }
}

async fn log_in(stage: &Stage, path: &str, body: Value) -> Response {
    let uri = format!("/v2/account/authenticate/{path}");
    let ask = stage.ask("POST", &uri).key("defaultkey");
    ask.body(body.to_string()).send().await
}

async fn own_account(stage: &Stage, session: &Value) -> Value {
    let token = session["token"].as_str().unwrap();
    stage
        .ask("GET", "/v2/account")
        .token(token)
        .send()
        .await
        .ok()
}

#[tokio::test]
async fn a_player_from_elsewhere_gets_an_account_and_finds_it_again() {
    let stage = stage_with_providers().await;
    for (path, kind, member, _) in KINDS {
        let proof = format!("good-{path}");
        let absent = log_in(
            &stage,
            &format!("{path}?create=false"),
            account(kind, &proof),
        )
        .await;
        absent.refused(404, 5, "User account not found.");
        let named = format!("{path}?username=player-{path}&create=true");
        let mut body = account(kind, &proof);
        body["vars"] = json!({"a": "b"});
        let first = log_in(&stage, &named, body).await.ok();
        assert_eq!(first["created"], true);
        let again = log_in(&stage, path, account(kind, &proof)).await.ok();
        assert_eq!(again.get("created"), None);
        let account = own_account(&stage, &again).await;
        assert_eq!(account["user"][member], format!("id-{path}"));
        assert_eq!(account["user"]["username"], format!("player-{path}"));
        assert_eq!(account["user"]["display_name"], path.to_uppercase());
        assert_eq!(account["user"].get("avatar_url"), None, "it does not fit");
        assert_eq!(account["email"], format!("{path}@example.com"));
    }
}

#[tokio::test]
async fn bad_proofs_are_told_in_the_words_of_the_kind() {
    let stage = stage_with_providers().await;
    let alice = stage.player("alice").await;
    for (path, kind, _, name) in KINDS {
        for proof in ["bad", "down", "good-"] {
            let refused = log_in(&stage, path, account(kind, proof)).await;
            let text = format!("Could not authenticate {name} profile.");
            if kind == SocialKind::FacebookInstantGame {
                let text = "Error extracting the Facebook Instant Game player ID or validating \
                            the signature";
                refused.refused(500, 15, text);
            } else {
                refused.refused(401, 16, &text);
            }
            let linked = change(&stage, &alice, &format!("link/{path}"), link(kind, proof)).await;
            linked.refused(401, 16, &text);
            let unlinked = change(
                &stage,
                &alice,
                &format!("unlink/{path}"),
                account(kind, proof),
            )
            .await;
            unlinked.refused(401, 16, &text);
        }
    }
}

#[tokio::test]
async fn what_is_needed_is_asked_for_in_order() {
    let stage = stage_with_providers().await;
    let alice = stage.player("alice").await;
    for (path, body, message) in [
        ("apple", json!({}), "Apple ID token is required."),
        ("facebook", json!({}), "Facebook access token is required."),
        (
            "facebookinstantgame",
            json!({}),
            "Signed Player Info for a Facebook Instant Game is required.",
        ),
        ("google", json!({}), "Google access token is required."),
        ("steam", json!({}), "Steam access token is required."),
        ("gamecenter", json!({}), "GameCenter bundle ID is required."),
        (
            "gamecenter",
            json!({"bundle_id": "b"}),
            "GameCenter player ID is required.",
        ),
        (
            "gamecenter",
            json!({"bundle_id": "b", "player_id": "p"}),
            "GameCenter public key URL is required.",
        ),
        (
            "gamecenter",
            json!({"bundle_id": "b", "player_id": "p", "public_key_url": "u"}),
            "GameCenter salt is required.",
        ),
        (
            "gamecenter",
            json!({"bundle_id": "b", "player_id": "p", "public_key_url": "u", "salt": "s"}),
            "GameCenter signature is required.",
        ),
        (
            "gamecenter",
            json!({
                "bundle_id": "b", "player_id": "p", "public_key_url": "u", "salt": "s",
                "signature": "good-x",
            }),
            "GameCenter timestamp is required.",
        ),
    ] {
        log_in(&stage, path, body.clone())
            .await
            .refused(400, 3, message);
        let linked = change(&stage, &alice, &format!("link/{path}"), body).await;
        linked.refused(400, 3, message);
    }
    let gaps = "Username invalid, no spaces or control characters allowed.";
    let name = log_in(&stage, "google?username=a%0Ab", json!({"token": "bad"})).await;
    name.refused(400, 3, gaps);
    for path in ["facebook", "steam"] {
        let sync = log_in(&stage, &format!("{path}?sync=maybe"), json!({})).await;
        let text = "parsing field \"sync\": strconv.ParseBool: parsing \"maybe\": invalid syntax";
        sync.refused(400, 3, text);
    }
}

#[tokio::test]
async fn what_is_not_set_up_is_told_where_the_reference_tells_it() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let apple = "Apple authentication is not configured.";
    let steam = "Steam authentication is not configured.";
    for proof in ["", "good-ann"] {
        let kind = SocialKind::Apple;
        log_in(&stage, "apple", account(kind, proof))
            .await
            .refused(400, 9, apple);
        let linked = change(&stage, &alice, "link/apple", link(kind, proof)).await;
        linked.refused(400, 9, apple);
        let kind = SocialKind::Steam;
        log_in(&stage, "steam", account(kind, proof))
            .await
            .refused(400, 9, steam);
        let linked = change(&stage, &alice, "link/steam", link(kind, proof)).await;
        match proof {
            "" => linked.refused(400, 3, "Steam access token is required."),
            _ => linked.refused(400, 9, steam),
        }
    }
    for (path, name) in [("google", "Google"), ("facebook", "Facebook")] {
        let refused = log_in(&stage, path, json!({"token": "good-ann"})).await;
        refused.refused(401, 16, &format!("Could not authenticate {name} profile."));
    }
}

#[tokio::test]
async fn an_account_elsewhere_is_linked_to_one_account_and_unlinked() {
    let stage = stage_with_providers().await;
    let (alice, bob) = (stage.player("alice").await, stage.player("bob").await);
    for (path, kind, member, name) in KINDS {
        let (to, from) = (format!("link/{path}"), format!("unlink/{path}"));
        let (good, other) = (format!("good-{path}"), format!("good-other-{path}"));
        for _ in 0..2 {
            let linked = change(&stage, &alice, &to, link(kind, &good)).await;
            assert_eq!(linked.ok(), json!({}));
        }
        let taken = change(&stage, &bob, &to, link(kind, &good)).await;
        taken.refused(409, 6, &format!("{name} ID is already in use."));
        let session = log_in(&stage, path, account(kind, &good)).await.ok();
        let account_of = own_account(&stage, &session).await;
        assert_eq!(account_of["user"]["username"], "alice");
        assert_eq!(account_of["user"][member], format!("id-{path}"));
        assert_eq!(
            account_of["user"]["display_name"], "APPLE",
            "the first fills it"
        );
        assert_eq!(account_of["email"], "apple@example.com");
        let wrong = change(&stage, &alice, &from, account(kind, &other)).await;
        let text = "Cannot unlink last account identifier. Check profile exists and is not last \
                    link.";
        wrong.refused(403, 7, text);
        change(&stage, &alice, &from, account(kind, &good))
            .await
            .ok();
        change(&stage, &alice, &to, link(kind, &good)).await.ok();
        change(&stage, &alice, &from, json!({})).await.ok();
        let gone = log_in(
            &stage,
            &format!("{path}?create=false"),
            account(kind, &good),
        )
        .await;
        gone.refused(404, 5, "User account not found.");
    }
}
