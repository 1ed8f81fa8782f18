//! Finds who wrote the lines of a file that bear a mark in the text itself: no marked commit stands behind those.

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

/// Whether a taint stands against a file that no commit makes.
pub(crate) fn has_marks_of_its_own(file: &FileReport) -> bool {
    file.against.iter().any(|named| named.commit.is_none())
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

    /// Returns the commits that the marked lines come from; `None` where one cannot be said.
    pub(crate) fn of(&mut self, file: &FileReport) -> Option<BTreeSet<ObjectId>> {
        let listed = self
            .files
            .iter()
            .find(|listed| printable(&listed.path) == file.path && Some(listed.entry.id) == file.blob)?;
        let everything = self.reading.scope.clone();
        let history = self.reading.history(&everything);
        let origins =
            Reverse::new(&history).file(self.reading.tip, &listed.path, &mut self.reading.contents());
        let marked = |span: Span| {
            file.against
                .iter()
                .filter(|named| named.commit.is_none())
                .any(|named| named.span.is_none_or(|marked| marked.overlaps(span)))
        };
        let mut commits = BTreeSet::new();
        for lines in &origins {
            let Ok(span) = Span::new(lines.start + 1, lines.start + lines.n_lines) else { continue };
            if marked(span) {
                let commit = lines.commit.filter(|_| lines.gap.is_none())?;
                commits.insert(self.reading.graph.id(commit));
            }
        }
        Some(commits)
    }
}
