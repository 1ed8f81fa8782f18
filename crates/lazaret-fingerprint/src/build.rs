//! Gathers what was written into a segment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use lazaret_core::{Digest, Span};

use crate::entry::{Entry, TextId};
use crate::except::Except;
use crate::scan::Scan;
use crate::segment::{Contents, SegmentError, write};
use crate::table::{Keys, Posting, count_keys};
use crate::winnow::Fingerprint;

mod merge;

pub use merge::merge;

/// A segment could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Entries are numbered with 32 bits.
    #[error("a segment holds 2^32 entries at most; build several")]
    TooManyEntries,
    /// A segment to merge is damaged.
    #[error("cannot read a segment that is to be merged")]
    Segment(#[from] SegmentError),
    /// The bytes went nowhere.
    #[error("cannot write the segment")]
    Write(#[from] io::Error),
}

/// A text, and which of it a tool wrote.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The whole text, as far as it is known.
    pub text: &'a [u8],
    /// Which lines of it.
    pub lines: Lines<'a>,
    /// Names of the whole text beside its SHA-256, which is worked out.
    pub ids: &'a [TextId],
}

/// Which lines of a text.
#[derive(Debug, Clone, Copy)]
pub enum Lines<'a> {
    /// Every line: the text is known as a whole too.
    All,
    /// Every line, and the text is only a piece of one, such as the new text of an edit.
    Piece,
    /// These.
    Spans(&'a [Span]),
}

impl<'a> Written<'a> {
    /// A text that was written from the first line to the last.
    #[must_use]
    pub fn whole(text: &'a [u8]) -> Self {
        Self { text, lines: Lines::All, ids: &[] }
    }

    /// The lines as spans that do not touch each other, in order.
    fn spans(&self) -> Vec<(u32, u32)> {
        let Lines::Spans(spans) = self.lines else { return vec![(1, u32::MAX)] };
        let mut sorted: Vec<(u32, u32)> = spans.iter().map(|span| (span.start(), span.end())).collect();
        sorted.sort_unstable();
        sorted.dedup_by(|(start, end), (_, end_before)| {
            let touches = *start <= end_before.saturating_add(1);
            if touches {
                *end_before = (*end_before).max(*end);
            }
            touches
        });
        sorted
    }
}

/// Whether all lines from `first` to `last` lie in the spans, which are sorted and do not touch.
fn covers(spans: &[(u32, u32)], first: u32, last: u32) -> bool {
    let behind = spans.partition_point(|&(start, _)| start <= first);
    behind.checked_sub(1).and_then(|nth| spans.get(nth)).is_some_and(|&(_, end)| last <= end)
}

/// Gathers entries and what they consist of; holds all of it in memory, about 20 bytes a fingerprint and a line.
///
/// The bytes depend on what was added and not on the order of adding.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    /// The number that the rows bear, by the order of adding, and the lines of the text.
    entries: BTreeMap<Entry, (u32, u32)>,
    fingerprints: Vec<Row>,
    shapes: Vec<Row>,
    lines: Vec<Row>,
    text_ids: Vec<(TextId, u32)>,
    normalised: Vec<(u128, u32)>,
}

/// A key and a place of it.
type Row = (u64, Posting);

impl SegmentBuilder {
    /// Returns a builder without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text, or the lines of it that a tool wrote, without what stood there before.
    ///
    /// - A fingerprint is taken if all lines it touches were written by the tool: less would accuse the lines around
    ///   it, and a run of enough tokens within the lines has a fingerprint within them anyway.
    /// - A shape is taken if, besides, it touches no line that stood there before: it is long, and says less.
    /// - The text as a whole is taken if all of its lines were written by the tool and `except` took nothing away.
    ///
    /// An entry may be added again, for other lines of its text or for a later state of it.
    ///
    /// # Errors
    /// [`BuildError::TooManyEntries`].
    pub fn add(&mut self, entry: &Entry, written: &Written<'_>, except: &Except) -> Result<(), BuildError> {
        let scan = Scan::of(written.text);
        let number = self.number(entry, scan.n_lines)?;
        let spans = written.spans();
        let mut all_new = true;
        for fingerprint in &scan.fingerprints {
            if except.has_fingerprint(fingerprint.hash) {
                all_new = false;
            } else if covers(&spans, fingerprint.first, fingerprint.last) {
                let Fingerprint { first, last, .. } = *fingerprint;
                self.fingerprints.push((fingerprint.hash, Posting { entry: number, first, last }));
            }
        }
        let mut old_lines = Vec::new();
        for line in &scan.lines {
            if except.has_line(line.hash) {
                all_new = false;
                old_lines.push(line.line);
            } else if covers(&spans, line.line, line.line) {
                let place = Posting { entry: number, first: line.line, last: line.line };
                self.lines.push((line.hash, place));
            }
        }
        for shape in &scan.shapes {
            let Fingerprint { first, last, .. } = *shape;
            let next_old = old_lines.partition_point(|&line| line < first);
            let touches_old = old_lines.get(next_old).is_some_and(|&line| line <= last);
            if !touches_old && !except.has_shape(shape.hash) && covers(&spans, first, last) {
                self.shapes.push((shape.hash, Posting { entry: number, first, last }));
            }
        }
        if matches!(written.lines, Lines::All) && all_new && scan.n_tokens > 0 {
            self.normalised.push((scan.normalised, number));
            self.text_ids.push((TextId::Sha256(Digest::of(written.text)), number));
            self.text_ids.extend(written.ids.iter().map(|&id| (id, number)));
        }
        Ok(())
    }

    /// Adds a text of which nothing is known but its name.
    ///
    /// # Errors
    /// [`BuildError::TooManyEntries`].
    pub fn add_id(&mut self, entry: &Entry, id: TextId) -> Result<(), BuildError> {
        let number = self.number(entry, 0)?;
        self.text_ids.push((id, number));
        Ok(())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the segment.
    ///
    /// # Errors
    /// [`BuildError::Write`].
    pub fn finish(self, out: impl Write) -> Result<(), BuildError> {
        let mut final_numbers = BTreeMap::new();
        for (number, &(added, _)) in (0..).zip(self.entries.values()) {
            final_numbers.insert(added, number);
        }
        let renumber = |added: u32| final_numbers.get(&added).copied().unwrap_or(u32::MAX);
        let sorted = |mut rows: Vec<Row>| {
            for (_, posting) in &mut rows {
                posting.entry = renumber(posting.entry);
            }
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        let (fingerprints, shapes, lines) =
            (sorted(self.fingerprints), sorted(self.shapes), sorted(self.lines));
        let text_ids = self.text_ids.into_iter().map(|(id, added)| {
            let (kind, name) = id.to_row();
            (kind, name, renumber(added))
        });
        let contents = Contents {
            entries: &self.entries.iter().map(|(entry, &(_, n_lines))| (entry.clone(), n_lines)).collect(),
            fingerprints: (count_keys(&mut Rows(&fingerprints))?, Rows(&fingerprints)),
            shapes: (count_keys(&mut Rows(&shapes))?, Rows(&shapes)),
            lines: (count_keys(&mut Rows(&lines))?, Rows(&lines)),
            text_ids: text_ids.collect(),
            normalised: self
                .normalised
                .into_iter()
                .map(|(normalised, added)| (normalised, renumber(added)))
                .collect::<BTreeSet<_>>(),
        };
        write(contents, out)
    }

    fn number(&mut self, entry: &Entry, n_lines: u32) -> Result<u32, BuildError> {
        if let Some((number, lines)) = self.entries.get_mut(entry) {
            *lines = n_lines.max(*lines);
            return Ok(*number);
        }
        let number = u32::try_from(self.entries.len()).ok().filter(|&number| number < u32::MAX);
        let number = number.ok_or(BuildError::TooManyEntries)?;
        self.entries.insert(entry.clone(), (number, n_lines));
        Ok(number)
    }
}

/// Sorted rows as keys.
#[derive(Debug)]
struct Rows<'a>(&'a [Row]);

impl Keys for Rows<'_> {
    fn next_key(&mut self, postings: &mut Vec<Posting>) -> Result<Option<u64>, SegmentError> {
        postings.clear();
        let Some(&(key, _)) = self.0.first() else { return Ok(None) };
        let end = self.0.iter().position(|&(other, _)| other != key).unwrap_or(self.0.len());
        let (group, rest) = self.0.split_at(end);
        postings.extend(group.iter().map(|&(_, posting)| posting));
        self.0 = rest;
        Ok(Some(key))
    }
}
