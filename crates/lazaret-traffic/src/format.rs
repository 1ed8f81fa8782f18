//! The formats by name, and those that a user describes.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::FormatError;
use crate::formats::bind::Bind;
use crate::formats::cloudtrail::CloudTrail;
use crate::formats::coredns::CoreDns;
use crate::formats::dnstap::Dnstap;
use crate::formats::eve::Eve;
use crate::formats::logformat::Logformat;
use crate::formats::squid::Squid;
use crate::formats::unbound::Unbound;
use crate::formats::vpc_flow::VpcFlow;
use crate::formats::zeek::{ZeekJson, ZeekTsv};
use crate::grammar::Grammar;
use crate::map;

/// A format of a log.
#[derive(Debug, Clone)]
pub struct Format {
    name: String,
    grammar: Arc<dyn Grammar>,
}

/// A format that needs no more than its name.
struct Known {
    name: &'static str,
    make: fn() -> Option<Arc<dyn Grammar>>,
}

/// Returns the zone of a name.
pub(crate) fn zone_of(name: &str) -> Result<TimeZone, FormatError> {
    TimeZone::get(name).map_err(|source| FormatError::Zone { name: name.to_owned(), source })
}

/// Returns what a field map describes that ships with the program.
fn built_in(text: &str) -> Option<Arc<dyn Grammar>> {
    map::parse(text).ok().map(|(_, mapped)| -> Arc<dyn Grammar> { Arc::new(mapped) })
}

const KNOWN: &[Known] = &[
    Known { name: "squid", make: || Some(Arc::new(Squid::new())) },
    Known { name: "envoy", make: || built_in(include_str!("../maps/envoy.toml")) },
    Known { name: "eve", make: || Some(Arc::new(Eve::new())) },
    Known { name: "zeek", make: || Some(Arc::new(ZeekTsv::new())) },
    Known { name: "zeek-json", make: || Some(Arc::new(ZeekJson::new())) },
    Known { name: "unbound", make: || Some(Arc::new(Unbound::new())) },
    Known { name: "bind", make: || Some(Arc::new(Bind::new(None))) },
    Known { name: "coredns", make: || Some(Arc::new(CoreDns::new())) },
    Known { name: "dnstap", make: || Some(Arc::new(Dnstap::new())) },
    Known { name: "route53", make: || built_in(include_str!("../maps/route53.toml")) },
    Known { name: "vpc-flow", make: || Some(Arc::new(VpcFlow::new())) },
    Known { name: "cloudflare-http", make: || built_in(include_str!("../maps/cloudflare-http.toml")) },
    Known { name: "cloudflare-dns", make: || built_in(include_str!("../maps/cloudflare-dns.toml")) },
    Known { name: "cloudtrail", make: || Some(Arc::new(CloudTrail::new())) },
];

impl Format {
    /// Returns the format of a name. `bind@Europe/Berlin` is BIND's log, whose times are of that zone; `logformat:` and
    /// then what a line `logformat NAME …` of Squid's configuration says is a log that Squid writes by that line.
    ///
    /// # Errors
    /// [`FormatError`] where there is no such format or zone, or the line cannot be used.
    pub fn named(name: &str) -> Result<Self, FormatError> {
        if let Some(line) = name.strip_prefix("logformat:") {
            return Self::squid_logformat(line);
        }
        if let Some(zone) = name.strip_prefix("bind@") {
            let zone = zone_of(zone)?;
            return Ok(Self { name: "bind".to_owned(), grammar: Arc::new(Bind::new(Some(zone))) });
        }
        let known = KNOWN.iter().find(|known| known.name == name);
        let grammar = known.and_then(|known| (known.make)()).ok_or_else(|| FormatError::Unknown {
            name: name.to_owned(),
            known: Self::names().collect::<Vec<_>>().join(", "),
        })?;
        Ok(Self { name: name.to_owned(), grammar })
    }

    /// Returns the format of a log that Squid writes by a line `logformat NAME …`, given without its first two words.
    ///
    /// # Errors
    /// [`FormatError::Logformat`] where the line cannot be read, or its logs could be read in two ways.
    pub fn squid_logformat(line: &str) -> Result<Self, FormatError> {
        let grammar = Logformat::parse(line)?;
        Ok(Self { name: "logformat".to_owned(), grammar: Arc::new(grammar) })
    }

    /// Returns the format that a field map describes, in TOML.
    ///
    /// # Errors
    /// [`FormatError`] where it is no field map, or says what cannot be.
    pub fn from_field_map(text: &str) -> Result<Self, FormatError> {
        let (name, mapped) = map::parse(text)?;
        Ok(Self { name, grammar: Arc::new(mapped) })
    }

    /// Returns the names of all formats that need no more than their name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.name)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn grammar(&self) -> Arc<dyn Grammar> {
        Arc::clone(&self.grammar)
    }
}

/// Returns every format that can be told from its lines.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Arc<dyn Grammar>)> {
    KNOWN.iter().filter_map(|known| Some((known.name, (known.make)()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_can_be_made() {
        for name in Format::names() {
            Format::named(name).unwrap();
        }
        assert!(Format::named("tide").unwrap_err().to_string().contains("squid, envoy"));
        assert!(matches!(Format::named("bind@Atlantis"), Err(FormatError::Zone { .. })));
    }
}
