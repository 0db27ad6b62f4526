use proptest::prelude::*;

use super::*;
use crate::Share;

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn link(profile: &str) -> Link {
    Link::new(&profile.parse().unwrap())
}

/// Worked out apart from this code, from the definitions of SplitMix64 and Xoshiro256++. A change
/// means that recorded runs no longer repeat.
#[test]
fn fates_are_the_same_everywhere_and_for_ever() {
    let mut link = link("bad_wifi,loss=20%,burst=1,reorder=10%,duplicate=20%,seed=7");
    let arrivals: Vec<Vec<u128>> = (0..16)
        .map(|tick| link.send(millis(tick * 16), 100))
        .map(|delivery| delivery.into_iter().map(|at| at.as_micros()).collect())
        .collect();
    assert_eq!(arrivals, GOLDEN_MICROS, "{arrivals:?}");
}

#[test]
fn perfect_link_delivers_at_once() {
    let mut link = Link::new(&Profile::default());
    let delivery = link.send(millis(5), 1_200);
    assert_eq!(delivery.into_iter().collect::<Vec<_>>(), [millis(5)]);
    assert_eq!(link.counters().sent, 1);
}

#[test]
fn held_packet_is_overtaken_by_the_next() {
    let mut link = link("delay=10ms,reorder=100%,hold=20ms");
    let held = link.send(millis(0), 100);
    link.profile.reorder = Share::NONE;
    link.chance = Chance::new(&link.profile);
    let next = link.send(millis(16), 100);
    assert_eq!(held.arrival, Some(millis(30)));
    assert_eq!(next.arrival, Some(millis(26)), "it does not wait");
    assert_eq!(link.counters().reordered, 1);
}

#[test]
fn packets_that_find_the_queue_full_are_dropped() {
    // A byte a millisecond.
    let mut link = link("rate=8kbit,queue=250b");
    let arrivals: Vec<_> = (0..5).map(|_| link.send(millis(0), 100).arrival).collect();
    assert_eq!(
        arrivals,
        [Some(millis(100)), Some(millis(200)), None, None, None],
        "100 bytes on the wire and 100 behind them leave no room for 100 more"
    );
    assert_eq!(link.counters().queue_dropped, 3);
    assert_eq!(link.send(millis(60), 100).arrival, Some(millis(300)));
}

#[test]
fn idle_link_takes_a_packet_that_the_queue_could_not_hold() {
    let mut link = link("rate=8kbit,queue=0b");
    assert_eq!(link.send(millis(0), 100).arrival, Some(millis(100)));
    assert_eq!(link.send(millis(99), 100).arrival, None);
    assert_eq!(link.send(millis(100), 100).arrival, Some(millis(200)));
}

#[test]
fn copies_follow_their_originals_and_are_counted() {
    let mut link = link("delay=10ms,jitter=5ms,duplicate=30%,seed=3");
    let copies = (0..1_000)
        .map(|tick| link.send(millis(tick), 100))
        .filter(|delivery| {
            delivery
                .copy
                .is_some_and(|copy| Some(copy) >= delivery.arrival)
        })
        .count();
    assert_eq!(link.counters().duplicated, copies as u64);
    assert!((250..350).contains(&copies), "{copies}");
}

fn profiles() -> impl Strategy<Value = Profile> {
    (0..200_u64, 0..100_u64, 0..=100_u32, 1..9_u32, any::<u64>()).prop_map(
        |(delay, jitter, percent, burst, seed)| Profile {
            delay: millis(delay),
            jitter: millis(jitter),
            loss: Share::percent(percent),
            burst: burst.try_into().unwrap(),
            duplicate: Share::percent(10),
            seed,
            ..Profile::default()
        },
    )
}

/// When packets are sent, and how many bytes they have.
fn packets() -> impl Strategy<Value = Vec<(Duration, usize)>> {
    let gaps = prop::collection::vec((0..30_000_u64, 1..1_500_usize), 1..200);
    gaps.prop_map(|gaps| {
        gaps.into_iter()
            .scan(Duration::ZERO, |now, (gap, bytes)| {
                *now += Duration::from_micros(gap);
                Some((*now, bytes))
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn jitter_preserves_order(profile in profiles(), packets in packets()) {
        let mut link = Link::new(&profile);
        let mut before = Duration::ZERO;
        for (now, bytes) in packets {
            for arrival in link.send(now, bytes) {
                prop_assert!(arrival >= now + profile.delay);
                prop_assert!(arrival >= before);
                before = arrival;
            }
        }
    }

    #[test]
    fn only_held_packets_are_overtaken(profile in profiles(), packets in packets()) {
        let mut link = Link::new(&Profile { reorder: Share::percent(20), ..profile });
        let mut before = Duration::ZERO;
        for (now, bytes) in packets {
            let reordered = link.counters().reordered;
            for arrival in link.send(now, bytes) {
                prop_assert!(arrival >= now + profile.delay);
                if link.counters().reordered == reordered {
                    prop_assert!(arrival >= before);
                    before = arrival;
                } else {
                    prop_assert!(arrival >= before + profile.hold);
                }
            }
        }
    }

    #[test]
    fn every_packet_is_accounted_for(profile in profiles(), packets in packets()) {
        let profile = Profile { rate: 50_000.try_into().ok(), queue: 3_000, ..profile };
        let mut link = Link::new(&profile);
        let mut arrivals = 0;
        for &(now, bytes) in &packets {
            arrivals += link.send(now, bytes).into_iter().count() as u64;
        }
        let counters = link.counters();
        prop_assert_eq!(counters.sent, packets.len() as u64);
        let gone = counters.lost + counters.queue_dropped;
        prop_assert_eq!(arrivals, counters.sent - gone + counters.duplicated);
    }

    #[test]
    fn rate_is_honoured_and_waiting_is_bounded(packets in packets(), rate in 1_000..1_000_000_u64) {
        let profile = Profile { rate: rate.try_into().ok(), queue: 5_000, ..Profile::default() };
        let mut link = Link::new(&profile);
        let queue_time = Duration::from_nanos(profile.queue * 1_000_000_000 / rate + 1_000);
        let start = packets[0].0;
        let mut bytes_total = 0;
        for (now, bytes) in packets {
            let Some(arrival) = link.send(now, bytes).arrival else { continue };
            bytes_total += bytes;
            prop_assert!(arrival - start >= profile.serialization(bytes_total));
            prop_assert!(arrival - now <= profile.serialization(bytes) + queue_time);
        }
    }

    #[test]
    fn same_seed_gives_the_same_fates(profile in profiles(), packets in packets()) {
        let run = || {
            let mut link = Link::new(&profile);
            packets.iter().map(|&(now, bytes)| link.send(now, bytes)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn loss_is_within_four_standard_deviations() {
    for percent in [1_u32, 5, 30] {
        let mut link = link(&format!("loss={percent}%,seed=7"));
        let lost = (0..100_000)
            .filter(|_| link.send(Duration::ZERO, 100).arrival.is_none())
            .count();
        assert_eq!(link.counters().lost, lost as u64);
        let asked = f64::from(percent) / 100.0;
        let sigma = (100_000.0 * asked * (1.0 - asked)).sqrt();
        let off = lost.abs_diff(percent as usize * 1_000);
        assert!((off as f64) < 4.0 * sigma, "{percent} %: {lost} lost");
    }
}

const GOLDEN_MICROS: [&[u128]; 16] = [
    &[],
    &[65_629],
    &[],
    &[],
    &[100_085],
    &[],
    &[161_151],
    &[157_283],
    &[160_141, 164_428],
    &[173_084, 198_519],
    &[],
    &[225_087],
    &[],
    &[250_746],
    &[269_756],
    &[273_827],
];
