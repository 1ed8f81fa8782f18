//! Reads policies and refuses those of which it is not certain what they say.

use std::collections::BTreeSet;
use std::fmt;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use lazaret_core::Action;
use thiserror::Error;

use crate::ground::Breach;

/// The most bytes that policies may have.
pub const DUTIES_BYTES_MAX: usize = 64 * 1024;

/// The words that policies may use.
const SCHEMA: &str = include_str!("duties.cedarschema");

/// Why policies on who may do what are not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DutiesError {
    /// They are too long.
    #[error("the policies have {bytes} bytes and may have {DUTIES_BYTES_MAX}")]
    TooLong {
        /// Their length.
        bytes: usize,
    },
    /// They are not Cedar.
    #[error("the policies are not in Cedar: {fault}")]
    Syntax {
        /// The first thing that is wrong.
        fault: Fault,
    },
    /// There is none, so that nobody could do anything.
    #[error("there is no policy, and what no policy permits is denied")]
    Empty,
    /// A policy has slots that somebody would have to fill.
    #[error("a policy has slots (`?principal`, `?resource`); write out what it is about")]
    Template,
    /// A policy has no name.
    #[error("policy {number} of the file has no name; put `@id(\"…\")` before it")]
    Unnamed {
        /// Which, counted from one.
        number: usize,
    },
    /// Two policies have one name.
    #[error("two policies are named `{id}`")]
    NamedTwice {
        /// The name.
        id: String,
    },
    /// A policy does not say what it takes.
    #[error(
        "policy `{id}` does not say on one line what a person who is denied would need; put `@needs(\"…\")` before it"
    )]
    WithoutNeeds {
        /// Its name.
        id: String,
    },
    /// They use words that are not declared, or declared ones in a way that cannot be meant.
    #[error("the policies cannot mean what they say: {}", Listed(faults))]
    Invalid {
        /// All that is wrong.
        faults: Vec<Fault>,
    },
    /// A policy could fail to be evaluated, or names somebody.
    #[error(
        "policy `{id}` could fail or names somebody; a policy may look at roles, relations, actions and affairs, \
         with `&&`, `||`, `!`, `==`, `!=`, `in`, `contains` and `if`"
    )]
    CouldFail {
        /// Its name.
        id: String,
    },
    /// The policies on one action look at so much that they cannot all be tried.
    #[error(
        "the policies on `{action}` look at {looked_at} roles and relations, and at most {max} can be tried; \
         name in each policy the actions that it is about"
    )]
    LooksAtTooMuch {
        /// The action.
        action: Action,
        /// At how many.
        looked_at: u32,
        /// How many they may look at.
        max: u32,
    },
    /// They allow what no policy may allow.
    #[error("the policies break a ground rule: {breach}")]
    BreaksGroundRule {
        /// What they allow.
        breach: Breach,
    },
    /// The schema that is part of the program cannot be used: a bug.
    #[error("the built-in schema cannot be used: {problem}")]
    Schema {
        /// What is wrong with it.
        problem: String,
    },
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line and column, counted from one, where there is a place to name.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub problem: String,
}

impl Fault {
    fn of(detailed: DetailedError, text: &str) -> Self {
        let place = detailed.source_locations.first().map(|label| place_of(label.loc.start, text));
        let problem = match detailed.help {
            Some(help) => format!("{}; {help}", detailed.message),
            None => detailed.message,
        };
        Self { place, problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// Faults on one line.
struct Listed<'a>(&'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{fault}")?;
        }
        Ok(())
    }
}

fn place_of(offset: usize, text: &str) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Reads the schema that is part of the program.
pub(crate) fn schema() -> Result<Schema, DutiesError> {
    let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA)
        .map_err(|error| DutiesError::Schema { problem: error.to_string() })?;
    match warnings.into_iter().next() {
        Some(warning) => Err(DutiesError::Schema { problem: warning.to_string() }),
        None => Ok(schema),
    }
}

/// Reads policies, each under its name, and holds them against the schema.
pub(crate) fn read(text: &str, schema: &Schema) -> Result<PolicySet, DutiesError> {
    if text.len() > DUTIES_BYTES_MAX {
        return Err(DutiesError::TooLong { bytes: text.len() });
    }
    let anonymous: PolicySet = text.parse().map_err(|errors| {
        let errors: cedar_policy::ParseErrors = errors;
        DutiesError::Syntax { fault: Fault::of(DetailedError::from(&errors), text) }
    })?;
    if anonymous.templates().next().is_some() {
        return Err(DutiesError::Template);
    }
    let policies = name(&anonymous)?;
    let policies = PolicySet::from_policies(policies).map_err(|error| DutiesError::Invalid {
        faults: vec![Fault::of(DetailedError::from(&error), text)],
    })?;
    validate(&policies, schema, text)?;
    Ok(policies)
}

/// Gives every policy the name that it gives itself.
fn name(anonymous: &PolicySet) -> Result<Vec<Policy>, DutiesError> {
    let mut names = BTreeSet::new();
    let mut policies = Vec::new();
    for (index, policy) in anonymous.policies().enumerate() {
        let said = |key| policy.annotation(key).filter(|value| is_plain(value));
        let id = said("id").ok_or(DutiesError::Unnamed { number: index + 1 })?.to_owned();
        if said("needs").is_none() {
            return Err(DutiesError::WithoutNeeds { id });
        }
        policies.push(policy.new_id(PolicyId::new(&id)));
        if !names.insert(id.clone()) {
            return Err(DutiesError::NamedTwice { id });
        }
    }
    if policies.is_empty() { Err(DutiesError::Empty) } else { Ok(policies) }
}

/// Whether people can read it on one line; it comes to the terminals of others.
fn is_plain(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains(char::is_control)
}

/// Refuses what the validator warns of as well: a policy that can never apply is a mistake of somebody's.
fn validate(policies: &PolicySet, schema: &Schema, text: &str) -> Result<(), DutiesError> {
    let found = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let errors = found.validation_errors().map(DetailedError::from);
    let warnings = found.validation_warnings().map(DetailedError::from);
    let mut faults: Vec<Fault> = errors.chain(warnings).map(|detailed| Fault::of(detailed, text)).collect();
    faults.sort_by(|one, other| (one.place, &one.problem).cmp(&(other.place, &other.problem)));
    faults.dedup();
    if faults.is_empty() { Ok(()) } else { Err(DutiesError::Invalid { faults }) }
}
