//! Findings as SARIF 2.1.0 (OASIS), in the profile that GitHub code scanning reads: a rule for each detector, a result
//! for each run of tainted or suspect lines.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use lazaret_core::{Digest, Verdict};
use lazaret_pipeline::{CheckReport, Report, Warning};
use serde_json::{Value, json};

use self::finding::SarifFinding;
use super::json::write_line;
use crate::text::{count, plain, thousands};

mod finding;

/// GitHub refuses runs with more results than this
/// (docs.github.com, "SARIF support for code scanning", "Validating your SARIF file").
const RESULTS_MAX: usize = 25_000;

/// Writes the log of a scan, with a run for each report.
pub(crate) fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    write_runs(reports.iter().map(|report| scan_run(report, RESULTS_MAX)).collect(), out)
}

/// Writes the log of a check.
pub(crate) fn write_check(report: &CheckReport, out: &mut dyn Write) -> io::Result<()> {
    let header = Header {
        version: report.version,
        warnings: &report.warnings,
        properties: json!({
            "format": report.format, "policy": report.policy, "catalog": report.catalog, "origin": report.origin,
        }),
    };
    write_runs(vec![run(&header, &finding::of_check(report), RESULTS_MAX)], out)
}

/// Returns how many results the log of a scan leaves out, over all reports.
pub(crate) fn left_out(reports: &[Report]) -> usize {
    reports.iter().map(|report| finding::of_scan(report).len().saturating_sub(RESULTS_MAX)).sum()
}

fn write_runs(runs: Vec<Value>, out: &mut dyn Write) -> io::Result<()> {
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    });
    write_line(&log, out)
}

fn scan_run(report: &Report, results_max: usize) -> Value {
    let header = Header {
        version: report.version,
        warnings: &report.warnings,
        properties: json!({
            "format": report.format, "policy": report.policy, "catalog": report.catalog, "origin": report.origin,
            "lines": report.lines,
        }),
    };
    run(&header, &finding::of_scan(report), results_max)
}

/// What a run says beside its results.
struct Header<'a> {
    version: &'a str,
    warnings: &'a [Warning],
    properties: Value,
}

/// Returns a run; tainted findings come before suspect ones, so that the worst stay where not all fit.
fn run(header: &Header<'_>, findings: &[SarifFinding<'_>], results_max: usize) -> Value {
    let mut ordered: Vec<&SarifFinding<'_>> = findings.iter().collect();
    ordered.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let mut rules: BTreeMap<&str, usize> = ordered.iter().map(|finding| (finding.rule, 0)).collect();
    for (index, position) in rules.values_mut().enumerate() {
        *position = index;
    }
    let mut seen = HashMap::new();
    let results: Vec<Value> = ordered
        .iter()
        .take(results_max)
        .map(|finding| result(finding, rules.get(finding.rule).copied(), &mut seen))
        .collect();
    let left_out = ordered.len().saturating_sub(results_max);
    json!({
        "tool": {"driver": {
            "name": "lazaret",
            "semanticVersion": header.version,
            "rules": rules.keys().map(|rule| describe_rule(rule)).collect::<Vec<_>>(),
        }},
        "automationDetails": {"id": "lazaret/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": true,
            "toolExecutionNotifications": notifications(header.warnings, left_out),
        }],
        "properties": header.properties,
        "results": results,
    })
}

fn describe_rule(detector: &str) -> Value {
    json!({
        "id": detector,
        "name": detector,
        "shortDescription": {"text": format!("Lines tainted by evidence of `{detector}`")},
        "help": {
            "text": "The lines were written by a tool that the policy bans, or may have been. \
                     Remove them, replace them with work of known origin, or have two people review and refute the evidence."
        },
        "properties": {"tags": ["provenance"], "precision": "very-high"},
    })
}

fn result(finding: &SarifFinding<'_>, rule_index: Option<usize>, seen: &mut HashMap<Digest, u32>) -> Value {
    // A mark of a commit itself stands in no file; GitHub wants a place all the same.
    let path = finding.path.map_or_else(|| ".".to_owned(), uri);
    let artifact = json!({"uri": path, "uriBaseId": "%SRCROOT%"});
    let place = match finding.lines {
        Some((start, end)) => {
            json!({"artifactLocation": artifact, "region": {"startLine": start, "endLine": end}})
        }
        None => json!({"artifactLocation": artifact}),
    };
    // The fingerprint leaves line numbers out, so that an edit above does not make an old finding look new; findings
    // that are otherwise equal are told apart by their order.
    let commit = finding.commit.as_deref().unwrap_or_default();
    let path = finding.path.unwrap_or_default();
    let key = Digest::of_parts([path, finding.rule, commit, finding.verdict.as_str()].map(str::as_bytes));
    let ordinal = seen.entry(key).or_insert(0);
    *ordinal += 1;
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": if finding.verdict == Verdict::Tainted { "error" } else { "warning" },
        "message": {"text": message(finding)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"lazaretSpan/v1": format!("{key}:{ordinal}")},
        "properties": {"verdict": finding.verdict, "commit": finding.commit, "reasons": finding.reasons},
    })
}

fn message(finding: &SarifFinding<'_>) -> String {
    let what = match (finding.lines, finding.path) {
        (Some((start, end)), _) => count(u64::from(end.saturating_sub(start)) + 1, "line", "lines"),
        (None, Some(_)) => "the file".to_owned(),
        (None, None) => "the message".to_owned(),
    };
    let mut text = format!("{}: {what}", finding.verdict);
    if let Some(commit) = &finding.commit {
        text.push_str(" of commit ");
        text.extend(commit.chars().take(12));
    }
    for why in &finding.why {
        text.push_str("; ");
        text.push_str(why);
    }
    plain(&text).into_owned()
}

fn notifications(warnings: &[Warning], left_out: usize) -> Vec<Value> {
    let mut notifications: Vec<Value> = warnings
        .iter()
        .map(|warning| {
            let text = format!(
                "not examined, and therefore unproven: {} times `{}`, such as {}",
                thousands(warning.count),
                warning.kind.as_str(),
                warning.example
            );
            json!({"level": "warning", "message": {"text": plain(&text)}})
        })
        .collect();
    if left_out > 0 {
        let text = format!(
            "{} left out: a run holds at most {}; `--format json` has all of them",
            count(left_out as u64, "result", "results"),
            thousands(RESULTS_MAX as u64)
        );
        notifications.push(json!({"level": "error", "message": {"text": text}}));
    }
    notifications
}

/// Returns the path as a relative URI reference (RFC 3986, section 4.2).
fn uri(path: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            byte => write!(out, "%{byte:02X}").unwrap_or_default(),
        }
    }
    out
}

#[cfg(test)]
mod tests;
