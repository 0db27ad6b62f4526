//! Accounts that go.

use uuid::Uuid;

use super::Store;
use super::database::{Transaction, sql};
use super::error::StoreError;

impl Store {
    /// Deletes an account and all that is its own: devices, messages, notifications, friends, storage, its
    /// places in groups, and the groups of which it is the only superadmin. One that is not there is no
    /// mistake. Gives the groups that are no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was deleted then.
    pub async fn delete_account(&self, user_id: Uuid) -> Result<Vec<Uuid>, StoreError> {
        // The system user stays whatever happens.
        if user_id.is_nil() {
            return Ok(Vec::new());
        }
        self.database
            .write(|transaction| async move {
                let groups = delete_groups_of(&transaction, user_id).await?;
                for text in [
                    "UPDATE groups SET edge_count = edge_count - 1 WHERE edge_count > 1 AND id IN ( \
                     SELECT source_id FROM group_edges WHERE destination_id = $1 AND state < 3)",
                    "DELETE FROM group_edges WHERE source_id = $1 OR destination_id = $1",
                    "UPDATE users SET edge_count = edge_count - 1 WHERE edge_count > 0 AND id IN ( \
                     SELECT source_id FROM friends WHERE destination_id = $1)",
                    "DELETE FROM users WHERE id = $1",
                ] {
                    transaction.execute(sql(text).bind(user_id)).await?;
                }
                Ok(groups)
            })
            .await
    }
}

/// Deletes the groups of which a user is the only superadmin, and what everybody was to them.
async fn delete_groups_of(
    transaction: &Transaction,
    user_id: Uuid,
) -> Result<Vec<Uuid>, StoreError> {
    let groups = sql("DELETE FROM groups WHERE id IN ( \
             SELECT source_id FROM group_edges WHERE destination_id = $1 AND state = 0) \
         AND NOT EXISTS (SELECT 1 FROM group_edges AS others WHERE others.source_id = groups.id \
             AND others.state = 0 AND others.destination_id <> $1) RETURNING id")
    .bind(user_id);
    let rows = transaction.find(groups).await?;
    let groups = rows.iter().map(|row| row.uuid("id"));
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    let edges = sql(
        "DELETE FROM group_edges WHERE source_id IN (SELECT value FROM json_each($1)) \
         OR destination_id IN (SELECT value FROM json_each($1))",
    )
    .bind_list(&groups);
    transaction.execute(edges).await?;
    Ok(groups)
}
