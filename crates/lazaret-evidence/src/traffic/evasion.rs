//! Names and ports that take calls out of sight: resolvers over HTTPS and TLS, hidden greetings, tunnels.

use hashbrown::HashMap;
use lazaret_core::{TrafficFact, Visibility};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::catalog::Day;

/// A row of the catalog: names of one kind of way out of sight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvasionData {
    /// Its name in findings.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// What is taken out of sight, and how.
    pub kind: EvasionKind,
    /// These names, in lower case.
    #[serde(default)]
    pub exact: Vec<String>,
    /// These names and those below them.
    #[serde(default)]
    pub suffix: Vec<String>,
    /// Where this is known from.
    pub source: String,
    /// When the source was last looked at.
    pub verified: Day,
}

/// How calls are taken out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvasionKind {
    /// A resolver that is asked past the house's own: look-ups are not seen.
    Resolver,
    /// A TLS greeting that hides the name: hosts are not seen.
    Greeting,
    /// A tunnel to anywhere: nothing is seen.
    Tunnel,
}

/// The port of DNS over TLS and over QUIC (RFC 7858, RFC 9250).
const DNS_OVER_TLS: u16 = 853;
/// The id under which calls to that port are told.
pub(crate) const DNS_OVER_TLS_ID: &str = "dns-over-tls";

/// The rows, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Evasions {
    rows: Vec<EvasionData>,
    /// By name: the row, and whether names below it count too.
    names: HashMap<Box<[u8]>, (usize, bool)>,
}

impl Evasions {
    /// Makes the rows ready.
    #[must_use]
    pub fn new(rows: Vec<EvasionData>) -> Self {
        let mut names = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            for name in &row.exact {
                names.entry(name.as_bytes().into()).or_insert((index, false));
            }
            for name in &row.suffix {
                names.insert(name.as_bytes().into(), (index, true));
            }
        }
        Self { rows, names }
    }

    /// Returns the row of a host in its normal form.
    #[must_use]
    pub fn by_name(&self, host: &[u8]) -> Option<&EvasionData> {
        if let Some((row, _)) = self.names.get(host) {
            return self.rows.get(*row);
        }
        let mut rest = host;
        while let Some(dot) = memchr::memchr(b'.', rest) {
            rest = rest.get(dot + 1..)?;
            if let Some((row, true)) = self.names.get(rest) {
                return self.rows.get(*row);
            }
        }
        None
    }

    /// Whether the port alone takes calls out of sight.
    #[must_use]
    pub fn is_port(port: Option<u16>) -> bool {
        port == Some(DNS_OVER_TLS)
    }

    /// Returns under which id a call to a port alone is told.
    #[must_use]
    pub fn by_port(&self, fact: &TrafficFact<'_>) -> Option<&'static str> {
        let seen_as_call = fact.visibility != Visibility::Dns;
        (seen_as_call && Self::is_port(fact.port)).then_some(DNS_OVER_TLS_ID)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_stand_alone_and_suffixes_cover_what_is_below() {
        let evasions = Evasions::new(vec![EvasionData {
            id: Spanned::new(0..0, "tunnels".to_owned()),
            kind: EvasionKind::Tunnel,
            exact: vec!["door.example".to_owned()],
            suffix: vec!["tunnel.example".to_owned()],
            source: "a test".to_owned(),
            verified: Day(jiff::civil::date(2026, 11, 1)),
        }]);
        for name in ["door.example", "tunnel.example", "a.b.tunnel.example"] {
            assert!(evasions.by_name(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["a.door.example", "atunnel.example", "example", "", "."] {
            assert!(evasions.by_name(name.as_bytes()).is_none(), "{name}");
        }
    }
}
