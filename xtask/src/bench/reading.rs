//! What the measurements read of a repository: its commits, its files at one of them, and which commits are marked.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use lazaret_core::{Changes, CommitGraph, CommitIx, CommitSet, EntryKind, ObjectId};
use lazaret_evidence::attribution::Marked;
use lazaret_evidence::{Catalog, Detectors};
use lazaret_intake::git::{
    ListedEntry, ObjectReader, RawCommit, Repository, list_tree, read_changes, walk_commits,
};

/// How much of what it has read a thread keeps for reading more, in bytes: as much as `lazaret scan` keeps.
pub(crate) const RECENT_BYTES: usize = 32 << 20;

/// A repository's history up to one commit.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The repository.
    pub(crate) repository: Repository,
    /// Its commits.
    pub(crate) graph: CommitGraph,
    /// The commit whose files are looked at.
    pub(crate) tip: CommitIx,
    /// All that the tip reaches.
    pub(crate) all: CommitSet,
    /// Commits that claim, in their own words, that a tool wrote in them; empty unless detectors looked.
    pub(crate) marked: CommitSet,
}

/// Returns the detectors of the built-in catalog.
pub(crate) fn detectors() -> Detectors {
    Detectors::new(&Catalog::built_in())
}

impl Reading {
    /// Reads every commit that a revision reaches, and shows each to the detectors, where there are some.
    pub(crate) fn walk(path: &Path, rev: &str, detectors: Option<&Detectors>) -> Result<Self> {
        let repository = Repository::open(path, &[])?;
        let head = repository.resolve(rev)?;
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let mut graph = CommitGraph::default();
        let mut writing: Vec<ObjectId> = Vec::new();
        let walked = walk_commits(&repository, &mut reader, &mut graph, [head], |id, raw| {
            if detectors.is_some_and(|detectors| claims_writing(detectors, id, raw)) {
                writing.push(id);
            }
        });
        ensure!(walked.gaps.is_empty(), "{} commits cannot be read", walked.gaps.len());
        let tip = graph.find(&head).context("the revision is not among its own commits")?;
        let all = graph.reachable([tip]);
        let mut marked = CommitSet::new(graph.len());
        for commit in writing.iter().filter_map(|id| graph.find(id)) {
            marked.insert(commit);
        }
        drop(reader);
        Ok(Self { repository, graph, tip, all, marked })
    }

    /// Returns the marks on commits as attribution takes them.
    pub(crate) fn marks(&self) -> Marked {
        Marked::commits(self.marked.clone())
    }

    /// Returns the marked commits and all that descend from them.
    pub(crate) fn descendants_of_marked(&self) -> CommitSet {
        self.graph.descendants(&self.marked, &self.all)
    }

    /// Compares commits with their first parents.
    pub(crate) fn changes(&self, within: &CommitSet, n_threads: usize) -> Result<Changes> {
        let mut changes = Changes::default();
        let store = self.repository.objects();
        let read = read_changes(store, &self.graph, within.iter(), n_threads, RECENT_BYTES / 2, &mut changes);
        ensure!(read.n_failed == 0, "trees of {} commits cannot be read", read.n_failed);
        Ok(changes)
    }

    /// Lists the files and links at the tip.
    pub(crate) fn files(&self) -> Result<Vec<ListedEntry>> {
        let mut reader = ObjectReader::new(self.repository.objects(), RECENT_BYTES);
        let (mut files, error) = list_tree(&mut reader, self.graph.tree(self.tip));
        if let Some(error) = error {
            return Err(error).context("the files cannot be listed");
        }
        files.retain(|file| file.entry.kind != EntryKind::Submodule);
        Ok(files)
    }
}

fn claims_writing(detectors: &Detectors, id: ObjectId, raw: &[u8]) -> bool {
    if !detectors.may_mark(raw) {
        return false;
    }
    let Some(commit) = RawCommit::parse(raw) else { return false };
    let claims = detectors.commit(&commit.fact(id));
    claims.iter().any(|claim| claim.taint().is_some_and(|taint| taint.role.writes()))
}
