//! What outlives the process: accounts, chat, notifications.
//!
//! [`Store`] is the interface; each kind of database has a type of its own behind it, with its
//! own SQL and its own migrations. Acknowledged means committed. Nothing here waits for the
//! world, and the world never waits for it.

mod account;
#[cfg(test)]
mod chat_tests;
mod error;
mod message;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::Timestamp;
use tiltyard::{ChannelMessage, MessageTimes, Notification, UserId};
use uuid::Uuid;

pub use account::{Account, AccountChange, Identifier, Login, NewAccount, User, UserQuery};
pub use error::{OpenError, StoreError};
pub use message::{MessageQuery, Position, StoredMessage};

use account::check_text;
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

    /// Whether a user exists and lets another write to them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn may_message(&self, from: Uuid, to: Uuid) -> Result<bool, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.may_message(from, to).await,
        }
    }

    /// Keeps a chat message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Failed`], also if there is no such sender; nothing was kept
    /// then.
    pub async fn insert_message(&self, message: &ChannelMessage) -> Result<(), StoreError> {
        check_text("username", &message.username, 128)?;
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.insert_message(message).await,
        }
    }

    /// Changes content, username and update time of the message with this channel, id and sender. Gives
    /// its times as they are now; `None` if there is no such message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn update_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        check_text("username", &message.username, 128)?;
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.update_message(message).await,
        }
    }

    /// Forgets the message with this channel, id and sender. Gives its times as they were; `None` if there
    /// is no such message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]; nothing was forgotten then.
    pub async fn remove_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.remove_message(message).await,
        }
    }

    /// A part of the history of a channel.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn messages(
        &self,
        query: &MessageQuery,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.messages(query, limit).await,
        }
    }

    /// Keeps notifications.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Failed`], also if there is no such user; none was kept then.
    pub async fn insert_notifications(
        &self,
        notifications: &[(UserId, Notification)],
    ) -> Result<(), StoreError> {
        for (_, notification) in notifications {
            check_text("subject", &notification.subject, 255)?;
        }
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.insert_notifications(notifications).await,
        }
    }

    /// Keeps a notification for every user but the system, each under
    /// [an id of its own](Notification::id_for).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Failed`]; it may be kept for some users then.
    pub async fn insert_notification_for_all(
        &self,
        notification: &Notification,
    ) -> Result<(), StoreError> {
        check_text("subject", &notification.subject, 255)?;
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.insert_notification_for_all(notification).await,
        }
    }

    /// A user's notifications after this position, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    pub async fn notifications(
        &self,
        user_id: Uuid,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.notifications(user_id, after, limit).await,
        }
    }

    /// Forgets those of the notifications that are the user's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]; none was forgotten then.
    pub async fn delete_notifications(
        &self,
        user_id: Uuid,
        ids: &[Uuid],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Backend::Sqlite(sqlite) => sqlite.delete_notifications(user_id, ids).await,
        }
    }
}
