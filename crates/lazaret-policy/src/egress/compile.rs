//! Works out what a policy says about calls, once, for one catalog.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{ProviderId, Roster, ToolId};
use toml::Spanned;

use super::{
    EgressPermit, EgressPolicy, EgressReason, EgressScope, EgressSubject, NetworkGroup, OwnAccounts,
    ProviderStanding, Standing, ToolStanding, comparable,
};
use crate::file::{EgressRules, NetworkRule, PermitRule, ScopeRule};
use crate::policy::Policy;
use crate::rules::{Answer, BanTable};

impl EgressPolicy {
    /// Works out a policy that was held against the roster.
    pub(crate) fn new(policy: &Policy, roster: &Roster, bans: &BanTable) -> Self {
        let sections = policy.sections();
        let egress = &sections.egress;
        let mut compiled = Self {
            name: sections.name.clone(),
            policy: policy.digest(),
            catalog: roster.digest,
            alternative: egress.alternative.clone(),
            contact: egress.contact.clone(),
            on_failure: egress.on_failure,
            snapshot_minutes: egress.snapshot_minutes,
            own_hosts: egress.own_hosts.iter().cloned().collect(),
            mode: egress.mode,
            networks: networks(egress),
            subjects: Vec::new(),
            logins: BTreeMap::new(),
            scopes: scopes(egress),
            permits: permits(egress),
            accounts: BTreeMap::new(),
            rivals: sections.ban.rivals,
            tools: tools(roster, bans),
            providers: providers(roster, bans),
        };
        for rule in &egress.subject {
            let index = compiled.subjects.len();
            compiled.subjects.push(EgressSubject {
                person: rule.person.clone(),
                groups: names(&rule.groups),
                identities: rule.identities.iter().map(|one| comparable(one.get_ref())).collect(),
                addresses: rule.addresses.clone(),
            });
            compiled.logins.extend(rule.logins.iter().map(|login| (comparable(login.get_ref()), index)));
        }
        for rule in &egress.account {
            let own: &mut OwnAccounts = compiled.accounts.entry(rule.provider.get_ref().clone()).or_default();
            own.plans.extend(rule.plans.iter().cloned());
            own.accounts.extend(rule.accounts.iter().cloned());
        }
        compiled
    }
}

fn names(list: &[Spanned<String>]) -> BTreeSet<String> {
    list.iter().map(|name| name.get_ref().clone()).collect()
}

fn networks(egress: &EgressRules) -> Vec<NetworkGroup> {
    let group = |rule: &NetworkRule| NetworkGroup {
        name: rule.name.get_ref().clone(),
        ranges: rule.ranges.clone(),
        purposes: rule.purposes.iter().copied().collect(),
    };
    egress.network.iter().map(group).collect()
}

fn scopes(egress: &EgressRules) -> Vec<EgressScope> {
    let scope = |rule: &ScopeRule| EgressScope {
        mode: *rule.mode.get_ref(),
        networks: names(&rule.networks),
        groups: names(&rule.groups),
    };
    egress.scope.iter().map(scope).collect()
}

fn permits(egress: &EgressRules) -> Vec<EgressPermit> {
    let permit = |rule: &PermitRule| EgressPermit {
        evasions: names(&rule.evasions),
        hosts: rule.hosts.iter().cloned().collect(),
        servers: rule.servers.clone(),
        networks: names(&rule.networks),
        groups: names(&rule.groups),
    };
    egress.permit.iter().map(permit).collect()
}

fn tools(roster: &Roster, bans: &BanTable) -> BTreeMap<ToolId, ToolStanding> {
    let standing = |id: &ToolId| {
        if bans.bans_tool_by_name(id) {
            return Standing::BannedByName(EgressReason::BannedTool);
        }
        match bans.answer_for_tool(id) {
            Some(Answer::Banned(_)) => Standing::Banned(EgressReason::BannedTool),
            Some(Answer::Free(_)) => Standing::Approved(EgressReason::ApprovedTool),
            None => Standing::Free,
        }
    };
    let tools = roster.tools.values();
    tools
        .map(|tool| {
            (tool.id.clone(), ToolStanding { provider: tool.provider.clone(), standing: standing(&tool.id) })
        })
        .collect()
}

fn providers(roster: &Roster, bans: &BanTable) -> BTreeMap<ProviderId, ProviderStanding> {
    let standing = |id: &ProviderId| {
        let models = bans.models_of(id);
        if bans.bans_by_name(id) {
            Standing::BannedByName(EgressReason::BannedProvider)
        } else if models.by_name {
            Standing::BannedByName(EgressReason::BannedModel)
        } else if models.all_approved {
            Standing::Approved(EgressReason::ApprovedModel)
        } else if bans.is_rival(id) {
            Standing::Banned(EgressReason::BannedProvider)
        } else if models.banned {
            Standing::Banned(EgressReason::BannedModel)
        } else {
            Standing::Free
        }
    };
    let ids = roster.providers.keys();
    ids.map(|id| (id.clone(), ProviderStanding { by_name: bans.bans_by_name(id), standing: standing(id) }))
        .collect()
}
