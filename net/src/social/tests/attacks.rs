//! Tokens that somebody made who has no key of the provider.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::google_claims;
use super::provider::{Signer, encoded};
use crate::social::jwt::{JwtError, KeySet};

fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn verified(keys: &[Value], token: &str) -> Result<Value, JwtError> {
    key_set(keys).verify(token)
}

/// A token that is signed with a key that everybody has.
fn signed_with_hmac(header: &str, key: &[u8]) -> String {
    let signed = format!(
        "{}.{}",
        encoded(header),
        encoded(google_claims().to_string())
    );
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    let mac = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", encoded(mac))
}

#[test]
fn two_keys_may_share_a_name() {
    let signers = [Signer::rsa("one"), Signer::p256("one")];
    let keys = [signers[0].published(), signers[1].published()];
    for signer in &signers {
        let token = signer.sign(&google_claims());
        assert_eq!(verified(&keys, &token), Ok(google_claims()));
    }
}

#[test]
fn the_algorithm_is_that_of_the_key() {
    for (signer, other) in [
        (Signer::rsa("one"), Signer::p256("one")),
        (Signer::p256("one"), Signer::rsa("one")),
    ] {
        let keys = [signer.published()];
        let claims = google_claims().to_string();
        for alg in [
            "none",
            "None",
            "NONE",
            "",
            "HS256",
            "HS384",
            "HS512",
            "RS384",
            "RS512",
            "PS256",
            "ES384",
            "ES256K",
            "EdDSA",
            "rs256",
            other.algorithm(),
        ] {
            let header = json!({"alg": alg, "kid": "one"}).to_string();
            let token = signer.sign_parts(&header, &claims);
            assert_eq!(verified(&keys, &token), Err(JwtError::Invalid), "{alg}");
        }
        let good = signer.sign(&google_claims());
        assert_eq!(verified(&keys, &good), Ok(google_claims()));
        let by_other = other.sign(&google_claims());
        assert_eq!(verified(&keys, &by_other), Err(JwtError::Invalid));
        let header = json!({"alg": signer.algorithm(), "kid": "one"}).to_string();
        let by_other = other.sign_parts(&header, &claims);
        assert_eq!(verified(&keys, &by_other), Err(JwtError::Invalid));
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for signer in [Signer::rsa("one"), Signer::p256("one")] {
        let key = signer.published();
        let member = if key["kty"] == "RSA" { "n" } else { "x" };
        let texts = [
            key.to_string(),
            key[member].as_str().unwrap().to_owned(),
            String::new(),
        ];
        for alg in ["HS256", signer.algorithm()] {
            let header = json!({"alg": alg, "kid": "one"}).to_string();
            for text in &texts {
                let token = signed_with_hmac(&header, text.as_bytes());
                assert_eq!(
                    verified(std::slice::from_ref(&key), &token),
                    Err(JwtError::Invalid),
                    "{alg}"
                );
            }
        }
    }
}

#[test]
fn headers_bring_no_keys_of_their_own() {
    let (ours, theirs) = (Signer::rsa("one"), Signer::p256("two"));
    let keys = [ours.published()];
    let claims = google_claims().to_string();
    let jwk = theirs.published();
    for (header, expected) in [
        (
            json!({"alg": "ES256", "kid": "one", "jwk": jwk}),
            JwtError::Invalid,
        ),
        (
            json!({"alg": "ES256", "kid": "two", "jwk": jwk}),
            JwtError::UnknownKey,
        ),
        (json!({"alg": "ES256", "jwk": jwk}), JwtError::Invalid),
        (
            json!({"alg": "ES256", "kid": "one", "jku": "https://example.com"}),
            JwtError::Invalid,
        ),
        (
            json!({"alg": "ES256", "kid": "", "x5u": "https://example.com"}),
            JwtError::UnknownKey,
        ),
        (
            json!({"alg": "ES256", "kid": "../one"}),
            JwtError::UnknownKey,
        ),
        (json!({"alg": "ES256", "kid": ["one"]}), JwtError::Invalid),
        (json!([]), JwtError::Invalid),
        (json!(null), JwtError::Invalid),
    ] {
        let token = theirs.sign_parts(&header.to_string(), &claims);
        assert_eq!(verified(&keys, &token), Err(expected), "{header}");
    }
    for header in [
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"one","crit":["exp"]}"#,
        r#"{"alg":"RS256","kid":"one","crit":[]}"#,
        r#"{"alg":"RS256","kid":"one","typ":"JWE"}"#,
        r#"{"alg":"none","alg":"RS256","kid":"one"}"#,
        r#"{"alg":["RS256"],"kid":"one"}"#,
        r#"{"kid":"one"}"#,
    ] {
        let token = ours.sign_parts(header, &claims);
        assert_eq!(verified(&keys, &token), Err(JwtError::Invalid), "{header}");
    }
}

#[test]
fn tokens_that_were_tampered_with_are_refused() {
    for signer in [Signer::rsa("one"), Signer::p256("one")] {
        let keys = [signer.published()];
        let good = signer.sign(&google_claims());
        let parts: Vec<_> = good.split('.').collect();
        let (header, claims, signature) = (parts[0], parts[1], parts[2]);
        let mut others = google_claims();
        others["sub"] = "somebody else".into();
        let others = encoded(others.to_string());
        for (name, token) in [
            ("empty", String::new()),
            ("dots", "..".to_owned()),
            ("no signature", format!("{header}.{claims}.")),
            ("no signature part", format!("{header}.{claims}")),
            ("other claims", format!("{header}.{others}.{signature}")),
            ("zeros", format!("{header}.{claims}.{}", encoded([0; 64]))),
            ("cut", good[..good.len() - 4].to_owned()),
            ("longer", format!("{good}AAAA")),
            ("fourth part", format!("{good}.e30")),
            ("padding", format!("{good}=")),
            ("space", format!("{good} ")),
            (
                "too long",
                format!("{header}.{}.{signature}", "A".repeat(8192)),
            ),
        ] {
            let refused = verified(&keys, &token).is_err();
            assert!(refused, "{name}");
        }
        // Signed, but no claims.
        let header = json!({"alg": signer.algorithm(), "kid": "one"}).to_string();
        for claims in ["", "{", "{} {}"] {
            let token = signer.sign_parts(&header, claims);
            assert_eq!(verified(&keys, &token), Err(JwtError::Invalid), "{claims}");
        }
    }
}

#[test]
fn keys_for_other_ends_are_left_out() {
    let signer = Signer::rsa("one");
    let token = signer.sign(&google_claims());
    for (member, value) in [
        ("use", json!("enc")),
        ("alg", json!("RS512")),
        ("kty", json!("oct")),
        ("kty", json!("EC")),
        ("kid", json!(7)),
        ("kid", Value::Null),
        ("n", Value::Null),
        ("n", json!("!")),
        ("e", Value::Null),
    ] {
        let mut key = signer.published();
        key[member] = value.clone();
        let outcome = verified(&[key], &token);
        assert_eq!(outcome, Err(JwtError::UnknownKey), "{member} {value}");
    }
    let mut weak = signer.published();
    weak["n"] = encoded([0xff; 128]).into();
    assert_eq!(
        verified(&[weak], &token),
        Err(JwtError::Invalid),
        "1024 bits"
    );
    let mut many = vec![json!({}); 32];
    many.push(signer.published());
    assert_eq!(
        verified(&many, &token),
        Err(JwtError::UnknownKey),
        "too many"
    );
    for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
        assert!(KeySet::parse(text.as_bytes()).is_none(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_the_verifier(text: String, header: String, claims: String) {
        let keys = key_set(&[json!({"kid": "", "kty": "RSA", "n": text, "e": header})]);
        proptest::prop_assert!(keys.verify::<Value>(&text).is_err());
        let token = format!("{}.{}.", encoded(header), encoded(claims));
        proptest::prop_assert!(keys.verify::<Value>(&token).is_err());
    }
}
