//! What can go wrong when a ledger is published.

use std::error::Error;

use lazaret_core::Digest;
use lazaret_seal::NoteError;

use crate::ledger::error::LedgerError;
use crate::ledger::trust::TrustError;
use crate::shelf::ShelfError;

/// A ledger could not be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The place could not be read or written.
    #[error("the ledger cannot be published")]
    Shelf {
        /// Why.
        #[from]
        source: ShelfError,
    },
    /// What is published does not hold together.
    #[error("what is published cannot be continued")]
    Unreadable {
        /// Why.
        #[source]
        source: LedgerError,
    },
    /// The checkpoint there is not by this ledger's key.
    #[error(
        "`{place}` holds a checkpoint that is not this ledger's own; name another place, or the right key"
    )]
    NotOwn {
        /// The place.
        place: String,
        /// What is wrong with it.
        #[source]
        source: TrustError,
    },
    /// The database has fewer entries than are published.
    #[error(
        "{published_size} entries are published (root {root}) and the database has {size}: it was set back, perhaps \
         from a backup; find the newer database, because what is published cannot be taken back"
    )]
    Behind {
        /// How many entries are published.
        published_size: u64,
        /// The root over them.
        root: Digest,
        /// How many entries the database has.
        size: u64,
    },
    /// The database has other entries than are published.
    #[error(
        "entry {index} of the database is not the published one: the first {size} entries have the root {own_root} \
         here and {published_root} as published; one of the two was altered"
    )]
    Fork {
        /// How many entries are published.
        size: u64,
        /// The root over them.
        published_root: Digest,
        /// The root over as many entries of the database.
        own_root: Digest,
        /// The first entry that differs, counted from 0.
        index: u64,
    },
    /// The database's tree is not that over its entries.
    #[error("the database's entries do not make the root that it keeps; verify the database")]
    Frontier,
    /// A file that no checkpoint covers is in the way.
    #[error(
        "`{file}` is there, no checkpoint covers it, and it is not what the database gives for entries from {index} \
         on; if the database was set back after a run that was cut short, move the file away and publish again"
    )]
    Occupied {
        /// Its name.
        file: String,
        /// The first entry under it.
        index: u64,
        /// What the shelf says.
        #[source]
        source: ShelfError,
    },
    /// An entry that no bundle can carry.
    #[error("entry {index} has {bytes} bytes, and no more than 65535 can be published")]
    TooLong {
        /// Which.
        index: u64,
        /// How long it is.
        bytes: usize,
    },
    /// The entries could not be read.
    #[error("the entries of the ledger cannot be read")]
    Entries {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The source gave another number of entries than its tree has.
    #[error("{asked} entries from {first} on were asked for and {found} given; verify the database")]
    Short {
        /// The first.
        first: u64,
        /// How many the tree has in the range.
        asked: u64,
        /// How many came.
        found: u64,
    },
    /// A checkpoint could not be signed, or a cosigned one not taken over.
    #[error("the checkpoint cannot be signed or cosigned")]
    Note {
        /// Why.
        #[from]
        source: NoteError,
    },
    /// The cosignatures are on another checkpoint than the published one.
    #[error(
        "another checkpoint is published by now, of {published_size} entries; let the witness cosign that one"
    )]
    MovedOn {
        /// How many entries it covers.
        published_size: u64,
    },
}

impl PublishError {
    pub(super) fn reading(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Entries { source: Box::new(source) }
    }

    pub(super) fn unreadable(source: LedgerError) -> Self {
        Self::Unreadable { source }
    }
}
