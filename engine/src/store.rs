//! What the world asks of the database.
//!
//! A pass never waits for an answer: the question leaves with the outbox, and the answer comes back
//! through the queue like everything else. A client whose request needs one waits for it with
//! [`Handled::Later`](crate::requests::Handled).

use std::{collections::BTreeMap, fmt, sync::Arc};

use bevy_ecs::prelude::*;
use thiserror::Error;

use crate::{
    id::UserId,
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
}

/// An answer of the database.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StoreReply {
    /// To [`StoreRequest::Users`]: those that exist, each once.
    Users(Vec<StoredUser>),
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
    /// It failed, or does not answer.
    #[error("the database failed")]
    Failed,
}

/// What came of a question.
pub type StoreOutcome = Result<StoreReply, StoreFailure>;

/// What is done with an answer.
type Then = Box<dyn FnOnce(&mut World, StoreOutcome) + Send + Sync>;

/// Questions that wait for their answers, and what is to be done with them.
#[derive(Resource, Default)]
pub(crate) struct StoreQuestions {
    next: u64,
    waiting: BTreeMap<StoreId, Then>,
}

impl fmt::Debug for StoreQuestions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreQuestions")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Asks the database; `then` runs when the answer is there, in a later pass, or now if it cannot be asked.
pub(crate) fn ask(
    world: &mut World,
    request: StoreRequest,
    then: impl FnOnce(&mut World, StoreOutcome) + Send + Sync + 'static,
) {
    let mut questions = world.resource_mut::<StoreQuestions>();
    if questions.waiting.len() >= STORE_QUESTIONS_MAX {
        then(world, Err(StoreFailure::Busy));
        return;
    }
    questions.next += 1;
    let id = StoreId(questions.next);
    questions.waiting.insert(id, Box::new(then));
    world
        .resource_mut::<Outbox>()
        .push(Outbound::Store { id, request });
}

/// Goes on with whatever waited for this answer.
pub(crate) fn take_answer(world: &mut World, id: StoreId, outcome: StoreOutcome) {
    let then = world.resource_mut::<StoreQuestions>().waiting.remove(&id);
    if let Some(then) = then {
        then(world, outcome);
    }
}
