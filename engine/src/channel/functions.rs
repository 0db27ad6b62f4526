//! What server code says in channels.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use serde_json::{Map, Value};
use tracing::debug;
use uuid::Uuid;

use super::{
    ChannelId,
    message::{ChannelMessage, MessageCode, deliver, store_and_deliver},
};
use crate::{clock, id::UserId, request::Spelled};

/// In whose name server code speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSender {
    /// The account.
    pub user_id: UserId,
    /// The name to show; it need not be the account's.
    pub username: Arc<str>,
}

impl MessageSender {
    /// The server itself, which has no name.
    #[must_use]
    pub fn server() -> Self {
        Self {
            user_id: UserId::SYSTEM,
            username: Arc::default(),
        }
    }
}

/// The chat functions of the server, on a whole world.
///
/// No one needs to be on the channel for them. What is to be kept is stored first and shown to the channel
/// when it is, in a later pass; if a client called the function that does it, the client is answered after
/// that. What is not to be kept is shown in this pass.
pub trait ChannelFunctions {
    /// Sends a message. Returns it as the channel will see it.
    fn channel_message_send(
        &mut self,
        channel: &ChannelId,
        content: Map<String, Value>,
        sender: MessageSender,
        persist: bool,
    ) -> Arc<ChannelMessage>;

    /// Changes what a message says. If it is to be kept, nothing happens unless the sender has such a
    /// message on this channel.
    fn channel_message_update(
        &mut self,
        channel: &ChannelId,
        message_id: Uuid,
        content: Map<String, Value>,
        sender: MessageSender,
        persist: bool,
    );

    /// Takes a message back. If messages are kept, nothing happens unless the sender has such a message on
    /// this channel.
    fn channel_message_remove(
        &mut self,
        channel: &ChannelId,
        message_id: Uuid,
        sender: MessageSender,
        persist: bool,
    );
}

impl ChannelFunctions for World {
    fn channel_message_send(
        &mut self,
        channel: &ChannelId,
        content: Map<String, Value>,
        sender: MessageSender,
        persist: bool,
    ) -> Arc<ChannelMessage> {
        let id = Uuid::new_v4();
        submit(
            self,
            channel,
            MessageCode::Chat,
            id,
            content,
            sender,
            persist,
        )
    }

    fn channel_message_update(
        &mut self,
        channel: &ChannelId,
        message_id: Uuid,
        content: Map<String, Value>,
        sender: MessageSender,
        persist: bool,
    ) {
        let code = MessageCode::Update;
        submit(self, channel, code, message_id, content, sender, persist);
    }

    fn channel_message_remove(
        &mut self,
        channel: &ChannelId,
        message_id: Uuid,
        sender: MessageSender,
        persist: bool,
    ) {
        let code = MessageCode::Remove;
        submit(self, channel, code, message_id, Map::new(), sender, persist);
    }
}

fn submit(
    world: &mut World,
    channel: &ChannelId,
    code: MessageCode,
    id: Uuid,
    content: Map<String, Value>,
    sender: MessageSender,
    persistent: bool,
) -> Arc<ChannelMessage> {
    let now_us = clock::record_time(world);
    let message = ChannelMessage {
        channel: Spelled {
            id: channel.clone(),
            text: channel.to_string().into(),
        },
        id,
        code,
        sender: sender.user_id,
        username: sender.username,
        content: Value::Object(content).to_string().into(),
        create_us: now_us,
        update_us: now_us,
        persistent,
    };
    if persistent {
        store_and_deliver(world, message.clone(), move |_, stored| {
            if let Err(reason) = stored {
                debug!(message = %id, ?reason, "a message of the server did not get through");
            }
        });
        return Arc::new(message);
    }
    let message = Arc::new(message);
    deliver(world, &message);
    message
}
