//! Compares two versions line by line with the hunks that git finds.
//!
//! Three settings make the hunks equal to git's: what both have at the end is taken off before the comparison,
//! in whole blocks; the algorithm is Myers' with git's shortcuts; and hunks that can slide are placed by the
//! indentation of the lines around them.
//!
//! Two things save work and change nothing. Where only one stretch of lines differs and no line of it stands on
//! both sides, every comparison finds that stretch, and only where it slides is asked of the library. And lines
//! are numbered anew for each comparison, since the library counts them in tables as long as the largest number.

use gix_imara_diff::{Algorithm, Diff, IndentHeuristic, IndentLevel, Token};

use super::text::{LineTable, Text, common_prefix, common_suffix};

/// The unit in which git takes off what both versions have at the end.
const TAIL_BLOCK: usize = 1024;

/// How wide a tab counts when indentation is compared.
const TAB_WIDTH: u8 = 8;

/// Lines kept around a single stretch of changes: more than it may slide and git then looks at.
const MARGIN: usize = 256;

/// How far a single stretch may slide to be looked at within its margin: git tries a hundred places and looks at
/// twenty blank lines around each.
const SLIDE_MAX: usize = 100;

/// Lines are numbered anew where there are this many times as many numbers as lines.
const RENUMBER_AT: usize = 4;

/// Lines of the old version and the lines that replace them in the new one; either may be empty, not both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old_start: u32,
    pub(super) old_end: u32,
    pub(super) new_start: u32,
    pub(super) new_end: u32,
}

/// Compares versions; keeps its buffers from one comparison to the next.
#[derive(Debug, Default)]
pub(super) struct Differ {
    diff: Diff,
    numbers: Numbers,
    old: Vec<Token>,
    new: Vec<Token>,
}

impl Differ {
    /// Finds the hunks between two versions whose lines are numbered by `table`.
    pub(super) fn hunks(&mut self, table: &LineTable, old: &Text, new: &Text, hunks: &mut Vec<Hunk>) {
        hunks.clear();
        let tail_lines = common_tail_lines(old, new);
        let kept = |tokens: &'_ [Token]| -> usize { tokens.len().saturating_sub(tail_lines) };
        let old_tokens = old.tokens.get(..kept(&old.tokens)).unwrap_or_default();
        let new_tokens = new.tokens.get(..kept(&new.tokens)).unwrap_or_default();
        self.numbers.begin(table.n_tokens());
        let skipped = self.single_stretch(old_tokens, new_tokens);
        let until = |tokens: &[Token]| tokens.len() - skipped.map_or(0, |(_, tail)| tail);
        let head = skipped.map_or(0, |(head, _)| head);
        let of = |tokens: &'_ [Token]| head..until(tokens);
        let (old_tokens, new_tokens) = (
            old_tokens.get(of(old_tokens)).unwrap_or_default(),
            new_tokens.get(of(new_tokens)).unwrap_or_default(),
        );
        let n_lines = old_tokens.len() + new_tokens.len();
        if n_lines * RENUMBER_AT < table.n_tokens() as usize {
            self.numbers.begin_numbering(n_lines);
            self.numbers.renumber(old_tokens, &mut self.old);
            self.numbers.renumber(new_tokens, &mut self.new);
            self.diff.compute_with(
                Algorithm::Myers,
                &self.old,
                &self.new,
                u32::try_from(n_lines).unwrap_or(u32::MAX),
            );
            let line = |number| self.numbers.token(number).map_or(&[][..], |token| table.line(token));
            let indent = |number| IndentLevel::for_ascii_line(line(number).iter().copied(), TAB_WIDTH);
            self.diff.postprocess_with(&self.old, &self.new, IndentHeuristic::new(indent));
        } else {
            self.diff.compute_with(Algorithm::Myers, old_tokens, new_tokens, table.n_tokens());
            let indent = |token| IndentLevel::for_ascii_line(table.line(token).iter().copied(), TAB_WIDTH);
            self.diff.postprocess_with(old_tokens, new_tokens, IndentHeuristic::new(indent));
        }
        let head = u32::try_from(head).unwrap_or(u32::MAX);
        hunks.extend(self.diff.hunks().map(|hunk| Hunk {
            old_start: head + hunk.before.start,
            old_end: head + hunk.before.end,
            new_start: head + hunk.after.start,
            new_end: head + hunk.after.end,
        }));
    }

    /// Returns how many lines at the head and at the tail need not be looked at, where one stretch of lines
    /// differs, no line of it stands on both sides, and it cannot slide far.
    fn single_stretch(&mut self, old: &[Token], new: &[Token]) -> Option<(usize, usize)> {
        let head = common_prefix(old, new);
        let (old_rest, new_rest) = (old.get(head..)?, new.get(head..)?);
        let tail = common_suffix(old_rest, new_rest);
        if head <= MARGIN && tail <= MARGIN {
            return None;
        }
        let old_middle = old_rest.get(..old_rest.len() - tail)?;
        let new_middle = new_rest.get(..new_rest.len() - tail)?;
        if self.numbers.share_a_line(old_middle, new_middle) {
            return None;
        }
        for (tokens, middle) in [(old, old_middle), (new, new_middle)] {
            let (start, end) = (head, head + middle.len());
            let up = || tokens.iter().take(start).rev().zip(tokens.iter().take(end).rev());
            let down = || tokens.iter().skip(start).zip(tokens.iter().skip(end));
            let slides = |pairs: usize| pairs > SLIDE_MAX;
            if slides(up().take(SLIDE_MAX + 1).take_while(|(a, b)| a == b).count())
                || slides(down().take(SLIDE_MAX + 1).take_while(|(a, b)| a == b).count())
            {
                return None;
            }
        }
        Some((head.saturating_sub(MARGIN), tail.saturating_sub(MARGIN)))
    }
}

/// Numbers for the lines of one comparison, from 0 and without gaps.
#[derive(Debug, Default)]
struct Numbers {
    /// For each token the comparison that numbered it last, and its number there.
    known: Vec<(u32, u32)>,
    tokens: Vec<Token>,
    comparison: u32,
    top: usize,
}

impl Numbers {
    fn begin(&mut self, n_tokens: u32) {
        self.known.resize((n_tokens as usize).max(self.known.len()), (0, 0));
        if self.comparison >= u32::MAX - 2 {
            self.known.fill((0, 0));
            self.comparison = 0;
        }
        self.comparison += 1;
    }

    /// Numbers fall from `n_lines` on: the library's tables grow to the largest number they have met.
    fn begin_numbering(&mut self, n_lines: usize) {
        self.tokens.clear();
        self.top = n_lines;
    }

    fn token(&self, number: Token) -> Option<Token> {
        self.tokens.get((self.top - 1).checked_sub(number.0 as usize)?).copied()
    }

    fn renumber(&mut self, tokens: &[Token], numbered: &mut Vec<Token>) {
        let Self { known, tokens: lines, comparison, top } = self;
        numbered.clear();
        numbered.extend(tokens.iter().map(|token| {
            let Some((last, number)) = known.get_mut(token.0 as usize) else { return *token };
            if last != comparison {
                lines.push(*token);
                (*last, *number) = (*comparison, u32::try_from(*top - lines.len()).unwrap_or(u32::MAX));
            }
            Token(*number)
        }));
    }

    /// Whether a line stands among both; takes a comparison of its own.
    fn share_a_line(&mut self, a: &[Token], b: &[Token]) -> bool {
        let marked = self.comparison;
        for token in a {
            if let Some(known) = self.known.get_mut(token.0 as usize) {
                *known = (marked, 0);
            }
        }
        let is_marked =
            |token: &Token| self.known.get(token.0 as usize).is_some_and(|known| known.0 == marked);
        let shared = b.iter().any(is_marked);
        self.comparison += 1;
        shared
    }
}

/// Returns how many whole lines are taken off both ends: the common end in whole blocks, without the part before
/// its first newline.
fn common_tail_lines(old: &Text, new: &Text) -> usize {
    let blocks = old.common_suffix(new) / TAIL_BLOCK * TAIL_BLOCK;
    let start = old.bytes.len() - blocks;
    let tail = old.bytes.get(start..).unwrap_or_default();
    match memchr::memchr(b'\n', tail) {
        Some(newline) if newline + 1 < tail.len() => old.lines_from(start + newline + 1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;

    /// The hunks as the library finds them in whole files.
    fn plain_hunks(table: &LineTable, old: &Text, new: &Text) -> Vec<Hunk> {
        let tail_lines = common_tail_lines(old, new);
        let old = &old.tokens[..old.tokens.len() - tail_lines];
        let new = &new.tokens[..new.tokens.len() - tail_lines];
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, old, new, table.n_tokens());
        let indent = |token| IndentLevel::for_ascii_line(table.line(token).iter().copied(), TAB_WIDTH);
        diff.postprocess_with(old, new, IndentHeuristic::new(indent));
        let hunk = |hunk: gix_imara_diff::Hunk| Hunk {
            old_start: hunk.before.start,
            old_end: hunk.before.end,
            new_start: hunk.after.start,
            new_end: hunk.after.end,
        };
        diff.hunks().map(hunk).collect()
    }

    /// Lines around the changes: all different, or some that come again and again, so that changes slide far.
    fn context() -> impl Strategy<Value = Vec<String>> {
        let n_lines = prop_oneof![0_usize..5, 90_usize..110, 250_usize..260, 400_usize..700];
        (n_lines, prop_oneof![1_usize..5, 30_usize..90, 30_usize..90, Just(1000)]).prop_map(
            |(n_lines, period)| {
                let line = |number: usize| {
                    let number = number % period;
                    format!("{}line {number}\n", "\t".repeat(number.trailing_zeros().min(5) as usize))
                };
                (0..n_lines).map(line).collect()
            },
        )
    }

    fn change() -> impl Strategy<Value = Vec<String>> {
        let line = prop_oneof![Just("\n".to_owned()), "line [0-4]\n", "\tline [0-4]\n", "[a-z]{3}\n"];
        prop_oneof![Just(Vec::new()), proptest::collection::vec(line, 0..8)]
    }

    proptest! {
        #[test]
        fn shortcuts_change_no_hunk(
            head in context(),
            (old, new) in (change(), change()),
            tail in context(),
            repeated in prop_oneof![Just(0_usize), 1_usize..90],
            known in 0_usize..4000,
        ) {
            let mut table = LineTable::default();
            // Lines that an earlier version had, so that there are many more numbers than lines.
            let earlier: String = (0..known).map(|number| format!("earlier {number}\n")).collect();
            table.text(Rc::new(earlier.into_bytes()), None);
            let bytes = |parts: &[&[String]]| Rc::new(parts.concat().concat().into_bytes());
            // The last lines once more: where they come again and again, the change slides through all of them.
            let period = head.iter().rev().skip(1).position(|line| Some(line) == head.last()).map_or(0, |n| n + 1);
            let repeated = if repeated % 2 == 0 { period } else { repeated };
            let again = &head[head.len().saturating_sub(repeated)..];
            let old = table.text(bytes(&[&head, &old, &tail]), None);
            let new = table.text(bytes(&[&head, again, &new, &tail]), Some(&old));
            let mut differ = Differ::default();
            let mut hunks = Vec::new();
            for _ in 0..2 {
                differ.hunks(&table, &old, &new, &mut hunks);
                prop_assert_eq!(&hunks, &plain_hunks(&table, &old, &new));
            }
        }
    }
}
