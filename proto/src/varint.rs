//! Numbers in as many bytes as they need: seven bits a byte, the lowest first (LEB128).

use thiserror::Error;

/// Why bytes do not begin with a number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum VarintError {
    /// More bytes may make it one.
    #[error("a number is cut short")]
    CutShort,
    /// It has more bytes than it needs, or more bits than it may have.
    #[error("a number has too many bits or bytes")]
    TooLong,
}

/// Bytes that `value` takes; zero takes one.
pub(crate) fn len(value: u64) -> usize {
    let bits = u64::BITS - value.leading_zeros();
    bits.max(1).div_ceil(7) as usize
}

/// Appends `value`.
pub(crate) fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The number at the beginning of `bytes`, of at most `bits` bits, and what follows it.
pub(crate) fn read(bytes: &[u8], bits: u32) -> Result<(u64, &[u8]), VarintError> {
    let mut value = 0;
    let mut shift = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let part = u64::from(byte & 0x7f);
        let is_last = byte < 0x80;
        let bits_left = bits - shift;
        let has_too_many_bits = bits_left < 7 && part >> bits_left != 0;
        // A byte must follow, but there are no bits left for it.
        let has_too_many_bytes = bits_left <= 7 && !is_last;
        let is_padding = byte == 0 && index > 0;
        if has_too_many_bits || has_too_many_bytes || is_padding {
            return Err(VarintError::TooLong);
        }
        value |= part << shift;
        if is_last {
            return Ok((value, &bytes[index + 1..]));
        }
        shift += 7;
    }
    Err(VarintError::CutShort)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write(value, &mut out);
        out
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(value: u64, shift in 0..64_u32, rest: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = written(value);
            prop_assert_eq!(bytes.len(), len(value));
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(read(&bytes, 64), Ok((value, &*rest)));
        }

        #[test]
        fn what_is_read_is_how_it_would_be_written(bytes: Vec<u8>, bits in 1..=64_u32) {
            if let Ok((value, rest)) = read(&bytes, bits) {
                prop_assert!(bits == 64 || value < 1 << bits);
                prop_assert_eq!([&written(value), rest].concat(), bytes);
            }
        }
    }

    #[test]
    fn a_number_has_no_more_bits_than_it_may() {
        for bits in [16, 28, 32, 63] {
            let largest = (1 << bits) - 1;
            assert_eq!(read(&written(largest), bits), Ok((largest, &[][..])));
            assert_eq!(read(&written(largest + 1), bits), Err(VarintError::TooLong));
        }
        assert_eq!(read(&written(u64::MAX), 64), Ok((u64::MAX, &[][..])));
        let above = [&[0xff; 9][..], &[2]].concat();
        assert_eq!(read(&above, 64), Err(VarintError::TooLong));
    }

    #[test]
    fn a_number_has_no_more_bytes_than_it_needs() {
        assert_eq!(read(&[0x80, 0], 64), Err(VarintError::TooLong));
        assert_eq!(read(&[0xff, 0x80, 0], 64), Err(VarintError::TooLong));
    }

    #[test]
    fn a_number_too_long_is_known_before_its_last_byte() {
        assert_eq!(read(&[0x80; 3], 28), Err(VarintError::CutShort));
        assert_eq!(read(&[0x80; 4], 28), Err(VarintError::TooLong));
    }
}
