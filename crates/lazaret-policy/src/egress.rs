//! Calls to services: what the policy says about them, and the decision about one request.
//!
//! [`EgressPolicy`] is the policy's `[egress]` section and its bans, worked out for one catalog; it can be written down
//! and read again, so that an enforcement point decides alike when nobody answers it. [`decide()`] is a pure function of
//! the request, the endpoints that it matches, the policy, the exemptions that are active, and the time.

mod compile;
mod decide;
mod explain;
mod reason;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lazaret_core::{AddressRange, Digest, ProviderId, Purpose, ToolId};
use serde::{Deserialize, Serialize};

use crate::file::{EgressMode, OnFailure};

pub use decide::{
    Beneficiary, Decision, EgressExemption, EgressRequest, EgressRule, LONGEST_VALIDITY_SECONDS, decide,
};
pub use explain::{explain, refusal};
pub use reason::EgressReason;

/// What a policy says about calls, worked out for one catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EgressPolicy {
    /// What people call the policy.
    pub name: String,
    /// The digest of the policy's file.
    pub policy: Digest,
    /// The digest of the catalog it was held against.
    pub catalog: Digest,
    /// What people may use instead.
    pub alternative: Option<String>,
    /// Whom to ask for an exemption.
    pub contact: Option<String>,
    /// What enforcement points do while the service does not answer.
    pub on_failure: OnFailure,
    /// How long exemptions still help that could not be read again, in minutes.
    pub snapshot_minutes: u32,
    /// Names of our own services that answer like a model's.
    pub own_hosts: BTreeSet<String>,
    mode: EgressMode,
    networks: Vec<NetworkGroup>,
    subjects: Vec<EgressSubject>,
    logins: BTreeMap<String, usize>,
    scopes: Vec<EgressScope>,
    /// A snapshot of an earlier version has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permits: Vec<EgressPermit>,
    accounts: BTreeMap<ProviderId, OwnAccounts>,
    rivals: bool,
    tools: BTreeMap<ToolId, ToolStanding>,
    providers: BTreeMap<ProviderId, ProviderStanding>,
}

/// A group of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkGroup {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub ranges: Vec<AddressRange>,
    /// Purposes for which exemptions help there; any where there is none.
    pub purposes: BTreeSet<Purpose>,
}

/// A person or a service as enforcement points know one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EgressSubject {
    /// The name under which the store knows the person.
    pub person: Option<String>,
    /// The groups the subject is in.
    pub groups: BTreeSet<String>,
    /// The addresses under which the subject commits, in lower case.
    pub identities: BTreeSet<String>,
    /// Addresses of the network that are the subject's alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressRange>,
}

/// Where and for whom another mode holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct EgressScope {
    mode: EgressMode,
    networks: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// Ways out of sight that are in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct EgressPermit {
    evasions: BTreeSet<String>,
    hosts: BTreeSet<String>,
    servers: Vec<AddressRange>,
    networks: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// A call that takes others out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvasionCall<'a> {
    /// The id of the catalog's row.
    pub evasion: &'a str,
    /// The host in its normal form, where the log knows a name.
    pub host: Option<&'a str>,
    /// The address that is called.
    pub server: Option<IpAddr>,
    /// The address it comes from.
    pub client: Option<IpAddr>,
    /// Who makes it.
    pub login: Option<&'a str>,
}

/// Accounts of one provider that are our own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct OwnAccounts {
    plans: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

/// What the policy says of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ToolStanding {
    /// Who runs it.
    provider: ProviderId,
    standing: Standing,
}

/// What the policy says of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ProviderStanding {
    /// Whether it is banned by name.
    by_name: bool,
    /// What holds of its services that any client may call.
    standing: Standing,
}

/// What the policy says of something that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    /// Banned by name: no approval helps.
    BannedByName(EgressReason),
    /// Banned because it is not approved.
    Banned(EgressReason),
    /// Approved.
    Approved(EgressReason),
    /// Neither.
    Free,
}

impl EgressPolicy {
    /// Returns the plans of a provider that the policy lists as our own; any plan is in order where there is none.
    pub fn own_plans(&self, provider: &ProviderId) -> impl Iterator<Item = &str> {
        self.accounts.get(provider).into_iter().flat_map(|own| own.plans.iter().map(String::as_str))
    }

    /// Returns the accounts of a provider that the policy lists as our own; any is in order where there is none.
    pub fn own_accounts(&self, provider: &ProviderId) -> impl Iterator<Item = &str> {
        self.accounts.get(provider).into_iter().flat_map(|own| own.accounts.iter().map(String::as_str))
    }

    /// Returns the groups of the network.
    #[must_use]
    pub fn networks(&self) -> &[NetworkGroup] {
        &self.networks
    }

    /// Returns the group of the network of that name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&NetworkGroup> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// Returns the groups of the network that an address is in.
    pub fn networks_of(&self, address: IpAddr) -> impl Iterator<Item = &NetworkGroup> {
        self.networks.iter().filter(move |network| network.contains(address))
    }

    /// Returns everybody whom enforcement points may name.
    #[must_use]
    pub fn subjects(&self) -> &[EgressSubject] {
        &self.subjects
    }

    /// Returns who has a login.
    #[must_use]
    pub fn subject(&self, login: &str) -> Option<&EgressSubject> {
        self.subjects.get(*self.logins.get(&comparable(login))?)
    }

    /// Returns whose an address of the network is alone, where the policy says so.
    pub fn subjects_at(&self, address: IpAddr) -> impl Iterator<Item = &EgressSubject> {
        self.subjects
            .iter()
            .filter(move |subject| subject.addresses.iter().any(|range| range.contains(address)))
    }

    /// Whether a way out of sight is in order for whoever takes it.
    #[must_use]
    pub fn permits(&self, call: &EvasionCall<'_>) -> bool {
        let subject = call.login.and_then(|login| self.subject(login));
        self.permits.iter().any(|permit| {
            let is_anywhere = permit.hosts.is_empty() && permit.servers.is_empty();
            let is_host = call.host.is_some_and(|host| permit.hosts.contains(host));
            let is_server =
                call.server.is_some_and(|server| permit.servers.iter().any(|range| range.contains(server)));
            permit.evasions.contains(call.evasion)
                && (is_anywhere || is_host || is_server)
                && self.is_within(&permit.networks, &permit.groups, call.client, subject)
        })
    }

    /// Whether a call comes from one of these groups of the network and is made by somebody in one of these groups; a
    /// list that is empty holds for all.
    fn is_within(
        &self,
        networks: &BTreeSet<String>,
        groups: &BTreeSet<String>,
        client: Option<IpAddr>,
        subject: Option<&EgressSubject>,
    ) -> bool {
        let is_in = || {
            client.is_some_and(|client| {
                self.networks_of(client).any(|network| networks.contains(&network.name))
            })
        };
        let is_member = || subject.is_some_and(|subject| !subject.groups.is_disjoint(groups));
        (networks.is_empty() || is_in()) && (groups.is_empty() || is_member())
    }

    /// Returns the mode that holds for calls from an address by a subject: the strictest of all scopes that match, or
    /// the policy's own where none does.
    #[must_use]
    pub fn mode(&self, client: Option<IpAddr>, subject: Option<&EgressSubject>) -> EgressMode {
        self.strictest(|scope| self.is_within(&scope.networks, &scope.groups, client, subject))
    }

    /// Returns the mode that holds for calls by nobody in particular from a range of addresses, where the policy says
    /// nothing of a smaller range in it.
    #[must_use]
    pub fn mode_in(&self, range: &AddressRange) -> EgressMode {
        let is_in = |names: &BTreeSet<String>| {
            let mut networks = self.networks.iter().filter(|network| names.contains(&network.name));
            networks.any(|network| network.ranges.iter().any(|outer| outer.covers(range)))
        };
        self.strictest(|scope| {
            scope.groups.is_empty() && (scope.networks.is_empty() || is_in(&scope.networks))
        })
    }

    fn strictest(&self, is_within: impl Fn(&EgressScope) -> bool) -> EgressMode {
        let matching = self.scopes.iter().filter(|scope| is_within(scope));
        matching.map(|scope| scope.mode).max().unwrap_or(self.mode)
    }

    /// Whether the policy says somewhere that another mode holds for groups of people.
    #[must_use]
    pub fn has_modes_for_people(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.groups.is_empty())
    }

    /// Whether the policy lists anybody whom an exemption is for: it helps nobody else.
    #[must_use]
    pub fn names_whom(&self, exemption: &EgressExemption) -> bool {
        let is_for = |one: &Beneficiary| match one {
            Beneficiary::Person(name) => {
                self.subjects.iter().any(|subject| subject.person.as_ref() == Some(name))
            }
            Beneficiary::Group(name) => self.subjects.iter().any(|subject| subject.groups.contains(name)),
        };
        exemption.beneficiaries.iter().any(is_for)
    }
}

impl NetworkGroup {
    /// Whether an address is in the group.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Whether exemptions for a purpose help there.
    #[must_use]
    pub fn serves(&self, purpose: Purpose) -> bool {
        self.purposes.is_empty() || self.purposes.contains(&purpose)
    }
}

/// Returns a login as it is compared: without regard to case and blanks around it.
fn comparable(login: &str) -> String {
    login.trim().to_lowercase()
}
