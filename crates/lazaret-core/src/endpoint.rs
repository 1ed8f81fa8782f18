//! Endpoints: where on the network the services of providers are reached, as dated nouns.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// How well a row is known to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Others report it: a public list, somebody's capture. Never enough to call an endpoint exclusive.
    Community,
    /// Seen in the vendor's own program, or on the wire by whoever wrote the row.
    Observed,
    /// The vendor says so.
    Documented,
}

impl Confidence {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Community, Self::Observed, Self::Documented];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::Observed => "observed",
            Self::Documented => "documented",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A range of addresses: all that share the first `prefix` bits of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// The first address; the bits after the prefix are zero.
    pub address: IpAddr,
    /// How many leading bits are shared: up to 32, or 128.
    pub prefix: u8,
}

/// A text that was meant to be a range of addresses and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range of addresses such as 192.0.2.0/24; the bits after the prefix must be zero")]
pub struct ParseRangeError {
    text: String,
}

impl AddressRange {
    /// Returns the range that an address lies in, by its first `prefix` bits; `None` where the prefix is too long.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) => {
                let kept = u32::MAX.checked_shl(32_u32.checked_sub(u32::from(prefix))?).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & kept))
            }
            IpAddr::V6(v6) => {
                let kept = u128::MAX.checked_shl(128_u32.checked_sub(u32::from(prefix))?).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & kept))
            }
        };
        Some(Self { address, prefix })
    }

    /// Returns whether an address lies in the range. An IPv4 address written as IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && Self::around(address, self.prefix).is_some_and(|around| around == *self)
    }

    /// Returns whether every address of another range lies in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.prefix <= other.prefix
            && Self::around(other.address, self.prefix).is_some_and(|around| around == *self)
    }

    /// Returns the two halves of the range; `None` for a single address.
    #[must_use]
    pub fn halves(&self) -> Option<(Self, Self)> {
        let prefix = self.prefix.checked_add(1)?;
        let lower = Self::around(self.address, prefix)?;
        let address = match self.address {
            IpAddr::V4(v4) => {
                let bit = 1_u32.checked_shl(32_u32.checked_sub(u32::from(prefix))?)?;
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() | bit))
            }
            IpAddr::V6(v6) => {
                let bit = 1_u128.checked_shl(128_u32.checked_sub(u32::from(prefix))?)?;
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() | bit))
            }
        };
        Some((lower, Self { address, prefix }))
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for AddressRange {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let (address, prefix) = text.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
            let range = Self::around(address, prefix.parse().ok().filter(|_| plain)?)?;
            (range.address == address).then_some(range)
        };
        parsed().ok_or_else(|| ParseRangeError { text: text.chars().take(80).collect() })
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for AddressRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AddressRange".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A range of addresses, such as `10.20.0.0/16` or `2001:db8:20::/48`.",
            "type": "string",
            "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
        })
    }
}

impl Exclusivity {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

impl fmt::Display for Exclusivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How an endpoint is recognised. Names are in lower case, in ASCII, without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
    /// How well it is known to be true.
    pub confidence: Confidence,
    /// Where this is known from: a vendor's page, a list, an observation.
    pub source: String,
    /// When the source was last looked at.
    pub verified: Date,
}

impl Endpoint {
    /// Whether calls to it are stopped where a policy bans its provider and says no more: a model answers there, and
    /// nobody else is served.
    #[must_use]
    pub fn blocks_by_default(&self) -> bool {
        self.role == EndpointRole::Inference && self.exclusivity == Exclusivity::Exclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        let range: AddressRange = "160.79.104.0/23".parse().unwrap();
        for (address, inside) in [
            ("160.79.104.0", true),
            ("160.79.105.255", true),
            ("160.79.106.0", false),
            ("160.79.103.255", false),
            ("::ffff:160.79.104.10", true),
            ("::160.79.104.10", false),
        ] {
            assert_eq!(range.contains(address.parse().unwrap()), inside, "{address}");
        }
        let all: AddressRange = "::/0".parse().unwrap();
        assert!(all.contains("2607:6bc0::1".parse().unwrap()));
        assert!(!all.contains("160.79.104.1".parse().unwrap()));
        assert_eq!(range.to_string(), "160.79.104.0/23");
    }

    #[test]
    fn ranges_are_halved_and_cover_their_halves() {
        for (range, lower, upper) in [
            ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"),
            ("160.79.104.0/23", "160.79.104.0/24", "160.79.105.0/24"),
            ("::/0", "::/1", "8000::/1"),
            ("2001:db8::/127", "2001:db8::/128", "2001:db8::1/128"),
        ] {
            let range: AddressRange = range.parse().unwrap();
            let halves = (lower.parse().unwrap(), upper.parse().unwrap());
            assert_eq!(range.halves(), Some(halves));
            assert!(range.covers(&halves.0) && range.covers(&halves.1) && range.covers(&range));
            assert!(!halves.0.covers(&range) && !halves.0.covers(&halves.1));
        }
        for single in ["192.0.2.1/32", "2001:db8::1/128"] {
            assert_eq!(single.parse::<AddressRange>().unwrap().halves(), None);
        }
        let all: AddressRange = "::/0".parse().unwrap();
        assert!(!all.covers(&"192.0.2.0/24".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["160.79.104.1/23", "160.79.104.0", "160.79.104.0/33", "::/129", "::/+1", "x/8", "1.2.3.4/", "/8"]
        {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
