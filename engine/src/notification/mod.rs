//! What the server, or another player through it, tells a user.
//!
//! A notification that is to be kept is stored before it is delivered. It is delivered to every session on
//! the user's notification stream; whoever is not connected finds it in the list of what was kept.

mod functions;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::prelude::*;
use serde_json::json;
use tracing::debug;
use uuid::{Builder, Uuid};

pub use self::functions::{NewNotification, NotificationError, NotificationFunctions};
use crate::{
    clock,
    id::{UserId, UserPresence},
    outbound::{Event, Outbox, Recipients},
    session::Session,
    store::{self, StoreRequest},
    stream::{self, StreamId},
};

/// Something to tell a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What makes it unique.
    pub id: Uuid,
    /// One line about it.
    pub subject: String,
    /// Text of a JSON object.
    pub content: String,
    /// What it is about: positive codes belong to the game, negative ones to the server.
    pub code: i32,
    /// Whose doing it is; none for notifications about the session itself.
    pub sender: Option<UserId>,
    /// Microseconds since 1970. Clients see whole seconds.
    pub create_us: i64,
    /// Whether it is kept.
    pub persistent: bool,
}

impl Notification {
    /// The id of a user's own copy, if every user gets one.
    #[must_use]
    pub fn id_for(&self, user: UserId) -> Uuid {
        let derived = Uuid::new_v5(&self.id, user.0.as_bytes());
        Builder::from_random_bytes(derived.into_bytes()).into_uuid()
    }
}

/// The code of an invitation to a direct chat.
const CODE_CHAT: i32 = -1;

/// Tells a user that somebody waits for them in their direct chat.
pub(crate) fn invite_to_chat(world: &mut World, from: &UserPresence, to: UserId) {
    let invitation = Notification {
        id: Uuid::new_v4(),
        subject: format!("{} wants to chat", from.username),
        content: json!({ "username": &*from.username }).to_string(),
        code: CODE_CHAT,
        sender: Some(from.user_id),
        create_us: clock::record_time(world),
        persistent: true,
    };
    send(world, vec![(to, invitation)]);
}

/// Tells users what the server itself has to say. If one of them has gone, the others are told all the same.
pub(crate) fn notify(world: &mut World, notifications: Vec<(UserId, NewNotification)>) {
    for (user, notification) in notifications {
        let made = notification.make(world);
        send(world, vec![(user, made)]);
    }
}

/// Stores what is to be kept, then delivers everything.
pub(crate) fn send(world: &mut World, notifications: Vec<(UserId, Notification)>) {
    let kept = notifications
        .iter()
        .filter(|(_, notification)| notification.persistent)
        .cloned();
    let kept: Arc<[(UserId, Notification)]> = kept.collect();
    if kept.is_empty() {
        return deliver(world, notifications);
    }
    let request = StoreRequest::InsertNotifications(kept);
    store::ask(world, request, move |world, outcome| match outcome {
        Ok(_) => deliver(world, notifications),
        Err(failure) => debug!(%failure, "notifications were not stored and are not delivered"),
    });
}

/// One message a user, with their notifications in the order in which they were sent.
fn deliver(world: &mut World, notifications: Vec<(UserId, Notification)>) {
    let mut by_user = BTreeMap::<UserId, Vec<Notification>>::new();
    for (user, notification) in notifications {
        by_user.entry(user).or_default().push(notification);
    }
    for (user, notifications) in by_user {
        let recipients = stream::entity_of(world, &StreamId::notifications(user))
            .and_then(|stream| stream::recipients(world, stream));
        if let Some(recipients) = recipients {
            let event = Event::Notifications(notifications);
            world.resource_mut::<Outbox>().send(recipients, event);
        }
    }
}

/// Tells everybody: those who are connected, and if it is kept, everybody else later.
fn send_all(world: &mut World, notification: Notification) {
    if !notification.persistent {
        let mut slots: Vec<_> = world
            .query::<&Session>()
            .iter(world)
            .map(|session| session.slot)
            .collect();
        slots.sort_unstable();
        let recipients = Recipients::Many(slots.into());
        let event = Event::Notifications(vec![notification]);
        world.resource_mut::<Outbox>().send(recipients, event);
        return;
    }
    let notification = Arc::new(notification);
    let request = StoreRequest::InsertNotificationForAll(notification.clone());
    store::ask(world, request, move |world, outcome| match outcome {
        Ok(_) => deliver_own_copies(world, &notification),
        Err(failure) => debug!(%failure, "a notification was not stored and is not delivered"),
    });
}

fn deliver_own_copies(world: &mut World, notification: &Notification) {
    let mut users: Vec<UserId> = world
        .query::<&Session>()
        .iter(world)
        .map(|session| session.presence.user_id)
        .collect();
    users.sort_unstable();
    users.dedup();
    let copy = |user| {
        let id = notification.id_for(user);
        (
            user,
            Notification {
                id,
                ..notification.clone()
            },
        )
    };
    deliver(world, users.into_iter().map(copy).collect());
}
