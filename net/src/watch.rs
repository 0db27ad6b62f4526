//! What is noted after each pass: metrics, health, and a word for the operator when one took too long.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bevy_app::App;
use bevy_ecs::prelude::*;
use tiltyard::{Disagreements, FlightRecorder, PassRecord, PassSystems, Shutdown, TicksSkipped};
use tracing::info;

use crate::{
    config::Config,
    health::Health,
    metrics::{Around, Passes, Sums},
};

/// How often the log may tell of slow passes.
const SLOW_LOG_PERIOD: Duration = Duration::from_secs(1);

/// The engine's stopwatch.
fn nanoseconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// Looks at every pass when it is over.
#[derive(Debug)]
pub(crate) struct Watch {
    passes: Arc<Passes>,
    health: Arc<Health>,
    slow: SlowPasses,
}

impl Watch {
    /// Begins to look at the passes of an app.
    pub(crate) fn start(
        app: &mut App,
        config: &Config,
        passes: Arc<Passes>,
        health: Arc<Health>,
    ) -> Self {
        let mut flight = app.world_mut().resource_mut::<FlightRecorder>();
        flight.set_stopwatch(nanoseconds);
        let longest = match config.engine.slow_pass_ms {
            0 => Duration::from_secs(1) / config.engine.pass_rate_hz,
            ms => Duration::from_millis(ms),
        };
        Self {
            passes,
            health,
            slow: SlowPasses::new(longest),
        }
    }

    /// A pass is over, and what it had to say was handed over.
    pub(crate) fn note(&mut self, world: &World, around: Around) {
        self.health.pass_ended(Instant::now());
        if world.resource::<Shutdown>().is_stopping() {
            self.health.set_stopping();
        }
        let flight = world.resource::<FlightRecorder>();
        let Some(record) = flight.last() else { return };
        let took = record.took() + around.handover;
        let is_slow = self.slow.is_slow(took);
        if let Some(unsaid) = self.slow.tell(record.started, took) {
            log(record, around, unsaid);
        }
        let sums = Sums {
            totals: flight.totals(),
            ticks_skipped: world.resource::<TicksSkipped>().0,
            disagreements: world.resource::<Disagreements>().0,
        };
        self.passes.note(record, around, is_slow, &sums);
    }
}

fn log(record: &PassRecord, around: Around, unsaid: u64) {
    let sets: Vec<String> = PassSystems::ALL
        .iter()
        .zip(record.sets)
        .map(|(set, took)| format!("{} {took:?}", set.name()))
        .collect();
    let worst = record.worst;
    info!(
        pass = record.pass,
        took = ?record.took(),
        sets = sets.join(", "),
        handover = ?around.handover,
        late = ?around.late,
        inbound = record.inbound_count,
        outbound = record.outbound_count,
        due_matches = record.due_count,
        worst_match = worst.map(|worst| tracing::field::display(worst.match_id)),
        worst_kind = worst.map(|worst| worst.kind),
        worst_took = worst.map(|worst| tracing::field::debug(worst.took)),
        others_since_the_last_word = unsaid,
        "a pass was slow"
    );
}

/// Decides which slow passes are told of: at most one a second.
#[derive(Debug)]
struct SlowPasses {
    longest: Duration,
    told: Option<Duration>,
    unsaid: u64,
}

impl SlowPasses {
    const fn new(longest: Duration) -> Self {
        Self {
            longest,
            told: None,
            unsaid: 0,
        }
    }

    fn is_slow(&self, took: Duration) -> bool {
        took > self.longest
    }

    /// Whether to tell of this pass, and of how many before it nobody was told.
    fn tell(&mut self, started: Duration, took: Duration) -> Option<u64> {
        if !self.is_slow(took) {
            return None;
        }
        let last = self.told.filter(|told| started < *told + SLOW_LOG_PERIOD);
        if last.is_some() {
            self.unsaid += 1;
            return None;
        }
        self.told = Some(started);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn slow_passes_are_told_of_once_a_second_and_the_others_are_counted() {
        let mut slow = SlowPasses::new(4 * MS);
        assert_eq!(slow.tell(Duration::ZERO, 4 * MS), None, "just in time");
        assert_eq!(slow.tell(10 * MS, 5 * MS), Some(0));
        assert_eq!(slow.tell(500 * MS, 5 * MS), None);
        assert_eq!(slow.tell(1009 * MS, 5 * MS), None);
        assert_eq!(slow.tell(1010 * MS, 5 * MS), Some(2));
        assert_eq!(slow.tell(2010 * MS, 5 * MS), Some(0));
    }
}
