//! What can go wrong with held content. Neither the content nor a key is ever part of it.

use std::fmt;
use std::io;

use age::{DecryptError, EncryptError};
use lazaret_core::Digest;

use crate::shelf::ShelfError;

/// A content could not be sealed, or an object not be verified, opened or destroyed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The place where the objects lie fails.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The content that was to be sealed cannot be read to its end.
    #[error("the content cannot be read to its end; nothing of it was sealed")]
    Content {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The recipients cannot be used together.
    #[error("nothing can be encrypted for the vault's recipients")]
    Recipients {
        /// Why.
        #[source]
        source: EncryptError,
    },
    /// The object is not there.
    #[error("`{object}` is not there; bring it back from a backup of the vault")]
    Missing {
        /// The object's address.
        object: String,
    },
    /// The object's end is missing.
    #[error(
        "`{object}` ends after {bytes} of its {object_bytes} bytes; bring it back from a backup of the vault"
    )]
    Truncated {
        /// The object's address.
        object: String,
        /// How many bytes are there.
        bytes: u64,
        /// How many there should be.
        object_bytes: u64,
    },
    /// The object's bytes are not the ones that were sealed.
    #[error(
        "`{object}` is not what was sealed: it was altered {place}; bring it back from a backup of the vault"
    )]
    Altered {
        /// The object's address.
        object: String,
        /// Where.
        place: AlteredPlace,
    },
    /// No key that was given opens the object.
    #[error(
        "none of the keys opens `{object}`: it was sealed for others, or its header was altered, which verifying it \
         would tell"
    )]
    NoIdentity {
        /// The object's address.
        object: String,
    },
    /// The object is as it was sealed, and holds something else than is said of it.
    #[error("`{object}` does not hold the content `{content}`; what is said of it is wrong")]
    OtherContent {
        /// The object's address.
        object: String,
        /// What it should hold.
        content: Digest,
    },
    /// Something lies in the vault that is no object of it.
    #[error("`{path}` is no object of the vault; move it elsewhere")]
    Stray {
        /// Its address.
        path: String,
    },
    /// The store keeps what was removed.
    #[error(
        "`{object}` lost its name and not its bytes: the store keeps old versions; have it remove this one, and switch \
         versions off for the vault"
    )]
    VersionKept {
        /// The object's address.
        object: String,
    },
    /// A reader was asked again after it had failed.
    #[error("`{object}` could not be read before, and nothing more is read of it")]
    Failed {
        /// The object's address.
        object: String,
    },
}

/// Where an object was altered, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlteredPlace {
    /// In the part that says for whom it is encrypted.
    Header,
    /// After so many bytes of the content that are as they were, or in the part that follows them.
    After {
        /// How many.
        content_bytes: u64,
    },
    /// At the end of the object, where more bytes follow.
    Beyond {
        /// How many bytes the object should have.
        bytes: u64,
    },
    /// Only a hash tells.
    Somewhere,
}

impl fmt::Display for AlteredPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("in its header"),
            Self::After { content_bytes } => write!(f, "after byte {content_bytes} of the content"),
            Self::Beyond { bytes } => write!(f, "by bytes that follow its {bytes}"),
            Self::Somewhere => f.write_str("somewhere"),
        }
    }
}

impl VaultError {
    /// Takes an error of ours back out of a reader.
    pub(super) fn of_reader(object: &str, error: io::Error) -> Self {
        match error.downcast::<ShelfError>() {
            Ok(error) => Self::Shelf(error),
            Err(error) => Self::Shelf(ShelfError::of_file(object.as_ref(), "read", error)),
        }
    }

    /// Says why an object's header could not be used.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other error means that the header is none of ours"
    )]
    pub(super) fn of_header(object: &str, error: DecryptError) -> Self {
        let object = object.to_owned();
        match error {
            DecryptError::NoMatchingKeys => Self::NoIdentity { object },
            DecryptError::Io(error)
                if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
            {
                Self::of_reader(&object, error)
            }
            _ => Self::Altered { object, place: AlteredPlace::Header },
        }
    }
}
