//! The parameter through which systems reach the matches of one kind.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::{prelude::*, query::QueryData, system::SystemParam};

use super::{
    Calendar, Dispatcher, Game, Inbox, Label, Match, MatchContext, MatchKind, Participants, Tick,
    TickRate,
    components::{Ending, Random, Turn},
};
use crate::{flight::VisitTimes, functions::panic_text, limits::Limits};

/// Which matches the callback that runs now is for.
#[derive(Resource, Default, Debug)]
pub(crate) enum Called {
    /// Those whose tick is due.
    #[default]
    Due,
    /// These.
    These(Vec<Entity>),
}

/// What a match is made of, as a query sees it.
#[derive(QueryData)]
#[query_data(mutable)]
struct Parts<T: MatchKind> {
    state: &'static mut T,
    info: &'static Match,
    tick: &'static Tick,
    tick_rate: &'static TickRate,
    label: &'static mut Label,
    participants: &'static mut Participants,
    inbox: &'static mut Inbox,
    dispatcher: &'static mut Dispatcher,
    turn: &'static mut Turn,
    random: &'static mut Random,
}

/// The matches of one kind that have something to do in the schedule that runs now.
///
/// In [`MatchLoop`](crate::MatchLoop) those are the ones whose tick is due; in the other schedules the
/// ones that somebody wants to join, has joined, has left, or that the server speaks to.
#[derive(SystemParam)]
pub struct Matches<'w, 's, T: MatchKind> {
    matches: Query<'w, 's, Parts<T>>,
    called: Res<'w, Called>,
    calendar: Res<'w, Calendar>,
    limits: Res<'w, Limits>,
    visits: ResMut<'w, VisitTimes>,
}

/// What a closure given to [`Matches::each`] may return: nothing, or a result.
pub trait Outcome {
    /// The text of the failure, if it is one.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

impl<T: MatchKind> Matches<'_, '_, T> {
    /// Visits each of them once.
    ///
    /// A closure that panics or returns an error ends that match alone: its players are told and keep
    /// their connections, and the others are visited as if nothing had happened.
    pub fn each<R: Outcome>(&mut self, mut visit: impl FnMut(&mut Game<'_, T>) -> R) {
        let deferred_max = self.limits.deferred_per_callback_max;
        let called = match &*self.called {
            Called::Due => self.calendar.due(T::NAME),
            Called::These(entities) => entities,
        };
        let mut laps = self.visits.laps();
        for entity in called {
            if let Ok(parts) = self.matches.get_mut(*entity) {
                laps.enter(|| !parts.participants.as_slice().is_empty());
                let visited = parts.info;
                visit_one(parts, deferred_max, &mut visit);
                laps.leave(visited);
            }
        }
    }
}

fn visit_one<T: MatchKind, R: Outcome>(
    parts: PartsItem<'_, '_, T>,
    deferred_max: usize,
    visit: &mut impl FnMut(&mut Game<'_, T>) -> R,
) {
    let mut parts = parts;
    if parts.dispatcher.ending.is_some() {
        return;
    }
    // Nobody asks whether what belongs to the engine has changed, and noting it costs a cache line each.
    let mut game = Game {
        state: &mut *parts.state,
        context: MatchContext {
            info: parts.info,
            tick: parts.tick.0,
            tick_rate: parts.tick_rate.0,
            label: parts.label.bypass_change_detection(),
            participants: parts.participants.bypass_change_detection(),
            inbox: parts.inbox.bypass_change_detection(),
            dispatcher: parts.dispatcher.bypass_change_detection(),
            turn: parts.turn.bypass_change_detection(),
            random: parts.random.bypass_change_detection(),
            deferred_max,
        },
    };
    // What the closure holds of this match is thrown away with the match; it holds nothing of others.
    let failure = match catch_unwind(AssertUnwindSafe(|| visit(&mut game))) {
        Ok(outcome) => outcome.failure(),
        Err(panic) => Some(panic_text(panic.as_ref())),
    };
    if let Some(failure) = failure {
        parts.dispatcher.ending = Some(Ending::Failed(failure));
    }
}
