//! Who is connected.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};
use smallvec::SmallVec;
use thiserror::Error;
use tracing::debug;
use uuid::Uuid;

use crate::{
    clock::Now,
    functions::{Caller, Functions, SessionEnded},
    id::{MatchId, SessionId, Slot, UserId, UserPresence},
    inbound::{Cid, Opening, Permit},
    limits::Limits,
    lookup::Lookup,
    matches::Departures,
    matchmaker::Tickets,
    notification::Notification,
    outbound::{Event, Outbound, Outbox, Recipients},
    request::Request,
    status::Follows,
    stream::{self, PresenceMeta, PresenceReason, StreamId},
};

/// What a client is told whose session the server ends.
pub const DISCONNECT_REASON: &str = "server-side session disconnect";

/// One connection's identity, and the route to its carrier.
#[derive(Component, Debug)]
#[component(on_add = index_session, on_remove = forget_session)]
#[require(Follows)]
pub struct Session {
    /// Where messages to it go.
    pub slot: Slot,
    /// How others see it.
    pub presence: UserPresence,
    /// The variables of its token.
    pub vars: Arc<BTreeMap<String, String>>,
    /// When its token expires, in seconds since 1970. The session outlives it.
    pub expires: i64,
    /// The language that the client asked for.
    pub lang: Arc<str>,
    /// Where the client connects from.
    pub client_ip: Arc<str>,
    /// And from which port.
    pub client_port: u16,
    pub(crate) turn: Turn,
    /// Matches in which it still sits although their streams were closed under it.
    pub(crate) orphaned_seats: Vec<MatchId>,
}

/// A session's requests are carried out one after the other; this is where it stands.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The request whose answer is still to come.
    pub(crate) pending: Option<PendingRequest>,
    /// What arrived after it.
    pub(crate) waiting: VecDeque<(Cid, Request, Permit)>,
}

/// A request whose answer comes later.
#[derive(Debug)]
pub(crate) struct PendingRequest {
    pub(crate) cid: Cid,
    /// The request, kept only if a hook wants to see it afterwards.
    pub(crate) request: Option<Request>,
    /// Given back when the answer is there.
    #[expect(dead_code, reason = "held for its drop")]
    pub(crate) permit: Permit,
}

impl Session {
    /// This session as the one on whose behalf something runs.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            user_id: Some(self.presence.user_id),
            username: self.presence.username.clone(),
            vars: self.vars.clone(),
            expires: self.expires,
            session_id: Some(self.presence.session_id),
            client_ip: self.client_ip.clone(),
            client_port: self.client_port,
            lang: self.lang.clone(),
        }
    }
}

/// Finds sessions by slot, id and user. Kept true by the hooks of [`Session`].
#[derive(Resource, Default, Debug)]
pub(crate) struct SessionIndex {
    /// By the whole slot: its place may be taken again before the world has heard that it became free.
    by_slot: Lookup<Slot, Entity>,
    by_id: Lookup<SessionId, Entity>,
    by_user: Lookup<UserId, SmallVec<[Entity; 2]>>,
}

impl SessionIndex {
    pub(crate) fn at(&self, slot: Slot) -> Option<Entity> {
        self.by_slot.get(&slot).copied()
    }

    pub(crate) fn with_id(&self, id: SessionId) -> Option<Entity> {
        self.by_id.get(&id).copied()
    }

    /// The sessions of a user, oldest first.
    pub(crate) fn of_user(&self, user: UserId) -> &[Entity] {
        self.by_user
            .get(&user)
            .map_or(&[], |sessions| sessions.as_slice())
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}

fn index_session(mut world: DeferredWorld, context: HookContext) {
    let Some(session) = world.get::<Session>(context.entity) else {
        return;
    };
    let (slot, presence) = (session.slot, session.presence.clone());
    let mut index = world.resource_mut::<SessionIndex>();
    index.by_slot.insert(slot, context.entity);
    index.by_id.insert(presence.session_id, context.entity);
    index
        .by_user
        .get_or_default(presence.user_id)
        .push(context.entity);
}

fn forget_session(mut world: DeferredWorld, context: HookContext) {
    let Some(session) = world.get::<Session>(context.entity) else {
        return;
    };
    let (slot, presence) = (session.slot, session.presence.clone());
    let mut index = world.resource_mut::<SessionIndex>();
    index.by_slot.remove(&slot);
    index.by_id.remove(&presence.session_id);
    let others = index.by_user.get_or_default(presence.user_id);
    others.retain(|session| *session != context.entity);
    if others.is_empty() {
        index.by_user.remove(&presence.user_id);
    }
}

/// Starts a session: it receives its user's notifications and, if it wants, its user is online.
pub(crate) fn open(world: &mut World, opening: Opening) -> Entity {
    let presence = UserPresence {
        user_id: opening.user_id,
        session_id: opening.session_id,
        username: opening.username,
    };
    let user = presence.user_id;
    let session = world
        .spawn(Session {
            slot: opening.slot,
            presence,
            vars: opening.vars,
            expires: opening.expires,
            lang: opening.lang,
            client_ip: opening.client_ip,
            client_port: opening.client_port,
            turn: Turn::default(),
            orphaned_seats: Vec::new(),
        })
        .id();
    stream::track(
        world,
        session,
        user,
        &StreamId::notifications(user),
        PresenceMeta {
            hidden: true,
            ..PresenceMeta::default()
        },
    );
    if opening.online {
        stream::track(
            world,
            session,
            user,
            &StreamId::status(user),
            PresenceMeta::default(),
        );
    }
    if world.resource::<Limits>().single_socket {
        replace_others(world, session, user);
    }
    Functions::call_session_start(world, |world| {
        world.get::<Session>(session).map(Session::caller)
    });
    session
}

/// The last thing that a client is told before its session is ended: a code of the protocol, and its name.
const SINGLE_SOCKET: (i32, &str) = (-7, "single_socket");
const BANNED: (i32, &str) = (-8, "banned");

/// Ends every other session of a user, and tells it why.
fn replace_others(world: &mut World, session: Entity, user: UserId) {
    let sessions = world.resource::<SessionIndex>().of_user(user).to_vec();
    for other in sessions.into_iter().filter(|other| *other != session) {
        dismiss(world, other, SINGLE_SOCKET);
    }
}

/// Ends every session of a user who is banned, and tells it why.
pub(crate) fn ban(world: &mut World, user: UserId) {
    let sessions = world.resource::<SessionIndex>().of_user(user).to_vec();
    for session in sessions {
        dismiss(world, session, BANNED);
    }
}

fn dismiss(world: &mut World, session: Entity, (code, subject): (i32, &str)) {
    let create_us = world.resource::<Now>().unix_ms.saturating_mul(1000);
    let Some((slot, id)) = world
        .get::<Session>(session)
        .map(|found| (found.slot, found.presence.session_id))
    else {
        return;
    };
    let notification = Notification {
        id: Uuid::new_v4(),
        subject: subject.to_owned(),
        content: "{}".to_owned(),
        code,
        sender: None,
        create_us,
        persistent: false,
    };
    let event = Event::Notifications(vec![notification]);
    world
        .resource_mut::<Outbox>()
        .send(Recipients::One(slot), event);
    disconnect(world, id, PresenceReason::Disconnect);
}

/// A seat whose presence is gone already has nobody else to tell its match that it is free.
fn vacate_orphaned_seats(world: &mut World, session: Entity, reason: PresenceReason) {
    let Some(mut found) = world.get_mut::<Session>(session) else {
        return;
    };
    let (seats, who) = (
        std::mem::take(&mut found.orphaned_seats),
        found.presence.clone(),
    );
    for seat in seats {
        world
            .resource_mut::<Departures>()
            .push(seat, who.clone(), reason);
    }
}

/// Ends a session: it is looked for by the matchmaker no more, and leaves every stream, and whoever is left
/// on them learns of it.
pub(crate) fn close(world: &mut World, session: Entity, reason: PresenceReason) {
    let ended = world.resource::<Functions>().session_end.is_some();
    let caller = world
        .get::<Session>(session)
        .filter(|_| ended)
        .map(Session::caller);
    vacate_orphaned_seats(world, session, reason);
    if let Some(id) = world
        .get::<Session>(session)
        .map(|session| session.presence.session_id)
    {
        world.resource_mut::<Tickets>().remove_of_session(id);
    }
    stream::untrack_session(world, session, reason);
    world.despawn(session);
    if let Some(caller) = caller {
        Functions::call_session_end(world, SessionEnded { caller, reason });
    }
}

/// Ends a session on the server's own account and tells its carrier to close.
///
/// Does nothing if there is no such session.
pub(crate) fn disconnect(world: &mut World, id: SessionId, reason: PresenceReason) {
    let Some(entity) = world.resource::<SessionIndex>().with_id(id) else {
        return;
    };
    let Some(slot) = world.get::<Session>(entity).map(|session| session.slot) else {
        return;
    };
    debug!(session = %id, "session ended by the server");
    close(world, entity, reason);
    world.resource_mut::<Outbox>().push(Outbound::Close {
        slot,
        reason: DISCONNECT_REASON,
    });
}

/// What server code does to sessions.
pub trait SessionFunctions {
    /// Closes a connection. Streams and matches see it leave for `reason`. Nothing happens if it is gone.
    fn session_disconnect(&mut self, session_id: SessionId, reason: PresenceReason);

    /// Closes every connection of a user.
    fn user_disconnect(&mut self, user_id: UserId);

    /// The sessions of a user, oldest first.
    fn user_sessions(&self, user_id: UserId) -> Vec<SessionId>;

    /// Ends tokens of a user: the session token and the refresh token that are given, or all if neither is.
    /// Connections stay.
    ///
    /// # Errors
    ///
    /// [`LogoutError`] if nothing was ended.
    fn session_logout(
        &mut self,
        user_id: UserId,
        token: Option<&str>,
        refresh_token: Option<&str>,
    ) -> Result<(), LogoutError>;
}

/// Why nobody was logged out.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LogoutError {
    /// The session token is none of this user, or does not count any more.
    #[error("session token invalid")]
    SessionToken,
    /// The refresh token is none of this user, or does not count any more.
    #[error("refresh token invalid")]
    RefreshToken,
    /// Too many logouts are remembered, or there are no tokens at all; try again later.
    #[error("logouts are not possible now")]
    Unavailable,
}

/// Who knows which tokens count.
pub trait TokenList: Send + Sync {
    /// Carries out [`SessionFunctions::session_logout`] at this time, in milliseconds since 1970. Does not
    /// wait for anything.
    ///
    /// # Errors
    ///
    /// [`LogoutError`] if nothing was ended.
    fn logout(
        &self,
        user_id: UserId,
        token: Option<&str>,
        refresh_token: Option<&str>,
        unix_ms: i64,
    ) -> Result<(), LogoutError>;
}

/// The list of tokens. Set by whoever issues them.
#[derive(Resource, Clone)]
pub struct Tokens(pub Arc<dyn TokenList>);

impl SessionFunctions for World {
    fn session_disconnect(&mut self, session_id: SessionId, reason: PresenceReason) {
        disconnect(self, session_id, reason);
    }

    fn user_disconnect(&mut self, user_id: UserId) {
        for session in self.user_sessions(user_id) {
            disconnect(self, session, PresenceReason::Disconnect);
        }
    }

    fn user_sessions(&self, user_id: UserId) -> Vec<SessionId> {
        let sessions = self.resource::<SessionIndex>().of_user(user_id);
        sessions
            .iter()
            .filter_map(|entity| Some(self.get::<Session>(*entity)?.presence.session_id))
            .collect()
    }

    fn session_logout(
        &mut self,
        user_id: UserId,
        token: Option<&str>,
        refresh_token: Option<&str>,
    ) -> Result<(), LogoutError> {
        let unix_ms = self.resource::<Now>().unix_ms;
        let tokens = self.get_resource::<Tokens>();
        let tokens = tokens.ok_or(LogoutError::Unavailable)?;
        tokens.0.logout(user_id, token, refresh_token, unix_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Stage;

    #[test]
    fn a_new_connection_replaces_the_others_if_so_configured() {
        let mut stage = Stage::with(Limits {
            single_socket: true,
            ..Limits::default()
        });
        let bob = stage.connect("bob");
        let first = stage.connect_online("alice");
        stage.clear();
        let second = stage.connect("alice");
        assert_eq!(
            stage.heard(&first),
            [
                "told: -7 single_socket {} None",
                "closed: server-side session disconnect"
            ]
        );
        let left = stage.world().user_sessions(second.who.user_id);
        assert_eq!(left, [second.who.session_id]);
        assert_eq!(
            stage.heard(&second),
            ["status -alice="],
            "it sees the other one go"
        );
        assert_eq!(stage.ask(&bob, Request::Ping), ["reply: Pong"]);
        assert_eq!(stage.ask(&first, Request::Ping), [""; 0]);
    }

    #[test]
    fn whoever_is_banned_is_told_before_every_connection_closes() {
        let mut stage = Stage::new();
        let bob = stage.connect("bob");
        let alice = [stage.connect("alice"), stage.connect("alice")];
        ban(stage.world(), alice[0].who.user_id);
        stage.pass();
        for connection in &alice {
            assert_eq!(
                stage.heard(connection),
                [
                    "told: -8 banned {} None",
                    "closed: server-side session disconnect"
                ]
            );
        }
        assert_eq!(stage.ask(&bob, Request::Ping), ["reply: Pong"]);
    }

    #[test]
    fn a_user_has_many_connections_by_default() {
        let mut stage = Stage::new();
        let first = stage.connect("alice");
        stage.connect("alice");
        assert_eq!(stage.ask(&first, Request::Ping), ["reply: Pong"]);
    }
}
