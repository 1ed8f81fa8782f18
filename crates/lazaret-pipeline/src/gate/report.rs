//! The report of a gate, `lazaret.gate/1`: what became of every record, shard by shard and in all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_core::{Digest, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use super::cut::Retention;
use super::record::{Outcome, RecordVerdict};

/// The value of a report's `format` field.
pub const GATE_FORMAT: &str = "lazaret.gate/1";

/// What a run of the gate did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateReport {
    /// Always `lazaret.gate/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog, the policy's own additions included.
    pub catalog: Digest,
    /// The digest of the profile.
    pub profile: Digest,
    /// What was known of the records.
    pub evidence: Vec<EvidenceDigest>,
    /// What was not looked for, because the run was told so: `marks`, those in texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The data set's name.
    pub dataset: String,
    /// The class of data set that records were admitted to.
    pub class: String,
    /// When the records were judged.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// All shards together.
    pub records: RecordTally,
    /// The shards, in the order of their names.
    pub shards: Vec<ShardReport>,
    /// What lies beside the shards for those who load them, and is written beside the admitted ones when every shard
    /// of the data set has its receipt.
    pub loader_files: Vec<LoaderFileReport>,
    /// What else lies beside the shards, by name. Nobody looked through it, so it goes no further.
    pub not_carried: Vec<String>,
}

/// A file that others need to load the shards, cut down to names and types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LoaderFileReport {
    /// Its name within the data set.
    pub name: String,
    /// The fields that are left out: prose that nobody looked through, and what is not true of the admitted shards.
    pub left_out: Vec<String>,
}

/// A bundle of an earlier scan or a segment of known text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceDigest {
    /// What it is.
    pub name: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// What became of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShardReport {
    /// Its name within the data set.
    pub name: String,
    /// How far it came.
    pub state: ShardState,
    /// The digest of the bytes that were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Digest>,
    /// The digest of the shard of admitted records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its records.
    pub records: RecordTally,
}

/// How far a shard came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShardState {
    /// Every record was judged, and what was admitted was written with its receipt.
    Gated,
    /// An earlier run of the same gate did that.
    GatedBefore,
    /// Every record was judged, and nothing was written.
    Judged,
    /// It could not be read or written to its end: nothing of it was admitted. All records that were read until then,
    /// and the rest as one more, are rejected.
    Failed,
}

/// Records by what became of them. `read` is always the sum of `admitted`, `held` and `rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordTally {
    /// Records read, whether they could be examined or not.
    pub read: u64,
    /// Records that go on, whole or in part.
    pub admitted: u64,
    /// How many of them go on without lines that are not admitted.
    pub excised: u64,
    /// Records that were examined and stay behind.
    pub held: u64,
    /// Records that could not be examined and stay behind.
    pub rejected: u64,
    /// Records by verdict; those that could not be examined are unproven.
    pub by_verdict: BTreeMap<Verdict, u64>,
    /// Records by reason; one may have several.
    pub by_reason: BTreeMap<String, u64>,
    /// Records that a banned tool had a part in, by tool; `unknown` where none is named.
    pub by_tool: BTreeMap<String, u64>,
    /// Bytes of text read.
    pub text_bytes: u64,
    /// Tokens, and how many of them each way of cutting keeps, where that was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Retention>,
}

impl RecordTally {
    /// Counts a record.
    pub(crate) fn add(&mut self, verdict: &RecordVerdict, text_bytes: usize) {
        self.read += 1;
        self.text_bytes += text_bytes as u64;
        match verdict.outcome {
            Outcome::Admitted => self.admitted += 1,
            Outcome::Excised => {
                self.admitted += 1;
                self.excised += 1;
                *self.by_reason.entry("excised".to_owned()).or_default() += 1;
            }
            Outcome::Held => self.held += 1,
            Outcome::Rejected => self.rejected += 1,
        }
        *self.by_verdict.entry(verdict.verdict.unwrap_or_default()).or_default() += 1;
        for reason in &verdict.reasons {
            *self.by_reason.entry((*reason).to_owned()).or_default() += 1;
        }
        if verdict.verdict >= Some(Verdict::Suspect) {
            let mut tools: Vec<&str> = verdict
                .evidence
                .iter()
                .filter_map(|claim| claim.taint().filter(|taint| taint.role.writes()))
                .map(|taint| taint.tool.as_ref().map_or("unknown", |tool| tool.as_str()))
                .collect();
            tools.sort_unstable();
            tools.dedup();
            tools.into_iter().for_each(|tool| *self.by_tool.entry(tool.to_owned()).or_default() += 1);
        }
        if let Some(counted) = &verdict.retention {
            self.tokens.get_or_insert_default().add(counted);
        }
    }

    /// Counts the records of another tally as well.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.admitted += other.admitted;
        self.excised += other.excised;
        self.held += other.held;
        self.rejected += other.rejected;
        self.text_bytes += other.text_bytes;
        for (verdict, count) in &other.by_verdict {
            *self.by_verdict.entry(*verdict).or_default() += count;
        }
        for (mine, others) in [(&mut self.by_reason, &other.by_reason), (&mut self.by_tool, &other.by_tool)] {
            others.iter().for_each(|(name, count)| *mine.entry(name.clone()).or_default() += count);
        }
        if let Some(tokens) = other.tokens {
            self.tokens.get_or_insert_default().add(&tokens);
        }
    }

    /// Returns the tally of a shard that could not be read to its end: nothing of it is admitted.
    pub(crate) fn all_rejected(&self) -> Self {
        let read = self.read + 1;
        Self {
            read,
            rejected: read,
            by_verdict: BTreeMap::from([(Verdict::Unproven, read)]),
            by_reason: BTreeMap::from([("unreadable-shard".to_owned(), read)]),
            ..Self::default()
        }
    }
}
