//! Claims that follow from what stands around a content, not from a mark in it: dates, size, suppressed attribution.

use jiff::civil::Date;
use lazaret_core::{
    Claim, DetectorId, Directness, Evidence, ObjectId, Origin, Proof, Role, Span, Strength, Taint,
};

/// The ids of these claims' detectors, sorted.
pub const SURROUNDINGS: [&str; 3] = [COMMIT_DATE, SAME_BYTES, TRIVIAL_CONTENT];

const COMMIT_DATE: &str = "commit-date";
const SAME_BYTES: &str = "same-bytes";
const REVIEW: &str = "review";
const TRIVIAL_CONTENT: &str = "trivial-content";

/// More tokens than any sensible policy calls trivial; counting stops here.
pub const TRIVIAL_TOKENS_MAX: u32 = 1024;

/// Counts the tokens of a text: runs of letters, digits and underscores, and every other visible character by
/// itself; `None` above [`TRIVIAL_TOKENS_MAX`]. Bytes above ASCII count as letters.
#[must_use]
pub fn count_tokens(text: &[u8]) -> Option<u32> {
    let mut n_tokens = 0;
    for n_begin in token_begins(text) {
        n_tokens += u32::from(n_begin);
        if n_tokens > TRIVIAL_TOKENS_MAX {
            return None;
        }
    }
    Some(n_tokens)
}

/// Counts the tokens of a text, however many.
#[must_use]
pub fn count_all_tokens(text: &[u8]) -> u64 {
    token_begins(text).map(u64::from).sum()
}

/// So many bytes are counted at a time: their sum fits a byte.
const BLOCK_BYTES: usize = 128;

/// Says of every block of bytes how many tokens begin in it.
fn token_begins(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut is_in_word = 0;
    text.chunks(BLOCK_BYTES).map(move |block| {
        // Without branches and byte by byte, so that many bytes are done at once.
        let first = block.first().map_or(0, |&byte| begins(is_in_word, byte));
        let others = block.iter().zip(block.iter().skip(1));
        is_in_word = block.last().map_or(0, |&byte| is_word(byte));
        others.fold(first, |n_begin, (&before, &byte)| n_begin + begins(is_word(before), byte))
    })
}

/// 1 where a token begins with the byte, behind a byte that is part of a word or not.
fn begins(is_in_word: u8, byte: u8) -> u8 {
    let is_word = is_word(byte);
    (is_word & !is_in_word) | (u8::from(byte.is_ascii_graphic()) & (is_word ^ 1))
}

/// 1 where the byte is part of a word.
fn is_word(byte: u8) -> u8 {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = byte.wrapping_sub(b'0') < 10;
    u8::from(is_letter | is_digit | (byte == b'_') | (byte >= 0x80))
}

/// Claims that a whole content has no more than so many tokens.
#[must_use]
pub fn trivial_content(n_tokens: u32) -> Evidence {
    Evidence {
        detector: detector(TRIVIAL_CONTENT),
        span: None,
        claim: Claim::Proof(Proof::Trivial { tokens: n_tokens }),
        why: format!("the whole content has {n_tokens} tokens"),
    }
}

/// Claims that lines, or a whole content, can be no younger than a day: the latest day that their commit or any before
/// it states.
#[must_use]
pub fn commit_date(on: Date, span: Option<Span>) -> Evidence {
    Evidence {
        detector: detector(COMMIT_DATE),
        span,
        claim: Claim::Proof(Proof::Predates { on, origin: None, set: None }),
        why: format!("the commit and all before it are dated {on} or earlier"),
    }
}

/// Claims that the same bytes stand in an origin, which a policy may list as a source.
#[must_use]
pub fn same_bytes(origin: &Origin) -> Evidence {
    Evidence {
        detector: detector(SAME_BYTES),
        span: None,
        claim: Claim::Proof(Proof::Curated { origin: Some(origin.clone()) }),
        why: format!("the same bytes stand in `{}`", origin.match_text()),
    }
}

/// Claims that people reviewed a whole content and cleared it; `proof` says which case, under what.
#[must_use]
pub fn review(proof: Proof, why: String) -> Evidence {
    Evidence { detector: detector(REVIEW), span: None, claim: Claim::Proof(proof), why }
}

/// Turns the sighting of a setting or rule that turns attribution off into a claim about a commit made after it:
/// silence means nothing there.
#[must_use]
pub fn after_suppression(sighting: &Evidence, since: ObjectId) -> Option<Evidence> {
    let taint = sighting.taint()?;
    let claim = Taint {
        role: Role::CoAuthor,
        strength: Strength::Circumstantial,
        directness: Directness::Direct,
        ..taint.clone()
    };
    Some(Evidence {
        detector: sighting.detector.clone(),
        span: None,
        claim: Claim::Taint(claim),
        why: format!("made after attribution was turned off in commit {since}: {}", sighting.why),
    })
}

fn detector(id: &'static str) -> DetectorId {
    // The ids above are well formed; a test holds them to it.
    DetectorId::new(id).unwrap_or_else(|_| DetectorId::unnamed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_words_and_signs() {
        for (text, n_tokens) in [("", 0), (" \n\t", 0), ("pub mod a;", 4), ("a_1+=é\n", 4), ("{}\n{}", 4)] {
            assert_eq!(count_tokens(text.as_bytes()), Some(n_tokens), "{text:?}");
        }
        assert_eq!(count_tokens("x ".repeat(1024).as_bytes()), Some(1024));
        assert_eq!(count_tokens("x ".repeat(1025).as_bytes()), None);
    }

    #[test]
    fn ids_are_well_formed() {
        for id in SURROUNDINGS {
            assert_eq!(detector(id).as_str(), id);
        }
    }
}
