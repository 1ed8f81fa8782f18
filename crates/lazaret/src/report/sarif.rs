//! Reports as SARIF 2.1.0 (OASIS), in the profile that GitHub code scanning reads: a rule for each detector, a result
//! for each run of tainted or suspect lines.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use lazaret_core::{Digest, Verdict};
use lazaret_pipeline::{EvidenceEntry, FileReport, Report};
use serde_json::{Value, json};

use super::json::write_line;
use crate::text::{count, plain, thousands};

/// GitHub refuses runs with more results than this
/// (docs.github.com, "SARIF support for code scanning", "Validating your SARIF file").
const RESULTS_MAX: usize = 25_000;
/// The rule of lines whose evidence no detector of the report claims.
const RULE_UNKNOWN: &str = "unknown-evidence";

/// Writes one log with a run for each report.
pub(crate) fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let runs: Vec<Value> = reports.iter().map(|report| run(report, RESULTS_MAX)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    });
    write_line(&log, out)
}

/// Returns how many results a log leaves out, over all reports.
pub(crate) fn left_out(reports: &[Report]) -> usize {
    reports.iter().map(|report| findings(report).len().saturating_sub(RESULTS_MAX)).sum()
}

/// A run of lines, or a whole file, that is tainted or suspect.
struct Finding<'a> {
    file: &'a FileReport,
    /// First and last line; `None` for the whole file.
    lines: Option<(u32, u32)>,
    verdict: Verdict,
    commit: Option<String>,
    evidence: &'a [String],
}

/// Returns all findings, tainted before suspect, otherwise in the order of the report.
fn findings(report: &Report) -> Vec<Finding<'_>> {
    let mut findings = Vec::new();
    for file in &report.files {
        let spans = file.spans.iter().map(|span| Finding {
            file,
            lines: Some((span.start, span.end)),
            verdict: span.verdict,
            commit: span.commit.map(|commit| commit.to_string()),
            evidence: &span.evidence,
        });
        let whole = Finding { file, lines: None, verdict: file.base, commit: None, evidence: &file.evidence };
        findings.extend(spans.chain([whole]).filter(|finding| level(finding.verdict).is_some()));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    findings
}

fn level(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Tainted => Some("error"),
        Verdict::Suspect => Some("warning"),
        Verdict::Unproven | Verdict::Clean => None,
    }
}

fn run(report: &Report, results_max: usize) -> Value {
    let evidence: HashMap<&str, &EvidenceEntry> =
        report.evidence.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let rule_of = |finding: &Finding<'_>| {
        finding
            .evidence
            .iter()
            .find_map(|id| evidence.get(id.as_str()))
            .map_or(RULE_UNKNOWN, |entry| &entry.detector)
    };
    let findings = findings(report);
    let mut rules: BTreeMap<&str, usize> = findings.iter().map(|finding| (rule_of(finding), 0)).collect();
    for (index, position) in rules.values_mut().enumerate() {
        *position = index;
    }
    let mut seen: HashMap<Digest, u32> = HashMap::new();
    let results: Vec<Value> = findings
        .iter()
        .take(results_max)
        .map(|finding| {
            let rule = rule_of(finding);
            result(finding, rule, rules.get(rule).copied(), &evidence, &mut seen)
        })
        .collect();
    json!({
        "tool": {"driver": {
            "name": "lazaret",
            "semanticVersion": report.version,
            "rules": rules.keys().map(|rule| describe_rule(rule)).collect::<Vec<_>>(),
        }},
        "automationDetails": {"id": "lazaret/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": true,
            "toolExecutionNotifications": notifications(report, findings.len().saturating_sub(results_max)),
        }],
        "properties": {
            "format": report.format,
            "policy": report.policy,
            "catalog": report.catalog,
            "origin": report.origin,
            "lines": report.lines,
        },
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

fn result(
    finding: &Finding<'_>,
    rule: &str,
    rule_index: Option<usize>,
    evidence: &HashMap<&str, &EvidenceEntry>,
    seen: &mut HashMap<Digest, u32>,
) -> Value {
    let artifact = json!({"uri": uri(&finding.file.path), "uriBaseId": "%SRCROOT%"});
    let location = match finding.lines {
        Some((start, end)) => {
            json!({"artifactLocation": artifact, "region": {"startLine": start, "endLine": end}})
        }
        None => json!({"artifactLocation": artifact}),
    };
    // The fingerprint leaves line numbers out, so that an edit above does not make an old finding look new; spans
    // that are otherwise equal are told apart by their order.
    let commit = finding.commit.as_deref().unwrap_or_default();
    let key = Digest::of_parts(
        [finding.file.path.as_str(), rule, commit, finding.verdict.as_str()].map(str::as_bytes),
    );
    let ordinal = seen.entry(key).or_insert(0);
    *ordinal += 1;
    json!({
        "ruleId": rule,
        "ruleIndex": rule_index,
        "level": level(finding.verdict),
        "message": {"text": message(finding, evidence)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"lazaretSpan/v1": format!("{key}:{ordinal}")},
        "properties": {"verdict": finding.verdict, "evidence": finding.evidence},
    })
}

fn message(finding: &Finding<'_>, evidence: &HashMap<&str, &EvidenceEntry>) -> String {
    let what = match finding.lines {
        Some((start, end)) => count(u64::from(end.saturating_sub(start)) + 1, "line", "lines"),
        None => "the file".to_owned(),
    };
    let mut text = format!("{}: {what}", finding.verdict);
    if let Some(commit) = &finding.commit {
        text.push_str(" from commit ");
        text.extend(commit.chars().take(12));
    }
    for entry in finding.evidence.iter().filter_map(|id| evidence.get(id.as_str())) {
        text.push_str("; ");
        text.push_str(&entry.why);
    }
    plain(&text).into_owned()
}

fn notifications(report: &Report, left_out: usize) -> Vec<Value> {
    let mut notifications: Vec<Value> = report
        .warnings
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
            "{} left out: a run holds at most {}; `lazaret scan --format json` has all of them",
            count(left_out as u64, "result", "results"),
            thousands(RESULTS_MAX as u64)
        );
        notifications.push(json!({"level": "error", "message": {"text": text}}));
    }
    notifications
}

/// Returns the path as a relative URI reference (RFC 3986, section 4.2).
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::report::sample;

    #[test]
    fn every_result_names_a_rule_a_place_and_a_fingerprint_of_its_own() {
        let log = run(&sample::small(), RESULTS_MAX);
        let rules = log["tool"]["driver"]["rules"].as_array().unwrap();
        let results = log["results"].as_array().unwrap();
        assert!(!results.is_empty());
        let mut fingerprints = HashSet::new();
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
            let location = &result["locations"][0]["physicalLocation"];
            assert!(location["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.starts_with('/')));
            assert!(fingerprints.insert(result["partialFingerprints"]["lazaretSpan/v1"].to_string()));
        }
    }

    #[test]
    fn fingerprints_survive_a_shift_of_lines() {
        let before = sample::small();
        let mut after = before.clone();
        for span in after.files.iter_mut().flat_map(|file| &mut file.spans) {
            span.start += 7;
            span.end += 7;
        }
        let prints = |report: &Report| {
            let run = run(report, RESULTS_MAX);
            let results = run["results"].as_array().unwrap().clone();
            results.into_iter().map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(prints(&before), prints(&after));
    }

    #[test]
    fn what_is_left_out_is_said() {
        let report = sample::small();
        let all = findings(&report).len();
        let log = run(&report, 1);
        assert_eq!(log["results"].as_array().unwrap().len(), 1);
        let said = log["invocations"][0]["toolExecutionNotifications"].to_string();
        assert!(said.contains(&format!("{} results left out", all - 1)), "{said}");
        assert_eq!(log["results"][0]["level"], "error", "the worst stay");
    }

    #[test]
    fn hostile_paths_are_percent_encoded() {
        assert_eq!(uri("a b/\"<é>:?#%.rs"), "a%20b/%22%3C%C3%A9%3E%3A%3F%23%25.rs");
    }
}
