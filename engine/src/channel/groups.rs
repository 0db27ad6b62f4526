//! Channels of groups: who is a member is the database's business, who is there is ours.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::{
    ChannelId,
    membership::{bad_target, enter},
    message::{ChannelMessage, deliver},
};
use crate::{
    id::{UserId, parse_uuid},
    outbound::{ErrorCode, Reply, RequestError},
    requests::{self, Asker, Handled},
    session::Session,
    store::{self, StoreReply, StoreRequest},
    stream::{self, Presence, PresenceMeta, PresenceReason, Presences, StreamId, mode},
};

/// On a session: it waits to be let into the channel of a group.
///
/// Taken away if its user has to leave that channel meanwhile, since the answer of the database may be older
/// than that.
#[derive(Component)]
struct Entering {
    channel: StreamId,
    user: UserId,
}

/// Asks the database whether the user is a member, and goes on when it has answered.
pub(super) fn join(world: &mut World, asker: &Asker, target: &str, meta: PresenceMeta) -> Handled {
    let Some(group) = parse_uuid(target) else {
        let text = "Invalid group ID in group channel join";
        return Handled::refuse(bad_target(text));
    };
    ask(world, asker.clone(), group, meta);
    Handled::Later
}

fn ask(world: &mut World, asker: Asker, group: Uuid, meta: PresenceMeta) {
    let user = asker.who.user_id;
    let channel = StreamId::about(mode::GROUP, group);
    let Ok(mut session) = world.get_entity_mut(asker.session) else {
        return;
    };
    session.insert(Entering {
        channel: channel.clone(),
        user,
    });
    let request = StoreRequest::GroupMember { group, user };
    store::ask(world, request, move |world, outcome| {
        if world.get::<Session>(asker.session).is_none() {
            return;
        }
        let is_current = world.entity_mut(asker.session).take::<Entering>().is_some();
        let refusal = match outcome {
            Ok(StoreReply::Allowed(true)) if !is_current => return ask(world, asker, group, meta),
            Ok(StoreReply::Allowed(true)) => {
                if let Handled::Reply(reply) = enter(world, &asker, channel, meta) {
                    requests::answer(world, asker.session, reply);
                }
                return;
            }
            Ok(StoreReply::Allowed(false)) => bad_target("Group not found"),
            _ => RequestError::new(
                ErrorCode::RuntimeException,
                "Failed to look up group membership",
            ),
        };
        requests::answer(world, asker.session, Reply::Error(refusal));
    });
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

/// Makes sessions that are about to enter a channel ask once more whether they may.
pub(crate) fn turn_away(world: &mut World, channel: &StreamId, leaves: impl Fn(UserId) -> bool) {
    let mut entering = world.query::<(Entity, &Entering)>();
    let turned: Vec<Entity> = entering
        .iter(world)
        .filter(|(_, entering)| entering.channel == *channel && leaves(entering.user))
        .map(|(session, _)| session)
        .collect();
    for session in turned {
        world.entity_mut(session).remove::<Entering>();
    }
}
