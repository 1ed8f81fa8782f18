//! Endpoints: where on the network the services of providers are reached, as dated nouns.

use std::fmt;
use std::net::IpAddr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EndpointId, ProviderId, ToolId, Visibility};

/// What is done at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointRole {
    /// A model answers.
    Inference,
    /// People and programs sign in.
    Auth,
    /// A tool reports about itself.
    Telemetry,
    /// A tool is fetched or brought up to date.
    Download,
    /// People read about it.
    Docs,
    /// Many things at once, of which some are a model's: storage, a content network, a tool server.
    Shared,
}

impl EndpointRole {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Inference, Self::Auth, Self::Telemetry, Self::Download, Self::Docs, Self::Shared];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Auth => "auth",
            Self::Telemetry => "telemetry",
            Self::Download => "download",
            Self::Docs => "docs",
            Self::Shared => "shared",
        }
    }
}

impl fmt::Display for EndpointRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a name or address serves its provider alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusivity {
    /// Others are served there too: a call alone shows nothing about this provider.
    Shared,
    /// Nobody else is served there.
    Exclusive,
}

/// A range of addresses: all that share the first `prefix` bits of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// The first address; the bits after the prefix are zero.
    pub address: IpAddr,
    /// How many leading bits are shared: up to 32, or 128.
    pub prefix: u8,
}

/// How an endpoint is recognised. Names are in lower case, in ASCII, without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointPattern {
    /// This name.
    Exact(String),
    /// This name and every name below it.
    Suffix(String),
    /// Names that an anchored expression matches.
    Expression(String),
    /// These addresses.
    Range(AddressRange),
    /// Addresses that this autonomous system announces; needs a table of who announces what.
    Asn(u32),
}

/// One row of the catalog of endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in findings, decisions and exports.
    pub id: EndpointId,
    /// Whose service it is.
    pub provider: ProviderId,
    /// The product, as people call it.
    pub product: String,
    /// The tools of the catalog that call it by themselves; empty where any client may.
    pub tools: Vec<ToolId>,
    /// How it is recognised; any of them suffices.
    pub patterns: Vec<EndpointPattern>,
    /// Paths that narrow it, with `*` for any run of characters; any path where the list is empty. A pattern with
    /// paths is recognised by an observer of requests alone.
    pub paths: Vec<String>,
    /// What is done there.
    pub role: EndpointRole,
    /// Whether it serves its provider alone.
    pub exclusivity: Exclusivity,
    /// The least that an observer must see to tell a call to it from others.
    pub visibility: Visibility,
    /// The plan that the name itself tells, such as `individual`.
    pub plan: Option<String>,
    /// Where this is known from: a vendor's page, a list, an observation.
    pub source: String,
    /// When the source was last looked at.
    pub verified: Date,
}
