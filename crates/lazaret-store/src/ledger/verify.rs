//! Looks through all files of a published ledger, makes every hash anew, and says which file is wrong.
//!
//! Read from [`verify_ledger`]. Hashes are made from the entries upwards, one tile of each level in memory; where a file
//! is not what lies below it makes, the tile above tells which of the two is wrong, up to the signed root.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use lazaret_core::Digest;
use lazaret_seal::{Checkpoint, Cosignature};

mod fault;
mod settle;

pub use fault::{LedgerFault, LedgerFaultKind};

use super::CHECKPOINT;
use super::error::LedgerError;
use super::public::PublicLog;
use super::tile::{Row, Tile, WIDTH, cut, hash_entries, levels, read_hashes};
use super::tree::fetch;
use super::trust::{LedgerHead, TrustedLog};
use crate::shelf::{Shelf, ShelfError};
use settle::{Pair, settle_edge};

/// What was found in a published ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerVerification {
    /// What is signed; none where nothing is that can be relied on, and then nothing else was looked at.
    pub checkpoint: Option<Checkpoint>,
    /// The trusted witnesses that cosigned it.
    pub cosignatures: Vec<Cosignature>,
    /// Everything that is wrong.
    pub faults: Vec<LedgerFault>,
    /// Files that no checkpoint covers yet: a run of the publisher is under way or was cut short. Nothing is proven
    /// about them.
    pub uncovered: Vec<String>,
}

/// How many bundles are read and hashed at once.
const READERS: usize = 4;

/// Looks through a published ledger. `kept` is a checkpoint that the caller verified once and kept: the ledger must
/// begin with what it states.
///
/// # Errors
/// [`LedgerError::Shelf`] when the files cannot be read; what is wrong with them is no error but a fault.
pub async fn verify_ledger(
    shelf: &Shelf,
    trusted: &TrustedLog,
    kept: Option<&Checkpoint>,
) -> Result<LedgerVerification, LedgerError> {
    let whole = |kind| LedgerFault { file: CHECKPOINT.to_owned(), index: None, kind };
    let head = match shelf.get(CHECKPOINT).await? {
        None => Err(LedgerFaultKind::Missing),
        Some(bytes) => trusted.read(&bytes).map_err(|why| LedgerFaultKind::Unsigned { why }),
    };
    let head = match head {
        Ok(head) => head,
        Err(kind) => {
            let (faults, cosignatures) = (vec![whole(kind)], Vec::new());
            return Ok(LedgerVerification { checkpoint: None, cosignatures, faults, uncovered: Vec::new() });
        }
    };
    let Checkpoint { size, root, .. } = head.checkpoint;
    let mut climb = Climb { shelf, size, faults: Vec::new(), rows: Vec::new(), edge: Vec::new() };
    climb.all().await?;
    let Climb { mut faults, edge, .. } = climb;
    if !settle_edge(size, &root, &edge, &mut faults) && faults.is_empty() {
        faults.push(whole(LedgerFaultKind::OtherRoot));
    }
    let uncovered = look_at_others(shelf, size, &mut faults).await?;
    if let Some(kept) = kept {
        faults.extend(compare(shelf, &head, kept).await?.map(whole));
    }
    let LedgerHead { checkpoint, cosignatures, .. } = head;
    Ok(LedgerVerification { checkpoint: Some(checkpoint), cosignatures, faults, uncovered })
}

/// The way up from the entries.
struct Climb<'a> {
    shelf: &'a Shelf,
    size: u64,
    faults: Vec<LedgerFault>,
    /// The hashes of full tiles that were made for the tile in hand of each level, from level 1.
    rows: Vec<Vec<Option<Digest>>>,
    /// The partial tiles, by level.
    edge: Vec<Pair>,
}

/// The entries of a bundle and the tile of their hashes.
struct Leaves {
    bundle: Tile,
    /// None where the file is missing.
    hashes: Option<Vec<Option<Digest>>>,
    tile: Option<Bytes>,
}

impl Climb<'_> {
    async fn all(&mut self) -> Result<(), LedgerError> {
        let (shelf, size) = (self.shelf.clone(), self.size);
        let bundles = (0..size.div_ceil(WIDTH)).filter_map(|index| Row::Entries.tile(index, size));
        let mut leaves = stream::iter(bundles)
            .map(|bundle| {
                let shelf = shelf.clone();
                // A task of its own, so that bundles are hashed on all processors.
                let task = tokio::spawn(async move { read_leaves(&shelf, bundle).await });
                async { task.await.unwrap_or(Err(ShelfError::Stopped)) }
            })
            .buffered(READERS);
        while let Some(leaves) = leaves.next().await {
            self.leaves(leaves?).await?;
        }
        for level in levels(self.size).skip(1) {
            let Some(tile) = Row::Hashes(level).edge(self.size) else { continue };
            let stored = fetch(self.shelf, tile).await?;
            let stored = self.stored(tile, stored);
            let made = self.rows.get_mut(usize::from(level) - 1).map(std::mem::take).unwrap_or_default();
            self.edge.push(Pair::new(tile, stored, made));
        }
        Ok(())
    }

    /// Takes the entries of a bundle.
    async fn leaves(&mut self, leaves: Leaves) -> Result<(), LedgerError> {
        let Leaves { bundle, hashes, tile: stored } = leaves;
        let tile = Tile { row: Row::Hashes(0), ..bundle };
        let stored = self.stored(tile, stored);
        let width = usize::try_from(bundle.width).unwrap_or(usize::MAX);
        let made = match hashes {
            None => {
                self.fault(bundle, LedgerFaultKind::Missing);
                vec![None; width]
            }
            Some(hashes) => {
                if hashes.len() > width {
                    self.fault(bundle, LedgerFaultKind::Trailing);
                }
                // An entry that cannot be read is not unknown but wrong: it is as if another stood there.
                let no_entry = Digest::from_bytes([0; 32]);
                let hashes = hashes.into_iter().chain(std::iter::repeat(None)).take(width);
                hashes.map(|hash| Some(hash.unwrap_or(no_entry))).collect()
            }
        };
        self.settle(Pair::new(tile, stored, made), tile).await
    }

    /// Takes a tile, and those above that it completes.
    async fn settle(&mut self, pair: Pair, tile: Tile) -> Result<(), LedgerError> {
        let (mut pair, mut tile) = (pair, tile);
        loop {
            if !tile.is_full() {
                self.edge.push(pair);
                return Ok(());
            }
            let Row::Hashes(level) = tile.row else { return Ok(()) };
            let above = Row::Hashes(level + 1).tile(tile.index / WIDTH, self.size);
            let Some(above) = above else { return Ok(()) };
            let expected = if pair.agrees() { None } else { self.hash_at(above, tile.index % WIDTH).await? };
            let hash = pair.settle(expected, &mut self.faults);
            if self.rows.len() == usize::from(level) {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.get_mut(usize::from(level)) else { return Ok(()) };
            row.push(hash);
            if row.len() as u64 != WIDTH {
                return Ok(());
            }
            let made = std::mem::take(row);
            let stored = fetch(self.shelf, above).await?;
            let stored = self.stored(above, stored);
            (pair, tile) = (Pair::new(above, stored, made), above);
        }
    }

    /// Returns the hash that a tile has at a place, whether or not it is right.
    async fn hash_at(&self, tile: Tile, place: u64) -> Result<Option<Digest>, LedgerError> {
        let hashes = fetch(self.shelf, tile).await?.and_then(|bytes| read_hashes(&bytes));
        Ok(hashes.and_then(|hashes| hashes.get(usize::try_from(place).ok()?).copied()))
    }

    /// Reads the hashes of a tile, and notes if that cannot be done.
    fn stored(&mut self, tile: Tile, bytes: Option<Bytes>) -> Option<Vec<Digest>> {
        let Some(bytes) = bytes else {
            self.fault(tile, LedgerFaultKind::Missing);
            return None;
        };
        let hashes = read_hashes(&bytes).filter(|hashes| hashes.len() as u64 == tile.width);
        if hashes.is_none() {
            self.fault(tile, LedgerFaultKind::Length);
        }
        hashes
    }

    fn fault(&mut self, tile: Tile, kind: LedgerFaultKind) {
        self.faults.push(LedgerFault { file: tile.name(), index: Some(tile.first_entry()), kind });
    }
}

async fn read_leaves(shelf: &Shelf, bundle: Tile) -> Result<Leaves, ShelfError> {
    let entries = fetch(shelf, bundle).await?;
    let tile = fetch(shelf, Tile { row: Row::Hashes(0), ..bundle }).await?;
    Ok(Leaves { bundle, hashes: entries.as_ref().map(hash_entries), tile })
}

/// Looks at the files that the checkpoint does not ask for. Returns those that may come to be asked for.
async fn look_at_others(
    shelf: &Shelf,
    size: u64,
    faults: &mut Vec<LedgerFault>,
) -> Result<Vec<String>, LedgerError> {
    let mut uncovered = Vec::new();
    let mut files = shelf.list("");
    while let Some(listed) = files.next().await {
        let name = match listed {
            Ok(listed) => listed.name,
            Err(ShelfError::Name { name, .. }) => name,
            Err(ShelfError::NotAFile { path }) => path.display().to_string(),
            Err(error) => return Err(error.into()),
        };
        if name == CHECKPOINT {
            continue;
        }
        let Some(tile) = Tile::parse(&name) else {
            faults.push(LedgerFault { file: name, index: None, kind: LedgerFaultKind::Strange });
            continue;
        };
        let covered = tile.row.tile(tile.index, size);
        if covered == Some(tile) {
            continue;
        }
        if let Some(covered) = covered
            && !begin_alike(shelf, tile, covered).await?
        {
            let index = Some(tile.first_entry());
            faults.push(LedgerFault { file: name, index, kind: LedgerFaultKind::OtherBeginning });
        } else if covered.is_none_or(|covered| covered.width < tile.width) {
            uncovered.push(name);
        }
    }
    uncovered.sort_unstable();
    Ok(uncovered)
}

/// Whether two files of one index and another width begin alike. One that is missing begins like any other.
async fn begin_alike(shelf: &Shelf, one: Tile, other: Tile) -> Result<bool, LedgerError> {
    let (narrow, wide) = if one.width < other.width { (one, other) } else { (other, one) };
    let (Some(beginning), Some(whole)) = (shelf.get(&narrow.name()).await?, shelf.get(&wide.name()).await?)
    else {
        return Ok(true);
    };
    Ok(cut(&whole, wide.row, narrow.width) == Some(beginning))
}

/// Holds a ledger against a checkpoint that was kept.
async fn compare(
    shelf: &Shelf,
    head: &LedgerHead,
    kept: &Checkpoint,
) -> Result<Option<LedgerFaultKind>, LedgerError> {
    let kept_size = kept.size;
    if kept_size > head.checkpoint.size {
        return Ok(Some(LedgerFaultKind::RolledBack { kept_size }));
    }
    let log = match PublicLog::at(shelf.clone(), head.clone()).await {
        Ok(log) => log.prove_consistency(kept_size).await,
        Err(error) => Err(error),
    };
    match log {
        Ok(proof) if proof.verify(&kept.root, &head.checkpoint.root).is_ok() => Ok(None),
        Ok(_) => Ok(Some(LedgerFaultKind::Forked { kept_size })),
        Err(LedgerError::Shelf { source }) => Err(LedgerError::Shelf { source }),
        Err(_) => Ok(Some(LedgerFaultKind::Incomparable { kept_size })),
    }
}
