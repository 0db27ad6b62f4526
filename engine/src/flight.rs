//! The flight recorder: what the latest passes did, and how long it took them.
//!
//! ```text
//! begin ─► Receive ─mark─► Sessions ─mark─► … ─mark─► Send ─finish─► ring of the latest passes
//!                                    Matches::each ─► longest visit ──┘
//! ```
//!
//! The engine has no clock, so whoever runs it lends one ([`FlightRecorder::set_stopwatch`]); without one
//! there are counts and no times.

use std::{array, collections::VecDeque, time::Duration};

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;

use crate::{
    clock::Now,
    id::MatchId,
    matches::{self, Calendar, Match},
    outbound::Outbox,
    requests,
    schedule::{Pass, PassSystems},
};

/// Passes that are remembered: four seconds of them at 240 Hz.
pub const FLIGHT_PASSES_MAX: usize = 1024;

/// Reads a clock that never goes back, in nanoseconds since whenever.
pub type Stopwatch = fn() -> u64;

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassRecord {
    /// How many passes ran before it.
    pub pass: u64,
    /// When it began, since the engine started.
    pub started: Duration,
    /// How long each set took, in the order of [`PassSystems::ALL`].
    pub sets: [Duration; PassSystems::COUNT],
    /// Messages that were taken out of the queue.
    pub inbound_count: usize,
    /// Entries in the outbox at its end.
    pub outbound_count: usize,
    /// Matches whose tick was due.
    pub due_count: usize,
    /// The longest visit of rules to a match with participants, if there was one.
    pub worst: Option<WorstVisit>,
}

impl PassRecord {
    /// How long the whole pass took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.sets.iter().sum()
    }
}

/// The longest time that one system spent with one match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstVisit {
    /// Which match.
    pub match_id: MatchId,
    /// Of what kind it is.
    pub kind: &'static str,
    /// How long it took.
    pub took: Duration,
}

/// What all passes did, since the engine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlightTotals {
    /// Passes that ended.
    pub passes: u64,
    /// Messages that were taken out of the queue.
    pub inbound: u64,
    /// Entries in the outbox.
    pub outbound: u64,
    /// Ticks of matches.
    pub ticks: u64,
}

/// Remembers the latest [`FLIGHT_PASSES_MAX`] passes, in memory that does not grow.
#[derive(Resource, Debug)]
pub struct FlightRecorder {
    stopwatch: Option<Stopwatch>,
    /// The latest is last.
    latest: VecDeque<PassRecord>,
    current: PassRecord,
    /// Where the stopwatch stood at the last mark.
    marked_ns: u64,
    totals: FlightTotals,
}

impl Default for FlightRecorder {
    fn default() -> Self {
        Self {
            stopwatch: None,
            latest: VecDeque::with_capacity(FLIGHT_PASSES_MAX),
            current: PassRecord::default(),
            marked_ns: 0,
            totals: FlightTotals::default(),
        }
    }
}

impl FlightRecorder {
    /// Lends a clock, from the next pass on.
    pub const fn set_stopwatch(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = Some(stopwatch);
    }

    /// The latest pass that ended.
    #[must_use]
    pub fn last(&self) -> Option<&PassRecord> {
        self.latest.back()
    }

    /// The latest passes, the last of them last.
    pub fn passes(&self) -> impl DoubleEndedIterator<Item = &PassRecord> + ExactSizeIterator {
        self.latest.iter()
    }

    pub(crate) fn latest(&self, count: usize) -> Vec<PassRecord> {
        let skipped = self.latest.len().saturating_sub(count);
        self.latest.iter().skip(skipped).copied().collect()
    }

    /// What all passes did.
    #[must_use]
    pub const fn totals(&self) -> FlightTotals {
        self.totals
    }

    /// Notes what came out of the queue.
    pub(crate) const fn count_inbound(&mut self, count: usize) {
        self.current.inbound_count = count;
    }

    fn begin(&mut self, now: &Now) {
        self.current = PassRecord {
            pass: now.pass,
            started: now.elapsed,
            ..PassRecord::default()
        };
        self.marked_ns = self.stopwatch.map_or(0, |read| read());
    }

    /// A set has ended.
    fn mark(&mut self, set: PassSystems) {
        let Some(read) = self.stopwatch else { return };
        let now_ns = read();
        let took_ns = now_ns.saturating_sub(self.marked_ns);
        self.current.sets[set as usize] = Duration::from_nanos(took_ns);
        self.marked_ns = now_ns;
    }

    fn finish(&mut self) {
        if self.latest.len() == FLIGHT_PASSES_MAX {
            self.latest.pop_front();
        }
        let pass = self.current;
        self.latest.push_back(pass);
        self.totals.passes += 1;
        self.totals.inbound += pass.inbound_count as u64;
        self.totals.outbound += pass.outbound_count as u64;
        self.totals.ticks += pass.due_count as u64;
    }
}

/// The longest visit of rules to a match in this pass.
#[derive(Resource, Debug, Default)]
pub(crate) struct VisitTimes {
    stopwatch: Option<Stopwatch>,
    worst: Option<WorstVisit>,
}

impl VisitTimes {
    /// A system begins to visit matches.
    pub(crate) const fn laps(&mut self) -> Laps<'_> {
        Laps {
            stopwatch: self.stopwatch,
            since_ns: None,
            worst: &mut self.worst,
        }
    }
}

/// Times the visits of one system.
///
/// The end of one visit is the beginning of the next, so that a match costs one look at the clock; one
/// without participants costs none, for there may be a hundred thousand of them.
#[derive(Debug)]
pub(crate) struct Laps<'a> {
    stopwatch: Option<Stopwatch>,
    /// Where the stopwatch stood when the last visit ended, if nothing has happened since.
    since_ns: Option<u64>,
    worst: &'a mut Option<WorstVisit>,
}

impl Laps<'_> {
    /// A visit begins. Nobody has to look at the participants if there is no stopwatch.
    #[inline]
    pub(crate) fn enter(&mut self, has_participants: impl FnOnce() -> bool) {
        let Some(read) = self.stopwatch else { return };
        self.since_ns = if has_participants() {
            self.since_ns.or_else(|| Some(read()))
        } else {
            None
        };
    }

    /// It has ended.
    #[inline]
    pub(crate) fn leave(&mut self, visited: &Match) {
        if let (Some(read), Some(since_ns)) = (self.stopwatch, self.since_ns) {
            self.finish(read(), since_ns, visited);
        }
    }

    fn finish(&mut self, now_ns: u64, since_ns: u64, visited: &Match) {
        self.since_ns = Some(now_ns);
        let took = Duration::from_nanos(now_ns.saturating_sub(since_ns));
        if self.worst.is_none_or(|worst| worst.took < took) {
            *self.worst = Some(WorstVisit {
                match_id: visited.id,
                kind: visited.kind,
                took,
            });
        }
    }
}

/// Records every pass.
pub(crate) struct FlightPlugin;

impl Plugin for FlightPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<FlightRecorder>()
            .init_resource::<VisitTimes>();
        // Two systems of one schedule may both visit matches, of different kinds.
        app.world_mut().allow_ambiguous_resource::<VisitTimes>();
        let begin = begin_pass
            .in_set(PassSystems::Receive)
            .before(requests::receive)
            .before(matches::mark_due);
        app.add_systems(Pass, begin.ambiguous_with_all());
        for [set, next] in array::from_fn::<_, { PassSystems::COUNT - 1 }, _>(neighbours) {
            let mark = move |mut flight: ResMut<FlightRecorder>| flight.mark(set);
            app.add_systems(Pass, mark.after(set).before(next).ambiguous_with_all());
        }
        let finish = finish_pass.after(PassSystems::Send);
        app.add_systems(Pass, finish.ambiguous_with_all());
    }
}

/// A set and the one after it.
fn neighbours(index: usize) -> [PassSystems; 2] {
    [PassSystems::ALL[index], PassSystems::ALL[index + 1]]
}

fn begin_pass(mut flight: ResMut<FlightRecorder>, mut visits: ResMut<VisitTimes>, now: Res<Now>) {
    flight.begin(&now);
    visits.stopwatch = flight.stopwatch;
    visits.worst = None;
}

fn finish_pass(
    mut flight: ResMut<FlightRecorder>,
    visits: Res<VisitTimes>,
    calendar: Res<Calendar>,
    outbox: Res<Outbox>,
) {
    flight.mark(PassSystems::Send);
    flight.current.worst = visits.worst;
    flight.current.due_count = calendar.due_count();
    flight.current.outbound_count = outbox.len();
    flight.finish();
}

#[cfg(test)]
mod tests;
