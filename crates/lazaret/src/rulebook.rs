//! Reads the policy and the catalog that a command judges by, and shows what is wrong with them.

use std::fs;
use std::ops::Range;
use std::path::Path;

use lazaret_evidence::{Catalog, CatalogError};
use lazaret_policy::{Policy, PolicyError, Rules};

use crate::command_error::{CommandError, Diagnostic};
use crate::exit::ExitCode;

/// A policy that fits its catalog.
#[derive(Debug)]
pub(crate) struct Rulebook {
    /// The policy, held against the catalog.
    pub(crate) rules: Rules,
    /// The catalog with the policy's own additions.
    pub(crate) catalog: Catalog,
}

impl Rulebook {
    /// Reads the policy from a file, or takes the built-in one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, CommandError> {
        let Some(path) = path else {
            return Self::of(&Policy::built_in(), "built-in policy");
        };
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| {
            CommandError::new(ExitCode::PolicyInvalid, format!("cannot read the policy `{name}`"))
                .because(error)
        })?;
        Self::parse(&bytes, &name)
    }

    /// Reads a policy that somebody keeps under a name.
    pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<Self, CommandError> {
        let policy =
            Policy::parse(bytes).map_err(|error| invalid(error, name, &String::from_utf8_lossy(bytes)))?;
        Self::of(&policy, name)
    }

    /// Holds a policy against the built-in catalog and its own additions.
    fn of(policy: &Policy, name: &str) -> Result<Self, CommandError> {
        let catalog = Catalog::built_in()
            .with_additions(policy.text())
            .map_err(|error| invalid_catalog(error, name, policy.text()))?;
        let rules =
            Rules::resolve(policy, catalog.roster()).map_err(|error| invalid(error, name, policy.text()))?;
        Ok(Self { rules, catalog })
    }

    /// Returns the name that the policy gives itself.
    pub(crate) fn policy_name(&self) -> &str {
        &self.rules.policy().sections().name
    }
}

/// Shows every fault of a policy at its place.
pub(crate) fn invalid(error: PolicyError, name: &str, text: &str) -> CommandError {
    let faults = error.diagnostics.len();
    let message = if faults == 1 {
        format!("the policy `{name}` is not valid")
    } else {
        format!("the policy `{name}` is not valid: {faults} faults")
    };
    CommandError::new(ExitCode::PolicyInvalid, message)
        .with_diagnostics(error.diagnostics.into_iter().map(|fault| diagnostic(fault, name, text)))
        .hint("mend the places shown above; `lazaret policy schema` describes every key")
}

/// Returns a policy's diagnostic with the text it is about.
pub(crate) fn diagnostic(fault: lazaret_policy::Diagnostic, name: &str, text: &str) -> Diagnostic {
    Diagnostic {
        code: fault.code.to_owned(),
        message: fault.message,
        severity: miette::Severity::Error,
        name: name.to_owned(),
        text: text.to_owned(),
        place: fault.place.map(|place| (place.start, place.end.saturating_sub(place.start))),
        help: fault.help,
    }
}

/// Shows the fault of the policy's `[catalog]` section at its place.
fn invalid_catalog(error: CatalogError, name: &str, text: &str) -> CommandError {
    let span = span_of(&error);
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    CommandError::new(
        ExitCode::PolicyInvalid,
        format!("the `catalog` section of the policy `{name}` is not valid"),
    )
    .with_diagnostics([Diagnostic {
        code: "catalog".to_owned(),
        message,
        severity: miette::Severity::Error,
        name: name.to_owned(),
        text: text.to_owned(),
        place: span.map(|span| (span.start, span.len())),
        help: None,
    }])
    .hint("`lazaret catalog list` shows what is there already")
}

/// Returns the place of a fault in the policy's text.
fn span_of(error: &CatalogError) -> Option<Range<usize>> {
    match error {
        CatalogError::Parse { span, .. } => span.clone(),
        CatalogError::Duplicate { location, .. }
        | CatalogError::Unknown { location, .. }
        | CatalogError::Field { location, .. }
        | CatalogError::Expression { location, .. }
        | CatalogError::EndpointField { location, .. }
        | CatalogError::Endpoint { location, .. }
        | CatalogError::Example { location, .. } => Some(location.span.clone()),
        // The enum may grow; a fault without a place is still shown.
        _ => None,
    }
}
