//! Detector `agent-config`: files that prepare a project for a tool; a hint about the project, never about a file.

use lazaret_core::{Evidence, Role};

use crate::catalog::{Catalog, MarkKind};
use crate::claim::Sighting;
use crate::path_marks::PathMarks;

/// The detector's id.
pub(crate) const ID: &str = "agent-config";

#[derive(Debug, Clone)]
pub(crate) struct AgentConfig {
    marks: PathMarks,
}

impl AgentConfig {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { marks: PathMarks::new(catalog, MarkKind::ConfigFile) }
    }

    pub(crate) fn detect(&self, path: &[u8], out: &mut Vec<Evidence>) {
        for mark in self.marks.at(path) {
            let why = "a file that prepares the project for a tool";
            out.push(Sighting::new(mark, Role::Config).evidence(ID, why));
        }
    }
}
