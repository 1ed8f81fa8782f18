//! Takes the names out of tokens: what is left of a word is how far back it stood before.
//!
//! Two texts that differ in names alone, each renamed to one other everywhere, have the same shapes. Signs stay as they
//! are, so that a shape is the punctuation of a text together with the pattern in which its words come again.

use crate::mix::mix;
use crate::tokens::Token;

/// A word that stood within so many tokens before is known by the distance; one that did not is new.
const DISTANCE_MAX: usize = 16;

/// The shapes of tokens while they go by.
#[derive(Debug, Clone)]
pub(crate) struct Shapes {
    /// The lower halves of the hashes of the last tokens.
    before: [u32; DISTANCE_MAX],
    nth: usize,
}

impl Shapes {
    pub(crate) fn new() -> Self {
        Self { before: [0; DISTANCE_MAX], nth: 0 }
    }

    /// Returns the shape of the next token.
    #[inline]
    pub(crate) fn push(&mut self, token: &Token) -> u64 {
        let [a, b, c, d, ..] = token.hash.to_le_bytes();
        let low = u32::from_le_bytes([a, b, c, d]);
        let place = self.nth % DISTANCE_MAX;
        let shape = if token.is_sign { token.hash } else { mix(SHAPE ^ self.distance(low, place), WORD) };
        if let Some(before) = self.before.get_mut(place) {
            *before = low;
        }
        self.nth += 1;
        shape
    }

    /// Returns how many tokens before this one the same word stood last; 0 where it did not.
    #[inline]
    fn distance(&self, low: u32, place: usize) -> u64 {
        // All comparisons at once, which the compiler makes a few instructions of.
        let same = (0..)
            .zip(&self.before)
            .fold(0_u16, |same, (nth, &other)| same | (u16::from(other == low) << nth));
        // The token before this one is now the highest bit, the oldest the lowest.
        let by_age = same.rotate_right(u32::try_from(place).unwrap_or_default());
        if by_age == 0 { 0 } else { 1 + u64::from(by_age.leading_zeros()) }
    }
}

// The fractions of the square roots of 23 and 29, made odd.
const SHAPE: u64 = 0xcbbb_9d5d_c105_9ed9;
const WORD: u64 = 0x629a_292a_367c_d507;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::Tokens;

    fn shapes(text: &str) -> Vec<u64> {
        let mut shapes = Shapes::new();
        Tokens::new(text.as_bytes()).map(|token| shapes.push(&token)).collect()
    }

    #[test]
    fn one_name_for_another_changes_no_shape() {
        assert_eq!(shapes("a = b + a; c(a, 1)"), shapes("left = right + left; call(left, 7)"));
        assert_ne!(shapes("a = b + a"), shapes("a = b + b"));
        assert_ne!(shapes("a = b + a"), shapes("a = b - a"));
    }

    #[test]
    fn a_word_is_new_again_after_sixteen_tokens() {
        let apart = |n_signs: usize| shapes(&format!("a {} a", ". ".repeat(n_signs)));
        let is_new = |shapes: &[u64]| shapes.first() == shapes.last();
        assert!(!is_new(&apart(15)));
        assert!(is_new(&apart(16)));
    }

    proptest! {
        #[test]
        fn distances_are_those_that_counting_finds(words in proptest::collection::vec(0_u8..9, 0..60)) {
            let text: String = words.iter().map(|word| format!("w{word} ")).collect();
            let expected = words.iter().enumerate().map(|(nth, word)| {
                let distance = (1..=DISTANCE_MAX.min(nth)).find(|&distance| words[nth - distance] == *word);
                mix(SHAPE ^ distance.unwrap_or(0) as u64, WORD)
            });
            prop_assert_eq!(shapes(&text), expected.collect::<Vec<_>>());
        }
    }
}
