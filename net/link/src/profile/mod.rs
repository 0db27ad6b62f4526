//! What a network does to packets, as numbers.

mod measure;
mod share;
mod text;

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

pub use share::Share;
pub use text::ProfileError;

/// What one direction of a path does to packets. Every value is allowed; the default changes
/// nothing.
///
/// A conditioner at one end of a path treats both directions with the same profile, so that a
/// delay of 30 ms makes a round trip of 60 ms. Use it at one end only.
///
/// # Text
///
/// A preset, parts `key=value`, or a preset and then parts that change it, between commas:
/// `delay=30ms,jitter=5ms,loss=5%,rate=1mbit,queue=32kb,seed=7` or `mobile,loss=5%`. Prefixes are
/// decimal. Everything that [`Profile`] prints within the ranges of the text form reads back as
/// the same profile.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Profile {
    /// Time that every packet takes, one way.
    pub delay: Duration,
    /// The most that a packet takes on top of `delay`, evenly distributed.
    ///
    /// A packet never overtakes an earlier one because of it: it waits for the slower one in front,
    /// so that packets sent closer together than `jitter` arrive in bunches and tend to its upper
    /// end.
    pub jitter: Duration,
    /// Packets that never arrive.
    pub loss: Share,
    /// The mean number of packets lost in a row. Losses without memory come in runs of
    /// 1 / (1 - `loss`), and a smaller number than that means those.
    pub burst: NonZeroU32,
    /// Packets that are held back for `hold`, so that those behind can overtake them.
    pub reorder: Share,
    /// How much later a packet arrives that is held back.
    pub hold: Duration,
    /// Packets that arrive twice.
    pub duplicate: Share,
    /// Bytes a second that the narrowest part of the path carries.
    pub rate: Option<NonZeroU64>,
    /// Bytes that may wait for `rate`. What finds no room is dropped.
    pub queue: u64,
    /// Where chance begins. The same seed and the same packets have the same fate everywhere.
    pub seed: u64,
}

impl Profile {
    /// A switch between two machines: a tenth of a millisecond.
    pub fn lan() -> Self {
        Self {
            delay: Duration::from_micros(100),
            jitter: Duration::from_micros(50),
            ..Self::default()
        }
    }

    /// Cable or fibre to a server in the same part of the world: a round trip of 30 ms, and little
    /// lost.
    pub fn broadband() -> Self {
        Self {
            delay: Duration::from_millis(15),
            jitter: Duration::from_millis(3),
            loss: Share::per_million(1_000),
            rate: NonZeroU64::new(50_000_000 / 8),
            queue: 256_000,
            ..Self::default()
        }
    }

    /// A phone on 4G: a round trip of 90 ms whose scheduler adds up to 15 ms each way, and losses
    /// that come a few at a time.
    pub fn mobile() -> Self {
        Self {
            delay: Duration::from_millis(45),
            jitter: Duration::from_millis(15),
            loss: Share::percent(1),
            burst: const { NonZeroU32::new(3).expect("three is not zero") },
            rate: NonZeroU64::new(10_000_000 / 8),
            queue: 128_000,
            ..Self::default()
        }
    }

    /// A crowded access point at the far end of the house: the server is near, the air is not.
    pub fn bad_wifi() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(30),
            loss: Share::percent(5),
            burst: const { NonZeroU32::new(4).expect("four is not zero") },
            reorder: Share::percent(1),
            duplicate: Share::per_million(5_000),
            rate: NonZeroU64::new(5_000_000 / 8),
            queue: 64_000,
            ..Self::default()
        }
    }

    /// The same network with a seed of its own, for the link number `index` of several.
    #[must_use]
    pub fn derive(&self, index: u64) -> Self {
        Self {
            seed: mix(self.seed ^ mix(index)),
            ..*self
        }
    }

    /// How long `bytes` keep the narrowest part of the path busy.
    pub(crate) fn serialization(&self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(rate.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Share::NONE,
            burst: NonZeroU32::MIN,
            reorder: Share::NONE,
            hold: HOLD,
            duplicate: Share::NONE,
            rate: None,
            queue: QUEUE_BYTES,
            seed: 0,
        }
    }
}

/// The second half of a SplitMix64 step (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
/// Generators, 2014): neighbouring numbers become unrelated ones.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A little more than a sixtieth of a second, so that the packet of the next tick overtakes.
const HOLD: Duration = Duration::from_millis(20);
/// Forty full packets, half a second at 1 Mbit/s.
const QUEUE_BYTES: u64 = 64_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_seeds_differ_from_each_other_and_repeat() {
        let profile = Profile::mobile();
        let seeds: Vec<u64> = (0..100).map(|index| profile.derive(index).seed).collect();
        let mut unique = seeds.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 100);
        assert_eq!(seeds[7], profile.derive(7).seed);
        assert_eq!(profile.derive(7).delay, profile.delay);
    }

    #[test]
    fn serialization_rounds_up_so_that_the_rate_is_never_exceeded() {
        let profile = Profile {
            rate: NonZeroU64::new(3),
            ..Profile::default()
        };
        assert_eq!(
            profile.serialization(1),
            Duration::from_nanos(333_333_334),
            "a third of a second"
        );
        assert_eq!(Profile::default().serialization(1), Duration::ZERO);
    }
}
