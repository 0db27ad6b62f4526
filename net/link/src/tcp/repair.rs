//! How long TCP takes to repair a loss.

use std::time::Duration;

use crate::Profile;

/// The timing of loss recovery as Linux does it, for a sender that knows its round-trip time.
///
/// - RACK (RFC 8985, section 6.2): a segment is lost when one sent later was acknowledged, and a
///   round trip and the reordering window have passed since it was sent. The window is a quarter
///   of a round trip until there is reordering.
/// - Tail loss probe (RFC 8985, section 7.2): where nothing was sent later, the last segment is
///   sent again after two round trips, and its acknowledgement shows what else was lost. If it is
///   the only one under way, the probe allows for a delayed acknowledgement, 200 ms on Linux, and
///   so does not come before the retransmission timeout.
/// - Retransmission timeout (RFC 6298, section 5): repairs what is not repaired otherwise, a lost
///   retransmission among them, and doubles each time. Its least is 200 ms on top of the round
///   trip on Linux, where the RFC has a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repair {
    rtt: Duration,
    timeout: Duration,
}

impl Repair {
    pub(crate) fn new(profile: &Profile) -> Self {
        // Both ways take the delay, and half of the jitter on average.
        let rtt = profile
            .delay
            .saturating_mul(2)
            .saturating_add(profile.jitter);
        Self {
            rtt,
            timeout: rtt.saturating_add(TIMEOUT_MIN).min(TIMEOUT_MAX),
        }
    }

    /// When the loss of a segment is seen of which the next to arrive was sent later.
    pub(crate) fn seen_by_later(&self, sent: Duration, later_sent: Duration) -> Duration {
        let acknowledged = later_sent.saturating_add(self.rtt);
        let window = sent.saturating_add(self.rtt).saturating_add(self.rtt / 4);
        acknowledged
            .max(window)
            .min(sent.saturating_add(self.timeout))
    }

    /// When the tail is probed of which so many segments in a row are lost, the last of them sent
    /// then.
    pub(crate) fn probed(&self, last_sent: Duration, lost_count: usize) -> Duration {
        let probe = self.rtt.saturating_mul(2).min(self.timeout);
        let wait = if lost_count == 1 { self.timeout } else { probe };
        last_sent.saturating_add(wait)
    }

    /// When the answer to a probe shows the losses in front of the segment it repeated.
    pub(crate) fn seen_by_probe(&self, probed: Duration) -> Duration {
        probed.saturating_add(self.rtt)
    }

    /// How long the sender waits for the answer to a retransmission of which so many were lost
    /// before, unless it has given up.
    pub(crate) fn timeout(&self, lost_count: u32) -> Option<Duration> {
        (lost_count < RETRIES_MAX).then(|| {
            self.timeout
                .saturating_mul(1 << lost_count)
                .min(TIMEOUT_MAX)
        })
    }
}

/// `TCP_RTO_MIN` of Linux.
const TIMEOUT_MIN: Duration = Duration::from_millis(200);
/// `TCP_RTO_MAX` of Linux.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// `net.ipv4.tcp_retries2` of Linux: about a quarter of an hour.
const RETRIES_MAX: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn repair(profile: &str) -> Repair {
        Repair::new(&profile.parse().unwrap())
    }

    #[test]
    fn later_segment_shows_a_loss_but_not_before_the_reordering_window() {
        let repair = repair("delay=40ms");
        assert_eq!(repair.seen_by_later(millis(0), millis(1)), millis(100));
        assert_eq!(repair.seen_by_later(millis(0), millis(50)), millis(130));
    }

    #[test]
    fn timeout_comes_before_an_answer_that_takes_too_long() {
        let repair = repair("delay=1s");
        assert_eq!(repair.seen_by_later(millis(0), millis(500)), millis(2_200));
        assert_eq!(repair.probed(millis(0), 3), millis(2_200));
    }

    #[test]
    fn probe_of_a_lone_segment_comes_no_earlier_than_the_timeout() {
        let repair = repair("delay=40ms");
        assert_eq!(repair.probed(millis(5), 1), millis(5 + 280));
        assert_eq!(repair.probed(millis(5), 2), millis(5 + 160));
    }

    #[test]
    fn timeouts_double_up_to_two_minutes_and_end() {
        let repair = repair("delay=40ms");
        assert_eq!(repair.timeout(0), Some(millis(280)));
        assert_eq!(repair.timeout(3), Some(millis(8 * 280)));
        assert_eq!(repair.timeout(14), Some(Duration::from_secs(120)));
        assert_eq!(repair.timeout(15), None);
    }
}
