//! Joining and leaving channels.

use bevy_ecs::prelude::*;

use super::{
    CHANNEL_NAME_BYTES_MAX, ChannelId, ChannelInfo,
    entering::{Entry, look_up},
    groups,
};
use crate::{
    id::{UserId, parse_uuid},
    limits::Limits,
    notification,
    outbound::{Reply, RequestError},
    request::Request,
    requests::{self, Asker, Handled},
    store::{self, StoreRequest},
    stream::{
        self, Presence, PresenceMeta, PresenceReason, PresenceView, SessionPresences, StreamId,
        Tracked, mode,
    },
};

/// The `type` of a channel in a request.
const TYPE_UNSPECIFIED: i32 = 0;
const TYPE_ROOM: i32 = 1;
const TYPE_DIRECT_MESSAGE: i32 = 2;
const TYPE_GROUP: i32 = 3;

pub(super) fn join(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelJoin {
        target,
        kind,
        persistence,
        hidden,
    } = request
    else {
        return Handled::Silent;
    };
    let meta = PresenceMeta {
        hidden,
        persistence,
        ..PresenceMeta::default()
    };
    if target.is_empty() {
        return Handled::refuse(RequestError::bad_input("Invalid channel target"));
    }
    match kind {
        TYPE_UNSPECIFIED | TYPE_ROOM => match room_stream(&target) {
            Ok(stream) => enter(world, asker, stream, meta),
            Err(error) => Handled::refuse(error),
        },
        TYPE_DIRECT_MESSAGE => join_direct(world, asker, &target, meta),
        TYPE_GROUP => groups::join(world, asker, &target, meta),
        _ => Handled::refuse(RequestError::bad_input("Invalid channel type")),
    }
}

pub(super) fn leave(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::ChannelLeave { channel } = request else {
        return Handled::Silent;
    };
    if let Some(presence) = stream::find(world, asker.session, asker.who.user_id, &channel.id.0) {
        stream::untrack(world, presence, PresenceReason::Leave);
    }
    Handled::Reply(Reply::Done)
}

fn room_stream(name: &str) -> Result<StreamId, RequestError> {
    if name.len() > CHANNEL_NAME_BYTES_MAX {
        return Err(bad_target(
            "Channel name is required and must be 1-64 chars",
        ));
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(bad_target("Channel name must not contain control chars"));
    }
    Ok(StreamId::labelled(mode::CHANNEL, name))
}

pub(super) fn bad_target(reason: &str) -> RequestError {
    RequestError::bad_input(format!("{reason}: Invalid channel target"))
}

/// Asks the database whether the other user is there to be talked to, and goes on when it has answered.
fn join_direct(world: &mut World, asker: &Asker, target: &str, meta: PresenceMeta) -> Handled {
    let Some(other) = parse_uuid(target).filter(|id| !id.is_nil()) else {
        return Handled::refuse(bad_target("Invalid user ID in direct message join"));
    };
    let entry = Entry {
        asker: asker.clone(),
        channel: ChannelId::direct(asker.who.user_id, UserId(other)).0,
        meta,
        question: StoreRequest::DirectMessage {
            from: asker.who.user_id,
            to: UserId(other),
        },
        refusal: "User ID not found",
        failure: "Failed to look up user ID",
    };
    look_up(world, entry, enter_direct);
    Handled::Later
}

/// The other user is invited unless they are there, visibly, already.
fn enter_direct(world: &mut World, entry: Entry) {
    let Entry {
        asker,
        channel,
        meta,
        question,
        ..
    } = entry;
    let StoreRequest::DirectMessage { to: other, .. } = question else {
        return;
    };
    let is_new = stream::find(world, asker.session, asker.who.user_id, &channel).is_none();
    let Handled::Reply(reply) = enter(world, &asker, channel.clone(), meta) else {
        return;
    };
    let is_there = stream::members(world, &channel)
        .iter()
        .any(|presence| presence.who.user_id == other && !presence.meta.hidden);
    if !is_new || is_there || matches!(reply, Reply::Error(_)) {
        return requests::answer(world, asker.session, reply);
    }
    let since = store::last_question(world);
    notification::invite_to_chat(world, &asker.who, other);
    // Joined is joined, whether or not the invitation could be kept.
    let session = asker.session;
    store::hold(world, since, move |world, _| {
        requests::answer(world, session, reply);
    });
}

/// Puts a session on a channel on which it may be.
pub(super) fn enter(
    world: &mut World,
    asker: &Asker,
    stream: StreamId,
    meta: PresenceMeta,
) -> Handled {
    if stream::find(world, asker.session, asker.who.user_id, &stream).is_none()
        && channels_of(world, asker.session) >= world.resource::<Limits>().channels_per_session_max
    {
        return Handled::refuse(RequestError::bad_input("Too many channels joined"));
    }
    let persistence = meta.persistence;
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
