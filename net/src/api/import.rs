//! Friends elsewhere who become friends here: `/v2/friend/facebook`, `/v2/friend/steam`.
//!
//! Nobody whom we ask about players tells who their friends are. Who asks is recognised or refused as with every
//! provider, and then told so; nothing is changed.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::elsewhere::{Elsewhere, Facebook, Steam};
use super::error::{ApiError, Code};
use super::operation::{Context, Message, Nothing, Operation, decode_body};
use super::parameter::Parameter;
use super::query::Query;
use super::social::{check_configured, refusal, verify};
use crate::auth::SessionClaims;

/// A kind of account elsewhere that has friends.
pub(super) trait Befriending: Elsewhere {
    /// Name of the operation.
    const IMPORT: &'static str;
    /// What is told where there is no token.
    const TOKEN_REQUIRED: &'static str;
}

impl Befriending for Facebook {
    const IMPORT: &'static str = "ImportFacebookFriends";
    const TOKEN_REQUIRED: &'static str = "Facebook token is required.";
}

impl Befriending for Steam {
    const IMPORT: &'static str = "ImportSteamFriends";
    const TOKEN_REQUIRED: &'static str = "Steam token is required.";
}

/// Importing friends.
pub(super) struct ImportFriends<E>(PhantomData<E>);

/// Whose friends: the account in the body, the rest in the query.
pub(super) struct ImportFriendsRequest<A> {
    account: A,
    /// Whether other friends are to go.
    reset: Option<bool>,
}

impl<A: Message> Message for ImportFriendsRequest<A> {
    const BODY: Option<&'static str> = A::BODY;

    fn to_value(&self) -> Value {
        let mut value = json!({"account": self.account.to_value()});
        if let Some(reset) = self.reset {
            value["reset"] = reset.into();
        }
        value
    }

    fn from_value(value: &Value) -> Result<Self, ApiError> {
        let nothing = json!({});
        Ok(Self {
            account: A::from_value(value.get("account").unwrap_or(&nothing))?,
            reset: value.get("reset").and_then(Value::as_bool),
        })
    }
}

impl<E: Befriending> Operation for ImportFriends<E> {
    const NAME: &'static str = E::IMPORT;
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = &[Parameter::boolean("reset")];
    type Caller = SessionClaims;
    type Request = ImportFriendsRequest<E::Account>;
    type Response = Nothing;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        Ok(ImportFriendsRequest {
            account: decode_body(body)?,
            reset: query.bool("reset")?,
        })
    }

    async fn run(
        context: Context<'_>,
        _: &SessionClaims,
        request: Self::Request,
    ) -> Result<Nothing, ApiError> {
        check_configured::<E>(context)?;
        if !E::is_given(&request.account) {
            return Err(ApiError::invalid(E::TOKEN_REQUIRED));
        }
        let (proof, _) = E::proof(request.account)?;
        verify::<E>(context, proof, refusal::<E>()).await?;
        let text = format!("{} does not tell who a player's friends are.", E::NAME);
        Err(ApiError::new(Code::Unimplemented, text))
    }
}
