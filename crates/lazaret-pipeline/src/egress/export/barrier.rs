//! What is stopped, and for whom: worked out once, for every format.
//!
//! Whether a row is stopped is asked of the same function that decides about calls, for a call by nobody in particular
//! under no exemption, so that an export and a decision cannot drift apart.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lazaret_core::{AddressRange, DecisionId, Endpoint, EndpointId, EndpointPattern, Permission, ProviderId};
use lazaret_evidence::endpoints::{
    EndpointIndex, expression_matches, expressions_may_meet, literal_tail, reaches_below,
};
use lazaret_policy::EgressMode;
use lazaret_policy::egress::{EgressExemption, EgressPolicy, EgressRequest, decide};

use super::networks::{Ranges, common, everywhere, with, without};

/// A name of the catalog, or many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// This name alone.
    Exact(String),
    /// Names that an anchored expression matches.
    Expression(String),
    /// This name and all below it.
    Suffix(String),
}

/// What becomes of calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// They go on.
    Open,
    /// They are stopped, unless they come from one of these networks.
    Stopped(Ranges),
}

/// What becomes of calls to a name or an address, and the row that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) standing: Standing,
    pub(super) row: EndpointId,
    provider: ProviderId,
}

/// An exemption that is in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passing {
    pub(super) name: String,
    pub(super) tools: Vec<String>,
    pub(super) networks: BTreeSet<String>,
    pub(super) until: Timestamp,
}

/// Names with one standing, and the more specific names among them that have another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region<'a> {
    /// Networks whose calls go on all the same.
    pub(super) passed: &'a Ranges,
    pub(super) names: Vec<RegionName<'a>>,
    /// The exceptions of all its names.
    pub(super) except: BTreeSet<&'a Name>,
}

/// A name of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegionName<'a> {
    pub(super) name: &'a Name,
    pub(super) row: &'a EndpointId,
    /// The more specific names among it that have another standing.
    pub(super) except: Vec<&'a Name>,
}

/// Everything that an export says.
#[derive(Debug, Clone)]
pub(super) struct Barrier {
    /// Names that are stopped, and those that are not although a stopped one lies above them.
    pub(super) names: BTreeMap<Name, Listed>,
    /// Names that are not stopped, of providers with addresses that are.
    pub(super) beside_addresses: BTreeMap<Name, EndpointId>,
    /// Addresses that are stopped, disjoint.
    pub(super) addresses: BTreeMap<AddressRange, Listed>,
    /// Rows that are stopped, and that neither a name nor an address tells.
    pub(super) untold: BTreeMap<EndpointId, &'static str>,
    /// Networks where the policy does not enforce.
    pub(super) unenforced: Ranges,
    /// Exemptions by which networks pass.
    pub(super) passing: Vec<Passing>,
}

impl Barrier {
    /// Works out what is stopped. `everywhere` is for exports that say what `enforce` would stop, whatever the mode.
    pub(super) fn new(
        policy: &EgressPolicy,
        endpoints: &EndpointIndex,
        exemptions: &[&EgressExemption],
        is_enforced_everywhere: bool,
        now: Timestamp,
    ) -> Self {
        let unenforced = if is_enforced_everywhere { Ranges::new() } else { unenforced(policy) };
        let mut barrier = Self {
            names: BTreeMap::new(),
            beside_addresses: BTreeMap::new(),
            addresses: BTreeMap::new(),
            untold: BTreeMap::new(),
            unenforced,
            passing: Vec::new(),
        };
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in endpoints.rows() {
            let standing = barrier.standing(policy, row, exemptions, &mut used, now);
            barrier.list(row, &standing);
        }
        barrier.passing = exemptions
            .iter()
            .filter_map(|exemption| {
                Some(Passing {
                    name: exemption.name.clone(),
                    tools: exemption.tools.iter().map(ToString::to_string).collect(),
                    // Those alone that the policy knows: whoever asks for an exemption may name anything.
                    networks: used.remove(&exemption.name)?,
                    until: exemption.until,
                })
            })
            .collect();
        barrier.untangle();
        barrier
    }

    /// Says what becomes of calls to a row, and notes the exemptions that it took into account.
    fn standing(
        &self,
        policy: &EgressPolicy,
        row: &Endpoint,
        exemptions: &[&EgressExemption],
        used: &mut BTreeMap<String, BTreeSet<String>>,
        now: Timestamp,
    ) -> Standing {
        let request = EgressRequest {
            id: DecisionId::from_bytes([0; 16]),
            client: None,
            login: None,
            purpose: None,
            account: None,
            is_readable: true,
        };
        if decide(&request, &[row], policy, &[], now).enforced == Permission::Allow {
            return Standing::Open;
        }
        let mut passed = self.unenforced.clone();
        for exemption in exemptions.iter().filter(|exemption| policy.names_whom(exemption)) {
            for network in policy.helps_from(exemption, row) {
                used.entry(exemption.name.clone()).or_default().insert(network.name.clone());
                passed = network.ranges.iter().fold(passed, |passed, range| with(&passed, *range));
            }
        }
        Standing::Stopped(passed)
    }

    /// Lists a row under its names and addresses.
    fn list(&mut self, row: &Endpoint, standing: &Standing) {
        let is_stopped = *standing != Standing::Open;
        if !row.paths.is_empty() {
            if is_stopped {
                self.untold.insert(row.id.clone(), "only the path of a request tells them");
            }
            return;
        }
        let listed =
            || Listed { standing: standing.clone(), row: row.id.clone(), provider: row.provider.clone() };
        for pattern in &row.patterns {
            let name = match pattern {
                EndpointPattern::Exact(name) => Name::Exact(name.clone()),
                EndpointPattern::Suffix(name) => Name::Suffix(name.clone()),
                EndpointPattern::Expression(expression) => Name::Expression(expression.clone()),
                EndpointPattern::Range(range) => {
                    worse(&mut self.addresses, *range, listed());
                    continue;
                }
                EndpointPattern::Asn(_) => {
                    if is_stopped {
                        self.untold.insert(row.id.clone(), "only a table of routes tells them");
                    }
                    continue;
                }
            };
            worse(&mut self.names, name, listed());
        }
    }

    /// Takes out what says nothing more, and makes addresses disjoint.
    fn untangle(&mut self) {
        let all = std::mem::take(&mut self.addresses);
        let is_stopped = |listed: &Listed| listed.standing != Standing::Open;
        for (range, listed) in all.iter().filter(|(_, listed)| is_stopped(listed)) {
            let inner = all.keys().filter(|inner| range.covers(inner) && *inner != range);
            let rest = inner.fold(Ranges::from([*range]), |rest, inner| without(&rest, inner));
            self.addresses.extend(rest.into_iter().map(|range| (range, listed.clone())));
        }
        let with_addresses: BTreeSet<&ProviderId> =
            self.addresses.values().map(|listed| &listed.provider).collect();
        let is_beside = |name: &Name, listed: &Listed| {
            !matches!(name, Name::Expression(_))
                && !is_stopped(listed)
                && with_addresses.contains(&listed.provider)
        };
        let beside = self.names.iter().filter(|(name, listed)| is_beside(name, listed));
        self.beside_addresses = beside.map(|(name, listed)| (name.clone(), listed.row.clone())).collect();
        let telling: Vec<Name> = self
            .names
            .iter()
            .filter(|(name, listed)| self.tells(name, listed))
            .map(|(name, _)| name.clone())
            .collect();
        self.names.retain(|name, _| telling.binary_search(name).is_ok());
    }

    /// Whether a name says something that the names above it do not.
    fn tells(&self, name: &Name, listed: &Listed) -> bool {
        match name {
            Name::Expression(expression) => {
                let is_among_stopped = |(other, its): (&Name, &Listed)| {
                    its.standing != Standing::Open && is_within(expression, other)
                };
                listed.standing != Standing::Open || self.names.iter().any(is_among_stopped)
            }
            Name::Exact(host) => self.differs(host, true, listed),
            Name::Suffix(suffix) => self.differs(suffix, false, listed),
        }
    }

    /// Whether what holds of a name is not what would hold without it: what the nearest suffix says, or that it is open.
    fn differs(&self, name: &str, itself: bool, listed: &Listed) -> bool {
        let above = self.above(name, itself).map_or(&Standing::Open, |above| &above.standing);
        let has_other_expression = || {
            self.names.iter().any(|(other, its)| match other {
                Name::Expression(expression) if its.standing != listed.standing => {
                    if itself {
                        expression_matches(expression, name)
                    } else {
                        reaches_below(expression, name)
                    }
                }
                Name::Expression(_) => false,
                Name::Exact(_) | Name::Suffix(_) => false,
            })
        };
        *above != listed.standing || has_other_expression()
    }

    /// Returns what the nearest suffix above a name says, or, with `itself`, the suffix of that name.
    fn above(&self, name: &str, itself: bool) -> Option<&Listed> {
        let own = itself.then_some(name);
        own.into_iter().chain(above(name)).find_map(|above| self.names.get(&Name::Suffix(above.to_owned())))
    }

    /// Whether an expression may match a name below a suffix that is stopped.
    pub(super) fn is_below_stopped(&self, expression: &str) -> bool {
        self.names.iter().any(|(name, listed)| match name {
            Name::Suffix(suffix) => listed.standing != Standing::Open && reaches_below(expression, suffix),
            Name::Exact(_) | Name::Expression(_) => false,
        })
    }

    /// Whether nothing is stopped by name or address.
    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.names.values().all(|listed| listed.standing == Standing::Open)
    }

    /// Returns the names that are stopped as regions: a call is stopped by a region if its host is among the names and
    /// not among the exceptions, and by all regions together exactly if the most specific name says so.
    pub(super) fn regions(&self) -> Vec<Region<'_>> {
        let mut regions: BTreeMap<(u8, usize, &Ranges, Option<&Name>), Region<'_>> = BTreeMap::new();
        for (name, listed) in &self.names {
            let Standing::Stopped(passed) = &listed.standing else { continue };
            let (kind, level, own) = match name {
                Name::Exact(_) => (0, 0, None),
                // Each has exceptions of its own.
                Name::Expression(_) => (1, 0, Some(name)),
                Name::Suffix(suffix) => (2, self.level(suffix), None),
            };
            let empty = || Region { passed, names: Vec::new(), except: BTreeSet::new() };
            let region = regions.entry((kind, level, passed, own)).or_insert_with(empty);
            let except: Vec<&Name> = self.exceptions(name, listed).collect();
            region.except.extend(&except);
            region.names.push(RegionName { name, row: &listed.row, except });
        }
        regions.into_values().collect()
    }

    /// How many suffixes lie above a name.
    fn level(&self, name: &str) -> usize {
        above(name).filter(|above| self.names.contains_key(&Name::Suffix((*above).to_owned()))).count()
    }

    /// Returns the more specific names among those of a name whose standing is another.
    fn exceptions<'a>(&'a self, of: &'a Name, listed: &'a Listed) -> impl Iterator<Item = &'a Name> {
        let is_inside = move |other: &Name| match (of, other) {
            // Nothing is more specific than a name, and no suffix than an expression.
            (Name::Exact(_), _) | (Name::Expression(_), Name::Suffix(_)) => false,
            (Name::Expression(of), Name::Exact(inner)) => expression_matches(of, inner),
            // Of two expressions the one with the longer literal end is the more specific.
            (Name::Expression(of), Name::Expression(inner)) => {
                let tails = literal_tail(of).zip(literal_tail(inner));
                tails.is_some_and(|(tail, inner)| is_below(&inner, &tail)) && expressions_may_meet(of, inner)
            }
            (Name::Suffix(of), Name::Exact(inner)) => inner == of || is_below(inner, of),
            (Name::Suffix(of), Name::Expression(inner)) => reaches_below(inner, of),
            (Name::Suffix(of), Name::Suffix(inner)) => is_below(inner, of),
        };
        let others =
            self.names.iter().filter(move |(other, its)| its.standing != listed.standing && is_inside(other));
        others.map(|(other, _)| other)
    }
}

/// Whether an expression may match a host that a name stands for.
fn is_within(expression: &str, name: &Name) -> bool {
    match name {
        Name::Exact(_) => false,
        Name::Suffix(suffix) => reaches_below(expression, suffix),
        Name::Expression(other) => expressions_may_meet(expression, other),
    }
}

/// Lists something under a key; where several rows say something of it, the call is as bad as the worst, and goes on
/// from where all of them let it.
fn worse<K: Ord>(all: &mut BTreeMap<K, Listed>, key: K, listed: Listed) {
    match all.get_mut(&key) {
        None => {
            all.insert(key, listed);
        }
        Some(before) => match (&mut before.standing, &listed.standing) {
            (_, Standing::Open) => {}
            (Standing::Open, Standing::Stopped(_)) => *before = listed,
            (Standing::Stopped(passed), Standing::Stopped(too)) => *passed = common(passed, too),
        },
    }
}

/// Returns the networks where the policy does not enforce, for callers in no group of people.
fn unenforced(policy: &EgressPolicy) -> Ranges {
    let is_enforced = |mode| mode == EgressMode::Enforce;
    let mut open = if is_enforced(policy.mode(None, None)) { Ranges::new() } else { everywhere() };
    let mut ranges: Vec<AddressRange> =
        policy.networks().iter().flat_map(|network| network.ranges.iter().copied()).collect();
    // Those that lie in others come behind them.
    ranges.sort_by_key(|range| (range.prefix, range.address));
    ranges.dedup();
    for range in ranges {
        open = if is_enforced(policy.mode_in(&range)) { without(&open, &range) } else { with(&open, range) };
    }
    open
}

/// The names above a name, the nearest first.
pub(super) fn above(name: &str) -> impl Iterator<Item = &str> {
    let up = |name: &str| -> Option<usize> { name.find('.').map(|dot| dot + 1) };
    std::iter::successors(up(name).and_then(|at| name.get(at..)), move |name| {
        up(name).and_then(|at| name.get(at..))
    })
}

/// Whether a name lies below another.
fn is_below(name: &str, upper: &str) -> bool {
    name.strip_suffix(upper).is_some_and(|rest| rest.ends_with('.'))
}
