//! Counts what ranges of a text's tokens amount to: tokens, different words, lines.

use std::ops::Range;

use lazaret_core::Span;
use rustc_hash::FxHashSet;

use crate::tokens::{Token, Tokens};

/// All tokens of a text; made only where something is shared.
#[derive(Debug)]
pub(super) struct Cover {
    tokens: Vec<Token>,
}

impl Cover {
    pub(super) fn of(text: &[u8]) -> Self {
        Self { tokens: Tokens::new(text).collect() }
    }

    /// Returns how many tokens disjoint ranges hold, and how many different words.
    pub(super) fn count(&self, ranges: impl Iterator<Item = Range<u32>>) -> (u32, u32) {
        let mut words = FxHashSet::default();
        let mut n_tokens = 0_usize;
        for range in ranges {
            let tokens = self.get(&range);
            n_tokens += tokens.len();
            words.extend(tokens.iter().filter(|token| token.is_word).map(|token| token.hash));
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (number(n_tokens), number(words.len()))
    }

    /// Returns the lines of which at least half the tokens lie in the sorted, disjoint ranges.
    pub(super) fn lines(&self, ranges: &[Range<u32>]) -> Vec<Span> {
        let covered = ranges.iter().flat_map(|range| self.get(range));
        let mut lines: Vec<(u32, usize)> = Vec::new();
        for token in covered {
            match lines.last_mut() {
                Some((line, count)) if *line == token.line => *count += 1,
                _ => lines.push((token.line, 1)),
            }
        }
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for (line, count) in lines {
            if count * 2 < self.tokens_of_line(line) {
                continue;
            }
            match spans.last_mut() {
                // Lines without any token between two covered ones belong to them.
                Some((_, end)) if self.is_blank_between(*end, line) => *end = line,
                _ => spans.push((line, line)),
            }
        }
        spans.into_iter().filter_map(|(start, end)| Span::new(start, end).ok()).collect()
    }

    fn get(&self, range: &Range<u32>) -> &[Token] {
        let place = |token: u32| usize::try_from(token).unwrap_or(usize::MAX).min(self.tokens.len());
        self.tokens.get(place(range.start)..place(range.end)).unwrap_or_default()
    }

    fn tokens_of_line(&self, line: u32) -> usize {
        let start = self.tokens.partition_point(|token| token.line < line);
        self.tokens.iter().skip(start).take_while(|token| token.line == line).count()
    }

    fn is_blank_between(&self, line: u32, next: u32) -> bool {
        let after = self.tokens.partition_point(|token| token.line <= line);
        self.tokens.get(after).is_none_or(|token| token.line >= next)
    }
}
