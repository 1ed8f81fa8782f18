//! The catalog: dated data about tools, their makers, their models, and the marks they leave.
//!
//! The data lies in the repository's `catalog/` folder and is part of the program; a policy may add to it.
//! [`Catalog::built_in`] reads the former, [`Catalog::with_additions`] the latter.

mod check;
mod data;
mod embedded;
mod endpoints;
mod error;
mod examples;
mod expression;
mod mark;
mod names;
mod paths;
mod tenants;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lazaret_core::{Digest, Model, Provider, Role, Roster, Tool, ToolId};
use serde::Deserialize;

use crate::detectors::Detectors;
use crate::endpoints::{EndpointIndex, SystemTable};
use crate::traffic::{DNS_OVER_TLS_ID, EvasionData, ShapeData};

pub use data::{
    CatalogData, Day, ExampleData, FileExample, MarkData, MarkKind, Passage, Place, SettingValue,
};
pub use embedded::FILES;
pub use endpoints::EndpointData;
pub use error::{CatalogError, Location};
pub use expression::ExpressionError;
pub(crate) use expression::compile as compile_expression;
pub use mark::{
    IdentityPattern, LinePattern, Mark, PathPattern, Pattern, SuppressionPattern, TrailerPattern,
};
pub use names::{Named, NamedModel, Names};
pub(crate) use paths::any_of_paths;
pub use tenants::TenantRestrictionData;

/// The name under which errors speak of a policy's own section.
const POLICY_FILE: &str = "policy";

/// One file of the catalog.
#[derive(Debug, Clone)]
struct Part {
    file: Cow<'static, str>,
    data: CatalogData,
}

/// What somebody named under a trailer key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrailerKey {
    /// The role.
    pub role: Role,
    /// Whether only tools are named under the key.
    pub names_tools_only: bool,
}

/// Everything that is known about tools and their marks.
#[derive(Debug, Clone)]
pub struct Catalog {
    parts: Vec<Part>,
    roster: Roster,
    marks: Vec<Mark>,
    names: Names,
    trailer_keys: BTreeMap<String, TrailerKey>,
    endpoints: Arc<EndpointIndex>,
}

/// A policy as far as the catalog is concerned.
#[derive(Deserialize)]
struct PolicySection {
    #[serde(default)]
    catalog: CatalogData,
}

impl Catalog {
    /// Returns the catalog that is part of the program.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the embedded files do not change at run time, and a test reads them"
    )]
    pub fn built_in() -> Self {
        Self::from_files(FILES.iter().copied()).expect("the embedded catalog is valid")
    }

    /// Reads a catalog from files given by name and text.
    ///
    /// # Errors
    /// [`CatalogError`] for the first rule that a file breaks.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, CatalogError> {
        let parts = files.into_iter().map(|(file, text)| {
            let data = toml::from_str(text).map_err(|error| parse_error(file, error))?;
            Ok(Part { file: file.to_owned().into(), data })
        });
        Self::from_parts(parts.collect::<Result<_, _>>()?)
    }

    /// Returns this catalog with what a policy's `[catalog]` section adds: providers, tools, models, marks, endpoints.
    /// Takes the whole text of the policy, so that errors point into it, and reads that section only.
    ///
    /// # Errors
    /// [`CatalogError`] for the first rule that the section breaks, a failing example included.
    pub fn with_additions(&self, policy: &str) -> Result<Self, CatalogError> {
        let section: PolicySection =
            toml::from_str(policy).map_err(|error| parse_error(POLICY_FILE, error))?;
        let mut parts = self.parts.clone();
        parts.push(Part { file: POLICY_FILE.into(), data: section.catalog });
        let catalog = Self::from_parts(parts)?;
        let detectors = Detectors::new(&catalog);
        let added = catalog.parts.last();
        if let Some(shadow) = added.and_then(|part| endpoints::shadows(part, &self.endpoints)) {
            return Err(shadow);
        }
        let failures = added.map(|part| catalog.check_part(part, &detectors)).unwrap_or_default();
        match failures.into_iter().next() {
            Some(failure) => Err(failure),
            None => Ok(catalog),
        }
    }

    /// Providers, tools and models.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The digest of all that the catalog says, additions included; layout and comments do not count.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.roster.digest
    }

    /// All tools by id.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.roster.tools.values()
    }

    /// All marks by id.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The marks of one tool by id.
    pub fn marks_of(&self, tool: &ToolId) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(move |mark| mark.tool.as_ref() == Some(tool))
    }

    /// Returns the catalog with a table of who announces which addresses: rows that name a system match by it then.
    #[must_use]
    pub fn with_announced(mut self, table: SystemTable) -> Self {
        self.endpoints = Arc::new((*self.endpoints).clone().with_announced(table));
        self
    }

    /// The endpoints, by host, address and request.
    #[must_use]
    pub fn endpoints(&self) -> &EndpointIndex {
        &self.endpoints
    }

    /// The rows of endpoints as they are written, each with the file it lies in.
    pub fn endpoint_rows(&self) -> impl Iterator<Item = (&str, &EndpointData)> {
        self.parts.iter().flat_map(|part| part.data.endpoints.iter().map(|row| (&*part.file, row)))
    }

    /// The shapes of calls to models.
    pub fn shapes(&self) -> impl Iterator<Item = &ShapeData> {
        self.parts.iter().flat_map(|part| &part.data.shapes)
    }

    /// The names that take calls out of sight.
    pub fn evasions(&self) -> impl Iterator<Item = &EvasionData> {
        self.parts.iter().flat_map(|part| &part.data.evasions)
    }

    /// The headers by which providers keep people to the accounts of a house.
    pub fn tenant_restrictions(&self) -> impl Iterator<Item = &TenantRestrictionData> {
        self.parts.iter().flat_map(|part| &part.data.tenant_restrictions)
    }

    /// How names resolve to tools and models.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What somebody named under a key (in any case of letters) did; `None` where the key names nobody.
    #[must_use]
    pub fn trailer_key(&self, key: &[u8]) -> Option<TrailerKey> {
        let key = std::str::from_utf8(key).ok()?.to_ascii_lowercase();
        self.trailer_keys.get(&key).copied()
    }

    /// All trailer keys whose value names somebody, in lower case.
    pub fn trailer_keys(&self) -> impl Iterator<Item = &str> {
        self.trailer_keys.keys().map(String::as_str)
    }

    /// The rows as they are written, each with the file it lies in.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &MarkData)> {
        self.parts.iter().flat_map(|part| part.data.marks.iter().map(|mark| (&*part.file, mark)))
    }

    fn from_parts(parts: Vec<Part>) -> Result<Self, CatalogError> {
        let (marks, endpoints) = check::all(&parts)?;
        let names = Names::compile(&parts)?;
        let keys = parts.iter().flat_map(|part| &part.data.trailer_keys);
        let trailer_keys = keys.map(|key| {
            let what = TrailerKey { role: key.role, names_tools_only: key.names_tools_only };
            (key.key.get_ref().clone(), what)
        });
        Ok(Self {
            roster: roster(&parts),
            trailer_keys: trailer_keys.collect(),
            parts,
            marks,
            names,
            endpoints: Arc::new(endpoints),
        })
    }
}

fn parse_error(file: &str, error: toml::de::Error) -> CatalogError {
    CatalogError::Parse { file: file.to_owned(), span: error.span(), source: Box::new(error) }
}

fn roster(parts: &[Part]) -> Roster {
    let datas = || parts.iter().map(|part| &part.data);
    let providers = datas().flat_map(|data| &data.providers).map(|entry| {
        let id = entry.id.get_ref().clone();
        let first_available = entry.first_available.to_availability();
        (id.clone(), Provider { id, name: entry.name.clone(), first_available })
    });
    let tools = datas().flat_map(|data| &data.tools).map(|entry| {
        let id = entry.id.get_ref().clone();
        let first_available = entry.first_available.to_availability();
        let tool = Tool {
            id: id.clone(),
            name: entry.name.clone(),
            provider: entry.provider.clone(),
            first_available,
        };
        (id, tool)
    });
    let models = datas().flat_map(|data| &data.models).map(|entry| {
        let id = entry.id.get_ref().clone();
        (id.clone(), Model { id, name: entry.name.clone(), provider: entry.provider.clone() })
    });
    let evasions = datas().flat_map(|data| &data.evasions).map(|row| row.id.get_ref().as_str());
    Roster {
        providers: providers.collect(),
        tools: tools.collect(),
        models: models.collect(),
        evasions: evasions.map(str::to_owned).chain([DNS_OVER_TLS_ID.to_owned()]).collect(),
        digest: digest(parts),
    }
}

/// The digest over every entry's canonical JSON, sorted, so that neither layout nor order counts.
fn digest(parts: &[Part]) -> Digest {
    let mut entries = Vec::new();
    for part in parts {
        let data = &part.data;
        entries.extend(data.providers.iter().map(|entry| canonical("provider", entry)));
        entries.extend(data.tools.iter().map(|entry| canonical("tool", entry)));
        entries.extend(data.models.iter().map(|entry| canonical("model", entry)));
        entries.extend(data.trailer_keys.iter().map(|entry| canonical("trailer-key", entry)));
        entries.extend(data.marks.iter().map(|entry| canonical("mark", entry)));
        entries.extend(data.endpoints.iter().map(|entry| canonical("endpoint", entry)));
        entries.extend(data.shapes.iter().map(|entry| canonical("shape", entry)));
        entries.extend(data.evasions.iter().map(|entry| canonical("evasion", entry)));
        let restrictions = data.tenant_restrictions.iter();
        entries.extend(restrictions.map(|entry| canonical("tenant-restriction", entry)));
    }
    entries.sort_unstable();
    Digest::of_parts(entries.iter().map(String::as_bytes))
}

#[expect(clippy::expect_used, reason = "plain data without maps of non-text keys always has a JSON form")]
fn canonical(kind: &str, entry: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(entry).expect("catalog data has a JSON form");
    format!("{kind} {json}")
}
