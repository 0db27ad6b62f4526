//! What a player wants to do in one tick, read from bytes that nobody vouches for.

use std::collections::VecDeque;

use crate::vector::Vector;

/// Bytes of an input.
pub const INPUT_BYTES: usize = 21;

/// Inputs in one message.
///
/// Input may be lost on the way. A client that repeats its last three with every new one loses none
/// before four messages in a row are gone: one in 160,000 where one in twenty is.
pub const INPUTS_PER_MESSAGE_MAX: usize = 4;

/// Inputs that wait for their tick; with more, the oldest are dropped, so that a player whose
/// packets come in bursts is never further behind than this.
const WAITING_MAX: usize = 4;
const _: () = assert!(WAITING_MAX >= INPUTS_PER_MESSAGE_MAX);

/// Ticks in a row in which an input is left over before one is skipped: one second.
///
/// What comes late leaves the queue longer by one, and everything after it waits a tick more. Where
/// the network is that uneven, the wait is needed; where it was a single loss, it goes away again.
const SPARE_TICKS_MAX: u32 = 30;

/// Ticks for which the last input counts on when nothing new comes: half a second.
const HOLD_TICKS_MAX: u32 = 15;

/// One tick of steering. Every field is finite and within its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// Number that the client gave it; grows by one per input.
    pub sequence: u32,
    /// Where to fly: at most 1 long.
    pub thrust: Vector,
    /// Where to aim: exactly 1 long, or `None` to keep aiming as before.
    pub aim: Option<Vector>,
    /// Whether the trigger is held.
    pub fire: bool,
}

impl Input {
    /// Reads a message: one to [`INPUTS_PER_MESSAGE_MAX`] inputs, oldest first. None in one of another
    /// length; what is no input is left out.
    pub fn from_message(bytes: &[u8]) -> impl Iterator<Item = Self> {
        let is_message = bytes.len().is_multiple_of(INPUT_BYTES)
            && bytes.len() / INPUT_BYTES <= INPUTS_PER_MESSAGE_MAX;
        let inputs = if is_message { bytes } else { &[] };
        inputs
            .chunks_exact(INPUT_BYTES)
            .filter_map(Self::from_bytes)
    }

    /// Reads an input: little-endian `u32` sequence, `f32` thrust x and y, `f32` aim x and y, and
    /// a byte of which bit 0 is the trigger.
    ///
    /// `None` for another length or a number that is not finite; thrust that is too long is
    /// shortened, aim is normalised.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; INPUT_BYTES] = bytes.try_into().ok()?;
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let number = |at: usize| Some(f32::from_le_bytes(four(at))).filter(|n| n.is_finite());
        // Clamping first keeps the squares finite.
        let small = |at: usize| number(at).map(|n| n.clamp(-1000.0, 1000.0));
        Some(Self {
            sequence: u32::from_le_bytes(four(0)),
            thrust: Vector::new(small(4)?, small(8)?).at_most_one(),
            aim: Vector::new(small(12)?, small(16)?).normalised(),
            fire: bytes[20] & 1 == 1,
        })
    }
}

/// The inputs of one player that wait for their tick: one is used in each.
#[derive(Clone, Debug, Default)]
pub struct InputQueue {
    waiting: VecDeque<Input>,
    newest_sequence: Option<u32>,
    last_used: Option<Input>,
    held_ticks: u32,
    spare_ticks: u32,
}

impl InputQueue {
    /// Adds an input; one that is not newer than all before it is dropped. So each is used once and in
    /// order, however often and in whatever order it comes.
    pub fn push(&mut self, input: Input) {
        if self
            .newest_sequence
            .is_some_and(|newest| input.sequence <= newest)
        {
            return;
        }
        self.newest_sequence = Some(input.sequence);
        self.waiting.push_back(input);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// The input for this tick: the next one, or the last one held for a while, or none.
    pub fn take(&mut self) -> Option<Input> {
        if let Some(next) = self.next_waiting() {
            self.last_used = Some(next);
            self.held_ticks = 0;
            return Some(next);
        }
        self.spare_ticks = 0;
        self.held_ticks += 1;
        if self.held_ticks > HOLD_TICKS_MAX {
            return None;
        }
        self.last_used
    }

    /// The oldest that waits; once in a while the one after it, if there was always one to spare.
    fn next_waiting(&mut self) -> Option<Input> {
        let mut next = self.waiting.pop_front()?;
        if self.waiting.is_empty() {
            self.spare_ticks = 0;
            return Some(next);
        }
        self.spare_ticks += 1;
        if self.spare_ticks > SPARE_TICKS_MAX {
            self.spare_ticks = 0;
            let skipped = next;
            next = self.waiting.pop_front()?;
            // A shot is not skipped with it.
            next.fire |= skipped.fire;
        }
        Some(next)
    }

    /// The sequence number of the newest input that was used; 0 before the first.
    pub fn acknowledged(&self) -> u32 {
        self.last_used.map_or(0, |input| input.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Network, Weather};

    fn bytes(sequence: u32, numbers: [f32; 4], buttons: u8) -> Vec<u8> {
        let mut bytes = sequence.to_le_bytes().to_vec();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.push(buttons);
        bytes
    }

    fn input(sequence: u32) -> Input {
        Input::from_bytes(&bytes(sequence, [1.0, 0.0, 0.0, 1.0], 0)).expect("it is well formed")
    }

    #[test]
    fn an_input_is_read_as_it_was_written() {
        let read = Input::from_bytes(&bytes(7, [0.5, -0.5, 0.0, 2.0], 1));
        let expected = Input {
            sequence: 7,
            thrust: Vector::new(0.5, -0.5),
            aim: Some(Vector::new(0.0, 1.0)),
            fire: true,
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..4 {
                let mut numbers = [0.0; 4];
                numbers[at] = bad;
                assert_eq!(Input::from_bytes(&bytes(1, numbers, 0)), None);
            }
        }
    }

    #[test]
    fn thrust_cannot_be_longer_than_one() {
        for huge in [2.0, 1e9, f32::MAX] {
            let read = Input::from_bytes(&bytes(1, [huge, huge, 1.0, 0.0], 0));
            let thrust = read.expect("it is well formed").thrust;
            assert!(thrust.length_squared() <= 1.000_01);
        }
    }

    #[test]
    fn other_lengths_are_refused() {
        let whole = bytes(1, [0.0; 4], 0);
        assert_eq!(Input::from_bytes(&whole[..20]), None);
        assert_eq!(Input::from_bytes(&[&whole[..], &[0]].concat()), None);
        assert_eq!(Input::from_bytes(&[]), None);
    }

    #[test]
    fn one_input_is_used_each_tick_in_order() {
        let mut queue = InputQueue::default();
        queue.push(input(1));
        queue.push(input(2));
        assert_eq!(queue.take(), Some(input(1)));
        assert_eq!(queue.acknowledged(), 1);
        assert_eq!(queue.take(), Some(input(2)));
    }

    #[test]
    fn repeated_and_older_inputs_are_dropped() {
        let mut queue = InputQueue::default();
        for sequence in [5, 5, 4] {
            queue.push(input(sequence));
        }
        assert_eq!(queue.waiting.len(), 1);
    }

    #[test]
    fn a_flood_leaves_only_the_newest() {
        let mut queue = InputQueue::default();
        (1..=100).for_each(|sequence| queue.push(input(sequence)));
        assert_eq!(queue.take(), Some(input(97)), "a faster clock wins nothing");
    }

    #[test]
    fn a_message_has_up_to_four_inputs() {
        let message = |count: u32| {
            (1..=count)
                .flat_map(|sequence| bytes(sequence, [0.0; 4], 0))
                .collect::<Vec<_>>()
        };
        let read = |bytes: &[u8]| {
            Input::from_message(bytes)
                .map(|input| input.sequence)
                .collect::<Vec<_>>()
        };
        assert_eq!(read(&message(1)), [1]);
        assert_eq!(read(&message(4)), [1, 2, 3, 4]);
        assert_eq!(read(&message(5)), [0_u32; 0], "more than there may be");
        assert_eq!(read(&message(2)[1..]), [0_u32; 0], "cut short");
        assert_eq!(read(&[]), [0_u32; 0]);
        let bad = bytes(2, [f32::NAN; 4], 0);
        assert_eq!(read(&[message(1), bad, message(1)].concat()), [1, 1]);
    }

    #[test]
    fn what_a_lost_message_had_comes_with_the_next() {
        let mut queue = InputQueue::default();
        queue.push(input(1));
        assert_eq!(queue.take(), Some(input(1)));
        // Those that brought 2, 3 and 4 are lost.
        (0..3).for_each(|_| assert_eq!(queue.take(), Some(input(1)), "held"));
        (2..=5).for_each(|sequence| queue.push(input(sequence)));
        for sequence in 2..=5 {
            assert_eq!(queue.take(), Some(input(sequence)));
        }
    }

    /// One input a tick, with one that is always left over from a late one.
    fn take_with_one_to_spare(queue: &mut InputQueue, ticks: u32) -> Vec<u32> {
        (1..=ticks)
            .filter_map(|sequence| {
                queue.push(input(sequence));
                (sequence > 1).then(|| queue.take())?
            })
            .map(|input| input.sequence)
            .collect()
    }

    #[test]
    fn a_delay_that_nothing_needs_goes_away() {
        let mut queue = InputQueue::default();
        let used = take_with_one_to_spare(&mut queue, 100);
        assert_eq!(used.last(), Some(&100), "the newest is used at once again");
        let skipped = (1..=100).filter(|sequence| !used.contains(sequence));
        assert_eq!(skipped.count(), 1);
    }

    #[test]
    fn a_shot_is_never_skipped() {
        for shot in 1..=100 {
            let mut queue = InputQueue::default();
            let mut is_fired = false;
            for sequence in 1..=100 {
                let fire = sequence == shot;
                queue.push(Input {
                    fire,
                    ..input(sequence)
                });
                if sequence > 1 {
                    is_fired |= queue.take().is_some_and(|input| input.fire);
                }
            }
            is_fired |= queue.take().is_some_and(|input| input.fire);
            assert!(is_fired, "the shot in input {shot}");
        }
    }

    #[test]
    fn inputs_are_used_once_and_in_order_whatever_the_network_does() {
        for seed in 0..200 {
            let mut network = Network::new(seed, Weather::BAD);
            let mut queue = InputQueue::default();
            let mut used = Vec::new();
            for tick in 1..=400_u32 {
                let first = tick.saturating_sub(3).max(1);
                network.send(tick, (first..=tick).collect::<Vec<_>>());
                for message in network.arriving(tick) {
                    message
                        .iter()
                        .for_each(|&sequence| queue.push(input(sequence)));
                }
                let before = queue.acknowledged();
                queue.take();
                if queue.acknowledged() != before {
                    used.push(queue.acknowledged());
                }
            }
            assert!(used.is_sorted_by(|a, b| a < b), "seed {seed}: {used:?}");
            assert!(used.len() > 300, "seed {seed}: only {} used", used.len());
        }
    }

    #[test]
    fn the_last_input_is_held_for_a_while_and_then_let_go() {
        let mut queue = InputQueue::default();
        queue.push(input(1));
        let used = (0..100).filter_map(|_| queue.take()).count();
        assert_eq!(used, 1 + HOLD_TICKS_MAX as usize);
    }
}
