//! Adds judged files up to a report.

use std::collections::BTreeMap;

use lazaret_core::{Gap, ObjectId, Origin, Verdict};
use rustc_hash::FxHashMap;

use super::judging::Judged;
use super::marks::Marks;
use super::reading::{Reading, day};
use super::{Measure, ScanRequest};
use crate::holdings::Holdings;
use crate::report::{
    CommitCounts, CopyReport, ElsewhereCounts, EvidenceEntry, FileReport, LineCounts, REPORT_FORMAT,
    RecorderCounts, Report, SpanReport, TimelineEntry, Warning,
};

/// The tool or model of a claim that names none.
const UNKNOWN: &str = "unknown";

/// Returns the report of a repository.
pub(super) fn report(
    reading: &Reading<'_>,
    request: &ScanRequest<'_>,
    marks: &Marks,
    elsewhere: ElsewhereCounts,
    recorders: RecorderCounts,
    copies: Vec<CopyReport>,
    judged: Judged,
) -> Report {
    let examined = reading.scope.len() as u64;
    let mut commits = CommitCounts { examined, elsewhere, ..CommitCounts::default() };
    for claims in marks.condemned() {
        commits.marked += 1;
        let tools = claims.iter().filter_map(|claim| claim.taint());
        let tools = tools.filter(|taint| taint.role.writes() && taint.strength.condemns());
        let mut tools: Vec<String> = tools.map(|taint| name(taint.tool.as_ref())).collect();
        tools.sort();
        tools.dedup();
        for tool in tools {
            *commits.by_tool.entry(tool).or_default() += 1;
        }
    }
    let month = |commit: &ObjectId| {
        let seconds = reading.graph.committer_seconds(reading.graph.find(commit)?);
        Some(day(seconds)?.strftime("%Y-%m").to_string())
    };
    let counts = Counts { commits, recorders, copies };
    assemble(reading.origin.clone(), &request.measure, counts, judged, &reading.gaps, month)
}

/// Returns the report of an origin without commits.
pub(super) fn report_without_history(
    origin: Origin,
    measure: &Measure<'_>,
    copies: Vec<CopyReport>,
    judged: Judged,
    gaps: &[Gap],
) -> Report {
    let counts = Counts { copies, ..Counts::default() };
    assemble(origin, measure, counts, judged, gaps, |_| None)
}

/// What was counted on the way to the evidence.
#[derive(Default)]
struct Counts {
    commits: CommitCounts,
    recorders: RecorderCounts,
    copies: Vec<CopyReport>,
}

fn assemble(
    origin: Origin,
    measure: &Measure<'_>,
    Counts { commits, recorders, copies }: Counts,
    judged: Judged,
    gaps: &[Gap],
    month: impl Fn(&ObjectId) -> Option<String>,
) -> Report {
    let evidence: FxHashMap<&str, &EvidenceEntry> =
        judged.evidence.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let mut lines = LineCounts::default();
    let mut by_tool: BTreeMap<String, LineCounts> = BTreeMap::new();
    let mut by_model: BTreeMap<String, LineCounts> = BTreeMap::new();
    let mut timeline: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for file in &judged.files {
        count_lines(file, &mut lines);
        for span in &file.spans {
            let n_lines = u64::from(span.end - span.start + 1);
            if span.verdict < Verdict::Suspect {
                continue;
            }
            let taint = settling_taint(span, &evidence);
            let tool = name(taint.and_then(|entry| entry.tool.as_ref()));
            let model = name(taint.and_then(|entry| entry.model.as_ref()));
            by_tool.entry(tool.clone()).or_default().add(span.verdict, n_lines);
            by_model.entry(model).or_default().add(span.verdict, n_lines);
            if let Some(month) = span.commit.as_ref().and_then(&month) {
                let (tainted, suspect) = timeline.entry((month, tool)).or_default();
                let count = if span.verdict == Verdict::Tainted { tainted } else { suspect };
                *count += n_lines;
            }
        }
    }
    let timeline = timeline.into_iter();
    let timeline =
        timeline.map(|((month, tool), (tainted, suspect))| TimelineEntry { month, tool, tainted, suspect });
    Report {
        format: REPORT_FORMAT,
        version: crate::report::VERSION,
        policy: measure.rules.policy_digest(),
        catalog: measure.rules.catalog_digest(),
        origin,
        commits,
        recorders,
        lines,
        by_tool,
        by_model,
        timeline: timeline.collect(),
        ledger: measure.holdings.map(Holdings::ledger),
        segments: Vec::new(),
        brought: Vec::new(),
        refused_attestations: Vec::new(),
        copies,
        warnings: warnings(gaps.iter().chain(&judged.gaps)),
        files: judged.files,
        evidence: judged.evidence,
    }
}

fn count_lines(file: &FileReport, lines: &mut LineCounts) {
    let mut covered = 0;
    for span in &file.spans {
        let n_lines = span.end - span.start + 1;
        covered += n_lines;
        lines.add(span.verdict, u64::from(n_lines));
    }
    lines.add(file.base, u64::from(file.lines.saturating_sub(covered)));
}

/// Returns the first taint among the evidence of a span: the strongest.
fn settling_taint<'a>(
    span: &SpanReport,
    evidence: &FxHashMap<&str, &'a EvidenceEntry>,
) -> Option<&'a EvidenceEntry> {
    let mut settling = span.evidence.iter().filter_map(|id| evidence.get(id.as_str()).copied());
    settling.find(|entry| entry.strength.is_some())
}

fn name(id: Option<&impl ToString>) -> String {
    id.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)
}

/// Counts gaps by kind.
pub(crate) fn warnings<'a>(gaps: impl Iterator<Item = &'a Gap>) -> Vec<Warning> {
    let mut by_kind: BTreeMap<lazaret_core::GapKind, Warning> = BTreeMap::new();
    for gap in gaps {
        let first = || Warning { kind: gap.kind, count: 0, example: gap.why.clone() };
        by_kind.entry(gap.kind).or_insert_with(first).count += 1;
    }
    by_kind.into_values().collect()
}
