//! What can go wrong when a published ledger is read.

use lazaret_seal::MerkleError;

use super::trust::TrustError;
use crate::shelf::ShelfError;

/// A published ledger could not be read, or is not what its checkpoint says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The files could not be read.
    #[error("the published ledger cannot be read")]
    Shelf {
        /// Why.
        #[from]
        source: ShelfError,
    },
    /// There is no checkpoint.
    #[error(
        "`{place}` holds no `checkpoint`; publish the ledger first, or name the place where it was published"
    )]
    Unpublished {
        /// The place.
        place: String,
    },
    /// The checkpoint is not one to rely on.
    #[error("the ledger at `{place}` is not shown to be the trusted one")]
    Trust {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: TrustError,
    },
    /// A file that a log of this size has is not there.
    #[error("`{file}` is missing; verify the ledger to learn what else is")]
    Missing {
        /// Its name.
        file: String,
    },
    /// A file is not the one that the checkpoint covers.
    #[error("`{file}` is not the file that the checkpoint covers; verify the ledger to learn what is wrong")]
    Altered {
        /// Its name.
        file: String,
    },
    /// The hashes at the right edge do not make the root.
    #[error("the tiles do not make the root of the checkpoint; verify the ledger to learn which is wrong")]
    Root,
    /// There is no such entry, or no such smaller ledger.
    #[error("the ledger as published does not reach so far")]
    Outside {
        /// What was asked for, and how far it goes.
        #[source]
        source: MerkleError,
    },
}
