//! What a receiver drops.

mod model;

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use tiltyard_proto::datagram::{Receiver, Verdict};

use crate::model::Model;

/// Some datagrams in a row, `start` steps from the last one before.
#[derive(Clone, Debug)]
struct Row {
    start: u16,
    count: u16,
    step: u16,
    op_codes: i64,
    newest: bool,
}

prop_compose! {
    fn row()(
        start in prop_oneof![
            6 => (-70..70_i16).prop_map(i16::cast_unsigned),
            2 => any::<u16>(),
            1 => 0x7fe0..0x8020_u16,
        ],
        // Now and then enough of them to restart the receiver.
        count in prop_oneof![1..10_u16, 60..70_u16],
        step in prop_oneof![6 => 1..3_u16, 1 => Just(0), 1 => Just(u16::MAX)],
        // No more than are remembered.
        op_codes in 1..=32_i64,
        newest: bool,
    ) -> Row {
        Row { start, count, step, op_codes, newest }
    }
}

proptest! {
    #[test]
    fn the_receiver_does_what_the_model_does(rows in vec(row(), 1..30), first: u16) {
        let (mut receiver, mut model) = (Receiver::default(), Model::default());
        let mut sequence = first;
        for Row { start, count, step, op_codes, newest } in rows {
            sequence = sequence.wrapping_add(start);
            for _ in 0..count {
                let op_code = i64::from(sequence) % op_codes;
                prop_assert_eq!(
                    receiver.accept(sequence, op_code, newest),
                    model.accept(sequence, op_code, newest),
                    "{}", sequence
                );
                prop_assert_eq!(receiver.counts(), model.counts);
                sequence = sequence.wrapping_add(step);
            }
        }
    }

    /// The network loses, doubles and reorders, but nothing overtakes more than 64 others.
    #[test]
    fn each_datagram_that_comes_is_passed_on_once(
        // Where the numbers wrap is among them.
        calm in prop_oneof![0..100_u32, 65_400..65_600_u32],
        blocks in vec(Just((0..32_u32).collect::<Vec<_>>()).prop_shuffle(), 1..8),
        copies in vec(0..3_usize, 7 * 32),
    ) {
        let mut receiver = Receiver::default();
        for position in 0..calm {
            receiver.accept(wrapped(position), 7, false);
        }
        let order = blocks
            .iter()
            .zip(0..)
            .flat_map(|(block, index)| block.iter().map(move |at| calm + 32 * index + at));
        let (mut passed_on, mut last) = (BTreeSet::new(), calm);
        for (position, &copies) in order.zip(&copies) {
            for copy in 0..copies {
                let verdict = receiver.accept(wrapped(position), 7, false);
                let expected = [Verdict::Fresh, Verdict::Duplicate][copy.min(1)];
                prop_assert_eq!(verdict, expected);
                passed_on.insert(position);
                last = last.max(position + 1);
            }
        }
        let lost = (calm..last).filter(|position| !passed_on.contains(position));
        prop_assert_eq!(receiver.counts().lost, lost.count() as u64);
    }

    /// At worst what comes first is too late 64 times, and then looks like the last 65 that came.
    #[test]
    fn no_silence_makes_it_deaf(
        calm in 1..200_u32,
        silence in prop_oneof![0..200_000_u32, 65_300..65_600_u32],
    ) {
        let mut receiver = Receiver::default();
        let mut is_passed_on = |position| {
            receiver.accept(wrapped(position), 7, true) == Verdict::Fresh
        };
        prop_assert!((0..calm).all(&mut is_passed_on));
        let after = calm + silence;
        let heard = (after..).position(&mut is_passed_on);
        prop_assert!(heard.is_some_and(|dropped| dropped <= 64 + 65));
    }
}

/// The sequence number at a position.
fn wrapped(position: u32) -> u16 {
    u16::try_from(position % 0x1_0000).expect("less than a cycle")
}
