//! Chat messages in the database.

use tiltyard::{ChannelMessage, MessageTimes, StreamId};
use uuid::Uuid;

use super::Store;
use super::account::check_text;
use super::database::{Row, Sql, sql};
use super::error::StoreError;
use super::message::{MessageQuery, StoredMessage};

impl Store {
    /// Whether a user exists and has not blocked another who wants to write to them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn may_message(&self, from: Uuid, to: Uuid) -> Result<bool, StoreError> {
        let found = sql("SELECT id FROM users WHERE id = $2 AND NOT EXISTS \
             (SELECT 1 FROM friends WHERE source_id = $2 AND destination_id = $1 AND state = 3)")
        .bind(from)
        .bind(to);
        Ok(self.database.find_one(found).await?.is_some())
    }

    /// Keeps a chat message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`], also if there is no such
    /// sender; nothing was kept then.
    pub async fn insert_message(&self, message: &ChannelMessage) -> Result<(), StoreError> {
        check_text("username", &message.username, 128)?;
        self.database.execute(insertion(message)).await?;
        Ok(())
    }

    /// Changes content, username and update time of the message with this channel, id and sender. Gives
    /// its times as they are now; `None` if there is no such message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn update_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        check_text("username", &message.username, 128)?;
        let update = sql(
            "UPDATE messages SET content = $7, username = $8, update_time = $9 \
             WHERE stream_mode = $1 AND stream_subject = $2 AND stream_subcontext = $3 \
                 AND stream_label = $4 AND id = $5 AND sender_id = $6 \
             RETURNING create_time, update_time",
        );
        let update = bind_stream(update, &message.channel.id.0)
            .bind(message.id)
            .bind(message.sender.0)
            .bind(&*message.content)
            .bind(&*message.username)
            .bind(message.update_us);
        self.changed_message(update).await
    }

    /// Forgets the message with this channel, id and sender. Gives its times as they were; `None` if there
    /// is no such message.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was forgotten then.
    pub async fn remove_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        let delete = sql("DELETE FROM messages \
             WHERE stream_mode = $1 AND stream_subject = $2 AND stream_subcontext = $3 \
                 AND stream_label = $4 AND id = $5 AND sender_id = $6 \
             RETURNING create_time, update_time");
        let delete = bind_stream(delete, &message.channel.id.0)
            .bind(message.id)
            .bind(message.sender.0);
        self.changed_message(delete).await
    }

    async fn changed_message(&self, change: Sql) -> Result<Option<MessageTimes>, StoreError> {
        let change = &change;
        let changed = self
            .database
            .write(|transaction| async move { transaction.find_one(change.clone()).await });
        changed.await?.map(|row| times(&row)).transpose()
    }

    /// A part of the history of a channel.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn messages(
        &self,
        query: &MessageQuery,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let (listing, channel, position) = match query {
            MessageQuery::After(channel, position) => (
                sql(
                    "SELECT id, code, sender_id, username, content, create_time, update_time \
                     FROM messages WHERE stream_mode = $1 AND stream_subject = $2 \
                         AND stream_subcontext = $3 AND stream_label = $4 \
                         AND (create_time, id) > ($5, $6) \
                     ORDER BY create_time, id LIMIT $7",
                ),
                channel,
                position,
            ),
            MessageQuery::Before(channel, position) => (
                sql(
                    "SELECT id, code, sender_id, username, content, create_time, update_time \
                     FROM messages WHERE stream_mode = $1 AND stream_subject = $2 \
                         AND stream_subcontext = $3 AND stream_label = $4 \
                         AND (create_time, id) < ($5, $6) \
                     ORDER BY create_time DESC, id DESC LIMIT $7",
                ),
                channel,
                position,
            ),
        };
        let listing = bind_stream(listing, &channel.0)
            .bind(position.create_us)
            .bind(position.id)
            .bind(limit);
        let rows = self.database.find(listing).await?;
        rows.iter().map(stored).collect()
    }
}

/// The statement that keeps a message, whose username has to fit.
pub(super) fn insertion(message: &ChannelMessage) -> Sql {
    let insert = sql(
        "INSERT INTO messages (stream_mode, stream_subject, stream_subcontext, stream_label, \
             id, code, sender_id, username, content, create_time, update_time) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    );
    bind_stream(insert, &message.channel.id.0)
        .bind(message.id)
        .bind(message.code as i32)
        .bind(message.sender.0)
        .bind(&*message.username)
        .bind(&*message.content)
        .bind(message.create_us)
        .bind(message.update_us)
}

/// Gives the first four parameters the parts of a stream.
fn bind_stream(sql: Sql, stream: &StreamId) -> Sql {
    let StreamId {
        mode,
        subject,
        subcontext,
        label,
    } = stream;
    sql.bind(*mode)
        .bind(*subject)
        .bind(*subcontext)
        .bind(&**label)
}

fn times(row: &Row) -> Result<MessageTimes, StoreError> {
    Ok(MessageTimes {
        create_us: row.integer("create_time")?,
        update_us: row.integer("update_time")?,
    })
}

fn stored(row: &Row) -> Result<StoredMessage, StoreError> {
    Ok(StoredMessage {
        id: row.uuid("id")?,
        code: row.integer("code")?,
        sender_id: row.uuid("sender_id")?,
        username: row.text("username")?,
        content: row.text("content")?,
        create_us: row.integer("create_time")?,
        update_us: row.integer("update_time")?,
    })
}
