//! The detectors of traffic: what each needs to see, how far it can be believed, and what it asks for by default.

use std::fmt;

use lazaret_core::{Response, Visibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a detector can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// It orders what people look at, and shows nothing by itself.
    Weak,
    /// It is right more often than not; its page says how it may be wrong.
    Likely,
    /// It states what the log states: a name, an address, a path that serves one provider alone.
    Exact,
}

/// A detector of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficDetector {
    /// A name or path at which a banned provider's models answer, and nobody else's.
    InferenceHost,
    /// An address that a banned provider announces as its own.
    ProviderAddress,
    /// A path, and headers, by which model services are called, at a host that the catalog does not know.
    ApiShape,
    /// A connection asked for by address or by another name, whose TLS greeting names a banned provider.
    HiddenName,
    /// A personal plan or a foreign account of an approved tool.
    PersonalPlan,
    /// Signs of a banned tool's presence while its own service is not used, beside long streams to an unknown host.
    RelayedTool,
    /// Signs of a banned tool's presence, and no visible use of any model.
    SilentTool,
    /// A resolver, a hidden greeting or a tunnel that takes the calls behind it out of sight.
    ControlEvasion,
    /// An address that a banned provider's network announces, where that alone is known of it.
    ProviderNetwork,
    /// Streams of a model's shape to a host that few call.
    RareStream,
}

impl TrafficDetector {
    /// All detectors, the most certain first.
    pub const ALL: [Self; 10] = [
        Self::InferenceHost,
        Self::ProviderAddress,
        Self::HiddenName,
        Self::PersonalPlan,
        Self::ApiShape,
        Self::RelayedTool,
        Self::SilentTool,
        Self::ControlEvasion,
        Self::ProviderNetwork,
        Self::RareStream,
    ];

    /// Returns the detector's id: its page bears the same name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InferenceHost => "inference-host",
            Self::ProviderAddress => "provider-address",
            Self::ApiShape => "api-shape",
            Self::HiddenName => "hidden-name",
            Self::PersonalPlan => "personal-plan",
            Self::RelayedTool => "relayed-tool",
            Self::SilentTool => "silent-tool",
            Self::ControlEvasion => "control-evasion",
            Self::ProviderNetwork => "provider-network",
            Self::RareStream => "rare-stream",
        }
    }

    /// Returns what it says, in a few words for a title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::InferenceHost => "call to a banned provider's models",
            Self::ProviderAddress => "call to a banned provider's addresses",
            Self::ApiShape => "call of a model service's shape to an unknown host",
            Self::HiddenName => "banned provider behind another name",
            Self::PersonalPlan => "approved tool outside the approved plan or account",
            Self::RelayedTool => "banned tool that seems to be relayed through another host",
            Self::SilentTool => "banned tool present, its calls not seen",
            Self::ControlEvasion => "names or calls taken out of sight",
            Self::ProviderNetwork => "call to a network that a banned provider announces",
            Self::RareStream => "streams of a model's shape to a rarely called host",
        }
    }

    /// Returns the kinds of log in which it can see anything; in others it is blind, and a report says so.
    #[must_use]
    pub fn needs(self) -> &'static [Visibility] {
        use Visibility::{Connect, Dns, Flow, Http, Sni};
        match self {
            Self::InferenceHost | Self::PersonalPlan => &[Dns, Sni, Connect, Http],
            Self::ProviderAddress | Self::ProviderNetwork => &[Flow, Sni, Connect, Http],
            Self::ApiShape => &[Http],
            Self::HiddenName => &[Sni, Connect, Http],
            Self::RelayedTool | Self::RareStream => &[Flow, Sni, Connect, Http],
            Self::SilentTool | Self::ControlEvasion => &[Dns, Flow, Sni, Connect, Http],
        }
    }

    /// Returns how far it can be believed.
    #[must_use]
    pub fn precision(self) -> Precision {
        match self {
            Self::InferenceHost
            | Self::ProviderAddress
            | Self::ApiShape
            | Self::HiddenName
            | Self::PersonalPlan => Precision::Exact,
            Self::RelayedTool | Self::ControlEvasion => Precision::Likely,
            Self::SilentTool | Self::ProviderNetwork | Self::RareStream => Precision::Weak,
        }
    }

    /// Returns what it asks for by default.
    #[must_use]
    pub fn response(self) -> Response {
        match self {
            Self::InferenceHost | Self::ProviderAddress | Self::HiddenName => Response::Block,
            Self::ApiShape | Self::PersonalPlan | Self::RelayedTool | Self::ControlEvasion => Response::Alert,
            Self::SilentTool | Self::ProviderNetwork | Self::RareStream => Response::Score,
        }
    }
}

impl fmt::Display for TrafficDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_exact_blocks_and_what_is_weak_only_scores() {
        for detector in TrafficDetector::ALL {
            if detector.response() == Response::Block {
                assert_eq!(detector.precision(), Precision::Exact, "{detector}");
            }
            if detector.precision() == Precision::Weak {
                assert_eq!(detector.response(), Response::Score, "{detector}");
            }
        }
    }

    #[test]
    fn every_detector_is_listed_once() {
        let names: std::collections::BTreeSet<_> = TrafficDetector::ALL.map(TrafficDetector::as_str).into();
        assert_eq!(names.len(), TrafficDetector::ALL.len());
    }
}
