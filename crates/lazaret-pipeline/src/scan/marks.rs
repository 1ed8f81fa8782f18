//! Which commits are marked, by what they say of themselves and by what stands around them.

use std::collections::BinaryHeap;

use lazaret_core::{Changes, CommitGraph, CommitIx, CommitSet, Evidence, ObjectId, PathIx, Span};
use lazaret_evidence::Detectors;
use lazaret_evidence::attribution::{Marked, MarkedPart, Owner, OwnerMark};
use lazaret_evidence::surroundings;
use lazaret_intake::git::{ObjectKind, ObjectReader, find_entry};
use rustc_hash::{FxHashMap, FxHashSet};

use super::examine::Examined;
use super::reading::{Listing, Reading};
use super::recorders::Recorded;
use crate::report::{CommitClaim, MarkedCommit};

/// What a reader that looks at single blobs needs to remember.
const RECENT_BYTES: usize = 4 << 20;

/// The claims about commits, and about lines of single versions.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Claims about whole commits, strongest first.
    pub(crate) claims: FxHashMap<CommitIx, Vec<Evidence>>,
    /// Commits with such a claim in a writing role: all their lines are followed.
    whole: CommitSet,
    /// Lines that have claims of their own, by commit.
    parts: Vec<PartClaims>,
    /// Commits of which lines are followed.
    pub(crate) set: CommitSet,
}

/// Lines as a commit left them, and all that is claimed of them.
#[derive(Debug, Clone)]
pub(crate) struct PartClaims {
    pub(crate) commit: CommitIx,
    pub(crate) path: Vec<u8>,
    pub(crate) lines: Span,
    /// The claims, strongest first: those about the whole commit among them.
    pub(crate) claims: Vec<Evidence>,
}

/// Gathers the claims about the commits of the scope.
pub(crate) fn gather(
    reading: &Reading<'_>,
    listing: &Listing,
    examined: &Examined,
    recorded: &Recorded,
    detectors: &Detectors,
) -> Marks {
    let scope = &reading.scope;
    let own = reading.claims.iter().filter(|(commit, _)| scope.contains(**commit));
    let mut claims: FxHashMap<CommitIx, Vec<Evidence>> =
        own.map(|(&commit, own)| (commit, own.clone())).collect();
    let mut add = |commit: CommitIx, hints: &[Evidence]| {
        if scope.contains(commit) {
            claims.entry(commit).or_default().extend_from_slice(hints);
        }
    };
    for (&commit, attested) in &recorded.whole {
        add(commit, attested);
    }
    branch_hints(reading, detectors, &mut add);
    for (merge, hints) in reading.merges.iter().filter(|(merge, _)| scope.contains(*merge)) {
        let Some((first, merged)) = reading.graph.parents(*merge).split_first() else { continue };
        for commit in reached_only_by(&reading.graph, merged, &[*first]) {
            add(commit, hints);
        }
    }
    for (since, hints) in suppressions(reading, listing, examined, detectors) {
        let seeds = CommitSet::from_iter([since]);
        for commit in reading.graph.descendants(&seeds, scope).iter().filter(|&commit| commit != since) {
            add(commit, &hints);
        }
    }
    Marks::over(&reading.graph, scope, claims, recorded)
}

/// Gathers the claims about commits beside the revision, in writing roles: their own, and those of records.
pub(crate) fn gather_aside(reading: &Reading<'_>, aside: &CommitSet, recorded: &Recorded) -> Marks {
    let mut claims: FxHashMap<CommitIx, Vec<Evidence>> = FxHashMap::default();
    for (&commit, own) in reading.claims.iter().chain(&recorded.whole) {
        let of_writing = own.iter().filter(|claim| is_of_writing(claim)).cloned();
        if aside.contains(commit) {
            claims.entry(commit).or_default().extend(of_writing);
        }
    }
    Marks::over(&reading.graph, aside, claims, recorded)
}

/// Sorts claims, the strongest first, and drops repetitions.
pub(crate) fn strongest_first(claims: &mut Vec<Evidence>) {
    claims.sort_by_key(|claim| std::cmp::Reverse(claim.taint().map(|taint| taint.strength)));
    let mut seen = FxHashSet::default();
    claims.retain(|claim| seen.insert(claim.clone()));
}

fn is_of_writing(claim: &Evidence) -> bool {
    claim.taint().is_some_and(|taint| taint.role.writes())
}

impl Marks {
    /// Puts together claims about whole commits and, of the commits of `within`, about lines.
    fn over(
        graph: &CommitGraph,
        within: &CommitSet,
        mut claims: FxHashMap<CommitIx, Vec<Evidence>>,
        recorded: &Recorded,
    ) -> Self {
        claims.values_mut().for_each(strongest_first);
        let mut parts = recorded.parts(|commit| claims.get(&commit).cloned().unwrap_or_default());
        let mut whole = CommitSet::new(graph.len());
        for (&commit, claims) in &claims {
            if claims.iter().any(is_of_writing) {
                whole.insert(commit);
            }
        }
        parts.retain(|part| within.contains(part.commit));
        parts.retain(|part| whole.contains(part.commit) || part.claims.iter().any(is_of_writing));
        let mut set = whole.clone();
        for part in &parts {
            set.insert(part.commit);
        }
        Self { claims, whole, parts, set }
    }

    /// Returns the lines of a commit that have claims of their own.
    pub(crate) fn parts_of(&self, commit: CommitIx) -> impl Iterator<Item = &PartClaims> {
        // They are in the order of their commits.
        let first = self.parts.partition_point(|part| part.commit < commit);
        self.parts.iter().skip(first).take_while(move |part| part.commit == commit)
    }

    /// Returns the claims about a commit, strongest first.
    pub(crate) fn of(&self, commit: CommitIx) -> &[Evidence] {
        self.claims.get(&commit).map_or(&[], |claims| claims)
    }

    /// Returns the marks as attribution follows them; the commits must have been compared with their parents.
    pub(crate) fn marked(&self, reading: &Reading<'_>) -> Marked {
        self.marked_in(&reading.graph, &reading.changes)
    }

    /// Returns the same over changes that are kept elsewhere.
    pub(crate) fn marked_in(&self, graph: &CommitGraph, changes: &Changes) -> Marked {
        let part = |part: &PartClaims| {
            // A path that no commit changed has no lines that a commit put in place.
            let path = changes.find_path(&part.path).unwrap_or(PathIx::MAX);
            MarkedPart { commit: part.commit, path, lines: part.lines }
        };
        Marked::new(graph, self.whole.clone(), self.parts.iter().map(part).collect())
    }

    /// Returns the commit that an owner's lines come from, and the claims about them, strongest first.
    pub(crate) fn behind(&self, owner: Owner) -> Option<(CommitIx, &[Evidence])> {
        match owner.mark()? {
            OwnerMark::Commit(commit) => Some((commit, self.of(commit))),
            OwnerMark::Part(part) => self.parts.get(part as usize).map(|part| (part.commit, &*part.claims)),
        }
    }

    /// Returns all claims by commit, about whole commits and about some of their lines, strongest first.
    fn by_commit(&self) -> FxHashMap<CommitIx, Vec<Evidence>> {
        let mut by_commit = self.claims.clone();
        for part in &self.parts {
            by_commit.entry(part.commit).or_default().extend_from_slice(&part.claims);
        }
        by_commit.values_mut().for_each(strongest_first);
        by_commit
    }

    /// Returns the claims about each commit that one of them, in a writing role, condemns by itself.
    pub(crate) fn condemned(&self) -> Vec<Vec<Evidence>> {
        let condemns = |claim: &Evidence| {
            claim.taint().is_some_and(|taint| taint.role.writes() && taint.strength.condemns())
        };
        self.by_commit().into_values().filter(|claims| claims.iter().any(condemns)).collect()
    }

    /// Returns every commit with claims, in the order of the history: by date, but never before its parents.
    pub(crate) fn commits(&self, reading: &Reading<'_>) -> Vec<MarkedCommit> {
        let dates = dates_after_parents(&reading.graph);
        let by_commit = self.by_commit();
        let mut commits: Vec<CommitIx> = by_commit.keys().copied().collect();
        commits.sort_unstable_by_key(|&commit| (dates.get(commit as usize), reading.graph.id(commit)));
        let marked = |commit| MarkedCommit {
            commit: reading.graph.id(commit),
            claims: by_commit.get(&commit).into_iter().flatten().filter_map(CommitClaim::of).collect(),
        };
        commits.into_iter().map(marked).collect()
    }
}

/// Returns for each commit its committer date, or the second after the latest of its parents' if that is later.
fn dates_after_parents(graph: &CommitGraph) -> Vec<i64> {
    let mut dates: Vec<i64> = Vec::with_capacity(graph.len());
    for commit in 0..CommitIx::try_from(graph.len()).unwrap_or(CommitIx::MAX) {
        let parents = graph.parents(commit).iter();
        let latest = parents.filter_map(|&parent| dates.get(parent as usize).copied()).max();
        let earliest = latest.map_or(i64::MIN, |latest| latest.saturating_add(1));
        dates.push(graph.committer_seconds(commit).max(earliest));
    }
    dates
}

/// Finds commits that only a branch of a tell-tale name brought.
fn branch_hints(reading: &Reading<'_>, detectors: &Detectors, add: &mut impl FnMut(CommitIx, &[Evidence])) {
    let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    let mut main_line: Option<Vec<CommitIx>> = None;
    for reference in &reading.refs {
        let Some(name) = branch_name(&reference.name) else { continue };
        let hints = detectors.branch(name);
        if hints.is_empty() {
            continue;
        }
        let tip = reading.repository.peel(&mut reader, reference.target);
        let Some(tip) = tip.and_then(|tip| reading.graph.find(&tip)) else { continue };
        let main_line = main_line.get_or_insert_with(|| first_parents(&reading.graph, reading.tip));
        // The main line from before it took the branch in, or as it stands if it has not.
        let before = main_line.iter().copied().find(|&commit| !reaches(&reading.graph, commit, tip));
        let Some(before) = before.filter(|_| !main_line.contains(&tip)) else { continue };
        for commit in reached_only_by(&reading.graph, &[tip], &[before]) {
            add(commit, &hints);
        }
    }
}

/// Returns a branch's name without `refs/heads/` or `refs/remotes/<remote>/`.
fn branch_name(full: &[u8]) -> Option<&[u8]> {
    if let Some(name) = full.strip_prefix(b"refs/heads/") {
        return Some(name);
    }
    let remote = full.strip_prefix(b"refs/remotes/")?;
    let slash = memchr::memchr(b'/', remote)?;
    remote.get(slash + 1..)
}

/// Returns a commit, its first parent, that one's first parent, and so on.
fn first_parents(graph: &CommitGraph, tip: CommitIx) -> Vec<CommitIx> {
    std::iter::successors(Some(tip), |&commit| graph.parents(commit).first().copied()).collect()
}

/// Whether `from` reaches `to`. Numbers fall from child to parent, so nothing below `to` needs a visit.
fn reaches(graph: &CommitGraph, from: CommitIx, to: CommitIx) -> bool {
    let mut seen = FxHashSet::default();
    let mut todo = vec![from];
    while let Some(commit) = todo.pop() {
        if commit == to {
            return true;
        }
        todo.extend(graph.parents(commit).iter().filter(|&&parent| parent >= to && seen.insert(parent)));
    }
    false
}

/// Returns the commits that `tips` reach and `others` do not.
pub(crate) fn reached_only_by(graph: &CommitGraph, tips: &[CommitIx], others: &[CommitIx]) -> Vec<CommitIx> {
    let mut by_others: FxHashMap<CommitIx, bool> = FxHashMap::default();
    let mut queue = BinaryHeap::new();
    let mut n_only = 0_usize;
    let mut enter = |commit: CommitIx, others: bool, queue: &mut BinaryHeap<CommitIx>, n_only: &mut usize| {
        match by_others.get_mut(&commit) {
            None => {
                by_others.insert(commit, others);
                queue.push(commit);
                *n_only += usize::from(!others);
                others
            }
            Some(known) => {
                *n_only -= usize::from(others && !*known);
                *known |= others;
                *known
            }
        }
    };
    for &commit in others {
        enter(commit, true, &mut queue, &mut n_only);
    }
    for &commit in tips {
        enter(commit, false, &mut queue, &mut n_only);
    }
    let mut only = Vec::new();
    // A commit's number is larger than its parents': when it is taken, all that reach it have been.
    while n_only > 0
        && let Some(commit) = queue.pop()
    {
        let of_others = enter(commit, false, &mut queue, &mut n_only);
        if !of_others {
            only.push(commit);
            n_only -= 1;
        }
        for &parent in graph.parents(commit) {
            enter(parent, of_others, &mut queue, &mut n_only);
        }
    }
    only
}

/// Finds settings and rules at the revision that turn attribution off, and since when: the first commit of the
/// main line that has them, found by halving, so a setting that was taken back and renewed counts from its renewal
/// or earlier.
fn suppressions(
    reading: &Reading<'_>,
    listing: &Listing,
    examined: &Examined,
    detectors: &Detectors,
) -> Vec<(CommitIx, Vec<Evidence>)> {
    let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    let mut main_line: Option<Vec<CommitIx>> = None;
    let mut found = Vec::new();
    for (file, facts) in listing.files.iter().zip(&examined.files) {
        let is_suppression = |claim: &&Evidence| claim.detector.as_str() == "suppression";
        let sightings: Vec<&Evidence> = facts.claims.iter().filter(is_suppression).collect();
        if sightings.is_empty() {
            continue;
        }
        let main_line = main_line.get_or_insert_with(|| {
            let mut line = first_parents(&reading.graph, reading.tip);
            line.reverse();
            line
        });
        let since = main_line.partition_point(|&commit| {
            !is_suppressed_at(&mut reader, reading.graph.tree(commit), &file.path, detectors)
        });
        let Some(&since) = main_line.get(since) else { continue };
        let id = reading.graph.id(since);
        let hints =
            sightings.into_iter().filter_map(|sighting| surroundings::after_suppression(sighting, id));
        found.push((since, hints.collect()));
    }
    found
}

fn is_suppressed_at(
    reader: &mut ObjectReader<'_>,
    tree: ObjectId,
    path: &[u8],
    detectors: &Detectors,
) -> bool {
    let Ok(Some(entry)) = find_entry(reader, tree, path) else { return false };
    let Ok(text) = reader.read_as(&entry.id, ObjectKind::Blob) else { return false };
    detectors.content(path, &text).iter().any(|claim| claim.detector.as_str() == "suppression")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_core::CommitRow;

    /// 0 - 1 - 2 ------ 5 - 6     (main line)
    ///      \            /
    ///       3 -- 4 ----         (branch)
    fn graph() -> CommitGraph {
        let mut graph = CommitGraph::default();
        for (number, parents) in [
            (0, vec![]),
            (1, vec![0]),
            (2, vec![1]),
            (3, vec![1]),
            (4, vec![3]),
            (5, vec![2, 4]),
            (6, vec![5]),
        ] {
            let id = ObjectId::Sha1([number; 20]);
            graph.push(&CommitRow {
                id,
                tree: id,
                parents,
                author_seconds: 1,
                committer_seconds: 1,
                boundary: None,
            });
        }
        graph
    }

    #[test]
    fn a_merge_brings_the_commits_of_its_branch_alone() {
        let graph = graph();
        assert_eq!(reached_only_by(&graph, &[4], &[2]), [4, 3]);
        assert_eq!(reached_only_by(&graph, &[2], &[4]), [2]);
        assert_eq!(reached_only_by(&graph, &[4], &[5]), [0_u32; 0]);
        assert_eq!(reached_only_by(&graph, &[6], &[]), [6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn reaching_follows_all_parents() {
        let graph = graph();
        assert!(reaches(&graph, 6, 3) && reaches(&graph, 4, 4));
        assert!(!reaches(&graph, 2, 3) && !reaches(&graph, 3, 6));
    }

    #[test]
    fn branch_names_lose_where_they_come_from() {
        assert_eq!(branch_name(b"refs/heads/claude/x"), Some(&b"claude/x"[..]));
        assert_eq!(branch_name(b"refs/remotes/origin/claude/x"), Some(&b"claude/x"[..]));
        assert_eq!(branch_name(b"refs/tags/v1"), None);
    }
}
