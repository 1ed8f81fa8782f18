//! A commit graph and the changes of its commits, as intake reports them and line attribution reads them.

use rustc_hash::FxHashMap;

use crate::{GapKind, ObjectId, TreeEntry};

/// The number of a commit in a [`CommitGraph`]; a commit's number is larger than those of its parents.
pub type CommitIx = u32;

/// The number of a path in [`Changes`].
pub type PathIx = u32;

/// One commit as it is added to a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRow {
    /// The commit.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents in order, as far as they are in the graph.
    pub parents: Vec<CommitIx>,
    /// The author date, in seconds since 1970-01-01 UTC, as written.
    pub author_seconds: i64,
    /// The committer date, in seconds since 1970-01-01 UTC, as written.
    pub committer_seconds: i64,
    /// Why not all of its parents are in the graph, where they are not.
    pub boundary: Option<GapKind>,
}

/// Commits with their parents, numbered so that parents come first.
#[derive(Debug, Clone, Default)]
pub struct CommitGraph {
    rows: Vec<StoredRow>,
    parents: Vec<CommitIx>,
    by_id: FxHashMap<ObjectId, CommitIx>,
}

#[derive(Debug, Clone)]
struct StoredRow {
    id: ObjectId,
    tree: ObjectId,
    author_seconds: i64,
    committer_seconds: i64,
    parents_end: u32,
    boundary: Option<GapKind>,
}

impl CommitGraph {
    /// Returns an empty graph with room for `n_commits`.
    #[must_use]
    pub fn with_capacity(n_commits: usize) -> Self {
        Self {
            rows: Vec::with_capacity(n_commits),
            parents: Vec::with_capacity(n_commits + n_commits / 4),
            by_id: FxHashMap::with_capacity_and_hasher(n_commits, rustc_hash::FxBuildHasher),
        }
    }

    /// Adds a commit and returns its number; a commit that is already there keeps its first row.
    ///
    /// Parents that have no number yet are left out: a row's parents must be added before it.
    pub fn push(&mut self, row: &CommitRow) -> CommitIx {
        if let Some(&known) = self.by_id.get(&row.id) {
            return known;
        }
        let commit = count(self.rows.len());
        self.parents.extend(row.parents.iter().filter(|&&parent| parent < commit));
        self.rows.push(StoredRow {
            id: row.id,
            tree: row.tree,
            author_seconds: row.author_seconds,
            committer_seconds: row.committer_seconds,
            parents_end: count(self.parents.len()),
            boundary: row.boundary,
        });
        self.by_id.insert(row.id, commit);
        commit
    }

    /// How many commits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the number of a commit.
    #[must_use]
    pub fn find(&self, id: &ObjectId) -> Option<CommitIx> {
        self.by_id.get(id).copied()
    }

    #[expect(clippy::indexing_slicing, reason = "commit numbers come from this graph")]
    fn row(&self, commit: CommitIx) -> &StoredRow {
        &self.rows[commit as usize]
    }

    /// Returns the commit's id.
    #[must_use]
    pub fn id(&self, commit: CommitIx) -> ObjectId {
        self.row(commit).id
    }

    /// Returns the commit's tree.
    #[must_use]
    pub fn tree(&self, commit: CommitIx) -> ObjectId {
        self.row(commit).tree
    }

    /// Returns the commit's parents in order.
    #[must_use]
    pub fn parents(&self, commit: CommitIx) -> &[CommitIx] {
        let start = if commit == 0 { 0 } else { self.row(commit - 1).parents_end };
        self.parents.get(start as usize..self.row(commit).parents_end as usize).unwrap_or_default()
    }

    /// Returns the author date in seconds since 1970-01-01 UTC, as written.
    #[must_use]
    pub fn author_seconds(&self, commit: CommitIx) -> i64 {
        self.row(commit).author_seconds
    }

    /// Returns the committer date in seconds since 1970-01-01 UTC, as written.
    #[must_use]
    pub fn committer_seconds(&self, commit: CommitIx) -> i64 {
        self.row(commit).committer_seconds
    }

    /// Returns why the commit's parents are not all in the graph, where they are not.
    #[must_use]
    pub fn boundary(&self, commit: CommitIx) -> Option<GapKind> {
        self.row(commit).boundary
    }

    /// Returns the row of a commit, with its parents.
    #[must_use]
    pub fn to_row(&self, commit: CommitIx) -> CommitRow {
        let row = self.row(commit);
        CommitRow {
            id: row.id,
            tree: row.tree,
            parents: self.parents(commit).to_vec(),
            author_seconds: row.author_seconds,
            committer_seconds: row.committer_seconds,
            boundary: row.boundary,
        }
    }

    /// Returns which commits the tips reach, the tips included.
    #[must_use]
    pub fn reachable(&self, tips: impl IntoIterator<Item = CommitIx>) -> CommitSet {
        let mut set = CommitSet::new(self.len());
        for tip in tips {
            set.insert(tip);
        }
        for commit in (0..count(self.len())).rev() {
            if set.contains(commit) {
                for &parent in self.parents(commit) {
                    set.insert(parent);
                }
            }
        }
        set
    }

    /// Returns the members of `within` that are in `seeds` or descend from one of them.
    #[must_use]
    pub fn descendants(&self, seeds: &CommitSet, within: &CommitSet) -> CommitSet {
        let mut set = CommitSet::new(self.len());
        for commit in within.iter() {
            if seeds.contains(commit) || self.parents(commit).iter().any(|&parent| set.contains(parent)) {
                set.insert(commit);
            }
        }
        set
    }
}

/// Narrows a count that a `u32` number space bounds; saturates, so that an overflow cannot alias a low number.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// A set of commits of one graph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitSet {
    words: Vec<u64>,
}

impl CommitSet {
    /// Returns an empty set for a graph of `n_commits`.
    #[must_use]
    pub fn new(n_commits: usize) -> Self {
        Self { words: vec![0; n_commits.div_ceil(64)] }
    }

    /// Adds a commit; returns whether it is new to the set.
    pub fn insert(&mut self, commit: CommitIx) -> bool {
        let word = commit as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let Some(word) = self.words.get_mut(word) else { return false };
        let bit = 1 << (commit % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether the commit is in the set.
    #[must_use]
    pub fn contains(&self, commit: CommitIx) -> bool {
        self.words.get(commit as usize / 64).is_some_and(|word| word & (1 << (commit % 64)) != 0)
    }

    /// How many commits the set holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Returns the commits in ascending order: parents before children.
    pub fn iter(&self) -> impl Iterator<Item = CommitIx> + '_ {
        self.words.iter().enumerate().flat_map(|(word_ix, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(count(word_ix * 64) + bit)
            })
        })
    }
}

impl FromIterator<CommitIx> for CommitSet {
    fn from_iter<I: IntoIterator<Item = CommitIx>>(commits: I) -> Self {
        let mut set = Self::default();
        for commit in commits {
            set.insert(commit);
        }
        set
    }
}

/// One path whose content or kind differs between a commit and its first parent (or nothing, for a root).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: PathIx,
    /// The entry in the first parent; `None` where the path is new.
    pub old: Option<TreeEntry>,
    /// The entry in the commit; `None` where the path is gone.
    pub new: Option<TreeEntry>,
}

/// The changes of a set of commits against their first parents, with the paths they name.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    paths: Vec<Box<[u8]>>,
    by_path: FxHashMap<Box<[u8]>, PathIx>,
    changes: Vec<Change>,
    ranges: FxHashMap<CommitIx, (u32, u32)>,
    failed: FxHashMap<CommitIx, GapKind>,
}

impl Changes {
    /// Returns the number of a path, a new one if it has none yet.
    pub fn intern(&mut self, path: &[u8]) -> PathIx {
        if let Some(&known) = self.by_path.get(path) {
            return known;
        }
        let number = count(self.paths.len());
        self.paths.push(path.into());
        self.by_path.insert(path.into(), number);
        number
    }

    /// Returns the number of a path that some change names.
    #[must_use]
    pub fn find_path(&self, path: &[u8]) -> Option<PathIx> {
        self.by_path.get(path).copied()
    }

    /// Returns a path's bytes; empty for a number that names none.
    #[must_use]
    pub fn path(&self, path: PathIx) -> &[u8] {
        self.paths.get(path as usize).map_or(&[], |path| path)
    }

    /// How many paths there are.
    #[must_use]
    pub fn n_paths(&self) -> usize {
        self.paths.len()
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is no change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Records the changes of a commit; a commit that has been recorded keeps its first record.
    pub fn record(&mut self, commit: CommitIx, changes: impl IntoIterator<Item = Change>) {
        if self.ranges.contains_key(&commit) {
            return;
        }
        let start = count(self.changes.len());
        self.changes.extend(changes);
        self.ranges.insert(commit, (start, count(self.changes.len())));
    }

    /// Records that a commit's trees could not be compared: what it changed is unknown.
    pub fn record_failure(&mut self, commit: CommitIx, why: GapKind) {
        self.failed.insert(commit, why);
    }

    /// Returns why a commit's changes are unknown, where they are.
    #[must_use]
    pub fn failure(&self, commit: CommitIx) -> Option<GapKind> {
        self.failed.get(&commit).copied()
    }

    /// Returns the commits whose changes are unknown.
    pub fn failures(&self) -> impl Iterator<Item = (CommitIx, GapKind)> + '_ {
        self.failed.iter().map(|(&commit, &why)| (commit, why))
    }

    /// Whether the commit has been compared with its first parent.
    #[must_use]
    pub fn has(&self, commit: CommitIx) -> bool {
        self.ranges.contains_key(&commit)
    }

    /// Returns the commits that have been recorded, in no order.
    pub fn commits(&self) -> impl Iterator<Item = CommitIx> + '_ {
        self.ranges.keys().copied()
    }

    /// Returns the changes of a commit; empty for one that has not been recorded.
    #[must_use]
    pub fn of(&self, commit: CommitIx) -> &[Change] {
        let (start, end) = self.ranges.get(&commit).copied().unwrap_or_default();
        self.changes.get(start as usize..end as usize).unwrap_or_default()
    }
}
