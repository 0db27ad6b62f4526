//! Times, counted in buckets whose width grows with the time.

use std::time::Duration;

use serde::Serialize;

/// Buckets for each doubling: what is read differs from what was put in by 1/64 at most.
const STEPS: usize = 64;
const STEP_BITS: u32 = STEPS.ilog2();
/// Doublings beyond the first `STEPS` microseconds, up to 2^36 of them: 19 hours.
const DOUBLINGS: usize = 30;
const BUCKETS: usize = STEPS * (DOUBLINGS + 1);

/// How often which time was seen, to the microsecond or to 1/64, in 8 KiB.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    count: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            count: 0,
            max_us: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let count = &mut self.counts[bucket(us)];
        *count = count.saturating_add(1);
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.count += other.count;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// What `share` of the times do not exceed, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let mut left = share * self.count as f64;
        for (index, count) in self.counts.iter().enumerate() {
            left -= f64::from(*count);
            if *count > 0 && left <= 0.0 {
                return ms(highest(index).min(self.max_us));
            }
        }
        ms(self.max_us)
    }

    /// The percentiles that a report has; none if nothing was measured.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        (self.count > 0).then(|| Percentiles {
            count: self.count,
            p50: self.percentile(0.5),
            p99: self.percentile(0.99),
            p999: self.percentile(0.999),
            max: ms(self.max_us),
        })
    }
}

/// Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half of them were no longer.
    pub p50: f64,
    /// 99 of 100 were no longer.
    pub p99: f64,
    /// 999 of 1000 were no longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

fn bucket(us: u64) -> usize {
    // The first doubling has a bucket for each microsecond.
    let shift = (u64::BITS - us.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let step = usize::try_from(us >> shift).unwrap_or(usize::MAX);
    (step + STEPS * shift as usize).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn highest(index: usize) -> u64 {
    let shift = (index / STEPS).saturating_sub(1);
    let step = index - STEPS * shift;
    ((step as u64 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_and_are_narrow() {
        let mut from = 0;
        for index in 0..BUCKETS {
            let to = highest(index);
            assert_eq!((bucket(from), bucket(to)), (index, index));
            assert!((to - from) * 64 <= from, "{from} to {to}");
            from = to + 1;
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_what_was_put_in() {
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        for us in 1..=500 {
            low.add(Duration::from_micros(us));
            high.add(Duration::from_micros(us + 500));
        }
        low.merge(&high);
        let found = low.percentiles().unwrap();
        assert_eq!((found.count, found.max), (1000, 1.0));
        for (value, exact) in [(found.p50, 0.5), (found.p99, 0.99), (found.p999, 0.999)] {
            assert!((value - exact).abs() <= exact / 64.0, "{value} for {exact}");
        }
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Histogram::default().percentiles(), None);
    }
}
