//! What the world asks of the database.
//!
//! A pass never waits for an answer: the question leaves with the outbox, and the answer comes back
//! through the queue like everything else. A client whose request needs one waits for it with
//! [`Handled::Later`](crate::requests::Handled).

use std::{collections::BTreeMap, fmt, sync::Arc};

use bevy_ecs::prelude::*;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    channel::ChannelMessage,
    data::{DataOutcome, DataRequest},
    id::UserId,
    notification::Notification,
    outbound::{Outbound, Outbox},
};

/// Questions that may wait for the database. Further ones fail at once, so that a database that hangs
/// costs a bounded amount of memory.
pub const STORE_QUESTIONS_MAX: usize = 16_384;

/// Which question an answer belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreId(pub u64);

/// A question to the database.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StoreRequest {
    /// Which of these users exist.
    Users {
        /// Named by id.
        ids: Vec<UserId>,
        /// Named by name.
        usernames: Vec<String>,
    },
    /// Whether a user exists and lets another write to them.
    DirectMessage {
        /// Who wants to write.
        from: UserId,
        /// To whom.
        to: UserId,
    },
    /// Whether a user is a member of a group, so that they may be on its channel.
    GroupMember {
        /// The group.
        group: Uuid,
        /// Who wants to chat in it.
        user: UserId,
    },
    /// Keep a chat message.
    InsertMessage(Arc<ChannelMessage>),
    /// Give a kept message of the same channel, id and sender this content, name and time of update.
    UpdateMessage(Arc<ChannelMessage>),
    /// Forget the kept message with this channel, id and sender.
    RemoveMessage(Arc<ChannelMessage>),
    /// Keep notifications: all of them or, if one does not fit, none.
    InsertNotifications(Arc<[(UserId, Notification)]>),
    /// Keep a notification for every user there is, each under [its own id](Notification::id_for).
    InsertNotificationForAll(Arc<Notification>),
    /// What game code asks.
    Data(Box<DataRequest>),
}

/// An answer of the database.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StoreReply {
    /// To [`StoreRequest::Users`]: those that exist, each once.
    Users(Vec<StoredUser>),
    /// To a question about permission.
    Allowed(bool),
    /// It was done.
    Done,
    /// To [`StoreRequest::UpdateMessage`] and [`StoreRequest::RemoveMessage`]: the times of the message as
    /// it is now, or was. None if there is no such message.
    MessageTimes(Option<MessageTimes>),
    /// To [`StoreRequest::Data`]: it says which reply belongs to what, or why it was not done.
    Data(Box<DataOutcome>),
}

/// When a kept message was sent and last changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MessageTimes {
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
}

/// A user as the database knows them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredUser {
    /// The account.
    pub id: UserId,
    /// Its name.
    pub username: Arc<str>,
}

/// The database did not answer.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreFailure {
    /// Too many questions wait already; nothing was asked.
    #[error("the database is busy")]
    Busy,
    /// It does not answer for now.
    #[error("the database does not answer")]
    Unavailable,
    /// It failed.
    #[error("the database failed")]
    Failed,
}

/// What came of a question.
pub type StoreOutcome = Result<StoreReply, StoreFailure>;

/// What is done with an answer.
type Then = Box<dyn FnOnce(&mut World, StoreOutcome) + Send + Sync>;
/// What is done when several answers are there: whether all of them were good.
type ThenAll = Box<dyn FnOnce(&mut World, Result<(), StoreFailure>) + Send + Sync>;

/// Questions that wait for their answers, and what is to be done with them.
#[derive(Resource, Default)]
pub(crate) struct StoreQuestions {
    last: u64,
    waiting: BTreeMap<StoreId, Question>,
    /// Those of them that were not put to the database. They are answered in the next pass, so that
    /// whoever asked may always count on being somewhere else by then.
    answered: Vec<(StoreId, StoreOutcome)>,
    holds: BTreeMap<StoreId, Hold>,
}

struct Question {
    then: Then,
    hold: Option<StoreId>,
}

/// Something that must not happen before several questions are answered.
struct Hold {
    open: usize,
    outcome: Result<(), StoreFailure>,
    then: ThenAll,
}

impl fmt::Debug for StoreQuestions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreQuestions")
            .field("waiting", &self.waiting.len())
            .field("holds", &self.holds.len())
            .finish_non_exhaustive()
    }
}

impl StoreQuestions {
    fn wait(
        &mut self,
        then: impl FnOnce(&mut World, StoreOutcome) + Send + Sync + 'static,
    ) -> StoreId {
        self.last += 1;
        let id = StoreId(self.last);
        let question = Question {
            then: Box::new(then),
            hold: None,
        };
        self.waiting.insert(id, question);
        id
    }
}

/// Asks the database; `then` runs when the answer is there, or it is clear that there will be none. Never
/// before the next pass.
pub(crate) fn ask(
    world: &mut World,
    request: StoreRequest,
    then: impl FnOnce(&mut World, StoreOutcome) + Send + Sync + 'static,
) {
    let mut questions = world.resource_mut::<StoreQuestions>();
    let full = questions.waiting.len() >= STORE_QUESTIONS_MAX;
    let id = questions.wait(then);
    if full {
        questions.answered.push((id, Err(StoreFailure::Busy)));
        return;
    }
    world
        .resource_mut::<Outbox>()
        .push(Outbound::Store { id, request });
}

/// Runs `then` in the next pass, as if it were a question that the database has answered.
pub(crate) fn answer_later(
    world: &mut World,
    then: impl FnOnce(&mut World) + Send + Sync + 'static,
) {
    let mut questions = world.resource_mut::<StoreQuestions>();
    let id = questions.wait(move |world, _| then(world));
    questions.answered.push((id, Ok(StoreReply::Done)));
}

/// The youngest question; for [`hold`].
pub(crate) fn last_question(world: &World) -> StoreId {
    StoreId(world.resource::<StoreQuestions>().last)
}

/// Whether there are questions younger than `since` that wait for their answers.
pub(crate) fn has_open(world: &World, since: StoreId) -> bool {
    world.resource::<StoreQuestions>().last > since.0
}

/// Runs `then` when every question younger than `since` is answered: what is acknowledged to a client is
/// in the database by then. There must be such questions, and no other hold on them.
pub(crate) fn hold(
    world: &mut World,
    since: StoreId,
    then: impl FnOnce(&mut World, Result<(), StoreFailure>) + Send + Sync + 'static,
) {
    let mut questions = world.resource_mut::<StoreQuestions>();
    let hold = StoreId(since.0 + 1);
    let mut open = 0;
    for (_, question) in questions.waiting.range_mut(hold..) {
        question.hold = Some(hold);
        open += 1;
    }
    let then = Box::new(then);
    questions.holds.insert(
        hold,
        Hold {
            open,
            outcome: Ok(()),
            then,
        },
    );
}

/// Answers the questions that were not put to the database.
pub(crate) fn take_own_answers(world: &mut World) {
    for (id, outcome) in std::mem::take(&mut world.resource_mut::<StoreQuestions>().answered) {
        take_answer(world, id, outcome);
    }
}

/// Goes on with whatever waited for this answer.
pub(crate) fn take_answer(world: &mut World, id: StoreId, outcome: StoreOutcome) {
    let question = world.resource_mut::<StoreQuestions>().waiting.remove(&id);
    let Some(Question { then, hold }) = question else {
        return;
    };
    let failure = outcome.as_ref().err().copied();
    then(world, outcome);
    if let Some(hold) = hold {
        release(world, hold, failure);
    }
}

/// One question of a hold is answered.
fn release(world: &mut World, id: StoreId, failure: Option<StoreFailure>) {
    let holds = &mut world.resource_mut::<StoreQuestions>().holds;
    let Some(hold) = holds.get_mut(&id) else {
        return;
    };
    hold.open -= 1;
    if let Some(failure) = failure {
        hold.outcome = Err(failure);
    }
    if hold.open > 0 {
        return;
    }
    if let Some(Hold { outcome, then, .. }) = holds.remove(&id) {
        then(world, outcome);
    }
}
