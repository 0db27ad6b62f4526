//! Keeps strangers out of the rooms in which parties chat.
//!
//! The page uses a room named after the party. Rooms are open to whoever knows their name, and the ids of
//! parties are listed; so a hook before joining lets only members in.

use tiltyard::{BeforeRequest, PartyId, Request, prelude::*};

/// What the room of a party is called, before its id.
const PREFIX: &str = "party-";
/// Permission denied, as gRPC numbers it.
const PERMISSION_DENIED: i32 = 7;

/// Lets members of a party into its room, and everybody into every other.
pub(crate) fn admit_members(
    In(before): In<BeforeRequest>,
    world: &mut World,
) -> HookOutcome<Request> {
    let party = match &before.request {
        Request::ChannelJoin { target, .. } => target.strip_prefix(PREFIX).and_then(PartyId::parse),
        _ => None,
    };
    let Some(party) = party else {
        return HookOutcome::Proceed(before.request);
    };
    let member = before
        .caller
        .user_id
        .zip(before.caller.session_id)
        .and_then(|(user, session)| {
            world.stream_user_get(&StreamId::of_party(party), user, session)
        });
    match member {
        Some(_) => HookOutcome::Proceed(before.request),
        None => HookOutcome::Reject(RpcError::new(
            PERMISSION_DENIED,
            "Only members of the party chat here.",
        )),
    }
}
