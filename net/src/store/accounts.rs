//! Accounts in the database.

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::account::{Account, AccountChange, Identifier, Login, NewAccount, User, UserQuery};
use super::database::{Row, Sql, sql};
use super::error::StoreError;
use super::links;
use super::metadata::Metadata;

/// What [`user`] reads.
macro_rules! user_columns {
    () => {
        "users.id, users.username, users.display_name, users.avatar_url, users.lang_tag, \
         users.location, users.timezone, users.metadata, users.facebook_id, \
         users.facebook_instant_game_id, users.google_id, users.gamecenter_id, users.steam_id, \
         users.apple_id, users.edge_count, users.create_time, users.update_time"
    };
}
pub(super) use user_columns;

impl Store {
    /// What is needed to let the owner of an identifier in; `None` if nobody has it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn find_login(&self, identifier: &Identifier) -> Result<Option<Login>, StoreError> {
        let row = self.database.find_one(login_of(identifier)).await?;
        row.map(|row| login(&row)).transpose()
    }

    /// Makes an account and gives its id.
    ///
    /// # Errors
    ///
    /// [`StoreError::UsernameTaken`], [`StoreError::IdentifierTaken`] if another call was faster,
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was made then.
    pub async fn create_account(
        &self,
        account: &NewAccount,
        now: Timestamp,
    ) -> Result<Uuid, StoreError> {
        account.check()?;
        let id = Uuid::new_v4();
        let (device, custom, email) = match &account.identifier {
            Identifier::Device(device) => (Some(device.as_str()), None, None),
            Identifier::Custom(custom) => (None, Some(custom.as_str()), None),
            Identifier::Email(email) => (None, None, Some(email.as_str())),
            Identifier::User(_) | Identifier::Username(_) | Identifier::Social(..) => {
                (None, None, None)
            }
        };
        let social = match &account.identifier {
            Identifier::Social(kind, social) => Some((links::social(*kind).set, social)),
            _ => None,
        };
        let user = sql(
            "INSERT INTO users (id, username, custom_id, email, password, create_time, update_time) \
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(id)
        .bind(&account.username)
        .bind(custom)
        .bind(email)
        .bind(&account.password_hash)
        .bind(now);
        let user = &user;
        self.database
            .write(|transaction| async move {
                transaction.execute(user.clone()).await.map_err(taken)?;
                if let Some(device) = device {
                    let device = sql("INSERT INTO devices (id, user_id) VALUES ($1, $2)")
                        .bind(device)
                        .bind(id);
                    transaction.execute(device).await.map_err(taken)?;
                }
                if let Some((set, social)) = social {
                    let social = sql(set).bind(id).bind(social).bind(now);
                    transaction.execute(social).await.map_err(taken)?;
                }
                Ok(id)
            })
            .await
    }

    /// The account of a user; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn account(&self, user_id: Uuid) -> Result<Option<Account>, StoreError> {
        Ok(self.accounts(&[user_id]).await?.pop())
    }

    /// The accounts of users, by id; whoever has none is left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn accounts(&self, users: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        // One statement, so that accounts and devices are of one moment.
        let found = sql(concat!(
            "SELECT ",
            user_columns!(),
            ", wallet, email, custom_id, verify_time, disable_time, devices.id AS device_id \
             FROM users LEFT JOIN devices ON devices.user_id = users.id \
             WHERE users.id IN (SELECT value FROM json_each($1)) ORDER BY users.id, devices.id"
        ))
        .bind_list(users);
        let mut accounts: Vec<Account> = Vec::new();
        for row in self.database.find(found).await? {
            let id = row.uuid("id")?;
            if accounts.last().is_none_or(|last| last.user.id != id) {
                accounts.push(account(&row)?);
            }
            let device = row.text_or_null("device_id")?;
            if let Some(last) = accounts.last_mut() {
                last.devices.extend(device);
            }
        }
        Ok(accounts)
    }

    /// Users that have one of the ids or names; each once, in no promised order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn users(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let found = sql(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE id IN (SELECT value FROM json_each($1)) \
             OR username IN (SELECT value FROM json_each($2)) \
             OR facebook_id IN (SELECT value FROM json_each($3))"
        ))
        .bind_list(&query.ids)
        .bind_list(&storable(&query.usernames))
        .bind_list(&storable(&query.facebook_ids));
        self.database.find(found).await?.iter().map(user).collect()
    }

    /// Changes an account. Its update time moves only if a value really changes.
    ///
    /// # Errors
    ///
    /// [`StoreError::UsernameTaken`], [`StoreError::NotFound`], [`StoreError::Unfit`],
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn update_account(
        &self,
        user_id: Uuid,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        change.check()?;
        // An empty text becomes NULL, save in the two columns that cannot be.
        let update = sql("WITH new AS (SELECT \
                 coalesce($2, username) AS username, \
                 nullif(coalesce($3, display_name), '') AS display_name, \
                 nullif(coalesce($4, avatar_url), '') AS avatar_url, \
                 coalesce($5, lang_tag) AS lang_tag, \
                 nullif(coalesce($6, location), '') AS location, \
                 nullif(coalesce($7, timezone), '') AS timezone, \
                 coalesce($9, metadata) AS metadata \
                 FROM users WHERE id = $1) \
             UPDATE users SET \
                 username = new.username, display_name = new.display_name, \
                 avatar_url = new.avatar_url, lang_tag = new.lang_tag, \
                 location = new.location, timezone = new.timezone, metadata = new.metadata, \
                 update_time = CASE WHEN \
                     users.username IS DISTINCT FROM new.username \
                     OR users.display_name IS DISTINCT FROM new.display_name \
                     OR users.avatar_url IS DISTINCT FROM new.avatar_url \
                     OR users.lang_tag IS DISTINCT FROM new.lang_tag \
                     OR users.location IS DISTINCT FROM new.location \
                     OR users.timezone IS DISTINCT FROM new.timezone \
                     OR users.metadata IS DISTINCT FROM new.metadata \
                     THEN $8 ELSE users.update_time END \
             FROM new WHERE id = $1")
        .bind(user_id)
        .bind(&change.username)
        .bind(&change.display_name)
        .bind(&change.avatar_url)
        .bind(&change.lang_tag)
        .bind(&change.location)
        .bind(&change.timezone)
        .bind(now)
        .bind(change.metadata.as_ref().map(Metadata::as_str));
        if self.database.execute(update).await.map_err(taken)? == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
    }
}

/// What may be in a database: nothing there has a NUL in it, and not every one can be asked for one.
fn storable(texts: &[String]) -> Vec<&str> {
    let texts = texts.iter().map(String::as_str);
    texts.filter(|text| !text.contains('\0')).collect()
}

fn login_of(identifier: &Identifier) -> Sql {
    match identifier {
        Identifier::User(id) => {
            sql("SELECT id, username, disable_time, password FROM users WHERE id = $1").bind(*id)
        }
        Identifier::Device(id) => sql(
            "SELECT users.id AS id, username, disable_time, password FROM users \
             JOIN devices ON devices.user_id = users.id WHERE devices.id = $1",
        )
        .bind(id),
        Identifier::Custom(id) => {
            sql("SELECT id, username, disable_time, password FROM users WHERE custom_id = $1")
                .bind(id)
        }
        Identifier::Email(email) => {
            sql("SELECT id, username, disable_time, password FROM users WHERE email = $1")
                .bind(email)
        }
        Identifier::Social(kind, id) => sql(links::social(*kind).find).bind(id),
        Identifier::Username(name) => {
            sql("SELECT id, username, disable_time, password FROM users WHERE username = $1")
                .bind(name)
        }
    }
}

fn login(row: &Row) -> Result<Login, StoreError> {
    Ok(Login {
        user_id: row.uuid("id")?,
        username: row.text("username")?,
        banned: row.time_if_set("disable_time")?.is_some(),
        password_hash: row.text_or_null("password")?,
    })
}

pub(super) fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.uuid("id")?,
        username: row.text("username")?,
        display_name: row.text_or_empty("display_name")?,
        avatar_url: row.text_or_empty("avatar_url")?,
        lang_tag: row.text("lang_tag")?,
        location: row.text_or_empty("location")?,
        timezone: row.text_or_empty("timezone")?,
        metadata: row.text("metadata")?,
        facebook_id: row.text_or_empty("facebook_id")?,
        facebook_instant_game_id: row.text_or_empty("facebook_instant_game_id")?,
        google_id: row.text_or_empty("google_id")?,
        gamecenter_id: row.text_or_empty("gamecenter_id")?,
        steam_id: row.text_or_empty("steam_id")?,
        apple_id: row.text_or_empty("apple_id")?,
        edge_count: row.integer("edge_count")?,
        create_time: row.time("create_time")?,
        update_time: row.time("update_time")?,
    })
}

/// An account whose devices are still to come.
fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        user: user(row)?,
        wallet: row.text("wallet")?,
        email: row.text_or_empty("email")?,
        devices: Vec::new(),
        custom_id: row.text_or_empty("custom_id")?,
        verify_time: row.time_if_set("verify_time")?,
        disable_time: row.time_if_set("disable_time")?,
    })
}

/// Tells which unique column was in the way.
pub(super) fn taken(error: StoreError) -> StoreError {
    if error.is_duplicate_of("users", "username") {
        StoreError::UsernameTaken
    } else if error.is_duplicate() {
        StoreError::IdentifierTaken
    } else {
        error
    }
}
