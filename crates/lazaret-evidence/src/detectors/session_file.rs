//! Detector `session-file`: logs of an agent's session that were committed; what they hold is the agent's output.

use lazaret_core::{Evidence, Role};

use crate::catalog::{Catalog, Mark, MarkKind, Pattern};
use crate::claim::Sighting;

/// The detector's id.
pub(crate) const ID: &str = "session-file";

#[derive(Debug, Clone)]
pub(crate) struct SessionFile {
    marks: Vec<Mark>,
}

impl SessionFile {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let marks = catalog.marks().iter().filter(|mark| mark.kind == MarkKind::SessionFile).cloned();
        Self { marks: marks.collect() }
    }

    pub(crate) fn detect(&self, path: &[u8], out: &mut Vec<Evidence>) {
        for mark in &self.marks {
            if let Pattern::Paths(paths) = &mark.pattern
                && paths.is_match(path)
            {
                out.push(Sighting::new(mark, Role::Author).evidence(ID, "a log of an agent's session"));
            }
        }
    }
}
