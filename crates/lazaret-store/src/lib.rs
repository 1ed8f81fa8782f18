//! Keeps what was decided and found: people, cases, holds, exemptions, findings, the vault and the ledger, durably.
//!
//! Everything changes through one door. An [`Act`] is what somebody does; [`perform()`] is a pure function of the state,
//! the act, the person and the time, and either changes the state or lists what is unmet. The store runs it inside a
//! database transaction together with the signed [`Entry`] that records it; the ledger is verified by running it again.

mod act;
mod aggregate;
mod case;
mod database;
mod entry;
mod exemption;
mod finding;
mod hold;
mod ledger;
mod motion;
mod perform;
mod person;
mod refusal;
mod shelf;
mod store;
mod vault;
mod world;

pub use act::{Act, HeldContent};
pub use aggregate::{Aggregate, Key, Listing, Statement};
pub use case::{
    Case, CaseEvidence, CaseId, CaseStatus, Cause, CauseKind, Decision, Delta, Justification, Proposal,
    Refutation, Refuted, Resolution, Returned,
};
pub use database::{
    Cursor, Database, DatabaseError, Engine, EngineError, FindingQuery, FindingRows, Head, Meta, Migrated,
    Order, Query, Row, Status, StoreUrl, StoredDocument, StoredEntry, StoredValue, Transaction, Writer,
    WriterError,
};
pub use entry::{ENTRY_BYTES_MAX, Entry, EntryError, SignedEntry};
pub use exemption::{Exemption, ExemptionId, ExemptionRequest, ExemptionStatus, Scope};
pub use finding::{
    BATCH_FINDINGS_MAX, Deleted, Finding, FindingBatch, FindingId, FindingRow, LookedAt, NewBatch,
    ParseFindingIdError, overdue,
};
pub use hold::{ContentKind, Custody, Hold, Place, ReadPurpose, SealedObject};
pub use ledger::{
    AddCheckpoint, Cosigned, EntryProof, EntryProofError, EntrySource, LedgerError, LedgerFault,
    LedgerFaultKind, LedgerHead, LedgerVerification, PublicLog, PublishError, Published, Publisher,
    TrustError, TrustedLog, Witness, WitnessError, add_checkpoint, verify_ledger,
};
pub use motion::{Motion, MotionId, MotionStatus, Question};
pub use perform::{Step, perform};
pub use person::{Charter, NewPerson, Person, PolicyBasis, PublicKeyBytes};
pub use refusal::{Halt, Refusal};
pub use shelf::{Listed, Removed, Shelf, ShelfError, ShelfReader, Spool, WHOLE_BYTES_MAX};
pub use store::{
    Actor, Document, Done, Fault, FaultPlace, Found, Founding, NamedDuties, PAGES_AHEAD, ReadEntry, Recorded,
    Replay, ReplayFault, Revise, SnapshotError, Store, StoreError, ValueClass, Verification, read_aside,
};
pub use vault::{
    AlteredPlace, Identities, OpenedContent, Recipients, Sealed, Vault, VaultError, VaultKeyError,
};
pub use world::World;
