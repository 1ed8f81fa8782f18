//! Rows of endpoints as they are written, and every rule that one must obey.

mod check;
mod examples;

use lazaret_core::{
    Confidence, Endpoint, EndpointId, EndpointPattern, EndpointRole, Exclusivity, ProviderId, ToolId,
    Visibility,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::data::Day;

pub(super) use check::index;
pub(super) use examples::{check_part, shadows};

/// One place on the network where a service is reached.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EndpointData {
    /// The row's id, unique in the catalog.
    #[schemars(with = "EndpointId")]
    pub id: Spanned<EndpointId>,
    /// Whose service it is. For a model that another company serves, the model's maker.
    pub provider: ProviderId,
    /// The product, as people call it.
    pub product: String,
    /// The tools that call it by themselves; none where any client may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolId>,
    /// What is done there.
    pub role: EndpointRole,
    /// Whether it serves its provider alone, with its paths where it has some.
    pub exclusivity: Exclusivity,
    /// The least that an observer must see to tell a call to it from others.
    pub visibility: Visibility,
    /// Names that it has, and none below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Names that it has with all names below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suffixes: Vec<String>,
    /// Anchored expressions over names, each with a literal domain at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expressions: Vec<String>,
    /// Ranges of addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<String>,
    /// Numbers of autonomous systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<u32>,
    /// Whole paths of requests that narrow it, with `*` for any run of characters; any path where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The plan that the name itself tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How well the row is known to be true.
    pub confidence: Confidence,
    /// Where it is known from.
    pub source: String,
    /// The day on which the source was last looked at.
    pub verified: Day,
    /// Hosts, `HOST/PATH` requests, addresses or `AS` numbers that this row is the answer for.
    pub examples: Vec<String>,
    /// The same, for which it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counter_examples: Vec<String>,
    /// What a reader of the row should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl EndpointData {
    /// The row without its examples; ranges that are none are left out, which the check refuses before.
    fn endpoint(&self) -> Endpoint {
        let names = self.names.iter().cloned().map(EndpointPattern::Exact);
        let suffixes = self.suffixes.iter().cloned().map(EndpointPattern::Suffix);
        let expressions = self.expressions.iter().cloned().map(EndpointPattern::Expression);
        let ranges = self.ranges.iter().filter_map(|range| range.parse().ok()).map(EndpointPattern::Range);
        let systems = self.systems.iter().copied().map(EndpointPattern::Asn);
        Endpoint {
            id: self.id.get_ref().clone(),
            provider: self.provider.clone(),
            product: self.product.clone(),
            tools: self.tools.clone(),
            patterns: names.chain(suffixes).chain(expressions).chain(ranges).chain(systems).collect(),
            paths: self.paths.clone(),
            role: self.role,
            exclusivity: self.exclusivity,
            visibility: self.visibility,
            plan: self.plan.clone(),
            confidence: self.confidence,
            source: self.source.clone(),
            verified: self.verified.0,
        }
    }
}
