//! Why a record was refused.

use lazaret_core::GapKind;
use serde_json::error::Category;

use crate::git::{ReadObjectError, TreeError};

/// Versions are shown up to this length.
const VERSION_CHARS_MAX: usize = 40;

/// A record, or a place that holds records, could not be taken. What it holds is never part of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// Its object, or one on the way to it, could not be read.
    #[error("an object that holds the record, or leads to it, cannot be read")]
    Unreadable {
        /// Why.
        #[source]
        source: TreeError,
    },
    /// An entry of a tree of notes whose path names no object.
    #[error("the entry is not a note: its path is not the name of an object")]
    NotANote,
    /// There is no line `---` between what is attested and what explains it.
    #[error("there is no line `---` before the metadata")]
    NoMetadata,
    /// It is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    NotJson {
        /// The line within the record's JSON, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON and not what the format says.
    #[error("not the shape of the format at line {line}, column {column}")]
    WrongShape {
        /// The line within the record's JSON, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is of a version whose meaning is not known.
    #[error("version `{version}` of the format is not known")]
    UnknownVersion {
        /// The version as written, with `?` for what no version holds.
        version: String,
    },
    /// It names no commit of git, and nothing around it does.
    #[error("the record names no commit in full")]
    NoCommit,
    /// It is larger than any honest record.
    #[error("there are more than {max} {what}")]
    OverLimit {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

impl RecordingError {
    pub(super) fn unknown_version(version: &str) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '+');
        let version = version.chars().take(VERSION_CHARS_MAX).map(|c| if plain(c) { c } else { '?' });
        Self::UnknownVersion { version: version.collect() }
    }

    /// Returns what stood in the way, as verdicts name it.
    #[must_use]
    pub fn gap(&self) -> GapKind {
        match self {
            Self::Unreadable { source } => source.gap(),
            Self::OverLimit { .. } => GapKind::OverLimit,
            Self::NotANote
            | Self::NoMetadata
            | Self::NotJson { .. }
            | Self::WrongShape { .. }
            | Self::UnknownVersion { .. }
            | Self::NoCommit => GapKind::CorruptObject,
        }
    }

    /// Returns the reason as a word, to count by.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::NotANote => "not-a-note",
            Self::NoMetadata => "no-metadata",
            Self::NotJson { .. } => "not-json",
            Self::WrongShape { .. } => "wrong-shape",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::NoCommit => "no-commit",
            Self::OverLimit { .. } => "over-limit",
        }
    }
}

impl From<TreeError> for RecordingError {
    fn from(source: TreeError) -> Self {
        Self::Unreadable { source }
    }
}

impl From<ReadObjectError> for RecordingError {
    fn from(source: ReadObjectError) -> Self {
        Self::Unreadable { source: source.into() }
    }
}

impl From<serde_json::Error> for RecordingError {
    /// Keeps the place alone: the error's own words may quote the record.
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Data => Self::WrongShape { line, column },
            Category::Io | Category::Syntax | Category::Eof => Self::NotJson { line, column },
        }
    }
}
