//! What a result is made of, taken from the report of a scan or of a check.

use std::collections::HashMap;

use lazaret_core::Verdict;
use lazaret_pipeline::{CheckReport, EvidenceEntry, FileReport, Report};

/// The rule of lines whose evidence the report does not name.
const RULE_UNKNOWN: &str = "unknown-evidence";

/// A run of lines, a whole file or a commit that is tainted or suspect.
#[derive(Debug, Clone)]
pub(super) struct SarifFinding<'a> {
    /// The file; `None` for a mark of a commit itself.
    pub(super) path: Option<&'a str>,
    /// First and last line; `None` for the whole.
    pub(super) lines: Option<(u32, u32)>,
    /// What it is held to be.
    pub(super) verdict: Verdict,
    /// The commit, in hexadecimal digits.
    pub(super) commit: Option<String>,
    /// The detector whose claim settled it.
    pub(super) rule: &'a str,
    /// Why, one claim each.
    pub(super) why: Vec<&'a str>,
    /// Reasons, as the judge gives them.
    pub(super) reasons: &'a [String],
}

/// Returns the findings of a scan, in the order of the report.
pub(super) fn of_scan(report: &Report) -> Vec<SarifFinding<'_>> {
    let evidence: HashMap<&str, &EvidenceEntry> =
        report.evidence.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let claims = |ids: &[String]| -> Vec<&EvidenceEntry> {
        ids.iter().filter_map(|id| evidence.get(id.as_str()).copied()).collect()
    };
    let mut findings = Vec::new();
    for file in &report.files {
        for span in file.spans.iter().filter(|span| span.verdict >= Verdict::Suspect) {
            let claims = claims(&span.evidence);
            findings.push(SarifFinding {
                path: Some(&file.path),
                lines: Some((span.start, span.end)),
                verdict: span.verdict,
                commit: span.commit.map(|commit| commit.to_string()),
                rule: rule_of(&claims),
                why: claims.iter().map(|claim| claim.why.as_str()).collect(),
                reasons: &span.reasons,
            });
        }
        if file.base >= Verdict::Suspect && !covered(file) {
            let claims = claims(&file.evidence);
            findings.push(SarifFinding {
                path: Some(&file.path),
                lines: None,
                verdict: file.base,
                commit: None,
                rule: rule_of(&claims),
                why: claims.iter().map(|claim| claim.why.as_str()).collect(),
                reasons: &file.reasons,
            });
        }
    }
    findings
}

/// Returns the findings of a check, in the order of the report.
pub(super) fn of_check(report: &CheckReport) -> Vec<SarifFinding<'_>> {
    report
        .findings
        .iter()
        .map(|finding| SarifFinding {
            path: finding.path.as_deref(),
            lines: finding.span.map(|span| (span.start(), span.end())),
            verdict: finding.verdict,
            commit: finding.commit.map(|commit| commit.to_string()),
            rule: finding.claims.first().map_or(RULE_UNKNOWN, |claim| &claim.detector),
            why: finding.claims.iter().map(|claim| claim.why.as_str()).collect(),
            reasons: &finding.reasons,
        })
        .collect()
}

fn rule_of<'a>(claims: &[&'a EvidenceEntry]) -> &'a str {
    claims.first().map_or(RULE_UNKNOWN, |claim| &claim.detector)
}

/// Whether spans speak of every line, so that there is nothing left for the base verdict to speak of.
fn covered(file: &FileReport) -> bool {
    let lines: u64 = file.spans.iter().map(|span| u64::from(span.end.saturating_sub(span.start)) + 1).sum();
    file.lines > 0 && lines >= u64::from(file.lines)
}
