//! Channels of groups: who is a member is the database's business, who is there is ours.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::{
    ChannelId,
    entering::{Entry, look_up, turn_away},
    membership::{bad_target, enter},
    message::{ChannelMessage, deliver},
};
use crate::{
    id::{UserId, parse_uuid},
    requests::{self, Asker, Handled},
    store::StoreRequest,
    stream::{self, Presence, PresenceMeta, PresenceReason, Presences, StreamId, mode},
};

/// Asks the database whether the user is a member, and goes on when it has answered.
pub(super) fn join(world: &mut World, asker: &Asker, target: &str, meta: PresenceMeta) -> Handled {
    let Some(group) = parse_uuid(target) else {
        let text = "Invalid group ID in group channel join";
        return Handled::refuse(bad_target(text));
    };
    let entry = Entry {
        asker: asker.clone(),
        channel: StreamId::about(mode::GROUP, group),
        meta,
        question: StoreRequest::GroupMember {
            group,
            user: asker.who.user_id,
        },
        refusal: "Group not found",
        failure: "Failed to look up group membership",
    };
    look_up(world, entry, let_in);
    Handled::Later
}

fn let_in(world: &mut World, entry: Entry) {
    let Entry {
        asker,
        channel,
        meta,
        ..
    } = entry;
    if let Handled::Reply(reply) = enter(world, &asker, channel, meta) {
        requests::answer(world, asker.session, reply);
    }
}

/// Shows messages to everybody on a channel, and then takes users off it.
pub(crate) fn show(
    world: &mut World,
    channel: &ChannelId,
    messages: Vec<ChannelMessage>,
    leavers: &[UserId],
) {
    for message in messages {
        deliver(world, &Arc::new(message));
    }
    turn_away(world, &channel.0, |user| leavers.contains(&user));
    let presences = stream::entity_of(world, &channel.0)
        .and_then(|stream| world.get::<Presences>(stream))
        .map(|presences| presences.as_slice().to_vec())
        .unwrap_or_default();
    for presence in presences {
        let leaves = world
            .get::<Presence>(presence)
            .is_some_and(|presence| leavers.contains(&presence.who.user_id));
        if leaves {
            stream::untrack(world, presence, PresenceReason::Leave);
        }
    }
}
