//! Cases that try a policy: claims about a content, and what must be held of it. `lazaret policy test` runs them.

mod compare;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use lazaret_core::{
    Availability, Digest, Evidence, Gap, Model, ModelId, Origin, OriginKind, Provider, ProviderId, Roster,
    Tool, ToolId, Verdict,
};
use serde::{Deserialize, Deserializer};

use crate::diagnostic::{Diagnostic, PolicyError, summary};
use crate::file::values;
use crate::judge::{Matter, Review, judge};
use crate::policy::Policy;
use crate::read::{read, refusal};
use crate::rules::Rules;

pub use compare::Failure;

/// Why a file of cases cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CasesError {
    /// The file itself is wrong.
    #[error("file of cases is not valid: {}", summary(.diagnostics))]
    File {
        /// Everything found wrong with it, in the order of the file; never empty.
        diagnostics: Vec<Diagnostic>,
    },
    /// The file's policy is wrong.
    #[error("policy of the cases cannot be used")]
    Policy {
        /// What is wrong with it.
        #[source]
        source: PolicyError,
    },
}

/// A file of cases.
#[derive(Debug, Clone)]
pub struct CaseFile {
    policy: Option<Policy>,
    roster: Option<Roster>,
    cases: Vec<Case>,
}

/// How one case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// What was otherwise than expected.
    pub failure: Option<Failure>,
}

impl CaseFile {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// [`CasesError::File`] where the file has another form, has no case, or a case without a time;
    /// [`CasesError::Policy`] where its policy is not valid.
    pub fn parse(text: &str) -> Result<Self, CasesError> {
        let (file, mut diagnostics) = read::<RawFile>(text, &["case"]);
        let (Some(file), true) = (file, diagnostics.is_empty()) else {
            diagnostics.sort_by_key(|diagnostic| diagnostic.place);
            return Err(CasesError::File { diagnostics });
        };
        if file.case.is_empty() {
            diagnostics.push(Diagnostic::new("no-cases", "the file has no case").help("add a `[[case]]`"));
        }
        let mut cases = Vec::with_capacity(file.case.len());
        for case in file.case {
            let name = case.name.clone();
            match case.now.or(file.now) {
                Some(now) => cases.push(Case { now, raw: case }),
                None => diagnostics.push(
                    Diagnostic::new("missing-key", format!("case `{name}` has no `now`"))
                        .help("add `now` to the case or to the file"),
                ),
            }
        }
        if !diagnostics.is_empty() {
            return Err(CasesError::File { diagnostics });
        }
        let policy = match file.policy {
            None => None,
            Some(RawPolicy::Text(text)) if text == "built-in" => Some(Policy::built_in()),
            Some(RawPolicy::Text(text)) => {
                Some(Policy::parse(text.as_bytes()).map_err(|source| CasesError::Policy { source })?)
            }
            Some(RawPolicy::Table(table)) => {
                let text = table.to_string();
                Some(Policy::parse(text.as_bytes()).map_err(|source| CasesError::Policy { source })?)
            }
        };
        Ok(Self { policy, roster: file.roster.map(RawRoster::into_roster), cases })
    }

    /// Returns the file's own policy.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Returns the file's own roster.
    #[must_use]
    pub fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }

    /// Runs the cases; `policy` and `roster` serve where the file has none of its own.
    ///
    /// # Errors
    /// [`CasesError::Policy`] where the policy does not fit the roster.
    pub fn run(&self, policy: &Policy, roster: &Roster) -> Result<Vec<Outcome>, CasesError> {
        let policy = self.policy().unwrap_or(policy);
        let roster = self.roster().unwrap_or(roster);
        let rules = Rules::resolve(policy, roster).map_err(|source| CasesError::Policy { source })?;
        Ok(self.cases.iter().map(|case| case.run(&rules)).collect())
    }
}

#[derive(Debug, Clone)]
struct Case {
    raw: RawCase,
    now: Timestamp,
}

impl Case {
    fn run(&self, rules: &Rules) -> Outcome {
        let raw = &self.raw;
        let matter = Matter {
            origin: &raw.origin,
            lines: raw.lines,
            evidence: &raw.evidence,
            gaps: &raw.gaps,
            reviews: &raw.reviews,
        };
        let judgement = judge(rules, &matter, self.now);
        Outcome { name: raw.name.clone(), failure: compare::compare(&raw.expect, &judgement) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawFile {
    policy: Option<RawPolicy>,
    roster: Option<RawRoster>,
    #[serde(default, deserialize_with = "some_timestamp")]
    now: Option<Timestamp>,
    case: Vec<RawCase>,
}

/// A policy as a text, or as a table of the same keys.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawPolicy {
    Text(String),
    Table(toml::Table),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawCase {
    name: String,
    #[serde(default, deserialize_with = "some_timestamp")]
    now: Option<Timestamp>,
    #[serde(default = "anywhere", deserialize_with = "origin")]
    origin: Origin,
    lines: u32,
    #[serde(default)]
    evidence: Vec<Evidence>,
    #[serde(default)]
    gaps: Vec<Gap>,
    /// What reviews refute, by places in `evidence`, counted from 0.
    #[serde(default)]
    reviews: Vec<Review>,
    expect: Expectation,
}

/// What must be held; what is left out may be anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Expectation {
    verdict: Verdict,
    /// The reasons of all parts together.
    reasons: Option<Vec<String>>,
    parts: Option<Vec<ExpectedPart>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ExpectedPart {
    /// `3`, `3-9`, or nothing for content without lines.
    #[serde(default)]
    lines: String,
    verdict: Verdict,
    reasons: Vec<String>,
    settled_by: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRoster {
    #[serde(default)]
    providers: BTreeMap<ProviderId, RawProvider>,
    #[serde(default)]
    tools: BTreeMap<ToolId, RawTool>,
    #[serde(default)]
    models: BTreeMap<ModelId, RawModel>,
    #[serde(default)]
    evasions: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawProvider {
    #[serde(deserialize_with = "values::day")]
    first_available: Date,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawTool {
    provider: ProviderId,
    #[serde(deserialize_with = "values::day")]
    first_available: Date,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawModel {
    provider: ProviderId,
}

impl RawRoster {
    fn into_roster(self) -> Roster {
        let since = |date: Date| Availability { date, source: "the file of cases".to_owned() };
        let providers = self.providers.into_iter().map(|(id, raw)| {
            let name = id.to_string();
            (id.clone(), Provider { id, name, first_available: since(raw.first_available) })
        });
        let tools = self.tools.into_iter().map(|(id, raw)| {
            let name = id.to_string();
            (
                id.clone(),
                Tool { id, name, provider: raw.provider, first_available: since(raw.first_available) },
            )
        });
        let models = self.models.into_iter().map(|(id, raw)| {
            let name = id.to_string();
            (id.clone(), Model { id, name, provider: raw.provider })
        });
        Roster {
            providers: providers.collect(),
            tools: tools.collect(),
            models: models.collect(),
            evasions: self.evasions,
            digest: Digest::of(b"the file of cases"),
        }
    }
}

fn anywhere() -> Origin {
    Origin { kind: OriginKind::Git, path: "/anywhere".to_owned(), rev: None }
}

/// Reads an origin in the form that policies match: `git:/srv/acme/parser`.
fn origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Origin, D::Error> {
    let text = String::deserialize(deserializer)?;
    let kinds = [OriginKind::Git, OriginKind::Directory, OriginKind::Dataset];
    let parts = text
        .split_once(':')
        .and_then(|(word, path)| Some((kinds.into_iter().find(|kind| kind.as_str() == word)?, path)));
    match parts {
        Some((kind, path)) => Ok(Origin { kind, path: path.to_owned(), rev: None }),
        None => Err(refusal(format!("`{text}` is not an origin"), "write it as in `git:/srv/acme/parser`")),
    }
}

/// Reads a TOML time with its offset.
fn some_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let datetime = toml::value::Datetime::deserialize(deserializer)?;
    let refused =
        |_| refusal(format!("`{datetime}` is not a point in time"), "write it as in 2026-01-01T00:00:00Z");
    datetime.to_string().parse().map(Some).map_err(refused)
}
