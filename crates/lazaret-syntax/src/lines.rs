//! Where the lines of a text lie, and which bytes of it are tainted.

use std::ops::Range;

use lazaret_core::Span;

/// The lines of a text, which end with a line feed; a carriage return before it belongs to the line.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// Where each line starts.
    starts: Vec<usize>,
}

/// Runs of tainted lines as bytes, without the white space around them: sorted, disjoint, never empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taint {
    runs: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        // What follows the last line feed is a line only if there is something.
        if starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Self { text, starts }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The text of the range; empty where there is no such range.
    pub(crate) fn get(&self, bytes: Range<usize>) -> &'a str {
        self.text.get(bytes).unwrap_or_default()
    }

    /// The number of the line that holds the byte, from 0.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    /// Where the line starts and where it ends, its line feed included.
    pub(crate) fn bytes_of(&self, line: usize) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).copied().unwrap_or(self.text.len());
        at(line)..at(line + 1)
    }

    /// The lines that hold the bytes.
    pub(crate) fn span(&self, bytes: &Range<usize>) -> Option<Span> {
        let number = |byte: usize| u32::try_from(self.line_of(byte) + 1).ok();
        Span::new(number(bytes.start)?, number(bytes.end.checked_sub(1)?)?).ok()
    }

    /// The range without white space at its ends.
    pub(crate) fn trimmed(&self, bytes: Range<usize>) -> Range<usize> {
        let text = self.get(bytes.clone());
        let start = bytes.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }

    /// Whether nothing but white space stands before the byte on its line.
    pub(crate) fn starts_its_line(&self, byte: usize) -> bool {
        self.get(self.bytes_of(self.line_of(byte)).start..byte).trim().is_empty()
    }

    fn is_blank(&self, line: usize) -> bool {
        self.get(self.bytes_of(line)).trim().is_empty()
    }

    /// The range grown in both directions as far as no line is blank.
    pub(crate) fn paragraph(&self, bytes: &Range<usize>) -> Range<usize> {
        let mut first = self.line_of(bytes.start);
        let mut last = self.line_of(bytes.end.saturating_sub(1).max(bytes.start));
        while first > 0 && !self.is_blank(first - 1) {
            first -= 1;
        }
        while last + 1 < self.starts.len() && !self.is_blank(last + 1) {
            last += 1;
        }
        self.trimmed(self.bytes_of(first).start..self.bytes_of(last).end)
    }

    /// The end of the blank lines that start at the byte.
    pub(crate) fn end_of_blank_lines(&self, byte: usize) -> usize {
        let mut line = self.line_of(byte);
        let mut end = byte;
        while self.bytes_of(line).start == end && end < self.text.len() && self.is_blank(line) {
            end = self.bytes_of(line).end;
            line += 1;
        }
        end
    }

    /// Whether the line that starts at the byte is the first one or follows a blank one.
    pub(crate) fn follows_a_blank_line(&self, byte: usize) -> bool {
        self.line_of(byte).checked_sub(1).is_none_or(|line| self.is_blank(line))
    }

    /// What the spans cover, as far as the text goes.
    pub(crate) fn taint(&self, spans: &[Span]) -> Taint {
        let mut lines: Vec<(usize, usize)> = spans.iter().filter_map(|&span| self.clipped(span)).collect();
        lines.sort_unstable();
        lines.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1 + 1;
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        let bytes = lines.iter().map(|&(first, last)| self.bytes_of(first).start..self.bytes_of(last).end);
        Taint { runs: bytes.map(|bytes| self.trimmed(bytes)).filter(|bytes| !bytes.is_empty()).collect() }
    }

    /// First and last line of the span, from 0, if any of it lies in the text.
    fn clipped(&self, span: Span) -> Option<(usize, usize)> {
        let first = usize::try_from(span.start()).ok()?.checked_sub(1)?;
        let last = usize::try_from(span.end()).ok()?.checked_sub(1)?.min(self.starts.len().checked_sub(1)?);
        (first <= last).then_some((first, last))
    }
}

impl Taint {
    pub(crate) fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs of which the number passes.
    pub(crate) fn only(&self, passes: impl Fn(usize) -> bool) -> Self {
        let runs = self.runs.iter().enumerate().filter(|&(nth, _)| passes(nth));
        Self { runs: runs.map(|(_, run)| run.clone()).collect() }
    }

    /// The runs that share a byte with the range.
    pub(crate) fn within<'t>(
        &'t self,
        bytes: &Range<usize>,
    ) -> impl Iterator<Item = &'t Range<usize>> + use<'t> {
        let Range { start, end } = *bytes;
        let first = self.runs.partition_point(|run| run.end <= start);
        self.runs.iter().skip(first).take_while(move |run| run.start < end)
    }

    pub(crate) fn touches(&self, bytes: &Range<usize>) -> bool {
        !bytes.is_empty() && self.within(bytes).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, spans: &[(u32, u32)], expected: &[&str]) {
        let spans: Vec<Span> = spans.iter().map(|&(start, end)| Span::new(start, end).unwrap()).collect();
        let lines = Lines::of(text);
        let taint = lines.taint(&spans);
        let found: Vec<&str> = taint.runs().iter().map(|run| lines.get(run.clone())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn spans_become_runs_of_text() {
        check("a\n  b\r\nc", &[(2, 2)], &["b"]);
        check("a\n  b\r\nc", &[(3, 3), (2, 2), (2, 3)], &["b\r\nc"]);
        check("a\n\nc\n", &[(1, 1), (3, 3)], &["a", "c"]);
        check("a\n", &[(2, 9), (7, 7)], &[]);
        check("a\nb", &[(2, u32::MAX)], &["b"]);
        check("", &[(1, 1)], &[]);
        check("\n \t\n", &[(1, 2)], &[]);
        check("é\u{2003}\nx", &[(1, 1)], &["é"]);
    }

    #[test]
    fn paragraphs_end_at_blank_lines() {
        let lines = Lines::of("a\nb\n \nc\nd\n\ne");
        assert_eq!(lines.get(lines.paragraph(&(0..1))), "a\nb");
        assert_eq!(lines.get(lines.paragraph(&(8..9))), "c\nd");
        assert_eq!(lines.get(lines.paragraph(&(11..12))), "e");
    }
}
