//! Steam: tickets that its servers check.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::fetch::HttpsClient;
use super::{SocialError, SocialProfile, SocialProof, SocialProvider};
use crate::config::Secret;

/// Players of Steam, by the session tickets that games get from it.
pub struct Steam {
    client: HttpsClient,
    url: String,
    publisher_key: Secret,
    app_id: u32,
    /// One for each ticket that may be shown at the same time.
    questions: Semaphore,
}

/// `ISteamUserAuth` in the documentation of the Steamworks Web API.
const URL: &str = "https://partner.steam-api.com/ISteamUserAuth/AuthenticateUserTicket/v1/";
/// Hexadecimal digits of the longest ticket: the documentation gives 1024 bytes as its buffer, web API
/// tickets have up to 2560.
const TICKET_DIGITS_MAX: usize = 2 * 2560;

/// Tickets shown at a time, a connection each: 160 logins a second if Steam takes 200 ms. More are told to
/// try again, so that a rush of made-up tickets takes no more than this.
pub(super) const QUESTIONS_MAX: usize = 32;

#[derive(Deserialize)]
struct Answer {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    result: String,
    steamid: String,
}

impl Steam {
    /// Asks with the publisher's key about tickets for this game.
    #[must_use]
    pub fn new(publisher_key: Secret, app_id: u32) -> Self {
        Self {
            client: HttpsClient::new(),
            url: URL.to_owned(),
            publisher_key,
            app_id,
            questions: Semaphore::new(QUESTIONS_MAX),
        }
    }

    /// The same with the address to ask: `https://…`, or `http://127.0.0.1…` for tests.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    async fn ask(&self, ticket: &str) -> Result<SocialProfile, SocialError> {
        let digits = ticket.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || !(1..=TICKET_DIGITS_MAX).contains(&ticket.len()) {
            return Err(SocialError::Rejected);
        }
        let Ok(_question) = self.questions.try_acquire() else {
            tracing::debug!("too many tickets are being shown to Steam");
            return Err(SocialError::Unavailable);
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("key", self.publisher_key.expose())
            .append_pair("appid", &self.app_id.to_string())
            .append_pair("ticket", ticket)
            .finish();
        // The key is in the address, which is therefore in no log.
        let fetched = self.client.get(&format!("{}?{query}", self.url)).await;
        let fetched = fetched.map_err(|error| {
            tracing::warn!(%error, "Steam cannot be asked");
            SocialError::Unavailable
        })?;
        let answer: Answer = serde_json::from_slice(&fetched.body).map_err(|_| {
            tracing::warn!("Steam's answer cannot be understood");
            SocialError::Unavailable
        })?;
        let params = answer
            .response
            .params
            .filter(|params| params.result == "OK");
        let id = params.map(|params| params.steamid).unwrap_or_default();
        match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(SocialProfile::new(id)),
            false => Err(SocialError::Rejected),
        }
    }
}

impl SocialProvider for Steam {
    fn verify(
        &self,
        proof: SocialProof,
        _: Timestamp,
    ) -> BoxFuture<'_, Result<SocialProfile, SocialError>> {
        Box::pin(async move {
            match proof {
                SocialProof::Token(ticket) => self.ask(&ticket).await,
                _ => Err(SocialError::Rejected),
            }
        })
    }
}
