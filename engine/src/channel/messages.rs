//! What clients say in channels.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::{
    ChannelId,
    message::{ChannelMessage, MessageCode, Undelivered, deliver, is_object, store_and_deliver},
};
use crate::{
    clock,
    outbound::{ErrorCode, Reply, RequestError},
    request::{Request, Spelled},
    requests::{self, Asker, Handled},
    stream::{self, Presence},
};

pub(super) fn send(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelMessageSend { channel, content } = request else {
        return Handled::Silent;
    };
    if !is_object(&content) {
        return not_an_object();
    }
    submit(
        world,
        asker,
        channel,
        MessageCode::Chat,
        Uuid::new_v4(),
        content.into(),
    )
}

pub(super) fn update(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelMessageUpdate {
        channel,
        message_id,
        content,
    } = request
    else {
        return Handled::Silent;
    };
    if !is_object(&content) {
        return not_an_object();
    }
    submit(
        world,
        asker,
        channel,
        MessageCode::Update,
        message_id,
        content.into(),
    )
}

pub(super) fn remove(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelMessageRemove {
        channel,
        message_id,
    } = request
    else {
        return Handled::Silent;
    };
    submit(
        world,
        asker,
        channel,
        MessageCode::Remove,
        message_id,
        "{}".into(),
    )
}

fn not_an_object() -> Handled {
    let text = "Message content must be a valid JSON object";
    Handled::refuse(RequestError::bad_input(text))
}

/// Lets a channel know what one of its members says.
///
/// How the member is there decides whether it is kept. What is not kept cannot be looked up either: then
/// members may update and remove any id, under their own name.
fn submit(
    world: &mut World,
    asker: &Asker,
    channel: Spelled<ChannelId>,
    code: MessageCode,
    id: Uuid,
    content: Arc<str>,
) -> Handled {
    let found = stream::find(world, asker.session, asker.who.user_id, &channel.id.0);
    let presence = found.and_then(|presence| world.get::<Presence>(presence));
    let Some(persistent) = presence.map(|presence| presence.meta.persistence) else {
        return Handled::refuse(RequestError::bad_input(not_joined(code)));
    };
    let now_us = clock::record_time(world);
    let message = ChannelMessage {
        channel,
        id,
        code,
        sender: asker.who.user_id,
        username: asker.who.username.clone(),
        content,
        create_us: now_us,
        update_us: now_us,
        persistent,
    };
    if !persistent {
        let message = Arc::new(message);
        deliver(world, &message);
        return Handled::Reply(Reply::ChannelMessageAck(message));
    }
    let session = asker.session;
    store_and_deliver(world, message, move |world, stored| {
        let reply = match stored {
            Ok(message) => Reply::ChannelMessageAck(message),
            Err(reason) => Reply::Error(undelivered(code, reason)),
        };
        requests::answer(world, session, reply);
    });
    Handled::Later
}

const fn not_joined(code: MessageCode) -> &'static str {
    match code {
        MessageCode::Update => "Must join channel before updating messages",
        MessageCode::Remove => "Must join channel before removing messages",
        _ => "Must join channel before sending messages",
    }
}

fn undelivered(code: MessageCode, reason: Undelivered) -> RequestError {
    let (not_found, not_stored) = match code {
        MessageCode::Update => (
            "Could not find message to update in channel history",
            "Could not persist message update to channel history",
        ),
        MessageCode::Remove => (
            "Could not find message to remove in channel history",
            "Could not persist message remove to channel history",
        ),
        _ => {
            let text = "Could not persist message to channel history";
            (text, text)
        }
    };
    match reason {
        Undelivered::NotFound => RequestError::bad_input(not_found),
        Undelivered::NotStored => RequestError::new(ErrorCode::RuntimeException, not_stored),
    }
}
