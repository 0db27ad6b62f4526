//! What server code does to streams.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use thiserror::Error;

use super::{Presence, PresenceMeta, PresenceReason, StreamId, Tracked, ops};
use crate::{
    id::{SessionId, Slot, UserId},
    outbound::{EnvelopeReader, Event, Outbox, Recipients, StreamDataEvent},
    session::{Session, SessionIndex},
};

/// Why a stream function refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// The session is not connected. Nothing was changed.
    #[error("session not found")]
    SessionNotFound,
    /// The message is not one of the wire protocol. Nothing was sent.
    #[error("not a valid envelope: {0}")]
    NotAnEnvelope(String),
}

/// The stream functions of the server, on a whole world: what they do holds when they return.
///
/// Presence events that they cause are sent at the end of the pass. Functions that name a user and a
/// session do not check that one belongs to the other: a session may be put on a stream under another
/// user's id.
pub trait StreamFunctions {
    /// The presences on a stream, in the order in which they joined.
    ///
    /// `hidden` and `visible` say which are wanted; an unknown stream has none.
    fn stream_user_list(&self, stream: &StreamId, hidden: bool, visible: bool) -> Vec<Presence>;

    /// One presence of a stream, if it is there.
    fn stream_user_get(
        &self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
    ) -> Option<Presence>;

    /// Puts a session on a stream. Returns whether it is new there; if not, nothing changes.
    ///
    /// # Errors
    ///
    /// [`StreamError::SessionNotFound`] if the session is not connected.
    fn stream_user_join(
        &mut self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
        meta: PresenceMeta,
    ) -> Result<bool, StreamError>;

    /// Replaces how a presence is on a stream, or adds it.
    ///
    /// # Errors
    ///
    /// [`StreamError::SessionNotFound`] if the session is not connected.
    fn stream_user_update(
        &mut self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
        meta: PresenceMeta,
    ) -> Result<(), StreamError>;

    /// Takes a presence off a stream. Nothing happens if it is not there.
    fn stream_user_leave(&mut self, stream: &StreamId, user_id: UserId, session_id: SessionId);

    /// How many presences are on a stream, hidden ones included.
    fn stream_count(&self, stream: &StreamId) -> usize;

    /// Removes everybody from a stream at once. Nobody is told, not even the match or party it belongs to.
    fn stream_close(&mut self, stream: &StreamId);

    /// Sends text to everybody on a stream, or only to these sessions, whether or not they are on it.
    fn stream_send(&mut self, stream: &StreamId, data: &str, to: &[SessionId], reliable: bool);

    /// Sends a ready-made message, given in its JSON form, the same way.
    ///
    /// # Errors
    ///
    /// [`StreamError::NotAnEnvelope`] if the text is not a message of the wire protocol.
    fn stream_send_raw(
        &mut self,
        stream: &StreamId,
        envelope: &str,
        to: &[SessionId],
    ) -> Result<(), StreamError>;
}

impl StreamFunctions for World {
    fn stream_user_list(&self, stream: &StreamId, hidden: bool, visible: bool) -> Vec<Presence> {
        let mut presences = ops::members(self, stream);
        presences.retain(|presence| {
            if presence.meta.hidden {
                hidden
            } else {
                visible
            }
        });
        presences
    }

    fn stream_user_get(
        &self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
    ) -> Option<Presence> {
        let session = session_entity(self, session_id).ok()?;
        let presence = ops::find(self, session, user_id, stream)?;
        self.get::<Presence>(presence).cloned()
    }

    fn stream_user_join(
        &mut self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
        meta: PresenceMeta,
    ) -> Result<bool, StreamError> {
        let session = session_entity(self, session_id)?;
        Ok(ops::track(self, session, user_id, stream, meta) == Tracked::New)
    }

    fn stream_user_update(
        &mut self,
        stream: &StreamId,
        user_id: UserId,
        session_id: SessionId,
        meta: PresenceMeta,
    ) -> Result<(), StreamError> {
        let session = session_entity(self, session_id)?;
        ops::update(self, session, user_id, stream, meta);
        Ok(())
    }

    fn stream_user_leave(&mut self, stream: &StreamId, user_id: UserId, session_id: SessionId) {
        let Ok(session) = session_entity(self, session_id) else {
            return;
        };
        if let Some(presence) = ops::find(self, session, user_id, stream) {
            ops::untrack(self, presence, PresenceReason::Leave);
        }
    }

    fn stream_count(&self, stream: &StreamId) -> usize {
        ops::roster_len(self, stream)
    }

    fn stream_close(&mut self, stream: &StreamId) {
        ops::close(self, stream);
    }

    fn stream_send(&mut self, stream: &StreamId, data: &str, to: &[SessionId], reliable: bool) {
        let event = StreamDataEvent {
            stream: stream.clone(),
            data: data.to_owned(),
            reliable,
        };
        send(self, stream, Event::StreamData(event), to);
    }

    fn stream_send_raw(
        &mut self,
        stream: &StreamId,
        envelope: &str,
        to: &[SessionId],
    ) -> Result<(), StreamError> {
        let reader = self.get_resource::<EnvelopeReader>().cloned();
        let reader =
            reader.ok_or_else(|| StreamError::NotAnEnvelope("no wire protocol".to_owned()))?;
        let envelope = (reader.0)(envelope).map_err(StreamError::NotAnEnvelope)?;
        send(self, stream, Event::Raw(envelope), to);
        Ok(())
    }
}

fn session_entity(world: &World, id: SessionId) -> Result<Entity, StreamError> {
    world
        .resource::<SessionIndex>()
        .with_id(id)
        .ok_or(StreamError::SessionNotFound)
}

fn send(world: &mut World, stream: &StreamId, event: Event, to: &[SessionId]) {
    let recipients = if to.is_empty() {
        ops::entity_of(world, stream).and_then(|stream| ops::recipients(world, stream))
    } else {
        let index = world.resource::<SessionIndex>();
        let sessions = to.iter().filter_map(|id| index.with_id(*id));
        let slots: Arc<[Slot]> = sessions
            .filter_map(|entity| Some(world.get::<Session>(entity)?.slot))
            .collect();
        Some(Recipients::Many(slots))
    };
    if let Some(recipients) = recipients {
        world.resource_mut::<Outbox>().send(recipients, event);
    }
}
