//! When nobody new is let into matches.

use bevy_ecs::prelude::*;

use crate::{
    outbound::{ErrorCode, RequestError},
    request::{MatchTarget, Request, RequestKind},
    shutdown::Shutdown,
};

/// Whether there is more to do than time to do it. Set from outside before each pass.
///
/// Then clients cannot join or make matches, or look for one; what runs goes on. Game code may do as before.
#[derive(Resource, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Overload(pub bool);

/// What a request is answered that would give the server more to do when it is overloaded or about to stop.
///
/// Whom the matchmaker has brought together is let in: their tickets are used up, and nobody would be saved work.
pub(crate) fn refusal(world: &World, request: &Request) -> Option<RequestError> {
    let is_stopping = world.resource::<Shutdown>().is_stopping();
    let code = match request.kind() {
        RequestKind::MatchJoin if !is_stopping && is_by_token(request) => return None,
        RequestKind::MatchJoin => ErrorCode::MatchJoinRejected,
        RequestKind::MatchCreate | RequestKind::MatchmakerAdd | RequestKind::PartyMatchmakerAdd => {
            ErrorCode::RuntimeException
        }
        _ => return None,
    };
    let text = if is_stopping {
        "Server is shutting down"
    } else if world.resource::<Overload>().0 {
        "Server is overloaded, try again later"
    } else {
        return None;
    };
    Some(RequestError::new(code, text))
}

const fn is_by_token(request: &Request) -> bool {
    matches!(
        request,
        Request::MatchJoin {
            target: MatchTarget::Token(_),
            ..
        }
    )
}
