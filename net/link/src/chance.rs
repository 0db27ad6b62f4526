//! What happens to each packet, by chance.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

use crate::Profile;

/// Draws the fates of packets, one after the other.
///
/// Every packet takes the same number of draws. So a fate depends on the seed and on how many
/// packets came before, and not on what became of those; and a profile with a little more loss
/// loses the same packets and a few more, as long as losses have no memory.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    // Named, because `SmallRng` is another generator on 32-bit machines.
    rng: Xoshiro256PlusPlus,
    losses: Losses,
    reorder: u64,
    duplicate: u64,
    jitter: Duration,
}

/// What is to happen to one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) held: bool,
    pub(crate) duplicated: bool,
    pub(crate) jitter: Duration,
    pub(crate) copy_jitter: Duration,
}

impl Chance {
    pub(crate) fn new(profile: &Profile) -> Self {
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(profile.seed),
            losses: Losses::new(profile),
            reorder: profile.reorder.odds(),
            duplicate: profile.duplicate.odds(),
            jitter: profile.jitter,
        }
    }

    pub(crate) fn draw(&mut self) -> Fate {
        let lost = self.rng.next_u64() >> 32;
        Fate {
            lost: self.losses.draw(lost),
            held: self.happens(self.reorder),
            duplicated: self.happens(self.duplicate),
            jitter: self.jitter(),
            copy_jitter: self.jitter(),
        }
    }

    fn happens(&mut self, odds: u64) -> bool {
        self.rng.next_u64() >> 32 < odds
    }

    fn jitter(&mut self) -> Duration {
        let draw = u128::from(self.rng.next_u64());
        let jitter = self.jitter.as_nanos().min(u128::from(u64::MAX));
        // Less than the jitter, so it fits.
        Duration::from_nanos(u64::try_from((jitter * draw) >> 64).unwrap_or(u64::MAX))
    }
}

/// Losses in runs: the simple Gilbert model, a chain of two states in one of which every packet is
/// lost (Gilbert: Capacity of a Burst-Noise Channel, 1960; the four-state forms are compared in
/// Salsano et al.: Definition of a general and intuitive loss model, 2009).
///
/// With p the share of lost packets and b their mean run, the chain leaves the lossy state with
/// r = 1/b and enters it with p r / (1 - p). Where b is 1 / (1 - p) both are what they are for
/// losses without memory, so those need no case of their own.
#[derive(Clone, Debug)]
struct Losses {
    /// Odds to lose the first packet, the one after a lost one, and the one after any other.
    first: u64,
    after_loss: u64,
    after_arrival: u64,
    lost_before: Option<bool>,
}

impl Losses {
    fn new(profile: &Profile) -> Self {
        let loss = profile.loss.odds();
        let arrival = ODDS_ALL - loss;
        let leave = arrival.min(ODDS_ALL / u64::from(profile.burst.get()));
        Self {
            first: loss,
            after_loss: ODDS_ALL - leave,
            // Both factors are at most 2³². Without arrivals there is nothing to enter from.
            after_arrival: (u128::from(loss) * u128::from(leave))
                .checked_div(u128::from(arrival))
                .and_then(|odds| u64::try_from(odds).ok())
                .unwrap_or(ODDS_ALL),
            lost_before: None,
        }
    }

    fn draw(&mut self, draw: u64) -> bool {
        let odds = match self.lost_before {
            None => self.first,
            Some(true) => self.after_loss,
            Some(false) => self.after_arrival,
        };
        let lost = draw < odds;
        self.lost_before = Some(lost);
        lost
    }
}

/// Draws have 32 bits.
const ODDS_ALL: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::Share;

    /// The share of lost packets and the mean length of their runs, over a million.
    fn measure(loss: Share, burst: u32) -> (f64, f64) {
        let mut chance = Chance::new(&Profile {
            loss,
            burst: NonZeroU32::new(burst).unwrap(),
            seed: 11,
            ..Profile::default()
        });
        let (mut lost, mut runs, mut before) = (0_u32, 0_u32, false);
        for _ in 0..1_000_000 {
            let fate = chance.draw();
            lost += u32::from(fate.lost);
            runs += u32::from(fate.lost && !before);
            before = fate.lost;
        }
        (f64::from(lost) / 1e6, f64::from(lost) / f64::from(runs))
    }

    #[test]
    fn losses_are_as_many_and_as_long_as_asked_for() {
        for (percent, burst, run) in [(5, 1, 1.0 / 0.95), (5, 4, 4.0), (50, 1, 2.0), (1, 20, 20.0)]
        {
            let (share, mean) = measure(Share::percent(percent), burst);
            // Runs make packets alike: the spread grows with the root of twice their length.
            let asked = f64::from(percent) / 100.0;
            let sigma = (asked * 2.0 * f64::from(burst) / 1e6).sqrt();
            assert!((share - asked).abs() < 4.0 * sigma, "{percent} %: {share}");
            assert!(
                (mean / run - 1.0).abs() < 0.05,
                "{percent} %: runs of {mean}"
            );
        }
    }

    #[test]
    fn all_and_none_are_certain() {
        let every = |loss, burst: u32| {
            let mut chance = Chance::new(&Profile {
                loss,
                burst: NonZeroU32::new(burst).unwrap(),
                ..Profile::default()
            });
            (0..1_000).filter(|_| chance.draw().lost).count()
        };
        assert_eq!(every(Share::ALL, 1), 1_000);
        assert_eq!(every(Share::ALL, 9), 1_000);
        assert_eq!(every(Share::NONE, 1), 0);
        assert_eq!(every(Share::NONE, 9), 0);
    }

    #[test]
    fn more_loss_loses_the_same_packets_and_others() {
        let fates = |percent| {
            let mut chance = Chance::new(&Profile {
                loss: Share::percent(percent),
                burst: NonZeroU32::MIN,
                ..Profile::bad_wifi()
            });
            (0..1_000).map(move |_| chance.draw())
        };
        for (few, many) in fates(5).zip(fates(10)) {
            assert!(many.lost || !few.lost);
            assert_eq!((few.held, few.jitter), (many.held, many.jitter));
        }
    }
}
