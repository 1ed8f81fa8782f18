//! Finds the marked commits beside the revision, the branches that have them, and where those left the main line.

use lazaret_core::{Changes, CommitGraph, CommitIx, CommitSet};
use lazaret_intake::git::read_changes;
use rustc_hash::FxHashSet;

use super::super::RECENT_BYTES;
use super::super::marks::{self, Marks};
use super::super::reading::{Reading, gap};
use super::super::recorders::Recorded;
use super::without;

/// A branch with marked commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// Its last commit.
    pub(super) head: CommitIx,
    /// The numbers of the pull requests that ask to take it in.
    pub(super) numbers: Vec<u64>,
    /// Its commits that are marked or descend from marked ones, and that the revision does not reach.
    pub(super) followed: Vec<CommitIx>,
    /// Commits of the main line that it forks from.
    pub(super) forks: Vec<CommitIx>,
}

/// What lies beside the revision and bears marks.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// What the revision reaches.
    pub(super) main: CommitSet,
    /// The marks of commits that it does not reach.
    pub(super) marks: Marks,
    /// Those commits and what descends from them beside the revision.
    pub(super) followed: CommitSet,
    /// What the followed commits changed.
    pub(super) changes: Changes,
    /// The branches that have them.
    pub(super) branches: Vec<Branch>,
}

impl Beside {
    /// Finds them. Without a branch or a record beside the revision this costs nothing.
    pub(super) fn find(reading: &mut Reading<'_>, recorded: &Recorded, n_threads: usize) -> Self {
        let graph = &reading.graph;
        let main = graph.reachable([reading.tip]);
        let heads = reading.heads.iter().filter_map(|head| Some((graph.find(&head.commit)?, head.number)));
        let heads: Vec<_> = heads.filter(|(head, _)| !main.contains(*head)).collect();
        let lost = reading.lost.iter().filter_map(|id| graph.find(id));
        let lost: Vec<CommitIx> = lost.filter(|&commit| !main.contains(commit)).collect();
        if heads.is_empty() && lost.is_empty() {
            return Self { main, ..Self::default() };
        }
        let on_branches = graph.reachable(heads.iter().map(|(head, _)| *head));
        let all = graph.reachable(heads.iter().map(|(head, _)| *head).chain(lost.iter().copied()));
        let aside = without(&all, &main);
        let marks = marks::gather_aside(reading, &aside, recorded);
        let followed = graph.descendants(&marks.set, &aside);
        let mut branches: Vec<Branch> = Vec::new();
        for (head, number) in heads {
            match branches.last_mut() {
                Some(last) if last.head == head => last.numbers.extend(number),
                _ => branches.push(branch(head, number, graph, &main, &followed)),
            }
        }
        let has_children: FxHashSet<CommitIx> =
            aside.iter().flat_map(|commit| graph.parents(commit)).copied().collect();
        for commit in lost.into_iter().filter(|commit| !on_branches.contains(*commit)) {
            // One that others descend from is part of theirs.
            if !has_children.contains(&commit) {
                branches.push(branch(commit, None, graph, &main, &followed));
            }
        }
        branches.retain(|branch| !branch.followed.is_empty());
        let mut changes = Changes::default();
        let store = reading.repository.objects();
        read_changes(store, graph, followed.iter(), n_threads, RECENT_BYTES / 2, &mut changes);
        let n_failed = changes.failures().count();
        if let Some(kind) = changes.failures().map(|(_, kind)| kind).min() {
            let why = format!("marks of {n_failed} commits beside the revision could not be followed");
            reading.gaps.push(gap(kind, why));
        }
        Self { main, marks, followed, changes, branches }
    }
}

fn branch(
    head: CommitIx,
    number: Option<u64>,
    graph: &CommitGraph,
    main: &CommitSet,
    followed: &CommitSet,
) -> Branch {
    let mut branch =
        Branch { head, numbers: number.into_iter().collect(), followed: Vec::new(), forks: Vec::new() };
    // Nothing below a commit that descends from no marked one is of interest but the place where the branch forks.
    if !followed.contains(head) {
        return branch;
    }
    let mut seen: FxHashSet<CommitIx> = FxHashSet::default();
    let mut todo = vec![head];
    while let Some(commit) = todo.pop() {
        if main.contains(commit) {
            branch.forks.push(commit);
            continue;
        }
        if followed.contains(commit) {
            branch.followed.push(commit);
        }
        todo.extend(graph.parents(commit).iter().filter(|&&parent| seen.insert(parent)));
    }
    branch.forks.sort_unstable();
    branch
}
