//! Times as microseconds since 1970-01-01 UTC, in the ways that logs write them.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::number::{Unit, micros, whole};

/// How a format writes times.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    /// A number since 1970-01-01 UTC.
    Epoch(Unit),
    /// Like `2026-11-29T13:16:56.123456+01:00`; the offset may have no colon.
    Rfc3339,
    /// A number of seconds, or of milliseconds where it has no point and would be later than the year 5000 as seconds,
    /// or as in RFC 3339: whatever Zeek was told to write.
    Zeek,
    /// As `strftime` says; in this zone where the text states no offset.
    Strftime(String, TimeZone),
    /// Like `29-Nov-2026 13:16:56.123`, in this zone, or as in RFC 3339: what BIND writes. Local time of a zone that
    /// nobody named is no time.
    Bind(Option<TimeZone>),
}

impl Clock {
    /// Reads a time.
    #[inline]
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<i64> {
        match self {
            Self::Epoch(unit) => i64::try_from(micros(bytes, *unit)?).ok(),
            Self::Rfc3339 => rfc_3339(bytes),
            Self::Zeek if bytes.contains(&b'T') => rfc_3339(bytes),
            Self::Zeek => match whole(bytes) {
                Some(number @ 100_000_000_000..) => i64::try_from(number.checked_mul(1_000)?).ok(),
                _ => i64::try_from(micros(bytes, Unit::Seconds)?).ok(),
            },
            Self::Strftime(format, zone) => strftime(bytes, format, zone),
            Self::Bind(_) if bytes.contains(&b'T') => rfc_3339(bytes),
            Self::Bind(zone) => bind(bytes, zone.as_ref()?),
        }
    }
}

/// Reads digits from `start` to `end`.
#[inline]
fn digits(bytes: &[u8], start: usize, end: usize) -> Option<u32> {
    bytes.get(start..end)?.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { Some(number * 10 + u32::from(digit)) }
    })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, after Howard Hinnant's `days_from_civil`.
#[inline]
fn days(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let shifted = (i64::from(month) + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads `HH:MM:SS` at `at`, as seconds. A leap second is the second after it.
#[inline]
fn seconds_of_day(bytes: &[u8], at: usize) -> Option<i64> {
    let (hour, minute, second) =
        (digits(bytes, at, at + 2)?, digits(bytes, at + 3, at + 5)?, digits(bytes, at + 6, at + 8)?);
    let has_colons = bytes.get(at + 2) == Some(&b':') && bytes.get(at + 5) == Some(&b':');
    let is_time = has_colons && hour < 24 && minute < 60 && second <= 60;
    is_time.then(|| i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

/// Reads a fraction of a second that begins at `at`, if there is one, and returns where it ends.
#[inline]
fn fraction(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return Some((0, at));
    }
    let rest = bytes.get(at + 1..)?;
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let mut number = i64::from(digits(rest, 0, length.min(6))?);
    for _ in length.min(6)..6 {
        number *= 10;
    }
    (length > 0).then_some((number, at + 1 + length))
}

#[inline]
fn rfc_3339(bytes: &[u8]) -> Option<i64> {
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 7)?, digits(bytes, 8, 10)?);
    let has_signs = bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && matches!(bytes.get(10), Some(b'T' | b't' | b' '));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !has_signs || day == 0 || day > last {
        return None;
    }
    let (fraction, at) = fraction(bytes, 19)?;
    let seconds = days(year, month, day) * 86_400 + seconds_of_day(bytes, 11)? - offset(bytes.get(at..)?)?;
    Some(seconds * 1_000_000 + fraction)
}

/// Reads `Z`, `+HH:MM` or `+HHMM`, as seconds. A time that says nothing of its zone is not read.
#[inline]
fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let minutes = match rest.len() {
        5 if rest.get(2) == Some(&b':') => digits(rest, 3, 5)?,
        4 => digits(rest, 2, 4)?,
        _ => return None,
    };
    let hours = digits(rest, 0, 2)?;
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

fn strftime(bytes: &[u8], format: &str, zone: &TimeZone) -> Option<i64> {
    let parsed = strtime::parse(format, bytes).ok()?;
    if let Ok(stamp) = parsed.to_timestamp() {
        return Some(stamp.as_microsecond());
    }
    in_zone(parsed.to_datetime().ok()?, zone)
}

/// Of two times that a clock shows when it is set back, the earlier one.
fn in_zone(time: DateTime, zone: &TimeZone) -> Option<i64> {
    Some(zone.to_ambiguous_timestamp(time).earlier().ok()?.as_microsecond())
}

fn bind(bytes: &[u8], zone: &TimeZone) -> Option<i64> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let name = bytes.get(3..6)?;
    let month = i8::try_from(MONTHS.iter().position(|month| *month == name)? + 1).ok()?;
    let has_signs =
        bytes.get(2) == Some(&b'-') && bytes.get(6) == Some(&b'-') && bytes.get(11) == Some(&b' ');
    let day = i8::try_from(digits(bytes, 0, 2)?).ok()?;
    let date = Date::new(i16::try_from(digits(bytes, 7, 11)?).ok()?, month, day).ok()?;
    let (micros, end) = fraction(bytes, 20)?;
    if !has_signs || end != bytes.len() {
        return None;
    }
    let seconds = seconds_of_day(bytes, 12)?;
    let midnight = in_zone(date.at(0, 0, 0, 0), zone)?;
    if *zone == TimeZone::UTC {
        return Some(midnight + seconds * 1_000_000 + micros);
    }
    let of = |number: i64| i8::try_from(number).ok();
    let time = date.at(of(seconds / 3600)?, of(seconds / 60 % 60)?, of((seconds % 60).min(59))?, 0);
    Some(in_zone(time, zone)? + micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rfc_3339_is_read_as_jiff_reads_it(micros in 0_i64..4_102_444_800_000_000, minutes in -720_i64..720) {
            let stamp = Timestamp::from_microsecond(micros).unwrap();
            let offset = jiff::tz::Offset::from_seconds(i32::try_from(minutes * 60).unwrap()).unwrap();
            for format in ["%Y-%m-%dT%H:%M:%S.%6f%:z", "%Y-%m-%dT%H:%M:%S.%6f%z"] {
                let text = stamp.to_zoned(offset.to_time_zone()).strftime(format).to_string();
                prop_assert_eq!(Clock::Rfc3339.read(text.as_bytes()), Some(micros), "{}", text);
            }
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for wrong in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01X00:00:00Z",
        ] {
            assert_eq!(Clock::Rfc3339.read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn zeek_may_write_seconds_milliseconds_or_dates() {
        for text in ["1700000000.5", "1700000000500", "2023-11-14T22:13:20.500000Z"] {
            assert_eq!(Clock::Zeek.read(text.as_bytes()), Some(1_700_000_000_500_000), "{text}");
        }
    }

    #[test]
    fn a_zone_is_named_where_the_log_has_none() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let read =
            |zone: &TimeZone| Clock::Bind(Some(zone.clone())).read(b"29-Nov-2026 14:16:56.123").unwrap();
        assert_eq!(read(&TimeZone::UTC) - read(&berlin), 3_600_000_000);
        let squid = Clock::Strftime("%d/%b/%Y:%H:%M:%S %z".to_owned(), TimeZone::UTC);
        assert_eq!(squid.read(b"29/Nov/2026:13:16:56 +0000"), Some(read(&TimeZone::UTC) - 3_600_123_000));
    }
}
