//! The one axis on which numbers and dates are compared.

/// A place on the axis that numbers and dates share.
///
/// The reference server stores both as 64-bit integers in one space: a float as its bits, made
/// sortable, and a date as nanoseconds since 1970. A date after 1970 is therefore greater than
/// the number 0, and less than 1. Here the axis is wider, so that dates which nanoseconds in 64
/// bits cannot reach (before 1678, after 2262) keep their order too.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct SortKey(i128);

impl SortKey {
    /// The place of a number. −0 lies just below 0.
    pub(super) fn number(number: f64) -> Self {
        let bits = number.to_bits().cast_signed();
        // The magnitude of a negative float grows downwards.
        let sortable = if bits < 0 { bits ^ i64::MAX } else { bits };
        Self(sortable.into())
    }

    /// The place of a date, given in nanoseconds since 1970.
    pub(super) fn date(unix_ns: i128) -> Self {
        Self(unix_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [
            f64::NEG_INFINITY,
            -1e300,
            -5.5,
            -5.0,
            -1e-300,
            -0.0,
            0.0,
            1e-300,
            9.0,
            1e9,
        ];
        assert!(numbers.map(SortKey::number).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_date_after_1970_is_above_zero() {
        assert!(SortKey::date(1) > SortKey::number(0.0));
        assert!(SortKey::date(-1) < SortKey::number(0.0));
        assert!(SortKey::date(1_700_000_000_000_000_000) < SortKey::number(1.0));
    }
}
