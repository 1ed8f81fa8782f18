//! What can go wrong with a store, told apart by what to do about it.

use jiff::Timestamp;
use lazaret_core::{Digest, FindingsId, PersonId};

use crate::aggregate::Key;
use crate::database::DatabaseError;
use crate::entry::EntryError;
use crate::refusal::Refusal;

/// Something was not done; nothing has changed, unless it is [`Unknown`](Self::Unknown).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It may not be done, or not now.
    #[error("{refusal}")]
    Refused {
        /// What would have to be otherwise.
        refusal: Box<Refusal>,
    },
    /// The database failed; nothing was kept.
    #[error("the store's database failed, and nothing was kept")]
    Database {
        /// Why.
        #[source]
        source: Box<DatabaseError>,
    },
    /// The database failed while it made the act durable, and could not be asked afterwards.
    #[error("it is not known whether the act was kept; look at the last entries before you try again")]
    Unknown {
        /// Why.
        #[source]
        source: Box<DatabaseError>,
    },
    /// The clock is far behind the last entry.
    #[error(
        "the clock says {now}, and the last entry is of {last}; set the clock right, and nothing is lost"
    )]
    Clock {
        /// What the clock says.
        now: Timestamp,
        /// The time of the last entry.
        last: Timestamp,
    },
    /// The key is not that of the person.
    #[error(
        "the key is not the one that {person} signs with; give that one, or have it replaced by a motion"
    )]
    OtherKey {
        /// The pseudonym.
        person: PersonId,
    },
    /// The store works under other policies on who may do what.
    #[error(
        "the store works under the duties {works_under}, and {given} were given; give those, or adopt these"
    )]
    OtherDuties {
        /// The digest of those given.
        given: Digest,
        /// The digest of those that the store works under.
        works_under: Digest,
    },
    /// A document is named that nobody has.
    #[error("the document {digest} is named and not there; give it along")]
    NoDocument {
        /// Its digest.
        digest: Digest,
    },
    /// Findings are named that nobody gave.
    #[error("the batch {batch} is named and its findings are not there; give them along")]
    NoFindings {
        /// The batch.
        batch: FindingsId,
    },
    /// The entry cannot be made.
    #[error("the act cannot be written down")]
    Entry {
        /// Why.
        #[from]
        source: EntryError,
    },
    /// A row cannot be read.
    #[error("{key} cannot be read as the database has it; run `lazaret ledger verify`")]
    Damaged {
        /// Which.
        key: Key,
    },
    /// A row of an unknown kind.
    #[error("the database has a row that this program does not know; run `lazaret ledger verify`")]
    Stray,
    /// No randomness is to be had.
    #[error("the system gives no random bytes, and without them nothing personal can be hidden")]
    Random,
    /// The store is closed.
    #[error("the store was closed, and nothing was kept")]
    Closed,
    /// The program broke; nothing was kept.
    #[error("the program has a bug, and nothing was kept")]
    Bug,
}

impl From<DatabaseError> for StoreError {
    fn from(source: DatabaseError) -> Self {
        Self::Database { source: Box::new(source) }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { refusal: Box::new(refusal) }
    }
}
