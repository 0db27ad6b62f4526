//! Keys that are fetched when they are needed and kept for as long as they may be.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::SocialError;
use super::fetch::HttpsClient;
use super::jwt::{JwtError, KeySet};

/// The keys of one provider.
pub(super) struct KeyCache {
    url: String,
    client: HttpsClient,
    /// Held while keys are fetched, so that many logins at a time ask once; the client bounds how long.
    kept: Mutex<Kept>,
}

/// Times are in seconds since 1970.
#[derive(Default)]
struct Kept {
    keys: KeySet,
    stale_at: i64,
    /// Not before this are keys fetched again, whatever tokens name.
    fetch_at: i64,
}

/// How long keys are kept if the provider says nothing, and bounds on what it says.
const LIFE: i64 = 300;
const LIFE_MIN: i64 = 60;
const LIFE_MAX: i64 = 86_400;
/// Between two fetches: tokens with made-up keys, and a provider that is down, cost no more.
const FETCH_PAUSE: i64 = 30;

impl KeyCache {
    pub(super) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            client: HttpsClient::new(),
            kept: Mutex::default(),
        }
    }

    /// The claims of a token, if the provider has signed it.
    pub(super) async fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<T, SocialError> {
        let now = now.as_second();
        let mut kept = self.kept.lock().await;
        if now < kept.stale_at {
            match kept.keys.verify(token) {
                Err(JwtError::UnknownKey) if now >= kept.fetch_at => {}
                outcome => return outcome.map_err(|_| SocialError::Rejected),
            }
        } else if now < kept.fetch_at {
            return Err(SocialError::Unavailable);
        }
        kept.fetch_at = now.saturating_add(FETCH_PAUSE);
        self.fetch(&mut kept, now).await?;
        kept.keys.verify(token).map_err(|_| SocialError::Rejected)
    }

    async fn fetch(&self, kept: &mut Kept, now: i64) -> Result<(), SocialError> {
        let fetched = self.client.get(&self.url).await.map_err(|error| {
            tracing::warn!(url = self.url, %error, "the keys of a provider cannot be had");
            SocialError::Unavailable
        })?;
        let keys = KeySet::parse(&fetched.body).ok_or_else(|| {
            tracing::warn!(
                url = self.url,
                "what should be the keys of a provider is something else"
            );
            SocialError::Unavailable
        })?;
        let life = fetched.max_age.unwrap_or(LIFE).clamp(LIFE_MIN, LIFE_MAX);
        kept.keys = keys;
        kept.stale_at = now.saturating_add(life);
        Ok(())
    }
}
