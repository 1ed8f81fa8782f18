//! The message of the commit that takes lines out: what, how much and why, in counts and ids.

use rustc_hash::FxHashSet;

use super::attempt::{Base, Changed};
use super::selection::{Plan, Take};
use crate::report::EvidenceEntry;
use crate::scan::judging::printable;

/// How many files, and how many claims, are named.
const NAMED_MAX: usize = 100;

/// Returns the message. It names no tool, so that it is no mark of one.
pub(super) fn of(plan: &Plan, changes: &[Changed], base: Base<'_>, take: Take<'_>) -> String {
    let lines: u64 = changes.iter().map(|changed| changed.edited.n_gone).sum();
    let gone = changes.iter().filter(|changed| changed.blob.is_none()).count();
    let title = match take {
        Take::Verdict(verdict) => format!("Remove lines held to be {} or worse", verdict.as_str()),
        Take::These(_) => "Remove selected lines".to_owned(),
    };
    let title = title.replace(" tainted or worse", " tainted");
    let (files, lines) = (count(changes.len(), "file"), count(lines, "line"));
    let mut text = format!(
        "{title}\n\n{lines} of {files} taken out of commit {}, {gone} of the files as a whole.\n",
        base.commit
    );
    let report = base.before;
    for (what, digest) in [("scan", base.digest), ("policy", report.policy), ("catalog", report.catalog)] {
        line(&mut text, format_args!("{what}: {digest}"));
    }
    text.push('\n');
    for changed in changes.iter().take(NAMED_MAX) {
        let Some(work) = plan.works.get(changed.work_ix) else { continue };
        let path = inert(&printable(&work.entry.path));
        let ids =
            if work.evidence.is_empty() { String::new() } else { format!(" ({})", named(&work.evidence)) };
        let whole = if changed.blob.is_none() { ", the whole file" } else { "" };
        line(&mut text, format_args!("  {path}: {}{whole}{ids}", count(changed.edited.n_gone, "line")));
    }
    more(&mut text, changes.len());
    let evidence = named_evidence(plan, &report.evidence);
    if !evidence.is_empty() {
        text.push('\n');
    }
    for entry in evidence.iter().take(NAMED_MAX) {
        let commit = entry.commit.map(|commit| format!(" of commit {commit}")).unwrap_or_default();
        line(&mut text, format_args!("  {}: {}{commit}", entry.id, entry.detector));
    }
    more(&mut text, evidence.len());
    text
}

/// Returns the evidence that files of the plan name, in the report's order.
pub(super) fn named_evidence<'r>(plan: &Plan, evidence: &'r [EvidenceEntry]) -> Vec<&'r EvidenceEntry> {
    let ids: FxHashSet<&str> =
        plan.works.iter().flat_map(|work| &work.evidence).map(String::as_str).collect();
    evidence.iter().filter(|entry| ids.contains(entry.id.as_str())).collect()
}

fn named(ids: &[String]) -> String {
    let mut named = ids.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED_MAX {
        named.push_str(", ...");
    }
    named
}

fn more(text: &mut String, total: usize) {
    if let Some(more) = total.checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        line(text, format_args!("  and {more} more"));
    }
}

fn line(text: &mut String, row: std::fmt::Arguments<'_>) {
    text.push_str(&row.to_string());
    text.push('\n');
}

fn count(number: impl TryInto<u64>, word: &str) -> String {
    let number: u64 = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// Escapes what could end a line of the message, or steer a terminal that shows it.
fn inert(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
