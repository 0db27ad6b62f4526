//! Logging in: `/v2/account/authenticate/…`.

use rand::RngExt as _;
use serde_json::{Value, json};
use tiltyard_proto::api;
use uuid::Uuid;

use super::caller::Game;
use super::error::{ApiError, Code};
use super::operation::{Context, Message, Operation, decode_body};
use super::parameter::Parameter;
use super::query::Query;
use crate::auth::{
    Comparison, Guess, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PasswordError, TooManyAttempts,
    TooManyLogouts, Vars,
};
use crate::store::{Identifier, Login, NewAccount, StoreError};

/// A login: the account in the body, the rest in the query.
pub(super) struct Authenticate<A> {
    pub(super) account: A,
    pub(super) create: Option<bool>,
    pub(super) username: String,
}

impl<A: Message + tiltyard_proto::json::FromJson + Default> Authenticate<A> {
    pub(super) fn decode(query: &Query, body: &[u8]) -> Result<Self, ApiError> {
        Ok(Self {
            account: decode_body(body)?,
            create: query.bool("create")?,
            username: query.string("username")?.unwrap_or_default(),
        })
    }
}

impl<A: Message> Message for Authenticate<A> {
    const BODY: Option<&'static str> = A::BODY;

    fn to_value(&self) -> Value {
        let mut value = json!({"account": self.account.to_value()});
        if let Some(create) = self.create {
            value["create"] = create.into();
        }
        if !self.username.is_empty() {
            value["username"] = self.username.as_str().into();
        }
        value
    }

    fn from_value(value: &Value) -> Result<Self, ApiError> {
        let nothing = json!({});
        Ok(Self {
            account: A::from_value(value.get("account").unwrap_or(&nothing))?,
            create: value.get("create").and_then(Value::as_bool),
            username: value["username"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// The query of every login.
pub(super) const LOGIN_QUERY: &[Parameter] =
    &[Parameter::boolean("create"), Parameter::text("username")];

/// Logging in with a device id.
pub(super) struct AuthenticateDevice;

impl Operation for AuthenticateDevice {
    const NAME: &'static str = "AuthenticateDevice";
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = LOGIN_QUERY;
    type Caller = Game;
    type Request = Authenticate<api::AccountDevice>;
    type Response = api::Session;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        Authenticate::decode(query, body)
    }

    async fn run(
        context: Context<'_>,
        _: &Game,
        request: Self::Request,
    ) -> Result<api::Session, ApiError> {
        let api::AccountDevice { id, vars } = request.account;
        check_id("Device ID", "Device ID invalid", &id, 10)?;
        check_username(&request.username)?;
        let visitor = Visitor {
            identifier: Identifier::Device(id),
            username: request.username,
            create: request.create,
        };
        visitor
            .log_in(context, None, vars.into_iter().collect())
            .await
    }
}

/// Logging in with an id of the game's own.
pub(super) struct AuthenticateCustom;

impl Operation for AuthenticateCustom {
    const NAME: &'static str = "AuthenticateCustom";
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = LOGIN_QUERY;
    type Caller = Game;
    type Request = Authenticate<api::AccountCustom>;
    type Response = api::Session;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        Authenticate::decode(query, body)
    }

    async fn run(
        context: Context<'_>,
        _: &Game,
        request: Self::Request,
    ) -> Result<api::Session, ApiError> {
        let api::AccountCustom { id, vars } = request.account;
        check_id("Custom ID", "Custom ID invalid", &id, 6)?;
        check_username(&request.username)?;
        let visitor = Visitor {
            identifier: Identifier::Custom(id),
            username: request.username,
            create: request.create,
        };
        visitor
            .log_in(context, None, vars.into_iter().collect())
            .await
    }
}

/// Logging in with a password, by e-mail address or by username.
pub(super) struct AuthenticateEmail;

impl Operation for AuthenticateEmail {
    const NAME: &'static str = "AuthenticateEmail";
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = LOGIN_QUERY;
    type Caller = Game;
    type Request = Authenticate<api::AccountEmail>;
    type Response = api::Session;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        Authenticate::decode(query, body)
    }

    async fn run(
        context: Context<'_>,
        _: &Game,
        request: Self::Request,
    ) -> Result<api::Session, ApiError> {
        let api::AccountEmail {
            email,
            password,
            vars,
        } = request.account;
        if !email.is_empty() {
            check_email_gaps(&email)?;
            check_email_format(&email)?;
        }
        if password.len() < PASSWORD_BYTES_MIN {
            return Err(ApiError::invalid(
                "Password must be at least 8 characters long.",
            ));
        }
        if email.is_empty() && request.username.is_empty() {
            return Err(ApiError::invalid(
                "Username is required when email address is not supplied.",
            ));
        }
        check_username(&request.username)?;
        // A username alone lets in, but makes no account.
        let visitor = match email.is_empty() {
            true => Visitor {
                identifier: Identifier::Username(request.username),
                username: String::new(),
                create: Some(false),
            },
            false => Visitor {
                identifier: Identifier::Email(email.to_lowercase()),
                username: request.username,
                create: request.create,
            },
        };
        let vars = vars.into_iter().collect();
        visitor.log_in(context, Some(&password), vars).await
    }
}

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
    Context { state, now, client }: Context<'_>,
    account: &str,
    password: &str,
    hash: Option<&str>,
) -> Result<Comparison, ApiError> {
    let charge = state
        .login_attempts
        .charge(Guess { client, account }, now)?;
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

/// White space and control characters of ASCII; others are let through.
fn has_gaps(text: &str) -> bool {
    text.contains(|c: char| c == ' ' || c.is_ascii_control())
}

/// Checks an id. Logging in and linking have different words for the same.
pub(super) fn check_id(
    kind: &str,
    invalid: &str,
    id: &str,
    bytes_min: usize,
) -> Result<(), ApiError> {
    if id.is_empty() {
        return Err(ApiError::invalid(format!("{kind} is required.")));
    }
    if has_gaps(id) {
        let text = format!("{invalid}, no spaces or control characters allowed.");
        return Err(ApiError::invalid(text));
    }
    if !(bytes_min..=128).contains(&id.len()) {
        let text = format!("{invalid}, must be {bytes_min}-128 bytes.");
        return Err(ApiError::invalid(text));
    }
    Ok(())
}

pub(super) fn check_email_gaps(email: &str) -> Result<(), ApiError> {
    if has_gaps(email) {
        let text = "Invalid email address, no spaces or control characters allowed.";
        return Err(ApiError::invalid(text));
    }
    Ok(())
}

pub(super) fn check_email_format(email: &str) -> Result<(), ApiError> {
    if !looks_like_email(email) {
        return Err(ApiError::invalid("Invalid email address format."));
    }
    if !(10..=255).contains(&email.len()) {
        return Err(ApiError::invalid(
            "Invalid email address, must be 10-255 bytes.",
        ));
    }
    Ok(())
}

/// `^.+@.+\..+$`
fn looks_like_email(email: &str) -> bool {
    let mut characters = email.chars();
    characters.next();
    let Some((_, domain)) = characters.as_str().split_once('@') else {
        return false;
    };
    let inner = domain.char_indices().skip(1);
    inner
        .filter(|(_, c)| *c == '.')
        .any(|(index, _)| index + 1 < domain.len())
}

/// A name that may be given to an account; empty will do here, for none.
pub(super) fn check_username(username: &str) -> Result<(), ApiError> {
    if username.contains("[]") || username.contains(|c: char| c.is_ascii_control()) {
        let text = "Username invalid, no spaces or control characters allowed.";
        return Err(ApiError::invalid(text));
    }
    if username.len() > 128 {
        return Err(ApiError::invalid("Username invalid, must be 1-128 bytes."));
    }
    Ok(())
}

/// The user of an id in any usual form.
pub(super) fn parse_user_id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@b.c", "a@b@c.d", "@@a.b", "é@b.c", "a@b..", "a@@.c"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["", "@", "a", "a@", "@b.c", "a@b", "a@.c", "a@b.", "@b@"] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }

    #[test]
    fn random_names_are_ten_letters() {
        let name = random_name();
        assert_eq!(name.len(), 10);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }
}
