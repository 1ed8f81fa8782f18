//! Ranges to take out, made into whole lines where nothing else stands on them, and what remains.

use std::cmp::Reverse;
use std::ops::Range;

use lazaret_core::Span;

use crate::lines::Lines;

/// A range that was taken out of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The lines it lay on. A line may also hold something that was kept.
    pub lines: Span,
    /// The bytes, white space around them included where it stood for nothing else.
    pub bytes: Range<usize>,
    /// What it was: a kind of node of the grammar, `lines`, `paragraph` or `text`.
    pub kind: &'static str,
}

/// A range to take out, without white space at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) bytes: Range<usize>,
    pub(crate) kind: &'static str,
    pub(crate) growth: Growth,
}

/// What a cut becomes where what remains does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// It is that node, and grows to the next one around it that may be cut.
    Node(usize),
    /// It is that run of tainted lines, and grows to the statements that hold them.
    Run(usize),
    /// Nothing smaller than the whole text.
    Text,
}

/// The kind of a cut that is made of lines without regard to syntax.
pub(crate) const LINES: &str = "lines";
/// The kind of a cut from one blank line to the next.
pub(crate) const PARAGRAPH: &str = "paragraph";
/// The kind of a cut of everything.
pub(crate) const TEXT: &str = "text";

/// Returns what is removed if the cuts are made, sorted and disjoint.
pub(crate) fn removed(lines: &Lines<'_>, mut cuts: Vec<Cut>) -> Vec<Removed> {
    cuts.sort_by_key(|cut| (cut.bytes.start, Reverse(cut.bytes.end)));
    let mut merged: Vec<Cut> = Vec::new();
    for cut in cuts {
        match merged.last_mut() {
            Some(last) if touch(lines, last.bytes.end, cut.bytes.start) => {
                last.bytes.end = last.bytes.end.max(cut.bytes.end);
            }
            _ => merged.push(cut),
        }
    }
    let mut removed: Vec<Removed> = Vec::new();
    for cut in merged {
        let from = removed.last().map_or(0, |last| last.bytes.end);
        let bytes = widened(lines, &cut);
        let bytes = bytes.start.max(from)..bytes.end;
        if let Some(span) = lines.span(&bytes) {
            removed.push(Removed { lines: span, bytes, kind: cut.kind });
        }
    }
    removed
}

/// Returns the text without what is removed.
pub(crate) fn remainder(text: &str, removed: &[Removed]) -> String {
    let mut remainder = String::with_capacity(text.len());
    let mut at = 0;
    for one in removed {
        remainder.push_str(text.get(at..one.bytes.start).unwrap_or_default());
        at = one.bytes.end;
    }
    remainder.push_str(text.get(at..).unwrap_or_default());
    remainder
}

/// Whether what is cut on both sides leaves nothing on the line between them.
fn touch(lines: &Lines<'_>, end: usize, start: usize) -> bool {
    end >= start || {
        let between = lines.get(end..start);
        between.trim().is_empty() && !between.contains('\n')
    }
}

/// Takes the rest of the line along where it is blank, and the blank lines that would double.
fn widened(lines: &Lines<'_>, cut: &Cut) -> Range<usize> {
    let Range { start, end } = cut.bytes;
    let line_start = lines.bytes_of(lines.line_of(start)).start;
    let line_end = lines.bytes_of(lines.line_of(end.saturating_sub(1))).end;
    let (before, after) = (lines.get(line_start..start), lines.get(end..line_end));
    match (before.trim().is_empty(), after.trim().is_empty()) {
        (true, true) if cut.kind != LINES && lines.follows_a_blank_line(line_start) => {
            line_start..lines.end_of_blank_lines(line_end)
        }
        (true, true) => line_start..line_end,
        (false, true) => line_start + before.trim_end().len()..line_end - line_feed_bytes(after),
        (true, false) => start..line_end - after.trim_start().len(),
        (false, false) => start..end,
    }
}

fn line_feed_bytes(text: &str) -> usize {
    if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with('\n')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, parts: &[&str], expected: &str) {
        let cuts = parts.iter().map(|part| {
            let start = text.find(part).unwrap();
            Cut { bytes: start..start + part.len(), kind: "part", growth: Growth::Text }
        });
        let removed = removed(&Lines::of(text), cuts.collect());
        assert_eq!(remainder(text, &removed), expected, "{text:?} without {parts:?}");
        assert!(removed.windows(2).all(|pair| pair[0].bytes.end <= pair[1].bytes.start));
    }

    #[test]
    fn whole_lines_go_where_nothing_else_stands_on_them() {
        check("a\n  b\nc\n", &["b"], "a\nc\n");
        check("a\r\n  b \r\nc", &["b"], "a\r\nc");
        check("a\nb", &["b"], "a\n");
        check("a b c\n", &["b"], "a  c\n");
        check("a b \r\nc", &["b"], "a\r\nc");
        check("  a b\n", &["a"], "  b\n");
        check("x\n  a b\ny", &["a", "b"], "x\ny");
        check("x\na\nb\ny", &["a\nb", "b"], "x\ny");
    }

    #[test]
    fn blank_lines_do_not_double() {
        check("a\n\nb\n\nc\n", &["b"], "a\n\nc\n");
        check("b\n\n\nc\n", &["b"], "c\n");
        check("a\nb\n\nc\n", &["b"], "a\n\nc\n");
        check("a\n\nb\n\nc\n\nd\n", &["b", "c"], "a\n\nd\n");
        check("a\n\nb", &["b"], "a\n\n");
    }
}
