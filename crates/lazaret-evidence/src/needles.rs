//! Rules out texts that hold none of many needles, by a vectorised search for few words of which each needle holds one.

use aho_corasick::packed;
use memchr::memmem;

/// Shorter words stand in too many texts; a needle that is shorter is its own word.
const WORD_BYTES_MIN: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// `None` where the processor has no vectors, or there are too many words for them.
    searcher: Option<packed::Searcher>,
}

impl Words {
    /// Takes needles in lower case.
    pub(crate) fn of(needles: &[&[u8]]) -> Self {
        Self { searcher: packed::Config::new().builder().extend(words(needles)).build() }
    }

    /// Whether a text, given in lower case, may hold a needle. May say yes without need, never no wrongly.
    pub(crate) fn may_stand_in(&self, lower: &[u8]) -> bool {
        self.searcher.as_ref().is_none_or(|searcher| searcher.find(lower).is_some())
    }
}

/// Returns words of which every needle holds one: again and again the one that most of the needles left share.
fn words<'n>(needles: &[&'n [u8]]) -> Vec<&'n [u8]> {
    let mut left = needles.to_vec();
    let mut words = Vec::new();
    while !left.is_empty() {
        let n_holding = |word: &&[u8]| left.iter().filter(|needle| holds(needle, word)).count();
        let candidates = left.iter().flat_map(|needle| runs(needle, WORD_BYTES_MIN));
        let Some(most_shared) = candidates.max_by_key(n_holding) else { break };
        let (holding, others) = left.into_iter().partition::<Vec<_>, _>(|needle| holds(needle, most_shared));
        words.push(longest_shared(&holding).unwrap_or(most_shared));
        left = others;
    }
    words
}

/// Returns the longest run of bytes that stands in all of the needles.
fn longest_shared<'n>(needles: &[&'n [u8]]) -> Option<&'n [u8]> {
    let shortest = needles.iter().min_by_key(|needle| needle.len())?;
    let mut longest_first = (1..=shortest.len()).rev().flat_map(|length| runs(shortest, length));
    longest_first.find(|run| needles.iter().all(|needle| holds(needle, run)))
}

/// Returns all runs of so many bytes; a shorter needle is its only one.
fn runs(needle: &[u8], length: usize) -> impl Iterator<Item = &[u8]> {
    needle.windows(length.min(needle.len()).max(1))
}

fn holds(needle: &[u8], word: &[u8]) -> bool {
    memmem::find(needle, word).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(needles: &[&str], expected: &[&str]) {
        let needles: Vec<&[u8]> = needles.iter().map(|needle| needle.as_bytes()).collect();
        let mut found: Vec<&str> =
            words(&needles).into_iter().map(|word| str::from_utf8(word).unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_are_what_needles_share_and_otherwise_the_whole_of_them() {
        check(&[], &[]);
        check(&["a lighthouse"], &["a lighthouse"]);
        check(&["abc"], &["abc"]);
        check(&["by harbour", "harbour.example", "[harbour](", "quay"], &["harbour", "quay"]);
    }

    proptest! {
        #[test]
        fn no_text_that_holds_a_needle_is_ruled_out(
            needles in proptest::collection::vec("[ab ]{1,8}", 1..9),
            (before, after) in ("[ab ]{0,40}", "[ab ]{0,40}"),
        ) {
            let all: Vec<&[u8]> = needles.iter().map(String::as_bytes).collect();
            let words = Words::of(&all);
            for needle in &needles {
                let text = format!("{before}{needle}{after}");
                prop_assert!(words.may_stand_in(text.as_bytes()));
            }
        }
    }
}
