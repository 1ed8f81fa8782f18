//! `egress reconcile`: holds logs of traffic against the decisions that were made.
//!
//! Sources: records of decisions, logs of enforcement points, logs of sensors. Evidence: what each says about a call.
//! Verdict: a decision accounts for it, it went past the enforcement points, or nothing can be said. Action and ledger:
//! none; what matches nothing is counted and forgotten. Everything that is gathered is a set, a sum or a union of times,
//! so that no order of lines or logs changes what is told.

mod calls;
mod points;
mod recorded;
mod report;
mod sensors;
mod sources;

use lazaret_core::{AddressRange, Visibility};
use lazaret_evidence::Catalog;
use lazaret_evidence::traffic::{Activity, HOUR, LinePlace};
use lazaret_traffic::{Counts, Reading, TrafficError};

pub use recorded::DECISION_FORMAT;
pub use report::{
    BlindKind, Discrepancy, DiscrepancyReport, HeldCounts, QuietReport, RECONCILIATION_FORMAT,
    ReconciliationReport, RecordReport, SourceReport, SourceRole, Unsettled, UnsettledReport,
};

use self::calls::{Ground, Told};
use self::points::{Gathered, PointWatch};
pub(super) use self::recorded::Records;
use self::sensors::{Account, SensorWatch};
use self::sources::{Source, add_log, source_reports};
use super::callers::{Names, Naming};
use super::leave::Leave;
use super::logs::{Log, LogError, Progress, Span, input_report, read_log};
use super::report::{LineReport, moment};
use crate::report::VERSION;

/// What to hold against what.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct ReconcileRequest<'a> {
    /// Logs of the enforcement points, ordered by name.
    pub points: Vec<Log<'a>>,
    /// Logs of what only sees traffic, ordered by name.
    pub sensors: Vec<Log<'a>>,
    /// Records of decisions, ordered by name.
    pub records: Vec<Log<'a>>,
    /// The policy and the exemptions.
    pub leave: &'a Leave,
    /// The catalog.
    pub catalog: &'a Catalog,
    /// How callers are named.
    pub naming: &'a Naming,
    /// By how many seconds clocks may differ.
    pub tolerance_seconds: u32,
    /// From how many minutes without a line on a source is called quiet.
    pub quiet_minutes: u32,
    /// The beginning of the time in which sources should have told of calls, and its end, in microseconds since
    /// 1970-01-01 UTC; the first and the last call otherwise.
    pub window: (Option<i64>, Option<i64>),
    /// Addresses behind which several callers stand: an enforcement point's own, or one of a network that translates.
    pub shared: &'a [AddressRange],
    /// How many threads to use.
    pub n_threads: usize,
    /// Told of each log before it is read, with its name.
    pub progress: &'a mut Progress<'a>,
}

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;

/// Holds logs against decisions.
///
/// # Errors
/// [`LogError`] where a log cannot be opened or read at all; what could not be understood of it is in the report.
pub fn reconcile(request: ReconcileRequest<'_>) -> Result<ReconciliationReport, LogError> {
    let ReconcileRequest { mut points, mut sensors, mut records, leave, catalog, naming, .. } = request;
    let (tolerance_seconds, quiet_minutes) = (request.tolerance_seconds, request.quiet_minutes);
    let names: Vec<String> = points.iter().chain(&sensors).map(|log| log.name.clone()).collect();
    let (n_threads, progress) = (request.n_threads, request.progress);
    // sources, evidence
    let mut known = Records::default();
    let mut record_reports = Vec::new();
    for log in &mut records {
        progress(&log.name, false);
        record_reports.push(known.read(log)?);
    }
    let ground = Ground::new(catalog, leave, &known, tolerance_seconds, request.shared);
    let mut sources: Vec<Source> = Vec::new();
    let mut gathered = Gathered::default();
    for (input, log) in (0..).zip(&mut points) {
        progress(&log.name, false);
        read_point(&ground, log, input, n_threads, &mut gathered, &mut sources)?;
    }
    gathered.conclude();
    let n_points = points.len();
    let is_point = |source: &&Source| source.role == SourceRole::Point;
    let mut told = std::mem::take(&mut gathered.told);
    let mut sensor_sources: Vec<Source> = Vec::new();
    let point_sources: Vec<&Source> = sources.iter().filter(is_point).collect();
    let (account, without_line) = Account::new(&ground, &mut gathered, point_sources, quiet_minutes);
    told.counts.without_line = without_line;
    // verdict
    for (input, log) in (0..).zip(&mut sensors) {
        progress(&log.name, false);
        let input = u32::try_from(n_points).unwrap_or(u32::MAX).saturating_add(input);
        read_sensor(&ground, &account, log, input, n_threads, &mut told, &mut sensor_sources)?;
    }
    drop(account);
    sources.extend(sensor_sources);
    // action, ledger: none
    let window = window(&sources, request.window);
    let source_reports = source_reports(sources, window, i64::from(quiet_minutes));
    let (from, until) = window.unzip();
    let minute = |minute: i64| moment(minute.saturating_mul(MINUTE));
    let blind = blind_kinds(&source_reports, &record_reports, &gathered, leave);
    Ok(ReconciliationReport {
        format: RECONCILIATION_FORMAT,
        version: VERSION,
        policy: leave.policy().policy,
        catalog: catalog.digest(),
        callers: naming.as_str(),
        tolerance_seconds,
        quiet_minutes,
        from: from.map(minute),
        until: until.map(minute),
        sources: source_reports,
        records: record_reports,
        held: told.counts,
        blind,
        unsettled: unsettled(&told, &names),
        discrepancies: discrepancies(told, leave, catalog, naming, &names),
    })
}

fn read_point(
    ground: &Ground<'_>,
    log: &mut Log<'_>,
    input: u32,
    n_threads: usize,
    gathered: &mut Gathered,
    sources: &mut Vec<Source>,
) -> Result<(), LogError> {
    let begin = || PointWatch {
        ground: *ground,
        input,
        span: Span::default(),
        activity: Activity::default(),
        gathered: Gathered::default(),
    };
    let (mut span, mut activity) = (Span::default(), Activity::default());
    let reading = read_log(log, n_threads, begin, |watch| {
        span.add(&watch.span);
        activity.add(&watch.activity);
        gathered.add(watch.gathered);
    });
    let reading = or_empty(reading)?;
    add_log(sources, SourceRole::Point, input_report(&log.name, reading, &span), &activity);
    Ok(())
}

fn read_sensor(
    ground: &Ground<'_>,
    account: &Account<'_>,
    log: &mut Log<'_>,
    input: u32,
    n_threads: usize,
    told: &mut Told,
    sources: &mut Vec<Source>,
) -> Result<(), LogError> {
    let begin = || SensorWatch {
        ground: *ground,
        account,
        input,
        span: Span::default(),
        activity: Activity::default(),
        told: Told::default(),
    };
    let (mut span, mut activity) = (Span::default(), Activity::default());
    let reading = read_log(log, n_threads, begin, |watch| {
        span.add(&watch.span);
        activity.add(&watch.activity);
        told.add(watch.told);
    });
    let reading = or_empty(reading)?;
    add_log(sources, SourceRole::Sensor, input_report(&log.name, reading, &span), &activity);
    Ok(())
}

/// Takes a log without a line for what it is here: one of a source that was quiet.
fn or_empty(reading: Result<Reading, LogError>) -> Result<Reading, LogError> {
    match reading {
        Err(LogError::Read { source: TrafficError::Empty, .. }) => {
            Ok(Reading { format: "empty".to_owned(), counts: Counts::default(), broken: None })
        }
        reading => reading,
    }
}

/// Returns the time in which all sources should have told of calls: in minutes, the last excluded.
fn window(sources: &[Source], asked: (Option<i64>, Option<i64>)) -> Option<(i64, i64)> {
    let spans = || sources.iter().filter_map(Source::span);
    let from = asked.0.map(|from| from.div_euclid(MINUTE)).or_else(|| spans().map(|(first, _)| first).min());
    let until =
        asked.1.map(|until| until.div_euclid(MINUTE)).or_else(|| spans().map(|(_, last)| last + 1).max());
    from.zip(until)
}

/// Returns what could not be looked for.
fn blind_kinds(
    sources: &[SourceReport],
    records: &[RecordReport],
    gathered: &Gathered,
    leave: &Leave,
) -> Vec<BlindKind> {
    let of = |role: SourceRole| sources.iter().filter(move |source| source.role == role);
    let has_points = of(SourceRole::Point).next().is_some();
    let seen = of(SourceRole::Sensor).flat_map(|source| &source.logs).flat_map(|log| &log.visibility);
    let sees_calls = seen.into_iter().any(|visibility| *visibility != Visibility::Dns);
    let mut blind = Vec::new();
    let mut add = |kind, why: &str| blind.push(BlindKind { kind, why: why.to_owned() });
    if !sees_calls {
        add(Discrepancy::Bypass, "no log of a sensor shows calls: flow, sni, connect, http");
    }
    if !has_points {
        for kind in [Discrepancy::Undecided, Discrepancy::DespiteDenial, Discrepancy::KeptTooLong] {
            add(kind, "no log of an enforcement point was given");
        }
    } else if gathered.named.is_empty() {
        let why = "no line of an enforcement point bears the name of a decision: log it, as the guide says";
        add(Discrepancy::KeptTooLong, why);
    }
    if has_points && records.is_empty() {
        add(
            Discrepancy::DespiteDenial,
            "no record of decisions was given; only lines that say `blocked` are held against sensors",
        );
    }
    if !leave.has_exemptions() {
        add(Discrepancy::OutlivedExemption, "no exemption was ever approved in a store that was named");
    } else if has_points && !gathered.has_durations {
        add(Discrepancy::OutlivedExemption, "no line of an enforcement point says how long its call lasted");
    }
    blind.sort();
    blind
}

fn unsettled(told: &Told, names: &[String]) -> Vec<UnsettledReport> {
    let report = |(why, calls): (&Unsettled, &lazaret_evidence::traffic::Calls)| UnsettledReport {
        why: *why,
        lines: calls.whole + calls.begun + calls.ended,
        first: calls.first.map(moment),
        last: calls.last.map(moment),
        first_line: line(calls.first_line, names),
    };
    told.unsettled.iter().map(report).collect()
}

fn discrepancies(
    told: Told,
    leave: &Leave,
    catalog: &Catalog,
    naming: &Naming,
    names: &[String],
) -> Vec<DiscrepancyReport> {
    let mut found: Vec<_> = told.discrepancies.into_iter().collect();
    let callers = found.iter().map(|((_, key), (calls, _))| (&key.caller, (calls.first, calls.first_line)));
    let caller_names = Names::new(naming, callers);
    found.sort_by(|((one_kind, one), (one_calls, _)), ((other_kind, other), (other_calls, _))| {
        (one.hour, one_kind, &one.row, &one.host)
            .cmp(&(other.hour, other_kind, &other.row, &other.host))
            .then_with(|| (one_calls.first, one_calls.last).cmp(&(other_calls.first, other_calls.last)))
            .then_with(|| one_calls.first_line.cmp(&other_calls.first_line))
            .then_with(|| one.cmp(other))
    });
    let report =
        |(number, ((kind, key), (calls, beyond_seconds))): (usize, ((Discrepancy, calls::CallKey), _))| {
            let calls: lazaret_evidence::traffic::Calls = calls;
            let row = catalog.endpoints().row(&key.row);
            DiscrepancyReport {
                id: format!("d{number}"),
                kind,
                title: kind.title(),
                provider: row.map(|row| row.provider.to_string()).unwrap_or_default(),
                product: row.map(|row| row.product.clone()).unwrap_or_default(),
                endpoint: key.row.to_string(),
                host: key.host.into_string(),
                caller: caller_names.of(&key.caller, key.hour),
                caller_kind: key.caller.kind(),
                hour: key.hour.map(|hour| moment(hour.saturating_mul(HOUR))),
                first: calls.first.map(moment),
                last: calls.last.map(moment),
                calls: calls.count(),
                sent: calls.sent,
                received: calls.received,
                extent: calls.extent,
                visibility: calls.visibility,
                outcome: key.outcome,
                exemption: key.exemption.and_then(|number| leave.name(number)).map(str::to_owned),
                beyond_seconds,
                first_line: line(calls.first_line, names),
                last_line: line(calls.last_line, names),
            }
        };
    (1..).zip(found).map(report).collect()
}

fn line(place: LinePlace, names: &[String]) -> LineReport {
    let name = usize::try_from(place.input).ok().and_then(|input| names.get(input));
    LineReport { input: name.cloned().unwrap_or_default(), line: place.line }
}
