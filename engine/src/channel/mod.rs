//! Chat channels: rooms, groups, direct messages.

mod id;
mod rooms;

use crate::{
    id::UserPresence,
    stream::{PresenceView, StreamId},
};

pub use self::id::{CHANNEL_NAME_BYTES_MAX, ChannelId};
pub(crate) use self::rooms::ChannelPlugin;

/// The answer to joining a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelInfo {
    /// Which channel.
    pub id: ChannelId,
    /// Who is there and visible.
    pub presences: Vec<PresenceView>,
    /// The one who asked.
    pub me: UserPresence,
    /// Whether what they send is stored.
    pub persistence: bool,
}

/// Who came to a channel and who left it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelPresences {
    /// Which channel.
    pub id: ChannelId,
    /// Who came.
    pub joins: Vec<PresenceView>,
    /// Who went.
    pub leaves: Vec<PresenceView>,
}

pub(crate) fn presences_of(
    stream: &StreamId,
    joins: Vec<PresenceView>,
    leaves: Vec<PresenceView>,
) -> ChannelPresences {
    ChannelPresences {
        id: ChannelId(stream.clone()),
        joins,
        leaves,
    }
}
