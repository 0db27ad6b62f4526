//! The signed tokens clients carry: JWS compact form (RFC 7515), HS256 and nothing else.
//!
//! A session token and a refresh token have the same claims and different keys. A matchmaker
//! token shares the session key, so the two are told apart by their claims: one names a user and
//! no match, the other a match and no user.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// Session variables: text by name, given at login and carried in tokens only.
pub type Vars = BTreeMap<String, String>;

/// Who holds a session or refresh token, and since when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionClaims {
    /// Id of the login, the same in all tokens that descend from it. May be empty.
    pub token_id: String,
    /// The user; never the nil id.
    pub user_id: Uuid,
    /// Name of the user when the token was issued.
    pub username: String,
    /// Session variables.
    pub vars: Vars,
    /// First second at which the token is no longer valid, in seconds since 1970.
    pub expires_at: i64,
    /// Time of the login in seconds since 1970; 0 if unknown.
    pub issued_at: i64,
}

/// Why a token is not accepted. Clients are told only that it is invalid.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It was not made here, or not for this purpose.
    #[error("the token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its user logged out since.
    #[error("the token was logged out")]
    LoggedOut,
}

/// Bytes of the longest token that is looked at; HTTP headers hold hardly more.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024 - 1;

/// The header of every token we sign, byte for byte.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Claims in the order in which clients have always seen them.
#[derive(Debug, Deserialize, Serialize)]
struct UserClaims {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    tid: String,
    #[serde(default)]
    uid: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    usn: String,
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    vrs: Vars,
    exp: i64,
    #[serde(default)]
    iat: i64,
    /// Present in matchmaker tokens only.
    #[serde(default, skip_serializing)]
    mid: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct MatchClaims {
    mid: String,
    exp: i64,
    /// Present in session tokens only.
    #[serde(default, skip_serializing)]
    uid: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
}

/// A key that signs tokens of one kind.
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    pub(super) fn new(key: impl AsRef<[u8]>) -> Self {
        let mac = Hmac::new_from_slice(key.as_ref());
        Self(mac.expect("HMAC takes keys of any length"))
    }

    pub(super) fn sign_user(&self, claims: &SessionClaims) -> String {
        self.sign(&UserClaims {
            tid: claims.token_id.clone(),
            uid: claims.user_id.to_string(),
            usn: claims.username.clone(),
            vrs: claims.vars.clone(),
            exp: claims.expires_at,
            iat: claims.issued_at,
            mid: None,
        })
    }

    pub(super) fn sign_match(&self, match_id: &str, expires_at: i64) -> String {
        self.sign(&MatchClaims {
            mid: match_id.to_owned(),
            exp: expires_at,
            uid: None,
        })
    }

    pub(super) fn verify_user(&self, token: &str, now: i64) -> Result<SessionClaims, TokenError> {
        let claims: UserClaims = self.verify(token)?;
        let user_id = Uuid::parse_str(&claims.uid).map_err(|_| TokenError::Invalid)?;
        if user_id.is_nil() || claims.mid.is_some() {
            return Err(TokenError::Invalid);
        }
        check_expiry(claims.exp, now)?;
        Ok(SessionClaims {
            token_id: claims.tid,
            user_id,
            username: claims.usn,
            vars: claims.vrs,
            expires_at: claims.exp,
            issued_at: claims.iat,
        })
    }

    pub(super) fn verify_match(&self, token: &str, now: i64) -> Result<String, TokenError> {
        let claims: MatchClaims = self.verify(token)?;
        if claims.uid.is_some() || claims.mid.is_empty() {
            return Err(TokenError::Invalid);
        }
        check_expiry(claims.exp, now)?;
        Ok(claims.mid)
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let claims = serde_json::to_vec(claims).expect("text and numbers have a JSON form");
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(HEADER);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mac = self.0.clone().chain_update(&token).finalize().into_bytes();
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(mac, &mut token);
        token
    }

    /// The claims of a token with our signature. Nothing in them is looked at before that.
    fn verify<T: for<'a> Deserialize<'a>>(&self, token: &str) -> Result<T, TokenError> {
        self.signed_claims(token).ok_or(TokenError::Invalid)
    }

    fn signed_claims<T: for<'a> Deserialize<'a>>(&self, token: &str) -> Option<T> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let mac = self.0.clone().chain_update(signed);
        mac.verify_slice(&signature).ok()?;
        let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        if header.alg != "HS256" || header.typ.is_some_and(|typ| typ != "JWT") {
            return None;
        }
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

fn check_expiry(expires_at: i64, now: i64) -> Result<(), TokenError> {
    if now < expires_at {
        return Ok(());
    }
    Err(TokenError::Expired)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_253_282;
    const UID: &str = "e22c514c-0000-4000-8000-000000000001";

    fn key() -> SigningKey {
        SigningKey::new("defaultencryptionkey")
    }

    fn claims() -> SessionClaims {
        SessionClaims {
            token_id: "06488fd0-0000-4000-8000-000000000000".to_owned(),
            user_id: UID.parse().unwrap(),
            username: "PzhFiHEDRj".to_owned(),
            vars: Vars::new(),
            expires_at: NOW + 60,
            issued_at: NOW,
        }
    }

    fn decoded(part: &str) -> String {
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// A token over any header and claims, signed with our key.
    fn forged(header: &str, claims: &str) -> String {
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
        let signed = format!("{header}.{claims}");
        let mac = key().0.chain_update(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
    }

    fn good_claims() -> String {
        format!(r#"{{"uid":"{UID}","exp":{}}}"#, NOW + 60)
    }

    #[test]
    fn a_token_is_laid_out_as_clients_know_it() {
        let mut claims = claims();
        claims.vars.insert("region".to_owned(), "north".to_owned());
        let token = key().sign_user(&claims);
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!(decoded(parts[0]), HEADER);
        assert_eq!(
            decoded(parts[1]),
            format!(
                r#"{{"tid":"06488fd0-0000-4000-8000-000000000000","uid":"{UID}","usn":"PzhFiHEDRj","vrs":{{"region":"north"}},"exp":1795253342,"iat":1795253282}}"#
            )
        );
        assert_eq!(key().verify_user(&token, NOW), Ok(claims));
    }

    #[test]
    fn the_example_of_rfc_7515_is_verified() {
        // Appendix A.1.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = SigningKey::new(BASE64_URL_SAFE_NO_PAD.decode(key).unwrap());
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
             .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
             .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let claims: serde_json::Value = key.signed_claims(token).unwrap();
        assert_eq!(claims["iss"], "joe");
    }

    #[test]
    fn no_variables_means_no_member() {
        let token = key().sign_user(&claims());
        assert!(!decoded(token.split('.').nth(1).unwrap()).contains("vrs"));
    }

    #[test]
    fn a_token_is_valid_until_the_second_it_expires() {
        let token = key().sign_user(&claims());
        assert!(key().verify_user(&token, NOW + 59).is_ok());
        let late = key().verify_user(&token, NOW + 60);
        assert_eq!(late, Err(TokenError::Expired));
    }

    #[test]
    fn attacks_are_refused() {
        let good = key().sign_user(&claims());
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let mut flipped = signature.to_owned();
        let first = if flipped.starts_with('A') { "B" } else { "A" };
        flipped.replace_range(..1, first);
        let attacks = [
            ("empty", String::new()),
            ("dots", "..".to_owned()),
            ("no signature", format!("{signed}.")),
            ("no signature part", signed.to_owned()),
            ("flipped signature", format!("{signed}.{flipped}")),
            ("cut signature", good[..good.len() - 4].to_owned()),
            ("trailing bytes", format!("{good}AAAA")),
            ("trailing part", format!("{good}.")),
            ("fourth part", format!("{good}.e30")),
            ("padding", format!("{good}=")),
            ("space", format!("{good} ")),
            (
                "standard alphabet",
                format!("{signed}.+{}", &signature[1..]),
            ),
            ("unsigned, alg none", format!("{none}.{payload}.")),
            (
                "alg none with old signature",
                format!("{none}.{payload}.{signature}"),
            ),
            ("8 KiB", format!("{signed}{}.{signature}", "A".repeat(8192))),
            ("no header", format!(".{payload}.{signature}")),
            ("header only", header.to_owned()),
            ("other key", SigningKey::new("other").sign_user(&claims())),
        ];
        for (name, token) in attacks {
            assert!(key().verify_user(&token, NOW).is_err(), "{name}");
        }
    }

    #[test]
    fn only_the_one_algorithm_is_accepted_even_with_our_signature() {
        assert!(
            key()
                .verify_user(&forged(HEADER, &good_claims()), NOW)
                .is_ok()
        );
        assert!(
            key()
                .verify_user(&forged(r#"{"alg":"HS256"}"#, &good_claims()), NOW)
                .is_ok()
        );
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"hs256","typ":"JWT"}"#,
            r#"{"alg":"HS384","typ":"JWT"}"#,
            r#"{"alg":"HS512","typ":"JWT"}"#,
            r#"{"alg":"RS256","typ":"JWT"}"#,
            r#"{"alg":"HS256","typ":"JWE"}"#,
            r#"{"alg":"HS256","kid":"../../dev/null"}"#,
            r#"{"alg":"HS256","jwk":{}}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"typ":"JWT"}"#,
            "{}",
            "",
            "[]",
        ] {
            let token = forged(header, &good_claims());
            assert!(key().verify_user(&token, NOW).is_err(), "{header}");
        }
    }

    #[test]
    fn claims_must_name_a_user_and_a_time() {
        let exp = NOW + 60;
        for claims in [
            format!(r#"{{"exp":{exp}}}"#),
            format!(r#"{{"uid":"","exp":{exp}}}"#),
            format!(r#"{{"uid":"alice","exp":{exp}}}"#),
            format!(r#"{{"uid":7,"exp":{exp}}}"#),
            format!(r#"{{"uid":null,"exp":{exp}}}"#),
            format!(r#"{{"uid":"{}","exp":{exp}}}"#, Uuid::nil()),
            format!(r#"{{"uid":"{UID}"}}"#),
            format!(r#"{{"uid":"{UID}","exp":{exp}.5}}"#),
            format!(r#"{{"uid":"{UID}","exp":{exp}.0}}"#),
            format!(r#"{{"uid":"{UID}","exp":"{exp}"}}"#),
            format!(r#"{{"uid":"{UID}","exp":1e300}}"#),
            format!(r#"{{"uid":"{UID}","exp":null}}"#),
            format!(r#"{{"uid":"{UID}","exp":{exp},"mid":"x."}}"#),
            format!(r#"{{"uid":"{UID}","exp":0,"exp":{exp}}}"#),
            format!(r#"{{"uid":"{UID}","exp":{exp},"vrs":{{"a":1}}}}"#),
            format!(r#"{{"uid":"{UID}","exp":{exp}}} {{}}"#),
            "[]".to_owned(),
            "null".to_owned(),
            String::new(),
        ] {
            let token = forged(HEADER, &claims);
            assert!(key().verify_user(&token, NOW).is_err(), "{claims}");
        }
    }

    #[test]
    fn a_match_token_is_no_session_and_a_session_no_match_token() {
        let ticket = key().sign_match("5a1f.", NOW + 30);
        assert_eq!(
            decoded(ticket.split('.').nth(1).unwrap()),
            format!(r#"{{"mid":"5a1f.","exp":{}}}"#, NOW + 30)
        );
        assert_eq!(key().verify_match(&ticket, NOW), Ok("5a1f.".to_owned()));
        assert_eq!(
            key().verify_match(&ticket, NOW + 30),
            Err(TokenError::Expired)
        );
        assert_eq!(key().verify_user(&ticket, NOW), Err(TokenError::Invalid));
        let session = key().sign_user(&claims());
        assert_eq!(key().verify_match(&session, NOW), Err(TokenError::Invalid));
        for mid in ["7", "null", "\"\"", "[]"] {
            let token = forged(HEADER, &format!(r#"{{"mid":{mid},"exp":{}}}"#, NOW + 30));
            assert!(key().verify_match(&token, NOW).is_err(), "{mid}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_the_verifier(text: String, now: i64) {
            prop_assert!(key().verify_user(&text, now).is_err());
        }

        #[test]
        fn no_claims_panic_the_verifier(claims: String, now: i64) {
            _ = key().verify_user(&forged(HEADER, &claims), now);
            _ = key().verify_match(&forged(&claims, &claims), now);
        }

        #[test]
        fn one_changed_byte_is_noticed(index in 0_usize..200, byte in "[ -~]") {
            let good = key().sign_user(&claims());
            let index = index % good.len();
            let mut changed = good.clone();
            changed.replace_range(index..=index, &byte);
            prop_assume!(changed != good);
            prop_assert!(key().verify_user(&changed, NOW).is_err());
        }
    }
}
