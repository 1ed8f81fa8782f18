//! The report of a reconciliation for a person: what was held against what, what differs, and when nothing can be said.

use std::io::{self, Write};

use lazaret_core::Outcome;
use lazaret_pipeline::egress::{
    Discrepancy, DiscrepancyReport, ReconciliationReport, SourceReport, SourceRole,
};

use super::egress::{DIGEST_SHORT, bytes, faults, hour, minute, number};
use crate::screen::{Ink, Screen};
use crate::text::{columns, count, fit_start, pad, plain, thousands, wrap};

/// How many discrepancies of one kind are shown; the rest is counted, and JSON has them all.
const SHOWN_MAX: usize = 20;
/// How many quiet times of one source are shown.
const QUIET_MAX: usize = 10;

/// Writes the report.
pub(crate) fn write(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    headline(report, screen, out)?;
    sources(report, screen, out)?;
    quiet(report, screen, out)?;
    blind(report, screen, out)?;
    for kind in Discrepancy::ALL {
        discrepancies(report, kind, screen, out)?;
    }
    unsettled(report, screen, out)?;
    let digest =
        |digest: &lazaret_core::Digest| digest.to_string().chars().take(DIGEST_SHORT).collect::<String>();
    let footer = format!(
        "policy {}…  catalog {}…  lazaret {}  callers: {}  clocks within {}",
        digest(&report.policy),
        digest(&report.catalog),
        report.version,
        report.callers,
        count(report.tolerance_seconds.into(), "second", "seconds"),
    );
    writeln!(out, "{}", screen.paint(Ink::Faint, &footer))
}

fn headline(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let held = &report.held;
    let logs: usize = report.sources.iter().map(|source| source.logs.len()).sum();
    let title = format!(
        "{} against {}",
        count(number(logs), "log", "logs"),
        count(
            report.records.iter().map(|record| record.decisions).sum(),
            "recorded decision",
            "recorded decisions"
        )
    );
    writeln!(out, "{}", screen.paint(Ink::Heading, &title))?;
    writeln!(out)?;
    let wrong = report.discrepancies.iter().filter(|one| one.counts()).map(|one| one.calls).sum::<u64>();
    let found = match wrong {
        0 => "Nothing that was seen went past a decision.".to_owned(),
        wrong => format!("Calls and decisions disagree {}.", count(wrong, "time", "times")),
    };
    let counts = format!(
        "{} read; {} bear a decision, {} of sensors are accounted for by one, {} stopped, {} to hosts that the policy leaves open.",
        count(held.read, "call is", "calls are"),
        thousands(held.decided),
        thousands(held.accounted),
        thousands(held.stopped),
        thousands(held.open),
    );
    let quiet = "A quiet source is not a clean one.";
    for line in wrap(&format!("{found} {counts} {quiet}"), screen.width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

fn sources(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Read"))?;
    let between = |first: &Option<String>, last: &Option<String>| match (first, last) {
        (Some(first), Some(last)) => format!(", {} to {}", minute(first), minute(last)),
        _ => String::new(),
    };
    for source in &report.sources {
        for input in &source.logs {
            let line = format!(
                "{}  {}, {}: {}, {}{}",
                plain(&input.name),
                role(source),
                input.log_format,
                count(input.lines, "line", "lines"),
                count(input.calls, "call", "calls"),
                between(&input.first, &input.last),
            );
            writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
            for fault in faults(input) {
                writeln!(out, "    {}", screen.paint(Ink::Warning, &fault))?;
            }
        }
    }
    for record in &report.records {
        let line = format!(
            "{}  record: {}{}",
            plain(&record.name),
            count(record.decisions, "decision", "decisions"),
            between(&record.first, &record.last),
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
        for fault in &record.not_understood {
            let lines = count(fault.count, "line", "lines");
            let fault = format!(
                "{lines} not understood: {} (first: line {})",
                fault.fault,
                thousands(fault.first_line)
            );
            writeln!(out, "    {}", screen.paint(Ink::Warning, &fault))?;
        }
        if let Some(why) = &record.cut_short {
            let fault = format!("not read to its end: {}", plain(why));
            writeln!(out, "    {}", screen.paint(Ink::Warning, &fault))?;
        }
    }
    writeln!(out)
}

fn role(source: &SourceReport) -> &'static str {
    match source.role {
        SourceRole::Point => "enforcement point",
        SourceRole::Sensor => "sensor",
    }
}

fn quiet(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let is_quiet = |source: &&SourceReport| !source.quiet.is_empty() || source.clock.is_some();
    if !report.sources.iter().any(|source| is_quiet(&source)) {
        return Ok(());
    }
    let title = format!("Quiet for {} and more", count(report.quiet_minutes.into(), "minute", "minutes"));
    writeln!(out, "  {}", screen.paint(Ink::Heading, &title))?;
    for source in report.sources.iter().filter(is_quiet) {
        for quiet in source.quiet.iter().take(QUIET_MAX) {
            let others = if quiet.others_wrote { "; others wrote" } else { "" };
            let line = format!(
                "{}  {} to {}, {}{others}",
                plain(&source.name),
                minute(&quiet.from),
                minute(&quiet.until),
                count(u64::try_from(quiet.minutes).unwrap_or(0), "minute", "minutes"),
            );
            writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
        }
        if source.quiet.len() > QUIET_MAX {
            writeln!(out, "  … and {}", count(number(source.quiet.len() - QUIET_MAX), "more", "more"))?;
        }
        if let Some(why) = source.clock {
            writeln!(out, "  {}  {why}", plain(&source.name))?;
        }
    }
    writeln!(out)
}

fn blind(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if report.blind.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Not looked for"))?;
    let wide = report.blind.iter().map(|blind| blind.kind.as_str().len()).max().unwrap_or(0);
    for blind in &report.blind {
        let line = format!("{}  {}", pad(blind.kind.as_str(), wide), plain(&blind.why));
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    writeln!(out)
}

fn discrepancies(
    report: &ReconciliationReport,
    kind: Discrepancy,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found: Vec<&DiscrepancyReport> = report.discrepancies.iter().filter(|one| one.kind == kind).collect();
    if found.is_empty() {
        return Ok(());
    }
    let calls = count(found.iter().map(|one| one.calls).sum(), "call", "calls");
    let title = format!("{kind}: {}", kind.title());
    writeln!(out, "  {}  {}", screen.paint(Ink::Heading, &title), screen.paint(Ink::Faint, &calls))?;
    let wide = |text: fn(&DiscrepancyReport) -> String| {
        found.iter().take(SHOWN_MAX).map(|one| columns(&text(one))).max().unwrap_or(0)
    };
    let (host_width, caller_width) = (wide(host), wide(caller));
    for one in found.iter().take(SHOWN_MAX) {
        let line = format!(
            "{}  {}  {}  {}",
            one.hour.as_deref().map_or_else(|| "no time       ".to_owned(), hour),
            pad(&caller(one), caller_width),
            pad(&host(one), host_width),
            what(one)
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    if found.len() > SHOWN_MAX {
        writeln!(out, "  … and {}", count(number(found.len() - SHOWN_MAX), "more", "more"))?;
    }
    for line in wrap(kind.help(), screen.width.saturating_sub(4)) {
        writeln!(out, "    {}", screen.paint(Ink::Faint, &line))?;
    }
    writeln!(out)
}

fn host(one: &DiscrepancyReport) -> String {
    plain(&one.host).into_owned()
}

fn caller(one: &DiscrepancyReport) -> String {
    one.caller.as_deref().map_or_else(|| "nobody named".to_owned(), |caller| plain(caller).into_owned())
}

fn what(one: &DiscrepancyReport) -> String {
    let outcome = match one.outcome {
        Outcome::Passed => ", passed",
        Outcome::Blocked => ", stopped",
        Outcome::Unstated => "",
    };
    let stated = |number: Option<u64>, way: &str| {
        number.map_or_else(String::new, |number| format!(", {} {way}", bytes(number)))
    };
    let beyond =
        one.beyond_seconds.map_or_else(String::new, |seconds| format!("{} too long, ", span(seconds)));
    let exemption =
        one.exemption.as_ref().map_or_else(String::new, |name| format!("under {}, ", plain(name)));
    format!(
        "{beyond}{exemption}{} {}{outcome}{}{}",
        count(one.calls, "call", "calls"),
        one.extent,
        stated(one.sent, "up"),
        stated(one.received, "down"),
    )
}

/// Returns a length of time with the unit that keeps it short.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => count(seconds, "second", "seconds"),
        120..7200 => count(seconds / 60, "minute", "minutes"),
        _ => count(seconds / 3600, "hour", "hours"),
    }
}

fn unsettled(report: &ReconciliationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let is_empty = report.unsettled.is_empty() && report.held.without_line == 0;
    if is_empty {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Nothing can be said of"))?;
    for unsettled in &report.unsettled {
        let line = format!(
            "{} {} ({} line {})",
            count(unsettled.lines, "call", "calls"),
            unsettled.why.meaning(),
            plain(&unsettled.first_line.input),
            thousands(unsettled.first_line.line),
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    if report.held.without_line > 0 {
        let decisions = count(report.held.without_line, "decision", "decisions");
        writeln!(out, "  {decisions} that no line of an enforcement point bears")?;
    }
    writeln!(out)
}
