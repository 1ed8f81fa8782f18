//! Checks the catalog's data and compiles its marks: every rule a row must obey is here.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{ProviderId, Strength, ToolId};
use toml::Spanned;

use super::Part;
use super::data::{MarkData, MarkKind, Passage, Place};
use super::endpoints;
use super::error::{CatalogError, Location};
use super::expression::{self, ExpressionError};
use super::mark::{
    IdentityPattern, LinePattern, Mark, PathPattern, Pattern, SuppressionPattern, TrailerPattern,
};
use super::paths;
use crate::endpoints::EndpointIndex;

/// Shorter needles stand in too many texts to guard anything.
const NEEDLE_BYTES_MIN: usize = 3;

/// Checks all parts against each other and returns the compiled marks in the order of their ids, and the endpoints.
pub(super) fn all(parts: &[Part]) -> Result<(Vec<Mark>, EndpointIndex), CatalogError> {
    unique_ids(parts)?;
    let providers = known_providers(parts);
    let tools = known_tools(parts, &providers)?;
    traffic(parts, &providers)?;
    Ok((marks(parts, &tools)?, endpoints::index(parts, &tools, &providers)?))
}

fn marks(parts: &[Part], tools: &BTreeMap<ToolId, ProviderId>) -> Result<Vec<Mark>, CatalogError> {
    let mut marks = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for part in parts {
        for data in &part.data.marks {
            let checker = Checker { part, data };
            let mark = checker.mark(tools)?;
            if let Pattern::Identity(identity) = &mark.pattern {
                for address in identity.addresses.iter().chain(&identity.accounts) {
                    if addresses.insert(address.clone(), ()).is_some() {
                        return Err(checker.duplicate("address", address));
                    }
                }
            }
            if marks.insert(mark.id.clone(), mark).is_some() {
                return Err(checker.duplicate("mark", data.id.get_ref()));
            }
        }
    }
    Ok(marks.into_values().collect())
}

fn unique_ids(parts: &[Part]) -> Result<(), CatalogError> {
    let mut seen = BTreeSet::new();
    for part in parts {
        let data = &part.data;
        let providers = data.providers.iter().map(|entry| ("provider", located(part, &entry.id)));
        let tools = data.tools.iter().map(|entry| ("tool", located(part, &entry.id)));
        let models = data.models.iter().map(|entry| ("model", located(part, &entry.id)));
        let keys = data.trailer_keys.iter().map(|entry| ("trailer key", located(part, &entry.key)));
        let shapes = data.shapes.iter().map(|entry| ("shape of a call", located(part, &entry.id)));
        let evasions = data.evasions.iter().map(|entry| ("way out of sight", located(part, &entry.id)));
        let restrictions = data.tenant_restrictions.iter();
        let restrictions = restrictions.map(|entry| ("tenant restriction", located(part, &entry.id)));
        let entries = providers.chain(tools).chain(models).chain(keys).chain(shapes).chain(evasions);
        let entries = entries.chain(restrictions);
        for (what, (id, location)) in entries {
            if !seen.insert((what, id.clone())) {
                return Err(CatalogError::Duplicate { what, id, location });
            }
        }
        for tool in &data.tools {
            for name in tool.names.iter().chain(&tool.ambiguous_names) {
                if !seen.insert(("name", name.to_ascii_lowercase())) {
                    let location = Location::new(part, tool.id.span());
                    return Err(CatalogError::Duplicate { what: "name", id: name.clone(), location });
                }
            }
            for name in &tool.recorder_names {
                if !seen.insert(("recorder's name", name.to_ascii_lowercase())) {
                    let location = Location::new(part, tool.id.span());
                    return Err(CatalogError::Duplicate {
                        what: "recorder's name",
                        id: name.clone(),
                        location,
                    });
                }
            }
        }
    }
    Ok(())
}

fn located<T: ToString>(part: &Part, id: &Spanned<T>) -> (String, Location) {
    (id.get_ref().to_string(), Location::new(part, id.span()))
}

/// Checks the rows that no endpoint names: shapes of calls, and names that take calls out of sight.
fn traffic(parts: &[Part], providers: &BTreeSet<ProviderId>) -> Result<(), CatalogError> {
    let mut names = BTreeSet::new();
    for part in parts {
        for shape in &part.data.shapes {
            let (id, location) = located(part, &shape.id);
            if let Some(provider) = shape.provider.as_ref().filter(|provider| !providers.contains(provider)) {
                return Err(CatalogError::Unknown { what: "provider", id: provider.to_string(), location });
            }
            if let Some((field, problem)) = shape.fault() {
                let (endpoint, field) = (id, field.to_owned());
                return Err(CatalogError::EndpointField {
                    endpoint,
                    field,
                    problem: problem.to_owned(),
                    location,
                });
            }
        }
        for evasion in &part.data.evasions {
            let (id, location) = located(part, &evasion.id);
            for name in evasion.exact.iter().chain(&evasion.suffix) {
                let is_normal = name.contains('.')
                    && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
                let problem = if !is_normal {
                    "holds a name that is not in lower case, in ASCII, with a dot"
                } else if names.insert(name) {
                    continue;
                } else {
                    "holds a name that stands in the catalog already"
                };
                let field = "exact` or `suffix".to_owned();
                return Err(CatalogError::EndpointField {
                    endpoint: id,
                    field,
                    problem: problem.to_owned(),
                    location,
                });
            }
        }
        for restriction in &part.data.tenant_restrictions {
            let (id, location) = located(part, &restriction.id);
            if !providers.contains(&restriction.provider) {
                let id = restriction.provider.to_string();
                return Err(CatalogError::Unknown { what: "provider", id, location });
            }
            if let Some((field, problem)) = restriction.fault() {
                let (field, problem) = (field.to_owned(), problem.to_owned());
                return Err(CatalogError::EndpointField { endpoint: id, field, problem, location });
            }
        }
    }
    Ok(())
}

fn known_providers(parts: &[Part]) -> BTreeSet<ProviderId> {
    parts.iter().flat_map(|part| &part.data.providers).map(|entry| entry.id.get_ref().clone()).collect()
}

fn known_tools(
    parts: &[Part],
    providers: &BTreeSet<ProviderId>,
) -> Result<BTreeMap<ToolId, ProviderId>, CatalogError> {
    let mut tools = BTreeMap::new();
    for part in parts {
        let tool_makers = part.data.tools.iter().map(|tool| (&tool.provider, tool.id.span()));
        let model_makers = part.data.models.iter().map(|model| (&model.provider, model.id.span()));
        for (provider, span) in tool_makers.chain(model_makers) {
            if !providers.contains(provider) {
                let location = Location::new(part, span);
                return Err(CatalogError::Unknown { what: "provider", id: provider.to_string(), location });
            }
        }
        for tool in &part.data.tools {
            tools.insert(tool.id.get_ref().clone(), tool.provider.clone());
        }
    }
    Ok(tools)
}

struct Checker<'a> {
    part: &'a Part,
    data: &'a MarkData,
}

impl Checker<'_> {
    fn mark(&self, tools: &BTreeMap<ToolId, ProviderId>) -> Result<Mark, CatalogError> {
        let data = self.data;
        let provider = match &data.tool {
            Some(tool) => Some(tools.get(tool).ok_or_else(|| CatalogError::Unknown {
                what: "tool",
                id: tool.to_string(),
                location: self.location(),
            })?),
            None => None,
        };
        self.fields()?;
        if data.examples.is_empty() {
            return Err(self.field("examples", "is missing: a mark must show what it matches"));
        }
        if matches!(data.kind, MarkKind::Branch | MarkKind::ConfigFile | MarkKind::Suppression)
            && data.strength > Strength::Circumstantial
        {
            return Err(self.field("strength", "is too high: this kind of mark is circumstantial at best"));
        }
        Ok(Mark {
            id: data.id.get_ref().clone(),
            kind: data.kind,
            tool: data.tool.clone(),
            provider: provider.cloned(),
            role: data.role,
            strength: data.strength,
            first_seen: data.seen.first.map(|day| day.0),
            last_seen: data.seen.last.0,
            verified: self.verified()?,
            pattern: self.pattern()?,
            spelled: self.spelled(),
            note: data.note.clone(),
        })
    }

    /// Holds the fields that are there against those that the kind takes.
    fn fields(&self) -> Result<(), CatalogError> {
        let data = self.data;
        let given = [
            ("addresses", !data.addresses.is_empty()),
            ("accounts", !data.accounts.is_empty()),
            ("tags", !data.tags.is_empty()),
            ("name", data.name.is_some()),
            ("places", !data.places.is_empty()),
            ("keys", !data.keys.is_empty()),
            ("value", data.value.is_some()),
            ("unless", data.unless.is_some()),
            ("line", data.line.is_some()),
            ("needles", !data.needles.is_empty()),
            ("prefixes", !data.prefixes.is_empty()),
            ("links", !data.links.is_empty()),
            ("paths", !data.paths.is_empty()),
            ("passage", data.passage.is_some()),
            ("settings", !data.settings.is_empty()),
        ];
        let taken: &[&str] = match data.kind {
            MarkKind::Identity => &["addresses", "accounts", "tags", "name", "places", "needles"],
            MarkKind::Trailer | MarkKind::RecorderTrailer => &["keys", "value", "unless"],
            MarkKind::Footer => &["line", "needles"],
            MarkKind::Subject | MarkKind::Branch => &["prefixes"],
            MarkKind::SessionLink => &["links"],
            MarkKind::ConfigFile | MarkKind::SessionFile => &["paths"],
            MarkKind::FileText => &["line", "needles", "passage"],
            MarkKind::Suppression => &["paths", "settings", "line", "needles"],
        };
        match given.iter().find(|(field, there)| *there && !taken.contains(field)) {
            Some((field, _)) => Err(self.field(field, "does not belong to this kind of mark")),
            None => Ok(()),
        }
    }

    fn pattern(&self) -> Result<Pattern, CatalogError> {
        let data = self.data;
        Ok(match data.kind {
            MarkKind::Identity => Pattern::Identity(self.identity()?),
            MarkKind::Trailer | MarkKind::RecorderTrailer => {
                let value = data.value.as_deref().map(|value| self.expression(value)).transpose()?;
                let keys = self.needed("keys", &data.keys)?;
                if let Some(bad) = keys.iter().find(|key| !is_key(key)) {
                    return Err(self.field("keys", &format!("holds `{bad}`, which is no key in lower case")));
                }
                let unless = data.unless.as_deref().map(|unless| self.expression(unless)).transpose()?;
                Pattern::Trailer(TrailerPattern { keys, value, unless })
            }
            MarkKind::Footer | MarkKind::FileText => Pattern::Line(self.line(data.line.as_deref())?),
            MarkKind::Subject | MarkKind::Branch => Pattern::Prefixes(self.prefixes()?),
            MarkKind::SessionLink => Pattern::Links(self.links()?),
            MarkKind::ConfigFile | MarkKind::SessionFile => Pattern::Paths(self.paths()?),
            MarkKind::Suppression => Pattern::Suppression(SuppressionPattern {
                paths: self.paths()?,
                settings: data.settings.iter().map(|set| (set.pointer.clone(), set.equals.clone())).collect(),
                line: data.line.as_deref().map(|line| self.line(Some(line))).transpose()?,
            }),
        })
    }

    fn identity(&self) -> Result<IdentityPattern, CatalogError> {
        let data = self.data;
        let addresses: Vec<_> = data.addresses.iter().map(|address| address.to_ascii_lowercase()).collect();
        if let Some(bad) = addresses.iter().find(|address| !is_address(address)) {
            return Err(self.field("addresses", &format!("holds `{bad}`, which is not a whole address")));
        }
        let accounts: Vec<_> = data.accounts.iter().map(|account| account.to_ascii_lowercase()).collect();
        if let Some(bad) = accounts.iter().find(|account| account.contains(['@', '<', '>', ' '])) {
            return Err(self.field("accounts", &format!("holds `{bad}`, which is not an account's name")));
        }
        let name = data.name.as_deref().map(|name| self.line(Some(name))).transpose()?;
        let tags: Vec<_> = data.tags.iter().map(|tag| tag.to_ascii_lowercase()).collect();
        if !tags.is_empty() && data.strength > Strength::Circumstantial {
            return Err(self.field("tags", "are circumstantial at best: they are part of a person's address"));
        }
        if addresses.is_empty() && accounts.is_empty() && tags.is_empty() && name.is_none() {
            return Err(self.field("addresses", "is missing, and so are `accounts`, `tags` and `name`"));
        }
        let places = match data.places.as_slice() {
            [] => vec![Place::Author, Place::Committer, Place::Trailer],
            places => places.to_vec(),
        };
        Ok(IdentityPattern { addresses, accounts, tags, name, places })
    }

    fn line(&self, line: Option<&str>) -> Result<LinePattern, CatalogError> {
        let line = line.ok_or_else(|| self.field("line", "is missing"))?;
        let needles = self.needed("needles", &self.data.needles)?;
        let needles: Vec<_> = needles.iter().map(|needle| needle.to_ascii_lowercase()).collect();
        if let Some(short) = needles.iter().find(|needle| needle.len() < NEEDLE_BYTES_MIN) {
            return Err(self.field("needles", &format!("holds `{short}`, which is too short to guard")));
        }
        let passage = self.data.passage.unwrap_or(Passage::Line);
        Ok(LinePattern { expression: self.expression(line)?, needles, passage })
    }

    fn prefixes(&self) -> Result<Vec<String>, CatalogError> {
        let prefixes = self.needed("prefixes", &self.data.prefixes)?;
        let ends =
            |prefix: &String| prefix.ends_with('/') || prefix.ends_with(": ") || prefix.ends_with("] ");
        match prefixes.iter().find(|prefix| !ends(prefix)) {
            Some(bad) => Err(self.expression_error(ExpressionError::BareName { expression: bad.clone() })),
            None => Ok(prefixes.iter().map(|prefix| prefix.to_ascii_lowercase()).collect()),
        }
    }

    fn links(&self) -> Result<Vec<String>, CatalogError> {
        let links = self.needed("links", &self.data.links)?;
        let whole = |link: &String| {
            let path = link.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
            path.is_some_and(|(host, path)| host.contains('.') && !path.is_empty())
        };
        match links.iter().find(|link| !whole(link)) {
            Some(bad) => Err(self.expression_error(ExpressionError::Unanchored { expression: bad.clone() })),
            None => Ok(links),
        }
    }

    fn paths(&self) -> Result<PathPattern, CatalogError> {
        let patterns = self.needed("paths", &self.data.paths)?;
        Ok(PathPattern { expression: self.expression(&paths::expression(&patterns))?, patterns })
    }

    fn needed(&self, field: &'static str, values: &[String]) -> Result<Vec<String>, CatalogError> {
        match values {
            [] => Err(self.field(field, "is missing")),
            values => Ok(values.to_vec()),
        }
    }

    fn expression(&self, text: &str) -> Result<regex_automata::meta::Regex, CatalogError> {
        expression::compile(text).map_err(|error| self.expression_error(error))
    }

    fn verified(&self) -> Result<String, CatalogError> {
        let month = self.data.verified.clone();
        let shaped = month.len() == 7
            && month
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
        if shaped { Ok(month) } else { Err(self.field("verified", "must be a month such as `2026-11`")) }
    }

    /// The patterns as `lazaret catalog show` prints them.
    fn spelled(&self) -> Vec<String> {
        let data = self.data;
        let accounts = data.accounts.iter().map(|account| format!("*+{account}@users.noreply.github.com"));
        let keys = data.keys.iter().map(|key| format!("{key}: {}", data.value.as_deref().unwrap_or("*")));
        let settings =
            data.settings.iter().map(|setting| format!("{} = {:?}", setting.pointer, setting.equals));
        let plain =
            [&data.addresses, &data.prefixes, &data.links, &data.paths].into_iter().flatten().cloned();
        let expressions = [&data.name, &data.line].into_iter().flatten().cloned();
        let tags = data.tags.iter().map(|tag| format!("*+{tag}@*"));
        plain.chain(accounts).chain(tags).chain(keys).chain(expressions).chain(settings).collect()
    }

    fn location(&self) -> Location {
        Location::new(self.part, self.data.id.span())
    }

    fn field(&self, field: &str, problem: &str) -> CatalogError {
        CatalogError::Field {
            mark: self.data.id.get_ref().clone(),
            field: field.to_owned(),
            problem: problem.to_owned(),
            location: self.location(),
        }
    }

    fn expression_error(&self, source: ExpressionError) -> CatalogError {
        CatalogError::Expression { id: self.data.id.get_ref().clone(), location: self.location(), source }
    }

    fn duplicate(&self, what: &'static str, id: &str) -> CatalogError {
        CatalogError::Duplicate { what, id: id.to_owned(), location: self.location() }
    }
}

/// A whole address: something on both sides of exactly one `@`, and no local part that stands for anybody.
fn is_address(address: &str) -> bool {
    let sides = address.split_once('@');
    sides.is_some_and(|(local, domain)| {
        let plain = |text: &str| !text.is_empty() && !text.contains(['@', '<', '>', ' ', '*']);
        plain(local) && plain(domain)
    })
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
