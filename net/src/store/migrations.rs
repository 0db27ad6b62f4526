//! The schema: the same steps, with the same numbers, for both kinds of database.

use sqlx::migrate::{MigrateError, Migrator};

use super::error::OpenError;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// What a failed migration tells the operator, save for errors of a statement.
pub(super) fn open_error(database: String, error: &MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::Newer {
            database,
            version: *version,
        },
        other => OpenError::Failed {
            database,
            reason: other.to_string(),
        },
    }
}
