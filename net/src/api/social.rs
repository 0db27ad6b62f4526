//! Logging in with an account elsewhere.

use std::marker::PhantomData;

use tiltyard_proto::api;

use super::authenticate::Authenticate;
use super::caller::Game;
use super::elsewhere::Elsewhere;
use super::error::{ApiError, Code};
use super::identifiers::check_username;
use super::operation::{Context, Operation};
use super::parameter::Parameter;
use super::query::Query;
use super::visitor::Visitor;
use crate::social::{SocialKind, SocialProfile, SocialProof};
use crate::store::Identifier;

/// Logging in.
pub(super) struct AuthenticateElsewhere<E>(PhantomData<E>);

impl<E: Elsewhere> Operation for AuthenticateElsewhere<E> {
    const NAME: &'static str = E::AUTHENTICATE;
    const READS_BODY: bool = true;
    const QUERY: &'static [Parameter] = E::LOGIN_QUERY;
    type Caller = Game;
    type Request = Authenticate<E::Account>;
    type Response = api::Session;

    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        if E::LOGIN_SYNCS {
            query.bool("sync")?;
        }
        Authenticate::decode(query, body)
    }

    async fn run(
        context: Context<'_>,
        _: &Game,
        request: Self::Request,
    ) -> Result<api::Session, ApiError> {
        check_configured::<E>(context)?;
        let (proof, vars) = E::proof(request.account)?;
        check_username(&request.username)?;
        let (code, text) = E::REFUSAL;
        let profile = verify::<E>(context, proof, ApiError::new(code, text)).await?;
        let visitor = Visitor {
            identifier: Identifier::Social(E::KIND, profile.id.clone()),
            username: request.username,
            create: request.create,
        };
        let session = visitor.log_in(context, None, vars).await?;
        if session.created || E::FILLS {
            let with_email = session.created;
            fill(context, E::KIND, profile, with_email).await;
        }
        Ok(session)
    }
}

pub(super) fn check_configured<E: Elsewhere>(context: Context<'_>) -> Result<(), ApiError> {
    match E::NOT_CONFIGURED {
        Some(text) if context.state.social.get(E::KIND).is_none() => {
            Err(ApiError::new(Code::FailedPrecondition, text))
        }
        _ => Ok(()),
    }
}

/// What a link or an unlink is told that proves nothing.
pub(super) fn refusal<E: Elsewhere>() -> ApiError {
    let text = format!("Could not authenticate {} profile.", E::NAME);
    ApiError::new(Code::Unauthenticated, text)
}

/// Asks the provider who shows this.
pub(super) async fn verify<E: Elsewhere>(
    context: Context<'_>,
    proof: SocialProof,
    refusal: ApiError,
) -> Result<SocialProfile, ApiError> {
    let Some(provider) = context.state.social.get(E::KIND) else {
        tracing::debug!(kind = E::NAME, "a login of a kind that is not set up");
        return Err(refusal);
    };
    match provider.verify(proof, context.now).await {
        Ok(profile) if (1..=128).contains(&profile.id.len()) && !profile.id.contains('\0') => {
            Ok(profile)
        }
        Ok(_) => {
            tracing::warn!(kind = E::NAME, "a provider gave an id that is none");
            Err(refusal)
        }
        Err(error) => {
            tracing::debug!(kind = E::NAME, %error, "a player is not recognised");
            Err(refusal)
        }
    }
}

/// Gives the account what it lacks. It is as good without, so that no failure counts.
pub(super) async fn fill(
    context: Context<'_>,
    kind: SocialKind,
    profile: SocialProfile,
    with_email: bool,
) {
    let fitting = |text: String, characters_max: usize| {
        let fits = text.chars().count() <= characters_max && !text.contains('\0');
        if fits { text } else { String::new() }
    };
    let known = crate::store::Profile {
        display_name: fitting(profile.display_name, 255),
        avatar_url: fitting(profile.avatar_url, 512),
        email: match with_email {
            true => fitting(profile.email, 255),
            false => String::new(),
        },
    };
    if known == crate::store::Profile::default() {
        return;
    }
    let store = &context.state.store;
    let filled = async {
        let login = store
            .find_login(&Identifier::Social(kind, profile.id))
            .await?;
        match login {
            Some(login) => store.fill_profile(login.user_id, &known, context.now).await,
            None => Ok(()),
        }
    };
    if let Err(error) = filled.await {
        tracing::warn!(%error, "the profile of a player was not kept");
    }
}
