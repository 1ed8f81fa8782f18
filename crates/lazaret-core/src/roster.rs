//! Tools, providers and models as dated nouns; what their marks look like is the catalog's matter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, ModelId, ProviderId, ToolId};

/// The first day on which anybody outside its maker could use a thing, and where that day comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Availability {
    /// The first day.
    #[schemars(with = "String")]
    pub date: Date,
    /// Where the day comes from: a release, an announcement, a registry entry.
    pub source: String,
}

/// A company or project that runs tools or makes models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// The provider's id.
    pub id: ProviderId,
    /// The name people use.
    pub name: String,
    /// First availability of anything of this provider's that writes text or code.
    pub first_available: Availability,
}

/// A harness that writes text or code for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// The tool's id.
    pub id: ToolId,
    /// The name people use.
    pub name: String,
    /// Who runs it.
    pub provider: ProviderId,
    /// First availability.
    pub first_available: Availability,
}

/// A model family and who makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// The family's id, such as `claude` or `gpt`.
    pub id: ModelId,
    /// The name people use.
    pub name: String,
    /// Who makes it: banned together with its maker, whichever harness called it.
    pub provider: ProviderId,
}

/// Everything the catalog names, without the marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Providers by id.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// Tools by id.
    pub tools: BTreeMap<ToolId, Tool>,
    /// Model families by id.
    pub models: BTreeMap<ModelId, Model>,
    /// The ids of ways out of sight of the network's logs: resolvers, hidden greetings, tunnels.
    #[serde(default)]
    pub evasions: BTreeSet<String>,
    /// The digest of the catalog this roster was read from.
    pub digest: Digest,
}
