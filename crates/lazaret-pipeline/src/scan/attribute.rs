//! Finds whose lines the files at the revision hold.

use lazaret_core::{CommitSet, EntryKind, GapKind};
use lazaret_evidence::attribution::{Forward, LineOrigin, Marked, Owned, Reverse, Settled};

use super::examine::in_parallel;
use super::marks::Marks;
use super::reading::{Listing, Reading};
use super::{ScanRequest, needs_origins};
use crate::contents::{GitContents, TRACED_BYTES};

/// Whose lines every file of a listing holds, in its order.
#[derive(Debug)]
pub(crate) struct Attributed {
    /// What is marked.
    pub(crate) marked: Marked,
    /// Marked commits' lines; an error where it cannot be said which version of the file the revision sees.
    pub(crate) owned: Vec<Result<Option<Owned>, GapKind>>,
    /// Every line's commit, where the policy trusts dates of this origin or takes the word of its commits.
    pub(crate) origins: Option<Vec<Vec<LineOrigin>>>,
    /// Every version in history that holds lines of marked commits.
    pub(crate) settled: Settled,
}

impl Attributed {
    /// Whether the origin of all lines, in all versions, could be found.
    pub(crate) fn is_certain(&self) -> bool {
        let known = |owned: &Owned| {
            owned.n_lines().is_some() && owned.runs().iter().all(|run| run.owner.gap().is_none())
        };
        self.settled.owned.iter().all(|version| known(&version.owned))
    }
}

/// Carries marked commits' lines forward to the revision, and traces all lines back where dates or commits are proof.
pub(crate) fn attribute(
    reading: &Reading<'_>,
    within: &CommitSet,
    marks: &Marks,
    listing: &Listing,
    request: &ScanRequest<'_>,
) -> Attributed {
    let history = reading.history(within);
    let marked = marks.marked(reading);
    let known = reading.memory.known_ownership(reading, &marked);
    let forward = Forward::resume(&history, &marked, known, None, &mut reading.contents());
    let owned = listing.files.iter().map(|file| Ok(forward.at(reading.tip, &file.path)?.cloned())).collect();
    let (store, graph, tip) = (reading.repository.objects(), &reading.graph, reading.tip);
    let origins = needs_origins(&request.measure, &reading.origin).then(|| {
        in_parallel(listing.files.len(), request.n_threads, || {
            let mut reverse = Reverse::new(&history);
            let mut contents = GitContents::new(store, graph, TRACED_BYTES);
            move |file_ix| match listing.files.get(file_ix) {
                Some(file) if file.entry.kind != EntryKind::Submodule => {
                    reverse.file(tip, &file.path, &mut contents)
                }
                _ => Vec::new(),
            }
        })
    });
    let settled = forward.into_settled();
    Attributed { marked, owned, origins, settled }
}
