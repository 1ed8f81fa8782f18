//! The report of a look at traffic logs, `lazaret.egress-report/1`: what was read, what was told, and where it was blind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lazaret_core::{Digest, Endpoint, Outcome, Response, Visibility};
use lazaret_evidence::traffic::{
    Caller, Calls, Extent, FindingKey, HOUR, LinePlace, Precision, TrafficDetector,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::callers::Names;

/// The value of the report's `format` field.
pub const EGRESS_REPORT_FORMAT: &str = "lazaret.egress-report/1";

/// What logs of traffic show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EgressReport {
    /// Always `lazaret.egress-report/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog, the policy's own additions included.
    pub catalog: Digest,
    /// How callers are named: `numbered` (good within this report alone) or `pseudonyms`.
    pub callers: &'static str,
    /// The logs, by name.
    pub inputs: Vec<InputReport>,
    /// Calls, of all logs.
    pub calls: CallCounts,
    /// Detectors that could not see all they need, and why.
    pub blind: Vec<Blind>,
    /// What was told, by hour, detector, endpoint, host and caller.
    pub findings: Vec<FindingReport>,
    /// The findings by hour.
    pub timeline: Vec<TimelineHour>,
}

/// One log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InputReport {
    /// Its name as given.
    pub name: String,
    /// Its format.
    pub log_format: String,
    /// Lines, or records where the format has no lines.
    pub lines: u64,
    /// Lines that state a call.
    pub calls: u64,
    /// Lines that state none and are understood: headers, other kinds of event, blank lines.
    pub other: u64,
    /// Lines that could not be understood, by what is wrong with them. Nothing is known of their calls.
    pub not_understood: Vec<FaultReport>,
    /// Calls without a time that could be read.
    pub without_time: u64,
    /// When the first call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// What its lines show of calls.
    pub visibility: BTreeSet<Visibility>,
    /// Why the log was not read to its end, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
}

/// Lines that could not be understood for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FaultReport {
    /// The reason.
    pub fault: String,
    /// How many lines.
    pub count: u64,
    /// The first of them.
    pub first_line: u64,
}

/// How many calls were told of, and how many were counted and forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallCounts {
    /// Lines that state a call.
    pub read: u64,
    /// Calls that a finding counts; one that two findings count is counted twice.
    pub told: u64,
}

/// A detector that could not see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Blind {
    /// The detector.
    pub detector: TrafficDetector,
    /// Why.
    pub why: String,
}

/// What one detector tells about the calls of one caller to one host in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Its name within the report.
    pub id: String,
    /// The detector.
    pub detector: TrafficDetector,
    /// What it tells, in a few words.
    pub title: &'static str,
    /// How far it can be believed.
    pub precision: Precision,
    /// What it asks for by default.
    pub response: Response,
    /// The row of the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whose service it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The product, as people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The tools that call it by themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The host in its normal form, or the address; absent where many hosts were called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Who called: a number of this report, or a pseudonym; absent where the log names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// What kind of name stands behind it: `user`, `device`, `address` or `unnamed`.
    pub caller_kind: &'static str,
    /// The hour in UTC; absent where the time is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<String>,
    /// When the first call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// Bytes from the caller, as far as the log states them; absent where it states none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Bytes to the caller, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// How far the call that went farthest went.
    pub extent: Extent,
    /// The most that was seen of any of them.
    pub visibility: Visibility,
    /// What the equipment did.
    pub outcome: Outcome,
    /// How many of the calls bear the id of one of our decisions.
    pub decided: u64,
    /// The exemption that covers all of them, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// The first line.
    pub first_line: LineReport,
    /// The last line.
    pub last_line: LineReport,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LineReport {
    /// The log.
    pub input: String,
    /// The line, from 1.
    pub line: u64,
}

/// One hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineHour {
    /// The hour in UTC.
    pub hour: String,
    /// Calls that are told of, by detector.
    pub calls: BTreeMap<TrafficDetector, u64>,
    /// How many callers.
    pub callers: u64,
}

/// A finding with all that was gathered, before it is written down.
pub(super) type Gathered = (FindingKey, Calls, Option<String>);

/// Writes findings down in one order, whatever the order they were gathered in.
pub(super) fn findings(
    mut gathered: Vec<Gathered>,
    endpoints: &[Endpoint],
    inputs: &[String],
    names: &Names,
) -> Vec<FindingReport> {
    let endpoint_of = |key: &FindingKey| endpoints.get(usize::try_from(key.endpoint?).ok()?);
    gathered.sort_by(|(one, one_calls, _), (other, other_calls, _)| {
        let order = |key: &FindingKey| (key.hour, key.detector, endpoint_of(key).map(|row| row.id.clone()));
        order(one)
            .cmp(&order(other))
            .then_with(|| one.host.cmp(&other.host))
            .then_with(|| (one_calls.first, one_calls.last).cmp(&(other_calls.first, other_calls.last)))
            .then_with(|| one_calls.first_line.cmp(&other_calls.first_line))
            .then_with(|| one.cmp(other))
    });
    let line = |place: LinePlace| LineReport {
        input: usize::try_from(place.input)
            .ok()
            .and_then(|input| inputs.get(input))
            .cloned()
            .unwrap_or_default(),
        line: place.line,
    };
    let written = gathered.into_iter().enumerate().map(|(index, (key, calls, exemption))| {
        let endpoint = endpoint_of(&key);
        FindingReport {
            id: format!("f{}", index + 1),
            detector: key.detector,
            title: key.detector.title(),
            precision: key.detector.precision(),
            response: key.detector.response(),
            endpoint: endpoint.map(|row| row.id.to_string()),
            provider: endpoint.map(|row| row.provider.to_string()),
            product: endpoint.map(|row| row.product.clone()),
            tools: endpoint
                .map(|row| row.tools.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            host: (!key.host.is_empty()).then(|| key.host.to_string()),
            caller: names.of(&key.caller, key.hour),
            caller_kind: key.caller.kind(),
            hour: key.hour.map(hour),
            first: calls.first.map(moment),
            last: calls.last.map(moment),
            calls: calls.count(),
            sent: calls.sent,
            received: calls.received,
            extent: calls.extent,
            visibility: calls.visibility,
            outcome: key.outcome,
            decided: calls.decided,
            exemption,
            first_line: line(calls.first_line),
            last_line: line(calls.last_line),
        }
    });
    written.collect()
}

/// Counts findings by hour.
pub(super) fn timeline(gathered: &[Gathered]) -> Vec<TimelineHour> {
    let mut hours: BTreeMap<i64, (BTreeMap<TrafficDetector, u64>, BTreeSet<&Caller>)> = BTreeMap::new();
    for (key, calls, _) in gathered {
        let Some(hour) = key.hour else { continue };
        let (by_detector, callers) = hours.entry(hour).or_default();
        *by_detector.entry(key.detector).or_default() += calls.count();
        callers.insert(&key.caller);
    }
    let hours = hours.into_iter().map(|(number, (calls, callers))| TimelineHour {
        hour: hour(number),
        calls,
        callers: u64::try_from(callers.len()).unwrap_or(u64::MAX),
    });
    hours.collect()
}

/// Writes a time as RFC 3339, to the second or finer as it is known.
pub(super) fn moment(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds).map_or_else(|_| String::new(), |time| time.to_string())
}

fn hour(number: i64) -> String {
    moment(number.saturating_mul(HOUR))
}
