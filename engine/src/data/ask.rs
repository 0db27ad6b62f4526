//! Asking, and being answered.

use std::{
    fmt,
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use bevy_ecs::{
    prelude::*,
    system::{Deferred, SystemBuffer, SystemMeta, SystemParam},
    world::DeferredWorld,
};

use super::{DataAnswer, DataError, DataOutcome, DataRequest};
use crate::{
    functions::{Later, RpcAnswer},
    id::UserId,
    matches::MatchContext,
    notification::NewNotification,
};

/// Asks of one match that may wait for their answers. Further ones are answered
/// [`Busy`](DataError::Busy).
pub const MATCH_ASKS_MAX: usize = 64;

/// Which ask an answer belongs to: one of a match, or one of all systems.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AskId(pub u64);

/// What an ask comes to.
pub type DataResult<T> = Result<T, DataError>;

/// Something that a match asked; [`MatchContext::answer_to`] has the answer.
pub struct Ask<T> {
    id: AskId,
    answer: PhantomData<fn() -> T>,
}

/// Something that a system asked; [`Answered::to`] has the answer.
pub struct SystemAsk<T> {
    id: AskId,
    answer: PhantomData<fn() -> T>,
}

macro_rules! handles {
    ($($name:ident),*) => { $(
        impl<T> $name<T> {
            const fn new(id: AskId) -> Self {
                Self { id, answer: PhantomData }
            }

            /// Which ask it is.
            #[must_use]
            pub const fn id(&self) -> AskId {
                self.id
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.id == other.id
            }
        }

        impl<T> Eq for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.id.0)
            }
        }
    )* };
}

handles!(Ask, SystemAsk);

/// An ask was answered. Systems read it as a message; matches have their own in
/// [`MatchContext::answers`].
#[derive(Message, Clone, Debug, PartialEq)]
pub struct Answered {
    /// Which ask.
    pub id: AskId,
    /// The answer.
    pub outcome: DataOutcome,
}

impl Answered {
    /// The answer, if it is the one to this ask of a system.
    #[must_use]
    pub fn to<T: DataAnswer>(&self, ask: SystemAsk<T>) -> Option<DataResult<T>> {
        (self.id == ask.id).then(|| read(self.outcome.clone()))
    }
}

/// The answer as what was asked for.
pub(crate) fn read<T: DataAnswer>(outcome: DataOutcome) -> DataResult<T> {
    T::read(outcome?).ok_or_else(|| {
        tracing::error!("the database gave an answer to another question");
        DataError::Failed
    })
}

/// What asking comes to.
pub(crate) enum Wanted {
    /// The database is to do this.
    Data(DataRequest),
    /// Users are to be told this.
    Tell(Vec<(UserId, NewNotification)>),
    /// Nothing can come of it.
    Nothing(DataError),
}

/// Something to ask, and who asks it is still open. Say [`for_match`](Self::for_match) inside a match,
/// [`ask`](Self::ask) in a system, or [`then`](Self::then) in a function.
#[must_use = "nothing is asked before it is said who asks"]
pub struct Question<'a, T> {
    wanted: Wanted,
    buffer: &'a mut AskBuffer,
    numbers: &'a AskNumbers,
    answer: PhantomData<fn() -> T>,
}

impl<T: DataAnswer> Question<'_, T> {
    /// Asks on behalf of a match. The answer is in [`answer_to`](MatchContext::answer_to) in the first
    /// [`MatchLoop`](crate::MatchLoop) tick after it came. If [the match waits for too much](MATCH_ASKS_MAX)
    /// it is [`Busy`](DataError::Busy). A match that has ended gets no answers; what it asked for is done all
    /// the same.
    pub fn for_match(self, game: &mut MatchContext<'_>) -> Ask<T> {
        Ask::new(game.dispatcher.asks.push(self.wanted))
    }

    /// Asks on behalf of a system. The answer is a message [`Answered`], which systems in
    /// [`MatchLoop`](crate::MatchLoop) see in the pass in which it came.
    pub fn ask(self) -> SystemAsk<T> {
        SystemAsk::new(self.put())
    }

    /// Asks on behalf of a [function](crate::GameApp::add_later_rpc), whose answer `system` gives when the
    /// database has answered. It is handed `state` and the answer, and may ask on.
    ///
    /// `system` is named, not a closure that captures something: it is kept for the next call.
    pub fn then<S, R, M, F>(self, state: S, system: F) -> RpcAnswer
    where
        S: Send + Sync + 'static,
        R: Into<RpcAnswer> + 'static,
        F: IntoSystem<In<(S, DataResult<T>)>, R, M> + Send + Sync + 'static,
    {
        let later = Later::new(self.put(), state, system);
        RpcAnswer::later(later)
    }

    fn put(self) -> AskId {
        let id = self.numbers.next();
        self.buffer.0.push((id, self.wanted));
        id
    }
}

/// What the parameters of systems put their asks into. They leave when commands do.
#[derive(SystemParam)]
pub(crate) struct SystemAsks<'w, 's> {
    buffer: Deferred<'s, AskBuffer>,
    numbers: Res<'w, AskNumbers>,
}

impl fmt::Debug for SystemAsks<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemAsks")
    }
}

impl SystemAsks<'_, '_> {
    pub(super) fn question<T: DataAnswer>(
        &mut self,
        request: DataResult<DataRequest>,
    ) -> Question<'_, T> {
        self.wanted(match request {
            Ok(request) => Wanted::Data(request),
            Err(error) => Wanted::Nothing(error),
        })
    }

    pub(super) fn wanted<T: DataAnswer>(&mut self, wanted: Wanted) -> Question<'_, T> {
        Question {
            wanted,
            buffer: &mut self.buffer,
            numbers: &self.numbers,
            answer: PhantomData,
        }
    }
}

/// The numbers of what systems ask. Counted without exclusive access, so that two systems that ask need no
/// order; there is one thread.
#[derive(Resource, Default, Debug)]
pub(crate) struct AskNumbers(AtomicU64);

impl AskNumbers {
    fn next(&self) -> AskId {
        AskId(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What a system asks until its commands are carried out.
#[derive(Default)]
pub(crate) struct AskBuffer(Vec<(AskId, Wanted)>);

impl SystemBuffer for AskBuffer {
    fn queue(&mut self, _: &SystemMeta, mut world: DeferredWorld) {
        let asked = std::mem::take(&mut self.0);
        if asked.is_empty() {
            return;
        }
        world
            .commands()
            .queue(move |world: &mut World| super::ask_for_systems(world, asked));
    }

    fn apply(&mut self, _: &SystemMeta, world: &mut World) {
        super::ask_for_systems(world, std::mem::take(&mut self.0));
    }
}

/// What a match asks.
#[derive(Default)]
pub(crate) struct MatchAsks {
    last: u64,
    /// How many wait for their answers.
    pub(crate) open: usize,
    /// What leaves after this callback.
    pub(crate) asked: Vec<(AskId, Wanted)>,
}

impl MatchAsks {
    fn push(&mut self, wanted: Wanted) -> AskId {
        self.last += 1;
        let id = AskId(self.last);
        let wanted = if self.open < MATCH_ASKS_MAX {
            wanted
        } else {
            Wanted::Nothing(DataError::Busy)
        };
        if !matches!(wanted, Wanted::Nothing(_)) {
            self.open += 1;
        }
        self.asked.push((id, wanted));
        id
    }
}

impl fmt::Debug for MatchAsks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchAsks")
            .field("open", &self.open)
            .field("asked", &self.asked.len())
            .finish_non_exhaustive()
    }
}
