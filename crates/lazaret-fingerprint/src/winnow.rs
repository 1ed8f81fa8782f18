//! Chooses fingerprints: of every few runs of tokens that begin next to each other, the one with the smallest hash.
//!
//! This is robust winnowing (Schleimer, Wilkerson, Aiken: "Winnowing: Local Algorithms for Document Fingerprinting",
//! SIGMOD 2003). Its guarantee: two texts that share a run of [`RUN_TOKENS`] tokens share a fingerprint, because the
//! choice within that run depends on the run alone. Nothing shorter than [`GRAM_TOKENS`] is ever found. Shapes are
//! chosen in the same way with larger numbers, since a run without its names says less.

use crate::mix::mix;

/// How many tokens one fingerprint covers: `k` in the literature.
pub const GRAM_TOKENS: usize = 16;

/// Of how many neighbours one is chosen: `w` in the literature.
pub const WINDOW_GRAMS: usize = 16;

/// Every shared run of so many tokens is found.
pub const RUN_TOKENS: usize = GRAM_TOKENS + WINDOW_GRAMS - 1;

/// How many tokens one shape covers.
pub const SHAPE_GRAM_TOKENS: usize = 32;

/// Of how many neighbours one shape is chosen.
pub const SHAPE_WINDOW_GRAMS: usize = 32;

/// Every run of so many tokens that is shared but for its names is found, if the 16 tokens before it are too.
pub const SHAPE_RUN_TOKENS: usize = SHAPE_GRAM_TOKENS + SHAPE_WINDOW_GRAMS - 1;

/// How many bits a fingerprint has.
pub const FINGERPRINT_BITS: u32 = 56;

/// A chosen run of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of the run; below 2 to the power of [`FINGERPRINT_BITS`].
    pub hash: u64,
    /// The number of its first token, counted from 0.
    pub token: u32,
    /// The line of its first token.
    pub first: u32,
    /// The line of its last token.
    pub last: u32,
}

/// Returns the fingerprint of a run by the hash that it was chosen by.
///
/// Chosen hashes are small ones; hashed once more, they fill the slots of a table evenly.
#[inline]
pub(crate) fn fingerprint_hash(gram: u64) -> u64 {
    mix(gram ^ SPREAD, BASE) >> (u64::BITS - FINGERPRINT_BITS)
}

/// The hash of the last `GRAM` tokens, at the cost of three multiplications a token.
#[derive(Debug, Clone)]
pub(crate) struct Roll<const GRAM: usize> {
    hashes: Ring<u64, GRAM>,
    sum: u64,
    n_tokens: usize,
}

impl<const GRAM: usize> Roll<GRAM> {
    #[expect(clippy::cast_possible_truncation, reason = "a run is far shorter than 2^32")]
    const BASE_TO_GRAM: u64 = BASE.wrapping_pow(GRAM as u32);

    pub(crate) fn new() -> Self {
        Self { hashes: Ring([0; GRAM]), sum: 0, n_tokens: 0 }
    }

    /// Takes the next token; returns the hash of the run that it ends, once there are enough.
    #[inline]
    pub(crate) fn push(&mut self, token: u64) -> Option<u64> {
        let leaving = self.hashes.replace(self.n_tokens, token);
        self.sum = self
            .sum
            .wrapping_mul(BASE)
            .wrapping_add(token)
            .wrapping_sub(leaving.wrapping_mul(Self::BASE_TO_GRAM));
        self.n_tokens += 1;
        (self.n_tokens >= GRAM).then(|| mix(self.sum ^ FINISH, BASE))
    }
}

/// Chooses runs of `GRAM` tokens out of `WINDOW` neighbours while tokens go by.
#[derive(Debug, Clone)]
pub(crate) struct Winnower<const GRAM: usize, const WINDOW: usize> {
    roll: Roll<GRAM>,
    lines: Ring<u32, LINES_KEPT>,
    window: Ring<u64, WINDOW>,
    n_grams: usize,
    /// The chosen run of the window: its hash and its number.
    least: (u64, usize),
}

impl<const GRAM: usize, const WINDOW: usize> Winnower<GRAM, WINDOW> {
    /// Returns a winnower at the beginning of a text.
    pub(crate) fn new() -> Self {
        const { assert!(GRAM + WINDOW <= LINES_KEPT) }
        Self {
            roll: Roll::new(),
            lines: Ring([0; LINES_KEPT]),
            window: Ring([0; WINDOW]),
            n_grams: 0,
            least: (u64::MAX, 0),
        }
    }

    /// Takes the hash and the line of the next token; returns a fingerprint where another run becomes the least.
    #[inline]
    pub(crate) fn push(&mut self, token: u64, line: u32) -> Option<Fingerprint> {
        self.lines.replace(self.roll.n_tokens, line);
        let hash = self.roll.push(token)?;
        let gram = self.n_grams;
        self.window.replace(gram, hash);
        self.n_grams += 1;
        if self.n_grams <= WINDOW {
            if hash <= self.least.0 {
                self.least = (hash, gram);
            }
            return (self.n_grams == WINDOW).then(|| self.fingerprint());
        }
        if self.least.1 + WINDOW <= gram {
            self.least = self.rightmost_least(gram);
        } else if hash < self.least.0 {
            self.least = (hash, gram);
        } else {
            return None;
        }
        Some(self.fingerprint())
    }

    /// Ends the text; returns the only fingerprint of one that is too short for a whole window.
    pub(crate) fn finish(self) -> Option<Fingerprint> {
        (self.n_grams > 0 && self.n_grams < WINDOW).then(|| self.fingerprint())
    }

    fn rightmost_least(&self, newest: usize) -> (u64, usize) {
        let mut least = (u64::MAX, newest);
        for gram in newest + 1 - WINDOW..=newest {
            let hash = self.window.get(gram);
            if hash <= least.0 {
                least = (hash, gram);
            }
        }
        least
    }

    fn fingerprint(&self) -> Fingerprint {
        let (hash, gram) = self.least;
        Fingerprint {
            hash: fingerprint_hash(hash),
            token: u32::try_from(gram).unwrap_or(u32::MAX),
            first: self.lines.get(gram),
            last: self.lines.get(gram + GRAM - 1),
        }
    }
}

/// The last `N` values of a series, `N` a power of two.
#[derive(Debug, Clone)]
struct Ring<T, const N: usize>([T; N]);

impl<T: Copy, const N: usize> Ring<T, N> {
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a remainder of the length lies within it")]
    fn get(&self, nth: usize) -> T {
        self.0[nth % N]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a remainder of the length lies within it")]
    fn replace(&mut self, nth: usize, value: T) -> T {
        std::mem::replace(&mut self.0[nth % N], value)
    }
}

/// The base of the polynomial over the hashes of tokens, an odd number: the fraction of the square root of 7.
const BASE: u64 = 0xa54f_f53a_5f1d_36f1;
const FINISH: u64 = 0x510e_527f_ade6_82d1;
const SPREAD: u64 = 0x9b05_688c_2b3e_6c1f;

/// The lines of so many tokens are remembered: those of all runs in a window.
const LINES_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn winnow(tokens: &[u64]) -> Vec<Fingerprint> {
        let mut winnower = Winnower::<GRAM_TOKENS, WINDOW_GRAMS>::new();
        let mut chosen: Vec<Fingerprint> =
            (1..).zip(tokens).filter_map(|(line, &token)| winnower.push(token, line)).collect();
        chosen.extend(winnower.finish());
        chosen
    }

    #[test]
    fn nothing_shorter_than_a_gram_has_a_fingerprint() {
        let tokens: Vec<u64> = (0..20).collect();
        assert_eq!(winnow(&tokens[..GRAM_TOKENS - 1]), []);
        for n_tokens in GRAM_TOKENS..20 {
            assert_eq!(winnow(&tokens[..n_tokens]).len(), 1, "{n_tokens}");
        }
    }

    #[test]
    fn one_token_repeated_for_ever_costs_one_fingerprint_a_window() {
        let n_grams = 1000 - GRAM_TOKENS + 1;
        assert_eq!(winnow(&[5; 1000]).len(), n_grams / WINDOW_GRAMS);
    }

    #[test]
    fn fingerprints_are_spread_evenly() {
        let tokens: Vec<u64> = (0..40_000_u64).map(|nth| mix(nth ^ FINISH, SPREAD)).collect();
        let chosen = winnow(&tokens);
        let low = chosen.iter().filter(|fingerprint| fingerprint.hash >> (FINGERPRINT_BITS - 4) == 0).count();
        assert!(
            (low * 16).abs_diff(chosen.len()) < chosen.len() / 4,
            "{low} of {} in a sixteenth",
            chosen.len()
        );
    }

    /// Few different tokens, so that equal hashes within one window are tried too.
    fn tokens(length: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u64>> {
        vec(prop_oneof![3 => 0_u64..3, 1 => any::<u64>()], length)
    }

    proptest! {
        #[test]
        fn every_shared_run_is_found(
            run in tokens(RUN_TOKENS..RUN_TOKENS + 40),
            before in tokens(0..60), after in tokens(0..60),
            other_before in tokens(0..60), other_after in tokens(0..60),
        ) {
            let here = [before, run.clone(), after].concat();
            let there = [other_before, run, other_after].concat();
            let known: HashSet<u64> = winnow(&there).iter().map(|fingerprint| fingerprint.hash).collect();
            prop_assert!(winnow(&here).iter().any(|fingerprint| known.contains(&fingerprint.hash)));
        }

        #[test]
        fn fingerprints_name_the_run_they_cover(tokens in tokens(0..200)) {
            for fingerprint in winnow(&tokens) {
                let start = fingerprint.token as usize;
                let mut roll = Roll::<GRAM_TOKENS>::new();
                let hash = tokens[start..start + GRAM_TOKENS].iter().fold(None, |_, &token| roll.push(token));
                prop_assert_eq!(hash.map(fingerprint_hash), Some(fingerprint.hash));
                prop_assert_eq!(fingerprint.first as usize, start + 1);
                prop_assert_eq!(fingerprint.last as usize, start + GRAM_TOKENS);
                prop_assert!(fingerprint.hash >> FINGERPRINT_BITS == 0);
            }
        }

        #[test]
        fn no_window_goes_without(tokens in tokens(RUN_TOKENS..200)) {
            let chosen = winnow(&tokens);
            let starts: Vec<usize> = chosen.iter().map(|fingerprint| fingerprint.token as usize).collect();
            prop_assert!(starts.is_sorted_by(|one, next| one < next && next - one <= WINDOW_GRAMS));
            prop_assert!(starts[0] < WINDOW_GRAMS);
            prop_assert!(tokens.len() - GRAM_TOKENS - starts[starts.len() - 1] < WINDOW_GRAMS);
        }
    }
}
