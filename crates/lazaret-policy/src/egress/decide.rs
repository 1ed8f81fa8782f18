//! The decision about one request: a pure function of what is known about it, the policy, exemptions and the time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{
    DecisionId, Digest, Endpoint, EndpointId, EndpointRole, Exclusivity, Permission, ProviderId, Purpose,
    ToolId,
};
use serde::{Deserialize, Serialize};

use super::{EgressPolicy, EgressReason, EgressSubject, NetworkGroup, Standing};
use crate::file::EgressMode;

/// How long a decision may be kept at most, in seconds. What a proxy keeps longer, no revocation reaches.
pub const LONGEST_VALIDITY_SECONDS: i64 = 30;

/// What is known about a request, beside the endpoints it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EgressRequest<'a> {
    /// The name that the decision gets.
    pub id: DecisionId,
    /// The address it comes from.
    pub client: Option<IpAddr>,
    /// Who makes it, as the enforcement point has verified it. Never what the client claims by itself.
    pub login: Option<&'a str>,
    /// For which purpose the enforcement point was set up, where its configuration says so.
    pub purpose: Option<Purpose>,
    /// In the name of which account or tenant it is made, where the enforcement point makes sure of that.
    pub account: Option<&'a str>,
    /// Whether a name or an address of what is called could be read.
    pub is_readable: bool,
}

/// For whom an exemption is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beneficiary {
    /// The person of that name.
    Person(String),
    /// Everybody in the group of that name.
    Group(String),
}

/// An exemption that is active at the time of the decision: who asks for decisions makes sure of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EgressExemption {
    /// Its name.
    pub name: String,
    /// Who may use the tools.
    pub beneficiaries: BTreeSet<Beneficiary>,
    /// Which tools.
    pub tools: BTreeSet<ToolId>,
    /// What for.
    pub purpose: Purpose,
    /// From which groups of the network; from none where the set is empty.
    pub networks: BTreeSet<String>,
    /// Until when, that moment excluded: no decision is valid for longer.
    pub until: Timestamp,
}

/// The row of the catalog that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EgressRule {
    /// The row.
    pub endpoint: EndpointId,
    /// The digest of the catalog that has it.
    pub catalog: Digest,
}

impl std::fmt::Display for EgressRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.endpoint, self.catalog)
    }
}

/// What is decided about a request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Decision {
    /// Its name.
    pub id: DecisionId,
    /// Whether the request may go on.
    pub permission: Permission,
    /// What the mode `enforce` would say: another word than `permission` says where the mode is a looser one.
    pub enforced: Permission,
    /// The mode that held.
    pub mode: EgressMode,
    /// The row of the catalog it is about; none where nothing matches.
    pub rule: Option<EgressRule>,
    /// The digest of the policy.
    pub policy: Digest,
    /// The exemption that allows it.
    pub exemption: Option<String>,
    /// Until when it may be kept, that moment excluded.
    pub valid_until: Timestamp,
    /// Why, in the order in which reasons are told.
    pub reasons: Vec<EgressReason>,
}

impl Decision {
    /// Whether the caller is to be warned: the mode says so, and it would have been denied.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.mode == EgressMode::Warn && self.enforced == Permission::Deny
    }

    /// Returns for how many whole seconds it may still be kept.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> u64 {
        u64::try_from(self.valid_until.duration_since(now).as_secs()).unwrap_or(0)
    }
}

/// What holds of one matched row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held<'a> {
    enforced: Permission,
    endpoint: &'a Endpoint,
    exemption: Option<&'a EgressExemption>,
    reasons: BTreeSet<EgressReason>,
}

/// Decides about a request. `matched` are the rows of the catalog that it matches, `exemptions` those that are active.
///
/// Only rows at which a model answers and that serve nobody else are denied; other rows add information. Where several
/// rows match, the request is as bad as the worst. What matches nothing, and what cannot be read, is allowed.
#[must_use]
pub fn decide(
    request: &EgressRequest<'_>,
    matched: &[&Endpoint],
    policy: &EgressPolicy,
    exemptions: &[&EgressExemption],
    now: Timestamp,
) -> Decision {
    let subject = request.login.and_then(|login| policy.subject(login));
    let mode = policy.mode(request.client, subject);
    let asked = Asked { request, subject, policy, exemptions, now };
    let mut held: Vec<Held<'_>> = matched.iter().map(|endpoint| asked.hold(endpoint)).collect();
    held.sort_by(|one, other| {
        other.enforced.cmp(&one.enforced).then_with(|| one.endpoint.id.cmp(&other.endpoint.id))
    });
    let mut valid_until = later(now, LONGEST_VALIDITY_SECONDS);
    for exemption in held.iter().filter_map(|held| held.exemption) {
        valid_until = valid_until.min(exemption.until);
    }
    // The row that an exemption opens says more than one that was never closed.
    let exempted = held.iter().find(|held| held.exemption.is_some());
    let told = held.first().filter(|held| held.enforced == Permission::Deny).or(exempted).or(held.first());
    let Some(told) = told else {
        let reason = if request.is_readable { EgressReason::NotListed } else { EgressReason::Unreadable };
        return Decision {
            id: request.id,
            permission: Permission::Allow,
            enforced: Permission::Allow,
            mode,
            rule: None,
            policy: policy.policy,
            exemption: None,
            valid_until,
            reasons: vec![reason],
        };
    };
    let mut reasons = told.reasons.clone();
    if told.enforced == Permission::Deny {
        match mode {
            EgressMode::Observe => reasons.insert(EgressReason::Observing),
            EgressMode::Warn => reasons.insert(EgressReason::Warning),
            EgressMode::Enforce => false,
        };
    }
    let permission = if mode == EgressMode::Enforce { told.enforced } else { Permission::Allow };
    Decision {
        id: request.id,
        permission,
        enforced: told.enforced,
        mode,
        rule: Some(EgressRule { endpoint: told.endpoint.id.clone(), catalog: policy.catalog }),
        policy: policy.policy,
        exemption: told.exemption.map(|exemption| exemption.name.clone()),
        valid_until,
        reasons: reasons.into_iter().collect(),
    }
}

/// Returns the moment that many seconds later, or the last one there is.
fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// A request, and everything that it is held against.
#[derive(Clone, Copy)]
struct Asked<'a> {
    request: &'a EgressRequest<'a>,
    subject: Option<&'a EgressSubject>,
    policy: &'a EgressPolicy,
    exemptions: &'a [&'a EgressExemption],
    now: Timestamp,
}

impl<'a> Asked<'a> {
    /// Says what holds of one row.
    fn hold(&self, endpoint: &'a Endpoint) -> Held<'a> {
        let allowed = |reasons: Vec<EgressReason>, exemption| Held {
            enforced: Permission::Allow,
            endpoint,
            exemption,
            reasons: reasons.into_iter().collect(),
        };
        let banned = match self.standing(endpoint) {
            Standing::Free => return allowed(vec![EgressReason::NotBanned], None),
            Standing::Approved(reason) => return allowed(vec![reason], None),
            Standing::Banned(reason) | Standing::BannedByName(reason) => reason,
        };
        let mut information = Vec::new();
        if endpoint.exclusivity != Exclusivity::Exclusive {
            information.push(EgressReason::NotExclusive);
        }
        if endpoint.role != EndpointRole::Inference {
            information.push(EgressReason::NotInference);
        }
        if !information.is_empty() {
            return allowed(information, None);
        }
        match self.exemption(endpoint) {
            Ok(exemption) => allowed(vec![EgressReason::Exempted], Some(exemption)),
            Err(why) => {
                Held { enforced: Permission::Deny, endpoint, exemption: None, reasons: [banned, why].into() }
            }
        }
    }

    /// Returns what the policy says of whoever is reached at an endpoint.
    fn standing(&self, endpoint: &Endpoint) -> Standing {
        let standing = self.policy.standing(endpoint);
        let Some(own) = self.policy.accounts.get(&endpoint.provider) else { return standing };
        let stated = [(&own.plans, endpoint.plan.as_deref()), (&own.accounts, self.request.account)];
        let stated = stated.into_iter().filter(|(own, _)| !own.is_empty());
        let own: Vec<bool> = stated.filter_map(|(own, is)| is.map(|is| own.contains(is))).collect();
        match standing {
            Standing::BannedByName(_) => standing,
            Standing::Banned(_) | Standing::Approved(_) | Standing::Free if own.contains(&false) => {
                Standing::Banned(EgressReason::OtherAccount)
            }
            Standing::Banned(_) | Standing::Approved(_) | Standing::Free if own.contains(&true) => {
                Standing::Approved(EgressReason::ApprovedAccount)
            }
            Standing::Banned(_) | Standing::Approved(_) | Standing::Free => standing,
        }
    }

    /// Returns the exemption that covers a call to an endpoint, the one that lasts longest, or how near the nearest
    /// comes.
    fn exemption(&self, endpoint: &Endpoint) -> Result<&'a EgressExemption, EgressReason> {
        let mut covering: Option<&EgressExemption> = None;
        let mut nearest = EgressReason::NoExemption;
        for &exemption in self.exemptions {
            match self.covers(exemption, endpoint) {
                Ok(()) => {
                    let lasts = |one: &EgressExemption| (one.until, std::cmp::Reverse(one.name.clone()));
                    if covering.is_none_or(|best| lasts(exemption) > lasts(best)) {
                        covering = Some(exemption);
                    }
                }
                // Reasons stand in the order of how near an exemption comes.
                Err(why) => nearest = nearest.max(why),
            }
        }
        covering.ok_or(nearest)
    }

    /// Whether an exemption covers a call to an endpoint, or what stands against it.
    fn covers(&self, exemption: &EgressExemption, endpoint: &Endpoint) -> Result<(), EgressReason> {
        // No decision could be valid under it for any time.
        if exemption.until <= self.now || !self.policy.is_for(exemption, endpoint) {
            return Err(EgressReason::NoExemption);
        }
        let Some(subject) = self.subject else { return Err(EgressReason::NobodyNamed) };
        let is_beneficiary = |one: &Beneficiary| match one {
            Beneficiary::Person(name) => subject.person.as_ref() == Some(name),
            Beneficiary::Group(name) => subject.groups.contains(name),
        };
        if !exemption.beneficiaries.iter().any(is_beneficiary) {
            return Err(EgressReason::ExemptionForOthers);
        }
        let from = self.request.client.into_iter().flat_map(|client| self.policy.networks_of(client));
        let mut from = from.filter(|network| exemption.networks.contains(&network.name)).peekable();
        if from.peek().is_none() {
            return Err(EgressReason::ExemptionElsewhere);
        }
        let is_meant = self.request.purpose.is_none_or(|purpose| purpose == exemption.purpose);
        if is_meant && from.any(|network| network.serves(exemption.purpose)) {
            Ok(())
        } else {
            Err(EgressReason::ExemptionForOtherPurpose)
        }
    }
}

impl EgressPolicy {
    /// Whether calls to an endpoint are banned, whatever the account.
    #[must_use]
    pub fn bans(&self, endpoint: &Endpoint) -> bool {
        matches!(self.standing(endpoint), Standing::Banned(_) | Standing::BannedByName(_))
    }

    /// Whether a provider is banned.
    #[must_use]
    pub fn bans_provider(&self, provider: &ProviderId) -> bool {
        self.providers.get(provider).map_or(self.rivals, |provider| {
            matches!(provider.standing, Standing::Banned(_) | Standing::BannedByName(_))
        })
    }

    /// Returns what the policy says of whoever is reached at an endpoint, whatever the account.
    fn standing(&self, endpoint: &Endpoint) -> Standing {
        let unlisted =
            if self.rivals { Standing::Banned(EgressReason::BannedProvider) } else { Standing::Free };
        let provider = self.providers.get(&endpoint.provider);
        let of_provider = provider.map_or(unlisted, |provider| provider.standing);
        if provider.is_some_and(|provider| provider.by_name) || endpoint.tools.is_empty() {
            return of_provider;
        }
        let unlisted = if self.rivals { Standing::Banned(EgressReason::BannedTool) } else { Standing::Free };
        let tools =
            || endpoint.tools.iter().map(|id| self.tools.get(id).map_or(unlisted, |tool| tool.standing));
        let by_name = tools().find(|standing| matches!(standing, Standing::BannedByName(_)));
        let approved = || tools().find(|standing| matches!(standing, Standing::Approved(_)));
        let banned = || tools().find(|standing| matches!(standing, Standing::Banned(_)));
        by_name.or_else(approved).or_else(banned).unwrap_or(of_provider)
    }

    /// Returns the groups of the network from which an exemption helps for calls to an endpoint: whom it is for is
    /// another question.
    pub fn helps_from<'a>(
        &'a self,
        exemption: &'a EgressExemption,
        endpoint: &Endpoint,
    ) -> impl Iterator<Item = &'a NetworkGroup> {
        let is_for = self.is_for(exemption, endpoint);
        self.networks.iter().filter(move |network| {
            is_for && exemption.networks.contains(&network.name) && network.serves(exemption.purpose)
        })
    }

    /// Whether an exemption is for a tool that calls an endpoint: one that the row names, or, where it names none
    /// because any client may call it, one that its provider runs.
    fn is_for(&self, exemption: &EgressExemption, endpoint: &Endpoint) -> bool {
        if endpoint.tools.is_empty() {
            let runs = |tool| self.tools.get(tool).is_some_and(|tool| tool.provider == endpoint.provider);
            exemption.tools.iter().any(runs)
        } else {
            endpoint.tools.iter().any(|tool| exemption.tools.contains(tool))
        }
    }
}
