//! How shards are read and written: chunk by chunk, each with facts and with the rows they speak of.

use std::fmt;
use std::ops::Range;

use arrow_array::RecordBatch;
use lazaret_core::Digest;

use crate::error::ShardError;
use crate::facts::Facts;

/// Bounds of what is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// About how many bytes of rows a chunk holds.
    pub chunk_bytes: usize,
    /// A larger row is not examined: it becomes [`Fault::OverLimit`](crate::Fault::OverLimit).
    pub row_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chunk_bytes: 4 << 20, row_bytes_max: 64 << 20 }
    }
}

/// A part of a shard: facts about its records, and its rows as they stood.
pub struct Chunk {
    /// Facts, one for each record.
    pub facts: Facts,
    /// The rows, for the writer of the same format.
    pub rows: Rows,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("records", &self.facts.len()).finish_non_exhaustive()
    }
}

/// Rows as they stood in the shard.
///
/// The records of a chunk are counted in the order of its facts. Where a row holds several records (`files[]`), a row
/// whose list is empty or missing is one record with [`Fault::MissingText`](crate::Fault::MissingText), so that it is
/// in the account; only lines of nothing but white space hold no record.
#[non_exhaustive]
pub enum Rows {
    /// Lines of a text file.
    Lines(Lines),
    /// Rows of a columnar file, with all its columns.
    Columns(RecordBatch),
    /// Entries of an archive, several of which may make a record.
    Entries(Vec<Entry>),
}

// Rows are content: they never reach a message.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lines(_) => "Lines(..)",
            Self::Columns(_) => "Columns(..)",
            Self::Entries(_) => "Entries(..)",
        })
    }
}

/// A line, or a file of an archive, that was too large to be kept, so that it can only be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept {
    /// Its record, by its place in the chunk.
    pub record: usize,
    /// Where it begins in the uncompressed file, for a line.
    pub offset: Option<u64>,
    /// How many bytes it has.
    pub bytes: u64,
    /// The digest of these bytes.
    pub sha256: Digest,
}

impl Rows {
    /// Returns what was too large to be kept, in order. A record with such a part cannot be written, by any writer.
    #[must_use]
    pub fn not_kept(&self) -> Vec<NotKept> {
        match self {
            Self::Lines(lines) => lines.long.iter().map(LongLine::named).collect(),
            Self::Columns(_) => Vec::new(),
            Self::Entries(entries) => entries.iter().filter_map(Entry::not_kept).collect(),
        }
    }
}

impl LongLine {
    fn named(&self) -> NotKept {
        let Self { record, offset, bytes, sha256 } = *self;
        NotKept { record, offset: Some(offset), bytes, sha256 }
    }
}

impl Entry {
    fn not_kept(&self) -> Option<NotKept> {
        let (bytes, sha256) = self.long?;
        Some(NotKept { record: self.record?, offset: None, bytes, sha256 })
    }
}

/// Lines of a text file.
///
/// Every byte of the uncompressed file is either here, under one of [`Lines::rows`], or counted in [`Lines::long`].
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Lines {
    /// The bytes of all lines, one after the other, each with the bytes that end it.
    pub bytes: Vec<u8>,
    /// The lines, in order.
    pub rows: Vec<Line>,
    /// Where the records stand in `bytes`, one for each fact.
    pub records: Vec<LineRecord>,
    /// Lines that were too long to be kept; they hold no bytes of `bytes`.
    pub long: Vec<LongLine>,
}

/// One line, or a run of lines that hold nothing but white space: those hold no record, and are written as they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Where it ends in [`Lines::bytes`].
    pub end: usize,
    /// How many records of the chunk were read up to its end.
    pub records: usize,
}

/// Where a record stands in [`Lines::bytes`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineRecord {
    /// Its JSON object; `None` where the line or the element is none.
    pub object: Option<Range<usize>>,
    /// The JSON string that is its text, with the quotes; `None` where the text is made of several or missing.
    pub text: Option<Range<usize>>,
    /// The element of the row's list, where rows hold several records.
    pub element: Option<Range<usize>>,
}

/// A line that is larger than the limits: read to its end, but not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongLine {
    /// Its record, by its place in the chunk.
    pub record: usize,
    /// Where it begins, in bytes of the uncompressed file.
    pub offset: u64,
    /// How many bytes it has, with those that end it.
    pub bytes: u64,
    /// The digest of these bytes.
    pub sha256: Digest,
}

/// A file of an archive, and the record it belongs to.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Entry {
    /// Its header, with the extension headers that come before it, as the archive has them.
    pub header: Vec<u8>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What fills its last block.
    pub padding: Vec<u8>,
    /// The record, by its place in the chunk; `None` for folders and for the end of the archive, which are written as
    /// they stood.
    pub record: Option<usize>,
    /// Where the record's text stands in its bytes, if it is here and is one alone.
    pub text: Option<EntryText>,
    /// How many bytes it has and their digest, where it was too large to be kept; then `bytes` is empty.
    pub long: Option<(u64, Digest)>,
}

/// Where a text stands in a file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryText {
    /// The file is the text.
    Whole,
    /// A JSON string is, with its quotes.
    JsonString(Range<usize>),
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It is written as it stood.
    Keep,
    /// It is written with another text.
    Replace(&'a str),
    /// It is not written.
    Drop,
}

/// What a writer wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// How many records.
    pub records: u64,
    /// How many rows.
    pub rows: u64,
}

/// Reads a shard from its first record to its last.
pub trait ShardReader: Send {
    /// Returns the next chunk; `None` when all was read.
    ///
    /// # Errors
    /// [`ShardError`] when the shard cannot be read further: a truncated or damaged file. What was read before says
    /// nothing of the rest.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError>;

    /// Returns how many bytes of the file were read so far, before decompression.
    fn bytes_read(&self) -> u64;
}

/// Writes records of the chunks of one reader, in order, in the format they came in.
pub trait ShardWriter: Send {
    /// Writes the records of a chunk, one fate for each.
    ///
    /// `beside` has one row for each record and is written as further columns where it is given: then it must be given
    /// with every chunk.
    ///
    /// # Errors
    /// [`ShardError`] when the bytes cannot be written, or the format cannot hold what is asked.
    fn write(
        &mut self,
        rows: &Rows,
        fates: &[Fate<'_>],
        beside: Option<&RecordBatch>,
    ) -> Result<(), ShardError>;

    /// Writes what ends the file. Nothing is whole before.
    ///
    /// # Errors
    /// [`ShardError`] when the bytes cannot be written.
    fn finish(self: Box<Self>) -> Result<Written, ShardError>;
}
