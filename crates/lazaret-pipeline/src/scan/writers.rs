//! Finds who wrote lines of a file, by the rules of `git blame`: whoever did is an author of what is held.

use std::collections::BTreeSet;

use lazaret_core::{ObjectId, Span};
use lazaret_evidence::attribution::Reverse;
use lazaret_intake::git::{ListedEntry, Repository};

use super::ScanRequest;
use super::judging::printable;
use super::reading::Reading;
use crate::report::FileReport;

/// Traces lines to their commits, by the rules of `git blame`.
pub(crate) struct LineWriters<'a> {
    reading: Reading<'a>,
    files: Vec<ListedEntry>,
}

impl<'a> LineWriters<'a> {
    /// Reads the whole history of the revision that was scanned; `None` where it cannot be read again.
    pub(crate) fn open(request: &ScanRequest<'_>, repository: &'a Repository) -> Option<Self> {
        let mut reading = Reading::open(request, repository).ok()?;
        let files = reading.list_files(request).ok()?.files;
        let everything = reading.scope.clone();
        reading.compare(&everything, request.n_threads);
        Some(Self { reading, files })
    }

    /// Returns the commits that lines of a file come from, all of them or those of a span; `None` where one cannot be
    /// said.
    pub(crate) fn of(&mut self, file: &FileReport, lines: Option<Span>) -> Option<BTreeSet<ObjectId>> {
        let listed = self
            .files
            .iter()
            .find(|listed| printable(&listed.path) == file.path && Some(listed.entry.id) == file.blob)?;
        let everything = self.reading.scope.clone();
        let history = self.reading.history(&everything);
        let origins =
            Reverse::new(&history).file(self.reading.tip, &listed.path, &mut self.reading.contents());
        let mut commits = BTreeSet::new();
        for run in &origins {
            let Ok(span) = Span::new(run.start + 1, run.start + run.n_lines) else { continue };
            if lines.is_none_or(|lines| lines.overlaps(span)) {
                let commit = run.commit.filter(|_| run.gap.is_none())?;
                commits.insert(self.reading.graph.id(commit));
            }
        }
        Some(commits)
    }
}
