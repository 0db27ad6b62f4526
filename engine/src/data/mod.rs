//! What game code asks of the database: accounts, storage, friends, groups and notifications.
//!
//! ```text
//! storage.read(…).for_match(game) ─► after the callback ─► store ─► database
//!                                                                     │
//! game.answer_to(ask) ◄── the match's inbox, in order of arrival ◄── the queue
//! ```
//!
//! Nothing waits inside a tick: asking returns a handle at once, and the answer is there in a later tick. A
//! match finds it in [`MatchContext::answer_to`](crate::MatchContext::answer_to), a system reads it as a message
//! [`Answered`], and a function [goes on](Question::then) when it is there.
//!
//! Whatever becomes of the database, there is an answer within five seconds: what waits too long for its turn is
//! not done any more, and is [`Unavailable`](DataError::Unavailable).
//!
//! Changes are made in the order in which they were asked for. A read may overtake a change: what needs to
//! see it asks when the change is answered.

mod accounts;
mod answer;
mod ask;
mod check;
mod error;
mod friends;
mod group;
mod groups;
mod notifications;
mod request;
mod storage;
#[cfg(test)]
mod tests;

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;

use self::ask::{AskNumbers, SystemAsks, Wanted};
pub(crate) use self::ask::{MatchAsks, read};
pub use self::{
    accounts::{Account, AccountUpdate, Accounts, User},
    answer::DataAnswer,
    ask::{Answered, Ask, AskId, DataResult, MATCH_ASKS_MAX, Question, SystemAsk},
    check::{ASK_BATCH_MAX, FRIENDS_PAGE_MAX, PAGE_MAX, Paging},
    error::DataError,
    friends::{Friend, FriendState, Friends},
    group::{
        Group, GroupFilter, GroupId, GroupMembership, GroupState, GroupUpdate, GroupUser, NewGroup,
    },
    groups::Groups,
    notifications::Notifications,
    request::{DataOutcome, DataReply, DataRequest, GroupChange, Page},
    storage::{
        ExpectedVersion, ObjectAck, ObjectDelete, ObjectId, ObjectWrite, ReadPermission, Storage,
        StorageObject, WritePermission,
    },
};
use crate::{
    functions,
    id::UserId,
    matches::{Dispatcher, Inbox},
    notification::{self, NewNotification},
    requests,
    schedule::{Pass, PassSystems},
    session::{self, SessionFunctions},
    store::{self, StoreReply, StoreRequest},
};

/// Game code and the database.
pub(crate) struct DataPlugin;

impl Plugin for DataPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<AskNumbers>()
            .init_resource::<Messages<Answered>>()
            .add_systems(
                Pass,
                rotate_answers
                    .in_set(PassSystems::Receive)
                    .after(requests::receive),
            );
    }
}

/// Answers are messages for two passes.
fn rotate_answers(mut answers: ResMut<Messages<Answered>>) {
    answers.update();
}

/// Puts what systems asked.
fn ask_for_systems(world: &mut World, asked: Vec<(AskId, Wanted)>) {
    for (id, wanted) in asked {
        put(world, wanted, move |world, outcome| {
            if let Some(outcome) = functions::hand_over(world, id, outcome) {
                world.write_message(Answered { id, outcome });
            }
        });
    }
}

/// Puts what a match asked since the last time.
pub(crate) fn ask_for_match(world: &mut World, entity: Entity) {
    let Some(mut dispatcher) = world.get_mut::<Dispatcher>(entity) else {
        return;
    };
    for (id, wanted) in std::mem::take(&mut dispatcher.asks.asked) {
        let counted = !matches!(wanted, Wanted::Nothing(_));
        put(world, wanted, move |world, outcome| {
            if counted && let Some(mut dispatcher) = world.get_mut::<Dispatcher>(entity) {
                dispatcher.asks.open -= 1;
            }
            if let Some(mut inbox) = world.get_mut::<Inbox>(entity) {
                inbox.answers.push(Answered { id, outcome });
            }
        });
    }
}

/// Has something done; `then` runs in a later pass.
fn put(
    world: &mut World,
    wanted: Wanted,
    then: impl FnOnce(&mut World, DataOutcome) + Send + Sync + 'static,
) {
    match wanted {
        Wanted::Data(request) => put_request(world, request, then),
        Wanted::Tell(notifications) => tell(world, notifications, then),
        Wanted::Nothing(error) => store::answer_later(world, move |world| then(world, Err(error))),
    }
}

fn put_request(
    world: &mut World,
    request: DataRequest,
    then: impl FnOnce(&mut World, DataOutcome) + Send + Sync + 'static,
) {
    let shut_out = match &request {
        DataRequest::DeleteAccount(user) => ShutOut::Deleted(*user),
        DataRequest::BanAccounts(users) => ShutOut::Banned(users.clone()),
        _ => ShutOut::Nobody,
    };
    let request = StoreRequest::Data(Box::new(request));
    store::ask(world, request, move |world, outcome| {
        let outcome = match outcome {
            Ok(StoreReply::Data(outcome)) => *outcome,
            Ok(_) => Err(DataError::Failed),
            Err(failure) => Err(failure.into()),
        };
        if outcome.is_ok() {
            shut_out.close(world);
        }
        then(world, outcome);
    });
}

/// Whose connections are closed when a request was carried out.
enum ShutOut {
    Nobody,
    Deleted(UserId),
    Banned(Vec<UserId>),
}

impl ShutOut {
    fn close(self, world: &mut World) {
        match self {
            Self::Nobody => {}
            Self::Deleted(user) => world.user_disconnect(user),
            Self::Banned(users) => users.into_iter().for_each(|user| session::ban(world, user)),
        }
    }
}

fn tell(
    world: &mut World,
    notifications: Vec<(UserId, NewNotification)>,
    then: impl FnOnce(&mut World, DataOutcome) + Send + Sync + 'static,
) {
    let made = notifications
        .into_iter()
        .map(|(user, notification)| (user, notification.make(world)))
        .collect();
    notification::send_then(world, made, move |world, sent| {
        then(world, sent.map(|()| DataReply::Done).map_err(Into::into));
    });
}
