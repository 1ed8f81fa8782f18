//! Proofs that an entry is in a ledger, in the form of C2SP tlog-proof, checked with no network and no ledger at hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_core::Digest;
use lazaret_seal::{InclusionProof, MerkleError, NoteError, SignedNote, leaf_hash};

use super::trust::{LedgerHead, TrustError, TrustedLog};

/// A text is not a proof, or proves nothing about the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryProofError {
    /// Not the form of a proof.
    #[error("not a proof of a ledger's entry: {what}")]
    Form {
        /// What was found.
        what: &'static str,
    },
    /// No signed checkpoint ends the proof.
    #[error("the proof ends with no signed checkpoint")]
    Checkpoint {
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// The checkpoint is not one to rely on.
    #[error("the checkpoint of the proof proves nothing")]
    Trust {
        /// Why.
        #[source]
        source: TrustError,
    },
    /// The checkpoint does not cover the entry at that place.
    #[error("the entry is not number {index} of this ledger, counted from 0")]
    NotIncluded {
        /// The place that the proof names.
        index: u64,
        /// What does not fit.
        #[source]
        source: MerkleError,
    },
}

/// Where an entry is in a ledger, the hashes that lead from it to the root, and the checkpoint that states the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Digest>,
    note: SignedNote,
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree has at most so many levels.
const PATH_MAX: usize = 64;

impl EntryProof {
    pub(super) fn new(index: u64, path: Vec<Digest>, note: SignedNote) -> Self {
        Self { extra: None, index, path, note }
    }

    /// Adds data that no signature covers, such as the entry itself.
    #[must_use]
    pub fn with_extra(self, extra: Vec<u8>) -> Self {
        Self { extra: Some(extra), ..self }
    }

    /// Returns the data that somebody added, which no signature covers.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Returns where the entry is said to be, counted from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`EntryProofError::Form`] and [`EntryProofError::Checkpoint`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, EntryProofError> {
        let form = |what| EntryProofError::Form { what };
        let (head, note) = text.split_once("\n\n").ok_or_else(|| form("it has no empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(form("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.and_then(|line| line.strip_prefix("extra ")).map(|data| STANDARD.decode(data));
        let extra = extra.transpose().ok().ok_or_else(|| form("its extra data is not base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(decimal).ok_or_else(|| form("it names no index"))?;
        let path: Vec<Digest> = lines
            .by_ref()
            .take(PATH_MAX)
            .map(hash)
            .collect::<Option<_>>()
            .ok_or_else(|| form("a line after the index is not a hash"))?;
        if lines.next().is_some() {
            return Err(form("it has more hashes than any tree is high"));
        }
        let note =
            SignedNote::parse(note.as_bytes()).map_err(|source| EntryProofError::Checkpoint { source })?;
        Ok(Self { extra, index, path, note })
    }

    /// Checks that the entry is where the proof says in the ledger of the trusted key. Returns the head that states it.
    ///
    /// # Errors
    /// [`EntryProofError::Trust`] and [`EntryProofError::NotIncluded`] when that is not shown.
    pub fn verify(&self, entry: &[u8], trusted: &TrustedLog) -> Result<LedgerHead, EntryProofError> {
        let head = trusted.read(self.note.to_string().as_bytes());
        let head = head.map_err(|source| EntryProofError::Trust { source })?;
        let (index, path) = (self.index, self.path.clone());
        let inclusion = InclusionProof { index, size: head.checkpoint.size, path };
        let included = inclusion.verify(&leaf_hash(entry), &head.checkpoint.root);
        included.map_err(|source| EntryProofError::NotIncluded { index, source })?;
        Ok(head)
    }
}

impl std::fmt::Display for EntryProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", write_hash(hash)))?;
        write!(f, "\n{}", self.note)
    }
}

/// Reads a number without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Reads a hash as a line of a proof holds it.
pub(super) fn hash(line: &str) -> Option<Digest> {
    Some(Digest::from_bytes(STANDARD.decode(line).ok()?.try_into().ok()?))
}

/// Writes a hash as a line of a proof holds it.
pub(super) fn write_hash(hash: &Digest) -> String {
    STANDARD.encode(hash.as_bytes())
}
