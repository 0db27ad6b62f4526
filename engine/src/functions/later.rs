//! Functions that answer when the database has.

use std::{collections::BTreeMap, marker::PhantomData};

use bevy_ecs::prelude::*;
use tracing::error;

use super::{Function, NotStored, RpcError, RpcResult, registry::public_text};
use crate::{
    data::{self, AskId, DataAnswer, DataError, DataOutcome, DataResult},
    store::{self, StoreFailure, StoreId},
};

/// What a function [that may answer later](crate::GameApp::add_later_rpc) returns: an answer, or what it
/// waits for to [give one](crate::Question::then).
#[must_use = "it is to be returned to the caller"]
pub struct RpcAnswer(Step);

enum Step {
    Now(RpcResult),
    Later(Later),
}

impl RpcAnswer {
    pub(crate) const fn later(later: Later) -> Self {
        Self(Step::Later(later))
    }
}

impl From<RpcResult> for RpcAnswer {
    fn from(result: RpcResult) -> Self {
        Self(Step::Now(result))
    }
}

/// So that a function may refuse with `?` before it asks.
impl From<Result<Self, RpcError>> for RpcAnswer {
    fn from(result: Result<Self, RpcError>) -> Self {
        result.unwrap_or_else(|error| Self(Step::Now(Err(error))))
    }
}

/// Goes on when something that was asked is answered.
pub(crate) struct Later {
    ask: AskId,
    then: Box<dyn FnOnce(&mut World, DataOutcome) -> RpcAnswer + Send + Sync>,
}

/// The second half of a function, kept for the next call.
#[derive(Resource)]
struct Continuation<F: Send + Sync + 'static, I: 'static> {
    function: Function<I, RpcAnswer>,
    named: PhantomData<F>,
}

impl Later {
    pub(crate) fn new<T, S, R, M, F>(ask: AskId, state: S, system: F) -> Self
    where
        T: DataAnswer,
        S: Send + Sync + 'static,
        R: Into<RpcAnswer> + 'static,
        F: IntoSystem<In<(S, DataResult<T>)>, R, M> + Send + Sync + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "what the first call captures would be kept for the next one: put it into the state"
            );
        }
        let then = move |world: &mut World, outcome| {
            type Named<F, S, T> = Continuation<F, (S, DataResult<T>)>;
            if !world.contains_resource::<Named<F, S, T>>() {
                let function = Function::new(system.map(R::into));
                world.insert_resource(Named::<F, S, T> {
                    function,
                    named: PhantomData,
                });
            }
            let outcome = Function::call::<Named<F, S, T>>(
                world,
                |kept| Some(&mut kept.function),
                (state, data::read(outcome)),
            );
            let text = match outcome {
                Some(Ok(answer)) => return answer,
                Some(Err(failure)) => {
                    error!(%failure, "a function failed when it had its data");
                    public_text(&failure)
                }
                None => "Internal error.",
            };
            RpcAnswer(Step::Now(Err(RpcError::new(RpcError::INTERNAL, text))))
        };
        Self {
            ask,
            then: Box::new(then),
        }
    }
}

/// What functions wait for, and what was answered while other things that they asked were not.
#[derive(Resource, Default)]
pub(crate) struct Awaited(BTreeMap<AskId, Option<DataOutcome>>);

/// Keeps an answer for the function that waits for it. Gives it back if none does.
pub(crate) fn hand_over(world: &mut World, id: AskId, outcome: DataOutcome) -> Option<DataOutcome> {
    match world.resource_mut::<Awaited>().0.get_mut(&id) {
        Some(place) => {
            *place = Some(outcome);
            None
        }
        None => Some(outcome),
    }
}

/// Where a call of a function stands.
pub(crate) enum Progress {
    Done(RpcResult),
    Waiting(Waiting),
}

/// A call whose answer has to wait until everything that it asked is answered.
pub(crate) struct Waiting {
    rpc: String,
    since: StoreId,
    step: Step,
}

/// Looks at what a function did since this question. What its caller is told was done must be in the
/// database.
pub(crate) fn progress(world: &World, since: StoreId, rpc: &str, answer: RpcAnswer) -> Progress {
    if store::has_open(world, since) {
        return Progress::Waiting(Waiting {
            rpc: rpc.to_lowercase(),
            since,
            step: answer.0,
        });
    }
    Progress::Done(match answer.0 {
        Step::Now(result) => result,
        Step::Later(_) => Err(lost(rpc)),
    })
}

/// Gives a caller the answer.
type Done = Box<dyn FnOnce(&mut World, RpcResult) + Send + Sync>;

impl Waiting {
    /// Runs `done` with the answer, in a later pass.
    pub(crate) fn finish(self, world: &mut World, done: Done) {
        let Self { rpc, since, step } = self;
        if let Step::Later(later) = &step {
            world.resource_mut::<Awaited>().0.insert(later.ask, None);
        }
        store::hold(world, since, move |world, stored| {
            let later = match step {
                Step::Later(later) => later,
                Step::Now(result) => {
                    let result = result.and_then(|payload| {
                        let stored = stored.map(|()| payload);
                        stored.map_err(|failure| NotStored::error(world, &rpc, failure))
                    });
                    return done(world, result);
                }
            };
            match go_on(world, &rpc, later, stored) {
                Progress::Done(result) => done(world, result),
                Progress::Waiting(waiting) => waiting.finish(world, done),
            }
        });
    }
}

/// Runs the next part of a function, now that everything that the last one asked is answered.
fn go_on(world: &mut World, rpc: &str, later: Later, stored: Result<(), StoreFailure>) -> Progress {
    let Later { ask, then } = later;
    let outcome = world.resource_mut::<Awaited>().0.remove(&ask).flatten();
    let Some(outcome) = outcome else {
        return Progress::Done(Err(lost(rpc)));
    };
    // The function knows best what to do if what it waits for failed, but not what else it asked.
    let knows = outcome.as_ref().is_err_and(DataError::is_outage);
    if let (Err(failure), false) = (stored, knows) {
        return Progress::Done(Err(NotStored::error(world, rpc, failure)));
    }
    let since = store::last_question(world);
    let answer = then(world, outcome);
    progress(world, since, rpc, answer)
}

/// A function waits for something that it did not ask in this call.
fn lost(rpc: &str) -> RpcError {
    error!(rpc, "a function waits for what it did not ask");
    RpcError::new(RpcError::INTERNAL, "Internal error.")
}
