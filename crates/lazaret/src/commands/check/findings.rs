//! What a check found, for the person whose change it is: what is wrong, why, and what would make it pass.

use std::collections::BTreeSet;
use std::io::{self, Write};

use lazaret_core::Verdict;
use lazaret_pipeline::{CheckReport, CommitClaim, Finding};
use lazaret_policy::Reason;

use crate::screen::{Ink, Screen};
use crate::text::{count, plain, wrap};

/// Columns of a verdict and the space behind it.
const INDENT: usize = 9;
/// How many findings are told before the rest is only counted.
const FINDINGS_MAX: usize = 50;

/// Writes the findings, worst first, and whether the change passes.
pub(super) fn write(
    report: &CheckReport,
    passes: bool,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let width = screen.width - INDENT;
    for finding in findings.iter().take(FINDINGS_MAX) {
        let verdict = screen.paint(Ink::Verdict(finding.verdict), &format!("{:<8}", finding.verdict));
        writeln!(out, "{verdict} {}", plain(&place(finding)))?;
        for line in finding.claims.iter().flat_map(|claim| wrap(&plain(&why(claim)), width)) {
            writeln!(out, "{:INDENT$}{line}", "")?;
        }
    }
    if findings.len() > FINDINGS_MAX {
        let more = count((findings.len() - FINDINGS_MAX) as u64, "more finding", "more findings");
        writeln!(out, "and {more}; `--format json` has all of them")?;
    }
    let label = if passes { screen.paint(Ink::Hint, "passed") } else { screen.paint(Ink::Error, "refused") };
    writeln!(out, "{label}: {}", outcome(report))?;
    if passes {
        return Ok(());
    }
    for way in ways(&findings) {
        for (index, line) in wrap(way, width).iter().enumerate() {
            let lead = if index == 0 { screen.paint(Ink::Hint, "to pass:") } else { " ".repeat(INDENT - 1) };
            writeln!(out, "{lead} {line}")?;
        }
    }
    Ok(())
}

/// Returns where a finding is: `commit 67abdd721024`, `src/lexer.rs, lines 3 to 9, in commit 67abdd721024`.
pub(super) fn place(finding: &Finding) -> String {
    let commit = finding
        .commit
        .map(|commit| format!("commit {}", commit.to_string().chars().take(12).collect::<String>()));
    let lines = finding.span.map_or_else(String::new, |span| match span.lines() {
        1 => format!(", line {}", span.start()),
        _ => format!(", lines {} to {}", span.start(), span.end()),
    });
    match (&finding.path, commit) {
        (Some(path), Some(commit)) => format!("{path}{lines}, in {commit}"),
        (Some(path), None) => format!("{path}{lines}, staged"),
        (None, Some(commit)) => commit,
        (None, None) => "the message of the commit".to_owned(),
    }
}

fn why(claim: &CommitClaim) -> String {
    let tool = claim.tool.as_ref().map_or("unnamed tool", |tool| tool.as_str());
    format!("{tool} ({}, {}): {}", claim.role, claim.strength, claim.why)
}

/// Returns what would make the change pass, each way once.
fn ways(findings: &[&Finding]) -> Vec<&'static str> {
    let codes: BTreeSet<&str> =
        findings.iter().flat_map(|finding| &finding.reasons).map(String::as_str).collect();
    let mut ways: Vec<&str> = Reason::ALL
        .iter()
        .filter(|reason| codes.contains(reason.code()) && !reason.is_harmless())
        .map(|reason| reason.help())
        .collect();
    if findings.is_empty() {
        ways.push(Reason::NoProof.help());
    }
    let mut said = BTreeSet::new();
    ways.retain(|way| said.insert(*way));
    ways
}

fn outcome(report: &CheckReport) -> String {
    let of = |verdict| report.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let found: Vec<String> = [Verdict::Tainted, Verdict::Suspect]
        .into_iter()
        .filter(|verdict| of(*verdict) > 0)
        .map(|verdict| format!("{} {verdict}", of(verdict)))
        .collect();
    let found =
        if found.is_empty() { "no mark found, which proves nothing".to_owned() } else { found.join(", ") };
    let files = count(report.files, "file", "files");
    match report.commits {
        0 => format!("{found}, in {files}"),
        commits => format!("{found}, in {} and {files}", count(commits, "commit", "commits")),
    }
}
