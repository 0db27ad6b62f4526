//! More ways into one's own account, and fewer: `/v2/account/link/…`, `/v2/account/unlink/…`.

use std::marker::PhantomData;

use tiltyard_proto::api;

use super::elsewhere::Elsewhere;
use super::error::{ApiError, Code};
use super::identifiers::{check_email_format, check_email_gaps, check_id};
use super::operation::{Context, Nothing, Operation, decode_body};
use super::parameter::Parameter;
use super::query::Query;
use super::social::{check_configured, fill, refusal, verify};
use super::visitor::hash_password;
use crate::auth::{PASSWORD_BYTES_MIN, SessionClaims};
use crate::store::{Identifier, StoreError, Unlink};

/// Adds the identifier to the caller's account.
async fn link(
    Context { state, now, .. }: Context<'_>,
    caller: &SessionClaims,
    identifier: &Identifier,
    password_hash: Option<&str>,
    (kind, taken): (&str, &str),
) -> Result<Nothing, ApiError> {
    let linked = state
        .store
        .link(caller.user_id, identifier, password_hash, now);
    match linked.await {
        Ok(()) => Ok(Nothing),
        Err(StoreError::IdentifierTaken) => Err(ApiError::new(Code::AlreadyExists, taken)),
        Err(StoreError::NotFound) => Err(ApiError::not_found("Account not found.")),
        Err(error) => Err(ApiError::store(&format!("Error linking {kind}."), &error)),
    }
}

async fn unlink(
    Context { state, now, .. }: Context<'_>,
    caller: &SessionClaims,
    unlink: &Unlink,
) -> Result<Nothing, ApiError> {
    match state.store.unlink(caller.user_id, unlink, now).await {
        Ok(()) => Ok(Nothing),
        Err(StoreError::LastIdentifier) => Err(ApiError::new(
            Code::PermissionDenied,
            "Cannot unlink last account identifier. Check profile exists and is not last link.",
        )),
        Err(error) => Err(ApiError::store("Error unlinking identifier.", &error)),
    }
}

/// The identifier, where one is given.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])* $Operation:ident $Account:ident
        |$context:ident, $caller:ident, $account:pat_param| $run:expr;)*) => {$(
        $(#[doc = $doc])*
        pub(super) struct $Operation;

        impl Operation for $Operation {
            const NAME: &'static str = stringify!($Operation);
            const READS_BODY: bool = true;
            type Caller = SessionClaims;
            type Request = api::$Account;
            type Response = Nothing;

            fn decode(_: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
                decode_body(body)
            }

            async fn run(
                $context: Context<'_>,
                $caller: &SessionClaims,
                $account: Self::Request,
            ) -> Result<Nothing, ApiError> {
                $run
            }
        }
    )*};
}

operations! {
    /// Adding a device.
    LinkDevice AccountDevice |context, caller, account| {
        check_id("Device ID", "Device ID invalid", &account.id, 10)?;
        let texts = ("Device ID", "Device ID already in use.");
        link(context, caller, &Identifier::Device(account.id), None, texts).await
    };
    /// Giving the account an id of the game's own.
    LinkCustom AccountCustom |context, caller, account| {
        check_id("Custom ID", "Invalid custom ID", &account.id, 6)?;
        let texts = ("Custom ID", "Custom ID is already in use.");
        link(context, caller, &Identifier::Custom(account.id), None, texts).await
    };
    /// Giving the account an e-mail address and a password, or others.
    LinkEmail AccountEmail |context, caller, account| {
        let api::AccountEmail { email, password, .. } = account;
        if email.is_empty() || password.is_empty() {
            return Err(ApiError::invalid("Email address and password is required."));
        }
        check_email_gaps(&email)?;
        if password.len() < PASSWORD_BYTES_MIN {
            return Err(ApiError::invalid("Password must be at least 8 characters long."));
        }
        check_email_format(&email)?;
        let hash = hash_password(context, &password).await?;
        let email = Identifier::Email(email.to_lowercase());
        let texts = ("email address", "Email is already in use.");
        link(context, caller, &email, Some(&hash), texts).await
    };
    /// Removing a device.
    UnlinkDevice AccountDevice |context, caller, account| {
        if account.id.is_empty() {
            return Err(ApiError::invalid("A device ID must be supplied."));
        }
        unlink(context, caller, &Unlink::Device(account.id)).await
    };
    /// Removing the id of the game's own.
    UnlinkCustom AccountCustom |context, caller, account| {
        unlink(context, caller, &Unlink::Custom(given(account.id))).await
    };
    /// Removing the e-mail address and its password.
    UnlinkEmail AccountEmail |context, caller, account| {
        let email = given(account.email.to_lowercase());
        unlink(context, caller, &Unlink::Email(email)).await
    };
}

/// Adding an account elsewhere.
pub(super) struct LinkElsewhere<E>(PhantomData<E>);

impl<E: Elsewhere> Operation for LinkElsewhere<E> {
    const NAME: &'static str = E::LINK;
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = match E::LINK_SYNCS {
        true => &[Parameter::SYNC],
        false => &[],
    };
    type Caller = SessionClaims;
    type Request = E::Link;
    type Response = Nothing;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        if E::LINK_SYNCS {
            query.bool("sync")?;
        }
        decode_body(body)
    }

    async fn run(
        context: Context<'_>,
        caller: &SessionClaims,
        request: Self::Request,
    ) -> Result<Nothing, ApiError> {
        if !E::LINK_PROOF_FIRST {
            check_configured::<E>(context)?;
        }
        let (proof, _) = E::proof(E::account_of(request))?;
        check_configured::<E>(context)?;
        let profile = verify::<E>(context, proof, refusal::<E>()).await?;
        let identifier = Identifier::Social(E::KIND, profile.id.clone());
        let linked = link(context, caller, &identifier, None, (E::NAME, E::TAKEN)).await?;
        fill(context, E::KIND, profile, true).await;
        Ok(linked)
    }
}

/// Removing an account elsewhere.
pub(super) struct UnlinkElsewhere<E>(PhantomData<E>);

impl<E: Elsewhere> Operation for UnlinkElsewhere<E> {
    const NAME: &'static str = E::UNLINK;
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = E::Account;
    type Response = Nothing;

    fn decode(_: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        decode_body(body)
    }

    async fn run(
        context: Context<'_>,
        caller: &SessionClaims,
        account: Self::Request,
    ) -> Result<Nothing, ApiError> {
        let id = if E::is_given(&account) {
            let (proof, _) = E::proof(account)?;
            Some(verify::<E>(context, proof, refusal::<E>()).await?.id)
        } else {
            None
        };
        unlink(context, caller, &Unlink::Social(E::KIND, id)).await
    }
}
