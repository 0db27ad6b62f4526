//! Spreading matches of one rate over the passes of a period.

use std::{collections::BTreeMap, time::Duration};

use bevy_ecs::prelude::*;

use crate::clock::period_of;

/// Parts that a period is divided into. At 240 passes a second and 30 ticks a second, one pass each;
/// finer than a pass is of no use, coarser leaves passes uneven.
const PARTS: usize = 8;

/// How many matches of each rate tick in each part of their period.
#[derive(Resource, Default, Debug)]
pub(crate) struct Phases {
    loads: BTreeMap<u8, [u32; PARTS]>,
}

impl Phases {
    /// When the first tick of a match is that is created now: a period from now, or as much earlier as
    /// it takes to reach the part of the period with the least to do.
    ///
    /// Matches that are created one by one keep their natural phase; a thousand created at once are
    /// spread evenly.
    pub(crate) fn first_tick(&mut self, rate: u8, now: Duration) -> Duration {
        let period = period_of(rate);
        let natural = now + period;
        let loads = self.loads.entry(rate).or_default();
        let least = loads.iter().copied().min().unwrap_or(0);
        let home = part_of(natural, period);
        let earlier = (0..PARTS)
            .find(|earlier| loads[(home + PARTS - earlier) % PARTS] == least)
            .unwrap_or(0);
        loads[(home + PARTS - earlier) % PARTS] += 1;
        natural - period * u32::try_from(earlier).unwrap_or(0) / PARTS_U32
    }

    /// A match of this rate whose ticks are at this time of its period is over.
    pub(crate) fn forget(&mut self, rate: u8, tick_at: Duration) {
        if let Some(loads) = self.loads.get_mut(&rate) {
            let load = &mut loads[part_of(tick_at, period_of(rate))];
            *load = load.saturating_sub(1);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "eight")]
const PARTS_U32: u32 = PARTS as u32;

fn part_of(at: Duration, period: Duration) -> usize {
    let within = at.as_nanos() % period.as_nanos();
    usize::try_from(within * PARTS as u128 / period.as_nanos()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_created_at_once_are_spread_evenly() {
        let mut phases = Phases::default();
        let mut counts = [0; PARTS];
        for _ in 0..800 {
            let first = phases.first_tick(30, Duration::from_secs(5));
            counts[part_of(first, period_of(30))] += 1;
        }
        assert_eq!(counts, [100; PARTS]);
    }

    #[test]
    fn the_first_tick_is_within_a_period() {
        let mut phases = Phases::default();
        for _ in 0..100 {
            let first = phases.first_tick(10, Duration::from_secs(1));
            assert!(
                first > Duration::from_secs(1) && first <= Duration::from_millis(1100),
                "{first:?}"
            );
        }
    }

    #[test]
    fn places_of_matches_that_ended_are_used_again() {
        let mut phases = Phases::default();
        let firsts: Vec<Duration> = (0..PARTS)
            .map(|_| phases.first_tick(10, Duration::ZERO))
            .collect();
        phases.forget(10, firsts[3]);
        assert_eq!(phases.first_tick(10, Duration::ZERO), firsts[3]);
    }
}
