//! `egress scan --keep` and `egress findings`: what of a look at logs is recorded in a store, and what it has of them.
//!
//! A recorded finding says no more than the report: pseudonyms in the place of callers, no line, no log's name. It is the
//! same finding whatever log and scan shows it; of several looks, it keeps the most that any of them saw, so that neither
//! the order of scans nor logs that overlap change what is recorded.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use lazaret_core::{Digest, FindingsId, Outcome, Response, Visibility};
use lazaret_evidence::traffic::{Extent, Precision};
use lazaret_store::{
    Actor, Aggregate, Finding, FindingBatch, FindingId, FindingQuery, FindingRow, Found, Key, LookedAt,
    Recorded, StoreError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reconcile::{DiscrepancyReport, ReconciliationReport};
use super::report::{EgressReport, FindingReport, InputReport};
use crate::house::House;

/// The name of the format of lists of findings.
pub const FINDING_LIST_FORMAT: &str = "lazaret.egress-findings/1";

/// Findings of a store, the oldest first; those whose time is not known come last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingList {
    /// Always `lazaret.egress-findings/1`.
    pub format: &'static str,
    /// The store's name.
    pub store: String,
    /// The time that they were looked at.
    pub time: String,
    /// The findings.
    pub findings: Vec<FindingSheet>,
}

/// A recorded finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingSheet {
    /// Its name: the same for the same caller, host, hour and detector.
    pub finding: String,
    /// The entry of the ledger that recorded it.
    pub entry: u64,
    /// The last day on which it is kept, in UTC, by the policy that the store works under.
    pub kept_until: String,
    /// What was found.
    #[serde(flatten)]
    pub kept: KeptFinding,
}

/// What is recorded of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptFinding {
    /// The detector of `egress scan`, or the kind of discrepancy of `egress reconcile`.
    pub detector: String,
    /// What it tells, in a few words.
    pub title: String,
    /// What it asks for by default: `block`, `alert` or `score`. For so long it is kept as the policy says of that.
    pub class: Response,
    /// How far the detector can be believed; absent for discrepancies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// The row of the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whose service it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The product, as people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The host in its normal form, or the address; absent where many hosts were called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The pseudonym of who called; absent where the log names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// What kind of name stands behind it: `user`, `device`, `address` or `unnamed`.
    pub caller_kind: String,
    /// The hour in UTC; absent where the time is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<String>,
    /// When the first call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// How many calls the look saw that saw the most: so many there were at least.
    pub calls: u64,
    /// Bytes from the caller, likewise; absent where no log states any.
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
    /// By how many seconds the longest went on too long, or the oldest answer was too old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_seconds: Option<u64>,
}

impl KeptFinding {
    fn of_scan(finding: &FindingReport) -> Self {
        Self {
            detector: finding.detector.to_string(),
            title: finding.title.to_owned(),
            class: finding.response,
            precision: Some(finding.precision),
            endpoint: finding.endpoint.clone(),
            provider: finding.provider.clone(),
            product: finding.product.clone(),
            host: finding.host.clone(),
            caller: finding.caller.clone(),
            caller_kind: finding.caller_kind.to_owned(),
            hour: finding.hour.clone(),
            first: finding.first.clone(),
            last: finding.last.clone(),
            calls: finding.calls,
            sent: finding.sent,
            received: finding.received,
            extent: finding.extent,
            visibility: finding.visibility,
            outcome: finding.outcome,
            decided: finding.decided,
            exemption: finding.exemption.clone(),
            beyond_seconds: None,
        }
    }

    /// What should not have happened asks to be stopped; what an exemption covered asks for a look.
    fn of_reconciliation(one: &DiscrepancyReport) -> Self {
        Self {
            detector: one.kind.to_string(),
            title: one.title.to_owned(),
            class: if one.counts() { Response::Block } else { Response::Alert },
            precision: None,
            endpoint: Some(one.endpoint.clone()),
            provider: Some(one.provider.clone()),
            product: Some(one.product.clone()),
            host: Some(one.host.clone()),
            caller: one.caller.clone(),
            caller_kind: one.caller_kind.to_owned(),
            hour: one.hour.clone(),
            first: one.first.clone(),
            last: one.last.clone(),
            calls: one.calls,
            sent: one.sent,
            received: one.received,
            extent: one.extent,
            visibility: one.visibility,
            outcome: one.outcome,
            decided: 0,
            exemption: one.exemption.clone(),
            beyond_seconds: one.beyond_seconds,
        }
    }

    /// Returns what tells it from every other finding: all that calls are gathered by.
    fn identity(&self) -> FindingId {
        let outcome = match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Blocked => "blocked",
            Outcome::Unstated => "unstated",
        };
        let texts = [&self.endpoint, &self.host, &self.caller, &self.hour, &self.exemption];
        let texts = texts.into_iter().map(|text| text.as_deref().unwrap_or_default());
        let words = [self.detector.as_str(), self.caller_kind.as_str(), outcome].into_iter().chain(texts);
        FindingId::of(Digest::of_parts(words.map(str::as_bytes)))
    }

    /// Takes from another look at the same calls whatever it saw more of.
    fn add(&mut self, seen: &Self) {
        let first =
            [self.first.clone(), seen.first.clone()].into_iter().flatten().min_by_key(|time| moment(time));
        let last =
            [self.last.clone(), seen.last.clone()].into_iter().flatten().max_by_key(|time| moment(time));
        (self.first, self.last) = (first, last);
        self.calls = self.calls.max(seen.calls);
        self.sent = self.sent.max(seen.sent);
        self.received = self.received.max(seen.received);
        self.extent = self.extent.max(seen.extent);
        self.visibility = self.visibility.max(seen.visibility);
        self.decided = self.decided.max(seen.decided);
        self.beyond_seconds = self.beyond_seconds.max(seen.beyond_seconds);
    }

    fn record(&self) -> Result<Finding, serde_json::Error> {
        Ok(Finding {
            finding: self.identity(),
            class: self.class,
            detector: self.detector.clone(),
            hour: self.hour.as_deref().and_then(moment),
            body: serde_json::to_string(self)?,
        })
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Says what is to be recorded of a finding that was recorded before: what is known of it now, where that is more.
fn revise(recorded: &str, seen: &str) -> Option<String> {
    let (Ok(recorded), Ok(seen)) =
        (serde_json::from_str::<KeptFinding>(recorded), serde_json::from_str::<KeptFinding>(seen))
    else {
        // What another version wrote stands as it is.
        return None;
    };
    let mut more = recorded.clone();
    more.add(&seen);
    if more == recorded { None } else { serde_json::to_string(&more).ok() }
}

/// What is to be recorded of a report: the findings, and how much was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepable {
    catalog: Digest,
    looked_at: LookedAt,
    findings: Vec<KeptFinding>,
}

impl From<&EgressReport> for Keepable {
    fn from(report: &EgressReport) -> Self {
        Self {
            catalog: report.catalog,
            looked_at: looked_at(report.inputs.iter()),
            findings: report.findings.iter().map(KeptFinding::of_scan).collect(),
        }
    }
}

impl From<&ReconciliationReport> for Keepable {
    fn from(report: &ReconciliationReport) -> Self {
        Self {
            catalog: report.catalog,
            looked_at: looked_at(report.sources.iter().flat_map(|source| &source.logs)),
            findings: report.discrepancies.iter().map(KeptFinding::of_reconciliation).collect(),
        }
    }
}

fn looked_at<'r>(inputs: impl Iterator<Item = &'r InputReport>) -> LookedAt {
    let mut looked_at = LookedAt::default();
    for input in inputs {
        looked_at.logs += 1;
        looked_at.calls += input.calls;
        looked_at.not_understood += input.not_understood.iter().map(|fault| fault.count).sum::<u64>();
    }
    looked_at
}

/// Records findings in a store. Callers must be there under pseudonyms.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    house: &House,
    actor: &Actor,
    keepable: &Keepable,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let findings = keepable.findings.iter().map(KeptFinding::record);
    let findings = findings.collect::<Result<_, _>>().map_err(|_unwritable| StoreError::Bug)?;
    let found = Found { catalog: keepable.catalog, looked_at: keepable.looked_at, findings, revise };
    house.store.record_findings(actor, found, now).await
}

/// Which findings to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// What the detector asks for.
    pub class: Option<Response>,
    /// The detector, or the kind of discrepancy.
    pub detector: Option<String>,
    /// Calls from then on, and those whose time is not known.
    pub since: Option<Timestamp>,
}

/// Lists the findings of a store.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn finding_list(
    house: &House,
    filter: &FindingFilter,
    now: Timestamp,
) -> Result<FindingList, StoreError> {
    let mut batches = Batches::of(house);
    let FindingFilter { class, detector, since } = filter.clone();
    let mut query = FindingQuery { class, detector, since, after: None };
    let mut findings = Vec::new();
    loop {
        let page = house.store.database().findings(&query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some((last.finding.hour, last.finding.finding));
        for row in &page {
            findings.extend(batches.sheet(row).await?);
        }
    }
    let store = house.charter.name.clone();
    Ok(FindingList { format: FINDING_LIST_FORMAT, store, time: now.to_string(), findings })
}

/// Returns one finding; `None` where there is no such one, or there is no longer.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn finding_sheet(house: &House, id: FindingId) -> Result<Option<FindingSheet>, StoreError> {
    let rows = house.store.database().last_findings(&[id]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Batches::of(house).sheet(row).await
}

/// The batches that findings were recorded with, each looked up once.
struct Batches<'h> {
    house: &'h House,
    known: BTreeMap<FindingsId, FindingBatch>,
}

impl<'h> Batches<'h> {
    fn of(house: &'h House) -> Self {
        Self { house, known: BTreeMap::new() }
    }

    /// Returns a finding as it is shown; `None` for one that was deleted meanwhile.
    async fn sheet(&mut self, row: &FindingRow) -> Result<Option<FindingSheet>, StoreError> {
        let batch = match self.known.get(&row.batch) {
            Some(batch) => batch,
            None => match self.house.store.get(Key::Findings(row.batch)).await? {
                Some(Aggregate::Findings(batch)) => self.known.entry(row.batch).or_insert(batch),
                Some(_) | None => return Err(StoreError::Stray),
            },
        };
        if batch.deleted.is_some() {
            return Ok(None);
        }
        let kept = serde_json::from_str(&row.finding.body).map_err(|_unreadable| StoreError::Stray)?;
        let days = self.house.charter.basis.terms.retention.days(row.finding.class);
        let kept_until = last_day(batch.recorded.day, days).to_string();
        let (finding, entry) = (row.finding.finding.to_string(), batch.entry);
        Ok(Some(FindingSheet { finding, entry, kept_until, kept }))
    }
}

fn last_day(day: Date, days: u32) -> Date {
    Span::new().try_days(days).map_or(Date::MAX, |days| day.saturating_add(days))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    use super::*;

    fn looks() -> impl Strategy<Value = KeptFinding> {
        let bytes = || proptest::option::of(0_u64..9);
        let extent = prop_oneof![Just(Extent::LookedUp), Just(Extent::Connected), Just(Extent::Exchanged)];
        let times = proptest::option::of((0_i64..60, 0_i64..60));
        let all = (1_u64..9, bytes(), bytes(), extent, 0..Visibility::ALL.len(), 0_u64..3, times);
        all.prop_map(|(calls, sent, received, extent, visibility, decided, times)| {
            let time = |minute: i64| Timestamp::from_second(minute * 60).unwrap().to_string();
            KeptFinding {
                detector: "inference-host".to_owned(),
                title: "call".to_owned(),
                class: Response::Block,
                precision: Some(Precision::Exact),
                endpoint: None,
                provider: None,
                product: None,
                host: Some("api.rival.example".to_owned()),
                caller: Some("p1-00".to_owned()),
                caller_kind: "user".to_owned(),
                hour: Some(time(0)),
                first: times.map(|(one, other)| time(one.min(other))),
                last: times.map(|(one, other)| time(one.max(other))),
                calls,
                sent,
                received,
                extent,
                visibility: Visibility::ALL[visibility],
                outcome: Outcome::Passed,
                decided,
                exemption: None,
                beyond_seconds: None,
            }
        })
    }

    /// Records looks one after another, as the store does.
    fn recorded(looks: &[KeptFinding]) -> KeptFinding {
        let written: Vec<String> = looks.iter().map(|look| serde_json::to_string(look).unwrap()).collect();
        let mut kept = written[0].clone();
        for seen in &written {
            kept = revise(&kept, seen).unwrap_or(kept);
        }
        serde_json::from_str(&kept).unwrap()
    }

    proptest! {
        /// Logs may be scanned in any order, again, and in parts that overlap.
        #[test]
        fn what_is_recorded_does_not_depend_on_the_order_of_looks(
            mut looks in proptest::collection::vec(looks(), 1..6),
        ) {
            let once = recorded(&looks);
            looks.reverse();
            prop_assert_eq!(&recorded(&looks), &once);
            let again: Vec<KeptFinding> = looks.iter().chain(&looks).cloned().collect();
            prop_assert_eq!(&recorded(&again), &once);
            for seen in &looks {
                let written = [&once, seen].map(|one| serde_json::to_string(one).unwrap());
                prop_assert_eq!(revise(&written[0], &written[1]), None, "it was recorded already");
            }
        }
    }

    #[test]
    fn a_finding_is_named_by_all_that_calls_are_gathered_by() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let one = looks().new_tree(&mut runner).unwrap().current();
        let changes: [fn(&mut KeptFinding); 8] = [
            |one| one.detector = "hidden-name".to_owned(),
            |one| one.endpoint = Some("x".to_owned()),
            |one| one.host = None,
            |one| one.caller = Some("p1-01".to_owned()),
            |one| one.caller_kind = "address".to_owned(),
            |one| one.hour = None,
            |one| one.outcome = Outcome::Blocked,
            |one| one.exemption = Some("E7".to_owned()),
        ];
        for (nth, change) in changes.iter().enumerate() {
            let mut other = one.clone();
            change(&mut other);
            assert_ne!(other.identity(), one.identity(), "change {nth}");
        }
        let mut more = one.clone();
        more.calls += 1;
        assert_eq!(more.identity(), one.identity());
    }
}
