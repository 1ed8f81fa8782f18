//! Where shards lie: a folder, or a prefix of an object store.
//!
//! Both are listed, read and written the same way. An object is copied to the local disk before anybody reads it, and
//! whole before anybody sees it under its name: everything else in this crate knows files alone.
//!
//! The calls block. They bring a small runtime of their own and must not be made from within another one.

mod error;
mod folder;
mod name;
#[cfg(not(feature = "object-stores"))]
mod no_store;
mod pending;
#[cfg(feature = "object-stores")]
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

pub use error::PlaceError;
pub use name::ShardName;
pub use pending::Pending;

use folder::Folder;
#[cfg(not(feature = "object-stores"))]
use no_store::Store;
#[cfg(feature = "object-stores")]
use store::Store;

/// A folder, a prefix of an object store, or a single file of one of them.
#[derive(Debug, Clone)]
pub struct Place {
    kind: Kind,
    /// How the user wrote it.
    spoken: String,
}

#[derive(Debug, Clone)]
enum Kind {
    Folder(Folder),
    Store(Arc<Store>),
}

/// A file of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: ShardName,
    /// Its size.
    pub bytes: u64,
}

/// What lies at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// All files, sorted by name.
    pub files: Vec<Listed>,
    /// What was not entered, sorted: hidden folders, and what is neither a file nor a folder.
    pub not_entered: Vec<ShardName>,
}

/// What to do about a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfThere {
    /// It stays, and the new one is refused.
    Refuse,
    /// The new one takes its place at once: a run that was interrupted is finished.
    Replace,
}

/// A file that can be read on this machine.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    /// Holds the copy of an object, and is removed with it.
    _copy: Option<TempDir>,
}

impl Fetched {
    /// Returns where it lies as long as this value lives.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Place {
    /// Reads a place: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or a path.
    ///
    /// A store's credentials and region are taken from the environment that the caller hands over, by the names that
    /// [`object_store`] documents for each store, such as `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT` and
    /// `AZURE_STORAGE_ACCOUNT_KEY`.
    ///
    /// # Errors
    /// [`PlaceError::NotAPlace`] and [`PlaceError::Store`].
    pub fn parse(text: &str, environment: &BTreeMap<String, String>) -> Result<Self, PlaceError> {
        let kind = match text.split_once("://") {
            Some((scheme, rest)) => Kind::Store(Arc::new(Store::new(scheme, rest, environment)?)),
            None => Kind::Folder(Folder::new(Path::new(text))?),
        };
        Ok(Self { kind, spoken: text.to_owned() })
    }

    /// Lists all files, in folders of any depth.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing is there, it cannot be listed, or a link leads out of the folder.
    pub fn list(&self) -> Result<Listing, PlaceError> {
        let mut listing = match &self.kind {
            Kind::Folder(folder) => folder.list()?,
            Kind::Store(store) => store.list()?,
        };
        listing.files.sort();
        listing.not_entered.sort();
        Ok(listing)
    }

    /// Makes a file readable on this machine.
    ///
    /// # Errors
    /// [`PlaceError`]: it is not there, cannot be read, or changed while it was read.
    pub fn open(&self, name: &ShardName) -> Result<Fetched, PlaceError> {
        match &self.kind {
            Kind::Folder(folder) => Ok(Fetched { path: folder.open(name)?, _copy: None }),
            Kind::Store(store) => {
                let (path, copy) = store.fetch(name)?;
                Ok(Fetched { path, _copy: Some(copy) })
            }
        }
    }

    /// Whether its files lie on this machine, so that opening one copies nothing.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Folder(_))
    }

    /// Begins a file. Nothing is there under its name before [`Pending::commit`].
    ///
    /// # Errors
    /// [`PlaceError`]: it cannot be written, or is there and is to stay.
    pub fn create(&self, name: &ShardName, if_there: IfThere) -> Result<Pending, PlaceError> {
        match &self.kind {
            Kind::Folder(folder) => folder.create(name, if_there),
            Kind::Store(store) => Pending::to_store(Arc::clone(store), name, if_there),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spoken)
    }
}
