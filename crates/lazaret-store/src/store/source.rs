//! The database as the source of what is published.

use std::ops::Range;

use bytes::Bytes;
use lazaret_core::Digest;
use lazaret_seal::Frontier;

use super::{Store, StoreError};
use crate::database::{Database, DatabaseError};
use crate::ledger::EntrySource;

/// So many entries are read at once.
const PAGE: u32 = 4096;

impl EntrySource for Database {
    type Error = DatabaseError;

    async fn frontier(&self) -> Result<Frontier, DatabaseError> {
        Ok(self.head().await?.frontier)
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, DatabaseError> {
        let limit = u32::try_from(range.end.saturating_sub(range.start)).unwrap_or(u32::MAX);
        let entries = self.entries(range.start, limit).await?;
        Ok(entries.into_iter().map(|entry| entry.body.into()).collect())
    }
}

impl Store {
    /// Returns the root of the tree over the first entries, by the leaves that the database has; `None` where it has
    /// fewer.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn root_at(&self, size: u64) -> Result<Option<Digest>, StoreError> {
        let mut frontier = Frontier::new();
        while frontier.size() < size {
            let page = self.database.entries(frontier.size(), PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            for entry in page.iter().take(usize::try_from(size - frontier.size()).unwrap_or(usize::MAX)) {
                frontier.push_hash(entry.leaf);
            }
        }
        Ok(Some(frontier.root()))
    }
}
