use std::path::PathBuf;

use sqlx::error::DatabaseError;

use super::database::is_outage;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another user has this name; choose another.
    #[error("the username is taken")]
    UsernameTaken,
    /// Another account has this identifier; it may have been made just now, so look again.
    #[error("the identifier is taken")]
    IdentifierTaken,
    /// The identifier is not the user's, or the only one they have.
    #[error("the identifier is another's or the last")]
    LastIdentifier,
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// There is no such object in storage.
    #[error("there is no such object")]
    NoSuchObject,
    /// What is in storage is not what was expected; read it and decide anew.
    #[error("the object has another version")]
    VersionDiffers,
    /// Whoever wants to write the object may not.
    #[error("the object may not be written")]
    WriteForbidden,
    /// What was asked for is more than one answer may have; ask for less.
    #[error("more than may be read at once")]
    TooMuch,
    /// The value does not fit its column.
    #[error("{column} does not fit")]
    Unfit {
        /// The column.
        column: &'static str,
    },
    /// The database is down, frozen, full or too busy; try again later. What was to be changed may be
    /// changed all the same if the answer got lost.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database does not understand what it was asked; the server is at fault.
    #[error("the database failed: {0}")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_outage(&error) {
            return Self::Unavailable(error);
        }
        Self::Failed(error)
    }
}

impl StoreError {
    /// Whether a row with the same value of a unique column was in the way.
    pub(super) fn is_duplicate(&self) -> bool {
        self.database()
            .is_some_and(DatabaseError::is_unique_violation)
    }

    /// Whether it was this column, which is declared `UNIQUE` on its own.
    pub(super) fn is_duplicate_of(&self, table: &str, column: &str) -> bool {
        self.is_duplicate()
            && self
                .database()
                .is_some_and(|error| match error.constraint() {
                    Some(name) => name == format!("{table}_{column}_key"),
                    None => error.message().ends_with(&format!(" {table}.{column}")),
                })
    }

    /// Whether a row that was referred to was not there.
    pub(super) fn is_dangling(&self) -> bool {
        self.database()
            .is_some_and(DatabaseError::is_foreign_key_violation)
    }

    fn database(&self) -> Option<&dyn DatabaseError> {
        match self {
            Self::Failed(error) => error.as_database_error(),
            _ => None,
        }
    }
}

/// Why the store cannot be opened. The text is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder or file cannot be used by this process.
    #[error(
        "cannot write the database {}: {reason}; make the folder writable or set another data_dir",
        path.display()
    )]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "{} is not a healthy database; restore a copy of it, or move it away to begin anew",
        path.display()
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
    },
    /// The database was written by a later version of the server.
    #[error(
        "{database} was written by a later version of the server (schema {version}); run that version \
         or use another database"
    )]
    Newer {
        /// The database.
        database: String,
        /// The schema version it has.
        version: i64,
    },
    /// There is no database server, or it takes no connections.
    #[error("cannot connect to {database}: {reason}; start it, or correct database.address")]
    Unreachable {
        /// The database.
        database: String,
        /// What is in the way.
        reason: String,
    },
    /// The database server does not let us in.
    #[error(
        "{database} refuses the login: {reason}; correct the user or the password in database.address"
    )]
    LoginRefused {
        /// The database.
        database: String,
        /// What the database server said.
        reason: String,
    },
    /// The database server has no such database.
    #[error("{database} is not there; make it (`createdb {name}`), or correct database.address")]
    Missing {
        /// The database.
        database: String,
        /// Its name alone.
        name: String,
    },
    /// The database could not be prepared for another reason.
    #[error("cannot open the database {database}: {reason}; look after it and start again")]
    Failed {
        /// The database.
        database: String,
        /// What it said.
        reason: String,
    },
}
