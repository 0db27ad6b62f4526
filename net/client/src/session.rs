//! Who the player is: tokens and what they say.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Life that a session token must have left to be used without a refresh.
///
/// It has to last until the server has read it: a handshake with several lost packets takes about
/// five seconds, and clocks are not quite the same.
const LIFE_LEFT_MIN: Duration = Duration::from_secs(10);

/// Proof of who a player is. A session token lives for a minute unless the server says otherwise, its
/// refresh token for an hour; the client refreshes by itself when it connects.
///
/// To play on later without a new login, keep [`to_text`](Self::to_text) somewhere safe: whoever has
/// it is the player.
#[derive(Clone, Eq, PartialEq)]
pub struct Session {
    token: String,
    refresh_token: String,
    user_id: String,
    username: String,
    expires: SystemTime,
}

impl Session {
    /// A session from its two tokens; the refresh token may be empty.
    ///
    /// # Errors
    ///
    /// If one of them is no token. Whether a server takes them is for it to say.
    pub fn from_tokens(
        token: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Result<Self, SessionError> {
        let (token, refresh_token) = (token.into(), refresh_token.into());
        let claims = Claims::of(&token)?;
        if !refresh_token.is_empty() {
            Claims::of(&refresh_token)?;
        }
        Ok(Self {
            expires: claims.expires(),
            user_id: claims.uid,
            username: claims.usn,
            token,
            refresh_token,
        })
    }

    /// A session that [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    ///
    /// If the text was not written by it.
    pub fn from_text(text: &str) -> Result<Self, SessionError> {
        let stored: Stored = serde_json::from_str(text).map_err(|_| SessionError::NotText)?;
        Self::from_tokens(stored.token, stored.refresh_token)
    }

    /// The session in one line of text, for [`from_text`](Self::from_text).
    #[must_use]
    pub fn to_text(&self) -> String {
        let (token, refresh_token) = (self.token.clone(), self.refresh_token.clone());
        serde_json::to_string(&Stored {
            token,
            refresh_token,
        })
        .expect("two strings are JSON")
    }

    /// What opens connections.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What the next session token is asked for with; empty if the server gave none.
    #[must_use]
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// UUID of the account.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Name of the account when the session began.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// When the session token ends, by the clock of the server.
    #[must_use]
    pub const fn expires(&self) -> SystemTime {
        self.expires
    }

    /// Whether it should be refreshed before it is used.
    pub(crate) fn is_stale(&self, now: SystemTime) -> bool {
        now + LIFE_LEFT_MIN >= self.expires
    }

    /// Whether a server may be asked for new tokens. Whether it gives some is for it to say.
    pub(crate) fn can_refresh(&self) -> bool {
        !self.refresh_token.is_empty()
    }
}

/// Everything but the tokens, which open the account to whoever reads them in a log.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", &self.user_id)
            .field("username", &self.username)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why something is no session.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// Not what [`Session::to_text`] writes.
    #[error("this text is no stored session")]
    NotText,
    /// Not three parts, or the middle one does not say who and until when.
    #[error("this is no session token")]
    NotToken,
}

/// What is stored. The rest of a session is inside of the tokens.
#[derive(Deserialize, Serialize)]
struct Stored {
    token: String,
    #[serde(default)]
    refresh_token: String,
}

/// What a token says. Nobody but the server can check whether it is true.
#[derive(Deserialize)]
struct Claims {
    uid: String,
    #[serde(default)]
    usn: String,
    exp: u32,
}

impl Claims {
    fn of(token: &str) -> Result<Self, SessionError> {
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SessionError::NotToken);
        };
        let claims = BASE64_URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| SessionError::NotToken)?;
        serde_json::from_slice(&claims).map_err(|_| SessionError::NotToken)
    }

    fn expires(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.exp.into())
    }
}

/// Tokens for tests. Nothing here checks signatures, so any will do.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn token(expires_seconds: u64) -> String {
        let claims = format!(r#"{{"tid":"1","uid":"u-1","usn":"ann","exp":{expires_seconds}}}"#);
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_session_knows_what_its_tokens_say() {
        let session = Session::from_tokens(token(1000), token(5000)).unwrap();
        assert_eq!((session.user_id(), session.username()), ("u-1", "ann"));
        assert_eq!(session.expires(), at(1000));
    }

    #[test]
    fn a_session_comes_back_from_its_text() {
        let session = Session::from_tokens(token(1000), token(5000)).unwrap();
        assert_eq!(Session::from_text(&session.to_text()), Ok(session));
    }

    #[test]
    fn a_session_is_stale_shortly_before_it_ends() {
        let session = Session::from_tokens(token(1000), token(5000)).unwrap();
        assert!(!session.is_stale(at(989)));
        assert!(session.is_stale(at(990)), "it must last until it is read");
        assert!(session.can_refresh());
    }

    #[test]
    fn without_a_refresh_token_there_is_no_refresh() {
        let session = Session::from_tokens(token(1000), "").unwrap();
        assert!(!session.can_refresh());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "a.b", "a.b.c", "a.e30.c", "a.b.c.d"] {
            assert_eq!(
                Session::from_tokens(text, ""),
                Err(SessionError::NotToken),
                "{text}"
            );
        }
        assert_eq!(Session::from_text("abc"), Err(SessionError::NotText));
    }

    #[test]
    fn no_log_shows_a_token() {
        let session = Session::from_tokens(token(1000), token(5000)).unwrap();
        let shown = format!("{session:?}");
        assert!(!shown.contains(session.token()) && !shown.contains(session.refresh_token()));
    }
}
