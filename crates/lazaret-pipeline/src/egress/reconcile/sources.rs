//! Sources: the logs of one program, cut by day or size, taken together; and when they told of nothing.

use std::sync::OnceLock;

use lazaret_evidence::traffic::{Activity, Quiet};

use super::report::{QuietReport, SourceReport, SourceRole};
use crate::egress::report::{InputReport, moment};

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;

/// The logs of one program.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) role: SourceRole,
    logs: Vec<InputReport>,
    activity: Activity,
    /// Its first and last minute, once they were asked for.
    span: OnceLock<Option<(i64, i64)>>,
    /// Its quiet times between them, likewise.
    quiet: OnceLock<Vec<Quiet>>,
}

/// Adds a log to the source it belongs to.
pub(super) fn add_log(sources: &mut Vec<Source>, role: SourceRole, log: InputReport, activity: &Activity) {
    let name = source_name(&log.name);
    let source = match sources.iter_mut().position(|source| source.role == role && source.name == name) {
        Some(at) => sources.get_mut(at),
        None => {
            sources.push(Source {
                name,
                role,
                logs: Vec::new(),
                activity: Activity::default(),
                span: OnceLock::new(),
                quiet: OnceLock::new(),
            });
            sources.last_mut()
        }
    };
    if let Some(source) = source {
        source.logs.push(log);
        source.activity.add(activity);
    }
}

impl Source {
    /// Returns the first and the last minute of its lines. All of its logs have been added by then.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        *self.span.get_or_init(|| self.activity.span())
    }

    /// Whether it told of calls around a minute: one between its first and its last line, and not within a quiet time.
    /// `least` is the same each time.
    pub(super) fn told_at(&self, minute: i64, least: i64) -> bool {
        let Some((first, last)) = self.span() else { return false };
        let quiet = self.quiet.get_or_init(|| self.activity.quiet(first, last, least));
        (first..=last).contains(&minute) && !quiet.iter().any(|quiet| quiet.contains(minute))
    }
}

/// Writes sources down, with the times in which they told of nothing.
pub(super) fn source_reports(
    sources: Vec<Source>,
    window: Option<(i64, i64)>,
    least: i64,
) -> Vec<SourceReport> {
    let quiet_of = |at: usize, source: &Source| {
        let Some(window) = window.filter(|_| !source.activity.overflowed()) else { return Vec::new() };
        let others = || sources.iter().enumerate().filter(move |(other, _)| *other != at);
        let report = |quiet: &Quiet| QuietReport {
            from: moment(quiet.from.saturating_mul(MINUTE)),
            until: moment(quiet.until.saturating_mul(MINUTE)),
            minutes: quiet.until - quiet.from,
            others_wrote: others().any(|(_, other)| other.activity.wrote_in(*quiet)),
        };
        source.activity.quiet(window.0, window.1, least).iter().map(report).collect()
    };
    let quiet: Vec<_> = sources.iter().enumerate().map(|(at, source)| quiet_of(at, source)).collect();
    let mut reports: Vec<SourceReport> = sources
        .into_iter()
        .zip(quiet)
        .map(|(source, quiet)| SourceReport {
            clock: source
                .activity
                .overflowed()
                .then_some("its calls are of more than twenty years, so that its clock cannot be believed"),
            name: source.name,
            role: source.role,
            logs: source.logs,
            quiet,
        })
        .collect();
    reports.sort_by(|one, other| (one.role, &one.name).cmp(&(other.role, &other.name)));
    reports
}

/// Returns the name of the source of a log: its own, without what tells one day or number from another and how it is
/// compressed.
fn source_name(log: &str) -> String {
    let (folders, file) = log.rsplit_once('/').map_or(("", log), |(folders, file)| (folders, file));
    let is_compression = |part: &str| matches!(part, "gz" | "zst" | "bz2" | "xz");
    let mut parts: Vec<String> = Vec::new();
    for part in file.split('.') {
        if !is_number(part) && !is_compression(part) {
            parts.push(without_date(part).to_owned());
        }
    }
    let name = parts.join(".");
    let folders: Vec<&str> = folders.split('/').filter(|folder| !is_day(folder)).collect();
    match (folders.join("/"), name) {
        (_, name) if name.is_empty() => log.to_owned(),
        (folders, name) if folders.is_empty() && !log.starts_with('/') => name,
        (folders, name) => format!("{folders}/{name}"),
    }
}

/// Whether a part of a name is a number, a day or a time alone.
fn is_number(part: &str) -> bool {
    part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'_' | b'T' | b'Z'))
}

/// Whether the name of a folder is a day, as `2026-11-02` or `20261102`.
fn is_day(folder: &str) -> bool {
    let digits = folder.bytes().filter(u8::is_ascii_digit).count();
    digits == 8 && is_number(folder)
}

/// Returns a part of a name without a day at its end, as in `log-20261102`.
fn without_date(part: &str) -> &str {
    match part.rsplit_once('-') {
        Some((name, date)) if date.len() >= 8 && is_number(date) => name,
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_one_program_have_one_name() {
        for (log, name) in [
            ("access.log", "access.log"),
            ("access.log.1", "access.log"),
            ("access.log.12.gz", "access.log"),
            ("/var/log/squid/access.log-20261102.zst", "/var/log/squid/access.log"),
            ("zeek/2026-11-02/conn.09:00:00-10:00:00.log.gz", "zeek/conn.log"),
            ("zeek/conn.2026-11-02-09-00-00.log", "zeek/conn.log"),
            ("proxy-1/access.log", "proxy-1/access.log"),
            ("proxy-2/access.log", "proxy-2/access.log"),
            ("10.20.0.1/access.log", "10.20.0.1/access.log"),
            ("10.20.0.2/access.log", "10.20.0.2/access.log"),
            ("standard input", "standard input"),
            ("20261102.gz", "20261102.gz"),
        ] {
            assert_eq!(source_name(log), name, "{log}");
        }
    }
}
