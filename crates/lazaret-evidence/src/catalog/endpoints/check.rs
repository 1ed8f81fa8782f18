//! Holds the rows of endpoints against their rules and compiles them.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{AddressRange, Confidence, EndpointPattern, Exclusivity, ProviderId, ToolId, Visibility};

use super::super::Part;
use super::super::error::{CatalogError, Location};
use super::EndpointData;
use crate::endpoints::{EndpointIndex, Host, HostBuffer, IndexError, read_host};

/// Checks the rows of all parts and returns their index.
pub(in crate::catalog) fn index(
    parts: &[Part],
    tools: &BTreeMap<ToolId, ProviderId>,
    providers: &BTreeSet<ProviderId>,
) -> Result<EndpointIndex, CatalogError> {
    let mut places = BTreeMap::new();
    let mut patterns = BTreeSet::new();
    let mut rows = Vec::new();
    for part in parts {
        for data in &part.data.endpoints {
            let checker = Checker { part, data };
            checker.check(tools, providers)?;
            let row = data.endpoint();
            if places.insert(row.id.clone(), checker.location()).is_some() {
                return Err(checker.duplicate("endpoint", row.id.to_string()));
            }
            if row.paths.is_empty() {
                for pattern in &row.patterns {
                    if !patterns.insert(pattern.clone()) {
                        return Err(checker.duplicate("pattern of an endpoint", spelled(pattern)));
                    }
                }
            }
            rows.push(row);
        }
    }
    EndpointIndex::new(rows).map_err(|source| {
        let (IndexError::Expression { id, .. }
        | IndexError::OpenEnd { id, .. }
        | IndexError::Deep { id, .. }) = &source;
        let location = places.get(id).cloned().unwrap_or_else(Location::unknown);
        CatalogError::Endpoint { location, source }
    })
}

/// A pattern as people write it.
pub(super) fn spelled(pattern: &EndpointPattern) -> String {
    match pattern {
        EndpointPattern::Exact(name) | EndpointPattern::Expression(name) => name.clone(),
        EndpointPattern::Suffix(name) => format!("*.{name}"),
        EndpointPattern::Range(range) => range.to_string(),
        EndpointPattern::Asn(system) => format!("AS{system}"),
    }
}

struct Checker<'a> {
    part: &'a Part,
    data: &'a EndpointData,
}

impl Checker<'_> {
    fn check(
        &self,
        tools: &BTreeMap<ToolId, ProviderId>,
        providers: &BTreeSet<ProviderId>,
    ) -> Result<(), CatalogError> {
        let data = self.data;
        if !providers.contains(&data.provider) {
            return Err(self.unknown("provider", data.provider.to_string()));
        }
        if let Some(tool) = data.tools.iter().find(|tool| !tools.contains_key(*tool)) {
            return Err(self.unknown("tool", tool.to_string()));
        }
        for (field, text) in [("product", &data.product), ("source", &data.source)] {
            if text.trim().is_empty() {
                return Err(self.field(field, "is empty"));
            }
        }
        if data.plan.as_ref().is_some_and(|plan| plan.trim().is_empty()) {
            return Err(self.field("plan", "is empty"));
        }
        if data.examples.is_empty() {
            return Err(self.field("examples", "is missing: a row must show what it matches"));
        }
        self.patterns()?;
        self.paths()?;
        self.claims()
    }

    fn patterns(&self) -> Result<(), CatalogError> {
        let data = self.data;
        let named = !(data.names.is_empty() && data.suffixes.is_empty() && data.expressions.is_empty());
        let numbered = !(data.ranges.is_empty() && data.systems.is_empty());
        match (named, numbered) {
            (false, false) => return Err(self.field("names", "is missing, and so are all other patterns")),
            (true, true) => {
                let problem = "must be a row of its own: an observer of names and one of addresses see different things";
                return Err(self.field("ranges", problem));
            }
            _ => {}
        }
        for (field, names) in [("names", &data.names), ("suffixes", &data.suffixes)] {
            if let Some(bad) = names.iter().find(|name| !is_name(name)) {
                let problem = format!(
                    "holds `{bad}`, which is no name of two labels or more in lower case, in ASCII, without a final dot"
                );
                return Err(self.field(field, &problem));
            }
        }
        for range in &data.ranges {
            let range = range
                .parse::<AddressRange>()
                .map_err(|error| self.field("ranges", &format!("holds what is none: {error}")))?;
            let least = if range.address.is_ipv4() { 8 } else { 16 };
            if range.prefix < least {
                return Err(
                    self.field("ranges", &format!("holds `{range}`, which is too wide for one provider"))
                );
            }
        }
        Ok(())
    }

    fn paths(&self) -> Result<(), CatalogError> {
        let literal = |path: &String| path.bytes().any(|byte| byte.is_ascii_alphanumeric());
        let whole = |path: &String| path.starts_with('/') && literal(path) && !path.contains(['?', '#', '%']);
        match self.data.paths.iter().find(|path| !whole(path)) {
            Some(bad) => {
                let problem = format!(
                    "holds `{bad}`: a path begins with `/`, names something, and has no query, fragment or escape"
                );
                Err(self.field("paths", &problem))
            }
            None => Ok(()),
        }
    }

    /// Holds what the row claims against what it can know.
    fn claims(&self) -> Result<(), CatalogError> {
        let data = self.data;
        let least = if !data.paths.is_empty() {
            Visibility::Http
        } else if data.ranges.is_empty() && data.systems.is_empty() {
            Visibility::Dns
        } else {
            Visibility::Flow
        };
        if data.visibility < least {
            return Err(self.field("visibility", &format!("is too low: such a pattern needs `{least}`")));
        }
        if data.exclusivity == Exclusivity::Exclusive {
            if data.confidence == Confidence::Community {
                let problem = "must be `shared`: what only others report stops nobody's calls";
                return Err(self.field("exclusivity", problem));
            }
            if !data.systems.is_empty() {
                let problem = "must be `shared`: an autonomous system announces more than one service";
                return Err(self.field("exclusivity", problem));
            }
        }
        Ok(())
    }

    fn location(&self) -> Location {
        Location::new(self.part, self.data.id.span())
    }

    fn field(&self, field: &str, problem: &str) -> CatalogError {
        CatalogError::EndpointField {
            endpoint: self.data.id.get_ref().to_string(),
            field: field.to_owned(),
            problem: problem.to_owned(),
            location: self.location(),
        }
    }

    fn unknown(&self, what: &'static str, id: String) -> CatalogError {
        CatalogError::Unknown { what, id, location: self.location() }
    }

    fn duplicate(&self, what: &'static str, id: String) -> CatalogError {
        CatalogError::Duplicate { what, id, location: self.location() }
    }
}

fn is_name(name: &str) -> bool {
    let mut buffer = HostBuffer::default();
    name.contains('.') && read_host(name.as_bytes(), &mut buffer) == Some(Host::Name(name))
}
