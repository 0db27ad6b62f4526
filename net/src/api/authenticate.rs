//! Logging in: `/v2/account/authenticate/…`.

use serde_json::{Value, json};
use tiltyard_proto::api;

use super::caller::Game;
use super::error::ApiError;
use super::identifiers::{check_email_format, check_email_gaps, check_id, check_username};
use super::operation::{Context, Message, Operation, decode_body};
use super::parameter::Parameter;
use super::query::Query;
use super::visitor::Visitor;
use crate::auth::PASSWORD_BYTES_MIN;
use crate::store::Identifier;

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
