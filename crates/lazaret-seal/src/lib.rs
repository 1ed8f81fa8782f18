//! Makes a data set provable: keys, signed statements, Merkle trees, and the documents that go with them.
//!
//! Bytes in, bytes out: nothing here reads a file, a clock, the environment or the network. The time is an argument,
//! and so is the randomness of a new key.

mod croissant;
mod envelope;
mod json;
mod key;
mod lineage;
mod merkle;
mod name;
mod note;
mod receipt;
mod signed_commit;
mod statement;
mod summary;
mod word;

pub use croissant::{Column, ColumnType, DataSet, DataSetFile, Derivation};
pub use envelope::{Envelope, EnvelopeError, STATEMENT_PAYLOAD, Signature, Verified};
pub use key::{KeyError, KeyId, PemError, PublicKey, SecretKey, Signed, TrustedKeys, all_verify_as};
pub use lineage::{RunReport, RunStage, ShardRead, ShardWritten};
pub use merkle::{
    ConsistencyProof, Frontier, InclusionProof, MerkleError, Node, NodeList, empty_root, leaf_hash,
    prove_consistency, prove_inclusion, root,
};
pub use name::NameError;
pub use note::{
    Checkpoint, Cosignature, CosignatureVerifier, Cosigner, NoteError, NoteSigner, NoteVerifier, SignedNote,
};
pub use receipt::{NamedDigest, Program, Receipt, ReceiptError, RecordCounts, Shard};
pub use signed_commit::{
    AllowedSigners, AllowedSignersError, CommitSignatureError, CommitSigner, Keyring, KeyringError,
    verify_commit,
};
pub use statement::{Annotation, DigestSet, Predicate, Statement, StatementError, Subject};
pub use summary::{ADMITTED_LEVEL, RecordAccount, Resource, Summary, VerificationResult, Verifier};
pub use word::{AuthorWord, SpanDigest, ToolRecord, Word};
