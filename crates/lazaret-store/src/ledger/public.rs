//! Reads a published ledger as a stranger would: from public files alone, and nothing believed that no trusted key covers.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, Stream, TryStreamExt as _};
use lazaret_seal::{Checkpoint, ConsistencyProof};

use super::CHECKPOINT;
use super::error::LedgerError;
use super::proof::EntryProof;
use super::tile::{Row, WIDTH, hash_entries, read_entries};
use super::tree::{Tree, fetch};
use super::trust::{LedgerHead, TrustedLog};
use crate::shelf::Shelf;

/// A ledger as one checkpoint of it states it.
#[derive(Debug, Clone)]
pub struct PublicLog {
    shelf: Shelf,
    head: LedgerHead,
    tree: Tree,
}

impl PublicLog {
    /// Reads the checkpoint and the tiles that make its root.
    ///
    /// # Errors
    /// [`LedgerError`] when there is no checkpoint that can be relied on, or the tiles make another root.
    pub async fn open(shelf: Shelf, trusted: &TrustedLog) -> Result<Self, LedgerError> {
        let bytes = read_checkpoint(&shelf).await?;
        let wrong = |source| LedgerError::Trust { place: shelf.to_string(), source };
        let head = trusted.read(&bytes).map_err(wrong)?;
        Self::at(shelf, head).await
    }

    /// Reads the ledger as a head states it that was already found to be signed.
    pub(super) async fn at(shelf: Shelf, head: LedgerHead) -> Result<Self, LedgerError> {
        let tree = Tree::open(shelf.clone(), head.checkpoint.size, &head.checkpoint.root).await?;
        Ok(Self { shelf, head, tree })
    }

    /// Returns what the ledger's key signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.head.checkpoint
    }

    /// Returns the checkpoint with the signatures on it, and the witnesses among them.
    #[must_use]
    pub fn head(&self) -> &LedgerHead {
        &self.head
    }

    /// Yields entries with their indices, each held against the checkpoint before it is given out.
    ///
    /// A range that reaches beyond the checkpoint ends with it.
    pub fn entries(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<(u64, Bytes), LedgerError>> + use<> {
        let range = range.start..range.end.min(self.head.checkpoint.size);
        let size = self.head.checkpoint.size;
        let begin = (self.shelf.clone(), self.tree.clone(), range.start / WIDTH);
        let bundles = stream::try_unfold(begin, move |(shelf, mut tree, index)| {
            let end = range.end;
            async move {
                if index.saturating_mul(WIDTH) >= end {
                    return Ok(None);
                }
                let entries = read_bundle(&shelf, &mut tree, index, size).await?;
                Ok::<_, LedgerError>(Some(((index, entries), (shelf, tree, index + 1))))
            }
        });
        bundles
            .map_ok(move |(index, entries)| {
                let numbered = (index * WIDTH..).zip(entries).filter(|(at, _)| range.contains(at)).map(Ok);
                stream::iter(numbered.collect::<Vec<_>>())
            })
            .try_flatten()
    }

    /// Proves that an entry is in the ledger, for whoever holds the entry and the ledger's key.
    ///
    /// # Errors
    /// [`LedgerError::Outside`] when the checkpoint does not reach so far, [`LedgerError`] when tiles cannot be read.
    pub async fn prove(&self, index: u64) -> Result<EntryProof, LedgerError> {
        let inclusion = self.tree.clone().inclusion(index).await?;
        Ok(EntryProof::new(index, inclusion.path, self.head.note.clone()))
    }

    /// Proves that the ledger begins with an earlier state of it.
    ///
    /// # Errors
    /// [`LedgerError::Outside`] when that was larger, [`LedgerError`] when tiles cannot be read.
    pub async fn prove_consistency(&self, old_size: u64) -> Result<ConsistencyProof, LedgerError> {
        self.tree.clone().consistency(old_size).await
    }
}

/// Reads the bytes of the checkpoint.
pub(super) async fn read_checkpoint(shelf: &Shelf) -> Result<Bytes, LedgerError> {
    let place = || LedgerError::Unpublished { place: shelf.to_string() };
    shelf.get(CHECKPOINT).await?.ok_or_else(place)
}

/// Reads the entries of a bundle and holds them against their tile.
async fn read_bundle(
    shelf: &Shelf,
    tree: &mut Tree,
    index: u64,
    size: u64,
) -> Result<Vec<Bytes>, LedgerError> {
    let Some(tile) = Row::Entries.tile(index, size) else { return Ok(Vec::new()) };
    let bytes = fetch(shelf, tile).await?.ok_or_else(|| LedgerError::Missing { file: tile.name() })?;
    let expected = tree.tile(0, index).await?;
    let altered = || LedgerError::Altered { file: tile.name() };
    if !hash_entries(&bytes).into_iter().eq(expected.iter().copied().map(Some)) {
        return Err(altered());
    }
    read_entries(&bytes).collect::<Option<_>>().ok_or_else(altered)
}
