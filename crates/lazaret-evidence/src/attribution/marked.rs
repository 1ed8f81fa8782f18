//! What is marked in a history: whole commits, and lines of single versions that a record names.

use lazaret_core::{CommitGraph, CommitIx, CommitSet, PathIx, Span};
use rustc_hash::FxHashMap;

use super::owner::Owner;

/// The number of a part in [`Marked`].
pub type PartIx = u32;

/// Lines of one version that have a mark of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedPart {
    /// The commit.
    pub commit: CommitIx,
    /// The path at which it put the version in place.
    pub path: PathIx,
    /// Lines of that version.
    pub lines: Span,
}

/// Marked commits, and lines of single versions.
///
/// A line that a commit put in place belongs to the last part that covers it; where none does, to the commit, if
/// that is marked as a whole.
#[derive(Debug, Clone, Default)]
pub struct Marked {
    whole: CommitSet,
    all: CommitSet,
    parts: Vec<MarkedPart>,
    by_version: FxHashMap<(CommitIx, PathIx), Vec<PartIx>>,
}

impl Marked {
    /// Returns marks on whole commits, and parts, which are numbered in the order given.
    #[must_use]
    pub fn new(graph: &CommitGraph, whole: CommitSet, parts: Vec<MarkedPart>) -> Self {
        let mut all = CommitSet::new(graph.len());
        for commit in whole.iter().chain(parts.iter().map(|part| part.commit)) {
            all.insert(commit);
        }
        let mut by_version: FxHashMap<_, Vec<PartIx>> = FxHashMap::default();
        for (part, number) in parts.iter().zip(0..) {
            by_version.entry((part.commit, part.path)).or_default().push(number);
        }
        Self { whole, all, parts, by_version }
    }

    /// Returns marks on whole commits alone.
    #[must_use]
    pub fn commits(whole: CommitSet) -> Self {
        Self { all: whole.clone(), whole, ..Self::default() }
    }

    /// Returns the commits that have a mark, be it on some lines only.
    #[must_use]
    pub fn all(&self) -> &CommitSet {
        &self.all
    }

    /// Returns the commits whose lines are theirs unless a part says otherwise.
    #[must_use]
    pub fn whole(&self) -> &CommitSet {
        &self.whole
    }

    /// Returns the parts by number.
    #[must_use]
    pub fn parts(&self) -> &[MarkedPart] {
        &self.parts
    }

    /// Returns the commit that an owner's lines come from.
    #[must_use]
    pub fn commit(&self, owner: Owner) -> Option<CommitIx> {
        match owner.mark()? {
            OwnerMark::Commit(commit) => Some(commit),
            OwnerMark::Part(part) => self.parts.get(part as usize).map(|part| part.commit),
        }
    }

    /// Whether a version that a commit put in place may hold lines of a mark of that commit.
    pub(super) fn touches(&self, commit: CommitIx, path: PathIx) -> bool {
        self.whole.contains(commit)
            || (self.all.contains(commit) && self.by_version.contains_key(&(commit, path)))
    }

    /// Returns whose a line is, counted from 0, that a commit put in place.
    #[must_use]
    pub fn owner(&self, commit: CommitIx, path: PathIx, line: u32) -> Owner {
        let mut owners = Vec::new();
        self.own(commit, path, line as usize + 1, &mut owners);
        owners.last().copied().unwrap_or(Owner::UNMARKED)
    }

    /// Writes down whose the lines of a version are as far as the commit put them in place.
    pub(super) fn own(&self, commit: CommitIx, path: PathIx, n_lines: usize, owners: &mut Vec<Owner>) {
        let whole = self.whole.contains(commit);
        owners.clear();
        owners.resize(n_lines, if whole { Owner::direct(commit) } else { Owner::UNMARKED });
        if !whole && !self.all.contains(commit) {
            return;
        }
        for &number in self.by_version.get(&(commit, path)).map_or(&[][..], |parts| parts) {
            let Some(part) = self.parts.get(number as usize) else { continue };
            let (start, end) = (part.lines.start() as usize - 1, part.lines.end() as usize);
            if let Some(lines) = owners.get_mut(start.min(n_lines)..end.min(n_lines)) {
                lines.fill(Owner::part(number));
            }
        }
    }
}

/// The mark that an owner stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerMark {
    /// A commit that is marked as a whole.
    Commit(CommitIx),
    /// A part of [`Marked`].
    Part(PartIx),
}
