//! The data of the page, packed: paths share their beginnings, and what many spans have in common is said once.

use std::collections::HashMap;

use lazaret_core::{Digest, ObjectId, Origin, Verdict};
use lazaret_pipeline::{
    CommitCounts, EvidenceEntry, FileReport, LineCounts, Report, SpanReport, TimelineEntry, Warning,
};
use serde::Serialize;

/// What the script reads.
#[derive(Serialize)]
pub(super) struct PageData<'a> {
    version: &'a str,
    policy_name: &'a str,
    policy: Digest,
    catalog: Digest,
    origin: &'a Origin,
    commits: &'a CommitCounts,
    lines: LineCounts,
    by_tool: Vec<(&'a str, LineCounts)>,
    by_model: Vec<(&'a str, LineCounts)>,
    timeline: &'a [TimelineEntry],
    warnings: &'a [Warning],
    evidence: &'a [EvidenceEntry],
    /// Commits that causes name.
    commit_names: Vec<String>,
    /// Reasons that causes and files name.
    reasons: Vec<&'a str>,
    /// What spans have in common.
    causes: Vec<Cause>,
    files: Vec<PackedFile<'a>>,
}

/// Verdict, commit (or -1), directness, evidence and reasons of a span.
#[derive(Serialize)]
struct Cause(u8, i64, u8, Vec<usize>, Vec<usize>);

/// Characters shared with the path before, the rest of the path, lines, base verdict, evidence, reasons, gaps, and
/// the spans: start, length and cause, one after the other.
#[derive(Serialize)]
struct PackedFile<'a>(usize, &'a str, u32, u8, Vec<usize>, Vec<usize>, Vec<(&'a str, &'a str)>, Vec<u32>);

/// What tells two causes apart.
type CauseKey<'a> = (Verdict, Option<ObjectId>, bool, &'a [String], &'a [String]);

impl<'a> PageData<'a> {
    /// Packs a report.
    pub(super) fn of(report: &'a Report, policy_name: &'a str) -> Self {
        let mut packer = Packer::default();
        for (index, entry) in report.evidence.iter().enumerate() {
            packer.evidence.insert(&entry.id, index);
        }
        let mut before = "";
        let mut files = Vec::with_capacity(report.files.len());
        for file in &report.files {
            files.push(packer.file(file, before));
            before = &file.path;
        }
        Self {
            version: report.version,
            policy_name,
            policy: report.policy,
            catalog: report.catalog,
            origin: &report.origin,
            commits: &report.commits,
            lines: report.lines,
            by_tool: report.by_tool.iter().map(|(name, lines)| (name.as_str(), *lines)).collect(),
            by_model: report.by_model.iter().map(|(name, lines)| (name.as_str(), *lines)).collect(),
            timeline: &report.timeline,
            warnings: &report.warnings,
            evidence: &report.evidence,
            commit_names: packer.commit_names,
            reasons: packer.reason_names,
            causes: packer.causes,
            files,
        }
    }
}

/// Tables built while packing.
#[derive(Default)]
struct Packer<'a> {
    evidence: HashMap<&'a str, usize>,
    commits: HashMap<ObjectId, i64>,
    commit_names: Vec<String>,
    reasons: HashMap<&'a str, usize>,
    reason_names: Vec<&'a str>,
    cause_numbers: HashMap<CauseKey<'a>, u32>,
    causes: Vec<Cause>,
}

impl<'a> Packer<'a> {
    fn file(&mut self, file: &'a FileReport, before: &str) -> PackedFile<'a> {
        let (shared, rest) = shared_start(before, &file.path);
        let mut spans = Vec::with_capacity(file.spans.len() * 3);
        for span in &file.spans {
            spans.extend([span.start, span.end.saturating_sub(span.start) + 1, self.cause(span)]);
        }
        PackedFile(
            shared,
            rest,
            file.lines,
            number(file.base),
            self.evidence(&file.evidence),
            self.reasons(&file.reasons),
            file.gaps.iter().map(|gap| (gap.kind.as_str(), gap.why.as_str())).collect(),
            spans,
        )
    }

    fn cause(&mut self, span: &'a SpanReport) -> u32 {
        let key = (span.verdict, span.commit, span.direct, span.evidence.as_slice(), span.reasons.as_slice());
        if let Some(number) = self.cause_numbers.get(&key) {
            return *number;
        }
        let commit = span.commit.map_or(-1, |commit| self.commit(commit));
        let cause = Cause(
            number(span.verdict),
            commit,
            u8::from(span.direct),
            self.evidence(&span.evidence),
            self.reasons(&span.reasons),
        );
        self.causes.push(cause);
        let number = u32::try_from(self.causes.len() - 1).unwrap_or(u32::MAX);
        self.cause_numbers.insert(key, number);
        number
    }

    fn commit(&mut self, commit: ObjectId) -> i64 {
        *self.commits.entry(commit).or_insert_with(|| {
            self.commit_names.push(commit.to_string());
            i64::try_from(self.commit_names.len() - 1).unwrap_or(-1)
        })
    }

    fn evidence(&self, ids: &[String]) -> Vec<usize> {
        ids.iter().filter_map(|id| self.evidence.get(id.as_str()).copied()).collect()
    }

    fn reasons(&mut self, reasons: &'a [String]) -> Vec<usize> {
        reasons
            .iter()
            .map(|reason| {
                *self.reasons.entry(reason).or_insert_with(|| {
                    self.reason_names.push(reason);
                    self.reason_names.len() - 1
                })
            })
            .collect()
    }
}

/// Returns a verdict as its place in [`Verdict::ALL`].
fn number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Clean => 0,
        Verdict::Unproven => 1,
        Verdict::Suspect => 2,
        Verdict::Tainted => 3,
    }
}

/// Returns how many UTF-16 units (the script counts in those) the two paths share at their start, and the rest.
fn shared_start<'a>(before: &str, path: &'a str) -> (usize, &'a str) {
    let mut rest = path;
    let mut units = 0;
    for (a, b) in before.chars().zip(path.chars()) {
        if a != b {
            break;
        }
        units += a.len_utf16();
        rest = rest.strip_prefix(a).unwrap_or(rest);
    }
    (units, rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_paths_read_back(before in any::<String>(), path in any::<String>()) {
            let (shared, rest) = shared_start(&before, &path);
            let units: Vec<u16> = before.encode_utf16().take(shared).chain(rest.encode_utf16()).collect();
            prop_assert_eq!(String::from_utf16(&units).unwrap(), path);
        }
    }
}
