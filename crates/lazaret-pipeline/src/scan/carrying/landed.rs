//! Knows which commits of the main line may have taken a branch in: by number, date, path or content.

use std::hash::{Hash as _, Hasher as _};

use lazaret_core::{Changes, CommitIx, CommitSet, ObjectId, PathIx};
use lazaret_evidence::message;
use lazaret_intake::git::{ObjectKind, ObjectReader, RawCommit, read_changes};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::super::RECENT_BYTES;
use super::super::marks::reached_only_by;
use super::super::reading::{Reading, gap};
use super::beside::Beside;
use super::without;

/// Commits of the main line that are younger than the oldest branch, by what ties them to branches.
#[derive(Debug, Default)]
pub(super) struct Landed {
    by_paths: FxHashMap<u64, Vec<CommitIx>>,
    by_blob: FxHashMap<ObjectId, Vec<CommitIx>>,
    by_path: FxHashMap<PathIx, Vec<CommitIx>>,
    by_author_date: FxHashMap<i64, Vec<CommitIx>>,
    by_number: FxHashMap<u64, Vec<CommitIx>>,
}

impl Landed {
    /// Finds them, and compares each with its parent.
    pub(super) fn find(reading: &mut Reading<'_>, beside: &Beside, n_threads: usize) -> Self {
        let candidates = candidates(reading, beside);
        let (store, graph) = (reading.repository.objects(), &reading.graph);
        let changes = &mut reading.changes;
        read_changes(store, graph, candidates.iter(), n_threads, RECENT_BYTES / 2, changes);
        let failures = || changes.failures().filter(|(commit, _)| candidates.contains(*commit));
        if let Some(kind) = failures().map(|(_, kind)| kind).min() {
            let n_failed = failures().count();
            let why = format!("marks may have landed in {n_failed} commits whose trees could not be read");
            reading.gaps.push(gap(kind, why));
        }
        let mut landed = Self::default();
        let graph = &reading.graph;
        for commit in candidates.iter().filter(|&commit| graph.parents(commit).len() < 2) {
            let changes = &reading.changes;
            landed.by_author_date.entry(graph.author_seconds(commit)).or_default().push(commit);
            landed.by_paths.entry(paths_key(changes, commit)).or_default().push(commit);
            for change in changes.of(commit) {
                landed.by_path.entry(change.path).or_default().push(commit);
                if let Some(new) = change.new {
                    landed.by_blob.entry(new.id).or_default().push(commit);
                }
            }
        }
        if beside.branches.iter().any(|branch| !branch.numbers.is_empty()) {
            landed.read_numbers(reading, &candidates);
        }
        landed
    }

    fn read_numbers(&mut self, reading: &Reading<'_>, candidates: &CommitSet) {
        let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
        let graph = &reading.graph;
        for commit in candidates.iter() {
            let id = graph.id(commit);
            // It was read before; a commit that cannot be read any more has no number.
            let Ok(raw) = reader.read_as(&id, ObjectKind::Commit) else { continue };
            let Some(parsed) = RawCommit::parse(&raw) else { continue };
            let Some(number) = message::request_number(parsed.fact(id).message) else { continue };
            let of_number = self.by_number.entry(number).or_default();
            match graph.parents(commit) {
                // A merge brings commits; it puts no lines in place.
                [first, merged @ ..] if !merged.is_empty() => {
                    of_number.extend(reached_only_by(graph, merged, &[*first]));
                }
                _ => of_number.push(commit),
            }
        }
    }

    /// Returns the commits that changed exactly the paths that another one changed.
    pub(super) fn of_same_paths(&self, changes: &Changes, commit: CommitIx) -> &[CommitIx] {
        if changes.of(commit).is_empty() {
            return &[];
        }
        self.by_paths.get(&paths_key(changes, commit)).map_or(&[], |commits| commits)
    }

    /// Returns the commits that name a pull request.
    pub(super) fn of_number(&self, number: u64) -> &[CommitIx] {
        self.by_number.get(&number).map_or(&[], |commits| commits)
    }

    /// Returns the commits of one author date, in seconds.
    pub(super) fn of_author_date(&self, seconds: i64) -> &[CommitIx] {
        self.by_author_date.get(&seconds).map_or(&[], |commits| commits)
    }

    /// Returns the commits that put a content in place.
    pub(super) fn of_blob(&self, blob: &ObjectId) -> &[CommitIx] {
        self.by_blob.get(blob).map_or(&[], |commits| commits)
    }

    /// Returns the commits that changed a path, given by its number in the revision's changes.
    pub(super) fn of_path(&self, path: PathIx) -> &[CommitIx] {
        self.by_path.get(&path).map_or(&[], |commits| commits)
    }
}

/// Returns the commits of the main line that not all branches had when they forked.
fn candidates(reading: &Reading<'_>, beside: &Beside) -> CommitSet {
    let graph = &reading.graph;
    let mut forks: Vec<&[CommitIx]> = beside.branches.iter().map(|branch| &*branch.forks).collect();
    forks.sort_unstable();
    forks.dedup();
    let Some((&oldest, rest)) = forks.split_first() else { return CommitSet::default() };
    let mut before = graph.reachable(oldest.iter().copied());
    let after_oldest = graph.descendants(&oldest.iter().copied().collect(), &beside.main);
    for forks in rest {
        // What descends from the oldest fork has all that was before it.
        if oldest.len() == 1 && forks.iter().any(|&fork| after_oldest.contains(fork)) {
            continue;
        }
        if before.is_empty() {
            break;
        }
        let reached = graph.reachable(forks.iter().copied());
        before = before.iter().filter(|&commit| reached.contains(commit)).collect();
    }
    without(&beside.main, &before)
}

/// Returns a number that is equal for commits that changed the same paths; others may share it.
fn paths_key(changes: &Changes, commit: CommitIx) -> u64 {
    let mut paths: Vec<&[u8]> = changes.of(commit).iter().map(|change| changes.path(change.path)).collect();
    paths.sort_unstable();
    let mut hasher = FxHasher::default();
    paths.hash(&mut hasher);
    hasher.finish()
}

/// Returns commits without repetition, in an order that does not depend on what was read first.
pub(super) fn in_order(reading: &Reading<'_>, commits: FxHashSet<CommitIx>) -> Vec<CommitIx> {
    let graph = &reading.graph;
    let mut commits: Vec<CommitIx> = commits.into_iter().collect();
    commits.sort_unstable_by_key(|&commit| (graph.committer_seconds(commit), graph.id(commit)));
    commits
}
