//! When passes happen.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::capacity::Meter;

/// A fixed cadence with absolute deadlines: a pass that is late does not make the next one late.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    frame: Duration,
    passes: u64,
    /// Passes that were left out.
    missed: u64,
    meter: Meter,
}

impl Pace {
    pub(crate) fn new(rate_hz: u32, meter: Meter) -> Self {
        let frame = Duration::from_nanos(1_000_000_000 / u64::from(rate_hz.max(1)));
        Self {
            start: Instant::now(),
            frame,
            passes: 0,
            missed: 0,
            meter,
        }
    }

    /// Sleeps until the next pass is due; returns the time since the start. Passes that are missed
    /// altogether are left out.
    pub(crate) fn wait(&mut self) -> Duration {
        let elapsed = self.start.elapsed();
        let due = self.next_due(elapsed);
        let idle = due.saturating_sub(elapsed);
        if !idle.is_zero() {
            thread::sleep(idle);
        }
        let now = self.start.elapsed();
        self.meter.note(now, idle, std::mem::take(&mut self.missed));
        now
    }

    /// How late a pass begins that begins at this time since the start.
    pub(crate) fn lateness(&self, elapsed: Duration) -> Duration {
        let frame_ns = u64::try_from(self.frame.as_nanos()).unwrap_or(u64::MAX);
        elapsed.saturating_sub(Duration::from_nanos(frame_ns.saturating_mul(self.passes)))
    }

    fn next_due(&mut self, elapsed: Duration) -> Duration {
        let frame_ns = self.frame.as_nanos();
        let now = u64::try_from(elapsed.as_nanos() / frame_ns).unwrap_or(u64::MAX);
        let next = self.passes + 1;
        self.missed += now.saturating_sub(next);
        self.passes = next.max(now);
        Duration::from_nanos(
            u64::try_from(frame_ns)
                .unwrap_or(u64::MAX)
                .saturating_mul(self.passes),
        )
    }
}

/// Lets sleeps of this thread end on time: by default the system may add 50 microseconds.
pub(crate) fn sharpen_sleep() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_timerslack(1) {
        tracing::debug!(%error, "the timer slack of the tick thread stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn pace(rate_hz: u32) -> Pace {
        Pace::new(rate_hz, Meter::new(Arc::default(), 0))
    }

    #[test]
    fn deadlines_do_not_drift() {
        let mut pace = pace(240);
        let mut due = Duration::ZERO;
        for _ in 0..240 {
            // Every pass takes a little of its frame.
            due = pace.next_due(due + Duration::from_micros(700));
        }
        assert!(
            Duration::from_secs(1).abs_diff(due) < Duration::from_micros(1),
            "{due:?}"
        );
    }

    #[test]
    fn a_pass_is_as_late_as_it_begins_after_its_deadline() {
        let mut pace = pace(100);
        let due = pace.next_due(Duration::from_millis(3));
        let late = Duration::from_micros(120);
        assert_eq!(pace.lateness(due + late), late);
        assert_eq!(pace.lateness(due), Duration::ZERO);
    }

    #[test]
    fn missed_passes_are_left_out() {
        let mut pace = pace(100);
        assert_eq!(pace.next_due(Duration::ZERO), Duration::from_millis(10));
        assert_eq!(
            pace.next_due(Duration::from_millis(95)),
            Duration::from_millis(90)
        );
        assert_eq!(
            pace.next_due(Duration::from_millis(96)),
            Duration::from_millis(100)
        );
        assert_eq!(pace.missed, 7);
    }
}
