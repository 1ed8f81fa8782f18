//! Writes what an export did for people: the entries that are no records, then what the gate did with the rest.

use std::io::{self, Write};

use lazaret_core::GapKind;
use lazaret_pipeline::export::{ExportReport, NoRecordReason};

use crate::commands::gate::human as gate;
use crate::screen::{Ink, Screen};
use crate::text::{count, plain, thousands};

/// How many entries that could not be read are named one by one.
const LINES_MAX: usize = 20;

/// How much of a commit's name is shown.
const COMMIT_CHARS: usize = 12;

/// Writes a summary.
pub(super) fn write(report: &ExportReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let commit = report.origin.rev.as_deref().unwrap_or_default();
    let commit: String = commit.chars().take(COMMIT_CHARS).collect();
    let entries = count(report.files, "entry", "entries");
    let heading = format!("{} at {commit}: {entries}, exported by {}", plain(&report.origin.path), report.by);
    writeln!(out, "{}", screen.paint(Ink::Heading, &heading))?;
    let others: u64 = report.no_records_by_reason.values().sum();
    if others > 0 {
        writeln!(out)?;
        writeln!(out, "{}", screen.paint(Ink::Heading, "No records"))?;
    }
    for (reason, entries) in &report.no_records_by_reason {
        writeln!(out, "  {:<32} {:>14}", reason.as_str(), thousands(*entries))?;
    }
    let unreadable: Vec<&str> = report
        .no_records
        .iter()
        .filter(|entry| entry.reason == NoRecordReason::Unreadable)
        .map(|entry| entry.path.as_str())
        .collect();
    for path in unreadable.iter().take(LINES_MAX) {
        writeln!(out, "  {} `{}`", screen.paint(Ink::Error, "unreadable"), plain(path))?;
    }
    if let Some(more) = unreadable.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more")?;
    }
    // These two are told as entries that are no records.
    let told = [GapKind::Binary, GapKind::Submodule];
    let warnings: Vec<_> = report.warnings.iter().filter(|warning| !told.contains(&warning.kind)).collect();
    if !warnings.is_empty() {
        writeln!(out)?;
        writeln!(out, "{}", screen.paint(Ink::Heading, "Not examined"))?;
    }
    for warning in warnings {
        writeln!(out, "  {:<32} {:>14}", warning.kind.as_str(), thousands(warning.count))?;
    }
    writeln!(out)?;
    gate::write(&report.gate, screen, out)
}
