//! Relayed tools: callers that showed a tool and not its service are looked at a second time, for streams elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lazaret_core::{Outcome, TrafficFact};

use super::presence::{Presence, PresenceKey};
use super::streams::is_stream;
use super::{Caller, Calls, FindingKey, LinePlace, TrafficDetector, Watched, hour_of};

/// Callers that are looked at again, and what they stream to.
#[derive(Debug, Clone)]
pub struct Relays {
    /// Those that showed a tool whose service they did not use.
    suspects: Arc<BTreeMap<PresenceKey, Presence>>,
    /// The same by caller, for the question whether a line is of interest.
    callers: Arc<BTreeSet<Caller>>,
    streams: BTreeMap<(PresenceKey, Box<str>), Calls>,
    /// Whether any call of theirs was logged with its bytes and its duration, so that a stream could be seen.
    measured: bool,
}

impl Relays {
    /// Takes over who is to be looked at again.
    #[must_use]
    pub fn new(watched: &mut Watched) -> Self {
        let suspects = std::mem::take(&mut watched.presences).unused();
        let callers = suspects.keys().map(|key| key.caller.clone()).collect();
        Self {
            suspects: Arc::new(suspects),
            callers: Arc::new(callers),
            streams: BTreeMap::new(),
            measured: false,
        }
    }

    /// Whether nobody is to be looked at, so that the logs need not be read again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.suspects.is_empty()
    }

    /// Returns the same question without the answers so far, for another reader.
    #[must_use]
    pub fn unanswered(&self) -> Self {
        Self {
            suspects: Arc::clone(&self.suspects),
            callers: Arc::clone(&self.callers),
            streams: BTreeMap::new(),
            measured: false,
        }
    }

    /// Whether a stream could have been seen: a call of theirs was logged with its bytes both ways and its duration.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    /// Adds what another reader found; the order does not matter.
    pub fn add(&mut self, other: Self) {
        self.measured |= other.measured;
        for (key, calls) in other.streams {
            self.streams.entry(key).and_modify(|known| known.add(&calls)).or_insert(calls);
        }
    }

    /// Notes a call to a host that the catalog does not know and that is not the house's own.
    pub fn note(&mut self, host: &str, fact: &TrafficFact<'_>, place: LinePlace) {
        let caller = Caller::of(fact);
        if fact.outcome == Outcome::Blocked || !self.callers.contains(&caller) {
            return;
        }
        self.measured |= fact.duration.is_some() && fact.sent.is_some() && fact.received.is_some();
        if !is_stream(fact) {
            return;
        }
        let first = PresenceKey { caller: caller.clone(), provider: 0, day: None };
        let near = self.suspects.range(first..).take_while(|(key, _)| key.caller == caller);
        let near: Vec<PresenceKey> =
            near.filter(|(_, presence)| presence.is_near(fact.time)).map(|(key, _)| key.clone()).collect();
        for key in near {
            let calls = Calls::of(fact, place);
            self.streams.entry((key, host.into())).and_modify(|known| known.add(&calls)).or_insert(calls);
        }
    }
}

/// Adds to the findings what follows from calls taken together: relayed and silent tools, rare streams.
///
/// `relays` is absent where the logs could not be read a second time; a tool is called silent then.
pub fn conclude(watched: &mut Watched, relays: Relays) {
    let Relays { suspects, streams, .. } = relays;
    let mut relayed: BTreeSet<&PresenceKey> = BTreeSet::new();
    for ((key, host), calls) in &streams {
        relayed.insert(key);
        let row = suspects.get(key).and_then(|presence| presence.rows.first().copied());
        put(watched, TrafficDetector::RelayedTool, row, host, &key.caller, calls);
    }
    for (key, presence) in suspects.iter() {
        // Where another detector tells of the models' calls, nothing is silent.
        if !relayed.contains(key) && !presence.told {
            let row = presence.rows.first().copied();
            put(watched, TrafficDetector::SilentTool, row, "", &key.caller, &presence.signs);
        }
    }
    for (host, caller, calls) in std::mem::take(&mut watched.streams).rare() {
        put(watched, TrafficDetector::RareStream, None, &host, &caller, &calls);
    }
}

fn put(
    watched: &mut Watched,
    detector: TrafficDetector,
    endpoint: Option<u32>,
    host: &str,
    caller: &Caller,
    calls: &Calls,
) {
    let key = FindingKey {
        hour: hour_of(calls.first),
        detector,
        endpoint,
        host: host.into(),
        caller: caller.clone(),
        outcome: Outcome::Unstated,
        exemption: None,
    };
    watched.findings.entry(key).and_modify(|known| known.add(calls)).or_insert(*calls);
}
