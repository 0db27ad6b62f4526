//! Numbers with units, as text.

use std::fmt;

/// A kind of quantity: its units, smallest first, and what the text form allows. Values count a
/// base unit that need not have a name.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) units: &'static [(&'static str, u64)],
    pub(super) least: u64,
    pub(super) most: u64,
    /// What to write, for those who wrote something else.
    pub(super) example: &'static str,
}

/// Why a text is no value.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Refused {
    NotAValue,
    OutOfRange,
}

impl Measure {
    /// Reads a decimal number followed by a unit, without losing digits.
    pub(super) fn parse(&self, text: &str) -> Result<u64, Refused> {
        let unit_at = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let (_, scale) = self
            .units
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or(Refused::NotAValue)?;
        let value = scaled(number, *scale).ok_or(Refused::NotAValue)?;
        match u64::try_from(value) {
            Ok(value) if (self.least..=self.most).contains(&value) => Ok(value),
            _ => Err(Refused::OutOfRange),
        }
    }

    /// A value in the largest unit that it has one of.
    pub(super) fn show(&'static self, value: u64) -> Shown {
        let (unit, scale) = *self
            .units
            .iter()
            .rev()
            .find(|(_, scale)| *scale <= value)
            .unwrap_or(&self.units[0]);
        Shown { value, unit, scale }
    }
}

/// `number` times `scale`, if that is whole and has not more digits than anybody means.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || number.len() > DIGITS_MAX {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let denominator = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let numerator = digits * u128::from(scale);
    numerator
        .is_multiple_of(denominator)
        .then_some(numerator / denominator)
}

/// The seed takes up to 20 digits. Digits times the largest scale, 10⁹, fit 128 bits.
const DIGITS_MAX: usize = 24;

/// A value in one of its units.
pub(super) struct Shown {
    value: u64,
    unit: &'static str,
    scale: u64,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value / self.scale)?;
        let mut rest = self.value % self.scale;
        if rest > 0 {
            f.write_str(".")?;
        }
        while rest > 0 {
            rest *= 10;
            write!(f, "{}", rest / self.scale)?;
            rest %= self.scale;
        }
        f.write_str(self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LENGTH: Measure = Measure {
        units: &[("mm", 1), ("m", 1_000)],
        least: 5,
        most: 10_000,
        example: "2m",
    };

    #[test]
    fn numbers_are_exact_or_refused() {
        assert_eq!(LENGTH.parse("1.5m"), Ok(1_500));
        assert_eq!(LENGTH.parse("10M"), Ok(10_000));
        assert_eq!(LENGTH.parse("1.50000m"), Ok(1_500));
        assert_eq!(LENGTH.parse("10.001m"), Err(Refused::OutOfRange));
        assert_eq!(LENGTH.parse("4mm"), Err(Refused::OutOfRange));
        for text in [
            "1.0005m", "5", "m", ".5m", "5.m", "1..5m", "-5mm", "5 m", "",
        ] {
            assert_eq!(LENGTH.parse(text), Err(Refused::NotAValue), "{text}");
        }
    }

    #[test]
    fn values_show_in_the_largest_unit() {
        assert_eq!(LENGTH.show(1_500).to_string(), "1.5m");
        assert_eq!(LENGTH.show(1_005).to_string(), "1.005m");
        assert_eq!(LENGTH.show(7).to_string(), "7mm");
        assert_eq!(LENGTH.show(0).to_string(), "0mm");
    }
}
