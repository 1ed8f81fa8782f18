//! The state at one moment, taken from the entries alone: what a scan or a gate judges by while others go on.

use lazaret_core::Digest;
use lazaret_seal::Frontier;

use super::reading::{ReadEntry, read_aside};
use super::replay::{Replay, ReplayFault};
use super::{NamedDuties, Store, StoreError};

/// So many entries are read at once.
const PAGE: u32 = 4096;

/// Why no state could be taken from a ledger.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry cannot be, after those before it.
    #[error("the ledger does not verify")]
    Entry(#[from] ReplayFault),
    /// The head says something else than the entries.
    #[error("the ledger does not verify: its head does not go with its {entries} entries")]
    Head {
        /// How many entries there are.
        entries: u64,
    },
}

impl Store {
    /// Does every entry again that there is at this moment. Returns the state that they lead to, and the root of the
    /// tree over them: nothing in it rests on a row of the database, which anybody who can write to it could change.
    ///
    /// # Errors
    /// [`SnapshotError`], where the entries do not lead to the head as well.
    pub async fn snapshot<'a>(
        &self,
        duties: &'a [NamedDuties],
    ) -> Result<(Replay<'a>, Digest), SnapshotError> {
        let head = self.database.head().await.map_err(StoreError::from)?;
        let mut replay = Replay::new(duties);
        let mut frontier = Frontier::new();
        while replay.size() < head.size() {
            let page = self.database.entries(replay.size(), PAGE).await.map_err(StoreError::from)?;
            if page.is_empty() {
                break;
            }
            let first = page.first().map_or(0, |first| first.seq);
            for (stored, ReadEntry { signed, leaf }) in read_aside(first, page, |stored| &stored.body).await {
                // What came after the head was read belongs to the next snapshot.
                if replay.size() == head.size() {
                    break;
                }
                replay.push(&signed?, &stored.body)?;
                frontier.push_hash(leaf);
            }
        }
        if frontier != head.frontier {
            return Err(SnapshotError::Head { entries: replay.size() });
        }
        Ok((replay, frontier.root()))
    }
}
