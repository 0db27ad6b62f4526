//! How busy the tick thread is, and whether newcomers are let in.
//!
//! ```text
//! pace ─► Meter: share of the last second ─► above 90 % for a second: overloaded
//!                                         └► below 70 % for a second: not any more
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing::{info, warn};

/// How the server bears its load. Written by the tick thread, read by everybody.
#[derive(Debug, Default)]
pub struct Capacity {
    busy_permille: AtomicU32,
    overloaded: AtomicBool,
    stopping: AtomicBool,
    passes_missed: AtomicU64,
}

impl Capacity {
    /// The share of the last second, from 0 to 1, in which the tick thread was at work, or would have been had the
    /// machine let it.
    #[must_use]
    pub fn busy_share(&self) -> f32 {
        let permille = self.busy_permille.load(Ordering::Relaxed);
        f32::from(u16::try_from(permille).unwrap_or(u16::MAX)) / 1000.0
    }

    /// Whether there is more to do than time to do it.
    #[must_use]
    pub fn is_overloaded(&self) -> bool {
        self.overloaded.load(Ordering::Relaxed)
    }

    /// Passes that were left out because the ones before took too long.
    #[must_use]
    pub fn passes_missed(&self) -> u64 {
        self.passes_missed.load(Ordering::Relaxed)
    }

    /// Why nobody is let in, if that is so.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("server is shutting down");
        }
        self.is_overloaded().then_some("server is overloaded")
    }

    #[cfg(test)]
    pub(crate) fn set_overloaded(&self, overloaded: bool) {
        self.overloaded.store(overloaded, Ordering::Relaxed);
    }

    pub(crate) fn set_stopping(&self, stopping: bool) {
        self.stopping.store(stopping, Ordering::Relaxed);
    }
}

/// Time that is looked at as one.
const SLOT: Duration = Duration::from_millis(100);
/// Slots that the share is the mean of: a second.
const SLOTS: usize = 10;
/// For how long the share has to be beyond a bound before anything follows.
const PATIENCE: Duration = Duration::from_secs(1);

/// Measures how busy the tick thread is.
#[derive(Debug)]
pub(crate) struct Meter {
    capacity: Arc<Capacity>,
    bounds: Option<Bounds>,
    last: Duration,
    total: Duration,
    idle: Duration,
    /// The last slots: time that has passed, and time at rest. A long pass is a long slot.
    slots: [(Duration, Duration); SLOTS],
    next: usize,
    /// Since when the share is beyond the bound that counts.
    since: Option<Duration>,
}

/// Between these nothing changes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    low_permille: u32,
    high_permille: u32,
}

impl Meter {
    /// With 0 % the server is never overloaded.
    pub(crate) fn new(capacity: Arc<Capacity>, busy_percent_max: u32) -> Self {
        let bounds = Bounds {
            // From 90 % the way back leads below 70 %, or it would be lost at once to those who wait outside.
            low_permille: busy_percent_max * 70 / 9,
            high_permille: busy_percent_max * 10,
        };
        Self {
            capacity,
            bounds: (busy_percent_max > 0).then_some(bounds),
            last: Duration::ZERO,
            total: Duration::ZERO,
            idle: Duration::ZERO,
            slots: Default::default(),
            next: 0,
            since: None,
        }
    }

    /// Takes note of a pass that begins now, for which the thread wanted to rest for so long. That it rested for
    /// longer is not its choice, but for lack of a core.
    pub(crate) fn note(&mut self, now: Duration, idle: Duration, missed: u64) {
        if missed > 0 {
            self.capacity
                .passes_missed
                .fetch_add(missed, Ordering::Relaxed);
        }
        let passed = now.saturating_sub(self.last);
        self.last = now;
        self.total += passed;
        self.idle += idle.min(passed);
        if self.total < SLOT {
            return;
        }
        self.slots[self.next] = (self.total, self.idle);
        self.next = (self.next + 1) % SLOTS;
        (self.total, self.idle) = Default::default();
        let share = self.share();
        self.capacity.busy_permille.store(share, Ordering::Relaxed);
        self.judge(now, share);
    }

    /// The busy share of the last second, or of the last pass if that was longer, in permille.
    fn share(&self) -> u32 {
        let newest_first = (1..=SLOTS).map(|back| self.slots[(self.next + SLOTS - back) % SLOTS]);
        let (mut passed, mut rested) = (Duration::ZERO, Duration::ZERO);
        for (slot, idle) in newest_first {
            passed += slot;
            rested += idle;
            if passed >= PATIENCE {
                break;
            }
        }
        // What was before the start was rest.
        let busy = (passed - rested).as_micros() * 1000 / passed.max(PATIENCE).as_micros();
        u32::try_from(busy).unwrap_or(1000)
    }

    fn judge(&mut self, now: Duration, share: u32) {
        let Some(bounds) = self.bounds else {
            return;
        };
        let overloaded = self.capacity.is_overloaded();
        let beyond = if overloaded {
            share < bounds.low_permille
        } else {
            share > bounds.high_permille
        };
        if !beyond {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(now);
        if now - since < PATIENCE {
            return;
        }
        self.since = None;
        self.capacity
            .overloaded
            .store(!overloaded, Ordering::Relaxed);
        let (busy_percent, passes_missed) = (share / 10, self.capacity.passes_missed());
        if overloaded {
            info!(busy_percent, passes_missed, "no longer overloaded");
        } else {
            warn!(
                busy_percent,
                passes_missed, "overloaded: nobody new is let in until there is time again"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_micros(4167);

    struct Run {
        capacity: Arc<Capacity>,
        meter: Meter,
        now: Duration,
    }

    impl Run {
        fn new(busy_percent_max: u32) -> Self {
            let capacity = Arc::<Capacity>::default();
            Self {
                meter: Meter::new(capacity.clone(), busy_percent_max),
                capacity,
                now: Duration::ZERO,
            }
        }

        /// Passes that are busy for this share of their frame, for so many milliseconds. Returns when the server
        /// was overloaded first, or no longer, if that changed.
        fn run(&mut self, busy_percent: u32, milliseconds: u64) -> Option<u128> {
            let before = self.capacity.is_overloaded();
            let start = self.now;
            let mut changed = None;
            while self.now < start + Duration::from_millis(milliseconds) {
                let busy = FRAME * busy_percent / 100;
                self.now += busy.max(FRAME);
                self.meter.note(self.now, FRAME.saturating_sub(busy), 0);
                if changed.is_none() && self.capacity.is_overloaded() != before {
                    changed = Some((self.now - start).as_millis());
                }
            }
            changed
        }
    }

    #[test]
    fn a_pass_weighs_as_much_as_it_was_long() {
        let mut run = Run::new(90);
        run.run(10, 2_000);
        run.now += Duration::from_secs(3);
        run.meter.note(run.now, Duration::ZERO, 700);
        assert!(
            run.capacity.busy_share() > 0.9,
            "{}",
            run.capacity.busy_share()
        );
        run.run(10, 1_100);
        assert!(
            run.capacity.busy_share() < 0.2,
            "{}",
            run.capacity.busy_share()
        );
    }

    #[test]
    fn a_second_above_ninety_percent_is_overload_and_one_below_seventy_its_end() {
        let mut run = Run::new(90);
        assert_eq!(run.run(80, 5000), None);
        let begun = run.run(97, 5000).unwrap();
        assert!((1500..2500).contains(&begun), "{begun}");
        assert!((0.96..0.98).contains(&run.capacity.busy_share()));
        assert_eq!(run.capacity.refusal(), Some("server is overloaded"));
        assert_eq!(run.run(80, 5000), None, "it is not over yet");
        let ended = run.run(30, 5000).unwrap();
        assert!((1000..2500).contains(&ended), "{ended}");
        assert_eq!(run.capacity.refusal(), None);
    }

    #[test]
    fn a_hiccup_is_no_overload() {
        let mut run = Run::new(90);
        for _ in 0..10 {
            assert_eq!(run.run(100, 900), None);
            assert_eq!(run.run(50, 400), None);
        }
    }

    #[test]
    fn passes_that_take_longer_than_their_frame_are_overload() {
        let mut run = Run::new(90);
        assert!(run.run(400, 5000).is_some());
        assert!(run.run(10, 5000).is_some());
    }

    #[test]
    fn a_thread_that_is_not_given_a_core_counts_as_busy() {
        let mut run = Run::new(90);
        for _ in 0..100 {
            // It wanted to rest for a frame and was woken fifteen frames later.
            run.now += 16 * FRAME;
            run.meter.note(run.now, FRAME, 15);
        }
        assert!(run.capacity.is_overloaded());
        assert_eq!(run.capacity.passes_missed(), 1500);
    }

    #[test]
    fn where_the_operator_wants_no_bound_there_is_none() {
        let mut run = Run::new(0);
        assert_eq!(run.run(400, 5000), None);
        assert!(run.capacity.busy_share() > 0.99);
    }

    #[test]
    fn a_server_that_stops_says_so() {
        let capacity = Capacity::default();
        capacity.set_stopping(true);
        assert_eq!(capacity.refusal(), Some("server is shutting down"));
    }
}
