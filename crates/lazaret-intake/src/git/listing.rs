//! Lists the files of a tree.

use lazaret_core::{ObjectId, TreeEntry};

use super::object::ObjectReader;
use super::tree::{TreeError, diff_trees};

/// A file, link or submodule of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The path from the root of the tree.
    pub path: Vec<u8>,
    /// What is there.
    pub entry: TreeEntry,
}

/// Returns everything below a tree, in git's order.
///
/// The entries found before an error are returned beside it, so that a damaged folder hides only itself and what
/// comes after it, and the caller can say so.
pub fn list_tree(reader: &mut ObjectReader<'_>, tree: ObjectId) -> (Vec<ListedEntry>, Option<TreeError>) {
    let mut entries = Vec::new();
    let mut on_change = |path: &[u8], _: Option<TreeEntry>, new: Option<TreeEntry>| {
        entries.extend(new.map(|entry| ListedEntry { path: path.to_vec(), entry }));
    };
    let error = diff_trees(reader, None, Some(tree), &mut on_change).err();
    (entries, error)
}
