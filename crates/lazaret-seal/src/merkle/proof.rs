//! Proofs about Merkle trees: that a leaf is in one, and that a larger one begins with a smaller one.

use lazaret_core::Digest;

use super::{Node, empty_root, node_hash};

/// A proof cannot be made, or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MerkleError {
    /// There is no such leaf or no such smaller tree.
    #[error("{index} lies outside a tree of {size} leaves")]
    Outside {
        /// What was asked for: a leaf, counted from 0, or a size.
        index: u64,
        /// How many leaves the tree has.
        size: u64,
    },
    /// A node that the proof needs is not there.
    #[error("the subtree {} of level {} is missing", node.index, node.level)]
    Missing {
        /// The node.
        node: Node,
    },
    /// The proof has more or fewer digests than one of such a tree.
    #[error("the proof has {found} digests, which is not the number that such a tree needs")]
    Length {
        /// How many it has.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to another root than the {which} tree's")]
    OtherRoot {
        /// `only`, `smaller` or `larger`.
        which: &'static str,
    },
    /// A frontier of that size has another number of peaks.
    #[error("a tree of {size} leaves does not have {found} peaks")]
    Peaks {
        /// How many leaves it has.
        size: u64,
        /// How many peaks were given.
        found: usize,
    },
}

/// The digests beside the way from a leaf to the root, from the leaf upwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf, counted from 0.
    pub index: u64,
    /// How many leaves the tree has.
    pub size: u64,
    /// The digests.
    pub path: Vec<Digest>,
}

/// The digests from which the roots of a tree and of a larger one can both be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// How many leaves the smaller tree has.
    pub old_size: u64,
    /// How many leaves the larger tree has.
    pub new_size: u64,
    /// The digests.
    pub path: Vec<Digest>,
}

/// Proves that a leaf is in the tree of the given size (RFC 6962, 2.1.1); `get` gives complete subtrees, from memory or
/// from tiles.
///
/// # Errors
/// [`MerkleError::Outside`] when there is no such leaf, [`MerkleError::Missing`] when `get` lacks a subtree.
pub fn prove_inclusion(
    index: u64,
    size: u64,
    mut get: impl FnMut(Node) -> Option<Digest>,
) -> Result<InclusionProof, MerkleError> {
    if index >= size {
        return Err(MerkleError::Outside { index, size });
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + left_size(end - start);
        if index < middle {
            path.push(range_root(middle, end, &mut get)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, &mut get)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(InclusionProof { index, size, path })
}

/// Proves that the tree of `new_size` begins with that of `old_size` (RFC 6962, 2.1.2).
///
/// # Errors
/// [`MerkleError::Outside`] when the old size is the larger one, [`MerkleError::Missing`] when `get` lacks a subtree.
pub fn prove_consistency(
    old_size: u64,
    new_size: u64,
    mut get: impl FnMut(Node) -> Option<Digest>,
) -> Result<ConsistencyProof, MerkleError> {
    if old_size > new_size {
        return Err(MerkleError::Outside { index: old_size, size: new_size });
    }
    let mut path = Vec::new();
    if old_size > 0 {
        // Whether the subtree in hand is the whole old tree, whose root the other side has.
        let mut is_whole = true;
        let (mut start, mut end) = (0, new_size);
        while end != old_size {
            let middle = start + left_size(end - start);
            if old_size <= middle {
                path.push(range_root(middle, end, &mut get)?);
                end = middle;
            } else {
                path.push(range_root(start, middle, &mut get)?);
                start = middle;
                is_whole = false;
            }
        }
        if !is_whole {
            path.push(range_root(start, end, &mut get)?);
        }
        path.reverse();
    }
    Ok(ConsistencyProof { old_size, new_size, path })
}

/// Returns the largest power of two below a size of at least two: how many leaves lie left of the first branch.
fn left_size(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Returns the root over leaves that begin where a subtree of their size may begin.
fn range_root(
    start: u64,
    end: u64,
    get: &mut impl FnMut(Node) -> Option<Digest>,
) -> Result<Digest, MerkleError> {
    // Subtrees from the right, where they are small: the remainder of the range, in powers of two.
    let mut roots = Vec::new();
    let mut start = start;
    while start < end {
        let level = (end - start).ilog2();
        let node = Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: start >> level };
        roots.push(get(node).ok_or(MerkleError::Missing { node })?);
        start += 1 << level;
    }
    let mut roots = roots.into_iter().rev();
    let smallest = roots.next().unwrap_or_else(empty_root);
    Ok(roots.fold(smallest, |right, left| node_hash(&left, &right)))
}

impl InclusionProof {
    /// Checks that the leaf of the given digest is where the proof says, in the tree of the given root.
    ///
    /// # Errors
    /// [`MerkleError`] when it is not, or the proof has another form than one of its tree (RFC 9162, 2.1.3.2).
    pub fn verify(&self, leaf: &Digest, root: &Digest) -> Result<(), MerkleError> {
        if self.index >= self.size {
            return Err(MerkleError::Outside { index: self.index, size: self.size });
        }
        let length = MerkleError::Length { found: self.path.len() };
        let (mut at, mut last) = (self.index, self.size - 1);
        let mut subtree = *leaf;
        for digest in &self.path {
            if last == 0 {
                return Err(length);
            }
            if at & 1 == 1 || at == last {
                subtree = node_hash(digest, &subtree);
                // A right edge that ends early has no node on the levels between.
                (at, last) = skip_left_edges(at, last);
            } else {
                subtree = node_hash(&subtree, digest);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        match last {
            0 if subtree == *root => Ok(()),
            0 => Err(MerkleError::OtherRoot { which: "only" }),
            1.. => Err(length),
        }
    }
}

impl ConsistencyProof {
    /// Checks that the tree of the new root begins with the tree of the old one.
    ///
    /// # Errors
    /// [`MerkleError`] when it does not, or the proof has another form than one of such trees (RFC 9162, 2.1.4.2).
    pub fn verify(&self, old_root: &Digest, new_root: &Digest) -> Result<(), MerkleError> {
        if self.old_size > self.new_size {
            return Err(MerkleError::Outside { index: self.old_size, size: self.new_size });
        }
        let length = MerkleError::Length { found: self.path.len() };
        let other = |which| MerkleError::OtherRoot { which };
        if self.old_size == 0 || self.old_size == self.new_size {
            return match (self.old_size, self.path.as_slice()) {
                (0, []) if *old_root != empty_root() => Err(other("smaller")),
                (0, []) if self.new_size > 0 => Ok(()),
                (_, []) if old_root == new_root => Ok(()),
                (_, []) => Err(other("larger")),
                (_, [_, ..]) => Err(length),
            };
        }
        // The old tree is itself a subtree of the new one where its size is a power of two: its root is not sent.
        let sent = if self.old_size.is_power_of_two() { None } else { self.path.first() };
        let (first, rest) = match sent {
            Some(first) => (*first, self.path.get(1..).unwrap_or_default()),
            None if self.old_size.is_power_of_two() => (*old_root, self.path.as_slice()),
            None => return Err(length),
        };
        let (mut at, mut last) = (self.old_size - 1, self.new_size - 1);
        let shift = at.trailing_ones();
        (at, last) = (at >> shift, last >> shift);
        let (mut old, mut new) = (first, first);
        for digest in rest {
            if last == 0 {
                return Err(length);
            }
            if at & 1 == 1 || at == last {
                old = node_hash(digest, &old);
                new = node_hash(digest, &new);
                (at, last) = skip_left_edges(at, last);
            } else {
                new = node_hash(&new, digest);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        match last {
            0 if old != *old_root => Err(other("smaller")),
            0 if new != *new_root => Err(other("larger")),
            0 => Ok(()),
            1.. => Err(length),
        }
    }
}

/// Steps over the levels on which the node in hand is the last one and has no sibling.
fn skip_left_edges(at: u64, last: u64) -> (u64, u64) {
    let shift = if at == 0 { 0 } else { at.trailing_zeros() };
    (at >> shift, last >> shift)
}
