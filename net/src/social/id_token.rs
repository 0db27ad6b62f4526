//! Google and Apple: identity tokens of OpenID Connect (Core 1.0, 3.1.3.7).

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;

use super::key_cache::KeyCache;
use super::{SocialError, SocialProfile, SocialProof, SocialProvider};

/// Players of Google, by the identity tokens that apps get on devices.
pub struct Google {
    keys: KeyCache,
    client_ids: Vec<String>,
}

/// Players of Apple, by the identity tokens of Sign in with Apple.
pub struct Apple {
    keys: KeyCache,
    bundle_id: String,
}

const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";
const GOOGLE_ISSUERS: &[&str] = &["https://accounts.google.com", "accounts.google.com"];
const APPLE_KEYS: &str = "https://appleid.apple.com/auth/keys";
const APPLE_ISSUERS: &[&str] = &["https://appleid.apple.com"];

impl Google {
    /// Believes tokens that were made for one of these client ids.
    ///
    /// With none it believes tokens for anybody, so that the maker of any other app can log in as
    /// each of its users: only for tests.
    pub fn new<I: Into<String>>(client_ids: impl IntoIterator<Item = I>) -> Self {
        Self {
            keys: KeyCache::new(GOOGLE_KEYS),
            client_ids: client_ids.into_iter().map(Into::into).collect(),
        }
    }

    /// The same with the address of the keys: `https://…`, or `http://127.0.0.1…` for tests.
    #[must_use]
    pub fn with_keys_url(mut self, url: impl Into<String>) -> Self {
        self.keys = KeyCache::new(url);
        self
    }
}

impl Apple {
    /// Believes tokens that were made for the app of this bundle id.
    pub fn new(bundle_id: impl Into<String>) -> Self {
        Self {
            keys: KeyCache::new(APPLE_KEYS),
            bundle_id: bundle_id.into(),
        }
    }

    /// The same with the address of the keys: `https://…`, or `http://127.0.0.1…` for tests.
    #[must_use]
    pub fn with_keys_url(mut self, url: impl Into<String>) -> Self {
        self.keys = KeyCache::new(url);
        self
    }
}

impl SocialProvider for Google {
    fn verify(
        &self,
        proof: SocialProof,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<SocialProfile, SocialError>> {
        Box::pin(async move {
            let claims = claims(&self.keys, &proof, now).await?;
            let known = self.client_ids.is_empty() || self.client_ids.contains(&claims.aud);
            claims.check(GOOGLE_ISSUERS, known, now)
        })
    }
}

impl SocialProvider for Apple {
    fn verify(
        &self,
        proof: SocialProof,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<SocialProfile, SocialError>> {
        Box::pin(async move {
            let claims = claims(&self.keys, &proof, now).await?;
            let known = self.bundle_id == claims.aud;
            claims.check(APPLE_ISSUERS, known, now)
        })
    }
}

/// What a token says. A claim of another type than these makes it invalid.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: Flag,
    #[serde(default)]
    name: String,
    #[serde(default)]
    picture: String,
}

/// Yes or no; Apple writes it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Boolean(bool),
    Text(String),
}

impl Default for Flag {
    fn default() -> Self {
        Self::Boolean(false)
    }
}

impl Flag {
    fn is_set(&self) -> bool {
        match self {
            Self::Boolean(flag) => *flag,
            Self::Text(text) => text == "true",
        }
    }
}

async fn claims(
    keys: &KeyCache,
    proof: &SocialProof,
    now: Timestamp,
) -> Result<Claims, SocialError> {
    let SocialProof::Token(token) = proof else {
        return Err(SocialError::Rejected);
    };
    keys.verify(token, now).await
}

impl Claims {
    fn check(
        self,
        issuers: &[&str],
        is_for_us: bool,
        now: Timestamp,
    ) -> Result<SocialProfile, SocialError> {
        let problem = if !issuers.contains(&self.iss.as_str()) {
            "somebody else issued it"
        } else if !is_for_us {
            "it was issued for another app"
        } else if now.as_second() >= self.exp {
            "it has expired"
        } else {
            return Ok(SocialProfile {
                id: self.sub,
                display_name: self.name,
                avatar_url: self.picture,
                email: match self.email_verified.is_set() {
                    true => self.email,
                    false => String::new(),
                },
            });
        };
        tracing::debug!(problem, "an identity token is rejected");
        Err(SocialError::Rejected)
    }
}
