//! Whose word about a ledger counts: its own key, and witnesses of whom enough must agree.

use lazaret_seal::{Checkpoint, Cosignature, CosignatureVerifier, NoteError, NoteVerifier, SignedNote};

/// A checkpoint is not one to rely on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// No note, or not signed by the ledger's key.
    #[error("the checkpoint is not signed as it should be")]
    Note {
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// Another ledger's.
    #[error("the checkpoint is of `{}` and not of `{expected}`", found.escape_debug())]
    OtherOrigin {
        /// The origin it bears.
        found: String,
        /// The name of the trusted key.
        expected: String,
    },
    /// Too few witnesses.
    #[error(
        "the checkpoint of {size} entries is cosigned by {found} of the {needed} witnesses that it needs"
    )]
    Witnesses {
        /// How many entries it covers.
        size: u64,
        /// How many trusted witnesses cosigned it.
        found: usize,
        /// How many must.
        needed: usize,
    },
    /// More witnesses are asked for than there are.
    #[error("{needed} witnesses are asked for, and {known} are known; name more witnesses or ask for fewer")]
    Quorum {
        /// How many must cosign.
        needed: usize,
        /// How many are trusted.
        known: usize,
    },
}

/// A ledger's key and the witnesses whose cosignatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedLog {
    key: NoteVerifier,
    witnesses: Vec<CosignatureVerifier>,
    quorum: usize,
}

/// A checkpoint that trusted keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerHead {
    /// What it states.
    pub checkpoint: Checkpoint,
    /// The trusted witnesses that cosigned it.
    pub cosignatures: Vec<Cosignature>,
    /// It with its signatures.
    pub note: SignedNote,
}

impl TrustedLog {
    /// Trusts a ledger's key alone; the key's name is the origin that the ledger's checkpoints bear.
    #[must_use]
    pub fn new(key: NoteVerifier) -> Self {
        Self { key, witnesses: Vec::new(), quorum: 0 }
    }

    /// Asks for cosignatures by so many of the given witnesses besides. Several keys of one name, and one key under
    /// several names, are one witness.
    ///
    /// # Errors
    /// [`TrustError::Quorum`] when there are not so many witnesses.
    pub fn with_witnesses(
        self,
        witnesses: Vec<CosignatureVerifier>,
        quorum: usize,
    ) -> Result<Self, TrustError> {
        let mut distinct: Vec<CosignatureVerifier> = Vec::new();
        for witness in witnesses {
            let is_same =
                |known: &CosignatureVerifier| known.name() == witness.name() || known.key() == witness.key();
            if !distinct.iter().any(is_same) {
                distinct.push(witness);
            }
        }
        if quorum > distinct.len() {
            return Err(TrustError::Quorum { needed: quorum, known: distinct.len() });
        }
        Ok(Self { key: self.key, witnesses: distinct, quorum })
    }

    /// Returns the origin of the ledger's checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// Returns the witnesses whose cosignatures count.
    #[must_use]
    pub fn witnesses(&self) -> &[CosignatureVerifier] {
        &self.witnesses
    }

    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// [`TrustError`] when it is not signed by the ledger's key and cosigned by enough witnesses.
    pub fn read(&self, bytes: &[u8]) -> Result<LedgerHead, TrustError> {
        let head = self.read_uncosigned(bytes)?;
        if head.cosignatures.len() < self.quorum {
            let (found, needed) = (head.cosignatures.len(), self.quorum);
            return Err(TrustError::Witnesses { size: head.checkpoint.size, found, needed });
        }
        Ok(head)
    }

    /// Reads a signed checkpoint, however few witnesses cosigned it.
    pub(super) fn read_uncosigned(&self, bytes: &[u8]) -> Result<LedgerHead, TrustError> {
        let wrong = |source| TrustError::Note { source };
        let note = SignedNote::parse(bytes).map_err(wrong)?;
        let keys = [self.key.clone()];
        let (text, _) = note.verify(&keys).map_err(wrong)?;
        let checkpoint = Checkpoint::parse(text).map_err(wrong)?;
        if checkpoint.origin != self.origin() {
            let expected = self.origin().to_owned();
            return Err(TrustError::OtherOrigin { found: checkpoint.origin, expected });
        }
        let cosignatures = note.cosignatures(&self.witnesses).map_err(wrong)?;
        Ok(LedgerHead { checkpoint, cosignatures, note })
    }
}
