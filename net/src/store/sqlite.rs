//! The embedded database: one file in the data folder, one writer, a few readers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, atomic::AtomicBool};

use sqlx::ConnectOptions as _;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use super::database::{Database, PATIENCE, Pool, primary_code};
use super::error::OpenError;
use super::migrations;
use crate::auth::{create_private_folder, open_private_file};

/// Name of the file in the data folder.
const FILE: &str = "tiltyard.db";
const READERS: u32 = 2;

pub(super) async fn open(folder: &Path) -> Result<Database, OpenError> {
    let path = path(folder);
    // SQLite gives the files beside the database the mode of the database.
    create_private_folder(folder)
        .and_then(|()| open_private_file(&path))
        .map_err(|error| OpenError::Unwritable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
    let options = options(&path);
    let writer = pool(1)
        .connect_with(options.clone())
        .await
        .map_err(|error| open_error(&path, &error))?;
    if let Err(error) = migrations::SQLITE.run(&writer).await {
        writer.close().await;
        return Err(migrate_error(&path, error));
    }
    let readers = pool(READERS)
        .connect_with(options.read_only(true))
        .await
        .map_err(|error| open_error(&path, &error))?;
    Ok(Database::new(
        Pool::Sqlite(writer),
        Pool::Sqlite(readers),
        Arc::new(AtomicBool::new(true)),
    ))
}

/// The file in a data folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// A connection to look at the database; `None` if there is no file.
pub(super) async fn connect(path: &Path) -> Result<Option<SqliteConnection>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let options = SqliteConnectOptions::new().filename(path);
    let connected = options.connect().await;
    connected
        .map(Some)
        .map_err(|error| open_error(path, &error))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // Readers never wait for the writer.
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut must not take back what was acknowledged.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // As on PostgreSQL; and a `LIKE` with a fixed beginning can use an index then.
        .pragma("case_sensitive_like", "ON")
        // Only another program, such as one that makes a backup, can hold a lock.
        .busy_timeout(PATIENCE)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A connection to a file does not go stale.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Result codes of SQLite (sqlite.org/rescode.html), without their extended part.
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

fn open_error(path: &Path, error: &sqlx::Error) -> OpenError {
    let path = PathBuf::from(path);
    let database = error.as_database_error();
    let code = database.and_then(|database| primary_code(&database.code()?));
    // Some texts have several lines; an operator gets one.
    let reason = database.map_or_else(|| error.to_string(), |database| database.message().into());
    let reason = reason.lines().collect::<Vec<_>>().join(" ");
    match code {
        Some(READONLY | CANTOPEN) => OpenError::Unwritable { path, reason },
        Some(CORRUPT | NOTADB) => OpenError::Corrupt { path },
        _ => OpenError::Failed {
            database: path.display().to_string(),
            reason,
        },
    }
}

pub(super) fn migrate_error(path: &Path, error: MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(path, &error)
        }
        other => migrations::open_error(path.display().to_string(), &other),
    }
}
