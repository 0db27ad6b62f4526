//! What server code tells users.

use bevy_ecs::prelude::*;
use serde_json::{Map, Value};
use thiserror::Error;
use uuid::Uuid;

use super::Notification;
use crate::{clock, id::UserId};

/// A notification that server code sends.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNotification {
    /// One line about it, 1 to 255 characters.
    pub subject: String,
    /// The game's own affair.
    pub content: Map<String, Value>,
    /// What it is about: above 0, or from -2000 to -1000.
    pub code: i32,
    /// Whose doing it is; [`UserId::SYSTEM`] is the server.
    pub sender: UserId,
    /// Whether users who are not connected find it later.
    pub persistent: bool,
}

/// Why a notification was not sent. Nothing else of the same call was, either.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NotificationError {
    /// The code belongs to the server.
    #[error("expects code to be above 0 or from -2000 to -1000")]
    Code,
    /// There is no subject, or more than fits.
    #[error("expects subject to have 1 to 255 characters")]
    Subject,
}

/// The notification functions of the server, on a whole world.
///
/// What is to be kept is stored first and delivered when it is, in a later pass; if a client called the
/// function that does it, the client is answered after that.
pub trait NotificationFunctions {
    /// Tells one user.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] if the notification is none that server code may send.
    fn notification_send(
        &mut self,
        user_id: UserId,
        notification: NewNotification,
    ) -> Result<(), NotificationError>;

    /// Tells several users. Those of one user arrive together, in this order. If some are to be kept, all
    /// wait until they are, and if they cannot be, none is delivered.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] if one of them is none that server code may send.
    fn notifications_send(
        &mut self,
        notifications: Vec<(UserId, NewNotification)>,
    ) -> Result<(), NotificationError>;

    /// Tells every user: all who are connected and, if it is to be kept, all others later.
    ///
    /// # Errors
    ///
    /// [`NotificationError`] if the notification is none that server code may send.
    fn notification_send_all(
        &mut self,
        notification: NewNotification,
    ) -> Result<(), NotificationError>;
}

impl NotificationFunctions for World {
    fn notification_send(
        &mut self,
        user_id: UserId,
        notification: NewNotification,
    ) -> Result<(), NotificationError> {
        self.notifications_send(vec![(user_id, notification)])
    }

    fn notifications_send(
        &mut self,
        notifications: Vec<(UserId, NewNotification)>,
    ) -> Result<(), NotificationError> {
        for (_, notification) in &notifications {
            notification.check()?;
        }
        let made = notifications
            .into_iter()
            .map(|(user, notification)| (user, notification.make(self)))
            .collect();
        super::send(self, made);
        Ok(())
    }

    fn notification_send_all(
        &mut self,
        notification: NewNotification,
    ) -> Result<(), NotificationError> {
        notification.check()?;
        let notification = notification.make(self);
        super::send_all(self, notification);
        Ok(())
    }
}

impl NewNotification {
    fn check(&self) -> Result<(), NotificationError> {
        if self.code <= 0 && !(-2000..=-1000).contains(&self.code) {
            return Err(NotificationError::Code);
        }
        if self.subject.is_empty() || self.subject.chars().count() > SUBJECT_CHARACTERS_MAX {
            return Err(NotificationError::Subject);
        }
        Ok(())
    }

    pub(crate) fn make(self, world: &mut World) -> Notification {
        Notification {
            id: Uuid::new_v4(),
            subject: self.subject,
            content: Value::Object(self.content).to_string(),
            code: self.code,
            sender: Some(self.sender),
            create_us: clock::record_time(world),
            persistent: self.persistent,
        }
    }
}

/// Characters in the longest subject, as the database keeps it.
const SUBJECT_CHARACTERS_MAX: usize = 255;
