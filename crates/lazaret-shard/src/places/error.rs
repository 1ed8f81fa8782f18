//! What can go wrong with a place. Credentials are never part of it.

use std::io;
use std::path::PathBuf;

/// A place could not be listed, read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The text names no place. It is not repeated: somebody may have put a password into it.
    #[error("the address names no place: {why}")]
    NotAPlace {
        /// What is wrong with it, and what to write.
        why: String,
    },
    /// The name does not stay within a place.
    #[error("`{name}` is no name within a place: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing is there.
    #[error("`{name}` is not there")]
    NotFound {
        /// The file, object or folder.
        name: String,
    },
    /// It is there already.
    #[error("`{name}` is already there, and shards are written once; name another place, or remove it")]
    Exists {
        /// The file or object.
        name: String,
    },
    /// Another run is writing it.
    #[error(
        "another run is writing `{path}`; wait for it, or gate other parts (`--part`)",
        path = path.display()
    )]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// Another object came under the name while it was read.
    #[error("`{name}` changed while it was read; nothing that was read of it counts: try again")]
    Changed {
        /// The object.
        name: String,
    },
    /// A link leads where a shard must not come from.
    #[error("the link `{path}` {why}; put the file itself there, or name the other folder", path = path.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        why: &'static str,
    },
    /// A file or folder could not be read or written.
    #[error("`{path}` cannot be {what}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `listed`, `read`, `locked` or `written`.
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
        /// `listed`, `read` or `written`.
        what: &'static str,
        /// Why, and what to do. Not in the store's own words: they quote keys and signatures.
        why: String,
    },
}
