//! Chat that is kept, as the rest of the server sees it.

use tiltyard::ChannelId;
use uuid::Uuid;

/// A place in a listing that is ordered by time and id.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// Microseconds since 1970.
    pub create_us: i64,
    /// The id of what is there.
    pub id: Uuid,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self {
        create_us: i64::MIN,
        id: Uuid::nil(),
    };
    /// After everything.
    pub const END: Self = Self {
        create_us: i64::MAX,
        id: Uuid::max(),
    };
}

/// A part of the history of a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MessageQuery {
    /// What came after this, oldest first.
    After(ChannelId, Position),
    /// What came before this, newest first.
    Before(ChannelId, Position),
}

/// A message of a channel's history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredMessage {
    /// What makes it unique.
    pub id: Uuid,
    /// What kind of message it is; updates do not change that.
    pub code: i32,
    /// Who sent it; nil is the server.
    pub sender_id: Uuid,
    /// The sender's name when it was sent or last changed.
    pub username: String,
    /// Text of a JSON object.
    pub content: String,
    /// When it was sent, in microseconds since 1970.
    pub create_us: i64,
    /// When it was last changed, in microseconds since 1970.
    pub update_us: i64,
}

impl StoredMessage {
    /// Where it is in the listing.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position {
            create_us: self.create_us,
            id: self.id,
        }
    }
}
