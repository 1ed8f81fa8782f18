//! Reports as JSON: whole (`json`), or one object a line (`jsonl`) for readers that stream.

use std::io::{self, Write};

use lazaret_pipeline::{EvidenceEntry, FileReport, MarkedCommit, Report, write_json};
use serde::Serialize;

/// Writes each report as one line.
pub(crate) fn write_whole(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    reports.iter().try_for_each(|report| write_line(report, out))
}

/// Writes each report as a line with everything but its files and evidence, then a line for each evidence, then a
/// line for each file, so that evidence is known before it is named.
pub(crate) fn write_lines(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        write_line(&header(report), out)?;
        for entry in &report.evidence {
            write_line(&Line::Evidence(entry), out)?;
        }
        for file in &report.files {
            write_line(&Line::File(file), out)?;
        }
    }
    Ok(())
}

/// Writes each marked commit as a line.
pub(crate) fn write_commits(commits: &[MarkedCommit], out: &mut dyn Write) -> io::Result<()> {
    commits.iter().try_for_each(|commit| write_line(commit, out))
}

/// Writes a value as one line of JSON.
pub(crate) fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_json(value, out)?;
    out.write_all(b"\n")
}

/// A line that is no header.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Evidence(&'a EvidenceEntry),
    File(&'a FileReport),
}

/// The first line of a report: its fields without `evidence` and `files`.
#[derive(Serialize)]
struct Header<'a> {
    kind: &'static str,
    format: &'a str,
    version: &'a str,
    policy: &'a lazaret_core::Digest,
    catalog: &'a lazaret_core::Digest,
    origin: &'a lazaret_core::Origin,
    commits: &'a lazaret_pipeline::CommitCounts,
    recorders: &'a lazaret_pipeline::RecorderCounts,
    lines: &'a lazaret_pipeline::LineCounts,
    by_tool: &'a std::collections::BTreeMap<String, lazaret_pipeline::LineCounts>,
    by_model: &'a std::collections::BTreeMap<String, lazaret_pipeline::LineCounts>,
    timeline: &'a [lazaret_pipeline::TimelineEntry],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    segments: &'a [lazaret_core::Digest],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    copies: &'a [lazaret_pipeline::CopyReport],
    warnings: &'a [lazaret_pipeline::Warning],
    n_evidence: usize,
    n_files: usize,
}

fn header(report: &Report) -> Header<'_> {
    Header {
        kind: "report",
        format: report.format,
        version: report.version,
        policy: &report.policy,
        catalog: &report.catalog,
        origin: &report.origin,
        commits: &report.commits,
        recorders: &report.recorders,
        lines: &report.lines,
        by_tool: &report.by_tool,
        by_model: &report.by_model,
        timeline: &report.timeline,
        segments: &report.segments,
        copies: &report.copies,
        warnings: &report.warnings,
        n_evidence: report.evidence.len(),
        n_files: report.files.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::sample;

    #[test]
    fn the_lines_of_a_report_hold_all_that_the_whole_holds() {
        let report = sample::small();
        let mut out = Vec::new();
        write_lines(std::slice::from_ref(&report), &mut out).unwrap();
        let lines: Vec<serde_json::Value> = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let whole = serde_json::to_value(&report).unwrap();
        let keys =
            |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let mut expected = keys(&whole);
        for moved in ["evidence", "files"] {
            expected.remove(moved);
        }
        for added in ["kind", "n_evidence", "n_files"] {
            expected.insert(added.to_owned());
        }
        assert_eq!(keys(&lines[0]), expected);
        assert_eq!(lines.len(), 1 + report.evidence.len() + report.files.len());
        assert_eq!(lines[1]["kind"], "evidence");
        assert_eq!(lines.last().unwrap()["kind"], "file");
        assert_eq!(lines.last().unwrap()["path"], whole["files"].as_array().unwrap().last().unwrap()["path"]);
    }
}
