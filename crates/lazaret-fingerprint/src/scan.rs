//! Reads a text once: its fingerprints, its shapes, the digests of its lines, and the digest of its tokens.

use xxhash_rust::xxh3::xxh3_64;

use crate::mix::mix;
use crate::shape::Shapes;
use crate::tokens::Tokens;
use crate::winnow::{
    FINGERPRINT_BITS, Fingerprint, GRAM_TOKENS, SHAPE_GRAM_TOKENS, SHAPE_WINDOW_GRAMS, WINDOW_GRAMS, Winnower,
};

/// A line with fewer words than this stands for nothing by itself, such as a brace, a `return` or an `else`; it is known
/// together with the line before it.
pub const LINE_WORDS_MIN: u32 = 3;

/// A line and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineDigest {
    /// XXH3 of the line without the white space around it, mixed with the hash of the line before where it has fewer
    /// than [`LINE_WORDS_MIN`] words; the upper [`FINGERPRINT_BITS`] bits.
    pub hash: u64,
    /// The line, counted from 1.
    pub line: u32,
    /// The number of its first token, counted from 0.
    pub token: u32,
    /// How many tokens it has.
    pub n_tokens: u32,
}

/// What one text consists of, as the index sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The chosen fingerprints, in order.
    pub fingerprints: Vec<Fingerprint>,
    /// The chosen shapes, in order: fingerprints of the text without its names.
    pub shapes: Vec<Fingerprint>,
    /// The lines, in order, from the first of at least [`LINE_WORDS_MIN`] words on.
    pub lines: Vec<LineDigest>,
    /// A digest of all tokens in order: equal for two texts that differ in white space alone.
    pub normalised: u128,
    /// How many tokens the text has.
    pub n_tokens: u32,
    /// The last line that bears a token; 0 where there is none.
    pub n_lines: u32,
}

impl Scan {
    /// Reads a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        // Text yields about one of each in 40 bytes; growing the lists costs more than a few spare places.
        let capacity = text.len() / 32;
        let mut fingerprints = Vec::with_capacity(capacity);
        let mut lines = Vec::with_capacity(capacity);
        let mut shapes = Vec::with_capacity(capacity / 2);
        let mut winnower = Winnower::<GRAM_TOKENS, WINDOW_GRAMS>::new();
        let mut shape_winnower = Winnower::<SHAPE_GRAM_TOKENS, SHAPE_WINDOW_GRAMS>::new();
        let mut shape = Shapes::new();
        let mut normalised = (NORMALISED_LOW, NORMALISED_HIGH);
        let mut n_tokens = 0_u32;
        let mut open: Option<OpenLine> = None;
        let mut before = None;
        for token in Tokens::new(text) {
            normalised = (mix(normalised.0 ^ token.hash, LOW), mix(normalised.1 ^ token.hash, HIGH));
            if let Some(fingerprint) = winnower.push(token.hash, token.line) {
                fingerprints.push(fingerprint);
            }
            if let Some(fingerprint) = shape_winnower.push(shape.push(&token), token.line) {
                shapes.push(fingerprint);
            }
            match &mut open {
                Some(line) if line.number == token.line => {
                    line.end = token.end;
                    line.n_words += u32::from(token.is_word);
                }
                _ => {
                    let next = OpenLine {
                        number: token.line,
                        start: token.start,
                        end: token.end,
                        token: n_tokens,
                        n_words: u32::from(token.is_word),
                    };
                    lines.extend(open.replace(next).and_then(|line| line.close(text, n_tokens, &mut before)));
                }
            }
            n_tokens = n_tokens.saturating_add(1);
        }
        let n_lines = open.as_ref().map_or(0, |line| line.number);
        lines.extend(open.and_then(|line| line.close(text, n_tokens, &mut before)));
        fingerprints.extend(winnower.finish());
        shapes.extend(shape_winnower.finish());
        let normalised = (u128::from(normalised.1) << 64) | u128::from(normalised.0);
        Self { fingerprints, shapes, lines, normalised, n_tokens, n_lines }
    }
}

struct OpenLine {
    number: u32,
    start: usize,
    end: usize,
    token: u32,
    n_words: u32,
}

impl OpenLine {
    /// Returns the digest of the line; `before` is the whole hash of the line before, and becomes that of this one.
    fn close(self, text: &[u8], next_token: u32, before: &mut Option<u64>) -> Option<LineDigest> {
        // From the first token to the last: what lies outside is white space.
        let bytes = text.get(self.start..self.end)?;
        let hash = if self.n_words < LINE_WORDS_MIN {
            mix((*before)? ^ xxh3_64(bytes), LOW)
        } else {
            xxh3_64(bytes)
        };
        *before = Some(hash);
        Some(LineDigest {
            hash: hash >> (u64::BITS - FINGERPRINT_BITS),
            line: self.number,
            token: self.token,
            n_tokens: next_token - self.token,
        })
    }
}

// Two independent folds over the hashes of the tokens; the fractions of the square roots of 11, 13, 17 and 19.
const NORMALISED_LOW: u64 = 0x510e_527f_ade6_82d1;
const NORMALISED_HIGH: u64 = 0x9b05_688c_2b3e_6c1f;
const LOW: u64 = 0x1f83_d9ab_fb41_bd6b;
const HIGH: u64 = 0x5be0_cd19_137e_2179;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str =
        "fn gate(ship: &Ship) -> bool {\n    let days = ship.days_at_anchor();\n\n    days >= 40\n}\n";

    #[test]
    fn short_lines_are_known_by_the_line_before() {
        let scan = Scan::of(TEXT.as_bytes());
        let lines: Vec<u32> = scan.lines.iter().map(|line| line.line).collect();
        assert_eq!(lines, [1, 2, 4, 5]);
        let last = |text: &str| Scan::of(text.as_bytes()).lines.last().unwrap().hash;
        assert_eq!(last(TEXT), last(&format!("{TEXT}\n\n").replace("fn gate", "fn door")));
        assert_ne!(last(TEXT), last(&TEXT.replace("anchor", "berth")));
        assert!(Scan::of(b"}\n}\n").lines.is_empty());
        assert_eq!(scan.lines[0].hash, xxh3_64(b"fn gate(ship: &Ship) -> bool {") >> 8);
        assert_eq!((scan.lines[1].token, scan.lines[1].n_tokens), (12, 9));
        assert_eq!((scan.n_lines, scan.n_tokens), (5, 26));
    }

    #[test]
    fn a_text_without_tokens_is_empty() {
        let scan = Scan::of(b" \n\t\r\n");
        assert_eq!((scan.n_lines, scan.n_tokens), (0, 0));
        assert!(scan.lines.is_empty() && scan.fingerprints.is_empty());
    }

    #[test]
    fn changed_tokens_change_the_normalised_digest() {
        let digest = |text: &str| Scan::of(text.as_bytes()).normalised;
        assert_eq!(digest(TEXT), digest(&TEXT.replace('\n', "\r\n")));
        assert_ne!(digest(TEXT), digest(&TEXT.replace("40", "41")));
        assert_ne!(digest("a b"), digest("b a"));
        assert_ne!(digest("a b"), digest("ab"));
    }

    proptest! {
        #[test]
        fn white_space_between_tokens_changes_nothing(
            words in proptest::collection::vec("[a-z_]{1,6}|[(){};.=]", 0..120),
            gaps in proptest::collection::vec("[ \t\r\n]{1,4}", 121),
        ) {
            let plain = Scan::of(words.join(" ").as_bytes());
            let spaced: String = gaps.iter().zip(&words).flat_map(|(gap, word)| [gap.as_str(), word]).collect();
            let spaced = Scan::of(spaced.as_bytes());
            prop_assert_eq!(plain.normalised, spaced.normalised);
            prop_assert_eq!(plain.n_tokens, spaced.n_tokens);
            let hashes = |scan: &Scan| scan.fingerprints.iter().map(|one| (one.hash, one.token)).collect::<Vec<_>>();
            prop_assert_eq!(hashes(&plain), hashes(&spaced));
        }

        #[test]
        fn indentation_and_line_ends_change_no_line(lines in proptest::collection::vec("[a-z]{1,3}( [a-z(=]{1,3}){0,5}", 1..20)) {
            let plain = Scan::of(lines.join("\n").as_bytes());
            let moved: String = lines.iter().map(|line| format!("\t  {line} \r\n")).collect();
            prop_assert_eq!(plain.lines, Scan::of(moved.as_bytes()).lines);
        }
    }
}
