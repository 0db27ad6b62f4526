//! The embedded database: one file, one writer, a few readers.

mod messages;
mod notifications;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite as Driver, Transaction};
use uuid::Uuid;

use super::account::{Account, AccountChange, Identifier, Login, NewAccount, User, UserQuery};
use super::error::{OpenError, StoreError};
use crate::auth::{create_private_folder, open_private_file};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Name of the file in the data folder.
const FILE: &str = "tiltyard.db";
const READERS: u32 = 2;
/// How long a call waits for the database before it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// Two pools on one file in WAL mode, so that readers never wait for the writer.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        // SQLite gives the files beside the database the mode of the database.
        create_private_folder(folder)
            .and_then(|()| open_private_file(&path))
            .map_err(|error| OpenError::Unwritable {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // A power cut must not take back what was acknowledged.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| open_error(path.clone(), &error))?;
        if let Err(error) = MIGRATIONS.run(&writer).await {
            writer.close().await;
            return Err(migrate_error(path, error));
        }
        let readers = pool(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(|error| open_error(path, &error))?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(super) async fn find_login(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<Login>, StoreError> {
        let (sql, value) = match identifier {
            Identifier::User(id) => (
                "SELECT id, username, disable_time, password FROM users WHERE id = $1",
                id.to_string(),
            ),
            Identifier::Device(id) => (
                "SELECT users.id AS id, username, disable_time, password FROM users \
                 JOIN devices ON devices.user_id = users.id WHERE devices.id = $1",
                id.clone(),
            ),
            Identifier::Custom(id) => (
                "SELECT id, username, disable_time, password FROM users WHERE custom_id = $1",
                id.clone(),
            ),
            Identifier::Email(email) => (
                "SELECT id, username, disable_time, password FROM users WHERE email = $1",
                email.clone(),
            ),
            Identifier::Username(name) => (
                "SELECT id, username, disable_time, password FROM users WHERE username = $1",
                name.clone(),
            ),
        };
        let row = sqlx::query(sql)
            .bind(value)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| login(&row)).transpose()
    }

    pub(super) async fn create_account(
        &self,
        account: &NewAccount,
        now: Timestamp,
    ) -> Result<Uuid, StoreError> {
        let id = Uuid::new_v4();
        let (device, custom, email) = match &account.identifier {
            Identifier::Device(device) => (Some(device), None, None),
            Identifier::Custom(custom) => (None, Some(custom), None),
            Identifier::Email(email) => (None, None, Some(email)),
            Identifier::User(_) | Identifier::Username(_) => (None, None, None),
        };
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO users (id, username, custom_id, email, password, create_time, update_time) \
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(id.to_string())
        .bind(&account.username)
        .bind(custom)
        .bind(email)
        .bind(&account.password_hash)
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await
        .map_err(taken)?;
        if let Some(device) = device {
            sqlx::query("INSERT INTO devices (id, user_id) VALUES ($1, $2)")
                .bind(device)
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(taken)?;
        }
        transaction.commit().await?;
        Ok(id)
    }

    pub(super) async fn account(&self, user_id: Uuid) -> Result<Option<Account>, StoreError> {
        // The devices come along as JSON, so that account and devices are of one moment.
        let row = sqlx::query(
            "SELECT *, (SELECT json_group_array(id) FROM devices WHERE user_id = users.id) \
             AS devices FROM users WHERE id = $1",
        )
        .bind(user_id.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| account(&row)).transpose()
    }

    pub(super) async fn users(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        let ids = query.ids.iter().map(Uuid::to_string).collect::<Vec<_>>();
        let rows = sqlx::query(
            "SELECT * FROM users WHERE id IN (SELECT value FROM json_each($1)) \
             OR username IN (SELECT value FROM json_each($2)) \
             OR facebook_id IN (SELECT value FROM json_each($3))",
        )
        .bind(json_list(&ids))
        .bind(json_list(&query.usernames))
        .bind(json_list(&query.facebook_ids))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(user).collect()
    }

    pub(super) async fn update_account(
        &self,
        user_id: Uuid,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // An empty text becomes NULL, save in the two columns that cannot be; `IS NOT` is the
        // inequality that knows NULL.
        let updated = sqlx::query(
            "WITH new AS (SELECT \
                 coalesce($2, username) AS username, \
                 nullif(coalesce($3, display_name), '') AS display_name, \
                 nullif(coalesce($4, avatar_url), '') AS avatar_url, \
                 coalesce($5, lang_tag) AS lang_tag, \
                 nullif(coalesce($6, location), '') AS location, \
                 nullif(coalesce($7, timezone), '') AS timezone \
                 FROM users WHERE id = $1) \
             UPDATE users SET \
                 username = new.username, display_name = new.display_name, \
                 avatar_url = new.avatar_url, lang_tag = new.lang_tag, \
                 location = new.location, timezone = new.timezone, \
                 update_time = CASE WHEN \
                     users.username IS NOT new.username \
                     OR users.display_name IS NOT new.display_name \
                     OR users.avatar_url IS NOT new.avatar_url \
                     OR users.lang_tag IS NOT new.lang_tag \
                     OR users.location IS NOT new.location \
                     OR users.timezone IS NOT new.timezone \
                     THEN $8 ELSE update_time END \
             FROM new WHERE id = $1",
        )
        .bind(user_id.to_string())
        .bind(&change.username)
        .bind(&change.display_name)
        .bind(&change.avatar_url)
        .bind(&change.lang_tag)
        .bind(&change.location)
        .bind(&change.timezone)
        .bind(now.as_microsecond())
        .execute(&self.writer)
        .await
        .map_err(taken)?;
        if updated.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        Ok(())
    }

    /// Leaves the mark of a migration that only a later version has.
    #[cfg(test)]
    pub(super) async fn pretend_migration(&self, version: i64) {
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES ($1, 'later', TRUE, x'00', 0)",
        )
        .bind(version)
        .execute(&self.writer)
        .await
        .expect("the table of migrations is there");
    }

    /// Takes the write lock at once: a transaction that begins by reading could lose its place.
    async fn begin(&self) -> Result<Transaction<'static, Driver>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A connection to a file does not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
}

fn json_list(values: &[String]) -> String {
    serde_json::Value::from(values).to_string()
}

fn login(row: &SqliteRow) -> Result<Login, StoreError> {
    Ok(Login {
        user_id: uuid(row, "id")?,
        username: row.try_get("username")?,
        banned: row.try_get::<i64, _>("disable_time")? != 0,
        password_hash: row.try_get("password")?,
    })
}

fn user(row: &SqliteRow) -> Result<User, StoreError> {
    Ok(User {
        id: uuid(row, "id")?,
        username: row.try_get("username")?,
        display_name: text(row, "display_name")?,
        avatar_url: text(row, "avatar_url")?,
        lang_tag: row.try_get("lang_tag")?,
        location: text(row, "location")?,
        timezone: text(row, "timezone")?,
        metadata: row.try_get("metadata")?,
        facebook_id: text(row, "facebook_id")?,
        facebook_instant_game_id: text(row, "facebook_instant_game_id")?,
        google_id: text(row, "google_id")?,
        gamecenter_id: text(row, "gamecenter_id")?,
        steam_id: text(row, "steam_id")?,
        apple_id: text(row, "apple_id")?,
        edge_count: row.try_get("edge_count")?,
        create_time: time(row, "create_time")?,
        update_time: time(row, "update_time")?,
    })
}

fn account(row: &SqliteRow) -> Result<Account, StoreError> {
    let devices: String = row.try_get("devices")?;
    Ok(Account {
        user: user(row)?,
        wallet: row.try_get("wallet")?,
        email: text(row, "email")?,
        devices: serde_json::from_str(&devices).map_err(|error| decode(error.into()))?,
        custom_id: text(row, "custom_id")?,
        verify_time: set_time(row, "verify_time")?,
        disable_time: set_time(row, "disable_time")?,
    })
}

fn uuid(row: &SqliteRow, column: &str) -> Result<Uuid, StoreError> {
    let text: &str = row.try_get(column)?;
    Uuid::parse_str(text).map_err(|error| decode(error.into()))
}

fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    Ok(row
        .try_get::<Option<String>, _>(column)?
        .unwrap_or_default())
}

fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(|error| decode(error.into()))
}

/// A time, where 1970 stands for never.
fn set_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let time = time(row, column)?;
    Ok((time != Timestamp::UNIX_EPOCH).then_some(time))
}

fn decode(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Failed(sqlx::Error::Decode(error))
}

/// Tells which unique column was in the way.
fn taken(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => {
            if database.message().contains("users.username") {
                StoreError::UsernameTaken
            } else {
                StoreError::IdentifierTaken
            }
        }
        _ => StoreError::Failed(error),
    }
}

/// Result codes of SQLite (sqlite.org/rescode.html), without their extended part.
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

fn open_error(path: PathBuf, error: &sqlx::Error) -> OpenError {
    let database = error.as_database_error();
    let code = database
        .and_then(|database| database.code())
        .and_then(|code| code.parse::<i32>().ok());
    // Some texts have several lines; an operator gets one.
    let reason = database.map_or_else(|| error.to_string(), |database| database.message().into());
    let reason = reason.lines().collect::<Vec<_>>().join(" ");
    match code.map(|code| code & 0xff) {
        Some(READONLY | CANTOPEN) => OpenError::Unwritable { path, reason },
        Some(CORRUPT | NOTADB) => OpenError::Corrupt { path },
        _ => OpenError::Failed { path, reason },
    }
}

fn migrate_error(path: PathBuf, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::Newer { path, version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(path, &error)
        }
        other => OpenError::Failed {
            path,
            reason: other.to_string(),
        },
    }
}
