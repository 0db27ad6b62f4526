//! Notifications in the database.

use tiltyard::{Notification, UserId};
use uuid::Uuid;

use super::Store;
use super::account::check_text;
use super::database::{Row, sql};
use super::error::StoreError;
use super::message::Position;

/// Users that are told at a time. Others may write between two such steps.
const USERS_PER_STEP: u32 = 1000;

impl Store {
    /// Keeps notifications.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`], also if there is no such
    /// user; none was kept then.
    pub async fn insert_notifications(
        &self,
        notifications: &[(UserId, Notification)],
    ) -> Result<(), StoreError> {
        for (_, notification) in notifications {
            check_text("subject", &notification.subject, 255)?;
        }
        self.database
            .write(|transaction| async move {
                for (user, notification) in notifications {
                    let insert = sql("INSERT INTO notifications \
                             (id, user_id, subject, content, code, sender_id, create_time) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7)")
                    .bind(notification.id)
                    .bind(user.0)
                    .bind(&notification.subject)
                    .bind(&notification.content)
                    .bind(notification.code)
                    .bind(sender(notification))
                    .bind(notification.create_us);
                    transaction.execute(insert).await?;
                }
                Ok(())
            })
            .await
    }

    /// Keeps a notification for every user but the system, each under
    /// [an id of its own](Notification::id_for).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`]; it may be kept for some
    /// users then.
    pub async fn insert_notification_for_all(
        &self,
        notification: &Notification,
    ) -> Result<(), StoreError> {
        check_text("subject", &notification.subject, 255)?;
        // The system user has the least id of all.
        let mut last = Uuid::nil();
        loop {
            let step = sql("SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(last)
                .bind(USERS_PER_STEP);
            let rows = self.database.find(step).await?;
            let users = rows.iter().map(|row| row.uuid("id"));
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
        let ids = users.iter().map(|user| notification.id_for(UserId(*user)));
        let insert = sql("INSERT INTO notifications \
                 (id, user_id, subject, content, code, sender_id, create_time) \
             SELECT copy.value, users.id, $3, $4, $5, $6, $7 \
             FROM json_each($1) AS copy \
                 JOIN json_each($2) AS reader ON reader.key = copy.key \
                 JOIN users ON users.id = reader.value")
        .bind_list(&ids.collect::<Vec<_>>())
        .bind_list(users)
        .bind(&notification.subject)
        .bind(&notification.content)
        .bind(notification.code)
        .bind(sender(notification))
        .bind(notification.create_us);
        self.database.execute(insert).await?;
        Ok(())
    }

    /// A user's notifications after this position, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn notifications(
        &self,
        user_id: Uuid,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let listing = sql("SELECT id, subject, content, code, sender_id, create_time \
             FROM notifications WHERE user_id = $1 AND (create_time, id) > ($2, $3) \
             ORDER BY create_time, id LIMIT $4")
        .bind(user_id)
        .bind(after.create_us)
        .bind(after.id)
        .bind(limit);
        let rows = self.database.find(listing).await?;
        rows.iter().map(notification).collect()
    }

    /// Forgets those of the notifications that are the user's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; none was forgotten then.
    pub async fn delete_notifications(
        &self,
        user_id: Uuid,
        ids: &[Uuid],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let delete = sql("DELETE FROM notifications \
             WHERE user_id = $1 AND id IN (SELECT value FROM json_each($2))")
        .bind(user_id)
        .bind_list(ids);
        self.database.execute(delete).await?;
        Ok(())
    }
}

/// The system is stored as nobody.
fn sender(notification: &Notification) -> Option<Uuid> {
    let sender = notification
        .sender
        .filter(|sender| *sender != UserId::SYSTEM);
    sender.map(|sender| sender.0)
}

fn notification(row: &Row) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: row.uuid("id")?,
        subject: row.text("subject")?,
        content: row.text("content")?,
        code: row.integer("code")?,
        sender: row.uuid_or_null("sender_id")?.map(UserId),
        create_us: row.integer("create_time")?,
        persistent: true,
    })
}
