//! Detector `branch-name`: branches that a tool opens under its own name; a hint, whoever committed to them.

use lazaret_core::{Evidence, Role};

use crate::catalog::{Catalog, Mark, MarkKind, Pattern};
use crate::claim::Sighting;

/// The detector's id.
pub(crate) const ID: &str = "branch-name";

#[derive(Debug, Clone)]
pub(crate) struct BranchName {
    marks: Vec<Mark>,
}

impl BranchName {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let marks = catalog.marks().iter().filter(|mark| mark.kind == MarkKind::Branch).cloned();
        Self { marks: marks.collect() }
    }

    pub(crate) fn detect(&self, name: &[u8], out: &mut Vec<Evidence>) {
        for mark in &self.marks {
            let Pattern::Prefixes(prefixes) = &mark.pattern else { continue };
            let begins = |prefix: &&String| {
                let head = name.get(..prefix.len());
                name.len() > prefix.len()
                    && head.is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
            };
            if let Some(prefix) = prefixes.iter().find(begins) {
                out.push(
                    Sighting::new(mark, Role::CoAuthor).evidence(ID, &format!("a branch under `{prefix}`")),
                );
            }
        }
    }
}
