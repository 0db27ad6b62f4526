//! Online status: who follows whom, and what they see.
//!
//! A user is online while anybody is on their status stream. Who follows a user is told what happens
//! there, wherever they are; following needs no friendship and ends with the session.

mod followers;
mod functions;
mod requests;

use bevy_app::prelude::*;

pub(crate) use self::followers::{Followers, Follows};
pub use self::functions::{StatusError, StatusFunctions};
use crate::{request::RequestKind, requests::HandleRequests};

/// Following and being online.
pub(crate) struct StatusPlugin;

impl Plugin for StatusPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Followers>()
            .handle_request(RequestKind::StatusFollow, requests::follow)
            .handle_request(RequestKind::StatusUnfollow, requests::unfollow)
            .handle_request(RequestKind::StatusUpdate, requests::update);
    }
}
