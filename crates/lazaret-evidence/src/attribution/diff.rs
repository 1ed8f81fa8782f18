//! Compares two versions line by line with the hunks that git finds.
//!
//! Three settings make the hunks equal to git's: what both have at the end is taken off before the comparison,
//! in whole blocks; the algorithm is Myers' with git's shortcuts; and hunks that can slide are placed by the
//! indentation of the lines around them.

use gix_imara_diff::{Algorithm, Diff, IndentHeuristic, IndentLevel, Token};

use super::text::{LineTable, Text, common_suffix};

/// The unit in which git takes off what both versions have at the end.
const TAIL_BLOCK: usize = 1024;

/// How wide a tab counts when indentation is compared.
const TAB_WIDTH: u8 = 8;

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
}

impl Differ {
    /// Finds the hunks between two versions whose lines are numbered by `table`.
    pub(super) fn hunks(&mut self, table: &LineTable, old: &Text, new: &Text, hunks: &mut Vec<Hunk>) {
        hunks.clear();
        let tail_lines = common_tail_lines(old, new);
        let kept = |tokens: &'_ [Token]| -> usize { tokens.len().saturating_sub(tail_lines) };
        let old_tokens = old.tokens.get(..kept(&old.tokens)).unwrap_or_default();
        let new_tokens = new.tokens.get(..kept(&new.tokens)).unwrap_or_default();
        self.diff.compute_with(Algorithm::Myers, old_tokens, new_tokens, table.n_tokens());
        let indent = |token| IndentLevel::for_ascii_line(table.line(token).iter().copied(), TAB_WIDTH);
        self.diff.postprocess_with(old_tokens, new_tokens, IndentHeuristic::new(indent));
        hunks.extend(self.diff.hunks().map(|hunk| Hunk {
            old_start: hunk.before.start,
            old_end: hunk.before.end,
            new_start: hunk.after.start,
            new_end: hunk.after.end,
        }));
    }
}

/// Returns how many whole lines are taken off both ends: the common end in whole blocks, without the part before
/// its first newline.
fn common_tail_lines(old: &Text, new: &Text) -> usize {
    let blocks = common_suffix(&old.bytes, &new.bytes) / TAIL_BLOCK * TAIL_BLOCK;
    let start = old.bytes.len() - blocks;
    let tail = old.bytes.get(start..).unwrap_or_default();
    match memchr::memchr(b'\n', tail) {
        Some(newline) if newline + 1 < tail.len() => old.lines_from(start + newline + 1),
        _ => 0,
    }
}
