//! Telling members of a stream who came and went.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::{Presence, StreamId, mode, ops};
use crate::{
    channel,
    id::{UserId, UserPresence},
    outbound::{Event, Outbox},
    party::PartyPresences,
    status::Followers,
};

/// A presence as an event shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceView {
    /// Who it is.
    pub who: UserPresence,
    /// Whether chat sent under it is stored.
    pub persistence: bool,
    /// Its status; clients see it on status streams only.
    pub status: Arc<str>,
}

impl PresenceView {
    pub(crate) fn of(presence: &Presence) -> Self {
        Self {
            who: presence.who.clone(),
            persistence: presence.meta.persistence,
            status: presence.meta.status.clone(),
        }
    }
}

/// What changed on streams in this pass and has not been told yet.
#[derive(Resource, Default, Debug)]
pub(crate) struct PresenceEvents {
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    stream: Entity,
    id: StreamId,
    joins: Vec<PresenceView>,
    leaves: Vec<PresenceView>,
}

/// Changes back from the newest among which one of the same stream is looked for.
///
/// Merging saves messages but owes nothing; a bound keeps a storm of arrivals linear.
const MERGE_LOOKBACK: usize = 64;

impl PresenceEvents {
    pub(crate) fn joined(&mut self, stream: Entity, id: &StreamId, view: PresenceView) {
        self.change(stream, id, &view).joins.push(view);
    }

    pub(crate) fn left(&mut self, stream: Entity, id: &StreamId, view: PresenceView) {
        self.change(stream, id, &view).leaves.push(view);
    }

    /// A presence that changed in place: what it is now, and what it was, unless that was hidden.
    pub(crate) fn updated(
        &mut self,
        stream: Entity,
        id: &StreamId,
        joins: Option<PresenceView>,
        leaves: Option<PresenceView>,
    ) {
        if joins.is_none() && leaves.is_none() {
            return;
        }
        self.changes.push(Change {
            stream,
            id: id.clone(),
            joins: joins.into_iter().collect(),
            leaves: leaves.into_iter().collect(),
        });
    }

    /// The change to add to: the last one of that stream, unless it tells of the same presence already.
    fn change(&mut self, stream: Entity, id: &StreamId, view: &PresenceView) -> &mut Change {
        let recent = self.changes.iter().enumerate().rev().take(MERGE_LOOKBACK);
        let found = recent
            .filter(|(_, change)| change.stream == stream && change.id == *id)
            .map(|(place, change)| (place, change.tells_of(view)))
            .next();
        let place = match found {
            Some((place, false)) => place,
            _ => {
                self.changes.push(Change {
                    stream,
                    id: id.clone(),
                    joins: Vec::new(),
                    leaves: Vec::new(),
                });
                self.changes.len() - 1
            }
        };
        &mut self.changes[place]
    }
}

impl Change {
    fn tells_of(&self, view: &PresenceView) -> bool {
        let same = |other: &PresenceView| {
            other.who.session_id == view.who.session_id && other.who.user_id == view.who.user_id
        };
        self.joins.iter().any(same) || self.leaves.iter().any(same)
    }
}

/// Sends what changed to whoever is on the streams now.
///
/// A newcomer learns of itself, one who left does not: by now it is on no roster.
pub(crate) fn announce_presences(world: &mut World) {
    let changes = std::mem::take(&mut world.resource_mut::<PresenceEvents>().changes);
    for change in changes {
        let to = if change.id.mode == mode::STATUS {
            world
                .resource_mut::<Followers>()
                .of(UserId(change.id.subject))
        } else {
            ops::recipients(world, change.stream)
        };
        if let Some(to) = to {
            let event = event_of(change);
            world.resource_mut::<Outbox>().send(to, event);
        }
    }
}

fn event_of(
    Change {
        id, joins, leaves, ..
    }: Change,
) -> Event {
    if let Some(party_id) = id.party_id() {
        return Event::PartyPresence(Box::new(PartyPresences {
            party_id,
            joins,
            leaves,
        }));
    }
    match id.mode {
        mode::STATUS => Event::StatusPresence { joins, leaves },
        mode::CHANNEL | mode::GROUP | mode::DIRECT_MESSAGE => {
            Event::ChannelPresence(Box::new(channel::presences_of(&id, joins, leaves)))
        }
        mode::MATCH_RELAYED | mode::MATCH_AUTHORITATIVE => match id.match_id() {
            Some(match_id) => Event::MatchPresence {
                match_id,
                joins,
                leaves,
            },
            None => Event::StreamPresence {
                stream: id,
                joins,
                leaves,
            },
        },
        _ => Event::StreamPresence {
            stream: id,
            joins,
            leaves,
        },
    }
}
