//! Held content: what it is, where it was found, and where its bytes are now.

use lazaret_core::{Digest, ObjectId, Span};
use serde::{Deserialize, Serialize};

use crate::case::CaseId;

/// How many places of one content are kept; the count goes on.
const PLACES_MAX: usize = 16;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// A whole file.
    File,
    /// Lines of a file.
    Span,
    /// A record of a data set.
    Record,
    /// A whole shard.
    Shard,
}

impl ContentKind {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Span => "span",
            Self::Record => "record",
            Self::Shard => "shard",
        }
    }
}

/// Where a content was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The origin, such as `git:/srv/acme/lab@<revision>` or the name of a shard.
    pub origin: String,
    /// The path within it, or the record's id.
    pub path: String,
    /// Which lines, where it is not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Span>,
}

/// An object of the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedObject {
    /// The digest of the encrypted bytes: the object's name.
    pub object: Digest,
    /// How many encrypted bytes there are.
    pub object_bytes: u64,
}

/// Where the bytes of a held content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Custody {
    /// Where they were found, and nowhere else.
    InPlace,
    /// In the vault as well.
    Sealed,
    /// In the vault, and taken out of the place where they were found.
    Detached,
    /// Put back, or left where they were: the content was cleared.
    Restored,
    /// Nowhere: the object in the vault was destroyed, and the hash stays as a tombstone.
    Destroyed,
}

impl Custody {
    /// Returns the words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::Sealed => "sealed",
            Self::Detached => "detached",
            Self::Restored => "restored",
            Self::Destroyed => "destroyed",
        }
    }
}

/// Why somebody reads sealed content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadPurpose {
    /// To review its case.
    Review,
    /// To put it back.
    Restore,
    /// To check what others did.
    Audit,
    /// To meet a legal duty.
    Legal,
}

impl ReadPurpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Review, Self::Restore, Self::Audit, Self::Legal];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Restore => "restore",
            Self::Audit => "audit",
            Self::Legal => "legal",
        }
    }
}

/// A held content. There is one for each content, however often it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The SHA-256 of its bytes.
    pub content: Digest,
    /// The name that git gives it, where it is a whole file.
    pub blob: Option<ObjectId>,
    /// What it is.
    pub kind: ContentKind,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
    /// The case that decides about it.
    pub case: CaseId,
    /// Where its bytes are.
    pub custody: Custody,
    /// The object in the vault, from sealing to destruction.
    pub sealed: Option<SealedObject>,
    /// The first places where it was found.
    pub places: Vec<Place>,
    /// How often it was found in a place that was not kept yet.
    pub sightings: u64,
    /// How often it was read while sealed.
    pub reads: u64,
}

impl Hold {
    /// Whether no more places are kept, so that a further one cannot be told from one that was told before.
    #[must_use]
    pub fn has_places_enough(&self) -> bool {
        self.places.len() >= PLACES_MAX
    }

    /// Adds a place where the content was found; a place that is known changes nothing.
    ///
    /// Returns whether it is a new one.
    pub(crate) fn sight(&mut self, place: Place) -> bool {
        if self.places.contains(&place) {
            return false;
        }
        self.sightings += 1;
        if self.places.len() < PLACES_MAX {
            self.places.push(place);
        }
        true
    }
}
