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

/// Deadlines at a fixed rate.
///
/// They are absolute: each is exactly one period after the one before, so that 60 Hz is 60.00 Hz over an
/// hour whatever the frame rate of the passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cadence {
    next_ns: u64,
    period_ns: u64,
}

/// Periods that a match may fall behind before the missed ticks are skipped and counted.
pub const CATCH_UP_PERIODS_MAX: u64 = 3;

impl Cadence {
    /// `rate_hz` deadlines a second, the first of them at `first`.
    pub(crate) fn new(rate_hz: u8, first: Duration) -> Self {
        Self {
            next_ns: nanoseconds(first),
            period_ns: nanoseconds(period_of(rate_hz)),
        }
    }

    /// Takes a deadline that has come, if one has; tells how many more are skipped because it is too late.
    pub(crate) const fn advance(&mut self, now_ns: u64) -> Option<u64> {
        if now_ns < self.next_ns {
            return None;
        }
        self.next_ns += self.period_ns;
        let late_ns = now_ns.saturating_sub(self.next_ns);
        if late_ns < self.period_ns * CATCH_UP_PERIODS_MAX {
            return Some(0);
        }
        let skipped = late_ns / self.period_ns;
        self.next_ns += self.period_ns * skipped;
        Some(skipped)
    }
}

/// Nanoseconds, which last for 584 years.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The time between two ticks.
pub(crate) fn period_of(rate_hz: u8) -> Duration {
    Duration::from_nanos(1_000_000_000 / u64::from(rate_hz.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_do_not_divide_the_frame_rate_are_kept_on_average() {
        for rate in [1, 7, 10, 25, 30, 45, 60] {
            let mut cadence = Cadence::new(rate, period_of(rate));
            let passes = (1..=240 * 60).map(|pass| pass * 1_000_000_000 / 240);
            let ticks = passes.filter_map(|now_ns| cadence.advance(now_ns)).count();
            let expected = usize::from(rate) * 60;
            assert!(
                ticks.abs_diff(expected) <= 1,
                "{rate} Hz ticked {ticks} times in a minute"
            );
        }
    }

    #[test]
    fn a_match_a_little_behind_catches_up() {
        let mut cadence = Cadence::new(10, Duration::from_millis(100));
        assert_eq!(cadence.advance(350_000_000), Some(0));
        let later = (0..5).filter_map(|_| cadence.advance(351_000_000)).count();
        assert_eq!(later, 2, "ticks at 100, 200 and 300 ms");
    }

    #[test]
    fn a_match_far_behind_skips_and_counts() {
        let mut cadence = Cadence::new(10, Duration::from_millis(100));
        assert_eq!(cadence.advance(2_000_000_000), Some(18));
        let this_moment = cadence.advance(2_001_000_000);
        assert_eq!(
            this_moment,
            Some(0),
            "the tick that belongs to it still runs"
        );
        assert_eq!(cadence.advance(2_002_000_000), None);
    }
}
