//! Accounts as the rest of the server sees them.

use jiff::Timestamp;
use uuid::Uuid;

use super::error::StoreError;
use super::metadata::Metadata;
use crate::social::SocialKind;

/// What somebody logs in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identifier {
    /// A user's id; cannot be registered.
    User(Uuid),
    /// A device id; an account may have many.
    Device(String),
    /// An id of the game's own.
    Custom(String),
    /// An e-mail address in lower case.
    Email(String),
    /// The username; cannot be registered.
    Username(String),
    /// An id at a provider.
    Social(SocialKind, String),
}

/// What a provider knows of a user. Empty text stands for nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// Name to show.
    pub display_name: String,
    /// Address of a picture.
    pub avatar_url: String,
    /// E-mail address, as it was delivered.
    pub email: String,
}

/// What is needed to let somebody in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// The user.
    pub user_id: Uuid,
    /// Their name now.
    pub username: String,
    /// Whether they are banned.
    pub banned: bool,
    /// Hash of their password, if they have one.
    pub password_hash: Option<String>,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What its owner logs in with.
    pub identifier: Identifier,
    /// Its name.
    pub username: String,
    /// Hash of its password, where there is one.
    pub password_hash: Option<String>,
}

/// What anybody may know of a user. Empty text stands for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The id; nil is the system.
    pub id: Uuid,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Address of a picture.
    pub avatar_url: String,
    /// Language tag.
    pub lang_tag: String,
    /// Free text.
    pub location: String,
    /// Free text.
    pub timezone: String,
    /// Text of a JSON object.
    pub metadata: String,
    /// Id at the provider.
    pub facebook_id: String,
    /// Id at the provider.
    pub facebook_instant_game_id: String,
    /// Id at the provider.
    pub google_id: String,
    /// Id at the provider.
    pub gamecenter_id: String,
    /// Id at the provider.
    pub steam_id: String,
    /// Id at the provider.
    pub apple_id: String,
    /// Count of friend relations of every kind.
    pub edge_count: i32,
    /// When the account was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// What a user may know of their own account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The public part.
    pub user: User,
    /// Text of a JSON object.
    pub wallet: String,
    /// E-mail address, or empty.
    pub email: String,
    /// Device ids.
    pub devices: Vec<String>,
    /// Custom id, or empty.
    pub custom_id: String,
    /// When the address was verified.
    pub verify_time: Option<Timestamp>,
    /// Since when the user is banned.
    pub disable_time: Option<Timestamp>,
}

/// Which users to look up; they match if any of the lists has them.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    /// User ids.
    pub ids: Vec<Uuid>,
    /// Exact usernames.
    pub usernames: Vec<String>,
    /// Ids at Facebook.
    pub facebook_ids: Vec<String>,
}

impl UserQuery {
    /// Whether nobody is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.usernames.is_empty() && self.facebook_ids.is_empty()
    }
}

/// Changes to an account: what is `None` stays, what is empty is cleared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountChange {
    /// Unique name; not empty.
    pub username: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// Address of a picture.
    pub avatar_url: Option<String>,
    /// Language tag; not empty.
    pub lang_tag: Option<String>,
    /// Free text.
    pub location: Option<String>,
    /// Free text.
    pub timezone: Option<String>,
    /// What only game code writes.
    pub metadata: Option<Metadata>,
}

impl AccountChange {
    /// Refuses what no backend stores; column limits count characters.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let columns = [
            ("username", &self.username, 128),
            ("display_name", &self.display_name, 255),
            ("avatar_url", &self.avatar_url, 512),
            ("lang_tag", &self.lang_tag, 18),
            ("location", &self.location, 255),
            ("timezone", &self.timezone, 255),
        ];
        for (column, value, characters_max) in columns {
            let Some(value) = value else { continue };
            check_text(column, value, characters_max)?;
            if value.is_empty() && matches!(column, "username" | "lang_tag") {
                return Err(StoreError::Unfit { column });
            }
        }
        Ok(())
    }
}

impl NewAccount {
    /// Refuses what no backend stores; column limits count characters.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        check_text("username", &self.username, 128)?;
        self.identifier.check()
    }
}

impl Identifier {
    /// Refuses what cannot be registered, and what no backend stores.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Device(id) | Self::Custom(id) | Self::Social(_, id) => check_text("id", id, 128),
            Self::Email(email) => check_text("email", email, 255),
            Self::User(_) => Err(StoreError::Unfit { column: "id" }),
            Self::Username(_) => Err(StoreError::Unfit { column: "username" }),
        }
    }
}

pub(super) fn check_text(
    column: &'static str,
    value: &str,
    characters_max: usize,
) -> Result<(), StoreError> {
    if value.contains('\0') || value.chars().count() > characters_max {
        return Err(StoreError::Unfit { column });
    }
    Ok(())
}
