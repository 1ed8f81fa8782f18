//! An entry of the ledger: one act, who did it, when, under which policy, and the signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lazaret_core::{Digest, PersonId};
use lazaret_seal::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use crate::act::Act;
use crate::person::PublicKeyBytes;

/// The most bytes that an entry may have: what fits an entry bundle of the public log.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// The name of the format, and what a signature covers first.
pub(crate) const FORMAT: &str = "lazaret.entry/1";
/// How a signed entry begins in the one way in which it is written, before what was done.
const ENTRY_BEGINS: &[u8] = br#"{"entry":"#;
/// What stands behind what was done.
const KEY_FOLLOWS: &[u8] = br#","key":""#;

/// Something that is no entry, or is not signed by who it says.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The bytes are no entry.
    #[error("this is no ledger entry")]
    Syntax {
        /// What the parser says.
        source: serde_json::Error,
    },
    /// It is an entry of another format.
    #[error("this is an entry of the format `{found}`; this program knows `{FORMAT}`")]
    Format {
        /// The name it bears.
        found: String,
    },
    /// The same act can be written in one way only, and this is another.
    #[error("the entry is not written as this format demands; somebody wrote it by other means")]
    Form,
    /// The signature is not that of the key.
    #[error("the signature of entry {seq} is not by the key {key}")]
    Signature {
        /// The number of the entry.
        seq: u64,
        /// The key.
        key: PublicKeyBytes,
    },
    /// It has too many bytes.
    #[error(
        "the entry would have {bytes} bytes, and {ENTRY_BYTES_MAX} is the most; divide the act into several"
    )]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
}

/// What was done: the part of an entry that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `lazaret.entry/1`.
    pub format: String,
    /// The store's name, so that an entry of one store is none of another.
    pub store: String,
    /// Its number, from 0.
    pub seq: u64,
    /// When; never before the entry before it.
    pub time: Timestamp,
    /// Who.
    pub by: PersonId,
    /// The policy that the store works under at that moment.
    pub policy: Digest,
    /// The version of the program.
    pub program: String,
    /// What.
    pub act: Act,
}

/// An entry with its signature: what the ledger keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedEntry {
    /// What was done.
    pub entry: Entry,
    /// The signer's key.
    pub key: PublicKeyBytes,
    /// The signature, in base64.
    pub signature: String,
}

impl Entry {
    /// Returns an entry of this format.
    #[must_use]
    pub fn new(
        store: String,
        seq: u64,
        time: Timestamp,
        by: PersonId,
        policy: Digest,
        program: String,
        act: Act,
    ) -> Self {
        Self { format: FORMAT.to_owned(), store, seq, time, by, policy, program, act }
    }

    /// Signs it and returns it as the ledger keeps it.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`].
    pub fn sign(self, key: &SecretKey) -> Result<Vec<u8>, EntryError> {
        let signature = STANDARD.encode(key.sign_as(FORMAT, &self.to_json()?));
        let signed = SignedEntry { entry: self, key: PublicKeyBytes(*key.public().as_bytes()), signature };
        let bytes = serde_json::to_vec(&signed).map_err(|source| EntryError::Syntax { source })?;
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    fn to_json(&self) -> Result<Vec<u8>, EntryError> {
        serde_json::to_vec(self).map_err(|source| EntryError::Syntax { source })
    }
}

impl SignedEntry {
    /// Reads an entry and checks that it is written as it must be, so that equal entries have equal bytes.
    ///
    /// # Errors
    /// All but [`EntryError::Signature`], which [`Self::verify`] finds.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let signed: Self = serde_json::from_slice(bytes).map_err(|source| EntryError::Syntax { source })?;
        if signed.entry.format != FORMAT {
            return Err(EntryError::Format { found: signed.entry.format });
        }
        let again = serde_json::to_vec(&signed).map_err(|source| EntryError::Syntax { source })?;
        if again != bytes {
            return Err(EntryError::Form);
        }
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge { bytes: bytes.len() });
        }
        Ok(signed)
    }

    /// Returns the bytes of an entry that is written as it must be which its signature covers: those of what was done.
    pub(crate) fn covered(body: &[u8]) -> &[u8] {
        // What follows has no quotation marks in it, so the last of these is the end.
        let end = memchr::memmem::rfind(body, KEY_FOLLOWS).unwrap_or(body.len());
        body.get(ENTRY_BEGINS.len()..end).unwrap_or_default()
    }

    /// Checks the signature against a key: the one that the signer had when the entry was made, which is known to who
    /// knows the people.
    ///
    /// # Errors
    /// [`EntryError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), EntryError> {
        let fault = || EntryError::Signature { seq: self.entry.seq, key: PublicKeyBytes(*key.as_bytes()) };
        if self.key.0 != *key.as_bytes() {
            return Err(fault());
        }
        let signature = STANDARD.decode(&self.signature).map_err(|_not_base64| fault())?;
        if key.verifies_as(FORMAT, &self.entry.to_json()?, &signature) { Ok(()) } else { Err(fault()) }
    }
}
