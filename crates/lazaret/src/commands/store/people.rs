//! Who works with a store from the beginning, as the command line or a file names them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::PersonRole;
use lazaret_pipeline::house::Founder;
use serde::Deserialize;

use crate::command_error::CommandError;
use crate::commands::key::read_public;
use crate::exit::ExitCode;

/// A file of people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeopleFile {
    #[serde(default)]
    person: Vec<PersonEntry>,
}

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonEntry {
    name: String,
    /// The file of the public key, beside this one where it is a relative path.
    key: PathBuf,
    #[serde(default)]
    roles: BTreeSet<PersonRole>,
    #[serde(default)]
    identities: BTreeSet<String>,
    #[serde(default)]
    service: bool,
}

/// Reads the people of the command line and of a file.
pub(super) fn read(written: &[String], file: Option<&Path>) -> Result<Vec<Founder>, CommandError> {
    let mut people: Vec<Founder> = written.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    if let Some(path) = file {
        people.extend(read_file(path)?);
    }
    Ok(people)
}

/// Reads roles, joined by `+`.
pub(in crate::commands) fn roles(text: &str) -> Result<BTreeSet<PersonRole>, CommandError> {
    let written = text.split('+').map(str::trim).filter(|role| !role.is_empty());
    written
        .map(|role| {
            role.parse().map_err(|error| {
                let known: Vec<&str> = PersonRole::ALL.iter().map(|role| role.as_str()).collect();
                CommandError::from_error(ExitCode::Usage, error)
                    .hint(format!("a role is one of {}", known.join(", ")))
            })
        })
        .collect()
}

fn parse(text: &str) -> Result<Founder, CommandError> {
    let form = || {
        CommandError::new(ExitCode::Usage, "a person is not written as expected")
            .hint("write `NAME=PUBLICKEYFILE:role+role:address,address`; the addresses may be left out")
    };
    let (name, rest) = text.split_once('=').ok_or_else(form)?;
    let mut parts = rest.splitn(3, ':');
    let (Some(key), Some(written)) = (parts.next(), parts.next()) else { return Err(form()) };
    let identities = parts.next().unwrap_or_default().split(',').map(str::trim);
    if name.trim().is_empty() {
        return Err(form());
    }
    Ok(Founder {
        name: name.trim().to_owned(),
        key: read_public(Path::new(key))?,
        roles: roles(written)?,
        identities: identities.filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        service: false,
    })
}

fn read_file(path: &Path) -> Result<Vec<Founder>, CommandError> {
    let cannot = |what: &str| {
        CommandError::new(ExitCode::Usage, format!("cannot {what} the people `{}`", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| cannot("read").because(error))?;
    let file: PeopleFile = toml::from_str(&text).map_err(|error| {
        cannot("understand").because(error).hint("docs/guides/review.md shows such a file")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let founder = |PersonEntry { name, key, roles, identities, service }: PersonEntry| {
        Ok(Founder { name, key: read_public(&folder.join(key))?, roles, identities, service })
    };
    file.person.into_iter().map(founder).collect()
}
