//! Undoes the ways in which logs write bytes that would end a field.

use crate::row::Coding;

/// Adds to `out` what the bytes say.
pub(crate) fn decode(bytes: &[u8], coding: Coding, out: &mut Vec<u8>) {
    match coding {
        Coding::Plain | Coding::Undone => out.extend_from_slice(bytes),
        Coding::Json => json(bytes, out),
        Coding::Hex => hex(bytes, b'\\', out),
        Coding::Percent => hex(bytes, b'%', out),
        Coding::Quoted => quoted(bytes, out),
        Coding::Doubled => {
            let mut was_quote = false;
            for byte in bytes {
                was_quote = *byte == b'"' && !was_quote;
                if !was_quote || bytes.len() == 1 {
                    out.push(*byte);
                }
            }
        }
    }
}

/// Returns the byte that two digits stand for.
pub(crate) fn byte_of(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

/// `\xHH` after a backslash, or `HH` after a percent sign. What does not go on like that stands for itself.
fn hex(bytes: &[u8], sign: u8, out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(sign, rest) {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before);
        let digits = match behind {
            [b'\\', b'x', high, low, ..] => byte_of(&[*high, *low]).map(|byte| (byte, 4)),
            [b'\\', b'\\', ..] => Some((b'\\', 2)),
            [b'%', high, low, ..] => byte_of(&[*high, *low]).map(|byte| (byte, 3)),
            _ => None,
        };
        let (byte, length) = digits.unwrap_or((sign, 1));
        out.push(byte);
        rest = behind.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn quoted(bytes: &[u8], out: &mut Vec<u8>) {
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(other) => *other,
                None => b'\\',
            },
            other => *other,
        });
    }
}

/// The escapes were checked by the scanner.
fn json(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before);
        let mut length = 2;
        let byte = match behind.get(1) {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let (character, taken) = character(behind);
                length = taken;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = behind.get(length..).unwrap_or_default();
                continue;
            }
            Some(other) => *other,
            None => b'\\',
        };
        out.push(byte);
        rest = behind.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Reads `\uHHHH`, or two of them that are one character, and returns how many bytes that took.
fn character(bytes: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let high = byte_of(bytes.get(at..at + 2)?)?;
        let low = byte_of(bytes.get(at + 2..at + 4)?)?;
        Some(u32::from(high) << 8 | u32::from(low))
    };
    let first = unit(2).unwrap_or(0xfffd);
    match (first, unit(8)) {
        (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &[u8], coding: Coding, expected: &[u8]) {
        let mut out = Vec::new();
        decode(bytes, coding, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn each_coding_is_undone() {
        check(br"a\x09b\\c\q", Coding::Hex, b"a\tb\\c\\q");
        check(b"a%20b%zz%2", Coding::Percent, b"a b%zz%2");
        check(br#"a\"b\\c\n"#, Coding::Quoted, b"a\"b\\c\n");
        check(b"a\"\"b", Coding::Doubled, b"a\"b");
        check(br"caf\u00e9 \ud83d\ude00 \/", Coding::Json, "café 😀 /".as_bytes());
    }

    proptest! {
        #[test]
        fn json_is_undone_as_serde_json_does(text in ".*") {
            let written = serde_json::to_string(&text).unwrap();
            let mut out = Vec::new();
            decode(&written.as_bytes()[1..written.len() - 1], Coding::Json, &mut out);
            prop_assert_eq!(out, text.as_bytes());
        }
    }
}
