//! Notifications in the embedded database.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tiltyard::{Notification, UserId};
use uuid::Uuid;

use super::{Sqlite, decode, json_list, uuid};
use crate::store::error::StoreError;
use crate::store::message::Position;

/// Users that are told at a time. Others may write between two such steps.
const USERS_PER_STEP: u32 = 1000;

impl Sqlite {
    pub(in crate::store) async fn insert_notifications(
        &self,
        notifications: &[(UserId, Notification)],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (user, notification) in notifications {
            sqlx::query(
                "INSERT INTO notifications \
                     (id, user_id, subject, content, code, sender_id, create_time) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(notification.id.to_string())
            .bind(user.to_string())
            .bind(&notification.subject)
            .bind(&notification.content)
            .bind(notification.code)
            .bind(sender(notification))
            .bind(notification.create_us)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn insert_notification_for_all(
        &self,
        notification: &Notification,
    ) -> Result<(), StoreError> {
        // The system user has the least id of all.
        let mut last = Uuid::nil();
        loop {
            let rows = sqlx::query("SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(last.to_string())
                .bind(USERS_PER_STEP)
                .fetch_all(&self.readers)
                .await?;
            let users = rows.iter().map(|row| uuid(row, "id"));
            let users = users.collect::<Result<Vec<Uuid>, _>>()?;
            let Some(user) = users.last() else {
                return Ok(());
            };
            last = *user;
            self.insert_copies(notification, &users).await?;
        }
    }

    /// Users who have gone meanwhile are left out.
    async fn insert_copies(
        &self,
        notification: &Notification,
        users: &[Uuid],
    ) -> Result<(), StoreError> {
        let copies = users.iter().map(|user| {
            let id = notification.id_for(UserId(*user));
            serde_json::json!([id.to_string(), user.to_string()])
        });
        sqlx::query(
            "INSERT INTO notifications \
                 (id, user_id, subject, content, code, sender_id, create_time) \
             SELECT copy.value ->> 0, users.id, $2, $3, $4, $5, $6 \
             FROM json_each($1) AS copy JOIN users ON users.id = copy.value ->> 1",
        )
        .bind(serde_json::Value::from_iter(copies).to_string())
        .bind(&notification.subject)
        .bind(&notification.content)
        .bind(notification.code)
        .bind(sender(notification))
        .bind(notification.create_us)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn notifications(
        &self,
        user_id: Uuid,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM notifications WHERE user_id = $1 AND (create_time, id) > ($2, $3) \
             ORDER BY create_time, id LIMIT $4",
        )
        .bind(user_id.to_string())
        .bind(after.create_us)
        .bind(after.id.to_string())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(notification).collect()
    }

    pub(in crate::store) async fn delete_notifications(
        &self,
        user_id: Uuid,
        ids: &[Uuid],
    ) -> Result<(), StoreError> {
        let ids = ids.iter().map(Uuid::to_string).collect::<Vec<_>>();
        sqlx::query(
            "DELETE FROM notifications \
             WHERE user_id = $1 AND id IN (SELECT value FROM json_each($2))",
        )
        .bind(user_id.to_string())
        .bind(json_list(&ids))
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

fn sender(notification: &Notification) -> Option<String> {
    let sender = notification
        .sender
        .filter(|sender| *sender != UserId::SYSTEM);
    sender.map(|sender| sender.to_string())
}

fn notification(row: &SqliteRow) -> Result<Notification, StoreError> {
    let sender: Option<&str> = row.try_get("sender_id")?;
    let sender = sender.map(Uuid::parse_str).transpose();
    Ok(Notification {
        id: uuid(row, "id")?,
        subject: row.try_get("subject")?,
        content: row.try_get("content")?,
        code: row.try_get("code")?,
        sender: sender.map_err(|error| decode(error.into()))?.map(UserId),
        create_us: row.try_get("create_time")?,
        persistent: true,
    })
}
