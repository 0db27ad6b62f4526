//! Who may not log in.

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::database::sql;
use super::error::StoreError;

impl Store {
    /// Bans users. Those who are banned already stay so since when they were; those who do not exist are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn ban_accounts(&self, users: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        // The system user stays whatever happens.
        let ban = sql("UPDATE users SET disable_time = $2 \
             WHERE id IN (SELECT value FROM json_each($1)) AND disable_time = 0 AND id <> $3")
        .bind_list(users)
        .bind(now)
        .bind(Uuid::nil());
        self.database.execute(ban).await?;
        Ok(())
    }

    /// Lets users log in again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn unban_accounts(&self, users: &[Uuid]) -> Result<(), StoreError> {
        let unban = sql("UPDATE users SET disable_time = 0 \
             WHERE id IN (SELECT value FROM json_each($1))")
        .bind_list(users);
        self.database.execute(unban).await?;
        Ok(())
    }
}
