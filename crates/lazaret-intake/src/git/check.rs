//! Finds the commits that a push or a range brings: reachable from new tips, not from old ones.

use std::collections::BinaryHeap;

use lazaret_core::ObjectId;
use rustc_hash::FxHashMap;

use super::Repository;
use super::commit::RawCommit;
use super::object::{ObjectKind, ObjectReader, ReadObjectError};
use super::walk::WalkGap;

/// How many more commits are visited after the last new one, against clocks that ran backwards.
const SLOP_COMMITS: usize = 256;

/// Commits that new tips bring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCommits {
    /// The commits, youngest first by their committer dates.
    pub commits: Vec<ObjectId>,
    /// Commits on the new side that could not be read.
    pub gaps: Vec<WalkGap>,
}

/// What is known of a commit on the way.
#[derive(Debug, Clone, Default)]
struct Visit {
    parents: Vec<ObjectId>,
    /// Reached from an old tip.
    old: bool,
    /// The order in which it was taken; `None` while it waits.
    taken: Option<usize>,
}

/// Returns the commits reachable from `new` and not from `old`.
///
/// Both sides are walked youngest first and only as far as needed, so the cost follows the size of the push, not
/// that of the history. A commit whose date lies far behind its own parents' may be reported although an old tip
/// reaches it: too much is examined then, never too little.
#[must_use]
pub fn new_commits(repository: &Repository, new: &[ObjectId], old: &[ObjectId]) -> NewCommits {
    let mut reader = ObjectReader::new(repository.objects(), 16 << 20);
    let mut found = NewCommits::default();
    let mut visits: FxHashMap<ObjectId, Visit> = FxHashMap::default();
    let mut queue: BinaryHeap<(i64, ObjectId)> = BinaryHeap::new();
    let mut n_new_waiting = 0_usize;
    let mut slop = 0;
    for (tips, is_old) in [(old, true), (new, false)] {
        for &tip in tips {
            enter(
                repository,
                &mut reader,
                tip,
                is_old,
                &mut visits,
                &mut queue,
                &mut n_new_waiting,
                &mut found,
            );
        }
    }
    let mut n_taken = 0;
    while let Some((_, id)) = queue.pop() {
        let Some(visit) = visits.get_mut(&id) else { continue };
        if visit.taken.is_none() {
            visit.taken = Some(n_taken);
            n_taken += 1;
            n_new_waiting -= usize::from(!visit.old);
        }
        let (parents, is_old) = (visit.parents.clone(), visit.old);
        for parent in parents {
            enter(
                repository,
                &mut reader,
                parent,
                is_old,
                &mut visits,
                &mut queue,
                &mut n_new_waiting,
                &mut found,
            );
        }
        if n_new_waiting == 0 {
            slop += 1;
            if slop > SLOP_COMMITS {
                break;
            }
        } else {
            slop = 0;
        }
    }
    let mut new: Vec<_> =
        visits.iter().filter(|(_, visit)| !visit.old).map(|(id, visit)| (visit.taken, *id)).collect();
    new.sort_unstable();
    found.commits = new.into_iter().map(|(_, id)| id).collect();
    found
}

/// Notes that a commit is reached from one side, and queues it where that is news.
#[expect(clippy::too_many_arguments, reason = "the parts of one walk's state, borrowed apart")]
fn enter(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    id: ObjectId,
    is_old: bool,
    visits: &mut FxHashMap<ObjectId, Visit>,
    queue: &mut BinaryHeap<(i64, ObjectId)>,
    n_new_waiting: &mut usize,
    found: &mut NewCommits,
) {
    if let Some(visit) = visits.get_mut(&id) {
        if is_old && !visit.old {
            visit.old = true;
            if visit.taken.is_none() {
                *n_new_waiting -= 1;
            } else {
                // Taken as new before: what it passed on was wrong and is passed on again.
                queue.push((i64::MAX, id));
            }
        }
        return;
    }
    let raw = reader.read_as(&id, ObjectKind::Commit);
    let commit = raw.as_ref().map_err(|error: &ReadObjectError| error.gap());
    let commit = commit.and_then(|raw| RawCommit::parse(raw).ok_or(lazaret_core::GapKind::CorruptObject));
    match commit {
        Ok(commit) => {
            let cut_off = repository.shallow().contains(&id);
            let parents = if cut_off { Vec::new() } else { commit.parents().collect() };
            queue.push((commit.committer.seconds, id));
            *n_new_waiting += usize::from(!is_old);
            visits.insert(id, Visit { parents, old: is_old, taken: None });
        }
        Err(kind) if !is_old => found.gaps.push(WalkGap { id, kind }),
        // An old tip that cannot be read hides nothing: without it more is examined.
        Err(_) => {}
    }
}
