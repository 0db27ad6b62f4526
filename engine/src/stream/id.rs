//! What a stream is called.

use std::sync::Arc;

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};
use uuid::Uuid;

use super::StreamIndex;
use crate::id::{MatchId, NodeName, PartyId, UserId};

/// The modes with a meaning of their own; 8 to 255 are free.
pub mod mode {
    /// Notifications of the user who is the subject.
    pub const NOTIFICATIONS: u8 = 0;
    /// Online presence of the user who is the subject.
    pub const STATUS: u8 = 1;
    /// A chat room, named by the label.
    pub const CHANNEL: u8 = 2;
    /// The chat of the group that is the subject.
    pub const GROUP: u8 = 3;
    /// The direct chat of the users who are subject and subcontext.
    pub const DIRECT_MESSAGE: u8 = 4;
    /// A relayed match.
    pub const MATCH_RELAYED: u8 = 5;
    /// A match that the node named by the label runs.
    pub const MATCH_AUTHORITATIVE: u8 = 6;
    /// A party on the node named by the label.
    pub const PARTY: u8 = 7;
}

/// The name of a stream: all four parts together.
#[derive(Component, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[component(immutable, on_add = index_stream, on_remove = forget_stream)]
pub struct StreamId {
    /// What kind of stream it is.
    pub mode: u8,
    /// What it is about; nil for nothing.
    pub subject: Uuid,
    /// A second part of what it is about; nil for nothing.
    pub subcontext: Uuid,
    /// Any text.
    pub label: Arc<str>,
}

impl StreamId {
    /// A stream about one thing.
    #[must_use]
    pub fn about(mode: u8, subject: Uuid) -> Self {
        Self {
            mode,
            subject,
            subcontext: Uuid::nil(),
            label: Arc::default(),
        }
    }

    /// A stream that only has a label.
    #[must_use]
    pub fn labelled(mode: u8, label: &str) -> Self {
        Self {
            mode,
            subject: Uuid::nil(),
            subcontext: Uuid::nil(),
            label: label.into(),
        }
    }

    /// Where notifications of a user arrive.
    #[must_use]
    pub fn notifications(user: UserId) -> Self {
        Self::about(mode::NOTIFICATIONS, user.0)
    }

    /// Where a user is online.
    #[must_use]
    pub fn status(user: UserId) -> Self {
        Self::about(mode::STATUS, user.0)
    }

    /// Who is in a match.
    #[must_use]
    pub fn of_match(id: MatchId) -> Self {
        match id.node {
            None => Self::about(mode::MATCH_RELAYED, id.uuid),
            Some(node) => Self {
                label: node.as_str().into(),
                ..Self::about(mode::MATCH_AUTHORITATIVE, id.uuid)
            },
        }
    }

    /// Who is in a party.
    #[must_use]
    pub fn of_party(id: PartyId) -> Self {
        Self {
            label: id.node.as_str().into(),
            ..Self::about(mode::PARTY, id.uuid)
        }
    }

    /// The match whose members these are.
    #[must_use]
    pub fn match_id(&self) -> Option<MatchId> {
        match self.mode {
            mode::MATCH_RELAYED => Some(MatchId::relayed(self.subject)),
            mode::MATCH_AUTHORITATIVE => Some(MatchId {
                uuid: self.subject,
                node: NodeName::new(&self.label),
            }),
            _ => None,
        }
    }

    /// The party whose members these are.
    #[must_use]
    pub fn party_id(&self) -> Option<PartyId> {
        (self.mode == mode::PARTY).then(|| PartyId::new(self.subject, &self.label))
    }
}

fn index_stream(mut world: DeferredWorld, context: HookContext) {
    if let Some(id) = world.get::<StreamId>(context.entity).cloned() {
        world
            .resource_mut::<StreamIndex>()
            .insert(id, context.entity);
    }
}

fn forget_stream(mut world: DeferredWorld, context: HookContext) {
    if let Some(id) = world.get::<StreamId>(context.entity).cloned() {
        world
            .resource_mut::<StreamIndex>()
            .remove(&id, context.entity);
    }
}
