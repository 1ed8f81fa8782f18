//! The report of a reconciliation, `lazaret.egress-reconciliation/1`.

use std::fmt;

use lazaret_core::{Digest, Outcome, Visibility};
use lazaret_evidence::traffic::Extent;
use schemars::JsonSchema;
use serde::Serialize;

use crate::egress::report::{FaultReport, InputReport, LineReport};

/// The value of the report's `format` field.
pub const RECONCILIATION_FORMAT: &str = "lazaret.egress-reconciliation/1";

/// What logs of traffic and decisions say differently, and when nothing could be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReconciliationReport {
    /// Always `lazaret.egress-reconciliation/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog, the policy's own additions included.
    pub catalog: Digest,
    /// How callers are named: `numbered` (good within this report alone) or `pseudonyms`.
    pub callers: &'static str,
    /// By how many seconds clocks may differ.
    pub tolerance_seconds: u32,
    /// From how many minutes without a line on a source is called quiet.
    pub quiet_minutes: u32,
    /// The beginning of the time that was looked at: as asked for, or of the first call that any log tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Where the logs come from; those of one program, cut by day or size, are one source.
    pub sources: Vec<SourceReport>,
    /// The records of decisions.
    pub records: Vec<RecordReport>,
    /// What was held against what.
    pub held: HeldCounts,
    /// What could not be looked for, and why.
    pub blind: Vec<BlindKind>,
    /// What was told, by hour, kind, endpoint, host and caller.
    pub discrepancies: Vec<DiscrepancyReport>,
    /// Calls of which nothing can be said, by why.
    pub unsettled: Vec<UnsettledReport>,
}

impl ReconciliationReport {
    /// Whether sensors saw calls that should be accounted for, enforcement points bear decisions, and none of the one
    /// fits any of the other: more likely they know callers by different addresses than that nobody went through.
    #[must_use]
    pub fn joins_nothing(&self) -> bool {
        let is_bypass = |one: &DiscrepancyReport| one.kind == Discrepancy::Bypass;
        self.held.accounted == 0 && self.held.decided > 0 && self.discrepancies.iter().any(is_bypass)
    }
}

/// What a source of logs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceRole {
    /// It asks for decisions and carries them out.
    Point,
    /// It only sees traffic.
    Sensor,
}

/// Logs of one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceReport {
    /// Its name: that of its logs, without what tells one day or number from another.
    pub name: String,
    /// What it is.
    pub role: SourceRole,
    /// Its logs.
    pub logs: Vec<InputReport>,
    /// Times in which it told of no call. What happened then is in none of its logs.
    pub quiet: Vec<QuietReport>,
    /// Why its quiet times cannot be told, where they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<&'static str>,
}

/// A time in which a source told of no call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuietReport {
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub until: String,
    /// How many minutes.
    pub minutes: i64,
    /// Whether another source told of calls meanwhile.
    pub others_wrote: bool,
}

/// A record of decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordReport {
    /// Its name as given.
    pub name: String,
    /// Its lines.
    pub lines: u64,
    /// Lines that are decisions.
    pub decisions: u64,
    /// Lines that are none.
    pub not_understood: Vec<FaultReport>,
    /// When the first decision was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Why it was not read to its end, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
}

/// What was held against what. Lines, and decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldCounts {
    /// Lines that state a call.
    pub read: u64,
    /// Lines of calls to catalogued hosts that the policy leaves open: nothing more was looked at.
    pub open: u64,
    /// Lines of calls that were stopped.
    pub stopped: u64,
    /// Lines of enforcement points that bear a decision.
    pub decided: u64,
    /// Lines of sensors that a decision accounts for.
    pub accounted: u64,
    /// Recorded decisions that no line of an enforcement point bears: the call is under way, or its line is missing.
    pub without_line: u64,
}

/// What logs and decisions say differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Discrepancy {
    /// A sensor saw a call about which no enforcement point asked.
    Bypass,
    /// An enforcement point let a call pass about which it did not ask.
    Undecided,
    /// A call was denied, and made.
    DespiteDenial,
    /// A call was let pass by an answer that was no longer valid.
    KeptTooLong,
    /// A tunnel that was opened under an exemption went on after the exemption's end.
    OutlivedExemption,
}

impl Discrepancy {
    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::Bypass, Self::Undecided, Self::DespiteDenial, Self::KeptTooLong, Self::OutlivedExemption];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Undecided => "undecided",
            Self::DespiteDenial => "despite-denial",
            Self::KeptTooLong => "kept-too-long",
            Self::OutlivedExemption => "outlived-exemption",
        }
    }

    /// Returns what it says, in a few words for a title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Bypass => "call past the enforcement points",
            Self::Undecided => "call that an enforcement point let pass without asking",
            Self::DespiteDenial => "call that was denied, and made",
            Self::KeptTooLong => "call let pass by an answer that was no longer valid",
            Self::OutlivedExemption => "tunnel that outlived its exemption",
        }
    }

    /// Returns what to look at first.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Bypass => "find the way out that does not lead through an enforcement point, and close it",
            Self::Undecided => {
                "look for a rule that lets calls pass before the service is asked, and for times when it was gone"
            }
            Self::DespiteDenial => "look at how the enforcement point carries denials out",
            Self::KeptTooLong => "give the time for which answers are kept: `ttl=30` and `grace=0` in Squid",
            Self::OutlivedExemption => {
                "limit how long tunnels last: `client_lifetime` in Squid, `max_connection_duration` in Envoy"
            }
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A kind of discrepancy that could not be looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct BlindKind {
    /// The kind.
    pub kind: Discrepancy,
    /// Why.
    pub why: String,
}

/// What is told about the calls of one caller to one host in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiscrepancyReport {
    /// Its name within the report.
    pub id: String,
    /// The kind.
    pub kind: Discrepancy,
    /// What it says, in a few words.
    pub title: &'static str,
    /// The row of the catalog.
    pub endpoint: String,
    /// Whose service it is.
    pub provider: String,
    /// The product, as people call it.
    pub product: String,
    /// The host in its normal form, or the address.
    pub host: String,
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
    /// Bytes from the caller, as far as the log states them.
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
    /// The exemption that covered all of them when they were made, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// By how many seconds the longest went on too long, or the oldest answer was too old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_seconds: Option<u64>,
    /// The first line.
    pub first_line: LineReport,
    /// The last line.
    pub last_line: LineReport,
}

impl DiscrepancyReport {
    /// Whether something happened that should not have: all but calls that an exemption covered, and of which only the
    /// decision is missing.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self.kind {
            Discrepancy::Bypass | Discrepancy::Undecided => self.exemption.is_none(),
            Discrepancy::DespiteDenial | Discrepancy::KeptTooLong | Discrepancy::OutlivedExemption => true,
        }
    }
}

/// Why nothing can be said of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unsettled {
    /// A name was asked for, and no call followed that a log shows.
    LookedUp,
    /// Its line states no time that can be read.
    NoTime,
    /// A decision was made about such a call at that time, and no line says about whose.
    DecisionWithoutLine,
    /// An enforcement point told of nothing at that time.
    PointQuiet,
    /// It may be under way still: points write a tunnel down when it ends, and their logs end soon after it began.
    MayBeOpen,
    /// Its line bears a decision that no record has, although records of that time were given.
    NotRecorded,
}

impl Unsettled {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LookedUp => "looked-up",
            Self::NoTime => "no-time",
            Self::DecisionWithoutLine => "decision-without-line",
            Self::PointQuiet => "point-quiet",
            Self::MayBeOpen => "may-be-open",
            Self::NotRecorded => "not-recorded",
        }
    }

    /// Returns what it means, as the rest of a sentence that begins with a number of calls.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::LookedUp => "asked for a name alone, and no enforcement point tells of a call",
            Self::NoTime => "without a time that can be read",
            Self::DecisionWithoutLine => "when a decision was made about somebody's, and no line says whose",
            Self::PointQuiet => "when an enforcement point told of nothing",
            Self::MayBeOpen => "that may be under way still, so that no enforcement point has written of it",
            Self::NotRecorded => "with a decision that no record has",
        }
    }
}

/// Calls of which nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnsettledReport {
    /// Why.
    pub why: Unsettled,
    /// How many lines.
    pub lines: u64,
    /// When the first was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The first of them.
    pub first_line: LineReport,
}
