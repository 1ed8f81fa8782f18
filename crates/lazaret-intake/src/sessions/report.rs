//! What became of a log: how much was read, how much was written, and what was not read, by kind and place.

use std::collections::BTreeMap;

use super::format::LogFormat;

/// Places of one report that are kept; all are counted.
const PLACES_MAX: usize = 100;

/// What reading one log came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// The format; `None` where the log is empty.
    pub format: Option<LogFormat>,
    /// Lines of the log.
    pub lines: u64,
    /// Records read: JSON values, or answers of a log in Markdown.
    pub records: u64,
    /// Writings handed on.
    pub writings: u64,
    /// Writings that the log says were refused by a person or failed.
    pub refused: u64,
    /// Writings seen before, in this log or in another of the same reader.
    pub duplicates: u64,
    /// What was not read, counted by kind.
    pub unread: BTreeMap<UnreadKind, u64>,
    /// Where it stands, the first hundred.
    pub places: Vec<Unread>,
}

/// Something in a log that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// The line, from 1, where its record begins.
    pub line: u64,
    /// Why not.
    pub kind: UnreadKind,
}

/// Why a part of a log was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnreadKind {
    /// Not a JSON value, or cut off.
    Malformed,
    /// Nested deeper than the limit.
    TooDeep,
    /// Longer, or of more parts, than the limit.
    OverLimit,
    /// Bytes that are not UTF-8; they were replaced, and the rest was read.
    NotUtf8,
    /// A record of a type that is not known; it may tell of writings.
    UnknownRecord,
    /// A call of something that is not known; it may have written.
    UnknownCall,
    /// A call that is known to write, whose input could not be understood.
    UnreadCall,
    /// A command that writes files in a way that cannot be told from the command alone.
    UnreadCommand,
}

impl UnreadKind {
    /// Returns the words for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooDeep => "too deep",
            Self::OverLimit => "over limit",
            Self::NotUtf8 => "not UTF-8",
            Self::UnknownRecord => "unknown record",
            Self::UnknownCall => "unknown call",
            Self::UnreadCall => "unread call",
            Self::UnreadCommand => "unread command",
        }
    }
}

impl SessionReport {
    /// Counts one part that was not read, and keeps its place.
    pub(super) fn note(&mut self, line: u64, kind: UnreadKind) {
        *self.unread.entry(kind).or_default() += 1;
        if self.places.len() < PLACES_MAX {
            self.places.push(Unread { line, kind });
        }
    }

    /// Returns how many parts of this kind were not read.
    #[must_use]
    pub fn unread(&self, kind: UnreadKind) -> u64 {
        self.unread.get(&kind).copied().unwrap_or(0)
    }

    /// Adds the counts of another report; its places are not carried over, because they belong to another log.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.records += other.records;
        self.writings += other.writings;
        self.refused += other.refused;
        self.duplicates += other.duplicates;
        for (kind, count) in &other.unread {
            *self.unread.entry(*kind).or_default() += count;
        }
    }
}
