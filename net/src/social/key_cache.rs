//! Keys that are fetched when they are needed and kept for as long as they may be.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::SocialError;
use super::fetch::HttpsClient;
use super::jwt::{JwtError, KeySet};

/// The keys of one provider.
pub(super) struct KeyCache {
    url: Arc<str>,
    client: HttpsClient,
    /// Held while keys are fetched, so that many logins at a time ask once; the client bounds how long.
    kept: Arc<Mutex<Kept>>,
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
            url: url.into().into(),
            client: HttpsClient::new(),
            kept: Arc::default(),
        }
    }

    /// The claims of a token, if the provider has signed it.
    ///
    /// # Cancellation
    ///
    /// Keys that are being fetched are kept all the same: whoever hangs up takes them from nobody.
    pub(super) async fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<T, SocialError> {
        let now = now.as_second();
        let mut kept = self.kept.clone().lock_owned().await;
        if now < kept.stale_at {
            match kept.keys.verify(token) {
                Err(JwtError::UnknownKey) if now >= kept.fetch_at => {}
                outcome => return outcome.map_err(|_| SocialError::Rejected),
            }
        } else if now < kept.fetch_at {
            return Err(SocialError::Unavailable);
        }
        kept.fetch_at = now.saturating_add(FETCH_PAUSE);
        let fetched = tokio::spawn(fetch(self.client.clone(), self.url.clone(), kept, now));
        let kept = fetched.await.map_err(|_| SocialError::Unavailable)??;
        kept.keys.verify(token).map_err(|_| SocialError::Rejected)
    }
}

/// Fetches the keys, and ends within the patience of the client.
async fn fetch(
    client: HttpsClient,
    url: Arc<str>,
    mut kept: OwnedMutexGuard<Kept>,
    now: i64,
) -> Result<OwnedMutexGuard<Kept>, SocialError> {
    let fetched = client.get(&url).await.map_err(|error| {
        tracing::warn!(%url, %error, "the keys of a provider cannot be had");
        SocialError::Unavailable
    })?;
    let keys = KeySet::parse(&fetched.body).ok_or_else(|| {
        tracing::warn!(%url, "what should be the keys of a provider is something else");
        SocialError::Unavailable
    })?;
    let life = fetched.max_age.unwrap_or(LIFE).clamp(LIFE_MIN, LIFE_MAX);
    kept.keys = keys;
    kept.stale_at = now.saturating_add(life);
    Ok(kept)
}
