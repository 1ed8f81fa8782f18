//! Counts what ranges of a text's tokens amount to: tokens, different words, different shapes, lines.

use std::ops::Range;

use lazaret_core::Span;
use rustc_hash::FxHashSet;

use crate::shape::Shapes;
use crate::tokens::{Token, Tokens};

/// All tokens of a text; made only where something is shared.
#[derive(Debug)]
pub(super) struct Cover {
    tokens: Vec<Token>,
    shapes: Vec<u64>,
}

/// What ranges of tokens hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) n_tokens: u32,
    /// Different words.
    pub(super) n_words: u32,
    /// Different shapes of tokens: signs, and distances at which words come again.
    pub(super) n_shapes: u32,
}

impl Cover {
    pub(super) fn of(text: &[u8]) -> Self {
        let tokens: Vec<Token> = Tokens::new(text).collect();
        let mut shapes = Shapes::new();
        let shapes = tokens.iter().map(|token| shapes.push(token)).collect();
        Self { tokens, shapes }
    }

    /// Returns what disjoint ranges hold.
    pub(super) fn count(&self, ranges: &[Range<u32>]) -> Count {
        let mut words = FxHashSet::default();
        let mut shapes: FxHashSet<u64> = FxHashSet::default();
        let mut n_tokens = 0_usize;
        for range in ranges {
            let tokens = of_range(&self.tokens, range);
            shapes.extend(of_range(&self.shapes, range));
            n_tokens += tokens.len();
            words.extend(tokens.iter().filter(|token| token.is_word).map(|token| token.hash));
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Count { n_tokens: number(n_tokens), n_words: number(words.len()), n_shapes: number(shapes.len()) }
    }

    /// Returns the lines of which at least half the tokens lie in the sorted, disjoint ranges.
    pub(super) fn lines(&self, ranges: &[Range<u32>]) -> Vec<Span> {
        let covered = ranges.iter().flat_map(|range| of_range(&self.tokens, range));
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

    fn tokens_of_line(&self, line: u32) -> usize {
        let start = self.tokens.partition_point(|token| token.line < line);
        self.tokens.iter().skip(start).take_while(|token| token.line == line).count()
    }

    fn is_blank_between(&self, line: u32, next: u32) -> bool {
        let after = self.tokens.partition_point(|token| token.line <= line);
        self.tokens.get(after).is_none_or(|token| token.line >= next)
    }
}

fn of_range<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    let place = |token: u32| usize::try_from(token).unwrap_or(usize::MAX).min(all.len());
    all.get(place(range.start)..place(range.end)).unwrap_or_default()
}
