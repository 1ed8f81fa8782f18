//! Detector `agent-config`: files that prepare a project for a tool; a hint about the project, never about a file.

use lazaret_core::{Evidence, Role};

use crate::catalog::{Catalog, Mark, MarkKind, Pattern};
use crate::claim::Sighting;

/// The detector's id.
pub(crate) const ID: &str = "agent-config";

#[derive(Debug, Clone)]
pub(crate) struct AgentConfig {
    marks: Vec<Mark>,
}

impl AgentConfig {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let marks = catalog.marks().iter().filter(|mark| mark.kind == MarkKind::ConfigFile).cloned();
        Self { marks: marks.collect() }
    }

    pub(crate) fn detect(&self, path: &[u8], out: &mut Vec<Evidence>) {
        for mark in &self.marks {
            if let Pattern::Paths(paths) = &mark.pattern
                && paths.is_match(path)
            {
                out.push(
                    Sighting::new(mark, Role::Config)
                        .evidence(ID, "a file that prepares the project for a tool"),
                );
            }
        }
    }
}
