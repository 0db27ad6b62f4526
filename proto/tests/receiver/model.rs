//! TRANSPORT.md on what a receiver drops, read aloud with all the memory there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use tiltyard_proto::datagram::{Counts, Verdict};

const CYCLE: i64 = 0x1_0000;

/// Remembers every datagram by its position, which is its sequence number without wrapping.
#[derive(Default)]
pub(crate) struct Model {
    had: BTreeSet<i64>,
    /// Gaps of unknown length that restarts have skipped.
    skipped: Vec<Range<i64>>,
    newest_of_op_codes: BTreeMap<i64, i64>,
    late_in_a_row: u32,
    pub(crate) counts: Counts,
}

impl Model {
    /// As [`Receiver::accept`](tiltyard_proto::datagram::Receiver::accept).
    pub(crate) fn accept(&mut self, sequence: u16, op_code: i64, newest: bool) -> Verdict {
        self.counts.received += 1;
        let mut position = self.position(sequence);
        if let Some(&last) = self.had.last()
            && position < last - 64
        {
            self.late_in_a_row += 1;
            if self.late_in_a_row <= 64 {
                self.counts.late += 1;
                return Verdict::Late;
            }
            position += CYCLE;
            self.skipped.push(last + 1..position);
        }
        self.late_in_a_row = 0;
        let is_before_all = position < 0;
        let is_skipped = self.skipped.iter().any(|gap| gap.contains(&position));
        if is_before_all || is_skipped || !self.had.insert(position) {
            self.counts.duplicates += 1;
            return Verdict::Duplicate;
        }
        self.counts.lost = self.lost();
        if newest {
            let last = self.newest_of_op_codes.entry(op_code).or_insert(position);
            if position < *last {
                self.counts.outdated += 1;
                return Verdict::Outdated;
            }
            *last = position;
        }
        Verdict::Fresh
    }

    /// The position nearest to the newest; the lower if two are as near.
    fn position(&self, sequence: u16) -> i64 {
        let sequence = i64::from(sequence);
        let Some(&last) = self.had.last() else {
            return sequence;
        };
        let steps = (sequence - last).rem_euclid(CYCLE);
        last + if steps < CYCLE / 2 {
            steps
        } else {
            steps - CYCLE
        }
    }

    fn lost(&self) -> u64 {
        let positions = self.had.last().map_or(0, |last| last + 1);
        let skipped: i64 = self.skipped.iter().map(|gap| gap.end - gap.start).sum();
        (positions - skipped).cast_unsigned() - self.had.len() as u64
    }
}
