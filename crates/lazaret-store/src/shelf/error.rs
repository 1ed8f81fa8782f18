//! What can go wrong with a shelf. Credentials are never part of it.

use std::io;
use std::path::{Path, PathBuf};

/// A shelf could not be made, listed, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// The text names no place. It is not repeated: somebody may have put a password into it.
    #[error("the address names no place: {why}")]
    NotAPlace {
        /// What is wrong with it, and what to write.
        why: &'static str,
    },
    /// The environment does not say how an object store is reached.
    #[error(
        "`{address}` cannot be opened: the environment variables `{variables}…` do not make a whole configuration"
    )]
    Configuration {
        /// The store and its bucket.
        address: String,
        /// The first letters of the variables.
        variables: &'static str,
    },
    /// The name is none of a shelf.
    #[error("`{name}` is no name on a shelf: {why}")]
    Name {
        /// The name, with what is not text escaped.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something is there where a new shelf was to be made.
    #[error("`{place}` is not empty; name an empty place, or open what is there")]
    NotEmpty {
        /// The place.
        place: String,
    },
    /// The folder itself is missing, which is something else than a missing file.
    #[error("the folder `{path}` is not there; is its disk mounted, and was it ever made?", path = path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Other bytes are there.
    #[error("`{name}` is already there with other bytes, and what is there is never written again")]
    Differs {
        /// The file or object.
        name: String,
    },
    /// The file is larger than what is read or written in one piece.
    #[error("`{name}` has more than {bytes_max} bytes")]
    TooBig {
        /// The file or object.
        name: String,
        /// How many it may have.
        bytes_max: u64,
    },
    /// A link, a folder or something else lies where a file should be.
    #[error("`{path}` is no file; links are not followed", path = path.display())]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// There is no room left.
    #[error("`{path}` cannot be written: no room is left for it; make room and try again", path = path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system says: the disk is full, a quota is used up, or files may not be that large.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be listed, read or written.
    #[error("`{path}` cannot be {what}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `listed`, `read`, `written` or `removed`.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An object store refused, or did not answer.
    #[error("`{name}` cannot be {what}: {why}")]
    Store {
        /// The object or prefix.
        name: String,
        /// `listed`, `read`, `written` or `removed`.
        what: &'static str,
        /// Why, and what to do. Not in the store's own words: they quote keys and signatures.
        why: String,
    },
    /// The program is ending, or has a fault.
    #[error("the work was stopped before its end; nothing is there under the name that was not there before")]
    Stopped,
}

impl ShelfError {
    /// Returns what an error of the system means for a file.
    pub(crate) fn of_file(path: &Path, what: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds are told by the system itself")]
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, source }
            }
            _ => Self::File { path, what, source },
        }
    }
}

/// Makes an error of the system one of a file.
pub(super) fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> ShelfError {
    move |source| ShelfError::of_file(path, what, source)
}
