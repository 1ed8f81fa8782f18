//! Publishes a ledger: writes what a shelf lacks of its tiles, and then the checkpoint that covers them.
//!
//! Read from [`Publisher::publish`]: what is there, whether the ledger begins with it, what is missing, the checkpoint.

use std::error::Error;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use lazaret_core::Digest;
use lazaret_seal::{
    Checkpoint, Cosignature, CosignatureVerifier, Frontier, NoteSigner, SignedNote, leaf_hash,
};

mod build;
mod error;

pub use error::PublishError;

use super::CHECKPOINT;
use super::error::LedgerError;
use super::tile::{Row, Tile, WIDTH, levels};
use super::tree::Tree;
use super::trust::{LedgerHead, TrustedLog};
use crate::shelf::{Shelf, ShelfError};
use build::Builder;

/// Where the entries of a ledger come from, and the tree that they were appended to.
pub trait EntrySource: Sync {
    /// Why they could not be read.
    type Error: Error + Send + Sync + 'static;

    /// Returns the tree over all entries that are there now.
    fn frontier(&self) -> impl Future<Output = Result<Frontier, Self::Error>> + Send;

    /// Returns the entries of a range that the tree covers, in their order.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Vec<Bytes>, Self::Error>> + Send;
}

/// Writes a ledger on a shelf.
///
/// Publishing is done again at will: a run that was killed left nothing that the next one has to undo. Two runs at the
/// same time give one ledger too: a checkpoint replaces only the one that its run began with, so that no smaller one is
/// ever put over a larger one, which a witness would take for a rollback ([`Shelf::replace_if`] says what that needs).
#[derive(Debug)]
pub struct Publisher<'a> {
    shelf: Shelf,
    signer: &'a NoteSigner<'a>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What the ledger states now.
    pub checkpoint: Checkpoint,
    /// How many entries it states more than before.
    pub new_entries: u64,
}

/// How many entries are asked for at once.
const BATCH: u64 = 4 * WIDTH;
/// How many files are written at once, and how many wait for that.
const WRITERS: usize = 8;
const WAITING_MAX: usize = 32;

impl<'a> Publisher<'a> {
    /// Publishes on a shelf with a key whose name is the ledger's origin.
    #[must_use]
    pub fn new(shelf: Shelf, signer: &'a NoteSigner<'a>) -> Self {
        Self { shelf, signer }
    }

    /// Writes what is missing, and the checkpoint last; nothing where nothing is missing.
    ///
    /// # Errors
    /// [`PublishError::Behind`] and [`PublishError::Fork`] when the published ledger is not the beginning of this one;
    /// [`PublishError`] when anything cannot be read or written. The published ledger is then as it was before.
    pub async fn publish<S: EntrySource>(&self, source: &S) -> Result<Published, PublishError> {
        loop {
            let before = self.shelf.get(CHECKPOINT).await?;
            let (size, root, tree) = self.published(before.as_deref()).await?;
            // Asked for after the checkpoint was read: whatever is published was in the database by then.
            let frontier = source.frontier().await.map_err(PublishError::reading)?;
            if frontier.size() < size {
                return Err(PublishError::Behind { published_size: size, root, size: frontier.size() });
            }
            self.check_prefix(source, &frontier, size, root, tree.clone()).await?;
            let checkpoint =
                Checkpoint { origin: self.origin().to_owned(), size: frontier.size(), root: frontier.root() };
            if before.is_some() && frontier.size() == size {
                return Ok(Published { checkpoint, new_entries: 0 });
            }
            self.write(source, Builder::after(&tree, size), frontier.size()).await?;
            let note = SignedNote::sign(checkpoint.to_text()?, self.signer)?;
            // Another run may have published more meanwhile, and its checkpoint must stay.
            if !self.shelf.replace_if(CHECKPOINT, before.as_ref(), note.to_string().into()).await? {
                continue;
            }
            self.remove_overtaken(size, frontier.size()).await?;
            return Ok(Published { new_entries: frontier.size() - size, checkpoint });
        }
    }

    /// Takes over the cosignatures by the given witnesses from a cosigned checkpoint into the published one.
    ///
    /// # Errors
    /// [`PublishError::MovedOn`] when another checkpoint was published since; [`PublishError`] when a cosignature does not
    /// fit, or anything cannot be read or written.
    pub async fn adopt(
        &self,
        cosigned: &[u8],
        witnesses: &[CosignatureVerifier],
    ) -> Result<Vec<Cosignature>, PublishError> {
        let bytes = super::public::read_checkpoint(&self.shelf).await.map_err(PublishError::unreadable)?;
        let LedgerHead { mut note, checkpoint, .. } = self.own(&bytes)?;
        let cosigned = SignedNote::parse(cosigned)?;
        if cosigned.unverified_text() != note.unverified_text() {
            return Err(PublishError::MovedOn { published_size: checkpoint.size });
        }
        let adopted = note.adopt(&cosigned, witnesses)?;
        let written = Bytes::from(note.to_string());
        if written != bytes && !self.shelf.replace_if(CHECKPOINT, Some(&bytes), written).await? {
            return Err(PublishError::MovedOn { published_size: checkpoint.size });
        }
        Ok(adopted)
    }

    fn origin(&self) -> &str {
        self.signer.verifier().name()
    }

    /// Reads a checkpoint, which must be one of this ledger's own.
    fn own(&self, bytes: &[u8]) -> Result<LedgerHead, PublishError> {
        let wrong = |source| PublishError::NotOwn { place: self.shelf.to_string(), source };
        TrustedLog::new(self.signer.verifier().clone()).read(bytes).map_err(wrong)
    }

    /// Reads what is published, which is nothing where there is no checkpoint.
    async fn published(&self, bytes: Option<&[u8]>) -> Result<(u64, Digest, Tree), PublishError> {
        let (size, root) = match bytes {
            Some(bytes) => {
                let Checkpoint { size, root, .. } = self.own(bytes)?.checkpoint;
                (size, root)
            }
            None => (0, Frontier::new().root()),
        };
        let tree = Tree::open(self.shelf.clone(), size, &root).await.map_err(PublishError::unreadable)?;
        Ok((size, root, tree))
    }

    /// Checks that the source's tree begins with the published one, and that its entries make it.
    async fn check_prefix<S: EntrySource>(
        &self,
        source: &S,
        frontier: &Frontier,
        published_size: u64,
        published_root: Digest,
        tree: Tree,
    ) -> Result<(), PublishError> {
        let mut grown = tree.frontier().ok_or_else(|| PublishError::unreadable(LedgerError::Root))?;
        let edge = tree.edges().first().cloned().unwrap_or_default();
        let start = published_size / WIDTH * WIDTH;
        let mut differs = false;
        // Without new entries the frontiers tell alone.
        let mut batches = Batches::new(source, start..frontier.size());
        while published_size < frontier.size()
            && !differs
            && let Some((first, entries)) = batches.next().await?
        {
            for (index, entry) in (first..).zip(entries) {
                let leaf = leaf_hash(&entry);
                if index >= published_size {
                    grown.push_hash(leaf);
                } else {
                    let place = usize::try_from(index - start).ok();
                    differs |= place.and_then(|place| edge.get(place)) != Some(&leaf);
                }
            }
        }
        if !differs && grown == *frontier {
            return Ok(());
        }
        self.locate_fork(source, published_size, published_root, tree).await
    }

    /// Finds the first entry that was published otherwise than the source has it now.
    async fn locate_fork<S: EntrySource>(
        &self,
        source: &S,
        size: u64,
        published_root: Digest,
        mut tree: Tree,
    ) -> Result<(), PublishError> {
        let mut own = Frontier::new();
        let mut first_other = None;
        let mut batches = Batches::new(source, 0..size);
        while let Some((first, entries)) = batches.next().await? {
            for (index, entry) in (first..).zip(entries) {
                let leaf = leaf_hash(&entry);
                own.push_hash(leaf);
                if first_other.is_none() {
                    let tile = tree.tile(0, index / WIDTH).await.map_err(PublishError::unreadable)?;
                    let place = usize::try_from(index % WIDTH).ok();
                    let is_same = place.and_then(|place| tile.get(place)) == Some(&leaf);
                    first_other = (!is_same).then_some(index);
                }
            }
        }
        Err(match first_other {
            Some(index) => PublishError::Fork { size, published_root, own_root: own.root(), index },
            None => PublishError::Frontier,
        })
    }

    async fn write<S: EntrySource>(
        &self,
        source: &S,
        mut builder: Builder,
        size: u64,
    ) -> Result<(), PublishError> {
        let mut batches = Batches::new(source, builder.size()..size);
        while let Some((first, entries)) = batches.next().await? {
            for (index, entry) in (first..).zip(entries) {
                builder.push(&entry).ok_or(PublishError::TooLong { index, bytes: entry.len() })?;
                if builder.ready().len() >= WAITING_MAX {
                    self.put(builder.take_ready()).await?;
                }
            }
        }
        self.put(builder.finish()).await
    }

    async fn put(&self, files: Vec<(Tile, Bytes)>) -> Result<(), PublishError> {
        let put = |(tile, bytes): (Tile, Bytes)| async move {
            #[expect(clippy::wildcard_enum_match_arm, reason = "all others are told by the shelf itself")]
            self.shelf.put(&tile.name(), bytes).await.map_err(|error| match error {
                source @ ShelfError::Differs { .. } => {
                    PublishError::Occupied { file: tile.name(), index: tile.first_entry(), source }
                }
                source => PublishError::Shelf { source },
            })
        };
        stream::iter(files).map(put).buffer_unordered(WRITERS).try_collect().await
    }

    /// Removes the partial files that full ones now stand for.
    async fn remove_overtaken(&self, old_size: u64, size: u64) -> Result<(), PublishError> {
        for row in levels(old_size).map(Row::Hashes).chain([Row::Entries]) {
            let Some(old) = row.edge(old_size) else { continue };
            if !row.tile(old.index, size).is_some_and(Tile::is_full) {
                continue;
            }
            let partial: Vec<_> = self.shelf.list(&old.partial_folder()).try_collect().await?;
            for listed in partial {
                self.shelf.remove(&listed.name).await?;
            }
        }
        Ok(())
    }
}

/// Reads entries batch by batch, each beginning at a multiple of the width of tiles.
struct Batches<'a, S> {
    source: &'a S,
    range: Range<u64>,
}

impl<'a, S: EntrySource> Batches<'a, S> {
    fn new(source: &'a S, range: Range<u64>) -> Self {
        Self { source, range }
    }

    /// Returns the next entries and the index of the first.
    async fn next(&mut self) -> Result<Option<(u64, Vec<Bytes>)>, PublishError> {
        let first = self.range.start;
        if self.range.is_empty() {
            return Ok(None);
        }
        self.range.start = self.range.end.min(first.saturating_add(BATCH));
        let entries = self.source.read(first..self.range.start).await.map_err(PublishError::reading)?;
        let (asked, found) = (self.range.start - first, entries.len() as u64);
        if asked == found {
            Ok(Some((first, entries)))
        } else {
            Err(PublishError::Short { first, asked, found })
        }
    }
}
