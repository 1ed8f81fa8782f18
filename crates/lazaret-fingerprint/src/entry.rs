//! What the index knows about a known text: what kind of text it is, where it was found, and who wrote it.

use lazaret_core::{Digest, ObjectId};

/// Why a text is known; the numbers are written to disk and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The output of a rival tool.
    Rival,
    /// Text that may not be shipped, such as another company's code.
    Protected,
    /// A held-out evaluation set.
    Eval,
    /// Text that everybody has, such as licence headers: what it shares with other entries speaks for none of them.
    Commonplace,
}

impl Class {
    const ALL: [Self; 4] = [Self::Rival, Self::Protected, Self::Eval, Self::Commonplace];

    /// The word on the command line and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rival => "rival",
            Self::Protected => "protected",
            Self::Eval => "eval",
            Self::Commonplace => "commonplace",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Rival => 1,
            Self::Protected => 2,
            Self::Eval => 3,
            Self::Commonplace => 4,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

/// One known text. The index takes the words as they are and gives them back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Why it is known.
    pub class: Class,
    /// What it belongs to: a session, a repository, an evaluation set. Text that occurs under many names is
    /// commonplace; the same text many times under one name is not.
    pub name: String,
    /// Where it was found, such as `repo@commit:path`.
    pub origin: String,
    /// The tool that wrote it; empty where none did or none is known.
    pub tool: String,
    /// The model that the tool called; empty where it is not known.
    pub model: String,
    /// When it was written or recorded, in seconds since 1970.
    pub recorded_at: i64,
}

/// A name of a whole text that is a hash of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextId {
    /// The SHA-256 of the bytes.
    Sha256(Digest),
    /// The name of the object that holds it, which hashes a header too.
    Object(ObjectId),
}

impl TextId {
    /// The number of the kind on disk, and the hash, filled up with zeros.
    pub(crate) fn to_row(self) -> (u8, [u8; 32]) {
        match self {
            Self::Sha256(digest) => (1, *digest.as_bytes()),
            Self::Object(ObjectId::Sha1(name)) => {
                let mut padded = [0; 32];
                padded.iter_mut().zip(name).for_each(|(to, from)| *to = from);
                (2, padded)
            }
            Self::Object(ObjectId::Sha256(name)) => (3, name),
        }
    }
}
