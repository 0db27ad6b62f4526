//! Whether a connection loses packets.

/// Share of lost packets from which on it is worth while to send twice what may not be missed: at one in a
/// hundred, every hundredth state is late by a tick.
const NOTICEABLE: f32 = 0.002;
/// Weight of the newest look among those before it: about eight seconds of looks, so that one lost packet
/// in a few hundred keeps the copies coming.
const WEIGHT: f32 = 1.0 / 32.0;
/// Packets from which on a look says something.
const PACKETS_MIN: u64 = 4;

/// A moving average of the share of packets that got lost.
#[derive(Debug, Default)]
pub(super) struct Loss {
    sent: u64,
    lost: u64,
    share: f32,
}

impl Loss {
    /// Notes how many packets were sent and lost since the connection began.
    pub(super) fn note(&mut self, sent: u64, lost: u64) {
        let packets = sent.saturating_sub(self.sent);
        if packets < PACKETS_MIN {
            return;
        }
        let missing = lost.saturating_sub(self.lost).min(packets);
        (self.sent, self.lost) = (sent, lost);
        #[expect(clippy::cast_precision_loss, reason = "a few packets in a moment")]
        let share = missing as f32 / packets as f32;
        self.share += (share - self.share) * WEIGHT;
    }

    /// Whether so much is lost that it matters.
    pub(super) const fn is_noticeable(&self) -> bool {
        self.share > NOTICEABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_lost_packet_is_forgotten_and_steady_loss_is_not() {
        let mut loss = Loss::default();
        loss.note(10, 1);
        assert!(loss.is_noticeable());
        for look in 2..60 {
            loss.note(look * 10, 1);
        }
        assert!(!loss.is_noticeable());
        for look in 60..100 {
            loss.note(look * 10, 1 + (look - 60) / 10);
        }
        assert!(loss.is_noticeable(), "one in a hundred");
    }

    #[test]
    fn a_quiet_connection_says_nothing() {
        let mut loss = Loss::default();
        loss.note(2, 2);
        assert!(!loss.is_noticeable());
    }
}
