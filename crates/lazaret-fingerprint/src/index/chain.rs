//! Joins shared places of one entry that follow each other in both texts, and keeps what is enough.

use std::ops::Range;

use super::Floor;
use super::cover::{Count, Cover};
use crate::scan::LineDigest;
use crate::table::Posting;
use crate::winnow::{Fingerprint, GRAM_TOKENS, SHAPE_GRAM_TOKENS};

/// A place in the text that was asked about: its first line and its tokens come first, so that places sort in the
/// order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    first: u32,
    last: u32,
    token: u32,
    n_tokens: u32,
    is_line: bool,
}

impl Place {
    pub(super) fn of_fingerprint(fingerprint: &Fingerprint) -> Self {
        Self::of_run(fingerprint, GRAM_TOKENS)
    }

    pub(super) fn of_shape(shape: &Fingerprint) -> Self {
        Self::of_run(shape, SHAPE_GRAM_TOKENS)
    }

    fn of_run(run: &Fingerprint, n_tokens: usize) -> Self {
        let n_tokens = u32::try_from(n_tokens).unwrap_or_default();
        let Fingerprint { first, last, token, .. } = *run;
        Self { first, last, token, n_tokens, is_line: false }
    }

    pub(super) fn of_line(line: &LineDigest) -> Self {
        let LineDigest { line, token, n_tokens, .. } = *line;
        Self { first: line, last: line, token, n_tokens, is_line: true }
    }
}

/// A place that the text shares with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shared {
    /// The segment and the entry in it.
    pub(super) entry: (usize, u32),
    here: Place,
    /// The first and the last line in the entry's text.
    there: (u32, u32),
}

impl Shared {
    pub(super) fn new(segment: usize, here: Place, there: Posting) -> Self {
        Self { entry: (segment, there.entry), here, there: (there.first, there.last) }
    }
}

/// Shared places that follow each other.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) entry: (usize, u32),
    /// The first and the last line here.
    pub(super) here: (u32, u32),
    /// The first and the last line there.
    pub(super) there: (u32, u32),
    /// The shared tokens here: sorted, disjoint.
    pub(super) tokens: Vec<Range<u32>>,
    pub(super) count: Count,
    pub(super) n_fingerprints: u32,
    pub(super) n_lines: u32,
    /// Where the last place lies: here, there.
    end: (u32, u32),
}

/// Texts that repeat themselves could be chained in any number of ways; so many are followed at once.
const OPEN_CHAINS_MAX: usize = 16;

/// Returns the chains of all entries that can be enough, those of one entry together. Nothing is counted yet.
///
/// `shared` is sorted.
pub(super) fn all(shared: &[Shared], floor: &Floor, can_be_enough: impl Fn(&Chain) -> bool) -> Vec<Chain> {
    let mut chains = Vec::new();
    for of_entry in shared.chunk_by(|one, next| one.entry == next.entry) {
        for mut chain in of_one(of_entry, floor) {
            chain.tokens = joined(std::mem::take(&mut chain.tokens));
            chains.extend(Some(chain).filter(&can_be_enough));
        }
    }
    chains
}

/// Returns the chains of one entry that are enough, counted, without those that lie within a larger one.
pub(super) fn best(of_entry: &[Chain], cover: &Cover, is_enough: impl Fn(&Chain) -> bool) -> Vec<Chain> {
    let counted = |chain: &Chain| Chain { count: cover.count(&chain.tokens), ..chain.clone() };
    let mut chains: Vec<Chain> = of_entry.iter().map(counted).filter(is_enough).collect();
    chains.sort_by_key(|chain| (u32::MAX - chain.count.n_tokens, chain.here, chain.there));
    let mut kept = Enclosing::new(chains.iter().map(|chain| chain.here.0));
    chains.retain(|chain| kept.insert(chain.here));
    chains
}

/// Ranges of lines of which none lies within one that was there before.
///
/// A tree of maxima (Fenwick, "A New Data Structure for Cumulative Frequency Tables", 1994) over the starts: texts can
/// be made of as many chains as they have lines, and comparing each with each would take for ever.
struct Enclosing {
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Enclosing {
    fn new(starts: impl Iterator<Item = u32>) -> Self {
        let mut starts: Vec<u32> = starts.collect();
        starts.sort_unstable();
        starts.dedup();
        let ends = vec![0; starts.len() + 1];
        Self { starts, ends }
    }

    /// Adds a range whose start was announced, unless it lies within one that is there; whether it was added.
    fn insert(&mut self, (start, end): (u32, u32)) -> bool {
        let place = self.starts.partition_point(|&other| other <= start);
        let mut below = place;
        while below > 0 {
            if self.ends.get(below).is_some_and(|&furthest| furthest >= end) {
                return false;
            }
            below &= below - 1;
        }
        let mut above = place.max(1);
        while let Some(furthest) = self.ends.get_mut(above) {
            *furthest = end.max(*furthest);
            above += above & above.wrapping_neg();
        }
        true
    }
}

fn of_one(shared: &[Shared], floor: &Floor) -> Vec<Chain> {
    let mut closed = Vec::new();
    let mut open: Vec<Chain> = Vec::new();
    for place in shared {
        closed.extend(
            open.extract_if(.., |chain| {
                place.here.first.saturating_sub(chain.end.0) > floor.gap_lines_max + 1
            }),
        );
        let nearest = open
            .iter_mut()
            .filter(|chain| chain.can_go_on_with(place, floor))
            .min_by_key(|chain| chain.shift(place));
        match nearest {
            Some(chain) => chain.push(place),
            None => {
                if open.len() >= OPEN_CHAINS_MAX {
                    closed.push(open.remove(0));
                }
                open.push(Chain::new(place));
            }
        }
    }
    closed.append(&mut open);
    closed
}

impl Chain {
    fn new(place: &Shared) -> Self {
        let mut chain = Self {
            entry: place.entry,
            here: (place.here.first, place.here.last),
            there: place.there,
            tokens: Vec::new(),
            count: Count::default(),
            n_fingerprints: 0,
            n_lines: 0,
            end: (place.here.last, place.there.1),
        };
        chain.push(place);
        chain
    }

    /// How many tokens its ranges hold, once these are joined.
    pub(super) fn n_tokens(&self) -> u32 {
        self.tokens.iter().fold(0, |sum, range| sum.saturating_add(range.end - range.start))
    }

    fn can_go_on_with(&self, place: &Shared, floor: &Floor) -> bool {
        let gap_there = place.there.0.saturating_sub(self.end.1);
        // A fingerprint may begin before the line that ended the chain so far; it may not end before it.
        place.there.1 >= self.end.1 && gap_there <= floor.gap_lines_max + 1
    }

    /// How much farther apart the place and the end of the chain are in one text than in the other.
    fn shift(&self, place: &Shared) -> u32 {
        let here = i64::from(place.here.last) - i64::from(self.end.0);
        let there = i64::from(place.there.1) - i64::from(self.end.1);
        u32::try_from((here - there).abs()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, place: &Shared) {
        let Place { first, last, token, n_tokens, is_line } = place.here;
        self.here = (self.here.0.min(first), self.here.1.max(last));
        self.there = (self.there.0.min(place.there.0), self.there.1.max(place.there.1));
        self.end = (self.end.0.max(last), self.end.1.max(place.there.1));
        self.tokens.push(token..token.saturating_add(n_tokens));
        self.n_fingerprints += u32::from(!is_line);
        self.n_lines += u32::from(is_line);
    }
}

/// Sorts ranges and joins those that touch.
fn joined(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Enclosing;

    proptest! {
        #[test]
        fn ranges_within_others_are_found_as_by_comparing_each_with_each(
            ranges in proptest::collection::vec((1_u32..30, 0_u32..30), 0..60),
        ) {
            let ranges: Vec<(u32, u32)> = ranges.iter().map(|&(start, extent)| (start, start + extent)).collect();
            let mut enclosing = Enclosing::new(ranges.iter().map(|range| range.0));
            let mut kept: Vec<(u32, u32)> = Vec::new();
            for range in ranges {
                let is_new = !kept.iter().any(|other| other.0 <= range.0 && range.1 <= other.1);
                prop_assert_eq!(enclosing.insert(range), is_new);
                if is_new {
                    kept.push(range);
                }
            }
        }
    }
}
