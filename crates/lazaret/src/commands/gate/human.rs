//! Writes what a gate did, and what came of a verification, for people.

use std::io::{self, Write};

use lazaret_core::Verdict;
use lazaret_pipeline::gate::{GateReport, RecordTally, ShardState, VerifyReport};

use crate::screen::{Ink, Screen};
use crate::text::{count, plain, share, thousands};

/// How many shards, reasons and faults are named one by one.
const LINES_MAX: usize = 20;

/// Writes a summary.
pub(in crate::commands) fn write(
    report: &GateReport,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let RecordTally { read, admitted, excised, held, rejected, .. } = report.records;
    let heading = format!("{} for the class `{}`", plain(&report.dataset), plain(&report.class));
    writeln!(out, "{}", screen.paint(Ink::Heading, &heading))?;
    writeln!(out)?;
    let rows = [
        ("admitted", admitted, Ink::Verdict(Verdict::Clean)),
        ("held", held, Ink::Verdict(Verdict::Suspect)),
        ("rejected", rejected, Ink::Verdict(Verdict::Tainted)),
    ];
    for (name, records, ink) in rows {
        let name = screen.paint(ink, &format!("{name:<10}"));
        writeln!(out, "  {name} {:>14}  {:>8}", thousands(records), share(records, read))?;
    }
    writeln!(out, "  {:<10} {:>14}", "read", thousands(read))?;
    if excised > 0 {
        writeln!(out, "  {} without the lines that are not admitted", of_them(excised))?;
    }
    section("Verdicts", screen, out)?;
    for verdict in Verdict::ALL {
        let records = report.records.by_verdict.get(&verdict).copied().unwrap_or_default();
        let name = screen.paint(Ink::Verdict(verdict), &format!("{:<10}", verdict.as_str()));
        writeln!(out, "  {name} {:>14}  {:>8}", thousands(records), share(records, read))?;
    }
    if !report.left_out.is_empty() {
        section("Not looked for", screen, out)?;
        report.left_out.iter().try_for_each(|kind| writeln!(out, "  {kind}"))?;
    }
    table("Reasons", &report.records.by_reason, screen, out)?;
    table("Tools", &report.records.by_tool, screen, out)?;
    if let Some(tokens) = report.records.tokens {
        section("Tokens kept", screen, out)?;
        let ways = [
            ("records held whole", tokens.by_record),
            ("functions cut out", tokens.by_unit),
            ("statements cut out", tokens.by_statement),
            ("lines cut out", tokens.by_line),
            ("all", tokens.all),
        ];
        for (way, kept) in ways {
            writeln!(out, "  {way:<20} {:>14}  {:>8}", thousands(kept), share(kept, tokens.all))?;
        }
    }
    shards(report, screen, out)?;
    writeln!(out)?;
    let how = receipts(report);
    let footer = format!("judged at {} by the policy {}; {how}", report.time, report.policy);
    writeln!(out, "{}", screen.paint(Ink::Faint, &footer))
}

/// Says which shards have a receipt, and no more than that.
fn receipts(report: &GateReport) -> String {
    let failed = report.shards.iter().filter(|shard| shard.state == ShardState::Failed).count();
    let (number, sealed) = (report.shards.len() as u64, (report.shards.len() - failed) as u64);
    if report.dry_run {
        "nothing was written".to_owned()
    } else if sealed == 0 {
        "no shard has a receipt".to_owned()
    } else if sealed < number {
        format!("{} of {} have a signed receipt", thousands(sealed), count(number, "shard", "shards"))
    } else if report.records.admitted == 0 {
        "every shard has a signed receipt, and no record is admitted".to_owned()
    } else {
        "every shard has a signed receipt".to_owned()
    }
}

fn shards(report: &GateReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let failed: Vec<_> = report.shards.iter().filter(|shard| shard.state == ShardState::Failed).collect();
    let before = report.shards.iter().filter(|shard| shard.state == ShardState::GatedBefore).count();
    section("Shards", screen, out)?;
    writeln!(out, "  {}", count(report.shards.len() as u64, "shard", "shards"))?;
    if before > 0 {
        writeln!(out, "  {} gated by an earlier run", of_them(before as u64))?;
    }
    let beside = [
        (report.loader_files.len(), "for loaders, with names and types alone"),
        (report.not_carried.len(), "not carried along"),
    ];
    for (files, what) in beside.into_iter().filter(|(files, _)| *files > 0) {
        writeln!(out, "  {} beside them {what}", count(files as u64, "file", "files"))?;
    }
    for shard in failed.iter().take(LINES_MAX) {
        let name = screen.paint(Ink::Error, "failed");
        let why = shard.error.as_deref().unwrap_or_default();
        writeln!(out, "  {name} `{}`: {}; nothing of it is admitted", plain(&shard.name), plain(why))?;
    }
    rest(failed.len(), "failed", out)
}

fn of_them(number: u64) -> String {
    format!("{} of them", thousands(number))
}

fn section(title: &str, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{}", screen.paint(Ink::Heading, title))
}

fn table(
    title: &str,
    rows: &std::collections::BTreeMap<String, u64>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    section(title, screen, out)?;
    let mut rows: Vec<(&String, &u64)> = rows.iter().collect();
    rows.sort_by_key(|(name, records)| (std::cmp::Reverse(**records), (*name).clone()));
    for (name, records) in rows.iter().take(LINES_MAX) {
        writeln!(out, "  {:<32} {:>14}", plain(name), thousands(**records))?;
    }
    rest(rows.len(), "more", out)
}

fn rest(number: usize, what: &str, out: &mut dyn Write) -> io::Result<()> {
    match number.checked_sub(LINES_MAX).filter(|rest| *rest > 0) {
        Some(more) => writeln!(out, "  and {more} {what}"),
        None => Ok(()),
    }
}

/// Writes what came of a verification.
pub(super) fn write_verify(report: &VerifyReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let heading = if report.holds() {
        screen.paint(Ink::Verdict(Verdict::Clean), "every record is covered")
    } else {
        screen.paint(Ink::Error, "not everything is covered")
    };
    writeln!(out, "{heading}")?;
    writeln!(
        out,
        "  {}, {}, {} believed",
        count(report.records, "record", "records"),
        count(report.shards, "shard", "shards"),
        count(report.receipts, "receipt", "receipts"),
    )?;
    for kind in &report.left_out {
        writeln!(out, "  {} were not looked for when the records were judged", plain(kind))?;
    }
    for fault in report.faults.iter().take(LINES_MAX) {
        let kind = serde_json::to_value(fault.kind).unwrap_or_default();
        let kind = screen.paint(Ink::Error, kind.as_str().unwrap_or_default());
        let detail = fault.detail.as_deref().map(|detail| format!(" ({})", plain(detail)));
        writeln!(out, "  {kind} `{}`{}", plain(&fault.path), detail.unwrap_or_default())?;
    }
    rest(report.faults.len(), "more", out)
}
