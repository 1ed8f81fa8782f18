//! Reads JSON strictly (RFC 8259), token by token, and knows at which byte it is.
//!
//! This is the one parser that is our own, because a gate needs from one walk what no parser at hand gives together:
//! the byte ranges of values (a line is written again with one value replaced and every other byte kept), the names of
//! every object (a name that stands twice is read differently by different readers), the digits of numbers (ids), and
//! strings unescaped into the column they go to. What it accepts is held against `serde_json` by a property.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

/// The bytes are no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The first byte of a value, told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Where it stands in bytes that are UTF-8.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at `at` and reads no further than the end of `bytes`, which must be UTF-8 from there on.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Returns the place of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the bytes it reads.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past white space.
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Goes past white space and then past `byte`, if it is there.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Goes past white space and then past `byte`, which must be there.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.eat(byte) { Ok(()) } else { Err(Malformed) }
    }

    /// Goes past white space and tells what begins there.
    pub(crate) fn kind(&mut self) -> Result<Kind, Malformed> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(Malformed),
        }
    }

    /// Goes past white space, which must be all that is left.
    pub(crate) fn finish(&mut self) -> Result<(), Malformed> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Malformed) }
    }

    /// Reads `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Result<(), Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or(Malformed)?.len();
        Ok(())
    }

    /// Reads a number and returns its digits as they stand.
    pub(crate) fn number(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
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
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Malformed) } else { Ok(()) }
    }

    /// Reads a string, adds what it says to `out`, and returns where it stands, with its quotes.
    pub(crate) fn string(&mut self, out: &mut Vec<u8>) -> Result<Range<usize>, Malformed> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let plain = self.plain()?;
            out.extend_from_slice(plain);
            if self.is_escape() {
                self.escape(out)?;
            } else {
                return Ok(start..self.at);
            }
        }
    }

    /// Reads a name.
    pub(crate) fn name(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        if !self.is_escape() {
            return Ok(Cow::Borrowed(plain));
        }
        let mut name = plain.to_vec();
        self.escape(&mut name)?;
        loop {
            name.extend_from_slice(self.plain()?);
            if !self.is_escape() {
                return Ok(Cow::Owned(name));
            }
            self.escape(&mut name)?;
        }
    }

    /// Reads what stands for itself, up to and with the quote or the backslash that ends it.
    fn plain(&mut self) -> Result<&'a [u8], Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
        let plain = rest.get(..length).unwrap_or_default();
        // Without an early exit, so that it is done for many bytes at once.
        if plain.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
            return Err(Malformed);
        }
        self.at += length + 1;
        Ok(plain)
    }

    /// Whether the byte that ended [`Scanner::plain`] is a backslash.
    fn is_escape(&self) -> bool {
        self.at.checked_sub(1).and_then(|at| self.bytes.get(at)) == Some(&b'\\')
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let sign = self.peek().ok_or(Malformed)?;
        self.at += 1;
        out.push(match sign {
            b'"' | b'\\' | b'/' => sign,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = self.character()?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(Malformed),
        });
        Ok(())
    }

    /// Reads what follows `\u`: half a surrogate pair is no character.
    fn character(&mut self) -> Result<char, Malformed> {
        let unit = self.unit()?;
        let unit = match unit {
            0xd800..0xdc00 => {
                let pair = self.bytes.get(self.at..self.at + 2);
                self.at += 2;
                let low = if pair == Some(b"\\u") { self.unit()? } else { return Err(Malformed) };
                let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or(Malformed)?;
                0x10000 + ((unit - 0xd800) << 10) + low
            }
            _ => unit,
        };
        char::from_u32(unit).ok_or(Malformed)
    }

    fn unit(&mut self) -> Result<u32, Malformed> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(Malformed)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Malformed)?;
            Ok(unit << 4 | digit)
        })
    }
}

#[cfg(test)]
mod tests;
