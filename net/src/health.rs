//! Whether the server is well: what readiness and liveness routes answer by.
//!
//! A server is as alive as its ticks. Everybody who knows something sets it here; whoever asks reads atomics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::capacity::Capacity;

/// What is known of the server's health.
#[derive(Debug)]
pub(crate) struct Health {
    start: Instant,
    /// Nanoseconds from the start to the end of the latest pass; 0 before the first.
    last_pass_ns: AtomicU64,
    /// The oldest that the latest pass may be.
    pass_age_max: Duration,
    is_stopping: AtomicBool,
    capacity: Arc<Capacity>,
}

/// Why a server should get no more players.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotReady {
    Starting,
    Stuck,
    Stopping,
    Overloaded,
}

impl NotReady {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Starting => "The server is starting.",
            Self::Stuck => STUCK_TEXT,
            Self::Stopping => "The server is stopping.",
            Self::Overloaded => "The server is overloaded.",
        }
    }
}

/// What is said of a server that does not tick.
pub(crate) const STUCK_TEXT: &str = "The server does not tick.";

impl Health {
    /// Of a server that starts now, and bears its load like this.
    pub(crate) fn new(pass_age_max: Duration, capacity: Arc<Capacity>) -> Self {
        Self {
            start: Instant::now(),
            last_pass_ns: AtomicU64::new(0),
            pass_age_max,
            is_stopping: AtomicBool::new(false),
            capacity,
        }
    }

    /// A pass has ended at this time.
    pub(crate) fn pass_ended(&self, now: Instant) {
        let since_start = now.saturating_duration_since(self.start).as_nanos();
        let since_start = u64::try_from(since_start).unwrap_or(u64::MAX).max(1);
        self.last_pass_ns.store(since_start, Ordering::Release);
    }

    /// The server begins to stop. There is no way back.
    pub(crate) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    /// Whether more is asked of the server than it can do.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.capacity.is_overloaded()
    }

    /// How long ago the latest pass ended; before the first one, how long ago the server started.
    pub(crate) fn pass_age(&self, now: Instant) -> Duration {
        let last_pass = Duration::from_nanos(self.last_pass_ns.load(Ordering::Acquire));
        now.saturating_duration_since(self.start + last_pass)
    }

    /// How long the server has been running.
    pub(crate) fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }

    /// Whether the server ticks. One that does not should be started again.
    pub(crate) fn is_live(&self, now: Instant) -> bool {
        self.pass_age(now) <= self.pass_age_max
    }

    /// Whether new players should come here.
    ///
    /// # Errors
    ///
    /// [`NotReady`] says why not.
    pub(crate) fn readiness(&self, now: Instant) -> Result<(), NotReady> {
        if self.is_stopping.load(Ordering::Acquire) {
            return Err(NotReady::Stopping);
        }
        if !self.is_live(now) {
            return Err(NotReady::Stuck);
        }
        if self.last_pass_ns.load(Ordering::Acquire) == 0 {
            return Err(NotReady::Starting);
        }
        if self.is_overloaded() {
            return Err(NotReady::Overloaded);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_server_is_live_while_it_starts_and_ready_after_its_first_pass() {
        let health = Health::new(5 * SECOND, Arc::default());
        let now = health.start + SECOND;
        assert!(health.is_live(now));
        assert_eq!(health.readiness(now), Err(NotReady::Starting));
        health.pass_ended(now);
        assert_eq!(health.readiness(now), Ok(()));
    }

    #[test]
    fn a_server_whose_passes_stop_is_neither_live_nor_ready_until_they_go_on() {
        let health = Health::new(5 * SECOND, Arc::default());
        health.pass_ended(health.start + SECOND);
        assert!(health.is_live(health.start + 6 * SECOND));
        let late = health.start + 7 * SECOND;
        assert!(!health.is_live(late));
        assert_eq!(health.readiness(late), Err(NotReady::Stuck));
        health.pass_ended(late);
        assert!(health.is_live(late));
        assert_eq!(health.readiness(late), Ok(()));
    }

    #[test]
    fn an_overloaded_server_is_live_but_not_ready_and_a_stopping_one_likewise() {
        let health = Health::new(5 * SECOND, Arc::default());
        let now = health.start + SECOND;
        health.pass_ended(now);
        health.capacity.set_overloaded(true);
        assert_eq!(health.readiness(now), Err(NotReady::Overloaded));
        health.capacity.set_overloaded(false);
        assert_eq!(health.readiness(now), Ok(()));
        health.set_stopping();
        assert_eq!(health.readiness(now), Err(NotReady::Stopping));
        assert!(health.is_live(now));
    }
}
