//! Calls as a reconciliation holds them: whom they are by, to what, and what enforcement would have said about them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lazaret_core::{AddressRange, Endpoint, EndpointId, Outcome, Permission, TrafficFact};
use lazaret_evidence::Catalog;
use lazaret_evidence::endpoints::{EndpointIndex, Host, HostBuffer, read_host};
use lazaret_evidence::traffic::{Caller, Calls, Cover, LinePlace, Spans, hour_of};
use lazaret_traffic::Glimpse;
use rustc_hash::FxHashMap;

use super::recorded::Records;
use super::report::{Discrepancy, HeldCounts, Unsettled};
use crate::egress::leave::Leave;

/// Everything that calls are held against, but what the enforcement points wrote.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) endpoints: &'a EndpointIndex,
    pub(super) leave: &'a Leave,
    pub(super) records: &'a Records,
    /// By how much clocks may differ, in microseconds.
    pub(super) tolerance: i64,
    /// Addresses behind which several callers stand.
    pub(super) shared: &'a [AddressRange],
}

/// By whom a call is joined with others: the address before the name, because every kind of log has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    Address(IpAddr),
    Name(Box<[u8]>),
    /// Nobody is named, or several stand behind the address: it may be anybody.
    Anybody,
}

/// To what a call is joined with others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    Host(Box<str>),
    /// Where no name is known: anything of a provider's.
    Provider(Box<str>),
}

/// A call to which the policy has something to say.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) who: Who,
    /// The names that were called.
    pub(super) hosts: Vec<Box<str>>,
    pub(super) providers: BTreeSet<Box<str>>,
    /// The rows that it matches.
    pub(super) rows: BTreeSet<EndpointId>,
    /// The number of the exemption that covered it when it was made.
    pub(super) exemption: Option<u32>,
    /// What is told about it.
    pub(super) key: CallKey,
    pub(super) calls: Calls,
}

/// What of a call makes it belong to others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CallKey {
    pub(super) hour: Option<i64>,
    pub(super) row: EndpointId,
    pub(super) host: Box<str>,
    pub(super) caller: Caller,
    pub(super) outcome: Outcome,
    pub(super) exemption: Option<u32>,
}

/// What a line is, before it is held against decisions.
pub(super) enum Reading {
    /// The policy leaves such calls open.
    Open,
    Held(Box<Held>),
}

impl Ground<'_> {
    /// Whether the catalog knows what is called; the rest is counted and forgotten.
    pub(super) fn knows(&self, glimpse: &Glimpse<'_>) -> bool {
        let mut buffer = HostBuffer::default();
        let mut knows = |written: &[u8]| {
            read_host(written, &mut buffer)
                .is_some_and(|host| !self.endpoints.read(host, glimpse.path).is_empty())
        };
        glimpse.host.is_some_and(&mut knows)
            || glimpse.sni.is_some_and(&mut knows)
            || glimpse.server.is_some_and(|server| !self.endpoints.address(server).is_empty())
    }

    /// Reads a line: what is called, and what enforcement would have said.
    pub(super) fn read(&self, fact: &TrafficFact<'_>, place: LinePlace) -> Reading {
        let mut hosts: Vec<Box<str>> = Vec::new();
        let mut named: Vec<&Endpoint> = Vec::new();
        let mut server = fact.server;
        for written in [fact.host, fact.sni].into_iter().flatten() {
            let mut buffer = HostBuffer::default();
            let Some(host) = read_host(written, &mut buffer) else { continue };
            match host {
                Host::Name(name) => {
                    named.extend(self.endpoints.read(host, fact.path).iter());
                    hosts.push(name.into());
                }
                // An address that was asked for is an address that was called.
                Host::Address(address) => server = server.or(Some(address)),
            }
        }
        hosts.dedup();
        if named.is_empty()
            && let Some(server) = server
        {
            named.extend(self.endpoints.address(server).iter());
        }
        named.sort_by(|one, other| one.id.cmp(&other.id));
        named.dedup_by(|one, other| one.id == other.id);
        let decision = self.leave.decision(&named, fact);
        let Some(rule) = decision.rule else { return Reading::Open };
        if decision.enforced == Permission::Allow && decision.exemption.is_none() {
            return Reading::Open;
        }
        let exemption = decision.exemption.as_deref().and_then(|name| self.leave.number_of(name));
        let shown = hosts.iter().find(|host| {
            let mut buffer = HostBuffer::default();
            let host = read_host(host.as_bytes(), &mut buffer);
            host.is_some_and(|host| {
                self.endpoints.read(host, fact.path).iter().any(|row| row.id == rule.endpoint)
            })
        });
        let address = || server.map(|address| address.to_canonical().to_string().into_boxed_str());
        let host = shown.cloned().or_else(address).unwrap_or_default();
        let key = CallKey {
            hour: hour_of(fact.time),
            row: rule.endpoint,
            host,
            caller: Caller::of(fact),
            outcome: fact.outcome,
            exemption,
        };
        Reading::Held(Box::new(Held {
            who: self.who(fact),
            hosts,
            providers: named.iter().map(|row| row.provider.as_str().into()).collect(),
            rows: named.iter().map(|row| row.id.clone()).collect(),
            exemption,
            key,
            calls: Calls::of(fact, place),
        }))
    }

    fn who(&self, fact: &TrafficFact<'_>) -> Who {
        let name = || fact.user.or(fact.device).map(|name| Who::Name(name.into()));
        match fact.client.map(|client| client.to_canonical()) {
            Some(client) if self.shared.iter().any(|range| range.contains(client)) => Who::Anybody,
            Some(client) => Who::Address(client),
            None => name().unwrap_or(Who::Anybody),
        }
    }

    /// Returns when the exemption of a number ended, in microseconds.
    pub(super) fn end_of(&self, exemption: u32) -> Option<i64> {
        Some(self.leave.end_of(exemption)?.as_microsecond())
    }
}

impl Held {
    /// Returns everything to which it may be joined.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> {
        let hosts = self.hosts.iter().cloned().map(Target::Host);
        hosts.chain(self.providers.iter().cloned().map(Target::Provider))
    }

    /// Returns that to which it has to be joined: a name where it has one.
    pub(super) fn sought(&self) -> Vec<Target> {
        if self.hosts.is_empty() {
            self.providers.iter().cloned().map(Target::Provider).collect()
        } else {
            self.hosts.iter().cloned().map(Target::Host).collect()
        }
    }
}

/// Of whose calls times are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// Of one caller's.
    Callers(Who),
    /// Of anybody's: where callers cannot be told apart, one accounts for another.
    Anybodys,
}

/// Times by whose calls and to what, gathered.
pub(super) type TimesOf = FxHashMap<(Whose, Target), Spans>;

/// Times by whose calls and to what, ready to be asked.
#[derive(Default)]
pub(super) struct Covers(FxHashMap<(Whose, Target), Cover>);

impl Covers {
    pub(super) fn of(times: TimesOf) -> Self {
        Self(times.into_iter().map(|(key, spans)| (key, spans.cover())).collect())
    }

    /// Whether a time is covered for a call: by its caller, or by somebody who may have been.
    pub(super) fn contain(&self, held: &Held, time: i64) -> bool {
        let by_caller = Whose::Callers(held.who.clone());
        let by_unnamed = Whose::Callers(Who::Anybody);
        let whose =
            if held.who == Who::Anybody { [Whose::Anybodys, by_unnamed] } else { [by_caller, by_unnamed] };
        held.sought().into_iter().any(|target| {
            whose.iter().any(|whose| {
                self.0.get(&(whose.clone(), target.clone())).is_some_and(|cover| cover.contains(time))
            })
        })
    }
}

/// Adds times to others.
pub(super) fn add_times(to: &mut TimesOf, from: TimesOf) {
    for (key, spans) in from {
        to.entry(key).or_default().add(spans);
    }
}

/// Notes a span for a call.
pub(super) fn note_times(to: &mut TimesOf, held: &Held, begin: i64, end: i64) {
    for target in held.targets() {
        for whose in [Whose::Callers(held.who.clone()), Whose::Anybodys] {
            to.entry((whose, target.clone())).or_default().put(begin, end);
        }
    }
}

/// What is told, and what is only counted. Two of them are put together in any order.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) discrepancies: FxHashMap<(Discrepancy, CallKey), (Calls, Option<u64>)>,
    pub(super) unsettled: BTreeMap<Unsettled, Calls>,
    pub(super) counts: HeldCounts,
}

impl Told {
    pub(super) fn tell(&mut self, kind: Discrepancy, held: &Held, beyond: Option<i64>) {
        let beyond = beyond.map(|beyond| u64::try_from(beyond / 1_000_000).unwrap_or(0));
        self.put(kind, held.key.clone(), held.calls, beyond);
    }

    pub(super) fn leave_open(&mut self, why: Unsettled, held: &Held) {
        let known = self.unsettled.entry(why);
        known.and_modify(|known| known.add(&held.calls)).or_insert(held.calls);
    }

    pub(super) fn add(&mut self, other: Self) {
        for ((kind, key), (calls, beyond)) in other.discrepancies {
            self.put(kind, key, calls, beyond);
        }
        for (why, calls) in other.unsettled {
            self.unsettled.entry(why).and_modify(|known| known.add(&calls)).or_insert(calls);
        }
        let HeldCounts { read, open, stopped, decided, accounted, without_line } = other.counts;
        self.counts.read += read;
        self.counts.open += open;
        self.counts.stopped += stopped;
        self.counts.decided += decided;
        self.counts.accounted += accounted;
        self.counts.without_line += without_line;
    }

    fn put(&mut self, kind: Discrepancy, key: CallKey, calls: Calls, beyond: Option<u64>) {
        let known = self.discrepancies.entry((kind, key));
        let known = known.and_modify(|(known, most)| {
            known.add(&calls);
            *most = (*most).max(beyond);
        });
        known.or_insert((calls, beyond));
    }
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        leave: &'a Leave,
        records: &'a Records,
        tolerance_seconds: u32,
        shared: &'a [AddressRange],
    ) -> Self {
        let tolerance = i64::from(tolerance_seconds) * 1_000_000;
        Self { endpoints: catalog.endpoints(), leave, records, tolerance, shared }
    }
}
