//! Reads what is staged for the next commit.

use std::path::Path;

use lazaret_core::{EntryKind, ObjectId, TreeEntry};
use rustc_hash::FxHashMap;

use super::Repository;
use super::listing::list_tree;
use super::object::{ObjectKind, ObjectReader};
use super::tree::TreeError;

/// A path whose staged content differs from `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedChange {
    /// The path from the root of the work tree.
    pub path: Vec<u8>,
    /// What is staged.
    pub entry: TreeEntry,
}

/// The staged change could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
    /// The index file is damaged or of an unknown version.
    #[error("cannot read the index of the work tree; `git status` says what is wrong with it")]
    Index {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The commit that `HEAD` names could not be read.
    #[error("cannot read the tree of HEAD")]
    Head {
        /// Why.
        #[source]
        source: Option<TreeError>,
    },
}

impl Repository {
    /// Returns the paths that the next commit would add or change.
    ///
    /// `index_file` is read in the place of the work tree's own index: git hands its hooks another one when it
    /// commits paths or everything at once.
    ///
    /// # Errors
    /// [`StagedError`] when the index or the tree of `HEAD` cannot be read.
    pub fn staged_changes(&self, index_file: Option<&Path>) -> Result<Vec<StagedChange>, StagedError> {
        let unreadable = |source: gix::Error| StagedError::Index { source: source.to_string().into() };
        let (own, other);
        let index: &gix::index::State = match index_file {
            Some(path) => {
                let options = gix::index::decode::Options::default();
                other = gix::index::File::at(path, self.inner.object_hash(), false, options)
                    .map_err(unreadable)?;
                &other
            }
            None => {
                own = self.inner.index_or_empty().map_err(unreadable)?;
                &own
            }
        };
        let at_head = self.entries_at_head()?;
        let mut changes = Vec::new();
        for entry in index.entries() {
            let path = entry.path(index);
            let Some(id) = ObjectId::from_bytes(entry.id.as_bytes()) else { continue };
            let kind = if entry.mode.contains(gix::index::entry::Mode::COMMIT) {
                EntryKind::Submodule
            } else if entry.mode.contains(gix::index::entry::Mode::SYMLINK) {
                EntryKind::Link
            } else {
                EntryKind::File
            };
            let staged = TreeEntry { kind, id };
            let path: &[u8] = path.as_ref();
            if at_head.get(path) != Some(&staged) {
                changes.push(StagedChange { path: path.to_vec(), entry: staged });
            }
        }
        Ok(changes)
    }

    fn entries_at_head(&self) -> Result<FxHashMap<Vec<u8>, TreeEntry>, StagedError> {
        let Ok(head) = self.resolve("HEAD") else { return Ok(FxHashMap::default()) };
        let mut reader = ObjectReader::new(&self.objects, 16 << 20);
        let raw = reader.read_as(&head, ObjectKind::Commit).ok();
        let commit = raw.as_ref().and_then(|raw| super::RawCommit::parse(raw));
        let tree = commit.ok_or(StagedError::Head { source: None })?.tree;
        match list_tree(&mut reader, tree) {
            (entries, None) => Ok(entries.into_iter().map(|listed| (listed.path, listed.entry)).collect()),
            (_, Some(source)) => Err(StagedError::Head { source: Some(source) }),
        }
    }
}
