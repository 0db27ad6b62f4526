use proptest::prelude::*;

use super::*;
use crate::Share;

const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn stream(profile: &str) -> StreamLink {
    StreamLink::new(&profile.parse().unwrap())
}

impl StreamLink {
    /// From here on, segments are lost or are not.
    fn loses(&mut self, loss: Share) -> &mut Self {
        self.chance = Chance::new(&Profile {
            loss,
            ..self.profile
        });
        self
    }

    /// Sends one segment of a byte, lost or not.
    fn tick(&mut self, now: Duration, loss: Share) {
        self.loses(loss).send(now, 1);
        self.loses(Share::NONE);
    }

    /// When each of the bytes under way arrives, if nothing else is sent.
    fn arrivals(&mut self) -> Vec<Duration> {
        let mut arrivals = Vec::new();
        while let Some(due) = self.next_due() {
            for _ in 0..self.poll(due) {
                arrivals.push(due);
            }
        }
        arrivals
    }
}

#[test]
fn bytes_arrive_after_the_delay() {
    let mut stream = stream("delay=40ms");
    stream.send(millis(5), 10_000);
    assert_eq!(stream.counters().sent, 7, "1,448 bytes each");
    assert_eq!(stream.poll(millis(44)), 0);
    assert_eq!(stream.poll(millis(45)), 10_000);
    assert_eq!(stream.next_due(), None);
}

#[test]
fn what_is_sent_after_a_loss_waits_for_its_repair() {
    let mut stream = stream("delay=40ms");
    stream.tick(millis(0), Share::ALL);
    for tick in 1..=8 {
        stream.tick(millis(16 * tick), Share::NONE);
    }
    // Seen a round trip and a quarter after it was sent, since the next comes within that quarter.
    assert_eq!(stream.poll(millis(139)), 0, "the first is missing");
    assert_eq!(stream.poll(millis(140)), 1 + 6, "sent by 96 ms");
    assert_eq!(stream.poll(millis(40 + 128)), 2);
}

#[test]
fn loss_is_seen_later_if_the_next_segment_comes_later() {
    let mut stream = stream("delay=40ms");
    stream.tick(millis(0), Share::ALL);
    stream.tick(millis(50), Share::NONE);
    assert_eq!(stream.arrivals(), [millis(50 + 80 + 40); 2]);
}

#[test]
fn lone_lost_segment_waits_for_the_timeout() {
    let mut stream = stream("delay=40ms");
    stream.tick(millis(0), Share::ALL);
    assert_eq!(stream.next_due(), Some(millis(280)));
    assert_eq!(stream.arrivals(), [millis(280 + 40)]);
    assert_eq!(stream.counters().probed, 1);
}

#[test]
fn probe_repairs_the_last_of_a_lost_tail_and_shows_the_others() {
    let mut stream = stream("delay=40ms");
    stream.tick(millis(10), Share::ALL);
    stream.tick(millis(10), Share::ALL);
    let probed = 10 + 160;
    assert_eq!(stream.arrivals(), [millis(probed + 80 + 40); 2]);
}

#[test]
fn segment_after_the_probe_changes_nothing() {
    let mut stream = stream("delay=40ms");
    stream.tick(millis(0), Share::ALL);
    stream.tick(millis(300), Share::NONE);
    assert_eq!(stream.arrivals(), [millis(320), millis(340)]);
}

#[test]
fn lost_repetitions_cost_timeouts_that_double() {
    // Two lost in a row, then the rest: the first seed for which chance has it so.
    let lost = |seed: &u64| {
        let mut chance = Chance::new(&format!("loss=50%,seed={seed}").parse().unwrap());
        [0; 3].map(|_| chance.draw().lost) == [true, true, false]
    };
    let seed = (0..).find(lost).unwrap();
    let mut stream = stream(&format!("delay=40ms,loss=50%,seed={seed}"));
    stream.unseen = 1;
    stream.segments.push_back(Segment {
        bytes: 1,
        last: false,
        sent: millis(0),
        due: None,
    });
    stream.flight_bytes = 1;
    assert_eq!(stream.arrivals(), [millis(280 + 280 + 560 + 40)]);
    assert_eq!(stream.counters().timeouts, 2);
}

#[test]
fn path_that_loses_everything_stands_still() {
    let mut stream = stream("loss=100%");
    stream.send(millis(0), 10);
    let probe = stream.next_due().unwrap();
    assert_eq!(stream.poll(probe), 0);
    assert_eq!(stream.next_due(), None);
    assert_eq!(stream.poll(Duration::from_secs(3_600)), 0);
}

#[test]
fn end_arrives_behind_the_bytes() {
    let mut stream = stream("delay=40ms");
    stream.send(millis(0), 10);
    stream.finish(millis(1));
    assert_eq!((stream.poll(millis(40)), stream.is_finished()), (10, false));
    assert_eq!((stream.poll(millis(41)), stream.is_finished()), (0, true));
}

#[test]
fn rate_and_queue_bound_what_is_under_way() {
    // A byte a millisecond: the path holds 100 and the queue 2,000.
    let mut stream = stream("delay=100ms,rate=8kbit,queue=2kb");
    assert_eq!(stream.room_bytes(), 2_100);
    stream.send(millis(0), 2_100);
    assert_eq!(stream.room_bytes(), 0);
    assert_eq!(
        stream.arrivals().last(),
        Some(&millis(2_100 + 2 * 52 + 100))
    );
    assert_eq!(stream.room_bytes(), 2_100);
}

#[test]
fn tiny_segments_are_bounded_by_number() {
    let mut stream = stream("delay=1s");
    while stream.room_bytes() > 0 {
        stream.send(millis(0), 1);
    }
    assert_eq!(stream.counters().sent, 4_096);
}

/// Recorded, not derived: a change means that earlier runs no longer repeat.
#[test]
fn arrivals_are_the_same_everywhere_and_for_ever() {
    let mut stream = stream("mobile,loss=20%,burst=1,seed=9");
    for tick in 0..12 {
        stream.send(millis(16 * tick), 100);
    }
    let arrivals: Vec<u128> = stream.arrivals().iter().map(Duration::as_micros).collect();
    let each: Vec<u128> = arrivals.into_iter().step_by(100).collect();
    assert_eq!(each, GOLDEN_MICROS);
}

proptest! {
    #[test]
    fn every_byte_arrives_in_order_and_no_earlier_than_it_can(
        loss in 0..=50_u32,
        jitter in 0..50_u64,
        seed: u64,
        writes in prop::collection::vec((0..100_u64, 1..5_000_usize), 1..60),
    ) {
        let profile = Profile {
            delay: millis(30),
            jitter: millis(jitter),
            loss: Share::percent(loss),
            seed,
            ..Profile::default()
        };
        let mut stream = StreamLink::new(&profile);
        let (mut now, mut sent, mut arrived) = (Duration::ZERO, VecDeque::new(), 0);
        for (gap, bytes) in writes {
            now += millis(gap);
            arrived += stream.poll(now);
            sent.push_back((now, bytes));
            stream.send(now, bytes);
        }
        stream.finish(now);
        let total: usize = sent.iter().map(|(_, bytes)| bytes).sum();
        while let Some(due) = stream.next_due() {
            prop_assert!(due >= now, "time does not go back");
            now = due;
            arrived += stream.poll(now);
            // What has arrived was sent at least a delay ago.
            let mut rest = arrived;
            for &(at, bytes) in &sent {
                prop_assert!(rest == 0 || at + profile.delay <= now);
                rest = rest.saturating_sub(bytes);
            }
        }
        prop_assert_eq!(arrived, total);
        prop_assert!(stream.is_finished());
        prop_assert_eq!(stream.flight_bytes, 0);
    }
}

const GOLDEN_MICROS: [u128; 12] = [
    58_378, 198_734, 198_734, 198_734, 251_536, 263_199, 263_199, 263_199, 263_199, 330_754,
    330_754, 330_754,
];
