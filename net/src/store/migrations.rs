//! The schema: the same steps, with the same numbers, for both kinds of database.

use std::collections::BTreeSet;

use sqlx::Connection as _;
use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::error::OpenError;
use super::{postgres, sqlite};
use crate::config::Config;

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

/// How far the schema of a database is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schema {
    /// The database, without passwords.
    pub database: String,
    /// The steps that this version knows, in their order.
    pub steps: Vec<SchemaStep>,
}

/// A step of the schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchemaStep {
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub name: String,
    /// Whether the database has it.
    pub done: bool,
}

/// Looks how far the schema of the database is that the configuration names, and changes nothing. An embedded
/// database that does not exist yet has no step.
///
/// # Errors
///
/// [`OpenError`], one sentence for the operator.
pub async fn schema(config: &Config) -> Result<Schema, OpenError> {
    if let Some(address) = &config.database.address {
        let mut connection = postgres::connect(address).await?;
        let done = done(&mut connection).await;
        drop(connection.close().await);
        let done = done.map_err(|error| postgres::migrate_error(address, error))?;
        return steps(&POSTGRES, address.to_string(), &done);
    }
    let path = sqlite::path(&config.data_dir);
    let database = path.display().to_string();
    let Some(mut connection) = sqlite::connect(&path).await? else {
        return steps(&SQLITE, database, &BTreeSet::new());
    };
    let done = done(&mut connection).await;
    drop(connection.close().await);
    let done = done.map_err(|error| sqlite::migrate_error(&path, error))?;
    steps(&SQLITE, database, &done)
}

/// The numbers of the steps that a database has.
async fn done(connection: &mut impl Migrate) -> Result<BTreeSet<i64>, MigrateError> {
    match connection.list_applied_migrations("_sqlx_migrations").await {
        Ok(applied) => Ok(applied.iter().map(|step| step.version).collect()),
        Err(MigrateError::Execute(error)) if is_missing_table(&error) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
    })
}

fn steps(migrator: &Migrator, database: String, done: &BTreeSet<i64>) -> Result<Schema, OpenError> {
    if let Some(version) = done
        .iter()
        .find(|number| !migrator.version_exists(**number))
    {
        return Err(OpenError::Newer {
            database,
            version: *version,
        });
    }
    let steps = migrator.iter().map(|migration| SchemaStep {
        number: migration.version,
        name: migration.description.to_string(),
        done: done.contains(&migration.version),
    });
    Ok(Schema {
        database,
        steps: steps.collect(),
    })
}
