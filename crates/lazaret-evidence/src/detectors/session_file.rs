//! Detector `session-file`: logs of an agent's session that were committed; what they hold is the agent's output.

use lazaret_core::{Evidence, Role};

use crate::catalog::{Catalog, MarkKind};
use crate::claim::Sighting;
use crate::path_marks::PathMarks;

/// The detector's id.
pub(crate) const ID: &str = "session-file";

#[derive(Debug, Clone)]
pub(crate) struct SessionFile {
    marks: PathMarks,
}

impl SessionFile {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { marks: PathMarks::new(catalog, MarkKind::SessionFile) }
    }

    pub(crate) fn detect(&self, path: &[u8], out: &mut Vec<Evidence>) {
        for mark in self.marks.at(path) {
            out.push(Sighting::new(mark, Role::Author).evidence(ID, "a log of an agent's session"));
        }
    }
}
