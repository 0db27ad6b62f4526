//! Issues tokens and knows which of them no longer count.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tiltyard::{LogoutError, TokenList, UserId};
use uuid::Uuid;

use super::secrets::Secrets;
use super::token::{SessionClaims, SigningKey, TokenError, Vars};
use crate::config;

/// The two tokens of a login.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenPair {
    /// Presented with every request.
    pub session: String,
    /// Exchanged for a new pair.
    pub refresh: String,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(secret)")
    }
}

/// So many users logged out of late that another logout cannot be remembered; try again later.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many logouts are remembered; try again later")]
pub struct TooManyLogouts;

/// Every token of the server: issued here, checked here, logged out here.
///
/// HTTP and sockets ask the same functions. Tokens are stored nowhere; what is kept, in memory,
/// is which of them were logged out, until they would have expired anyway.
pub struct Sessions {
    session_key: SigningKey,
    refresh_key: SigningKey,
    session_life: i64,
    refresh_life: i64,
    logouts: Mutex<Logouts>,
}

/// Seconds for which the token that the matchmaker hands out is valid.
const MATCH_TOKEN_LIFE: i64 = 30;
/// Users with remembered logouts: about 40 MB at the worst.
const USERS_MAX: usize = 262_144;
/// Logouts of single tokens remembered for one user; with more, all tokens of that user go.
const TOKENS_PER_USER_MAX: usize = 64;

impl Sessions {
    /// Nothing is logged out yet.
    #[must_use]
    pub fn new(secrets: &Secrets, options: &config::Session) -> Self {
        Self {
            session_key: SigningKey::new(secrets.session_key.expose()),
            refresh_key: SigningKey::new(secrets.refresh_key.expose()),
            session_life: seconds(options.token_expiry_sec),
            refresh_life: seconds(options.refresh_token_expiry_sec),
            logouts: Mutex::default(),
        }
    }

    /// The tokens of a new login.
    #[must_use]
    pub fn issue(&self, user_id: Uuid, username: &str, vars: Vars, now: Timestamp) -> TokenPair {
        self.pair(
            SessionClaims {
                token_id: Uuid::new_v4().to_string(),
                user_id,
                username: username.to_owned(),
                vars,
                expires_at: 0,
                issued_at: now.as_second(),
            },
            now,
        )
    }

    /// New tokens for the holder of a refresh token, with the name the user has now.
    ///
    /// `claims` are what [`Self::verify_refresh`] gave. The variables are kept unless others
    /// are given.
    #[must_use]
    pub fn refresh(
        &self,
        claims: SessionClaims,
        username: &str,
        vars: Option<Vars>,
        now: Timestamp,
    ) -> TokenPair {
        let horizon = now.as_second() + self.refresh_life + self.session_life;
        self.logouts().extend(&claims, horizon);
        let fresh = SessionClaims {
            username: username.to_owned(),
            vars: vars.unwrap_or_else(|| claims.vars.clone()),
            ..claims
        };
        self.pair(fresh, now)
    }

    fn pair(&self, mut claims: SessionClaims, now: Timestamp) -> TokenPair {
        claims.expires_at = now.as_second() + self.session_life;
        let session = self.session_key.sign_user(&claims);
        claims.expires_at = now.as_second() + self.refresh_life;
        let refresh = self.refresh_key.sign_user(&claims);
        TokenPair { session, refresh }
    }

    /// Who holds this session token.
    ///
    /// # Errors
    ///
    /// [`TokenError`] if the token must not be accepted now.
    pub fn verify_session(&self, token: &str, now: Timestamp) -> Result<SessionClaims, TokenError> {
        let claims = self.session_key.verify_user(token, now.as_second())?;
        let issued = claims.expires_at.saturating_sub(self.session_life);
        self.logouts()
            .check(&claims, issued, |user| &user.sessions)?;
        Ok(claims)
    }

    /// Who holds this refresh token.
    ///
    /// # Errors
    ///
    /// [`TokenError`] if the token must not be accepted now.
    pub fn verify_refresh(&self, token: &str, now: Timestamp) -> Result<SessionClaims, TokenError> {
        let claims = self.refresh_key.verify_user(token, now.as_second())?;
        let issued = claims.expires_at.saturating_sub(self.refresh_life);
        self.logouts()
            .check(&claims, issued, |user| &user.refreshes)?;
        Ok(claims)
    }

    /// Ends all tokens of a user that were issued before this second.
    ///
    /// # Errors
    ///
    /// [`TooManyLogouts`]; nothing was ended.
    pub fn logout_all(&self, user_id: Uuid, now: Timestamp) -> Result<(), TooManyLogouts> {
        self.end_all_before(user_id, now.as_second(), now)
    }

    /// Ends all tokens of a user who is banned or deleted, those of this very second included.
    ///
    /// # Errors
    ///
    /// [`TooManyLogouts`]; nothing was ended.
    pub fn shut_out(&self, user_id: Uuid, now: Timestamp) -> Result<(), TooManyLogouts> {
        self.end_all_before(user_id, now.as_second() + 1, now)
    }

    fn end_all_before(
        &self,
        user_id: Uuid,
        second: i64,
        now: Timestamp,
    ) -> Result<(), TooManyLogouts> {
        let until = self.horizon(now);
        let mut logouts = self.logouts();
        logouts.sweep(now.as_second(), self.session_life);
        let user = logouts.user(user_id)?;
        user.all_before = user.all_before.max(second);
        user.until = user.until.max(until);
        Ok(())
    }

    /// Ends the tokens of a user that are given, or all if none is. Both are looked at before either is
    /// ended.
    ///
    /// # Errors
    ///
    /// [`LogoutError`]; nothing was ended.
    pub fn logout(
        &self,
        user_id: Uuid,
        session_token: Option<&str>,
        refresh_token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LogoutError> {
        let own = |claims: &SessionClaims| claims.user_id == user_id;
        let session = session_token.map(|token| {
            let claims = self.verify_session(token, now).ok().filter(own);
            claims.ok_or(LogoutError::SessionToken)
        });
        let refresh = refresh_token.map(|token| {
            let claims = self.verify_refresh(token, now).ok().filter(own);
            claims.ok_or(LogoutError::RefreshToken)
        });
        let (session, refresh) = (session.transpose()?, refresh.transpose()?);
        if session.is_none() && refresh.is_none() {
            return Ok(self.logout_all(user_id, now)?);
        }
        if let Some(claims) = session {
            self.logout_session(&claims, now)?;
        }
        if let Some(claims) = refresh {
            self.logout_refresh(&claims, now)?;
        }
        Ok(())
    }

    /// Ends the session tokens of one login, those refreshed later included.
    ///
    /// # Errors
    ///
    /// [`TooManyLogouts`]; nothing was ended.
    pub fn logout_session(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
    ) -> Result<(), TooManyLogouts> {
        self.logout_one(claims, now, |user| &mut user.sessions)
    }

    /// Ends the refresh tokens of one login.
    ///
    /// # Errors
    ///
    /// [`TooManyLogouts`]; nothing was ended.
    pub fn logout_refresh(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
    ) -> Result<(), TooManyLogouts> {
        self.logout_one(claims, now, |user| &mut user.refreshes)
    }

    fn logout_one(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
        kind: impl Fn(&mut UserLogouts) -> &mut BTreeMap<String, i64>,
    ) -> Result<(), TooManyLogouts> {
        let until = self.horizon(now);
        let mut logouts = self.logouts();
        logouts.sweep(now.as_second(), self.session_life);
        let user = logouts.user(claims.user_id)?;
        user.until = user.until.max(until);
        if kind(user).len() >= TOKENS_PER_USER_MAX {
            // One second on, so that tokens of this very second go too.
            user.all_before = now.as_second() + 1;
            return Ok(());
        }
        kind(user).insert(claims.token_id.clone(), until);
        Ok(())
    }

    /// A token for the match that the matchmaker found, valid for 30 seconds.
    #[must_use]
    pub fn matchmaker_token(&self, match_id: &str, now: Timestamp) -> String {
        let expires_at = now.as_second() + MATCH_TOKEN_LIFE;
        self.session_key.sign_match(match_id, expires_at)
    }

    /// The match that a matchmaker token is for.
    ///
    /// # Errors
    ///
    /// [`TokenError`] if the token must not be accepted now.
    pub fn verify_matchmaker(&self, token: &str, now: Timestamp) -> Result<String, TokenError> {
        self.session_key.verify_match(token, now.as_second())
    }

    /// When every token issued until now will have expired, and those refreshed from them.
    fn horizon(&self, now: Timestamp) -> i64 {
        now.as_second() + self.refresh_life + self.session_life
    }

    fn logouts(&self) -> MutexGuard<'_, Logouts> {
        self.logouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What game code asks of the tokens.
impl TokenList for Sessions {
    fn logout(
        &self,
        user_id: UserId,
        token: Option<&str>,
        refresh_token: Option<&str>,
        unix_ms: i64,
    ) -> Result<(), LogoutError> {
        let now = Timestamp::from_millisecond(unix_ms).map_err(|_| LogoutError::Unavailable)?;
        Self::logout(self, user_id.0, token, refresh_token, now)
    }
}

impl From<TooManyLogouts> for LogoutError {
    fn from(_: TooManyLogouts) -> Self {
        Self::Unavailable
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("session_life", &self.session_life)
            .field("refresh_life", &self.refresh_life)
            .finish_non_exhaustive()
    }
}

fn seconds(life: u64) -> i64 {
    i64::try_from(life).unwrap_or(i64::MAX / 4)
}

/// Who logged out of what. Times are seconds since 1970.
#[derive(Default)]
struct Logouts {
    users: BTreeMap<Uuid, UserLogouts>,
    next_sweep: i64,
}

#[derive(Default)]
struct UserLogouts {
    /// Tokens issued before this do not count.
    all_before: i64,
    /// Logins whose session tokens do not count, and until when that must be remembered.
    sessions: BTreeMap<String, i64>,
    /// The same of refresh tokens.
    refreshes: BTreeMap<String, i64>,
    /// When nothing here matters any more.
    until: i64,
}

impl Logouts {
    fn check(
        &self,
        claims: &SessionClaims,
        issued: i64,
        kind: impl Fn(&UserLogouts) -> &BTreeMap<String, i64>,
    ) -> Result<(), TokenError> {
        let Some(user) = self.users.get(&claims.user_id) else {
            return Ok(());
        };
        if issued < user.all_before || kind(user).contains_key(&claims.token_id) {
            return Err(TokenError::LoggedOut);
        }
        Ok(())
    }

    /// Remembers a logged-out session for as long as its refresh token makes new ones.
    fn extend(&mut self, claims: &SessionClaims, until: i64) {
        let Some(user) = self.users.get_mut(&claims.user_id) else {
            return;
        };
        if let Some(remembered) = user.sessions.get_mut(&claims.token_id) {
            *remembered = until;
            user.until = user.until.max(until);
        }
    }

    fn user(&mut self, id: Uuid) -> Result<&mut UserLogouts, TooManyLogouts> {
        if self.users.len() >= USERS_MAX && !self.users.contains_key(&id) {
            return Err(TooManyLogouts);
        }
        Ok(self.users.entry(id).or_default())
    }

    /// Forgets what has expired, every two session lives; a logout is a good moment for it.
    fn sweep(&mut self, now: i64, session_life: i64) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + 2 * session_life;
        self.users.retain(|_, user| {
            user.sessions.retain(|_, until| *until > now);
            user.refreshes.retain(|_, until| *until > now);
            user.until > now
        });
    }
}

#[cfg(test)]
impl Sessions {
    /// Tokens of the default options and of keys that everybody knows.
    pub(crate) fn for_tests() -> Self {
        use config::Secret;
        let secrets = Secrets {
            server_key: Secret::new("defaultkey"),
            session_key: Secret::new("defaultencryptionkey"),
            refresh_key: Secret::new("defaultrefreshencryptionkey"),
            http_key: Secret::new("defaulthttpkey"),
        };
        let mut config = None;
        if let config::Command::Run(run) = config::load([], [], &config::Defaults::new()).unwrap() {
            config = Some(run);
        }
        Self::new(&secrets, &config.unwrap().session)
    }
}

#[cfg(test)]
mod tests;
