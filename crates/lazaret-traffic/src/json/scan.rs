//! Reads JSON strictly (RFC 8259), token by token, eight bytes at a time where they stand for themselves.
//!
//! The bytes must be known to be UTF-8. What it accepts is held against `serde_json` by a property and a fuzz target.

use crate::counts::Fault;

/// Objects and lists nested deeper than this are refused, as `serde_json` does.
const DEPTH_MAX: usize = 127;

/// The same byte in each of eight places.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Returns a word whose lowest set bit is in the first byte that ends a run of plain characters: a quote, a backslash,
/// or a control character.
#[inline]
fn ends_of_plain(word: u64) -> u64 {
    let is_zero = |word: u64| word.wrapping_sub(each(1)) & !word & each(0x80);
    is_zero(word ^ each(b'"'))
        | is_zero(word ^ each(b'\\'))
        | (word.wrapping_sub(each(0x20)) & !word & each(0x80))
}

/// A string as it stands, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) has_escapes: bool,
}

/// Where it stands in a line.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past white space and returns the byte behind it, without going past that.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                byte => return byte,
            }
        }
    }

    /// Goes past white space and then past `byte`, if it is there.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.next() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault::Malformed) }
    }

    /// Goes past white space, which must be all that is left.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        if self.next().is_none() { Ok(()) } else { Err(Fault::Malformed) }
    }

    /// Reads a string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Text, Fault> {
        self.expect(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text { start, end: self.at - 1, has_escapes });
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(Fault::Malformed),
            }
        }
    }

    /// Goes past what stands for itself.
    #[inline]
    fn plain(&mut self) {
        while let Some((eight, _)) = self.bytes.get(self.at..).and_then(<[u8]>::split_first_chunk::<8>) {
            let ends = ends_of_plain(u64::from_le_bytes(*eight));
            if ends != 0 {
                self.at += usize::try_from(ends.trailing_zeros() / 8).unwrap_or_default();
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Fault> {
        let sign = self.bytes.get(self.at + 1).copied().ok_or(Fault::Malformed)?;
        self.at += 2;
        match sign {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.unit()? {
                0xd800..0xdc00 => {
                    let is_pair = self.bytes.get(self.at..self.at + 2) == Some(b"\\u");
                    self.at += 2;
                    if is_pair && (0xdc00..0xe000).contains(&self.unit()?) {
                        Ok(())
                    } else {
                        Err(Fault::Malformed)
                    }
                }
                0xdc00..0xe000 => Err(Fault::Malformed),
                _ => Ok(()),
            },
            _ => Err(Fault::Malformed),
        }
    }

    fn unit(&mut self) -> Result<u32, Fault> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(Fault::Malformed)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Fault::Malformed)?;
            Ok(unit << 4 | digit)
        })
    }

    /// Reads `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> Result<(), Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or(Fault::Malformed)?.len();
        Ok(())
    }

    /// Reads a number.
    #[inline]
    pub(super) fn number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Malformed) } else { Ok(()) }
    }

    /// Goes past a value in which nothing is looked for.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Fault> {
        match self.next() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => {
                self.open(depth)?;
                if self.eat(b'}') {
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.expect(b':')?;
                    self.skip(depth + 1)?;
                    if !self.goes_on(b'}')? {
                        return Ok(());
                    }
                }
            }
            Some(b'[') => {
                self.open(depth)?;
                if self.eat(b']') {
                    return Ok(());
                }
                loop {
                    self.skip(depth + 1)?;
                    if !self.goes_on(b']')? {
                        return Ok(());
                    }
                }
            }
            _ => self.word(),
        }
    }

    /// Goes past the bracket that opens a list or an object.
    #[inline]
    pub(super) fn open(&mut self, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        if depth < DEPTH_MAX { Ok(()) } else { Err(Fault::Malformed) }
    }

    /// Goes past a comma, which says that more follows, or past the bracket that closes.
    #[inline]
    pub(super) fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        match self.next() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(Fault::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(bytes: &[u8]) -> bool {
        let mut scanner = Scanner::new(bytes);
        scanner.skip(0).and_then(|()| scanner.finish()).is_ok()
    }

    proptest! {
        #[test]
        fn it_accepts_what_serde_json_accepts(text in r#"[ \[\]{}:,"\\u0-9a-fdD8.eE+\-\tnultrse"]{0,24}"#) {
            // A number that no float holds is JSON all the same.
            let theirs = match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(_) => true,
                Err(error) => error.to_string().contains("number out of range"),
            };
            prop_assert_eq!(accepts(text.as_bytes()), theirs);
        }
    }
}
