//! Letting somebody in: into their account, or into a new one.

use rand::RngExt as _;
use tiltyard_proto::api;
use uuid::Uuid;

use super::error::{ApiError, Code};
use super::operation::Context;
use crate::auth::{
    Comparison, Guess, PASSWORD_BYTES_MAX, PasswordError, TooManyAttempts, TooManyLogouts, Vars,
};
use crate::store::{Identifier, Login, NewAccount, StoreError};

/// Somebody who wants to be let in.
pub(super) struct Visitor {
    pub(super) identifier: Identifier,
    /// The name a new account gets; empty for any.
    pub(super) username: String,
    pub(super) create: Option<bool>,
}

impl Visitor {
    /// Lets the owner of the account in, or makes one.
    pub(super) async fn log_in(
        self,
        context: Context<'_>,
        password: Option<&str>,
        vars: Vars,
    ) -> Result<api::Session, ApiError> {
        if let Some(login) = self.find(context).await? {
            return let_in(context, &login, password, vars).await;
        }
        if self.create == Some(false) {
            if let Some(password) = password {
                // What was given stands for the account. No account has this for an id.
                let account = format!("{:?}", self.identifier);
                check_password(context, &account, password, None).await?;
            }
            return Err(unknown());
        }
        let account = self.new_account(context, password).await?;
        let error = match context
            .state
            .store
            .create_account(&account, context.now)
            .await
        {
            Ok(user_id) => return Ok(admit(context, user_id, &account.username, vars, true)?),
            Err(error) => error,
        };
        // Somebody with the same identifier may just have been faster.
        let raced = matches!(
            error,
            StoreError::IdentifierTaken | StoreError::UsernameTaken
        );
        if raced && let Some(login) = self.find(context).await? {
            return let_in(context, &login, password, vars).await;
        }
        Err(match error {
            StoreError::UsernameTaken => {
                ApiError::new(Code::AlreadyExists, "Username is already in use.")
            }
            error => ApiError::store("Error finding or creating user account.", &error),
        })
    }

    /// The account, unless it is banned.
    async fn find(&self, context: Context<'_>) -> Result<Option<Login>, ApiError> {
        let found = context.state.store.find_login(&self.identifier).await;
        let found =
            found.map_err(|error| ApiError::store("Error finding user account.", &error))?;
        match found {
            Some(login) if login.banned => Err(banned()),
            found => Ok(found),
        }
    }

    async fn new_account(
        &self,
        context: Context<'_>,
        password: Option<&str>,
    ) -> Result<NewAccount, ApiError> {
        let password_hash = match password {
            Some(password) => Some(hash_password(context, password).await?),
            None => None,
        };
        Ok(NewAccount {
            identifier: self.identifier.clone(),
            username: match self.username.is_empty() {
                true => random_name(),
                false => self.username.clone(),
            },
            password_hash,
        })
    }
}

/// The hash of a new password.
pub(super) async fn hash_password(
    context: Context<'_>,
    password: &str,
) -> Result<String, ApiError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(ApiError::invalid("Password must be at most 72 bytes long."));
    }
    Ok(context.state.passwords.hash(password).await?)
}

/// Lets the owner of an account in, who has to know its password where one is asked for.
async fn let_in(
    context: Context<'_>,
    login: &Login,
    password: Option<&str>,
    vars: Vars,
) -> Result<api::Session, ApiError> {
    if let Some(password) = password {
        let account = login.user_id.to_string();
        let hash = login.password_hash.as_deref();
        let compared = check_password(context, &account, password, hash).await?;
        if compared == Comparison::Different {
            return Err(ApiError::new(Code::Unauthenticated, "Invalid credentials."));
        }
        if let (Comparison::Same { needs_rehash: true }, Some(hash)) = (compared, hash) {
            renew_hash(context, login.user_id, password, hash).await;
        }
    }
    Ok(admit(context, login.user_id, &login.username, vars, false)?)
}

/// Puts a hash of today in the place of an old one. The old one will do if that fails.
async fn renew_hash(Context { state, .. }: Context<'_>, user_id: Uuid, password: &str, old: &str) {
    let renewed = state.passwords.hash(password).await;
    let Ok(new) = renewed else {
        tracing::debug!("too busy to hash a password anew");
        return;
    };
    if let Err(error) = state.store.replace_password_hash(user_id, old, &new).await {
        tracing::warn!(%error, "a password was not hashed anew");
    }
}

/// Compares a password, unless too many have been wrong.
///
/// Without a hash this takes as long, and counts as much, as a wrong password.
async fn check_password(
    context: Context<'_>,
    account: &str,
    password: &str,
    hash: Option<&str>,
) -> Result<Comparison, ApiError> {
    let guess = Guess {
        client: context.client,
        peer: context.peer,
        account,
    };
    let state = context.state;
    let charge = state.login_attempts.charge(guess, context.now)?;
    let compared = state.passwords.verify(password, hash).await;
    if compared != Ok(Comparison::Different) {
        state.login_attempts.refund(charge);
    }
    Ok(compared?)
}

/// Issues the tokens of a login.
fn admit(
    Context { state, now, .. }: Context<'_>,
    user_id: Uuid,
    username: &str,
    vars: Vars,
    created: bool,
) -> Result<api::Session, TooManyLogouts> {
    if state.config.session.single_session {
        state.sessions.logout_all(user_id, now)?;
    }
    let pair = state.sessions.issue(user_id, username, vars, now);
    Ok(api::Session {
        created,
        token: pair.session,
        refresh_token: pair.refresh,
    })
}

pub(super) fn unknown() -> ApiError {
    ApiError::not_found("User account not found.")
}

pub(super) fn banned() -> ApiError {
    ApiError::new(Code::PermissionDenied, "User account banned.")
}

impl From<TooManyLogouts> for ApiError {
    fn from(error: TooManyLogouts) -> Self {
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl From<TooManyAttempts> for ApiError {
    fn from(_: TooManyAttempts) -> Self {
        let text = "Too many failed login attempts. Try again later.";
        Self::new(Code::ResourceExhausted, text)
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(Code::ResourceExhausted, "Try again later."),
            PasswordError::Broken => Self::internal("Error checking password.", &error),
        }
    }
}

/// Ten letters, as the reference server makes them.
fn random_name() -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut random = rand::rng();
    let letter = || char::from(LETTERS[random.random_range(..LETTERS.len())]);
    std::iter::repeat_with(letter).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_names_are_ten_letters() {
        let name = random_name();
        assert_eq!(name.len(), 10);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }
}
