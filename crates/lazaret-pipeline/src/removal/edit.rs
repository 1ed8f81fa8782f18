//! Cuts lines out of one file, and remembers where every line that remains came from.

use std::ops::Range;

use lazaret_core::Span;
use lazaret_syntax::{Granularity, Language, ParseError, excise};

use super::report::RemovedLines;

/// Lines that are cut without regard to syntax.
const LINES: &str = "lines";

/// The text of a file.
#[derive(Debug)]
pub(super) struct Text {
    /// Its characters. Where the bytes are not UTF-8, each byte is the character of that number: syntax lies in the
    /// first 128, which are the same, and the way back loses nothing.
    pub(super) text: String,
    is_utf8: bool,
    pub(super) language: Option<Language>,
}

/// What was cut, and what remains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    /// The bytes; `None` where nothing but white space remains.
    pub(super) remainder: Option<Vec<u8>>,
    /// The lines that are gone, in whole or in part.
    pub(super) removed: Vec<RemovedLines>,
    /// The same in bytes of [`Text::text`].
    pub(super) cuts: Vec<Range<usize>>,
    /// For each line that remains, where it came from.
    pub(super) kept: Vec<KeptLine>,
    /// How many lines the file is shorter by.
    pub(super) n_gone: u64,
}

/// A line that remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeptLine {
    /// The line it was, counted from 1.
    pub(super) was: u32,
    /// Whether nothing was cut out of it.
    pub(super) whole: bool,
}

impl Text {
    pub(super) fn new(bytes: &[u8], language: Option<Language>) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_owned(), is_utf8: true, language },
            Err(_) => {
                Self { text: bytes.iter().map(|&byte| char::from(byte)).collect(), is_utf8: false, language }
            }
        }
    }

    /// Returns bytes of the file for characters of the text.
    fn bytes_of(&self, text: &str) -> Vec<u8> {
        if self.is_utf8 {
            return text.as_bytes().to_vec();
        }
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or_default()).collect()
    }

    /// Returns every byte of the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.bytes_of(&self.text)
    }

    /// Cuts the lines out. A text without a grammar loses its lines and nothing around them.
    pub(super) fn cut(&self, spans: &[Span], by: Granularity) -> Result<Edited, ParseError> {
        let by = if self.language.is_some() { by } else { Granularity::Line };
        let cut = excise(&self.text, self.language, spans, by)?;
        let mut removed: Vec<(Range<usize>, &'static str)> =
            cut.removed.into_iter().map(|one| (one.bytes, one.kind)).collect();
        removed.extend(self.blank_lines(spans, &removed).into_iter().map(|bytes| (bytes, LINES)));
        removed.sort_by_key(|(bytes, _)| bytes.start);
        let cuts: Vec<Range<usize>> = removed.iter().map(|(bytes, _)| bytes.clone()).collect();
        let (remainder, kept) = self.remainder(&cuts);
        let is_empty = remainder.trim().is_empty();
        let kept = if is_empty { Vec::new() } else { kept };
        let n_gone = (self.text.split_inclusive('\n').count() as u64).saturating_sub(kept.len() as u64);
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', self.text.as_bytes()).collect();
        let line_of =
            |byte: usize| u32::try_from(ends.partition_point(|&end| end < byte) + 1).unwrap_or(u32::MAX);
        let lines = |(bytes, kind): &(Range<usize>, &'static str)| RemovedLines {
            start: line_of(bytes.start),
            end: line_of(bytes.end.saturating_sub(1).max(bytes.start)),
            kind: (*kind).to_owned(),
        };
        Ok(Edited {
            remainder: (!is_empty).then(|| self.bytes_of(&remainder)),
            removed: removed.iter().map(lines).collect(),
            cuts,
            kept,
            n_gone,
        })
    }

    /// Returns the lines to cut that hold nothing but white space and were not cut: to syntax they are nothing, to
    /// whoever asks for the origin of each line they are lines.
    fn blank_lines(&self, spans: &[Span], removed: &[(Range<usize>, &'static str)]) -> Vec<Range<usize>> {
        let mut wanted = vec![false; self.text.split_inclusive('\n').count()];
        for span in spans {
            let end = (span.end() as usize).min(wanted.len());
            let lines = wanted.get_mut(span.start() as usize - 1..end);
            lines.into_iter().flatten().for_each(|line| *line = true);
        }
        let mut after = 0;
        let lines = self.text.split_inclusive('\n').zip(wanted).filter_map(|(line, is_wanted)| {
            let bytes = after..after + line.len();
            after = bytes.end;
            (is_wanted && line.trim().is_empty()).then_some(bytes)
        });
        let touches = |line: &Range<usize>| {
            let first = removed.partition_point(|(one, _)| one.end <= line.start);
            removed.get(first).is_some_and(|(one, _)| one.start < line.end)
        };
        lines.filter(|line| !touches(line)).collect()
    }

    /// Returns what remains, and where each of its lines came from.
    fn remainder(&self, cuts: &[Range<usize>]) -> (String, Vec<KeptLine>) {
        let mut remainder = String::with_capacity(self.text.len());
        let mut kept: Vec<KeptLine> = Vec::new();
        let mut is_open = false;
        let mut cuts = cuts.iter().peekable();
        let mut start = 0;
        for (line, was) in self.text.split_inclusive('\n').zip(1..) {
            let end = start + line.len();
            let mut at = start;
            while at < end {
                while cuts.next_if(|cut| cut.end <= at).is_some() {}
                let until = cuts.peek().map_or(end, |cut| cut.start.clamp(at, end));
                if at < until {
                    let piece = self.text.get(at..until).unwrap_or_default();
                    remainder.push_str(piece);
                    let whole = !is_open && piece.len() == line.len();
                    match kept.last_mut().filter(|_| is_open) {
                        Some(line) => line.whole = false,
                        None => kept.push(KeptLine { was, whole }),
                    }
                    is_open = !piece.ends_with('\n');
                }
                at = cuts.peek().map_or(end, |cut| if cut.start < end { cut.end.min(end) } else { end });
            }
            start = end;
        }
        (remainder, kept)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(path: &str, text: &[u8], lines: &[(u32, u32)], by: Granularity) -> Edited {
        let spans: Vec<Span> = lines.iter().map(|&(start, end)| Span::new(start, end).unwrap()).collect();
        Text::new(text, Language::of_path(path.as_bytes())).cut(&spans, by).unwrap()
    }

    fn kept(edited: &Edited) -> Vec<(u32, bool)> {
        edited.kept.iter().map(|line| (line.was, line.whole)).collect()
    }

    #[test]
    fn lines_keep_the_number_they_had() {
        let text = b"fn a() {}\r\n\r\nfn b() {\r\n    1;\r\n}\r\n\r\nfn c() {}";
        let edited = cut("a.rs", text, &[(4, 4)], Granularity::Unit);
        assert_eq!(edited.remainder.as_deref(), Some(&b"fn a() {}\r\n\r\nfn c() {}"[..]));
        assert_eq!(kept(&edited), [(1, true), (2, true), (7, true)]);
        assert_eq!(edited.removed.iter().map(|one| (one.start, one.end)).collect::<Vec<_>>(), [(3, 6)]);
    }

    #[test]
    fn a_line_that_lost_a_part_says_so() {
        let edited = cut("a.rs", b"fn a() {} fn b() {\n    1;\n} fn c() {}\n", &[(2, 2)], Granularity::Unit);
        assert_eq!(edited.remainder.as_deref(), Some(&b"fn a() {}  fn c() {}\n"[..]));
        assert_eq!(kept(&edited), [(1, false)]);
    }

    #[test]
    fn text_without_a_grammar_loses_its_lines_alone() {
        let edited = cut("a.txt", b"one\ntwo\n\nfour", &[(2, 3)], Granularity::Unit);
        assert_eq!(edited.remainder.as_deref(), Some(&b"one\nfour"[..]));
        assert_eq!(kept(&edited), [(1, true), (4, true)]);
        assert_eq!(cut("a.txt", b"one\n\ntwo", &[(1, 1), (3, 3)], Granularity::Unit).remainder, None);
    }

    #[test]
    fn bytes_that_are_not_utf_8_stay_what_they_are() {
        let edited =
            cut("a.py", b"a = '\xe9\xff'\n\n\ndef b():\n    return '\xe9'\n", &[(5, 5)], Granularity::Unit);
        assert_eq!(edited.remainder.as_deref(), Some(&b"a = '\xe9\xff'\n\n\n"[..]));
    }

    proptest! {
        #[test]
        fn what_remains_are_the_lines_that_it_says(
            text in proptest::collection::vec("(fn a\\(\\) \\{|\\}|    b;|)(\r)?\n", 1..12),
            picks in proptest::collection::vec((1u32..14, 0u32..4), 0..4),
            by in proptest::sample::select(vec![Granularity::Unit, Granularity::Statement, Granularity::Line]),
        ) {
            let text = text.concat();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let spans: Vec<(u32, u32)> = picks.iter().map(|&(start, more)| (start, start + more)).collect();
            let edited = cut("a.rs", text.as_bytes(), &spans, by);
            let remainder = edited.remainder.clone().unwrap_or_default();
            let remainder = String::from_utf8(remainder).unwrap();
            let remaining: Vec<&str> = remainder.split_inclusive('\n').collect();
            prop_assert_eq!(remaining.len(), edited.kept.len());
            for (line, kept) in remaining.iter().zip(&edited.kept) {
                let was = lines[kept.was as usize - 1];
                prop_assert!(!kept.whole || *line == was);
                let selected = spans.iter().any(|&(start, end)| (start..=end).contains(&kept.was));
                prop_assert!(!selected, "line {} should be gone: {remainder:?}", kept.was);
            }
        }
    }
}
