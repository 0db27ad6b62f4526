//! When nobody new is let into matches.

use bevy_ecs::prelude::*;

use crate::{
    outbound::{ErrorCode, RequestError},
    request::RequestKind,
    shutdown::Shutdown,
};

/// Whether there is more to do than time to do it. Set from outside before each pass.
///
/// Then clients cannot join or make matches, or look for one; what runs goes on. Game code may do as before.
#[derive(Resource, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Overload(pub bool);

/// What a request is answered that would give the server more to do when it is overloaded or about to stop.
pub(crate) fn refusal(world: &World, kind: RequestKind) -> Option<RequestError> {
    let code = match kind {
        RequestKind::MatchJoin => ErrorCode::MatchJoinRejected,
        RequestKind::MatchCreate | RequestKind::MatchmakerAdd | RequestKind::PartyMatchmakerAdd => {
            ErrorCode::RuntimeException
        }
        _ => return None,
    };
    let text = if world.resource::<Shutdown>().is_stopping() {
        "Server is shutting down"
    } else if world.resource::<Overload>().0 {
        "Server is overloaded, try again later"
    } else {
        return None;
    };
    Some(RequestError::new(code, text))
}
