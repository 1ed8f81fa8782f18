//! Cuts text into tokens: words, and every other character for itself; white space separates and is nothing.
//!
//! The cut knows no language and needs no valid UTF-8. Reformatting changes no token; case does, and so does
//! every rename.

use crate::mix::hash;

/// One token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// A hash of its bytes, case kept.
    pub hash: u64,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset behind its last byte.
    pub end: usize,
    /// The line it stands on, counted from 1.
    pub line: u32,
    /// Whether it is a word that does not begin with a digit; numbers and signs say little about where a text is from.
    pub is_word: bool,
    /// Whether it is no word and no number.
    pub is_sign: bool,
}

/// The tokens of a text, in order.
///
/// - ASCII white space separates; a byte order mark at the beginning is passed over.
/// - A word is a run of ASCII letters, digits, underscores and of the characters from U+00C0 to U+1FFF.
/// - Every other ASCII character is a token, and so is every other character outside ASCII: scripts without spaces
///   between words would be one token a sentence otherwise.
/// - Bytes that are no UTF-8 belong to the token they stand in or are tokens of their own; the same bytes always in
///   the same way.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Tokens<'a> {
    /// Returns the tokens of `text`.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { text, at, line: 1 }
    }

    #[inline]
    fn token(&mut self, first: u8, length: usize) -> Token {
        let start = self.at;
        let end = start.saturating_add(length).min(self.text.len());
        self.at = end;
        let bytes = self.text.get(start..end).unwrap_or_default();
        let is_sign = class(first) != Class::Word;
        let is_word = !is_sign && !first.is_ascii_digit();
        Token { hash: hash(bytes), start, end, line: self.line, is_word, is_sign }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        loop {
            let rest = self.text.get(self.at..)?;
            let (&first, after) = rest.split_first()?;
            let length = match class(first) {
                Class::Space => {
                    self.at += 1 + after.iter().take_while(|&&byte| class(byte) == Class::Space).count();
                    continue;
                }
                Class::NewLine => {
                    self.at += 1;
                    self.line = self.line.saturating_add(1);
                    continue;
                }
                Class::Word => 1 + after.iter().take_while(|&&byte| class(byte) == Class::Word).count(),
                Class::Sign => 1,
                Class::Lead2 => 1 + continuation(after, 1),
                Class::Lead3 => 1 + continuation(after, 2),
                Class::Lead4 => 1 + continuation(after, 3),
            };
            return Some(self.token(first, length));
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    NewLine,
    Word,
    /// A token of one byte.
    Sign,
    /// The first byte of a character that is a token: of two bytes, three, or four.
    Lead2,
    Lead3,
    Lead4,
}

#[inline]
fn class(byte: u8) -> Class {
    #[expect(clippy::indexing_slicing, reason = "a table with a place for every byte")]
    CLASSES[usize::from(byte)]
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Sign; 256];
    let mut byte = 0;
    while byte <= u8::MAX as usize {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "worked out while compiling, where both would fail"
        )]
        {
            classes[byte] = match byte as u8 {
                b'\n' => Class::NewLine,
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => Class::Space,
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => Class::Word,
                // U+0080 to U+00BF: controls and signs.
                0xc2 => Class::Lead2,
                // U+2000 and up: punctuation, symbols, and scripts without spaces.
                0xe2..=0xef => Class::Lead3,
                0xf0..=0xff => Class::Lead4,
                // Letters from U+00C0 to U+1FFF, and the bytes that continue them.
                0x80..=0xc1 | 0xc3..=0xe1 => Class::Word,
                _ => Class::Sign,
            };
        }
        byte += 1;
    }
    classes
}

/// Counts the bytes that continue a character, up to so many.
#[inline]
fn continuation(rest: &[u8], count_max: usize) -> usize {
    rest.iter().take(count_max).take_while(|&&byte| byte & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> =
            Tokens::new(text.as_bytes()).map(|token| text.get(token.start..token.end).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_and_signs() {
        check("", &[]);
        check(" \t\r\n", &[]);
        check("let x_1=f(y)?;", &["let", "x_1", "=", "f", "(", "y", ")", "?", ";"]);
        check("don't", &["don", "'", "t"]);
        check("a\0b", &["a", "\0", "b"]);
    }

    #[test]
    fn scripts() {
        check("naïve Ærø привет", &["naïve", "Ærø", "привет"]);
        check("«oui»—non", &["«", "oui", "»", "—", "non"]);
        check("検疫所x", &["検", "疫", "所", "x"]);
        check("ok🦀🦀", &["ok", "🦀", "🦀"]);
        check("\u{feff}a", &["a"]);
    }

    #[test]
    fn lines_count_from_one_and_numbers_are_no_words() {
        let tokens = Tokens::new(b"a 1\n\nb2\r\n3c").map(|token| (token.line, token.is_word));
        assert_eq!(tokens.collect::<Vec<_>>(), [(1, true), (1, false), (3, true), (4, false)]);
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_leave_nothing_but_white_space(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut at = 0;
            let is_between = |bytes: &[u8]| bytes.trim_ascii().is_empty() || bytes == BYTE_ORDER_MARK || bytes.iter().all(|&byte| class(byte) == Class::Space || class(byte) == Class::NewLine);
            for token in Tokens::new(&text) {
                prop_assert!(token.start >= at && token.end > token.start);
                prop_assert!(is_between(&text[at..token.start]));
                at = token.end;
            }
            prop_assert!(is_between(&text[at..]));
        }
    }
}
