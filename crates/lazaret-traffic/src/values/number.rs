//! Numbers in ASCII digits.

/// How many microseconds a unit of time has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// Reads digits and nothing else.
#[inline]
pub(crate) fn whole(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    // Nineteen digits always fit.
    bytes.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { Some(number * 10 + u64::from(digit)) }
    })
}

/// Reads a count, such as `1234`; JSON may write it as `1234.0`.
#[inline]
pub(crate) fn count(bytes: &[u8]) -> Option<u64> {
    whole(bytes).or_else(|| whole(bytes.strip_suffix(b".0")?))
}

/// Reads a decimal number of some unit as microseconds, digits beyond them cut off.
#[inline]
pub(crate) fn micros(bytes: &[u8], unit: Unit) -> Option<u64> {
    let point = memchr::memchr(b'.', bytes);
    let (before, after) = match point {
        Some(at) => (bytes.get(..at)?, bytes.get(at + 1..)?),
        None => (bytes, &b""[..]),
    };
    if point.is_some() && after.is_empty() {
        return None;
    }
    let (factor, places) = match unit {
        Unit::Seconds => (1_000_000, 6),
        Unit::Milliseconds => (1_000, 3),
        Unit::Microseconds => (1, 0),
        Unit::Nanoseconds => return Some(whole(before)? / 1_000),
    };
    let mut fraction = 0_u64;
    let mut weight = factor;
    for (nth, byte) in after.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if nth < places {
            weight /= 10;
            fraction += u64::from(digit) * weight;
        }
    }
    whole(before)?.checked_mul(factor)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(count(b"18446744073709551616"), None);
        assert_eq!(count(b"12.0"), Some(12));
        for wrong in [&b""[..], b"-1", b"+1", b"1 ", b"1e3", b"12.5"] {
            assert_eq!(count(wrong), None);
        }
    }

    #[test]
    fn decimals_become_microseconds() {
        assert_eq!(micros(b"1700000000.123456789", Unit::Seconds), Some(1_700_000_000_123_456));
        assert_eq!(micros(b"0.5", Unit::Seconds), Some(500_000));
        assert_eq!(micros(b"17", Unit::Milliseconds), Some(17_000));
        assert_eq!(micros(b"1.5", Unit::Milliseconds), Some(1_500));
        assert_eq!(micros(b"2500", Unit::Nanoseconds), Some(2));
        for wrong in [&b"."[..], b"1.", b".5", b"1.2.3", b"1e3", b"99999999999999999999"] {
            assert_eq!(micros(wrong, Unit::Seconds), None);
        }
    }
}
