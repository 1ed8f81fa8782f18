//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Every rule is a function from the text of the tree to violations, so that it can be tested on a tree of three lines.

mod crates;
mod detectors;
mod exit_codes;
mod files;
mod invariants;
mod length;
mod links;
mod offline;
mod purity;
mod rust_text;
mod soundness;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::chore;
use tree::Tree;

/// One breach of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// The file, with a line where there is one to name.
    place: String,
    /// What is wrong and what would mend it.
    what: String,
}

impl Violation {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

const RULES: &[fn(&Tree) -> Vec<Violation>] = &[
    crates::check,
    detectors::check,
    exit_codes::check,
    files::check,
    invariants::check,
    length::check,
    links::check,
    offline::check,
    purity::check,
    soundness::check,
];

/// Prints every violation; an error where there is one.
pub(crate) fn run() -> Result<()> {
    let violations = violations(&Tree::read(&chore::root())?);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        count => bail!("{count} violations of the rules of the house"),
    }
}

fn violations(tree: &Tree) -> Vec<Violation> {
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    violations.sort();
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_holds() {
        let violations = violations(&Tree::read(&chore::root()).unwrap());
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{} violations:\n{}", list.len(), list.join("\n"));
    }
}
