//! SLSA verification summaries, version 1: who verified what against which policy, with our account of the records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_core::{Digest, Verdict};
use serde::{Deserialize, Serialize};

use crate::json;
use crate::receipt::RecordCounts;
use crate::statement::{DigestSet, Predicate};

/// The level that a shard reaches: every record in it was examined and admitted under the policy.
///
/// Levels that do not begin with `SLSA_` are free for everybody (the specification, `SlsaResult`).
pub const ADMITTED_LEVEL: &str = "LAZARET_ADMITTED_1";

/// The result of a verification, <https://slsa.dev/spec/v1.2/verification_summary>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Who verified.
    pub verifier: Verifier,
    /// When.
    pub time_verified: Timestamp,
    /// The address of what was verified.
    pub resource_uri: String,
    /// The policy it was held against.
    pub policy: Resource,
    /// What was known of the records: bundles of scans, segments of known text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<Resource>,
    /// Whether it holds.
    pub verification_result: VerificationResult,
    /// Which levels it reaches.
    pub verified_levels: Vec<String>,
    /// Which version of SLSA the summary follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
    /// What became of every record: our extension, under a name that is an address as the specification asks.
    #[serde(rename = "lazaret:receipt/1", default, skip_serializing_if = "Option::is_none")]
    pub account: Option<RecordAccount>,
}

impl Predicate for Summary {
    const TYPE: &'static str = "https://slsa.dev/verification_summary/v1";
}

/// Who verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// The address of whoever runs the verification; a consumer trusts pairs of a key and such an address.
    pub id: String,
    /// Programs and their versions.
    #[serde(default, deserialize_with = "json::unique_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// Something that is named and has a digest: in-toto's resource descriptor, as far as it is used here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The digest of its bytes.
    pub digest: DigestSet,
}

/// Whether the verification holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationResult {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
}

/// What became of every record that was read to make a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordAccount {
    /// The shard they were read from.
    pub input: Resource,
    /// How many were read, admitted, held and rejected.
    pub records: RecordCounts,
    /// Records that were read, by verdict.
    #[serde(deserialize_with = "json::unique_map")]
    pub by_verdict: BTreeMap<Verdict, u64>,
    /// Records that were read, by reason; a record may have several.
    #[serde(deserialize_with = "json::unique_map")]
    pub by_reason: BTreeMap<String, u64>,
    /// The class of admission, as the policy names it.
    pub class: String,
    /// Kinds of evidence that were not looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// The digest of the profile that maps columns.
    pub profile: Digest,
}
