//! Times as RFC 3339 text. The calendar is that of `prost-types`; its parser takes more spellings
//! than RFC 3339 has, so the shape is checked here first.

use std::io::Write;

use prost_types::Timestamp;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the ends of protobuf's range, in Unix seconds.
const SECONDS_MIN: i64 = -62_135_596_800;
const SECONDS_MAX: i64 = 253_402_300_799;
const NANOS_MAX: u32 = 999_999_999;

/// The time `nanos` after `seconds` since 1970 in UTC.
///
/// What is beyond the years 1 to 9999 becomes the nearest time within, and so do `nanos` beyond a
/// second.
pub fn timestamp(seconds: i64, nanos: u32) -> Timestamp {
    Timestamp {
        seconds: seconds.clamp(SECONDS_MIN, SECONDS_MAX),
        nanos: nanos.min(NANOS_MAX).cast_signed(),
    }
}

/// Appends `time` with 0, 3, 6 or 9 digits of fraction, as few as it needs.
pub(super) fn write_timestamp(time: &Timestamp, out: &mut Vec<u8>) {
    let time = time.normalized();
    // Years beyond 9999 have no RFC 3339 text.
    let time = timestamp(time.seconds, time.nanos.unsigned_abs());
    write!(out, "{time}").expect("a Vec takes everything");
}

/// Reads RFC 3339 with any offset and up to 9 digits of fraction.
pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    if !has_rfc_3339_shape(text.as_bytes()) {
        return None;
    }
    let time: Timestamp = text.parse().ok()?;
    (SECONDS_MIN..=SECONDS_MAX)
        .contains(&time.seconds)
        .then_some(time)
}

fn has_rfc_3339_shape(text: &[u8]) -> bool {
    const DATE_AND_TIME: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    const FRACTION_DIGITS_MAX: usize = 9;
    let Some((date_and_time, mut rest)) = text.split_at_checked(DATE_AND_TIME.len()) else {
        return false;
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=FRACTION_DIGITS_MAX).contains(&digits) {
            return false;
        }
        rest = &fraction[digits..];
    }
    // prost-types takes the leap second :60; the reference server does not.
    fits(date_and_time, DATE_AND_TIME)
        && date_and_time[17..] != *b"60"
        && (rest == b"Z" || fits(rest, b"+dd:dd") || fits(rest, b"-dd:dd"))
}

/// Whether `text` is `shape` with a digit for every `d`.
fn fits(text: &[u8], shape: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    text.len() == shape.len() && text.iter().zip(shape).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time: Timestamp) -> String {
        let mut out = Vec::new();
        write_timestamp(&time, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fractions_have_as_few_digits_as_they_need() {
        for (time, expected) in [
            (timestamp(0, 0), "1970-01-01T00:00:00Z"),
            (timestamp(1_700_000_000, 0), "2023-11-14T22:13:20Z"),
            (timestamp(0, 5_000_000), "1970-01-01T00:00:00.005Z"),
            (timestamp(0, 123_456_000), "1970-01-01T00:00:00.123456Z"),
            (timestamp(-1, 1), "1969-12-31T23:59:59.000000001Z"),
            (timestamp(951_782_400, 0), "2000-02-29T00:00:00Z"),
        ] {
            assert_eq!(text(time), expected);
            assert_eq!(parse_timestamp(expected), Some(time));
        }
    }

    #[test]
    fn a_time_out_of_range_becomes_the_nearest_within() {
        let (nanos_min, nanos_max) = (i32::MIN, i32::MAX);
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MAX, nanos_max), (SECONDS_MAX + 1, 0)] {
            assert!(text(Timestamp { seconds, nanos }).starts_with("9999-12-31T23:59:59"));
        }
        for (seconds, nanos) in [(i64::MIN, 0), (i64::MIN, nanos_min), (SECONDS_MIN - 1, 0)] {
            assert!(text(Timestamp { seconds, nanos }).starts_with("0001-01-01T00:00:00"));
        }
    }

    #[test]
    fn an_offset_is_taken_off() {
        let noon = parse_timestamp("2024-06-01T12:00:00Z").unwrap();
        for same in [
            "2024-06-01T13:30:00+01:30",
            "2024-06-01T10:30:00-01:30",
            "2024-06-01T11:30:00-00:30",
        ] {
            assert_eq!(parse_timestamp(same), Some(noon), "{same}");
        }
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for bad in [
            "",
            "2024-06-01",
            "2024-06-01T12:00:00",
            "2024-06-01 12:00:00Z",
            "2024-06-01t12:00:00Z",
            "2024-06-01T12:00:00z",
            "2024-06-01T12:00:00.Z",
            "2024-06-01T12:00:00.1234567890Z",
            "2024-06-01T12:00:60Z",
            "2024-06-01T24:00:00Z",
            "2024-02-30T12:00:00Z",
            "2024-13-01T12:00:00Z",
            "0000-01-01T00:00:00Z",
            "2024-06-01T12:00:00+01:30Z",
            "2024-06-01T12:00:00+0130",
            "+2024-06-01T12:00:00Z",
            "2024-06-01T12:00:00Zé",
        ] {
            assert_eq!(parse_timestamp(bad), None, "{bad}");
        }
    }
}
