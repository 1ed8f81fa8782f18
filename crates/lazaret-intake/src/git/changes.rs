//! Compares commits with their first parents, on all the threads it is given.

use lazaret_core::{Change, Changes, CommitGraph, CommitIx, GapKind, ObjectId, PathIx, TreeEntry};
use rustc_hash::FxHashMap;

use super::object::{ObjectReader, ObjectStore};
use super::tree::diff_trees;

/// How many commits one piece of work holds: neighbours share trees, so a piece reads most of them once.
const COMMITS_PER_PIECE: usize = 512;

/// What [`read_changes`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadChanges {
    /// How many commits were compared.
    pub n_compared: usize,
    /// How many could not be compared because a tree could not be read.
    pub n_failed: usize,
}

/// The changes of one piece of work, with path numbers of its own.
#[derive(Default)]
struct Piece {
    paths: Vec<Box<[u8]>>,
    by_path: FxHashMap<Box<[u8]>, PathIx>,
    changes: Vec<Change>,
    commits: Vec<(CommitIx, Result<usize, GapKind>)>,
}

/// Compares each of the commits with its first parent and records what changed; commits already recorded are
/// passed over. `recent_bytes` bounds what each thread remembers of the trees it has read.
pub fn read_changes(
    store: &ObjectStore,
    graph: &CommitGraph,
    commits: impl IntoIterator<Item = CommitIx>,
    n_threads: usize,
    recent_bytes: usize,
    changes: &mut Changes,
) -> ReadChanges {
    let todo: Vec<CommitIx> = commits
        .into_iter()
        .filter(|&commit| !changes.has(commit) && changes.failure(commit).is_none())
        .collect();
    let pieces: Vec<&[CommitIx]> = todo.chunks(COMMITS_PER_PIECE).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut reader = ObjectReader::new(store, recent_bytes);
        let mut done = Vec::new();
        loop {
            let piece_ix = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(piece) = pieces.get(piece_ix) else { return done };
            done.push((piece_ix, compare_piece(&mut reader, graph, piece)));
        }
    };
    let n_threads = n_threads.min(pieces.len()).max(1);
    let mut done: Vec<(usize, Piece)> = if n_threads == 1 {
        work()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            let results = threads.into_iter().map(|thread| match thread.join() {
                Ok(done) => done,
                // Commits that nobody compared would pass for commits that changed nothing.
                Err(panic) => std::panic::resume_unwind(panic),
            });
            results.flatten().collect()
        })
    };
    // In the order of the commits, whichever thread was faster: path numbers must not depend on timing.
    done.sort_by_key(|(piece_ix, _)| *piece_ix);
    let mut counts = ReadChanges::default();
    for (_, piece) in done {
        merge_piece(piece, changes, &mut counts);
    }
    counts
}

fn compare_piece(reader: &mut ObjectReader<'_>, graph: &CommitGraph, commits: &[CommitIx]) -> Piece {
    let mut piece = Piece::default();
    for &commit in commits {
        let old: Option<ObjectId> = graph.parents(commit).first().map(|&parent| graph.tree(parent));
        let start = piece.changes.len();
        let (paths, by_path, found) = (&mut piece.paths, &mut piece.by_path, &mut piece.changes);
        let mut on_change = |path: &[u8], old: Option<TreeEntry>, new: Option<TreeEntry>| {
            let path = match by_path.get(path) {
                Some(&known) => known,
                None => {
                    let number = PathIx::try_from(paths.len()).unwrap_or(PathIx::MAX);
                    paths.push(path.into());
                    by_path.insert(path.into(), number);
                    number
                }
            };
            found.push(Change { path, old, new });
        };
        let outcome = diff_trees(reader, old, Some(graph.tree(commit)), &mut on_change);
        if outcome.is_err() {
            piece.changes.truncate(start);
        }
        let n_changes = piece.changes.len() - start;
        piece.commits.push((commit, outcome.map(|()| n_changes).map_err(|error| error.gap())));
    }
    piece
}

fn merge_piece(piece: Piece, changes: &mut Changes, counts: &mut ReadChanges) {
    let numbers: Vec<PathIx> = piece.paths.iter().map(|path| changes.intern(path)).collect();
    let mut rest = piece.changes.into_iter();
    for (commit, outcome) in piece.commits {
        match outcome {
            Ok(n_changes) => {
                counts.n_compared += 1;
                let renumbered = rest.by_ref().take(n_changes).filter_map(|change| {
                    Some(Change { path: *numbers.get(change.path as usize)?, ..change })
                });
                changes.record(commit, renumbered);
            }
            Err(kind) => {
                counts.n_failed += 1;
                changes.record_failure(commit, kind);
            }
        }
    }
}
