//! The `[egress]` section of the policy file: what happens to calls to banned services.

use lazaret_core::{AddressRange, ProviderId, Purpose, Retention};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::values;

/// The value of `snapshot-minutes` where a policy gives none.
pub const DEFAULT_SNAPSHOT_MINUTES: u32 = 60;

/// What happens to calls to banned services.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EgressRules {
    /// How far the policy reaches where no `[[egress.scope]]` says otherwise.
    pub mode: EgressMode,
    /// What people may use instead, for those whose call is denied.
    #[serde(deserialize_with = "values::some_line")]
    #[schemars(length(min = 1, max = 400))]
    pub alternative: Option<String>,
    /// Whom to ask for an exemption, for those whose call is denied.
    #[serde(deserialize_with = "values::some_line")]
    #[schemars(length(min = 1, max = 400))]
    pub contact: Option<String>,
    /// What enforcement points do while the service does not answer.
    pub on_failure: OnFailure,
    /// How long exemptions still help that could not be read again, in minutes: in a snapshot while the service is
    /// gone, and in the service while its store is.
    #[serde(deserialize_with = "values::within::<_, 1, 1440>")]
    #[schemars(range(min = 1, max = 1440))]
    pub snapshot_minutes: u32,
    /// For how long findings are kept that were recorded in the store.
    pub retention: RetentionRules,
    /// Names of our own services that answer like a model's, such as a gateway: calls to them are no sign of anything.
    #[serde(deserialize_with = "values::hosts")]
    pub own_hosts: Vec<String>,
    /// Groups of the network, which scopes and exemptions name.
    pub network: Vec<NetworkRule>,
    /// People and services as enforcement points know them.
    pub subject: Vec<SubjectRule>,
    /// Where and for whom another mode holds. Where several match, the strictest counts.
    pub scope: Vec<ScopeRule>,
    /// Accounts, tenants and plans that are our own.
    pub account: Vec<AccountRule>,
    /// Ways out of sight that are in order: calls to them are no finding.
    pub permit: Vec<PermitRule>,
}

impl Default for EgressRules {
    fn default() -> Self {
        Self {
            mode: EgressMode::default(),
            alternative: None,
            contact: None,
            on_failure: OnFailure::default(),
            snapshot_minutes: DEFAULT_SNAPSHOT_MINUTES,
            retention: RetentionRules::default(),
            own_hosts: Vec::new(),
            network: Vec::new(),
            subject: Vec::new(),
            scope: Vec::new(),
            account: Vec::new(),
            permit: Vec::new(),
        }
    }
}

/// For how many days recorded findings are kept after the day of the call, by what their detector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RetentionRules {
    /// Findings that ask for a call to be stopped.
    #[serde(deserialize_with = "values::within::<_, 1, 1095>")]
    #[schemars(range(min = 1, max = 1095))]
    pub block_days: u32,
    /// Findings that ask for a person's look.
    #[serde(deserialize_with = "values::within::<_, 1, 1095>")]
    #[schemars(range(min = 1, max = 1095))]
    pub alert_days: u32,
    /// Findings that only order what people look at.
    #[serde(deserialize_with = "values::within::<_, 1, 1095>")]
    #[schemars(range(min = 1, max = 1095))]
    pub score_days: u32,
}

impl Default for RetentionRules {
    fn default() -> Self {
        let Retention { block_days, alert_days, score_days } = Retention::default();
        Self { block_days, alert_days, score_days }
    }
}

impl From<RetentionRules> for Retention {
    fn from(rules: RetentionRules) -> Self {
        let RetentionRules { block_days, alert_days, score_days } = rules;
        Self { block_days, alert_days, score_days }
    }
}

/// How far the policy reaches into calls. Ordered from least to most.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EgressMode {
    /// Calls are recorded with the decision that would have been made.
    #[default]
    Observe,
    /// Calls are let through with a warning to the caller.
    Warn,
    /// Calls without an exemption are denied.
    Enforce,
}

impl EgressMode {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// What enforcement points do while the service does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Decide by the last snapshot; without one, deny calls to exclusive inference hosts and allow the others.
    #[default]
    DenyInference,
    /// Deny every call.
    Deny,
    /// Allow every call.
    Allow,
}

impl OnFailure {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DenyInference => "deny-inference",
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

/// A group of the network.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkRule {
    /// Its name, as exemptions and scopes give it.
    #[serde(deserialize_with = "values::group")]
    #[schemars(with = "String", regex(pattern = "^[a-z0-9][a-z0-9._-]*$"))]
    pub name: Spanned<String>,
    /// Its addresses, such as `10.20.0.0/16`; a call comes from the group if its client is in one of them.
    #[serde(deserialize_with = "values::ranges")]
    #[schemars(length(min = 1))]
    pub ranges: Vec<AddressRange>,
    /// What the group is for: from there, only exemptions for one of these purposes help; any where the list is empty.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
}

/// A person or a service as enforcement points know one.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SubjectRule {
    /// The logins under which proxies know the subject. Capitals do not matter.
    #[serde(deserialize_with = "values::logins")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub logins: Vec<Spanned<String>>,
    /// The name under which the store knows the person, so that exemptions for that person help.
    #[serde(default, deserialize_with = "values::some_line")]
    #[schemars(length(min = 1, max = 400))]
    pub person: Option<String>,
    /// The groups the subject is in. An exemption for a service of the store that is named like a group helps all of it.
    #[serde(default, deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<Spanned<String>>,
    /// The addresses under which the subject commits, to lay calls beside commits; they never decide about a call.
    #[serde(default, deserialize_with = "values::identities")]
    #[schemars(with = "Vec<String>")]
    pub identities: Vec<Spanned<String>>,
    /// Addresses of the network that are this subject's alone, for logs that name nobody: to lay calls beside commits.
    /// They never decide about a call.
    #[serde(default, deserialize_with = "values::some_ranges")]
    pub addresses: Vec<AddressRange>,
}

/// Where and for whom another mode holds.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScopeRule {
    /// The mode.
    #[schemars(with = "EgressMode")]
    pub mode: Spanned<EgressMode>,
    /// Groups of the network the call must come from; any where the list is empty.
    #[serde(default, deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<Spanned<String>>,
    /// Groups of subjects the caller must be in; any, and callers whom nobody named, where the list is empty.
    #[serde(default, deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<Spanned<String>>,
}

/// Accounts of a provider that are our own: calls in their name are allowed, and calls in the name of others are not.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AccountRule {
    /// Whose accounts they are, by catalog id.
    #[serde(deserialize_with = "values::id")]
    #[schemars(with = "ProviderId")]
    pub provider: Spanned<ProviderId>,
    /// Plans that the name of the endpoint itself tells, such as `business`.
    #[serde(default)]
    pub plans: Vec<String>,
    /// Tenants, organisations, cloud accounts or projects, as the enforcement point states them.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Why they are our own.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// Ways out of sight that are in order, such as the house's own resolver over TLS or a tunnel that a team needs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PermitRule {
    /// Which ways, by the ids of the catalog's rows.
    #[serde(deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub evasions: Vec<Spanned<String>>,
    /// Which of their hosts; all where both lists are empty.
    #[serde(default, deserialize_with = "values::hosts")]
    pub hosts: Vec<String>,
    /// Which of their addresses, where a log knows no name.
    #[serde(default, deserialize_with = "values::some_ranges")]
    pub servers: Vec<AddressRange>,
    /// Groups of the network the call must come from; any where the list is empty.
    #[serde(default, deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<Spanned<String>>,
    /// Groups of subjects the caller must be in; any, and callers whom nobody named, where the list is empty.
    #[serde(default, deserialize_with = "values::groups")]
    #[schemars(with = "Vec<String>")]
    pub groups: Vec<Spanned<String>>,
    /// Why they are in order.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}
