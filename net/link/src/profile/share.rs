//! Shares of all packets.

/// A share of all packets, in steps of a millionth.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Share(u32);

impl Share {
    /// Not one.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(MILLION);

    /// So many of a hundred; more than a hundred are all.
    pub const fn percent(percent: u32) -> Self {
        Self::per_million(percent.saturating_mul(MILLION / 100))
    }

    /// So many of a million; more than a million are all.
    pub const fn per_million(parts: u32) -> Self {
        if parts > MILLION {
            return Self::ALL;
        }
        Self(parts)
    }

    /// How many of a million these are.
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// The share of 2³² draws.
    pub(crate) fn odds(self) -> u64 {
        (u64::from(self.0) << 32) / u64::from(MILLION)
    }
}

const MILLION: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_more_than_all() {
        assert_eq!(Share::percent(101), Share::ALL);
        assert_eq!(Share::per_million(u32::MAX), Share::ALL);
        assert_eq!(Share::ALL.odds(), 1 << 32);
        assert_eq!(Share::percent(50).odds(), 1 << 31);
        assert_eq!(Share::NONE.odds(), 0);
    }
}
