//! Line attribution's view of a repository: blobs, entries and deletions read through intake.

use std::rc::Rc;

use lazaret_core::{CommitGraph, CommitIx, EntryKind, GapKind, ObjectId, TreeEntry};
use lazaret_evidence::attribution::{Contents, Deletion};
use lazaret_intake::git::{ObjectKind, ObjectReader, ObjectStore, diff_trees, find_entry};
use rustc_hash::FxHashMap;

/// What a reader that traces lines back remembers of the objects it has read: from one version of a file to the
/// one before little is needed twice, and what fits the processor's own memory is read faster.
pub const TRACED_BYTES: usize = 8 << 20;

/// Deletions kept between questions: paths of one merge ask one after the other.
const DELETIONS_MAX: usize = 64;

/// Reads from one repository; one per thread.
#[derive(Debug)]
pub struct GitContents<'a> {
    reader: ObjectReader<'a>,
    graph: &'a CommitGraph,
    deletions: FxHashMap<(CommitIx, CommitIx), Rc<Vec<Deletion>>>,
}

impl<'a> GitContents<'a> {
    /// Returns a view that remembers up to `recent_bytes` of objects it has read.
    #[must_use]
    pub fn new(store: &'a ObjectStore, graph: &'a CommitGraph, recent_bytes: usize) -> Self {
        Self { reader: ObjectReader::new(store, recent_bytes), graph, deletions: FxHashMap::default() }
    }
}

impl Contents for GitContents<'_> {
    fn blob(&mut self, id: &ObjectId) -> Result<Rc<Vec<u8>>, GapKind> {
        self.reader.read_as(id, ObjectKind::Blob).map_err(|error| error.gap())
    }

    fn entry(&mut self, commit: CommitIx, path: &[u8]) -> Result<Option<TreeEntry>, GapKind> {
        find_entry(&mut self.reader, self.graph.tree(commit), path).map_err(|error| error.gap())
    }

    fn deletions(&mut self, parent: CommitIx, commit: CommitIx) -> Result<Rc<Vec<Deletion>>, GapKind> {
        if let Some(known) = self.deletions.get(&(parent, commit)) {
            return Ok(Rc::clone(known));
        }
        let mut found = Vec::new();
        let mut on_change = |path: &[u8], old: Option<TreeEntry>, new: Option<TreeEntry>| {
            let old = old.filter(|entry| entry.kind != EntryKind::Submodule && new.is_none());
            found.extend(old.map(|entry| Deletion { path: path.to_vec(), entry }));
        };
        let (old, new) = (self.graph.tree(parent), self.graph.tree(commit));
        diff_trees(&mut self.reader, Some(old), Some(new), &mut on_change).map_err(|error| error.gap())?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        if self.deletions.len() >= DELETIONS_MAX {
            self.deletions.clear();
        }
        let found = Rc::new(found);
        self.deletions.insert((parent, commit), Rc::clone(&found));
        Ok(found)
    }
}
