//! Chat messages in the embedded database.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tiltyard::{ChannelMessage, MessageTimes, StreamId};
use uuid::Uuid;

use super::{Sqlite, uuid};
use crate::store::error::StoreError;
use crate::store::message::{MessageQuery, StoredMessage};

impl Sqlite {
    pub(in crate::store) async fn may_message(
        &self,
        _from: Uuid,
        to: Uuid,
    ) -> Result<bool, StoreError> {
        // Whoever has blocked the other will be left out here, once users can block each other.
        let found = sqlx::query("SELECT 1 FROM users WHERE id = $1")
            .bind(to.to_string())
            .fetch_optional(&self.readers)
            .await?;
        Ok(found.is_some())
    }

    pub(in crate::store) async fn insert_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<(), StoreError> {
        let StreamId {
            mode,
            subject,
            subcontext,
            label,
        } = &message.channel.id.0;
        sqlx::query(
            "INSERT INTO messages (stream_mode, stream_subject, stream_subcontext, stream_label, \
                 id, code, sender_id, username, content, create_time, update_time) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(mode)
        .bind(subject.to_string())
        .bind(subcontext.to_string())
        .bind(&**label)
        .bind(message.id.to_string())
        .bind(message.code as i32)
        .bind(message.sender.to_string())
        .bind(&*message.username)
        .bind(&*message.content)
        .bind(message.create_us)
        .bind(message.update_us)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn update_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        let StreamId {
            mode,
            subject,
            subcontext,
            label,
        } = &message.channel.id.0;
        let row = sqlx::query(
            "UPDATE messages SET content = $7, username = $8, update_time = $9 \
             WHERE id = $5 AND sender_id = $6 AND stream_mode = $1 AND stream_subject = $2 \
                 AND stream_subcontext = $3 AND stream_label = $4 \
             RETURNING create_time, update_time",
        )
        .bind(mode)
        .bind(subject.to_string())
        .bind(subcontext.to_string())
        .bind(&**label)
        .bind(message.id.to_string())
        .bind(message.sender.to_string())
        .bind(&*message.content)
        .bind(&*message.username)
        .bind(message.update_us)
        .fetch_optional(&self.writer)
        .await?;
        row.map(|row| times(&row)).transpose()
    }

    pub(in crate::store) async fn remove_message(
        &self,
        message: &ChannelMessage,
    ) -> Result<Option<MessageTimes>, StoreError> {
        let StreamId {
            mode,
            subject,
            subcontext,
            label,
        } = &message.channel.id.0;
        let row = sqlx::query(
            "DELETE FROM messages \
             WHERE id = $5 AND sender_id = $6 AND stream_mode = $1 AND stream_subject = $2 \
                 AND stream_subcontext = $3 AND stream_label = $4 \
             RETURNING create_time, update_time",
        )
        .bind(mode)
        .bind(subject.to_string())
        .bind(subcontext.to_string())
        .bind(&**label)
        .bind(message.id.to_string())
        .bind(message.sender.to_string())
        .fetch_optional(&self.writer)
        .await?;
        row.map(|row| times(&row)).transpose()
    }

    pub(in crate::store) async fn messages(
        &self,
        query: &MessageQuery,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let (sql, channel, position) = match query {
            MessageQuery::After(channel, position) => (
                "SELECT * FROM messages WHERE stream_mode = $1 AND stream_subject = $2 \
                     AND stream_subcontext = $3 AND stream_label = $4 \
                     AND (create_time, id) > ($5, $6) \
                 ORDER BY create_time, id LIMIT $7",
                channel,
                position,
            ),
            MessageQuery::Before(channel, position) => (
                "SELECT * FROM messages WHERE stream_mode = $1 AND stream_subject = $2 \
                     AND stream_subcontext = $3 AND stream_label = $4 \
                     AND (create_time, id) < ($5, $6) \
                 ORDER BY create_time DESC, id DESC LIMIT $7",
                channel,
                position,
            ),
        };
        let StreamId {
            mode,
            subject,
            subcontext,
            label,
        } = &channel.0;
        let rows = sqlx::query(sql)
            .bind(mode)
            .bind(subject.to_string())
            .bind(subcontext.to_string())
            .bind(&**label)
            .bind(position.create_us)
            .bind(position.id.to_string())
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(stored).collect()
    }
}

fn times(row: &SqliteRow) -> Result<MessageTimes, StoreError> {
    Ok(MessageTimes {
        create_us: row.try_get("create_time")?,
        update_us: row.try_get("update_time")?,
    })
}

fn stored(row: &SqliteRow) -> Result<StoredMessage, StoreError> {
    Ok(StoredMessage {
        id: uuid(row, "id")?,
        code: row.try_get("code")?,
        sender_id: uuid(row, "sender_id")?,
        username: row.try_get("username")?,
        content: row.try_get("content")?,
        create_us: row.try_get("create_time")?,
        update_us: row.try_get("update_time")?,
    })
}
