//! Notifications: what a user is told, now or when they look.

use uuid::Uuid;

use crate::id::UserId;

/// Something to tell a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What makes it unique.
    pub id: Uuid,
    /// One line about it.
    pub subject: String,
    /// Text of a JSON object.
    pub content: String,
    /// What it is about: positive codes belong to the game, negative ones to the server.
    pub code: i32,
    /// Whose doing it is; none for notifications about the session itself.
    pub sender: Option<UserId>,
    /// Microseconds since 1970. Clients see whole seconds.
    pub create_us: i64,
    /// Whether it is kept.
    pub persistent: bool,
}
