//! The report of traffic logs for a person: what was read, where it was blind, what was told, and when.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lazaret_core::{Outcome, Response};
use lazaret_evidence::traffic::{Precision, TrafficDetector};
use lazaret_pipeline::egress::{EgressReport, FindingReport, InputReport};

use crate::screen::{Ink, Screen};
use crate::text::{columns, count, fit_start, pad, plain, thousands, wrap};

/// How many findings of one detector are shown; the rest is counted, and JSON has them all.
const FINDINGS_MAX: usize = 20;
/// How many hours of the timeline are shown.
const HOURS_MAX: usize = 48;
/// Columns of the longest bar of the timeline.
const BAR_COLUMNS: u64 = 24;
/// Columns of a digest's beginning that tell policies apart.
pub(super) const DIGEST_SHORT: usize = 19;

/// Writes the report.
pub(crate) fn write(report: &EgressReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    headline(report, screen, out)?;
    inputs(report, screen, out)?;
    blind(report, screen, out)?;
    for detector in TrafficDetector::ALL {
        findings(report, detector, screen, out)?;
    }
    timeline(report, screen, out)?;
    let digest =
        |digest: &lazaret_core::Digest| digest.to_string().chars().take(DIGEST_SHORT).collect::<String>();
    let footer = format!(
        "policy {}…  catalog {}…  lazaret {}  callers: {}",
        digest(&report.policy),
        digest(&report.catalog),
        report.version,
        report.callers
    );
    writeln!(out, "{}", screen.paint(Ink::Faint, &footer))
}

fn headline(report: &EgressReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let logs = match report.inputs.as_slice() {
        [input] => plain(&input.name).into_owned(),
        inputs => count(number(inputs.len()), "log", "logs"),
    };
    writeln!(out, "{}", screen.paint(Ink::Heading, &logs))?;
    writeln!(out)?;
    let told = report.calls.told;
    let found = match report.findings.len() {
        0 => "No call to a banned service was told of.".to_owned(),
        found => format!(
            "{} of {} told of, in {}.",
            thousands(told),
            if report.calls.read == 1 {
                "1 call is".to_owned()
            } else {
                format!("{} calls are", thousands(report.calls.read))
            },
            count(number(found), "finding", "findings")
        ),
    };
    let blind = "What a log does not show is not told: a quiet log is not a clean one.";
    for line in wrap(&format!("{found} {blind}"), screen.width) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

fn inputs(report: &EgressReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Read"))?;
    for input in &report.inputs {
        let between = match (&input.first, &input.last) {
            (Some(first), Some(last)) => format!(", {} to {}", minute(first), minute(last)),
            _ => String::new(),
        };
        let line = format!(
            "{}  {}: {}, {}{between}",
            plain(&input.name),
            input.log_format,
            count(input.lines, "line", "lines"),
            count(input.calls, "call", "calls"),
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
        for fault in faults(input) {
            writeln!(out, "    {}", screen.paint(Ink::Warning, &fault))?;
        }
    }
    writeln!(out)
}

/// Returns what could not be read of a log, in sentences.
pub(super) fn faults(input: &InputReport) -> Vec<String> {
    let mut faults: Vec<String> = input
        .not_understood
        .iter()
        .map(|fault| {
            format!(
                "{} not understood: {} (first: line {})",
                count(fault.count, "line", "lines"),
                plain(&fault.fault),
                thousands(fault.first_line)
            )
        })
        .collect();
    if input.without_time > 0 {
        faults.push(format!("{} without a time", count(input.without_time, "call", "calls")));
    }
    if let Some(why) = &input.cut_short {
        faults.push(format!("not read to its end: {}", plain(why)));
    }
    faults
}

fn blind(report: &EgressReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if report.blind.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "Not looked for"))?;
    let wide = report.blind.iter().map(|blind| blind.detector.as_str().len()).max().unwrap_or(0);
    for blind in &report.blind {
        let line = format!("{}  {}", pad(blind.detector.as_str(), wide), plain(&blind.why));
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    writeln!(out)
}

fn findings(
    report: &EgressReport,
    detector: TrafficDetector,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found: Vec<&FindingReport> =
        report.findings.iter().filter(|finding| finding.detector == detector).collect();
    if found.is_empty() {
        return Ok(());
    }
    let calls = found.iter().map(|finding| finding.calls).sum();
    let title = format!("{detector}: {}", detector.title());
    let kind = format!(
        "{}, {}; {}",
        match detector.precision() {
            Precision::Exact => "exact",
            Precision::Likely => "likely",
            Precision::Weak => "weak",
        },
        match detector.response() {
            Response::Block => "blocks",
            Response::Alert => "alerts",
            Response::Score => "only scores",
        },
        count(calls, "call", "calls"),
    );
    writeln!(out, "  {}  {}", screen.paint(Ink::Heading, &title), screen.paint(Ink::Faint, &kind))?;
    let wide = |text: fn(&FindingReport) -> String| {
        found.iter().take(FINDINGS_MAX).map(|finding| columns(&text(finding))).max().unwrap_or(0)
    };
    let (host_width, caller_width) = (wide(host), wide(caller));
    for finding in found.iter().take(FINDINGS_MAX) {
        let line = format!(
            "{}  {}  {}  {}",
            finding.hour.as_deref().map_or_else(|| "no time       ".to_owned(), hour),
            pad(&caller(finding), caller_width),
            pad(&host(finding), host_width),
            what(finding)
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    if found.len() > FINDINGS_MAX {
        writeln!(out, "  … and {}", count(number(found.len() - FINDINGS_MAX), "more", "more"))?;
    }
    writeln!(out)
}

fn host(finding: &FindingReport) -> String {
    finding.host.as_deref().map_or_else(|| "-".to_owned(), |host| plain(host).into_owned())
}

fn caller(finding: &FindingReport) -> String {
    finding.caller.as_deref().map_or_else(|| "nobody named".to_owned(), |caller| plain(caller).into_owned())
}

fn what(finding: &FindingReport) -> String {
    let outcome = match finding.outcome {
        Outcome::Passed => ", passed",
        Outcome::Blocked => ", blocked",
        Outcome::Unstated => "",
    };
    let exemption = finding.exemption.as_ref().map_or_else(String::new, |name| format!(", under {name}"));
    let stated = |number: Option<u64>, way: &str| {
        number.map_or_else(String::new, |number| format!(", {} {way}", bytes(number)))
    };
    let bytes = stated(finding.sent, "up") + &stated(finding.received, "down");
    let product =
        finding.product.as_ref().map_or_else(String::new, |product| format!("{}: ", plain(product)));
    format!(
        "{product}{} {}{outcome}{bytes}{exemption}",
        count(finding.calls, "call", "calls"),
        finding.extent
    )
}

fn timeline(report: &EgressReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if report.timeline.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", screen.paint(Ink::Heading, "By hour, UTC"))?;
    let total = |calls: &BTreeMap<TrafficDetector, u64>| calls.values().sum::<u64>();
    let most = report.timeline.iter().map(|hour| total(&hour.calls)).max().unwrap_or(0).max(1);
    let skipped = report.timeline.len().saturating_sub(HOURS_MAX);
    if skipped > 0 {
        writeln!(out, "  … {} before", count(number(skipped), "hour", "hours"))?;
    }
    for entry in report.timeline.iter().skip(skipped) {
        let calls = total(&entry.calls);
        let bar = (calls * BAR_COLUMNS).div_ceil(most).clamp(1, BAR_COLUMNS);
        let bar = "█".repeat(usize::try_from(bar).unwrap_or(1));
        let line = format!(
            "{}  {}  {}, {}",
            hour(&entry.hour),
            pad(&bar, usize::try_from(BAR_COLUMNS).unwrap_or(0)),
            count(calls, "call", "calls"),
            count(entry.callers, "caller", "callers")
        );
        writeln!(out, "  {}", fit_start(&line, screen.width.saturating_sub(2)))?;
    }
    writeln!(out)
}

/// Returns the hour of a time as RFC 3339 writes it: `2026-11-02 09h`.
pub(super) fn hour(time: &str) -> String {
    let hour: String = time.chars().take(13).map(|letter| if letter == 'T' { ' ' } else { letter }).collect();
    format!("{hour}h")
}

/// Returns a time to the minute: `2026-11-02 09:41`.
pub(super) fn minute(time: &str) -> String {
    time.chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

/// Returns a number of bytes with the unit that keeps it short.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| number >= *size) {
        Some((size, unit)) => format!("{}.{} {unit}", number / size, number % size * 10 / size),
        None => format!("{number} B"),
    }
}

pub(super) fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
