//! The report of an export, `lazaret.export/1`: what became of every file at the revision.

use std::collections::BTreeMap;

use lazaret_core::{Digest, Origin};
use schemars::JsonSchema;
use serde::Serialize;

use crate::gate::GateReport;
use crate::report::Warning;

/// The value of a report's `format` field.
pub const EXPORT_FORMAT: &str = "lazaret.export/1";

/// What an export did. Every file is either in records, which the gate accounts for, or among `no_records`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExportReport {
    /// Always `lazaret.export/1`.
    pub format: &'static str,
    /// What was exported, and at which revision.
    pub origin: Origin,
    /// The repository's name in the records.
    pub repository: String,
    /// What a record is made of: `file` or `unit`.
    pub by: &'static str,
    /// How many entries the revision has.
    pub files: u64,
    /// The digest of the scan's bundle, which receipts name.
    pub bundle: Digest,
    /// Entries that are no records, by reason.
    pub no_records_by_reason: BTreeMap<NoRecordReason, u64>,
    /// Entries that are no records, by path.
    pub no_records: Vec<NoRecord>,
    /// What the scan could not examine, by kind.
    pub warnings: Vec<Warning>,
    /// What the gate did with the records.
    pub gate: GateReport,
}

/// An entry of the revision that is no record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct NoRecord {
    /// The path, written as in reports.
    pub path: String,
    /// Why.
    pub reason: NoRecordReason,
}

/// Why an entry is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoRecordReason {
    /// Binary content, as git has it.
    Binary,
    /// Nothing is in it.
    Empty,
    /// A link: its content is a path.
    Link,
    /// Its bytes are not UTF-8.
    NotUtf8,
    /// A commit of another repository.
    Submodule,
    /// It could not be read; a folder that could not be read hides what is in it.
    Unreadable,
}

impl NoRecordReason {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Empty => "empty",
            Self::Link => "link",
            Self::NotUtf8 => "not-utf8",
            Self::Submodule => "submodule",
            Self::Unreadable => "unreadable",
        }
    }
}

impl ExportReport {
    /// Whether everything at the revision could be read, and every shard was written to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.no_records_by_reason.contains_key(&NoRecordReason::Unreadable)
            && self.gate.records.rejected == 0
            && self.gate.shards.iter().all(|shard| shard.error.is_none())
    }
}

/// Counts entries by reason.
pub(super) fn by_reason(no_records: &[NoRecord]) -> BTreeMap<NoRecordReason, u64> {
    let mut counts = BTreeMap::new();
    no_records.iter().for_each(|entry| *counts.entry(entry.reason).or_default() += 1);
    counts
}
