//! A response policy zone: names and addresses do not exist, and networks that pass are answered as if it were not there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use lazaret_core::{AddressRange, EndpointId};

use super::barrier::{Barrier, Name, Standing, above};
use super::head::Head;
use super::networks::{Ranges, with};

/// The name by which browsers ask whether they may use a resolver of their own (Mozilla's canary).
const CANARY: &str = "use-application-dns.net";

/// How long a name may be that still fits before the zone's own.
const NAME_BYTES_MAX: usize = 200;

/// What the zone says of names, by name and whether those below it are meant.
struct Zone<'a> {
    /// Names alone.
    exact: BTreeMap<&'a str, (bool, &'a EndpointId)>,
    /// Names and all below them.
    suffix: BTreeMap<&'a str, (bool, &'a EndpointId)>,
}

impl<'a> Zone<'a> {
    fn new(barrier: &'a Barrier) -> Self {
        let mut zone = Self { exact: BTreeMap::new(), suffix: BTreeMap::new() };
        let beside = barrier.beside_addresses.iter().map(|(name, row)| (name, false, row));
        let names = barrier.names.iter();
        let names = names.map(|(name, listed)| (name, listed.standing != Standing::Open, &listed.row));
        for (name, is_stopped, row) in beside.chain(names) {
            match name {
                Name::Exact(name) => zone.exact.insert(name, (is_stopped, row)),
                Name::Suffix(name) => zone.suffix.insert(name, (is_stopped, row)),
                Name::Expression(_) => None,
            };
        }
        zone
    }

    /// What holds of the names below a name that are not listed.
    fn below(&self, name: &str) -> Option<(bool, &'a EndpointId)> {
        std::iter::once(name).chain(above(name)).find_map(|name| self.suffix.get(name)).copied()
    }

    /// What holds of a name.
    fn of(&self, name: &str) -> Option<(bool, &'a EndpointId)> {
        self.exact.get(name).copied().or_else(|| self.below(name))
    }

    /// All names that the zone has to name: a wildcard does not reach past a name that is there, so that every name
    /// between a suffix and what is listed below it says again what holds of it.
    fn nodes(&self) -> BTreeSet<&'a str> {
        let listed = || self.exact.keys().chain(self.suffix.keys()).copied();
        let between = listed().flat_map(|name| above(name).filter(|upper| self.below(upper).is_some()));
        listed().chain(between).collect()
    }
}

/// Writes the networks that pass, as a zone that stands before the others. In one zone, Unbound 1.17 lets what holds of
/// a name outrank what holds of a client; a zone before it outranks both.
pub(super) fn render_passes(barrier: &Barrier, head: &Head, now: Timestamp) -> String {
    let mut out = head.render(";");
    // Seconds since 1970 grow with every export and fit a serial number until 2106.
    let serial = u32::try_from(now.as_second()).unwrap_or_default();
    out.push_str("$TTL 60\n");
    out.push_str(&format!("@ IN SOA localhost. hostmaster.localhost. {serial} 300 60 86400 60\n"));
    out.push_str("@ IN NS localhost.\n");
    let passed = passed(barrier);
    if !passed.is_empty() {
        out.push_str("; networks that pass\n");
    }
    for range in passed.iter().flat_map(writable) {
        out.push_str(&format!("{}.rpz-client-ip CNAME rpz-passthru.\n", trigger(range)));
    }
    out
}

pub(super) fn render(barrier: &Barrier, head: &Head, now: Timestamp) -> String {
    let mut out = render_passes(barrier, head, now);
    out.push_str("; browsers keep to this resolver\n");
    out.push_str(&format!("{CANARY} CNAME .\n"));
    out.push_str("; names that are stopped, and names among them or beside their addresses that are not\n");
    let zone = Zone::new(barrier);
    for name in zone.nodes() {
        let lines = [(name.to_owned(), zone.of(name)), (format!("*.{name}"), zone.below(name))];
        for (owner, what) in lines {
            let Some((is_stopped, row)) = what else { continue };
            if owner.len() > NAME_BYTES_MAX {
                out.push_str(&format!("; left out, {owner} is too long for a zone: {row}\n"));
                continue;
            }
            let action = if is_stopped { "." } else { "rpz-passthru." };
            out.push_str(&format!("{owner} CNAME {action} ; {row}\n"));
        }
    }
    if !barrier.addresses.is_empty() {
        out.push_str("; answers with these addresses are stopped\n");
    }
    for (range, listed) in &barrier.addresses {
        for range in writable(range) {
            out.push_str(&format!("{}.rpz-ip CNAME . ; {}\n", trigger(range), listed.row));
        }
    }
    out
}

/// Returns the networks that pass: a zone lets a client through for every name or for none.
fn passed(barrier: &Barrier) -> Ranges {
    let stopped = barrier.names.values().chain(barrier.addresses.values());
    let passed = stopped.filter_map(|listed| match &listed.standing {
        Standing::Open => None,
        Standing::Stopped(passed) => Some(passed),
    });
    passed.flatten().fold(barrier.unenforced.clone(), |all, range| with(&all, *range))
}

/// Returns a range in parts that a trigger can name: all addresses at once it cannot.
fn writable(range: &AddressRange) -> Vec<AddressRange> {
    match range.halves().filter(|_| range.prefix == 0) {
        Some((lower, upper)) => vec![lower, upper],
        None => vec![*range],
    }
}

/// A range as the name of a trigger: the prefix, then the parts of the address backwards, `zz` for a run of zeros.
fn trigger(range: AddressRange) -> String {
    let parts: Vec<String> = match range.address {
        IpAddr::V4(address) => address.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(address) => {
            let text = address.to_string();
            let backwards = |part: &str| -> Vec<String> {
                part.split(':').rev().filter(|group| !group.is_empty()).map(str::to_owned).collect()
            };
            match text.split_once("::") {
                None => backwards(&text),
                Some((head, tail)) => [backwards(tail), vec!["zz".to_owned()], backwards(head)].concat(),
            }
        }
    };
    format!("{}.{}", range.prefix, parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_backwards() {
        for (range, expected) in [
            ("160.79.104.0/23", "23.0.104.79.160"),
            ("2607:6bc0::/48", "48.zz.6bc0.2607"),
            ("2001:db8:1:2:3:4:5:6/128", "128.6.5.4.3.2.1.db8.2001"),
            ("2001:db8::1/128", "128.1.zz.db8.2001"),
            ("8000::/1", "1.zz.8000"),
            ("::/1", "1.zz"),
        ] {
            assert_eq!(trigger(range.parse().unwrap()), expected);
        }
    }
}
