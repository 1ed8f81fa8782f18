//! Why records were not admitted as they stood: one line of JSON for each, beside the shard of held records.

use lazaret_core::{DetectorId, Digest, Directness, ObjectId, Span, Strength, ToolId, Verdict};
use lazaret_shard::NotKept;
use serde::{Deserialize, Serialize};

use super::batch::told;
use super::identity::{Identity, swhid};
use super::record::RecordVerdict;
use crate::holdings::CaseEntry;
use crate::report::NamedTaint;

/// A longer id is cut: it names a record, and must not bring its text into the reasons.
const ID_CHARS_MAX: usize = 200;

/// Why a record was not admitted as it stood; one line of the file beside the held shard.
#[derive(Debug, Serialize)]
pub(super) struct ReasonLine {
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    reasons: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swhid: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<(u32, u32, Verdict)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remainder: Option<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_kept: Vec<NotKeptLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taints: Vec<TaintLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseEntry>,
}

/// A taint that counts against a record, under the name by which people refute it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaintLine {
    pub(crate) name: Digest,
    pub(crate) detector: DetectorId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) tool: Option<ToolId>,
    pub(crate) strength: Strength,
    pub(crate) directness: Directness,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) commit: Option<ObjectId>,
}

impl TaintLine {
    fn of(named: &NamedTaint) -> Self {
        Self {
            name: named.name,
            detector: named.detector.clone(),
            tool: named.taint.tool.clone(),
            strength: named.taint.strength,
            directness: named.taint.directness,
            commit: named.commit,
        }
    }
}

/// What was too large to be examined, and is not in the held shard either.
#[derive(Debug, Serialize)]
struct NotKeptLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    bytes: u64,
    sha256: Digest,
}

impl NotKeptLine {
    fn of(not_kept: &NotKept) -> Self {
        Self { offset: not_kept.offset, bytes: not_kept.bytes, sha256: not_kept.sha256 }
    }
}

impl ReasonLine {
    /// Takes what the reader could not keep of the record as well.
    pub(super) fn of<'a>(
        verdict: &RecordVerdict,
        id: Option<&str>,
        not_kept: impl Iterator<Item = &'a NotKept>,
    ) -> Self {
        let remainder = verdict.remainder.as_ref();
        let lines = |span: &Span| (span.start(), span.end());
        Self {
            row: verdict.row,
            element: verdict.element,
            id: id.map(shown_id),
            outcome: verdict.outcome.as_str(),
            verdict: verdict.verdict,
            reasons: verdict.reasons.clone(),
            identity: verdict.identity.map(Identity::as_str),
            sha256: verdict.names.map(|names| names.sha256),
            swhid: verdict.names.map(|names| swhid(&names.git_blob)),
            lines: verdict.cut.iter().map(|(span, verdict)| (span.start(), span.end(), *verdict)).collect(),
            removed: remainder
                .into_iter()
                .flat_map(|remainder| remainder.removed.iter().map(lines))
                .collect(),
            remainder: remainder.map(|remainder| remainder.names.sha256),
            not_kept: not_kept.map(NotKeptLine::of).collect(),
            evidence: told(verdict),
            taints: verdict.taints.iter().map(TaintLine::of).collect(),
            case: verdict.case.clone(),
        }
    }
}

/// Returns an id as it is told: on one line, with what could steer a terminal written out, and of bounded length.
fn shown_id(id: &str) -> String {
    let mut shown = String::new();
    for (nth, c) in id.chars().enumerate() {
        if nth == ID_CHARS_MAX {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_on_one_line_of_bounded_length() {
        assert_eq!(shown_id("acme/parser@1:src/ö.rs#L1-L9"), "acme/parser@1:src/ö.rs#L1-L9");
        assert_eq!(shown_id("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
        let long = shown_id(&"é".repeat(ID_CHARS_MAX + 1));
        assert_eq!((long.chars().count(), long.chars().last()), (ID_CHARS_MAX + 1, Some('…')));
        assert_eq!(shown_id(&"é".repeat(ID_CHARS_MAX)).chars().count(), ID_CHARS_MAX);
    }
}
