use std::path::PathBuf;

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
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// The value does not fit its column.
    #[error("{column} does not fit")]
    Unfit {
        /// The column.
        column: &'static str,
    },
    /// The database did not do its work; the operator has to look after it.
    #[error("the database failed: {0}")]
    Failed(#[from] sqlx::Error),
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
    /// The file was written by a later version of the server.
    #[error(
        "{} was written by a later version of the server (schema {version}); run that version \
         or set another data_dir",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema version it has.
        version: i64,
    },
    /// The database could not be prepared for another reason.
    #[error("cannot open the database {}: {reason}; check the file and the disk", path.display())]
    Failed {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
}
