//! Kinds of accounts elsewhere: what they are called, what they show, and how they differ.

use tiltyard_proto::{api, json::FromJson};

use super::authenticate::LOGIN_QUERY;
use super::error::{ApiError, Code};
use super::operation::Message;
use super::parameter::Parameter;
use crate::auth::Vars;
use crate::social::{GameCenterProof, SocialKind, SocialProof};

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
    const LOGIN_QUERY: &'static [Parameter] = LOGIN_QUERY;
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
