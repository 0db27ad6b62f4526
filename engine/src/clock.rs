//! Time, which is given to the engine and never taken.

use std::time::Duration;

use bevy_ecs::prelude::*;

/// When the current pass happens. Set from outside before each pass.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub struct Now {
    /// Time since the engine started. Never goes back.
    pub elapsed: Duration,
    /// Wall-clock time in milliseconds since 1970, for records that people read.
    pub unix_ms: i64,
    /// How many passes ran before this one.
    pub pass: u64,
}

impl Now {
    /// Wall-clock time in whole seconds since 1970.
    #[must_use]
    pub const fn unix_seconds(&self) -> i64 {
        self.unix_ms.div_euclid(1000)
    }
}

/// The times of records, for [`record_time`].
#[derive(Resource, Debug, Default)]
pub(crate) struct RecordClock {
    last_us: i64,
}

/// The time of a new record in microseconds since 1970. Each is later than the one before, so that what
/// came first is listed first.
pub(crate) fn record_time(world: &mut World) -> i64 {
    let now_us = world.resource::<Now>().unix_ms.saturating_mul(1000);
    let mut clock = world.resource_mut::<RecordClock>();
    clock.last_us = now_us.max(clock.last_us + 1);
    clock.last_us
}

/// The cadence of one match.
///
/// Deadlines are absolute: `next` moves by exactly one period a tick, so that 60 Hz is 60.00 Hz over an
/// hour whatever the frame rate of the passes. One engine system sets `due`; everybody else reads it.
#[derive(Component, Clone, Copy, Debug)]
pub struct Clock {
    pub(crate) period: Duration,
    pub(crate) next: Duration,
    pub(crate) due: bool,
}

/// Periods that a match may fall behind before the missed ticks are skipped and counted.
pub const CATCH_UP_PERIODS_MAX: u32 = 3;

impl Clock {
    /// A cadence of `rate_hz` ticks a second, whose first tick is at `first`.
    #[must_use]
    pub fn new(rate_hz: u8, first: Duration) -> Self {
        Self {
            period: period_of(rate_hz),
            next: first,
            due: false,
        }
    }

    /// Whether the match ticks in this pass.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.due
    }

    /// Decides whether the match ticks now; returns how many ticks were skipped because it was too late.
    pub(crate) fn advance(&mut self, now: Duration) -> u32 {
        self.due = now >= self.next;
        if !self.due {
            return 0;
        }
        self.next += self.period;
        let late = now.saturating_sub(self.next);
        if late < self.period * CATCH_UP_PERIODS_MAX {
            return 0;
        }
        let skipped = u32::try_from(late.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX);
        self.next += self.period * skipped;
        skipped
    }
}

/// The time between two ticks.
pub(crate) fn period_of(rate_hz: u8) -> Duration {
    Duration::from_nanos(1_000_000_000 / u64::from(rate_hz.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks_within(clock: &mut Clock, frame: Duration, until: Duration) -> u32 {
        let mut now = Duration::ZERO;
        let mut ticks = 0;
        while now < until {
            now += frame;
            clock.advance(now);
            ticks += u32::from(clock.due);
        }
        ticks
    }

    #[test]
    fn rates_that_do_not_divide_the_frame_rate_are_kept_on_average() {
        for rate in [1, 7, 10, 25, 30, 45, 60] {
            let mut clock = Clock::new(rate, period_of(rate));
            let ticks = ticks_within(
                &mut clock,
                Duration::from_nanos(1_000_000_000 / 240),
                Duration::from_secs(60),
            );
            let expected = u32::from(rate) * 60;
            assert!(
                ticks.abs_diff(expected) <= 1,
                "{rate} Hz ticked {ticks} times in a minute"
            );
        }
    }

    #[test]
    fn a_match_a_little_behind_catches_up() {
        let mut clock = Clock::new(10, Duration::from_millis(100));
        assert_eq!(clock.advance(Duration::from_millis(350)), 0);
        let mut ticks = 1;
        for _ in 0..5 {
            clock.advance(Duration::from_millis(351));
            ticks += u32::from(clock.due);
        }
        assert_eq!(ticks, 3, "ticks at 100, 200 and 300 ms");
    }

    #[test]
    fn a_match_far_behind_skips_and_counts() {
        let mut clock = Clock::new(10, Duration::from_millis(100));
        assert_eq!(clock.advance(Duration::from_secs(2)), 18);
        assert!(clock.due);
        clock.advance(Duration::from_millis(2001));
        assert!(clock.due, "the tick that belongs to this moment still runs");
        clock.advance(Duration::from_millis(2002));
        assert!(!clock.due);
    }
}
