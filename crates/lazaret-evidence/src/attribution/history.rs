//! Finds the version of a path that a commit sees, without reading a tree.
//!
//! The commits of the scope are cut into *chains* along first parents. A path's versions are sorted by chain and
//! position in it, so that "what does commit C see at path P" is a binary search in C's chain, then one in the
//! chain that it forks from, and so on down.

use lazaret_core::{Change, Changes, CommitGraph, CommitIx, CommitSet, GapKind, PathIx, TreeEntry};

/// The number of a version in a [`History`]; versions of one path are neighbours.
pub type VersionIx = u32;

/// A path at a commit that changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The commit.
    pub commit: CommitIx,
    /// What it changed.
    pub change: Change,
}

/// What a commit sees at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// This version.
    Version(VersionIx),
    /// Nothing.
    Absent,
    /// Whatever that commit, which lies outside the scope, sees: no commit of the scope changed it since.
    Outside(CommitIx),
    /// It cannot be said: a tree on the way could not be read.
    Unknown(GapKind),
}

/// Where a commit stands on its chain.
#[derive(Debug, Clone, Copy)]
struct Place {
    chain: u32,
    position: u32,
}

const NOWHERE: Place = Place { chain: u32::MAX, position: 0 };

/// The versions of every path within a scope.
#[derive(Debug)]
pub struct History<'a> {
    graph: &'a CommitGraph,
    changes: &'a Changes,
    places: Vec<Place>,
    /// For each chain the first parent of its first commit.
    forks: Vec<Option<CommitIx>>,
    versions: Vec<Version>,
    keys: Vec<(u32, u32)>,
    /// For each path where its versions start; one more entry than there are paths.
    path_starts: Vec<u32>,
    /// Commits of the scope whose changes are unknown, by chain and position.
    failures: Vec<(u32, u32, GapKind)>,
}

#[expect(clippy::indexing_slicing, reason = "numbers come from this history and index its own tables")]
impl<'a> History<'a> {
    /// Sorts the recorded changes of the scope's commits by path and chain.
    #[must_use]
    pub fn new(graph: &'a CommitGraph, changes: &'a Changes, scope: &CommitSet) -> Self {
        let (places, forks) = cut_into_chains(graph, scope);
        let mut path_starts = vec![0_u32; changes.n_paths() + 1];
        for commit in scope.iter() {
            for change in changes.of(commit) {
                path_starts[change.path as usize + 1] += 1;
            }
        }
        for path in 1..path_starts.len() {
            path_starts[path] += path_starts[path - 1];
        }
        let n_versions = path_starts.last().map_or(0, |&end| end as usize);
        let mut order: Vec<((u32, u32), Version)> = Vec::with_capacity(n_versions);
        for commit in scope.iter() {
            let place = places[commit as usize];
            let key = (place.chain, place.position);
            order.extend(changes.of(commit).iter().map(|&change| (key, Version { commit, change })));
        }
        order.sort_unstable_by_key(|(key, version)| (version.change.path, *key));
        let mut failures: Vec<_> = changes
            .failures()
            .filter(|&(commit, _)| scope.contains(commit))
            .map(|(commit, gap)| (places[commit as usize].chain, places[commit as usize].position, gap))
            .collect();
        failures.sort_unstable();
        let (keys, versions) = order.into_iter().unzip();
        Self { graph, changes, places, forks, versions, keys, path_starts, failures }
    }

    /// Returns the commits.
    #[must_use]
    pub fn graph(&self) -> &'a CommitGraph {
        self.graph
    }

    /// Returns the changes.
    #[must_use]
    pub fn changes(&self) -> &'a Changes {
        self.changes
    }

    /// How many versions there are.
    #[must_use]
    pub fn n_versions(&self) -> usize {
        self.versions.len()
    }

    /// Returns a version.
    #[must_use]
    pub fn version(&self, version: VersionIx) -> &Version {
        &self.versions[version as usize]
    }

    /// Returns the entry a version put in place; `None` where it removed the path.
    #[must_use]
    pub fn entry(&self, version: VersionIx) -> Option<TreeEntry> {
        self.versions[version as usize].change.new
    }

    /// Returns the versions of a path.
    #[must_use]
    pub fn versions_of(&self, path: PathIx) -> std::ops::Range<VersionIx> {
        let path = path as usize;
        if path + 1 < self.path_starts.len() {
            self.path_starts[path]..self.path_starts[path + 1]
        } else {
            0..0
        }
    }

    /// Whether the commit lies in the scope.
    #[must_use]
    pub fn in_scope(&self, commit: CommitIx) -> bool {
        self.places.get(commit as usize).is_some_and(|place| place.chain != u32::MAX)
    }

    /// Returns what a commit sees at a path.
    #[must_use]
    pub fn at(&self, commit: CommitIx, path: PathIx) -> At {
        let versions = self.versions_of(path);
        let keys = &self.keys[versions.start as usize..versions.end as usize];
        let mut commit = commit;
        loop {
            let place = self.places.get(commit as usize).copied().unwrap_or(NOWHERE);
            if place.chain == u32::MAX {
                return At::Outside(commit);
            }
            let key = (place.chain, place.position);
            let after = keys.partition_point(|&other| other <= key);
            let found = after.checked_sub(1).filter(|&found| keys[found].0 == place.chain);
            if !self.failures.is_empty() {
                let since = found.map_or(0, |found| keys[found].1);
                if let Some(gap) = self.failure(place.chain, since, place.position) {
                    return At::Unknown(gap);
                }
            }
            if let Some(found) = found {
                let version = versions.start + u32::try_from(found).unwrap_or(u32::MAX);
                return if self.entry(version).is_some() { At::Version(version) } else { At::Absent };
            }
            match self.forks[place.chain as usize] {
                Some(parent) => commit = parent,
                None => return At::Absent,
            }
        }
    }

    /// Returns what one of the parents of a version's commit sees at the version's path.
    #[must_use]
    pub fn at_parent(&self, version: VersionIx, parent_ix: usize, parent: CommitIx) -> At {
        let change = self.versions[version as usize].change;
        if parent_ix > 0 || !self.failures.is_empty() {
            return self.at(parent, change.path);
        }
        // The first parent is where the change was seen from, and mostly the version before is on the same chain.
        if change.old.is_none() {
            return At::Absent;
        }
        let before = version.checked_sub(1).filter(|&before| {
            self.versions[before as usize].change.path == change.path
                && self.keys[before as usize].0 == self.keys[version as usize].0
        });
        match before {
            Some(before) => At::Version(before),
            None => self.at(parent, change.path),
        }
    }

    /// Returns what a commit sees at a path given by its bytes.
    #[must_use]
    pub fn at_path(&self, commit: CommitIx, path: &[u8]) -> At {
        match self.changes.find_path(path) {
            Some(path) => self.at(commit, path),
            // No recorded change names the path: follow the chains with a path that has no versions.
            None => self.at(commit, PathIx::MAX),
        }
    }

    fn failure(&self, chain: u32, since: u32, until: u32) -> Option<GapKind> {
        let first = self.failures.partition_point(|&(c, p, _)| (c, p) < (chain, since));
        let (c, p, gap) = *self.failures.get(first)?;
        (c == chain && p <= until).then_some(gap)
    }
}

/// Gives each commit of the scope its place. Chains are drawn from the youngest commits down, so that the main line
/// is one chain and a branch's chain ends where it left it.
#[expect(clippy::indexing_slicing, reason = "commit numbers index tables of the graph's size")]
fn cut_into_chains(graph: &CommitGraph, scope: &CommitSet) -> (Vec<Place>, Vec<Option<CommitIx>>) {
    let mut places = vec![NOWHERE; graph.len()];
    let mut forks = Vec::new();
    let mut commits: Vec<CommitIx> = scope.iter().collect();
    let mut on_chain = Vec::new();
    while let Some(tip) = commits.pop() {
        if places[tip as usize].chain != u32::MAX {
            continue;
        }
        let mut commit = tip;
        let fork = loop {
            on_chain.push(commit);
            match graph.parents(commit).first().copied() {
                Some(parent) if scope.contains(parent) && places[parent as usize].chain == u32::MAX => {
                    commit = parent;
                }
                fork => break fork,
            }
        };
        let chain = u32::try_from(forks.len()).unwrap_or(u32::MAX);
        forks.push(fork);
        for (commit, position) in on_chain.drain(..).rev().zip(0..) {
            places[commit as usize] = Place { chain, position };
        }
    }
    (places, forks)
}
