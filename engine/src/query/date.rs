//! Dates as text: RFC 3339 and three shorter layouts.

/// Nanoseconds since 1970 of a date in one of the layouts that are indexed as dates: RFC 3339,
/// `2006-01-02T15:04:05`, `2006-01-02 15:04:05` and `2006-01-02`, the last three as UTC.
pub(super) fn parse_any(text: &str) -> Option<i128> {
    parse_rfc3339(text).or_else(|| parse_local(text))
}

/// Nanoseconds since 1970 of a full RFC 3339 date and time, with its zone; leap seconds are
/// refused, digits past the nanosecond dropped.
pub(super) fn parse_rfc3339(text: &str) -> Option<i128> {
    let mut reader = Reader(text);
    let days = reader.days()?;
    reader.mark('T')?;
    let seconds = reader.seconds_of_day()?;
    let fraction_ns = reader.fraction_ns()?;
    let offset_seconds = reader.offset_seconds()?;
    reader.end()?;
    Some(unix_ns(days, seconds - offset_seconds) + i128::from(fraction_ns))
}

fn parse_local(text: &str) -> Option<i128> {
    let mut reader = Reader(text);
    let days = reader.days()?;
    if reader.end().is_some() {
        return Some(unix_ns(days, 0));
    }
    reader.mark('T').or_else(|| reader.mark(' '))?;
    let seconds = reader.seconds_of_day()?;
    reader.end()?;
    Some(unix_ns(days, seconds))
}

fn unix_ns(days: i64, seconds: i64) -> i128 {
    i128::from(days * SECONDS_PER_DAY + seconds) * 1_000_000_000
}

/// The rest of the text; a method that answers `None` did not find what it names.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn days(&mut self) -> Option<i64> {
        let year = self.digits(4)?;
        self.mark('-')?;
        let month = self.digits(2)?;
        self.mark('-')?;
        let day = self.digits(2)?;
        let in_range = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        in_range.then(|| days_since_1970(year, month, day))
    }

    fn seconds_of_day(&mut self) -> Option<i64> {
        let minutes = self.minutes()?;
        self.mark(':')?;
        let seconds = self.digits(2)?;
        (seconds <= 59).then_some(minutes * 60 + seconds)
    }

    /// `15:04`, in minutes.
    fn minutes(&mut self) -> Option<i64> {
        let hours = self.digits(2)?;
        self.mark(':')?;
        let minutes = self.digits(2)?;
        (hours <= 23 && minutes <= 59).then_some(hours * 60 + minutes)
    }

    fn fraction_ns(&mut self) -> Option<i64> {
        if self.mark('.').is_none() {
            return Some(0);
        }
        let length = self
            .0
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        format!("{digits:0<9}")
            .get(..9)
            .filter(|_| length > 0)?
            .parse()
            .ok()
    }

    fn offset_seconds(&mut self) -> Option<i64> {
        if self.mark('Z').is_some() {
            return Some(0);
        }
        let sign = if self.mark('+').is_some() { 1 } else { -1 };
        if sign < 0 {
            self.mark('-')?;
        }
        Some(sign * self.minutes()? * 60)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.0.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        self.0 = self.0.strip_prefix(mark)?;
        Some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Howard Hinnant's `days_from_civil`, for the Gregorian calendar extended backwards.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: i128 = 1_000_000_000;

    #[test]
    fn rfc_3339_is_read_to_the_nanosecond() {
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            parse_rfc3339("2024-05-01T00:00:00Z"),
            Some(1_714_521_600 * SECOND_NS)
        );
        assert_eq!(parse_rfc3339("1969-12-31T23:59:59.5Z"), Some(-500_000_000));
        assert_eq!(
            parse_rfc3339("1970-01-01T00:00:00.1234567899Z"),
            Some(123_456_789)
        );
        assert_eq!(
            parse_rfc3339("2000-02-29T12:00:00Z"),
            Some(951_825_600 * SECOND_NS)
        );
    }

    #[test]
    fn an_offset_moves_the_date_to_utc() {
        let noon = parse_rfc3339("2024-05-01T12:00:00Z");
        assert_eq!(parse_rfc3339("2024-05-01T14:30:00+02:30"), noon);
        assert_eq!(parse_rfc3339("2024-05-01T04:00:00-08:00"), noon);
    }

    #[test]
    fn shorter_layouts_are_utc() {
        let midnight = parse_rfc3339("2024-05-01T00:00:00Z");
        for text in ["2024-05-01", "2024-05-01T00:00:00", "2024-05-01 00:00:00"] {
            assert_eq!(parse_any(text), midnight);
            assert_eq!(parse_rfc3339(text), None, "a bound needs its zone");
        }
    }

    #[test]
    fn what_only_resembles_a_date_is_not_one() {
        for text in [
            "",
            "2024",
            "2024-5-1",
            "2024-05-32",
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-05-00",
            "2024-05-01Z",
            "2024-05-01T24:00:00Z",
            "2024-05-01T00:60:00Z",
            "2024-05-01T00:00:60Z",
            "2024-05-01t00:00:00Z",
            "2024-05-01T00:00:00z",
            "2024-05-01T00:00Z",
            "2024-05-01 00:00:00Z",
            "2024-05-01T00:00:00.Z",
            "2024-05-01T00:00:00+24:00",
            "2024-05-01T00:00:00+0200",
            "2024-05-01T00:00:00.5",
            " 2024-05-01",
            "2024-05-01 ",
            "+024-05-01",
            "２０24-05-01",
            "2024-05-01T00:00:00é",
        ] {
            assert_eq!(parse_any(text), None, "{text}");
        }
    }

    #[test]
    fn years_from_0_to_9999_keep_their_order() {
        let dates = [
            "0000-01-01",
            "0001-01-01",
            "1600-02-29",
            "1969-12-31",
            "1970-01-01",
            "2262-04-12",
            "9999-12-31",
        ];
        assert!(
            dates
                .map(|date| parse_any(date).unwrap())
                .is_sorted_by(|a, b| a < b)
        );
    }
}
