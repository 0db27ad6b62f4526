//! Numbers as JSON spells them.

use std::io::Write;

/// Bytes of the number that `text` begins with, if it begins with one.
pub(crate) fn number_len(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut len = usize::from(text.first() == Some(&b'-'));
    len += match text.get(len)? {
        b'0' => 1,
        b'1'..=b'9' => digits(len),
        _ => return None,
    };
    if text.get(len) == Some(&b'.') {
        len += 1;
        len += Some(digits(len)).filter(|count| *count > 0)?;
    }
    if matches!(text.get(len), Some(b'e' | b'E')) {
        len += 1;
        len += usize::from(matches!(text.get(len), Some(b'+' | b'-')));
        len += Some(digits(len)).filter(|count| *count > 0)?;
    }
    Some(len)
}

/// Whether `text` is a number from end to end.
pub(crate) fn is_number(text: &str) -> bool {
    number_len(text.as_bytes()) == Some(text.len())
}

/// The value of `number`, which [`is_number`], if it is whole and has at most 20 digits: enough for
/// every 64-bit integer.
pub(crate) fn parse_integer(number: &str) -> Option<i128> {
    const DIGITS_MAX: usize = 20;
    if !number
        .bytes()
        .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
    {
        return number.parse().ok();
    }
    let (sign, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => (-1, magnitude),
        None => (1, number),
    };
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // How many zeros follow the significant digits; both lengths are those of a text in memory.
    let shift = i64::try_from(digits.len() - significant.len()).ok()?
        - i64::try_from(fraction.len()).ok()?;
    let zeros = shift.checked_add(exponent.parse().ok()?)?;
    let zeros = usize::try_from(zeros).ok()?;
    if significant.len().checked_add(zeros)? > DIGITS_MAX {
        return None;
    }
    let magnitude: i128 = format!("{significant}{}", "0".repeat(zeros)).parse().ok()?;
    Some(sign * magnitude)
}

/// The double nearest to `number`, which [`is_number`], unless that would be infinite.
pub(crate) fn parse_double(number: &str) -> Option<f64> {
    number
        .parse()
        .ok()
        .filter(|double: &f64| double.is_finite())
}

/// Appends the shortest digits that read back as `double`.
///
/// Exponents appear from 1e21 up and below 1e-6, as in the reference server and in JavaScript.
pub(crate) fn write_double(double: f64, out: &mut Vec<u8>) {
    let magnitude = double.abs();
    let result = if double.is_nan() {
        write!(out, "\"NaN\"")
    } else if double.is_infinite() {
        let sign = if double < 0.0 { "-" } else { "" };
        write!(out, "\"{sign}Infinity\"")
    } else if magnitude >= 1e21 {
        write!(out, "{}", format!("{double:e}").replace('e', "e+"))
    } else if magnitude < 1e-6 && magnitude > 0.0 {
        write!(out, "{double:e}")
    } else {
        write!(out, "{double}")
    };
    result.expect("a Vec takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar_of_json() {
        for good in ["0", "-0", "10", "1.5", "0.0", "1e3", "1E+3", "-1.25e-10"] {
            assert!(is_number(good), "{good}");
        }
        for bad in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1 ", "NaN",
        ] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn whole_numbers_are_exact_in_every_spelling() {
        for (number, value) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e99999999999999999999", 0),
            ("7.0", 7),
            ("1e3", 1000),
            ("1.5e1", 15),
            ("-1200e-2", -12),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9223372036854775807", i128::from(i64::MAX)),
            ("-9.223372036854775808e18", i128::from(i64::MIN)),
            ("18446744073709551615", i128::from(u64::MAX)),
        ] {
            assert_eq!(parse_integer(number), Some(value), "{number}");
        }
    }

    #[test]
    fn fractions_and_giants_are_no_integers() {
        for number in [
            "1.5",
            "1e-1",
            "1.0000000000000000001",
            "1e21",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1e9223372036854775807",
        ] {
            assert_eq!(parse_integer(number), None, "{number}");
        }
    }

    #[test]
    fn doubles_are_written_short() {
        for (double, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (5e-324, "5e-324"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            let mut out = Vec::new();
            write_double(double, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn a_number_beyond_all_doubles_is_refused() {
        assert_eq!(parse_double("1e400"), None);
        assert_eq!(parse_double("1e-400"), Some(0.0), "too small is zero");
    }
}
