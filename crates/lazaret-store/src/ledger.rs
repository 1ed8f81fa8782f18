//! The ledger's public face: files by which anybody can check it, and others can witness that it only grows.
//!
//! The files are those of C2SP tlog-tiles: entries, hashes, and a signed checkpoint that is replaced as the ledger grows.
//! [`Publisher`] writes them, [`PublicLog`] reads them and proves, [`verify_ledger`] looks through all of them, and
//! [`Witness`] cosigns what it saw grow. What an entry means is not known here.

mod error;
mod proof;
mod public;
mod publish;
mod tile;
mod tree;
mod trust;
mod verify;
mod witness;

pub use error::LedgerError;
pub use proof::{EntryProof, EntryProofError};
pub use public::PublicLog;
pub use publish::{EntrySource, PublishError, Published, Publisher};
pub use trust::{LedgerHead, TrustError, TrustedLog};
pub use verify::{LedgerFault, LedgerFaultKind, LedgerVerification, verify_ledger};
pub use witness::{AddCheckpoint, Cosigned, Witness, WitnessError, add_checkpoint};

/// The file that states how far the ledger has come.
const CHECKPOINT: &str = "checkpoint";

#[cfg(test)]
mod tests;
