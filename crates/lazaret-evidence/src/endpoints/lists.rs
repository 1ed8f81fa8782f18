//! Public lists of names and addresses held against the catalog: what they have that it has not, for a person to look
//! into. Nothing is taken over: a list says neither what is done somewhere nor who else is served there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lazaret_core::{AddressRange, EndpointId, EndpointPattern};
use serde_json::Value;

use super::{EndpointIndex, Host, HostBuffer, expression_matches, literal_tail, read_host};

/// What a list may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedThing {
    /// A name alone.
    Name(String),
    /// A name and all below it.
    Suffix(String),
    /// Addresses.
    Range(AddressRange),
}

/// A list as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicList {
    /// What it names, each with its first line; a list in JSON has no lines, and zero stands there.
    pub things: BTreeMap<ListedThing, usize>,
    /// Lines that name nothing that could be held against the catalog, and why.
    pub unread: Vec<(usize, &'static str)>,
}

/// What a list has beside the catalog, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListDifference {
    /// What no row covers.
    pub unknown: BTreeMap<ListedThing, usize>,
    /// What rows cover in part: the list means more than they do.
    pub wider: BTreeMap<ListedThing, Vec<EndpointId>>,
    /// How many a row covers.
    pub known: usize,
    /// Patterns of rows about the same providers that the list does not have.
    pub missing: BTreeMap<EndpointId, Vec<String>>,
    /// Lines that were not read, and why.
    pub unread: Vec<(usize, &'static str)>,
}

/// Reads a list: v2fly's `domain-list-community`, a hosts file, one name or range a line, or JSON in which ranges stand.
#[must_use]
pub fn read_public_list(text: &str) -> PublicList {
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
        let mut list = PublicList::default();
        ranges_in(&value, &mut list);
        return list;
    }
    let mut list = PublicList::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['!', ';']) {
            continue;
        }
        match read_line(line) {
            Ok(things) => {
                for thing in things {
                    list.things.entry(thing).or_insert(number);
                }
            }
            Err(why) => list.unread.push((number, why)),
        }
    }
    list
}

/// Reads a line without its comment.
fn read_line(line: &str) -> Result<Vec<ListedThing>, &'static str> {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (kind, rest) = first.split_once(':').unwrap_or(("", first));
    match kind {
        "include" => return Err("includes another list, which is to be given by itself"),
        "regexp" => return Err("is an expression"),
        "keyword" => return Err("is a word that any name may hold"),
        "full" => return named(rest).map(|name| vec![ListedThing::Name(name)]),
        "domain" => return named(rest).map(|name| vec![ListedThing::Suffix(name)]),
        _ => {}
    }
    if let Ok(range) = first.parse() {
        return Ok(vec![ListedThing::Range(range)]);
    }
    let mut buffer = HostBuffer::default();
    if let Some(Host::Address(address)) = read_host(first.as_bytes(), &mut buffer) {
        // A hosts file gives names the address of nowhere; an address alone is a range of one.
        let names: Vec<&str> = words.collect();
        if names.is_empty() {
            let prefix = if address.is_ipv4() { 32 } else { 128 };
            let range = AddressRange::around(address, prefix).ok_or("is no address")?;
            return Ok(vec![ListedThing::Range(range)]);
        }
        return names.into_iter().map(|name| named(name).map(ListedThing::Name)).collect();
    }
    let plain = first.trim_start_matches("*.").trim_start_matches('.');
    named(plain).map(|name| vec![ListedThing::Suffix(name)])
}

fn named(text: &str) -> Result<String, &'static str> {
    let mut buffer = HostBuffer::default();
    match read_host(text.as_bytes(), &mut buffer) {
        Some(Host::Name(name)) if name.contains('.') => Ok(name.to_owned()),
        Some(_) | None => Err("is neither a name nor a range of addresses"),
    }
}

/// Takes every text that is a range of addresses, wherever it stands.
fn ranges_in(value: &Value, list: &mut PublicList) {
    match value {
        Value::String(text) => {
            if let Ok(range) = text.parse() {
                list.things.entry(ListedThing::Range(range)).or_insert(0);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| ranges_in(value, list)),
        Value::Object(fields) => fields.values().for_each(|value| ranges_in(value, list)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Holds a list against the catalog's rows.
#[must_use]
pub fn compare_list(index: &EndpointIndex, list: &PublicList) -> ListDifference {
    let mut difference = ListDifference { unread: list.unread.clone(), ..ListDifference::default() };
    let mut providers = BTreeSet::new();
    for (thing, line) in &list.things {
        let (mut covering, mut touching) = (false, Vec::new());
        for row in index.rows().iter().filter(|row| row.paths.is_empty()) {
            let covers = row.patterns.iter().any(|pattern| covers(pattern, thing));
            if covers || row.patterns.iter().any(|pattern| touches(pattern, thing)) {
                providers.insert(&row.provider);
                touching.push(row.id.clone());
            }
            covering |= covers;
        }
        if covering {
            difference.known += 1;
        } else if touching.is_empty() {
            difference.unknown.insert(thing.clone(), *line);
        } else {
            difference.wider.insert(thing.clone(), touching);
        }
    }
    for row in index.rows().iter().filter(|row| row.paths.is_empty() && providers.contains(&row.provider)) {
        let is_listed = |pattern: &EndpointPattern| list.things.keys().any(|thing| is_within(pattern, thing));
        let missing = row.patterns.iter().filter(|pattern| !is_listed(pattern)).filter_map(spelled);
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            difference.missing.insert(row.id.clone(), missing);
        }
    }
    difference
}

fn is_below(name: &str, upper: &str) -> bool {
    name == upper || name.strip_suffix(upper).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether all that a list means is in a pattern.
fn covers(pattern: &EndpointPattern, thing: &ListedThing) -> bool {
    match (pattern, thing) {
        (EndpointPattern::Exact(own), ListedThing::Name(name)) => own == name,
        (EndpointPattern::Suffix(own), ListedThing::Name(name) | ListedThing::Suffix(name)) => {
            is_below(name, own)
        }
        (EndpointPattern::Expression(own), ListedThing::Name(name)) => expression_matches(own, name),
        (EndpointPattern::Range(own), ListedThing::Range(range)) => own.covers(range),
        _ => false,
    }
}

/// Whether some of what a list means is in a pattern.
fn touches(pattern: &EndpointPattern, thing: &ListedThing) -> bool {
    is_within(pattern, thing)
        || matches!((pattern, thing), (EndpointPattern::Exact(own), ListedThing::Suffix(name)) if own == name)
}

/// Whether a pattern lies in what a list means.
fn is_within(pattern: &EndpointPattern, thing: &ListedThing) -> bool {
    match (pattern, thing) {
        (EndpointPattern::Exact(own), ListedThing::Name(name)) => own == name,
        (EndpointPattern::Exact(own) | EndpointPattern::Suffix(own), ListedThing::Suffix(name)) => {
            is_below(own, name)
        }
        (EndpointPattern::Expression(own), ListedThing::Suffix(name)) => {
            literal_tail(own).is_some_and(|tail| is_below(&tail, name))
        }
        (EndpointPattern::Range(own), ListedThing::Range(range)) => range.covers(own),
        _ => false,
    }
}

fn spelled(pattern: &EndpointPattern) -> Option<String> {
    match pattern {
        EndpointPattern::Exact(name) | EndpointPattern::Expression(name) => Some(name.clone()),
        EndpointPattern::Suffix(name) => Some(format!("*.{name}")),
        EndpointPattern::Range(range) => Some(range.to_string()),
        // No list of names or addresses could have it.
        EndpointPattern::Asn(_) => None,
    }
}

impl fmt::Display for ListedThing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Suffix(name) => write!(f, "*.{name}"),
            Self::Range(range) => write!(f, "{range}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn things(text: &str) -> Vec<String> {
        read_public_list(text).things.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn lists_of_all_kinds_are_read_and_what_is_not_is_told() {
        let v2fly = "# names\ninclude:others\nfull:API.one.example @ads\ndomain:two.example\nthree.example # x\nregexp:^x$\nkeyword:chat\n";
        assert_eq!(things(v2fly), ["api.one.example", "*.three.example", "*.two.example"]);
        let unread: Vec<usize> = read_public_list(v2fly).unread.iter().map(|(line, _)| *line).collect();
        assert_eq!(unread, [2, 6, 7]);
        assert_eq!(
            things("0.0.0.0 a.one.example b.one.example\n::1 localhost.example\n"),
            ["a.one.example", "b.one.example", "localhost.example"]
        );
        assert_eq!(
            things("*.one.example\n.two.example\n192.0.2.0/24\n2001:db8::/32\n192.0.2.7\n"),
            ["*.one.example", "*.two.example", "192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32"]
        );
        let json = r#"{"prefixes": [{"ip_prefix": "192.0.2.0/24", "service": "X"}], "hooks": ["2001:db8::/32", "none"]}"#;
        assert_eq!(things(json), ["192.0.2.0/24", "2001:db8::/32"]);
        assert_eq!(read_public_list("no name\n").unread, [(1, "is neither a name nor a range of addresses")]);
    }

    #[test]
    fn what_a_list_has_beside_the_catalog_is_told_and_nothing_is_taken_over() {
        let catalog = Catalog::built_in();
        let text = "full:api.anthropic.com\ndomain:claude.ai\ndomain:new-name.example\n160.79.104.0/21\n";
        let difference = compare_list(catalog.endpoints(), &read_public_list(text));
        let unknown: Vec<String> = difference.unknown.keys().map(ToString::to_string).collect();
        assert_eq!(unknown, ["*.new-name.example"]);
        assert_eq!(difference.known, 2);
        let wider: Vec<String> = difference.wider.keys().map(ToString::to_string).collect();
        // Where the vendor calls others from, beside where it listens.
        assert_eq!(wider, ["160.79.104.0/21"]);
        assert_eq!(
            difference.missing.get(&"claude-on-google".parse().unwrap()).unwrap(),
            &["claude.googleapis.com"]
        );
        assert!(difference.missing.keys().all(|row| row.as_str() != "openai-api"));
    }
}
