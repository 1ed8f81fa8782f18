//! Findings: what detectors state about calls, gathered by who called what in which hour.

use std::fmt;
use std::net::IpAddr;

use lazaret_core::{Outcome, Part, TrafficFact, Visibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrafficDetector;

/// Microseconds in an hour: findings are gathered by the hour, in UTC.
pub const HOUR: i64 = 3_600_000_000;

/// Where a line of a log stands. Ordered by file, then by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinePlace {
    /// The number of the file, in the order of the files' names.
    pub input: u32,
    /// The line, from 1; the record, where a format has no lines.
    pub line: u64,
}

/// Who called, as far as the log names anybody: the person before the device, the device before the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// A person, as the equipment knows them.
    User(Box<[u8]>),
    /// A device or workload.
    Device(Box<[u8]>),
    /// An address.
    Address(IpAddr),
    /// The line names nobody.
    Unnamed,
}

impl Caller {
    /// Returns who called by this line.
    #[must_use]
    pub fn of(fact: &TrafficFact<'_>) -> Self {
        if let Some(user) = fact.user {
            Self::User(user.into())
        } else if let Some(device) = fact.device {
            Self::Device(device.into())
        } else {
            fact.client.map_or(Self::Unnamed, |address| Self::Address(address.to_canonical()))
        }
    }

    /// Returns what kind of name it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Device(_) => "device",
            Self::Address(_) => "address",
            Self::Unnamed => "unnamed",
        }
    }

    /// Returns the name as bytes, the same for the same caller; empty where nobody is named.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::User(name) | Self::Device(name) => name.to_vec(),
            Self::Address(address) => address.to_string().into_bytes(),
            Self::Unnamed => Vec::new(),
        }
    }
}

/// How far a call went, as far as its log shows. Ordered: a look-up alone may be a browser's guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// A name was asked for.
    LookedUp,
    /// A connection was made, or tried.
    Connected,
    /// A request was seen, or more bytes than a greeting went out.
    Exchanged,
}

/// More bytes than this from the client are more than greetings: a TLS greeting with a post-quantum key share takes
/// about 2 kB, and a request of a model carries its context.
pub const GREETING_BYTES: u64 = 8 * 1024;

impl Extent {
    /// Returns how far the call of this line went.
    #[must_use]
    pub fn of(fact: &TrafficFact<'_>) -> Self {
        match fact.visibility {
            Visibility::Dns => Self::LookedUp,
            Visibility::Http => Self::Exchanged,
            Visibility::Flow | Visibility::Sni | Visibility::Connect => {
                if fact.sent.is_some_and(|sent| sent > GREETING_BYTES) {
                    Self::Exchanged
                } else {
                    Self::Connected
                }
            }
        }
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LookedUp => "looked-up",
            Self::Connected => "connected",
            Self::Exchanged => "exchanged",
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What makes two calls belong to the same finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey {
    /// The hour of the call since 1970-01-01 UTC; `None` where its time is not known.
    pub hour: Option<i64>,
    /// Which detector.
    pub detector: TrafficDetector,
    /// The row of the catalog, by its number there.
    pub endpoint: Option<u32>,
    /// The host in its normal form, or the address; never what a caller could put a secret in.
    pub host: Box<str>,
    /// Who called.
    pub caller: Caller,
    /// What the equipment did.
    pub outcome: Outcome,
    /// The exemption that covered the call when it was made, by its number in the list of who asked.
    pub exemption: Option<u32>,
}

/// What is known of the calls of one finding. Two of them are put together by [`Calls::add`], in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// Lines that tell of a whole call.
    pub whole: u64,
    /// Lines that tell of the beginning of a call alone.
    pub begun: u64,
    /// Lines that tell of the end of one.
    pub ended: u64,
    /// When the first began, in microseconds since 1970-01-01 UTC.
    pub first: Option<i64>,
    /// When the last began.
    pub last: Option<i64>,
    /// Bytes from the caller, of those calls whose log states them; `None` where none does.
    pub sent: Option<u64>,
    /// Bytes to the caller, likewise.
    pub received: Option<u64>,
    /// The most that was seen of any of them.
    pub visibility: Visibility,
    /// How far the one that went farthest went.
    pub extent: Extent,
    /// How many of them bear the id of a decision.
    pub decided: u64,
    /// The first line, by file and line.
    pub first_line: LinePlace,
    /// The last line.
    pub last_line: LinePlace,
}

impl Calls {
    /// Returns what one line shows.
    #[must_use]
    pub fn of(fact: &TrafficFact<'_>, place: LinePlace) -> Self {
        let is = |part| u64::from(fact.part == part);
        Self {
            whole: is(Part::Whole),
            begun: is(Part::Beginning),
            ended: is(Part::End),
            first: fact.time,
            last: fact.time,
            sent: fact.sent,
            received: fact.received,
            visibility: fact.visibility,
            extent: Extent::of(fact),
            decided: u64::from(fact.decision.is_some()),
            first_line: place,
            last_line: place,
        }
    }

    /// Returns how many calls there were. A beginning and an end are one call; where there are more of the one than of
    /// the other, some calls left one line alone.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.whole.saturating_add(self.begun.max(self.ended))
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.whole = self.whole.saturating_add(other.whole);
        self.begun = self.begun.saturating_add(other.begun);
        self.ended = self.ended.saturating_add(other.ended);
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        self.sent = sum(self.sent, other.sent);
        self.received = sum(self.received, other.received);
        self.visibility = self.visibility.max(other.visibility);
        self.extent = self.extent.max(other.extent);
        self.decided = self.decided.saturating_add(other.decided);
        self.first_line = self.first_line.min(other.first_line);
        self.last_line = self.last_line.max(other.last_line);
    }
}

/// Returns the sum of two numbers, of which either may be unknown.
fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (known, None) | (None, known) => known,
    }
}

/// Returns the earlier of two times, of which either may be unknown.
fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (known, None) | (None, known) => known,
    }
}

/// Returns the hour of a time.
#[must_use]
pub fn hour_of(time: Option<i64>) -> Option<i64> {
    time.map(|time| time.div_euclid(HOUR))
}
