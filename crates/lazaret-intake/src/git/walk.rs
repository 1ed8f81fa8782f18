//! Reads the commits that some tips reach, each once, and numbers them parents first.

use lazaret_core::{CommitGraph, CommitIx, CommitRow, GapKind, ObjectId};
use rustc_hash::FxHashMap;

use super::Repository;
use super::commit::RawCommit;
use super::object::{ObjectKind, ObjectReader, ReadObjectError};

/// A commit that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkGap {
    /// The commit.
    pub id: ObjectId,
    /// What stood in the way.
    pub kind: GapKind,
}

/// What a walk added to the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many commits were read.
    pub n_read: usize,
    /// Commits that could not be read; their children are marked as boundaries.
    pub gaps: Vec<WalkGap>,
}

/// One commit on the way, between its first and its last visit.
struct Pending {
    id: ObjectId,
    /// `None` until the commit has been read.
    row: Option<CommitRow>,
    parents: Vec<ObjectId>,
}

/// Adds to `graph` all commits that the tips reach and that it lacks, and hands each raw commit to `on_commit`
/// together with its name, once, in no particular order.
///
/// Commits of the graph are taken to be complete: nothing behind them is read again. A commit at which a shallow
/// clone was cut off has no parents here and is marked as a boundary; so is one whose parent cannot be read.
pub fn walk_commits(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    graph: &mut CommitGraph,
    tips: impl IntoIterator<Item = ObjectId>,
    mut on_commit: impl FnMut(ObjectId, &[u8]),
) -> Walked {
    let mut walked = Walked::default();
    let mut unreadable: FxHashMap<ObjectId, GapKind> = FxHashMap::default();
    let mut stack = Vec::new();
    for tip in tips {
        stack.push(Pending { id: tip, row: None, parents: Vec::new() });
        while let Some(top) = stack.last_mut() {
            if top.row.is_none() {
                if graph.find(&top.id).is_some() || unreadable.contains_key(&top.id) {
                    stack.pop();
                    continue;
                }
                match read_commit(repository, reader, top.id, &mut on_commit) {
                    Ok((row, parents)) => {
                        walked.n_read += 1;
                        // Visited from the back, so that the first parent comes first.
                        let todo =
                            parents.iter().rev().copied().filter(|parent| graph.find(parent).is_none());
                        let todo: Vec<_> = todo.collect();
                        top.row = Some(row);
                        top.parents = parents;
                        stack.extend(todo.into_iter().map(|id| Pending {
                            id,
                            row: None,
                            parents: Vec::new(),
                        }));
                    }
                    Err(kind) => {
                        unreadable.insert(top.id, kind);
                        walked.gaps.push(WalkGap { id: top.id, kind });
                        stack.pop();
                    }
                }
                continue;
            }
            if let Some(done) = stack.pop()
                && let Some(mut row) = done.row
            {
                let missing = done.parents.iter().find_map(|parent| unreadable.get(parent));
                row.boundary = row.boundary.or(missing.copied());
                row.parents = done.parents.iter().filter_map(|parent| graph.find(parent)).collect();
                let _: CommitIx = graph.push(&row);
            }
        }
    }
    walked
}

fn read_commit(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    id: ObjectId,
    on_commit: &mut impl FnMut(ObjectId, &[u8]),
) -> Result<(CommitRow, Vec<ObjectId>), GapKind> {
    let raw = reader.read_as(&id, ObjectKind::Commit).map_err(ReadObjectError::gap)?;
    let commit = RawCommit::parse(&raw).ok_or(GapKind::CorruptObject)?;
    on_commit(id, &raw);
    let cut_off = repository.shallow().contains(&id);
    let parents = if cut_off { Vec::new() } else { commit.parents().collect() };
    let row = CommitRow {
        id,
        tree: commit.tree,
        parents: Vec::new(),
        author_seconds: commit.author.seconds,
        committer_seconds: commit.committer.seconds,
        boundary: cut_off.then_some(GapKind::ShallowBoundary),
    };
    Ok((row, parents))
}
