//! What a receiver drops.

/// How far behind the newest datagram another is still taken.
const WINDOW: u16 = 64;

/// Op codes for which the newest datagram is remembered.
///
/// Only the last [`WINDOW`]` + 1` numbers matter, as what is older is dropped anyway, so few op codes
/// are live at once. Half of the window is more than a game has kinds of newest-only data.
const OP_CODES_MAX: usize = 32;

/// Datagrams in a row that may be too late before the next one is taken for the newest.
const LATE_IN_A_ROW_MAX: u16 = 64;

/// Decides which datagrams of one handle and direction are passed on, and counts the others.
///
/// It lives as long as the handle, which is as long as the connection: the sender does not count
/// anew when a match is joined again.
///
/// Sequence numbers are compared as those of RFC 1982: up to 32,767 steps forward is newer. If more
/// than that were lost in a row, what comes next looks older than it is. So once 64 datagrams in a
/// row, duplicates among them, were too late, the next one is taken for the newest whatever its
/// number; what lies before it counts as had, and the gap is not counted as lost, as its length is a
/// guess.
///
/// It remembers the newest datagram of 32 op codes. If more are in use at once, that with the oldest
/// datagram is forgotten, and then something outdated may pass.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Position of the newest datagram: its sequence number, not wrapping. One cycle is added at
    /// the start, so that what comes before 0 has a position too.
    newest: u64,
    /// Bit `n` says that the datagram `n + 1` before the newest was had.
    had: u64,
    is_started: bool,
    late_in_a_row: u16,
    newest_of_op_codes: Vec<(i64, u64)>,
    counts: Counts,
}

/// What is to be done with a datagram.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// It is passed on.
    Fresh,
    /// It was had before; dropped.
    Duplicate,
    /// It is too far behind the newest to know whether it was had before; dropped.
    Late,
    /// A newer one of its op code has made it worthless; dropped.
    Outdated,
}

/// What has come, and what has not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counts {
    /// All that came, those included that were dropped.
    pub received: u64,
    /// Gaps in the sequence that were not filled, or not yet.
    pub lost: u64,
    /// Dropped as [`Verdict::Duplicate`].
    pub duplicates: u64,
    /// Dropped as [`Verdict::Late`].
    pub late: u64,
    /// Dropped as [`Verdict::Outdated`].
    pub outdated: u64,
}

/// Nothing has come yet, and 0 is next.
impl Default for Receiver {
    fn default() -> Self {
        Self {
            newest: u64::from(u16::MAX),
            // Nothing lies before 0 that could be waited for.
            had: u64::MAX,
            is_started: false,
            late_in_a_row: 0,
            newest_of_op_codes: Vec::new(),
            counts: Counts::default(),
        }
    }
}

impl Receiver {
    /// Takes note of a datagram and says what is to be done with it.
    pub fn accept(&mut self, sequence: u16, op_code: i64, newest: bool) -> Verdict {
        let verdict = self.judge(sequence, op_code, newest);
        self.counts.received += 1;
        match verdict {
            Verdict::Fresh => {}
            Verdict::Duplicate => self.counts.duplicates += 1,
            Verdict::Late => self.counts.late += 1,
            Verdict::Outdated => self.counts.outdated += 1,
        }
        verdict
    }

    /// What has come so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn judge(&mut self, sequence: u16, op_code: i64, newest: bool) -> Verdict {
        match self.place(sequence) {
            Err(verdict) => verdict,
            Ok(position) if newest && self.is_outdated(op_code, position) => Verdict::Outdated,
            Ok(_) => Verdict::Fresh,
        }
    }

    /// Notes that the datagram is had and gives its position, or says why it is dropped.
    fn place(&mut self, sequence: u16) -> Result<u64, Verdict> {
        // The lowest bits of a position are the sequence number.
        let ahead = sequence.wrapping_sub((self.newest & 0xffff) as u16);
        let behind = ahead.wrapping_neg();
        if !self.is_started {
            self.is_started = true;
            self.advance(u32::from(sequence) + 1);
        } else if (1..0x8000).contains(&ahead) {
            self.advance(u32::from(ahead));
        } else if behind <= WINDOW {
            return self.fill(behind);
        } else if self.late_in_a_row < LATE_IN_A_ROW_MAX {
            self.late_in_a_row += 1;
            return Err(Verdict::Late);
        } else {
            self.restart(ahead);
        }
        self.late_in_a_row = 0;
        Ok(self.newest)
    }

    /// The newest is now `steps` further; `steps` is not 0.
    fn advance(&mut self, steps: u32) {
        let was_newest = 1_u64.checked_shl(steps - 1).unwrap_or(0);
        self.had = self.had.checked_shl(steps).unwrap_or(0) | was_newest;
        self.newest += u64::from(steps);
        self.counts.lost += u64::from(steps) - 1;
    }

    fn fill(&mut self, behind: u16) -> Result<u64, Verdict> {
        self.late_in_a_row = 0;
        if behind == 0 {
            return Err(Verdict::Duplicate);
        }
        let bit = 1 << (behind - 1);
        if self.had & bit != 0 {
            return Err(Verdict::Duplicate);
        }
        self.had |= bit;
        self.counts.lost -= 1;
        Ok(self.newest - u64::from(behind))
    }

    fn restart(&mut self, ahead: u16) {
        self.newest += u64::from(ahead);
        self.had = u64::MAX;
    }

    fn is_outdated(&mut self, op_code: i64, position: u64) -> bool {
        let mut known = self.newest_of_op_codes.iter_mut();
        if let Some((_, newest)) = known.find(|(known, _)| *known == op_code) {
            let is_outdated = position < *newest;
            *newest = position.max(*newest);
            return is_outdated;
        }
        if self.newest_of_op_codes.len() < OP_CODES_MAX {
            self.newest_of_op_codes.push((op_code, position));
            return false;
        }
        let oldest = self.newest_of_op_codes.iter_mut().min_by_key(|(_, at)| *at);
        if let Some(oldest) = oldest.filter(|(_, at)| *at < position) {
            *oldest = (op_code, position);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Duplicate, Fresh, Late, Outdated};

    use super::*;

    fn verdicts(receiver: &mut Receiver, sequences: &[u16]) -> Vec<Verdict> {
        let accept = |&sequence: &u16| receiver.accept(sequence, 7, false);
        sequences.iter().map(accept).collect()
    }

    #[test]
    fn what_was_had_is_dropped() {
        let mut receiver = Receiver::default();
        assert_eq!(
            verdicts(&mut receiver, &[0, 0, 1, 0, 1]),
            [Fresh, Duplicate, Fresh, Duplicate, Duplicate]
        );
        assert_eq!(receiver.counts().duplicates, 3);
        assert_eq!(receiver.counts().received, 5);
    }

    #[test]
    fn a_gap_is_lost_until_it_is_filled() {
        let mut receiver = Receiver::default();
        verdicts(&mut receiver, &[0, 3]);
        assert_eq!(receiver.counts().lost, 2);
        assert_eq!(verdicts(&mut receiver, &[1, 1]), [Fresh, Duplicate]);
        assert_eq!(receiver.counts().lost, 1);
    }

    #[test]
    fn numbers_count_from_0_so_what_is_missing_before_the_first_is_lost() {
        for first in [0, 3, 64, 65, 0x7fff, 0x8000, u16::MAX] {
            let mut receiver = Receiver::default();
            assert_eq!(verdicts(&mut receiver, &[first]), [Fresh], "{first}");
            assert_eq!(receiver.counts().lost, u64::from(first));
        }
        let mut receiver = Receiver::default();
        assert_eq!(verdicts(&mut receiver, &[2, 0, 1]), [Fresh; 3]);
        let before = [u16::MAX, u16::MAX - 61];
        assert_eq!(verdicts(&mut receiver, &before), [Duplicate; 2]);
        assert_eq!(receiver.counts().lost, 0);
    }

    #[test]
    fn sixty_four_behind_is_taken_and_sixty_five_is_late() {
        let mut receiver = Receiver::default();
        assert_eq!(
            verdicts(&mut receiver, &[0, 100, 36, 35, 36, 37]),
            [Fresh, Fresh, Fresh, Late, Duplicate, Fresh]
        );
        assert_eq!(receiver.counts().late, 1);
    }

    #[test]
    fn numbers_go_on_behind_the_largest() {
        let mut receiver = Receiver::default();
        assert_eq!(
            verdicts(&mut receiver, &[0x7fff, 0xfffe, 1, 0xffff, 0xfffe, 0, 1]),
            [Fresh, Fresh, Fresh, Fresh, Duplicate, Fresh, Duplicate]
        );
        // Two cycles up to the second 1, less the five that came.
        assert_eq!(receiver.counts().lost, 0x1_0002 - 5);
    }

    #[test]
    fn a_jump_forward_ends_where_half_of_all_numbers_do() {
        let mut receiver = Receiver::default();
        verdicts(&mut receiver, &[0]);
        assert_eq!(verdicts(&mut receiver.clone(), &[0x7fff]), [Fresh]);
        assert_eq!(verdicts(&mut receiver, &[0x8000]), [Late]);
    }

    #[test]
    fn newest_only_data_is_dropped_if_newer_of_its_op_code_came() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.accept(5, 7, true), Fresh);
        assert_eq!(receiver.accept(4, 7, true), Outdated);
        assert_eq!(receiver.accept(3, 8, true), Fresh, "another op code");
        assert_eq!(receiver.accept(2, 7, false), Fresh, "worth something still");
        assert_eq!(receiver.accept(4, 7, true), Duplicate);
        assert_eq!(receiver.accept(6, 7, true), Fresh);
        let counts = receiver.counts();
        assert_eq!(
            (counts.outdated, counts.lost),
            (1, 2),
            "outdated is not lost"
        );
    }

    #[test]
    fn an_op_code_used_seldom_is_not_compared_with_its_last_cycle() {
        let mut receiver = Receiver::default();
        receiver.accept(5, 7, true);
        verdicts(&mut receiver, &[0x7000, 0xe000]);
        assert_eq!(receiver.accept(0xe001, 7, true), Fresh);
    }

    #[test]
    fn more_op_codes_than_are_remembered_forget_the_oldest() {
        let mut receiver = Receiver::default();
        for sequence in 1..=33 {
            receiver.accept(sequence, sequence.into(), true);
        }
        assert_eq!(receiver.newest_of_op_codes.len(), OP_CODES_MAX);
        let remembered = |op_code: i64| {
            let mut codes = receiver.newest_of_op_codes.iter();
            codes.any(|(known, _)| *known == op_code)
        };
        assert!(!remembered(1) && (2..=33).all(remembered));
        assert_eq!(
            receiver.accept(0, 1, true),
            Fresh,
            "outdated, but forgotten"
        );
        assert!((2..=33).all(|code| receiver.accept(0, code, true) == Duplicate));
    }

    #[test]
    fn after_a_long_silence_it_hears_again() {
        // 40,000 were lost: what comes next looks 25,536 behind.
        let mut receiver = Receiver::default();
        verdicts(&mut receiver, &[0]);
        let silence = 40_000;
        let late: Vec<u16> = (silence..silence + 64).collect();
        assert_eq!(verdicts(&mut receiver, &late), [Late; 64]);
        let next = silence + 64;
        assert_eq!(
            verdicts(&mut receiver, &[next, next, next + 1, next - 1]),
            [Fresh, Duplicate, Fresh, Duplicate]
        );
        assert_eq!(receiver.counts().lost, 0, "how many is a guess");
    }

    #[test]
    fn stragglers_do_not_turn_it_back() {
        let mut receiver = Receiver::default();
        verdicts(&mut receiver, &[1000]);
        for straggler in 0..200 {
            assert_eq!(verdicts(&mut receiver, &[straggler]), [Late]);
            // Anything that is not late tells that the numbers are right.
            verdicts(&mut receiver, &[1000 + straggler / 63]);
        }
    }
}
