//! The watch: holds calls against the catalog and gathers what the detectors state, whatever the order of the calls.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hashbrown::HashMap;
use lazaret_core::{Endpoint, EndpointRole, Exclusivity, Outcome, ProviderId, TrafficFact, Visibility};
use rustc_hash::FxBuildHasher;

use super::evasion::Evasions;
use super::presence::{ModelUse, Presences, TINY_BYTES};
use super::shapes::Shapes;
use super::streams::{RareStreams, is_stream};
use super::{Caller, Calls, FindingKey, LinePlace, TrafficDetector, hour_of};

/// What the policy says of a row's provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is banned.
    Banned,
    /// It is approved, or not banned: only a wrong plan or account is told.
    Permitted,
}

/// What the policy permits, as far as calls show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permits {
    /// By provider, the accounts that are our own; a provider that is not here is asked for none.
    pub own: BTreeMap<ProviderId, Own>,
    /// Hosts of the house that serve approved models over the usual interfaces, in their normal form.
    pub hosts: BTreeSet<Box<str>>,
}

/// What was permitted when a call was made, and for whoever made it.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct Grants<'a> {
    /// Says which exemption covers the call to a row, if one does.
    pub exemption: &'a dyn Fn(u32) -> Option<u32>,
    /// Whether a way out of sight is in order, by its id and the host in its normal form.
    pub evasion: &'a dyn Fn(&str, Option<&str>) -> bool,
}

/// Our own accounts with a provider. An empty set asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Plans, as rows of the catalog name them.
    pub plans: BTreeSet<String>,
    /// Accounts or tenants, as logs state them.
    pub accounts: BTreeSet<Vec<u8>>,
}

/// A call with the rows of the catalog that it matches.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Call<'a> {
    /// What the line states.
    pub fact: &'a TrafficFact<'a>,
    /// Where the line stands.
    pub place: LinePlace,
    /// The host that was called, in its normal form: by name where the line has one, else by the TLS greeting.
    pub host: Option<&'a str>,
    /// Rows that the host (and the path, where the row has paths) matches.
    pub named: &'a [u32],
    /// The name in the TLS greeting in its normal form, where the line states a host beside it.
    pub greeted_host: Option<&'a str>,
    /// Rows that this name matches.
    pub greeted: &'a [u32],
    /// Rows that the called address matches.
    pub addressed: &'a [u32],
    /// What was permitted.
    pub grants: Grants<'a>,
}

/// What the detectors hold calls against.
#[derive(Debug, Clone)]
pub struct Watch {
    rows: Vec<Row>,
    providers: Vec<ProviderId>,
    banned: BTreeSet<ProviderId>,
    permits: Permits,
    shapes: Shapes,
    evasions: Evasions,
    scores: bool,
}

/// What the watch needs to know of a row.
#[derive(Debug, Clone)]
struct Row {
    provider: u32,
    standing: Standing,
    infers: bool,
    /// Whether nobody else is served there.
    exclusive: bool,
    /// Whether a call to it shows that a tool runs.
    shows_tool: bool,
    plan: Option<String>,
}

/// What was gathered. Two of them are put together by [`Watched::add`], in any order.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Findings of single calls.
    pub findings: HashMap<FindingKey, Calls, FxBuildHasher>,
    /// Tools that showed themselves.
    pub presences: Presences,
    /// Streams to unknown hosts; empty unless scores are asked for.
    pub streams: RareStreams,
}

impl Watch {
    /// Makes a watch over the rows of a catalog. `standing` says of each row whether calls to it are banned, and
    /// `is_banned` of a provider whether it is.
    #[must_use]
    pub fn new(
        endpoints: &[Endpoint],
        standing: impl Fn(&Endpoint) -> Standing,
        is_banned: impl Fn(&ProviderId) -> bool,
        permits: Permits,
        shapes: Shapes,
        evasions: Evasions,
        scores: bool,
    ) -> Self {
        let providers: BTreeSet<&ProviderId> = endpoints.iter().map(|endpoint| &endpoint.provider).collect();
        let providers: Vec<ProviderId> = providers.into_iter().cloned().collect();
        let rows = endpoints.iter().map(|endpoint| {
            let number = providers.binary_search(&endpoint.provider).unwrap_or_default();
            let tells_tool = matches!(
                endpoint.role,
                EndpointRole::Auth | EndpointRole::Telemetry | EndpointRole::Download
            );
            let exclusive = endpoint.exclusivity == Exclusivity::Exclusive;
            Row {
                provider: u32::try_from(number).unwrap_or(u32::MAX),
                standing: standing(endpoint),
                infers: endpoint.role == EndpointRole::Inference && exclusive,
                exclusive,
                shows_tool: tells_tool && exclusive && !endpoint.tools.is_empty(),
                plan: endpoint.plan.clone(),
            }
        });
        let rows = rows.collect();
        let banned = shapes.providers().filter(|provider| is_banned(provider)).cloned();
        Self { rows, banned: banned.collect(), providers, permits, shapes, evasions, scores }
    }

    /// The providers of the rows, by the numbers that presences use.
    #[must_use]
    pub fn providers(&self) -> &[ProviderId] {
        &self.providers
    }

    /// Whether a call to a host without any row could be told by the host alone.
    #[must_use]
    pub fn knows_name(&self, host: &[u8]) -> bool {
        self.evasions.by_name(host).is_some()
    }

    /// Whether a request to this path could be told, whatever its host.
    #[must_use]
    pub fn knows_path(&self, path: &[u8]) -> bool {
        self.shapes.may_match(path)
    }

    /// Whether a call to this port could be told, whatever its host.
    #[must_use]
    pub fn knows_port(&self, port: Option<u16>) -> bool {
        Evasions::is_port(port)
    }

    /// Whether streams to unknown hosts are scored, so that every call is of interest.
    #[must_use]
    pub fn scores(&self) -> bool {
        self.scores
    }

    /// Whether the host serves models for the house.
    #[must_use]
    pub fn is_ours(&self, host: &str) -> bool {
        self.permits.hosts.contains(host)
    }

    /// Notes a call.
    pub fn note(&self, call: &Call<'_>, watched: &mut Watched) {
        let named = self.note_rows(call, watched);
        let greeted = self.note_greeting(call, watched);
        if !named && !greeted {
            self.note_address(call, watched);
        }
        if call.named.is_empty() && call.greeted.is_empty() {
            self.note_unknown(call, watched);
        }
    }

    /// Notes what the host's rows show; whether a banned provider's models were called by name.
    fn note_rows(&self, call: &Call<'_>, watched: &mut Watched) -> bool {
        let mut called = false;
        for (number, row) in self.rows_of(call.named) {
            match row.standing {
                Standing::Banned => {
                    if row.infers {
                        called = true;
                        tell(TrafficDetector::InferenceHost, Some(number), call.host, call, watched);
                    }
                    if row.infers || row.shows_tool {
                        self.note_presence(number, row, call, watched);
                    }
                }
                Standing::Permitted => {
                    if self.is_foreign(row, call.fact) {
                        tell(TrafficDetector::PersonalPlan, Some(number), call.host, call, watched);
                    }
                }
            }
        }
        called
    }

    /// Notes a banned provider in the TLS greeting where another host was asked for.
    fn note_greeting(&self, call: &Call<'_>, watched: &mut Watched) -> bool {
        let mut hidden = false;
        for (number, row) in self.rows_of(call.greeted) {
            if row.standing == Standing::Banned && row.infers && !call.named.contains(&number) {
                hidden = true;
                tell(TrafficDetector::HiddenName, Some(number), call.greeted_host, call, watched);
                self.note_presence(number, row, call, watched);
            }
        }
        hidden
    }

    /// Notes a banned provider's address that was called under no name of that provider's.
    fn note_address(&self, call: &Call<'_>, watched: &mut Watched) {
        let asked = call.host.filter(|host| host.parse::<IpAddr>().is_ok()).map(str::to_owned);
        let server = asked.or_else(|| Some(call.fact.server?.to_canonical().to_string()));
        for (number, row) in self.rows_of(call.addressed) {
            if row.standing == Standing::Banned {
                let detector = match row.exclusive {
                    true => TrafficDetector::ProviderAddress,
                    // A network announces more than the service.
                    false => TrafficDetector::ProviderNetwork,
                };
                tell(detector, Some(number), server.as_deref(), call, watched);
                if row.infers {
                    self.note_presence(number, row, call, watched);
                }
            }
        }
    }

    /// Notes what a call to a host without rows shows.
    fn note_unknown(&self, call: &Call<'_>, watched: &mut Watched) {
        let Some(host) = call.host else {
            let server = call.fact.server.map(|address| address.to_canonical().to_string());
            match (self.evasions.by_port(call.fact), server.as_deref()) {
                (Some(id), server) if !(call.grants.evasion)(id, None) => {
                    tell(TrafficDetector::ControlEvasion, None, server, call, watched);
                }
                // Where a log knows no names, an address is the host.
                (None, Some(server)) if self.scores && call.addressed.is_empty() && is_stream(call.fact) => {
                    watched.streams.note(server, call.fact, call.place);
                }
                _ => {}
            }
            return;
        };
        if self.is_ours(host) {
            return;
        }
        if let Some((id, host)) = self.evasion_of(host, call)
            && !(call.grants.evasion)(id, Some(host))
        {
            tell(TrafficDetector::ControlEvasion, None, Some(host), call, watched);
            return;
        }
        if let Some(shape) = self.shapes.find(call.fact)
            && shape.provider.as_ref().is_none_or(|provider| self.banned.contains(provider))
        {
            tell(TrafficDetector::ApiShape, None, Some(host), call, watched);
            let provider = shape.provider.as_ref().and_then(|provider| self.number_of(provider));
            if shape.provider.is_none() || provider.is_some() {
                watched.presences.note_shape(Caller::of(call.fact), provider, call.fact.time);
            }
        } else if self.scores && is_stream(call.fact) {
            watched.streams.note(host, call.fact, call.place);
        }
    }

    /// Returns the way out of sight that a call takes, and the host that shows it: the one asked for, or the one greeted.
    fn evasion_of<'c>(&'c self, host: &'c str, call: &Call<'c>) -> Option<(&'c str, &'c str)> {
        let by_name = |name: &'c str| {
            let row = self.evasions.by_name(name.as_bytes())?;
            Some((row.id.get_ref().as_str(), name))
        };
        let by_port = || Some((self.evasions.by_port(call.fact)?, host));
        by_name(host).or_else(|| by_name(call.greeted_host?)).or_else(by_port)
    }

    fn note_presence(&self, number: u32, row: &Row, call: &Call<'_>, watched: &mut Watched) {
        let fact = call.fact;
        let tiny = fact.outcome == Outcome::Blocked
            || fact.visibility == Visibility::Dns
            || (fact.sent.is_some_and(|sent| sent <= TINY_BYTES)
                && fact.received.is_some_and(|received| received <= TINY_BYTES));
        let of_models = match (row.infers, tiny) {
            (false, _) => ModelUse::None,
            (true, true) => ModelUse::Tiny,
            (true, false) => ModelUse::Full,
        };
        let calls = Calls::of(fact, call.place);
        watched.presences.note(Caller::of(fact), row.provider, number, of_models, calls);
    }

    /// Returns the number that presences use for a provider; a provider without rows shows no tool.
    fn number_of(&self, provider: &ProviderId) -> Option<u32> {
        u32::try_from(self.providers.binary_search(provider).ok()?).ok()
    }

    /// Whether a permitted tool is called under a plan or an account that is not our own.
    fn is_foreign(&self, row: &Row, fact: &TrafficFact<'_>) -> bool {
        let provider = usize::try_from(row.provider).ok().and_then(|number| self.providers.get(number));
        let Some(own) = provider.and_then(|provider| self.permits.own.get(provider)) else { return false };
        let foreign_plan =
            row.plan.as_ref().is_some_and(|plan| !own.plans.is_empty() && !own.plans.contains(plan));
        let foreign_account =
            fact.account.is_some_and(|account| !own.accounts.is_empty() && !own.accounts.contains(account));
        foreign_plan || (row.infers && foreign_account)
    }

    fn rows_of<'s>(&'s self, numbers: &'s [u32]) -> impl Iterator<Item = (u32, &'s Row)> {
        numbers.iter().filter_map(|number| {
            let row = self.rows.get(usize::try_from(*number).ok()?)?;
            Some((*number, row))
        })
    }
}

impl Watched {
    /// Adds what was gathered elsewhere; the order does not matter.
    pub fn add(&mut self, other: Self) {
        for (key, calls) in other.findings {
            put(&mut self.findings, key, &calls);
        }
        self.presences.add(other.presences);
        self.streams.add(other.streams);
    }
}

/// Tells a finding of one call.
fn tell(
    detector: TrafficDetector,
    endpoint: Option<u32>,
    host: Option<&str>,
    call: &Call<'_>,
    watched: &mut Watched,
) {
    let key = FindingKey {
        hour: hour_of(call.fact.time),
        detector,
        endpoint,
        host: host.unwrap_or_default().into(),
        caller: Caller::of(call.fact),
        outcome: call.fact.outcome,
        exemption: endpoint.and_then(call.grants.exemption),
    };
    put(&mut watched.findings, key, &Calls::of(call.fact, call.place));
}

fn put(findings: &mut HashMap<FindingKey, Calls, FxBuildHasher>, key: FindingKey, calls: &Calls) {
    findings.entry(key).and_modify(|known| known.add(calls)).or_insert(*calls);
}
