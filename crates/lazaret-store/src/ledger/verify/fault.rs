//! What can be wrong with a published ledger, and where.

use std::fmt;

use crate::ledger::trust::TrustError;

/// Something that is wrong with a published ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFault {
    /// The file that is wrong.
    pub file: String,
    /// The first entry that this touches, counted from 0; none where it touches the ledger as a whole.
    pub index: Option<u64>,
    /// What is wrong with it.
    pub kind: LedgerFaultKind,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerFaultKind {
    /// It is not there.
    Missing,
    /// It does not hold as many hashes as it should.
    Length,
    /// Entries in it are not those that the ledger covers.
    Entries {
        /// How many.
        count: u64,
    },
    /// Something comes after its last entry.
    Trailing,
    /// Hashes in it are not those of the entries or tiles below.
    Hashes {
        /// How many.
        count: u64,
    },
    /// It agrees with what is below it, and not with the tile above: both were altered alike, or put in another's place.
    Subtree,
    /// It does not agree with what is below it, and the tile above agrees with neither.
    Undecided,
    /// It is not signed by the trusted keys.
    Unsigned {
        /// Why not.
        why: TrustError,
    },
    /// It is signed and states another tree than the files make.
    OtherRoot,
    /// It was there before the full file, or is to be there after it, and they do not begin alike.
    OtherBeginning,
    /// No ledger has such a file.
    Strange,
    /// It states fewer entries than the checkpoint that the caller kept.
    RolledBack {
        /// How many that one states.
        kept_size: u64,
    },
    /// It states another beginning than the checkpoint that the caller kept.
    Forked {
        /// How many entries that one states.
        kept_size: u64,
    },
    /// Whether it continues the checkpoint that the caller kept cannot be told, because of other faults.
    Incomparable {
        /// How many entries that one states.
        kept_size: u64,
    },
}

impl fmt::Display for LedgerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file.escape_debug())?;
        if let Some(index) = self.index {
            write!(f, ", from entry {index} on")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl fmt::Display for LedgerFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "the file is missing"),
            Self::Length => write!(f, "the file has another length than its hashes"),
            Self::Entries { count } => write!(f, "{count} entries are not those that were signed"),
            Self::Trailing => write!(f, "something was put after the last entry"),
            Self::Hashes { count } => write!(f, "{count} hashes are not those of what lies below"),
            Self::Subtree => write!(
                f,
                "the file and what lies below agree with one another, and not with what was signed: they were altered \
                 alike, or belong elsewhere"
            ),
            Self::Undecided => {
                write!(f, "the file and what lies below do not agree, and neither is what was signed")
            }
            Self::Unsigned { why: TrustError::Note { source } } => {
                write!(f, "not signed as it should be: {source}")
            }
            Self::Unsigned { why } => write!(f, "{why}"),
            Self::OtherRoot => {
                write!(f, "the files hold together and make another tree than the one signed here")
            }
            Self::OtherBeginning => {
                write!(f, "the file does not begin like the one of the same number that was signed")
            }
            Self::Strange => write!(f, "no ledger has such a file"),
            Self::RolledBack { kept_size } => {
                write!(f, "a checkpoint of {kept_size} entries was signed before: the ledger was set back")
            }
            Self::Forked { kept_size } => write!(
                f,
                "the {kept_size} entries that were signed before are not the first of this ledger: it has two histories"
            ),
            Self::Incomparable { kept_size } => write!(
                f,
                "whether the ledger continues the one of {kept_size} entries cannot be told before the other faults \
                 are mended"
            ),
        }
    }
}
