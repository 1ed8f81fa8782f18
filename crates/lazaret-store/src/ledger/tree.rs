//! Reads hashes out of tiles, each tile only after the one above it, so that nothing is believed but the checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lazaret_core::Digest;
use lazaret_seal::{
    ConsistencyProof, Frontier, InclusionProof, MerkleError, Node, empty_root, prove_consistency,
    prove_inclusion,
};

use super::error::LedgerError;
use super::tile::{Row, TILE_HEIGHT, Tile, WIDTH, cut, levels, read_hashes, tree_over};
use crate::shelf::{Shelf, ShelfError};

/// The tiles of a log of a known root. Keeps one tile of each level in memory besides the right edge.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    shelf: Shelf,
    size: u64,
    /// The hashes of the partial tiles, by level; empty where the last tile is full.
    edges: Vec<Arc<[Digest]>>,
    /// The tile last read, by level.
    recent: BTreeMap<u8, (u64, Arc<[Digest]>)>,
}

/// Reads a file; a partial one that has made room for the full one is cut out of that.
pub(super) async fn fetch(shelf: &Shelf, tile: Tile) -> Result<Option<Bytes>, ShelfError> {
    let bytes = shelf.get(&tile.name()).await?;
    if bytes.is_some() || tile.is_full() {
        return Ok(bytes);
    }
    let full = shelf.get(&tile.full().name()).await?;
    Ok(full.and_then(|full| cut(&full, tile.row, tile.width)))
}

/// Reads a file of hashes; one of another width is as if altered.
async fn fetch_hashes(shelf: &Shelf, tile: Tile) -> Result<Arc<[Digest]>, LedgerError> {
    let bytes = fetch(shelf, tile).await?.ok_or_else(|| LedgerError::Missing { file: tile.name() })?;
    let hashes = read_hashes(&bytes).filter(|hashes| hashes.len() as u64 == tile.width);
    hashes.map(Into::into).ok_or_else(|| LedgerError::Altered { file: tile.name() })
}

/// Returns the tree that has these partial tiles at its right edge.
pub(super) fn tree_with_edges<'a>(
    size: u64,
    edges: impl DoubleEndedIterator<Item = &'a [Digest]>,
) -> Option<Frontier> {
    let over = |edge: &[Digest]| tree_over(edge.iter().copied()).peaks().to_vec();
    Frontier::resume(size, edges.rev().flat_map(over).collect()).ok()
}

impl Tree {
    /// Reads the right edge of a tree and holds it against the root.
    pub(super) async fn open(shelf: Shelf, size: u64, root: &Digest) -> Result<Self, LedgerError> {
        let mut edges = Vec::new();
        for level in levels(size) {
            edges.push(match Row::Hashes(level).edge(size) {
                Some(tile) => fetch_hashes(&shelf, tile).await?,
                None => Arc::from([]),
            });
        }
        let tree = Self { shelf, size, edges, recent: BTreeMap::new() };
        match tree.frontier() {
            Some(frontier) if frontier.root() == *root => Ok(tree),
            Some(_) | None => Err(LedgerError::Root),
        }
    }

    /// Returns the tree as it can be grown.
    pub(super) fn frontier(&self) -> Option<Frontier> {
        tree_with_edges(self.size, self.edges.iter().map(AsRef::as_ref))
    }

    /// Returns the hashes of the partial tiles, by level.
    pub(super) fn edges(&self) -> &[Arc<[Digest]>] {
        &self.edges
    }

    /// Returns the hashes of a tile.
    pub(super) async fn tile(&mut self, level: u8, index: u64) -> Result<Arc<[Digest]>, LedgerError> {
        let mut way = Vec::new();
        let (mut above, mut at) = (level, index);
        // The last tile of some level is partial, and so at the edge: the way up ends there at the latest.
        let mut known = loop {
            if let Some((_, hashes)) = self.recent.get(&above).filter(|(recent, _)| *recent == at) {
                break Arc::clone(hashes);
            }
            let row = Row::Hashes(above);
            if at >= row.length(self.size) / WIDTH {
                let edge = self.edges.get(usize::from(above)).filter(|_| row.edge(self.size).is_some());
                let missing = || LedgerError::Missing { file: Tile { row, index: at, width: WIDTH }.name() };
                break edge.cloned().ok_or_else(missing)?;
            }
            way.push(Tile { row, index: at, width: WIDTH });
            (above, at) = (above + 1, at / WIDTH);
        };
        for tile in way.into_iter().rev() {
            let hashes = fetch_hashes(&self.shelf, tile).await?;
            let place = usize::try_from(tile.index % WIDTH).ok();
            let expected = place.and_then(|place| known.get(place));
            if expected != Some(&tree_over(hashes.iter().copied()).root()) {
                return Err(LedgerError::Altered { file: tile.name() });
            }
            if let Row::Hashes(level) = tile.row {
                self.recent.insert(level, (tile.index, Arc::clone(&hashes)));
            }
            known = hashes;
        }
        Ok(known)
    }

    /// Returns the roots of complete subtrees.
    async fn nodes(&mut self, wanted: Vec<Node>) -> Result<BTreeMap<Node, Digest>, LedgerError> {
        let mut nodes = BTreeMap::new();
        for node in wanted {
            let height = node.level % TILE_HEIGHT;
            let first = node.index << height;
            let tile = self.tile(node.level / TILE_HEIGHT, first / WIDTH).await?;
            let place = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
            let hashes = tile.iter().skip(place).take(1 << height).copied();
            nodes.insert(node, tree_over(hashes).root());
        }
        Ok(nodes)
    }

    /// Proves that an entry is in the tree.
    pub(super) async fn inclusion(&mut self, index: u64) -> Result<InclusionProof, LedgerError> {
        let size = self.size;
        self.prove(|get| prove_inclusion(index, size, get)).await
    }

    /// Proves that the tree begins with a smaller one.
    pub(super) async fn consistency(&mut self, old_size: u64) -> Result<ConsistencyProof, LedgerError> {
        let size = self.size;
        self.prove(|get| prove_consistency(old_size, size, get)).await
    }

    /// Makes a proof twice: once to learn which subtrees it asks for, and once with those.
    async fn prove<T>(
        &mut self,
        prove: impl Fn(&mut dyn FnMut(Node) -> Option<Digest>) -> Result<T, MerkleError>,
    ) -> Result<T, LedgerError> {
        let outside = |source| LedgerError::Outside { source };
        let mut wanted = Vec::new();
        prove(&mut |node| {
            wanted.push(node);
            Some(empty_root())
        })
        .map_err(outside)?;
        let nodes = self.nodes(wanted).await?;
        prove(&mut |node| nodes.get(&node).copied()).map_err(outside)
    }
}
