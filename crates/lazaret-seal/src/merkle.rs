//! Merkle trees as RFC 6962 defines them: one digest that stands for a list, grown at its end in little memory.

use lazaret_core::Digest;
use sha2::{Digest as _, Sha256};

mod proof;

pub use proof::{ConsistencyProof, InclusionProof, MerkleError, prove_consistency, prove_inclusion};

/// A complete subtree: its leaves are numbered from `index << level`, and there are `1 << level` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// How far above the leaves its root stands.
    pub level: u8,
    /// Which of the complete subtrees of that level, counted from 0.
    pub index: u64,
}

/// The right edge of a tree that only grows: the roots of the complete subtrees, one for each bit of the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the largest subtree, at the left, to the smallest.
    peaks: Vec<Digest>,
}

/// All nodes of a tree in memory, for proofs about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeList {
    /// By level, from the leaves; only complete subtrees.
    levels: Vec<Vec<Digest>>,
}

/// Keeps a leaf from being taken for a node, and the other way round (RFC 6962, 2.1).
const LEAF_PREFIX: [u8; 1] = [0];
const NODE_PREFIX: [u8; 1] = [1];

/// Returns the digest of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::new().chain_update(LEAF_PREFIX).chain_update(leaf).finalize().into())
}

/// Returns the digest of two subtrees put together.
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let hasher = Sha256::new().chain_update(NODE_PREFIX).chain_update(left.as_bytes());
    Digest::from_bytes(hasher.chain_update(right.as_bytes()).finalize().into())
}

/// Returns the root of a tree without leaves: the digest of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// Returns the root of the tree whose leaves are the 32 bytes of the given digests, such as those of records.
#[must_use]
pub fn root(digests: impl IntoIterator<Item = Digest>) -> Digest {
    let mut frontier = Frontier::new();
    for digest in digests {
        frontier.push(digest.as_bytes());
    }
    frontier.root()
}

impl Frontier {
    /// Begins an empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Continues a tree from its size and the peaks that [`peaks`](Self::peaks) gave.
    ///
    /// # Errors
    /// [`MerkleError::Peaks`] when a tree of that size has another number of them.
    pub fn resume(size: u64, peaks: Vec<Digest>) -> Result<Self, MerkleError> {
        if size.count_ones() as usize == peaks.len() {
            Ok(Self { size, peaks })
        } else {
            Err(MerkleError::Peaks { size, found: peaks.len() })
        }
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        self.push_hash(leaf_hash(leaf));
    }

    /// Appends a leaf of which only the digest is known, as [`leaf_hash`] gives it.
    pub fn push_hash(&mut self, leaf: Digest) {
        let mut subtree = leaf;
        // Each trailing one of the size is a complete subtree that the new one completes to a larger one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                subtree = node_hash(&left, &subtree);
            }
        }
        self.peaks.push(subtree);
        self.size += 1;
    }

    /// Returns how many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the complete subtrees, from the left.
    #[must_use]
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Returns the root of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(&smallest) = peaks.next() else { return empty_root() };
        peaks.fold(smallest, |right, left| node_hash(left, &right))
    }
}

impl NodeList {
    /// Appends a leaf of which the digest is given, as [`leaf_hash`] gives it.
    pub fn push_hash(&mut self, leaf: Digest) {
        let mut subtree = Some(leaf);
        for level in 0.. {
            let Some(digest) = subtree else { break };
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { break };
            nodes.push(digest);
            subtree = match nodes.as_chunks::<2>() {
                (pairs, []) => pairs.last().map(|[left, right]| node_hash(left, right)),
                (_, [_, ..]) => None,
            };
        }
    }

    /// Returns how many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Returns the digest of a complete subtree, if the list has all its leaves.
    #[must_use]
    pub fn get(&self, node: Node) -> Option<Digest> {
        self.levels.get(usize::from(node.level))?.get(usize::try_from(node.index).ok()?).copied()
    }
}

#[cfg(test)]
mod tests;
