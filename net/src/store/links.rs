//! What accounts are logged in with, added and taken away.

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::account::{Identifier, Profile, check_text};
use super::accounts::taken;
use super::database::{Sql, sql};
use super::error::StoreError;
use crate::social::SocialKind;

/// How many identifiers the user of a row of `users` has.
macro_rules! identifier_count {
    () => {
        "((CASE WHEN apple_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN custom_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN email IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN facebook_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN facebook_instant_game_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN gamecenter_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN google_id IS NULL THEN 0 ELSE 1 END) \
         + (CASE WHEN steam_id IS NULL THEN 0 ELSE 1 END) \
         + (SELECT count(*) FROM devices WHERE devices.user_id = users.id))"
    };
}

/// The statements for an identifier that has a column of `users`.
pub(super) struct Column {
    /// Of the value `$1`.
    pub(super) find: &'static str,
    /// Gives user `$1` the value `$2` at the time `$3`.
    pub(super) set: &'static str,
    /// Takes `$2`, or whatever there is, from user `$1` at `$3`, unless nothing would be left.
    clear: &'static str,
}

macro_rules! column {
    ($name:literal) => {
        column!($name, $name, "")
    };
    ($name:literal, $compared:literal, $too:literal) => {
        Column {
            find: concat!(
                "SELECT id, username, disable_time, password FROM users WHERE ",
                $name,
                " = $1"
            ),
            set: concat!(
                "UPDATE users SET ",
                $name,
                " = $2, update_time = $3 WHERE id = $1"
            ),
            clear: concat!(
                "UPDATE users SET ",
                $name,
                " = NULL",
                $too,
                ", update_time = $3 WHERE id = $1 AND ",
                $compared,
                " IS NOT DISTINCT FROM coalesce($2, ",
                $compared,
                ") AND ",
                identifier_count!(),
                " > (CASE WHEN ",
                $name,
                " IS NULL THEN 0 ELSE 1 END)"
            ),
        }
    };
}

const CUSTOM: Column = column!("custom_id");
/// Addresses that came from elsewhere are as they came; a password goes with its address.
const EMAIL: Column = column!("email", "lower(email)", ", password = NULL");

pub(super) const fn social(kind: SocialKind) -> Column {
    match kind {
        SocialKind::Apple => column!("apple_id"),
        SocialKind::Facebook => column!("facebook_id"),
        SocialKind::FacebookInstantGame => column!("facebook_instant_game_id"),
        SocialKind::GameCenter => column!("gamecenter_id"),
        SocialKind::Google => column!("google_id"),
        SocialKind::Steam => column!("steam_id"),
    }
}

/// What is taken from an account: of all but devices this one, or the one there is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unlink {
    /// A device id.
    Device(String),
    /// The custom id.
    Custom(Option<String>),
    /// The e-mail address, in lower case, and the password with it.
    Email(Option<String>),
    /// The id at a provider.
    Social(SocialKind, Option<String>),
}

impl Unlink {
    /// The identifier that it has to be, if any.
    fn wanted(&self) -> Option<&str> {
        match self {
            Self::Device(id) => Some(id),
            Self::Custom(id) | Self::Email(id) | Self::Social(_, id) => id.as_deref(),
        }
    }
}

impl Store {
    /// Gives an account one more identifier, in place of one of the same kind, save that devices add
    /// up. An e-mail address comes with the hash of a password.
    ///
    /// # Errors
    ///
    /// [`StoreError::IdentifierTaken`] by another account, [`StoreError::NotFound`],
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed
    /// then.
    pub async fn link(
        &self,
        user_id: Uuid,
        identifier: &Identifier,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        identifier.check()?;
        let set = |column: Column, value: &str| sql(column.set).bind(user_id).bind(value).bind(now);
        let link = match identifier {
            Identifier::Device(id) => return self.link_device(user_id, id, now).await,
            Identifier::Custom(id) => set(CUSTOM, id),
            Identifier::Social(kind, id) => set(social(*kind), id),
            Identifier::Email(email) => {
                let both =
                    "UPDATE users SET email = $2, update_time = $3, password = $4 WHERE id = $1";
                let both = sql(both).bind(user_id).bind(email).bind(now);
                both.bind(password_hash)
            }
            Identifier::User(_) | Identifier::Username(_) => {
                return Err(StoreError::Unfit { column: "id" });
            }
        };
        if self.database.execute(link).await.map_err(taken)? == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
    }

    async fn link_device(&self, user_id: Uuid, id: &str, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(|transaction| async move {
                let touch = sql("UPDATE users SET update_time = $2 WHERE id = $1");
                let touched = transaction.execute(touch.bind(user_id).bind(now)).await?;
                if touched == 0 {
                    return Err(StoreError::NotFound);
                }
                let insert = "INSERT INTO devices (id, user_id) VALUES ($1, $2) \
                     ON CONFLICT (id) DO NOTHING";
                transaction
                    .execute(sql(insert).bind(id).bind(user_id))
                    .await?;
                let own = sql("SELECT id FROM devices WHERE id = $1 AND user_id = $2");
                let own = transaction.find_one(own.bind(id).bind(user_id)).await?;
                own.map(drop).ok_or(StoreError::IdentifierTaken)
            })
            .await
    }

    /// Takes an identifier from an account. One that it has none of is no mistake.
    ///
    /// # Errors
    ///
    /// [`StoreError::LastIdentifier`] if nothing else were left to log in with, or it is not the
    /// account's; [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn unlink(
        &self,
        user_id: Uuid,
        unlink: &Unlink,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Nobody has one with a NUL in it, and not every database can be asked for it.
        if unlink.wanted().is_some_and(|id| id.contains('\0')) {
            return Err(StoreError::LastIdentifier);
        }
        let clear = |column: Column, value: &Option<String>| {
            sql(column.clear).bind(user_id).bind(value).bind(now)
        };
        let statements = match unlink {
            Unlink::Device(id) => {
                let delete = sql(concat!(
                    "DELETE FROM devices WHERE id = $2 AND user_id = $1 AND (SELECT ",
                    identifier_count!(),
                    " FROM users WHERE users.id = $1) > 1"
                ));
                let touch = sql("UPDATE users SET update_time = $2 WHERE id = $1");
                vec![delete.bind(user_id).bind(id), touch.bind(user_id).bind(now)]
            }
            Unlink::Custom(id) => vec![clear(CUSTOM, id)],
            Unlink::Email(email) => vec![clear(EMAIL, email)],
            Unlink::Social(kind, id) => vec![clear(social(*kind), id)],
        };
        let statements: &[Sql] = &statements;
        self.database
            .write(|transaction| async move {
                for statement in statements {
                    if transaction.execute(statement.clone()).await? == 0 {
                        return Err(StoreError::LastIdentifier);
                    }
                }
                Ok(())
            })
            .await
    }

    /// Gives an account what it lacks of a profile; of an e-mail address only one that is free.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`]; some of it may be there
    /// then.
    pub async fn fill_profile(
        &self,
        user_id: Uuid,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        check_text("display_name", &profile.display_name, 255)?;
        check_text("avatar_url", &profile.avatar_url, 512)?;
        check_text("email", &profile.email, 255)?;
        let names = sql(
            "UPDATE users SET display_name = coalesce(display_name, $2), \
             avatar_url = coalesce(avatar_url, $3), update_time = $4 WHERE id = $1 AND ( \
             (display_name IS NULL AND CAST($2 AS TEXT) IS NOT NULL) \
             OR (avatar_url IS NULL AND CAST($3 AS TEXT) IS NOT NULL))",
        )
        .bind(user_id)
        .bind(&given(&profile.display_name))
        .bind(&given(&profile.avatar_url))
        .bind(now);
        self.database.execute(names).await?;
        if profile.email.is_empty() {
            return Ok(());
        }
        let email = sql(
            "UPDATE users SET email = $2, update_time = $3 WHERE id = $1 \
             AND email IS NULL AND NOT EXISTS ( \
             SELECT 1 FROM users AS others WHERE lower(others.email) = lower($2))",
        )
        .bind(user_id)
        .bind(&profile.email)
        .bind(now);
        match self.database.execute(email).await {
            Err(error) if error.is_duplicate() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Puts another hash of the same password in the place of an old one, if that is still there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn replace_password_hash(
        &self,
        user_id: Uuid,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError> {
        let replace = sql("UPDATE users SET password = $3 WHERE id = $1 AND password = $2");
        let replace = replace.bind(user_id).bind(old).bind(new);
        self.database.execute(replace).await.map(drop)
    }
}
