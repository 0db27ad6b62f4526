//! What outlives the process: accounts.
//!
//! [`Store`] is the interface; each kind of database has a type of its own behind it, with its
//! own SQL and its own migrations. Acknowledged means committed. Nothing here waits for the
//! world, and the world never waits for it.

mod account;
mod error;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

pub use account::{Account, AccountChange, Identifier, Login, NewAccount, User, UserQuery};
pub use error::{OpenError, StoreError};

use sqlite::Sqlite;

/// A database that is open. Clones share it.
#[derive(Clone, Debug)]
pub struct Store(Backend);

#[derive(Clone, Debug)]
enum Backend {
    Sqlite(Sqlite),
}

impl Store {
    /// Opens the embedded database in a folder, making both if they are not there.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one sentence for the operator; the server must not start.
    pub async fn open_embedded(folder: &Path) -> Result<Self, OpenError> {
        Ok(Self(Backend::Sqlite(Sqlite::open(folder).await?)))
    }

    /// Waits for running work and closes the database. Later calls fail.
    pub async fn close(&self) {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.close().await,
        }
    }

    /// What is needed to let the owner of an identifier in; `None` if nobody has it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn find_login(&self, identifier: &Identifier) -> Result<Option<Login>, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.find_login(identifier).await,
        }
    }

    /// Makes an account and gives its id.
    ///
    /// # Errors
    ///
    /// [`StoreError::UsernameTaken`], [`StoreError::IdentifierTaken`] if another call was faster,
    /// [`StoreError::Unfit`], [`StoreError::Failed`]; nothing was made then.
    pub async fn create_account(
        &self,
        account: &NewAccount,
        now: Timestamp,
    ) -> Result<Uuid, StoreError> {
        account.check()?;
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.create_account(account, now).await,
        }
    }

    /// The account of a user; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn account(&self, user_id: Uuid) -> Result<Option<Account>, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.account(user_id).await,
        }
    }

    /// Users that have one of the ids or names; each once, in no promised order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn users(&self, query: &UserQuery) -> Result<Vec<User>, StoreError> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.users(query).await,
        }
    }

    /// Changes an account. Its update time moves only if a value really changes.
    ///
    /// # Errors
    ///
    /// [`StoreError::UsernameTaken`], [`StoreError::NotFound`], [`StoreError::Unfit`],
    /// [`StoreError::Failed`]; nothing was changed then.
    pub async fn update_account(
        &self,
        user_id: Uuid,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        change.check()?;
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.update_account(user_id, change, now).await,
        }
    }
}
