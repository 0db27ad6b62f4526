//! Arbitrary messages for property tests, made of arbitrary bytes so that they shrink with them.

use std::{collections::BTreeMap, ops::Range};

use proptest::{prelude::*, sample::Index};

use crate::{Timestamp, realtime::Envelope, timestamp};

/// Bytes that values are made of. When they run out, zeros follow.
pub(crate) struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let len = N.min(self.0.len());
        let (drawn, rest) = self.0.split_at(len);
        bytes[..len].copy_from_slice(drawn);
        self.0 = rest;
        bytes
    }

    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.bytes())) % end
    }

    fn many<T>(&mut self, counts: Range<usize>, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = counts.start + self.below(counts.len());
        (0..count).map(|_| draw(self)).collect()
    }
}

/// A value that can be made of bytes.
pub(crate) trait Sample: Sized {
    fn sample(source: &mut Source<'_>) -> Self;
}

/// Any value of the type.
pub(crate) fn sampled<T: Sample + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| T::sample(&mut Source(&bytes)))
}

/// Any envelope.
pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    sampled()
}

/// Bytes with a few of them overwritten, and perhaps cut short.
pub(crate) fn mutated(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 1..4);
    (bytes, changes, any::<Option<Index>>()).prop_map(|(mut bytes, changes, cut)| {
        if bytes.is_empty() {
            return bytes;
        }
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

impl Sample for bool {
    fn sample(source: &mut Source<'_>) -> Self {
        source.below(2) == 1
    }
}

impl Sample for i32 {
    fn sample(source: &mut Source<'_>) -> Self {
        let number = Self::from_le_bytes(source.bytes());
        // Both small and large ones.
        number >> source.below(32)
    }
}

impl Sample for i64 {
    fn sample(source: &mut Source<'_>) -> Self {
        let number = Self::from_le_bytes(source.bytes());
        number >> source.below(64)
    }
}

impl Sample for f64 {
    /// Never NaN, which equals nothing.
    fn sample(source: &mut Source<'_>) -> Self {
        let double = Self::from_le_bytes(source.bytes());
        match source.below(4) {
            0 => Self::from(i32::sample(source)),
            1 => Self::from(i32::sample(source)) / 10.0,
            _ if double.is_nan() => Self::NEG_INFINITY,
            _ => double,
        }
    }
}

impl Sample for char {
    fn sample(source: &mut Source<'_>) -> Self {
        match source.below(4) {
            0 => Self::from(source.bytes::<1>()[0]),
            1 => {
                Self::from_u32(u32::from_le_bytes(source.bytes()) % 0x11_0000).unwrap_or('\u{fffd}')
            }
            2 => ['"', '\\', '/', '\n', '\u{7f}', '\u{2028}', '<', '&'][source.below(8)],
            _ => ['a', 'b', 'z', '0', '-', '.', ' ', '_'][source.below(8)],
        }
    }
}

impl Sample for String {
    fn sample(source: &mut Source<'_>) -> Self {
        source.many(0..9, char::sample).into_iter().collect()
    }
}

impl Sample for Timestamp {
    fn sample(source: &mut Source<'_>) -> Self {
        let scale = [1, 1_000, 1_000_000, 1_000_000_000][source.below(4)];
        let nanos = u32::from_le_bytes(source.bytes()) % 1_000_000_000 / scale * scale;
        timestamp(i64::sample(source), nanos)
    }
}

impl Sample for Vec<u8> {
    fn sample(source: &mut Source<'_>) -> Self {
        source.many(0..20, |source| source.bytes::<1>()[0])
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        source.many(0..4, T::sample)
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        bool::sample(source).then(|| T::sample(source))
    }
}

impl<T: Sample> Sample for BTreeMap<String, T> {
    fn sample(source: &mut Source<'_>) -> Self {
        let entry = |source: &mut Source<'_>| (String::sample(source), T::sample(source));
        source.many(0..4, entry).into_iter().collect()
    }
}

include!(concat!(env!("OUT_DIR"), "/sample.rs"));
