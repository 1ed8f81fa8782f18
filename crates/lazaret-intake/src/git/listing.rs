//! Lists the files of a tree.

use lazaret_core::{ObjectId, TreeEntry};

use super::object::ObjectReader;
use super::tree::{TreeError, visit_tree};

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
/// A folder that cannot be read hides itself and nothing else; the first such error is returned beside the entries,
/// so that the caller can say so. Beside [`TreeError::TooLarge`] there are no entries.
pub fn list_tree(reader: &mut ObjectReader<'_>, tree: ObjectId) -> (Vec<ListedEntry>, Option<TreeError>) {
    let mut entries = Vec::new();
    let mut on_change = |path: &[u8], _: Option<TreeEntry>, new: Option<TreeEntry>| {
        entries.extend(new.map(|entry| ListedEntry { path: path.to_vec(), entry }));
    };
    match visit_tree(reader, tree, &mut on_change) {
        Ok(error) => (entries, error),
        Err(error) => (Vec::new(), Some(error)),
    }
}
