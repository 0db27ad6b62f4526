//! What server code does to status.

use bevy_ecs::prelude::*;
use thiserror::Error;

use super::followers;
use crate::{
    id::{SessionId, UserId},
    limits::Limits,
    session::SessionIndex,
};

/// Why a status function refused. Nothing was changed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusError {
    /// The session is not connected.
    #[error("session not found")]
    SessionNotFound,
    /// It would follow more than [`Limits::follows_per_session_max`] users.
    #[error("too many users followed")]
    TooManyFollowed,
}

/// What server code does to whom a session follows. Its client is told nothing but what happens next.
pub trait StatusFunctions {
    /// Lets a session follow these users. They are not looked up.
    ///
    /// # Errors
    ///
    /// [`StatusError`] if it is not connected, or would follow too many; then it follows none of them.
    fn status_follow(&mut self, session_id: SessionId, users: &[UserId])
    -> Result<(), StatusError>;

    /// Lets a session follow these users no more; its own it always follows.
    ///
    /// # Errors
    ///
    /// [`StatusError::SessionNotFound`] if it is not connected.
    fn status_unfollow(
        &mut self,
        session_id: SessionId,
        users: &[UserId],
    ) -> Result<(), StatusError>;
}

impl StatusFunctions for World {
    fn status_follow(
        &mut self,
        session_id: SessionId,
        users: &[UserId],
    ) -> Result<(), StatusError> {
        let session = find(self, session_id)?;
        let users_max = self.resource::<Limits>().follows_per_session_max;
        followers::follow(self, session, users, users_max)
            .map_err(|followers::TooMany| StatusError::TooManyFollowed)
    }

    fn status_unfollow(
        &mut self,
        session_id: SessionId,
        users: &[UserId],
    ) -> Result<(), StatusError> {
        let session = find(self, session_id)?;
        followers::unfollow(self, session, users);
        Ok(())
    }
}

fn find(world: &World, session_id: SessionId) -> Result<Entity, StatusError> {
    let session = world.resource::<SessionIndex>().with_id(session_id);
    session.ok_or(StatusError::SessionNotFound)
}
