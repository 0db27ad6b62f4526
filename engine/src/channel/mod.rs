//! Chat channels: rooms, groups, direct messages.
//!
//! A channel is a stream, and being on it is all there is to membership: whoever has a presence there may
//! speak. How the presence is there says whether what they say is kept.

mod entering;
mod functions;
#[cfg(test)]
mod group_tests;
mod groups;
mod id;
mod membership;
mod message;
mod messages;
#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;

use bevy_app::prelude::*;

use crate::{
    id::UserPresence,
    request::RequestKind,
    requests::HandleRequests,
    stream::{PresenceView, StreamId},
};

pub(crate) use self::{entering::turn_away, groups::show};
pub use self::{
    functions::{ChannelFunctions, MessageSender},
    id::{CHANNEL_NAME_BYTES_MAX, ChannelId},
    message::{ChannelMessage, MessageCode},
};

/// Channels that clients join, speak in and leave.
pub(crate) struct ChannelPlugin;

impl Plugin for ChannelPlugin {
    fn build(&self, app: &mut App) {
        app.handle_request(RequestKind::ChannelJoin, membership::join)
            .handle_request(RequestKind::ChannelLeave, membership::leave)
            .handle_request(RequestKind::ChannelMessageSend, messages::send)
            .handle_request(RequestKind::ChannelMessageUpdate, messages::update)
            .handle_request(RequestKind::ChannelMessageRemove, messages::remove);
    }
}

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
