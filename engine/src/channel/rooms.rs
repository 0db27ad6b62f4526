//! Joining and leaving rooms.

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;

use super::{CHANNEL_NAME_BYTES_MAX, ChannelId, ChannelInfo};
use crate::{
    limits::Limits,
    outbound::{Reply, RequestError},
    request::{Request, RequestKind},
    requests::{Asker, HandleRequests, Handled},
    stream::{
        self, Presence, PresenceMeta, PresenceReason, PresenceView, SessionPresences, StreamId,
        Tracked, mode,
    },
};

/// Rooms that clients join by name.
pub(crate) struct ChannelPlugin;

impl Plugin for ChannelPlugin {
    fn build(&self, app: &mut App) {
        app.handle_request(RequestKind::ChannelJoin, join)
            .handle_request(RequestKind::ChannelLeave, leave);
    }
}

/// The `type` of a channel in a request.
const TYPE_UNSPECIFIED: i32 = 0;
const TYPE_ROOM: i32 = 1;
const TYPE_DIRECT_MESSAGE: i32 = 2;
const TYPE_GROUP: i32 = 3;

fn join(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelJoin {
        target,
        kind,
        persistence,
        hidden,
    } = request
    else {
        return Handled::Silent;
    };
    let stream = match channel_stream(&target, kind) {
        Ok(stream) => stream,
        Err(error) => return Handled::refuse(error),
    };
    if stream::find(world, asker.session, asker.who.user_id, &stream).is_none()
        && channels_of(world, asker.session) >= world.resource::<Limits>().channels_per_session_max
    {
        return Handled::refuse(RequestError::bad_input("Too many channels joined"));
    }
    let meta = PresenceMeta {
        hidden,
        persistence,
        ..PresenceMeta::default()
    };
    let tracked = stream::track(world, asker.session, asker.who.user_id, &stream, meta);
    let is_me = |presence: &Presence| presence.who == asker.who;
    let presences = stream::members(world, &stream)
        .iter()
        .filter(|presence| !(presence.meta.hidden || tracked == Tracked::New && is_me(presence)))
        .map(PresenceView::of)
        .collect();
    let info = ChannelInfo {
        id: ChannelId(stream),
        presences,
        me: asker.who.clone(),
        persistence,
    };
    Handled::Reply(Reply::Channel(Box::new(info)))
}

fn leave(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelLeave { channel } = request else {
        return Handled::Silent;
    };
    if let Some(presence) = stream::find(world, asker.session, asker.who.user_id, &channel.id.0) {
        stream::untrack(world, presence, PresenceReason::Leave);
    }
    Handled::Reply(Reply::Done)
}

/// The stream of the channel that a request names.
fn channel_stream(target: &str, kind: i32) -> Result<StreamId, RequestError> {
    if target.is_empty() {
        return Err(RequestError::bad_input("Invalid channel target"));
    }
    match kind {
        TYPE_UNSPECIFIED | TYPE_ROOM => room_stream(target),
        TYPE_DIRECT_MESSAGE | TYPE_GROUP => {
            Err(RequestError::bad_input("Channel type is not available"))
        }
        _ => Err(RequestError::bad_input("Invalid channel type")),
    }
}

fn room_stream(name: &str) -> Result<StreamId, RequestError> {
    if name.len() > CHANNEL_NAME_BYTES_MAX {
        let text = "Channel name is required and must be 1-64 chars: Invalid channel target";
        return Err(RequestError::bad_input(text));
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        let text = "Channel name must not contain control chars: Invalid channel target";
        return Err(RequestError::bad_input(text));
    }
    Ok(StreamId::labelled(mode::CHANNEL, name))
}

fn channels_of(world: &World, session: Entity) -> usize {
    let presences = world
        .get::<SessionPresences>(session)
        .map_or(&[][..], SessionPresences::as_slice);
    let streams = presences
        .iter()
        .filter_map(|presence| stream::stream_of(world, *presence));
    streams
        .filter(|id| (mode::CHANNEL..=mode::DIRECT_MESSAGE).contains(&id.mode))
        .count()
}
