//! Streams of a model's shape: much context up, an answer that trickles down; a hint and nothing more.

use std::collections::BTreeMap;

use lazaret_core::{TrafficFact, Visibility};

use super::{Caller, Calls, LinePlace};

/// An answer takes some seconds to be written; a page or a call of an ordinary interface takes less.
const SECONDS_MIN: u64 = 3;
/// Servers of models cut a stream off after some minutes; what lasts longer is a socket that is kept open.
const SECONDS_MAX: u64 = 30 * 60;
/// A coding agent sends its instructions and the files it read with every request.
const SENT_MIN: u64 = 16 * 1024;
/// More than this is a transfer of files.
const SENT_MAX: u64 = 64 * 1024 * 1024;
/// The frames of a streamed answer alone exceed this.
const RECEIVED_MIN: u64 = 2 * 1024;
/// The greeting of a server and its certificates take three to five kilobytes of what a tunnel or a flow brings.
const GREETED_MIN: u64 = 6 * 1024;
/// The longest answers are some hundred kilobytes of text; with frames around each token some megabytes.
const RECEIVED_MAX: u64 = 8 * 1024 * 1024;
/// Text is written at no more than a few hundred tokens a second; frames make that about 50 kB a second.
const RECEIVED_PER_SECOND_MAX: u64 = 64 * 1024;

/// How many callers make a host common: its streams say nothing then.
pub const RARE_CALLERS_MAX: usize = 5;
/// How many streams one host must have before it is told.
pub const RARE_STREAMS_MIN: u64 = 10;
/// How many hosts are remembered. Beyond that the detector gives up, and says so.
pub const RARE_HOSTS_MAX: usize = 200_000;

/// Returns whether the call has the shape of a request to a model and its streamed answer.
///
/// Other things have that shape too: builds that report their progress, dashboards, remote shells.
#[must_use]
pub fn is_stream(fact: &TrafficFact<'_>) -> bool {
    let (Some(duration), Some(sent), Some(received)) = (fact.duration, fact.sent, fact.received) else {
        return false;
    };
    let seconds = duration / 1_000_000;
    let greeted = if fact.visibility == Visibility::Http { 0 } else { GREETED_MIN };
    (SECONDS_MIN..=SECONDS_MAX).contains(&seconds)
        && (SENT_MIN..=SENT_MAX).contains(&sent)
        && (RECEIVED_MIN + greeted..=RECEIVED_MAX).contains(&received)
        && received / seconds.max(1) <= RECEIVED_PER_SECOND_MAX
}

/// Hosts with such streams, by who calls them.
#[derive(Debug, Clone, Default)]
pub struct RareStreams {
    hosts: BTreeMap<Box<str>, Host>,
    overflowed: bool,
}

#[derive(Debug, Clone)]
enum Host {
    /// More callers than [`RARE_CALLERS_MAX`]: nothing more is kept of them.
    Common,
    Rare(BTreeMap<Caller, Calls>),
}

impl RareStreams {
    /// Notes a stream to a host that the catalog does not know.
    pub fn note(&mut self, host: &str, fact: &TrafficFact<'_>, place: LinePlace) {
        let calls = BTreeMap::from([(Caller::of(fact), Calls::of(fact, place))]);
        self.put(host.into(), Host::Rare(calls));
    }

    /// Adds what was noted elsewhere; the order does not matter.
    pub fn add(&mut self, other: Self) {
        self.overflowed |= other.overflowed;
        for (name, host) in other.hosts {
            self.put(name, host);
        }
    }

    /// Whether there were too many hosts, so that nothing can be said.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Returns who streamed to a host that few call: by host, then by caller.
    #[must_use]
    pub fn rare(self) -> Vec<(Box<str>, Caller, Calls)> {
        if self.overflowed {
            return Vec::new();
        }
        let mut rare = Vec::new();
        for (name, host) in self.hosts {
            let Host::Rare(callers) = host else { continue };
            if callers.values().map(|calls| calls.count()).sum::<u64>() < RARE_STREAMS_MIN {
                continue;
            }
            rare.extend(callers.into_iter().map(|(caller, calls)| (name.clone(), caller, calls)));
        }
        rare
    }

    fn put(&mut self, name: Box<str>, host: Host) {
        if self.overflowed {
            return;
        }
        let known = self.hosts.entry(name).or_insert_with(|| Host::Rare(BTreeMap::new()));
        known.add(host);
        if self.hosts.len() > RARE_HOSTS_MAX {
            self.overflowed = true;
            self.hosts.clear();
        }
    }
}

impl Host {
    fn add(&mut self, other: Self) {
        let (Self::Rare(callers), Self::Rare(others)) = (&mut *self, other) else {
            *self = Self::Common;
            return;
        };
        for (caller, calls) in others {
            callers.entry(caller).and_modify(|known| known.add(&calls)).or_insert(calls);
        }
        if callers.len() > RARE_CALLERS_MAX {
            *self = Self::Common;
        }
    }
}
