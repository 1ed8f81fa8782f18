//! Grows the files of a ledger entry by entry, from the right edge of what is published.

use bytes::Bytes;
use lazaret_core::Digest;
use lazaret_seal::leaf_hash;

use crate::ledger::tile::{Row, Tile, WIDTH, tree_over, write_entry, write_hashes};
use crate::ledger::tree::Tree;

/// The files at the right edge of a ledger that grows.
#[derive(Debug)]
pub(super) struct Builder {
    size: u64,
    /// The entries since the last full file.
    bundle: Vec<u8>,
    /// The hashes since the last full tile, by level.
    edges: Vec<Vec<Digest>>,
    ready: Vec<(Tile, Bytes)>,
}

impl Builder {
    /// Begins with the first entry of the last partial file of a tree, because that file is written anew.
    pub(super) fn after(tree: &Tree, size: u64) -> Self {
        let mut edges: Vec<Vec<Digest>> = tree.edges().iter().map(|edge| edge.to_vec()).collect();
        if let Some(leaves) = edges.first_mut() {
            leaves.clear();
        }
        Self { size: size / WIDTH * WIDTH, bundle: Vec::new(), edges, ready: Vec::new() }
    }

    /// Returns how many entries the files have, and so which comes next.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry; `None` if it is too long.
    pub(super) fn push(&mut self, entry: &[u8]) -> Option<()> {
        write_entry(&mut self.bundle, entry)?;
        self.size += 1;
        if self.size.is_multiple_of(WIDTH) {
            let bundle = std::mem::take(&mut self.bundle);
            self.put(Row::Entries, WIDTH, bundle.into());
        }
        let mut carried = Some(leaf_hash(entry));
        for level in 0.. {
            let Some(hash) = carried else { break };
            if self.edges.len() == usize::from(level) {
                self.edges.push(Vec::new());
            }
            let Some(edge) = self.edges.get_mut(usize::from(level)) else { break };
            edge.push(hash);
            carried = None;
            if edge.len() as u64 == WIDTH {
                let full = std::mem::take(edge);
                carried = Some(tree_over(full.iter().copied()).root());
                self.put(Row::Hashes(level), WIDTH, write_hashes(&full));
            }
        }
        Some(())
    }

    /// Returns the full files that are not yet taken.
    pub(super) fn ready(&self) -> &[(Tile, Bytes)] {
        &self.ready
    }

    /// Takes the full files.
    pub(super) fn take_ready(&mut self) -> Vec<(Tile, Bytes)> {
        std::mem::take(&mut self.ready)
    }

    /// Takes the full files that are left and the partial ones.
    pub(super) fn finish(mut self) -> Vec<(Tile, Bytes)> {
        let bundle = std::mem::take(&mut self.bundle);
        if !self.size.is_multiple_of(WIDTH) {
            self.put(Row::Entries, self.size % WIDTH, bundle.into());
        }
        for (level, edge) in (0..).zip(std::mem::take(&mut self.edges)) {
            if !edge.is_empty() {
                self.put(Row::Hashes(level), edge.len() as u64, write_hashes(&edge));
            }
        }
        self.ready
    }

    /// Notes a file that ends with the last entry.
    fn put(&mut self, row: Row, width: u64, bytes: Bytes) {
        let index = (row.length(self.size) - 1) / WIDTH;
        self.ready.push((Tile { row, index, width }, bytes));
    }
}
