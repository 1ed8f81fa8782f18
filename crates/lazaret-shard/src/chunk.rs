//! How shards are read and written: chunk by chunk, each with facts and with the rows they speak of.

use std::fmt;

use arrow_array::RecordBatch;

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
/// without any record still is a row.
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

/// Lines of a text file, each with its end as it stood.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Lines {
    /// The bytes of all lines, one after the other, with the bytes that end them.
    pub bytes: Vec<u8>,
    /// Where each line ends in `bytes`; one for each record.
    pub ends: Vec<usize>,
}

/// A file of an archive, and the record it belongs to.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Entry {
    /// Its header, as the archive has it.
    pub header: Vec<u8>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The record, by its place in the chunk.
    pub record: usize,
    /// Whether these bytes are the record's text.
    pub is_text: bool,
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
