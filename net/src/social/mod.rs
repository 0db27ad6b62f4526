//! Accounts elsewhere: who a player is according to Google, Apple, Steam and others.
//!
//! A game brings a provider of its own, or replaces one of ours, by a resource:
//!
//! ```
//! use futures_util::future::BoxFuture;
//! use jiff::Timestamp;
//! use tiltyard_net::social::{
//!     SocialError, SocialKind, SocialProfile, SocialProof, SocialProvider, SocialProviders,
//! };
//!
//! /// Believes whoever can say the word.
//! struct Speakeasy;
//!
//! impl SocialProvider for Speakeasy {
//!     fn verify(
//!         &self,
//!         proof: SocialProof,
//!         _: Timestamp,
//!     ) -> BoxFuture<'_, Result<SocialProfile, SocialError>> {
//!         Box::pin(async move {
//!             match &proof {
//!                 SocialProof::Token(token) if token == "swordfish" => {
//!                     Ok(SocialProfile::new("joe").with_display_name("Joe"))
//!                 }
//!                 _ => Err(SocialError::Rejected),
//!             }
//!         })
//!     }
//! }
//!
//! let providers = SocialProviders::new().with(SocialKind::Facebook, Speakeasy);
//! // App::new().add_plugins(ServerPlugins).insert_resource(providers).run()
//! # drop(providers);
//! ```

mod fetch;
mod id_token;
mod jwt;
mod key_cache;
mod providers;
mod steam;
#[cfg(test)]
mod tests;

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use id_token::{Apple, Google};
pub use providers::SocialProviders;
pub use steam::Steam;

/// A kind of account elsewhere.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SocialKind {
    /// Sign in with Apple.
    Apple,
    /// Facebook.
    Facebook,
    /// A player of a Facebook Instant Game.
    FacebookInstantGame,
    /// Apple's Game Center.
    GameCenter,
    /// Google.
    Google,
    /// Steam.
    Steam,
}

/// What a player shows. Its `Debug` form says only what kind it is.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum SocialProof {
    /// The token or ticket of Apple, Facebook, Google or Steam.
    Token(String),
    /// What a Facebook Instant Game is given about its player.
    SignedPlayerInfo(String),
    /// What Game Center signs.
    GameCenter(GameCenterProof),
}

impl fmt::Debug for SocialProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(secret)",
            Self::SignedPlayerInfo(_) => "SignedPlayerInfo(secret)",
            Self::GameCenter(_) => "GameCenter(secret)",
        })
    }
}

/// What Game Center signs, as the client gave it.
#[derive(Clone, Eq, PartialEq)]
pub struct GameCenterProof {
    /// The player.
    pub player_id: String,
    /// The game.
    pub bundle_id: String,
    /// When it was signed, in seconds since 1970.
    pub timestamp_seconds: i64,
    /// In base64.
    pub salt: String,
    /// In base64.
    pub signature: String,
    /// Where the client says the key is. It must not be believed: only Apple's hosts may be asked.
    pub public_key_url: String,
}

impl fmt::Debug for GameCenterProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GameCenterProof(secret)")
    }
}

/// Who the player is. Empty text stands for nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SocialProfile {
    /// Id at the provider, 1 to 128 bytes that never change hands.
    pub id: String,
    /// Name to show; given to accounts that have none.
    pub display_name: String,
    /// Address of a picture; given to accounts that have none.
    pub avatar_url: String,
    /// An e-mail address that the provider has verified; given to new accounts if it is free.
    pub email: String,
}

impl SocialProfile {
    /// A profile of which only the id is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..Self::default()
        }
    }

    /// The same with a name to show.
    #[must_use]
    pub fn with_display_name(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = display_name.into();
        self
    }

    /// The same with the address of a picture.
    #[must_use]
    pub fn with_avatar_url(mut self, avatar_url: impl Into<String>) -> Self {
        self.avatar_url = avatar_url.into();
        self
    }

    /// The same with an e-mail address, which must be verified.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = email.into();
        self
    }
}

/// Why a player was not recognised. Clients are told the same for either.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SocialError {
    /// The proof proves nothing.
    #[error("the proof was rejected")]
    Rejected,
    /// The provider could not be asked; try again later.
    #[error("the provider cannot be asked")]
    Unavailable,
}

/// Somebody who knows players by what they show.
pub trait SocialProvider: Send + Sync + 'static {
    /// Finds out who shows this. `now` is the time of the server.
    ///
    /// It should end within some five seconds, and may be dropped before.
    fn verify(
        &self,
        proof: SocialProof,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<SocialProfile, SocialError>>;
}
