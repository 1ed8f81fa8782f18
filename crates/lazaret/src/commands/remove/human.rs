//! Writes what a removal did for people: what went, what shows it, what else speaks of it, and what is left.

use std::io::{self, Write};

use lazaret_core::Verdict;
use lazaret_pipeline::removal::{References, RemovalOutcome, RemovalReport};

use crate::screen::{Ink, Screen};
use crate::text::{count, plain, thousands};

/// How many entries of each list are shown; the JSON has all.
const ROWS_MAX: usize = 20;

/// How many places of one name are shown.
const PLACES_MAX: usize = 5;

/// How much of a commit's name is shown.
const COMMIT_CHARS: usize = 12;

/// Writes a summary.
pub(super) fn write(report: &RemovalReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let lines: u64 = report.files.iter().map(|file| file.removed_lines).sum();
    let place = format!("{} at {}", plain(&report.origin.path), short(&report.before.commit.to_string()));
    let heading = match report.outcome {
        RemovalOutcome::Nothing => format!("{place}: nothing to take out"),
        RemovalOutcome::Removed | RemovalOutcome::Incomplete => format!(
            "{place}: {} of {} taken out by {}",
            count(lines, "line", "lines"),
            count(report.files.len() as u64, "file", "files"),
            report.by
        ),
    };
    writeln!(out, "{}", screen.paint(Ink::Heading, &heading))?;
    let files = report.files.iter().map(|file| {
        let whole = if file.new_blob.is_none() { ", the whole file" } else { "" };
        format!("{}  {}{whole}", plain(&file.path), count(file.removed_lines, "line", "lines"))
    });
    section("Taken out", files.collect(), screen, out)?;
    let left = report.left.iter().map(|left| {
        format!("{}  {}  {}", plain(&left.path), count(left.lines, "line", "lines"), left.reason.as_str())
    });
    section("Left as they are", left.collect(), screen, out)?;
    let remaining = report.remaining.iter().map(|one| {
        let path = plain(&one.path);
        format!("{path}:{}-{}  {}  {}", one.start, one.end, one.verdict.as_str(), one.why.as_str())
    });
    section("Condemned still", remaining.collect(), screen, out)?;
    if let Some(after) = &report.after {
        writeln!(out)?;
        writeln!(out, "{}", screen.paint(Ink::Heading, "Lines, by scans before and after"))?;
        let (before, after) = (report.before.lines, after.lines);
        let verdicts =
            Verdict::ALL.map(|verdict| (verdict.as_str(), before.get(verdict), after.get(verdict)));
        for (name, before, after) in verdicts.into_iter().chain([("all", before.total, after.total)]) {
            writeln!(out, "  {name:<10} {:>14} {:>14}", thousands(before), thousands(after))?;
        }
    }
    write_references(&report.references, screen, out)?;
    writeln!(out)?;
    writeln!(out, "{}", ending(report))
}

fn write_references(references: &References, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let names = references.names.iter().map(|name| {
        let shown = name.places.iter().take(PLACES_MAX);
        let places: Vec<String> =
            shown.map(|place| format!("{}:{} ({})", plain(&place.path), place.line, place.within)).collect();
        let more = name.total.saturating_sub(places.len() as u64);
        let more = if more > 0 { format!(", and {} more", thousands(more)) } else { String::new() };
        let (named, from) = (plain(&name.name), plain(&name.path));
        format!("`{named}` of {from}:{}  in {}{more}", name.line, places.join(", "))
    });
    section("Names that still stand", names.collect(), screen, out)?;
    let imports = references
        .imports
        .iter()
        .map(|import| format!("{}:{}  takes in {}", plain(&import.path), import.line, plain(&import.gone)));
    section("Imports of files that are gone", imports.collect(), screen, out)?;
    let holders = references
        .holders
        .iter()
        .map(|holder| format!("{}  {}", plain(&holder.name), count(holder.files, "file", "files")));
    section("What holds the files as they were", holders.collect(), screen, out)?;
    if references.unread_refs > 0 {
        let refs = count(references.unread_refs, "ref", "refs");
        writeln!(out, "  {refs} could not be looked into")?;
    }
    Ok(())
}

fn section(title: &str, rows: Vec<String>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", screen.paint(Ink::Heading, title))?;
    for row in rows.iter().take(ROWS_MAX) {
        writeln!(out, "  {row}")?;
    }
    match rows.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
        Some(more) => writeln!(out, "  and {}", count(more as u64, "more", "more")),
        None => Ok(()),
    }
}

fn ending(report: &RemovalReport) -> String {
    let after = report.after.as_ref().map(|after| short(&after.commit.to_string()));
    match (&report.branch, after) {
        (Some(branch), Some(commit)) => {
            format!("branch {} names commit {commit}; the history holds what it held", plain(branch))
        }
        (None, Some(_)) => {
            "the patch applies to the revision; nothing was written to the repository".to_owned()
        }
        (_, None) => "nothing was written".to_owned(),
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(COMMIT_CHARS).collect()
}
