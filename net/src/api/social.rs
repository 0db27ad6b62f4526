//! Logging in with an account elsewhere.

use std::marker::PhantomData;

use tiltyard_proto::{api, json::FromJson};

use super::authenticate::{Authenticate, Visitor, check_username};
use super::caller::Game;
use super::error::{ApiError, Code};
use super::operation::{Context, Message, Operation};
use super::parameter::Parameter;
use super::query::Query;
use crate::auth::Vars;
use crate::social::{GameCenterProof, SocialKind, SocialProfile, SocialProof};
use crate::store::Identifier;

/// A kind of account elsewhere, as the API knows it.
pub(super) trait Elsewhere: Send + Sync + 'static {
    const KIND: SocialKind;
    /// Names of the operations.
    const AUTHENTICATE: &'static str;
    const LINK: &'static str;
    const UNLINK: &'static str;
    /// The kind in the texts of errors.
    const NAME: &'static str;
    const TAKEN: &'static str;
    /// What a login is told that proves nothing; links are always told the same.
    const REFUSAL: (Code, &'static str);
    /// What is told where the server lacks what it needs; others take that for a bad proof.
    const NOT_CONFIGURED: Option<&'static str> = None;
    /// Whether a link looks at the proof before it minds that.
    const LINK_PROOF_FIRST: bool = false;
    /// Whether there is a parameter `sync`. There are no friends to be had elsewhere, so it is read and
    /// comes to nothing, as imports that fail do.
    const LOGIN_SYNCS: bool = false;
    const LINK_SYNCS: bool = false;
    const LOGIN_QUERY: &'static [Parameter] =
        &[Parameter::boolean("create"), Parameter::text("username")];
    /// Whether logging in fills what is empty in the account, as linking does.
    const FILLS: bool = false;
    type Account: Message + FromJson + Default;
    /// The request of a link, which is the account for all but one.
    type Link: Message + FromJson + Default;

    fn account_of(link: Self::Link) -> Self::Account;

    /// Whether there is anything to look at.
    fn is_given(account: &Self::Account) -> bool;

    /// What the player shows, and variables for the session.
    fn proof(account: Self::Account) -> Result<(SocialProof, Vars), ApiError>;
}

const LOGIN_QUERY_WITH_SYNC: &[Parameter] = &[
    Parameter::boolean("create"),
    Parameter::text("username"),
    Parameter::SYNC,
];

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
        tracing::info!(kind = E::NAME, "a login of a kind that is not set up");
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

fn required(value: String, text: &str) -> Result<String, ApiError> {
    match value.is_empty() {
        true => Err(ApiError::invalid(text)),
        false => Ok(value),
    }
}

/// The kinds that show a token.
macro_rules! by_token {
    ($Kind:ident $Account:ident $Link:ty, $link:pat => $account:expr, $name:literal $required:literal {
        $($rest:tt)*
    }) => {
        pub(super) struct $Kind;

        impl Elsewhere for $Kind {
            const KIND: SocialKind = SocialKind::$Kind;
            const AUTHENTICATE: &'static str = concat!("Authenticate", stringify!($Kind));
            const LINK: &'static str = concat!("Link", stringify!($Kind));
            const UNLINK: &'static str = concat!("Unlink", stringify!($Kind));
            const NAME: &'static str = $name;
            const TAKEN: &'static str = concat!($name, " ID is already in use.");
            const REFUSAL: (Code, &'static str) = (
                Code::Unauthenticated,
                concat!("Could not authenticate ", $name, " profile."),
            );
            $($rest)*
            type Account = api::$Account;
            type Link = $Link;

            fn account_of($link: $Link) -> api::$Account {
                $account
            }

            fn is_given(account: &api::$Account) -> bool {
                !account.token.is_empty()
            }

            fn proof(account: api::$Account) -> Result<(SocialProof, Vars), ApiError> {
                let token = required(account.token, $required)?;
                Ok((SocialProof::Token(token), account.vars.into_iter().collect()))
            }
        }
    };
}

by_token! {
    Apple AccountApple api::AccountApple, link => link,
    "Apple" "Apple ID token is required." {
        const NOT_CONFIGURED: Option<&'static str> =
            Some("Apple authentication is not configured.");
    }
}

by_token! {
    Facebook AccountFacebook api::AccountFacebook, link => link,
    "Facebook" "Facebook access token is required." {
        const LOGIN_SYNCS: bool = true;
        const LINK_SYNCS: bool = true;
        const LOGIN_QUERY: &'static [Parameter] = LOGIN_QUERY_WITH_SYNC;
    }
}

by_token! {
    Google AccountGoogle api::AccountGoogle, link => link,
    "Google" "Google access token is required." {
        const FILLS: bool = true;
    }
}

by_token! {
    Steam AccountSteam api::LinkSteamRequest, link => link.account.unwrap_or_default(),
    "Steam" "Steam access token is required." {
        const NOT_CONFIGURED: Option<&'static str> =
            Some("Steam authentication is not configured.");
        const LINK_PROOF_FIRST: bool = true;
        const LOGIN_SYNCS: bool = true;
        const LOGIN_QUERY: &'static [Parameter] = LOGIN_QUERY_WITH_SYNC;
    }
}

pub(super) struct FacebookInstantGame;

impl Elsewhere for FacebookInstantGame {
    const KIND: SocialKind = SocialKind::FacebookInstantGame;
    const AUTHENTICATE: &'static str = "AuthenticateFacebookInstantGame";
    const LINK: &'static str = "LinkFacebookInstantGame";
    const UNLINK: &'static str = "UnlinkFacebookInstantGame";
    const NAME: &'static str = "Facebook Instant Game";
    const TAKEN: &'static str = "Facebook Instant Game ID is already in use.";
    const REFUSAL: (Code, &'static str) = (
        Code::DataLoss,
        "Error extracting the Facebook Instant Game player ID or validating the signature",
    );
    type Account = api::AccountFacebookInstantGame;
    type Link = Self::Account;

    fn account_of(link: Self::Account) -> Self::Account {
        link
    }

    fn is_given(account: &Self::Account) -> bool {
        !account.signed_player_info.is_empty()
    }

    fn proof(account: Self::Account) -> Result<(SocialProof, Vars), ApiError> {
        let text = "Signed Player Info for a Facebook Instant Game is required.";
        let info = required(account.signed_player_info, text)?;
        let vars = account.vars.into_iter().collect();
        Ok((SocialProof::SignedPlayerInfo(info), vars))
    }
}

pub(super) struct GameCenter;

impl Elsewhere for GameCenter {
    const KIND: SocialKind = SocialKind::GameCenter;
    const AUTHENTICATE: &'static str = "AuthenticateGameCenter";
    const LINK: &'static str = "LinkGameCenter";
    const UNLINK: &'static str = "UnlinkGameCenter";
    const NAME: &'static str = "GameCenter";
    const TAKEN: &'static str = "GameCenter ID is already in use.";
    const REFUSAL: (Code, &'static str) = (
        Code::Unauthenticated,
        "Could not authenticate GameCenter profile.",
    );
    type Account = api::AccountGameCenter;
    type Link = Self::Account;

    fn account_of(link: Self::Account) -> Self::Account {
        link
    }

    fn is_given(account: &Self::Account) -> bool {
        !account.player_id.is_empty()
    }

    fn proof(account: Self::Account) -> Result<(SocialProof, Vars), ApiError> {
        let proof = GameCenterProof {
            bundle_id: required(account.bundle_id, "GameCenter bundle ID is required.")?,
            player_id: required(account.player_id, "GameCenter player ID is required.")?,
            public_key_url: required(
                account.public_key_url,
                "GameCenter public key URL is required.",
            )?,
            salt: required(account.salt, "GameCenter salt is required.")?,
            signature: required(account.signature, "GameCenter signature is required.")?,
            timestamp_seconds: account.timestamp_seconds,
        };
        if proof.timestamp_seconds == 0 {
            return Err(ApiError::invalid("GameCenter timestamp is required."));
        }
        let vars = account.vars.into_iter().collect();
        Ok((SocialProof::GameCenter(proof), vars))
    }
}
