//! Files by name that are written once, in a folder or under a prefix of an object store.
//!
//! A name is either not there or leads to all of its bytes, also after a power cut and after a writer was killed. Under
//! a name that is there nothing else is ever written, but by [`Shelf::replace`] and [`Shelf::replace_if`].

mod bucket;
mod error;
mod folder;
mod name;
mod reader;
mod spool;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

pub use error::ShelfError;
pub use reader::ShelfReader;
pub use spool::Spool;

use bucket::Bucket;
use folder::Folder;

/// The largest file that is read or written in one piece; larger ones are streamed.
pub const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// A folder, or a prefix of an object store. Clones are the same shelf.
#[derive(Debug, Clone)]
pub struct Shelf {
    kind: Kind,
    /// How the user wrote it.
    spoken: Arc<str>,
}

#[derive(Debug, Clone)]
enum Kind {
    Folder(Folder),
    Bucket(Arc<Bucket>),
}

/// A file of a shelf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What became of a file that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// There was none.
    WasNotThere,
    /// It is gone.
    Gone,
    /// Its name is gone, and the store still gives its bytes to whoever asks for the old version.
    VersionKept,
}

impl Shelf {
    /// Reads a place: a path, `file://` and an absolute path, `s3://bucket/prefix`, `gs://bucket/prefix` or
    /// `az://container/prefix`. Nothing is looked for there yet.
    ///
    /// A store's credentials and region are taken from the environment that the caller hands over, by the names that
    /// [`object_store`] documents for each store, such as `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT` and
    /// `AZURE_STORAGE_ACCOUNT_KEY`.
    ///
    /// # Errors
    /// [`ShelfError::NotAPlace`].
    pub fn parse(place: &str, environment: &BTreeMap<String, String>) -> Result<Self, ShelfError> {
        let kind = match place.split_once("://") {
            Some(("file", path)) if path.starts_with('/') && !path.contains('%') => {
                Kind::Folder(Folder::new(Path::new(path)))
            }
            Some(("file", _)) => {
                let why = "an absolute path comes after `file://`, without `%`; write the path alone";
                return Err(ShelfError::NotAPlace { why });
            }
            Some((scheme, rest)) => Kind::Bucket(Arc::new(Bucket::new(scheme, rest, environment)?)),
            None if place.is_empty() => return Err(ShelfError::NotAPlace { why: "it is empty" }),
            None => Kind::Folder(Folder::new(Path::new(place))),
        };
        Ok(Self { kind, spoken: place.into() })
    }

    /// Takes a folder of this machine.
    #[must_use]
    pub fn in_folder(path: &Path) -> Self {
        Self { kind: Kind::Folder(Folder::new(path)), spoken: path.display().to_string().into() }
    }

    /// Makes the folder, and those around it; of an object store it asks only whether anything is there.
    ///
    /// # Errors
    /// [`ShelfError::NotEmpty`] if anything is there; [`ShelfError`] if that cannot be found out or the folder not made.
    pub async fn create(&self) -> Result<(), ShelfError> {
        match &self.kind {
            Kind::Folder(folder) => folder.create().await,
            Kind::Bucket(bucket) => match bucket.list("").next().await {
                None => Ok(()),
                Some(Ok(_)) => Err(ShelfError::NotEmpty { place: self.to_string() }),
                Some(Err(error)) => Err(error),
            },
        }
    }

    /// Reads a whole file of up to [`WHOLE_BYTES_MAX`]; `None` if there is none.
    ///
    /// # Errors
    /// [`ShelfError::TooBig`], and [`ShelfError`] if it cannot be read. A folder that is missing altogether is an error
    /// too: it may be a disk that is not mounted.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, ShelfError> {
        name::check(name)?;
        match &self.kind {
            Kind::Folder(folder) => folder.get(name).await,
            Kind::Bucket(bucket) => bucket.get(name).await,
        }
    }

    /// Opens a file of any size to be read from its beginning; `None` if there is none.
    ///
    /// # Errors
    /// As for [`Shelf::get`]; what goes wrong later is told by the reader.
    pub async fn read(&self, name: &str) -> Result<Option<ShelfReader>, ShelfError> {
        name::check(name)?;
        match &self.kind {
            Kind::Folder(folder) => folder.read(name).await,
            Kind::Bucket(bucket) => bucket.read(name).await,
        }
    }

    /// Writes a file once. The same bytes again are success; the call returns when a power cut cannot lose them.
    ///
    /// Where a store knows no conditional writes, two writers at the same moment may both believe to be the first.
    ///
    /// # Errors
    /// [`ShelfError::Differs`] if other bytes are there under the name, [`ShelfError::TooBig`], and [`ShelfError`] if it
    /// cannot be written.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        name::check(name)?;
        self.check_size(name, &bytes)?;
        match &self.kind {
            Kind::Folder(folder) => folder.put(name, bytes).await,
            Kind::Bucket(bucket) => bucket.put(name, bytes).await,
        }
    }

    /// Begins a file of any size that has no name yet; [`Shelf::put_spooled`] gives it one.
    ///
    /// It lies on the shelf's own disk, or among this machine's temporary files if the shelf is in an object store.
    ///
    /// # Errors
    /// [`ShelfError`] if no file can be made.
    pub async fn spool(&self) -> Result<Spool, ShelfError> {
        match &self.kind {
            Kind::Folder(folder) => folder.spool().await,
            Kind::Bucket(_) => Spool::elsewhere().await,
        }
    }

    /// Writes a file once, as [`Shelf::put`] does, out of one that [`Shelf::spool`] of the same shelf began.
    ///
    /// # Errors
    /// As for [`Shelf::put`], without a limit of size.
    pub async fn put_spooled(&self, name: &str, spool: Spool) -> Result<(), ShelfError> {
        name::check(name)?;
        match &self.kind {
            Kind::Folder(folder) => folder.put_spooled(name, spool).await,
            Kind::Bucket(bucket) => bucket.put_spooled(name, spool).await,
        }
    }

    /// Writes a file in place of the one that is there: whoever reads finds the old bytes or the new ones.
    ///
    /// # Errors
    /// [`ShelfError::TooBig`], and [`ShelfError`] if it cannot be written; then the old bytes are still there.
    pub async fn replace(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        name::check(name)?;
        self.check_size(name, &bytes)?;
        match &self.kind {
            Kind::Folder(folder) => folder.replace(name, bytes).await,
            Kind::Bucket(bucket) => bucket.replace(name, bytes).await,
        }
    }

    /// Writes a file in place of the bytes that the caller last read under its name, or where there was nothing; `false`,
    /// and nothing written, where something else is there by now.
    ///
    /// Of several writers at once that read the same, one writes. A folder needs a file system with locks for that, and
    /// an object store must heed conditions on a write; where either does neither, a writer can still come between.
    ///
    /// # Errors
    /// As for [`Shelf::replace`].
    pub async fn replace_if(
        &self,
        name: &str,
        read: Option<&Bytes>,
        bytes: Bytes,
    ) -> Result<bool, ShelfError> {
        name::check(name)?;
        self.check_size(name, &bytes)?;
        match &self.kind {
            Kind::Folder(folder) => folder.replace_if(name, read.cloned(), bytes).await,
            Kind::Bucket(bucket) => bucket.replace_if(name, read, bytes).await,
        }
    }

    /// Removes a file. One that is not there is no error.
    ///
    /// # Errors
    /// [`ShelfError`] if it cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<Removed, ShelfError> {
        name::check(name)?;
        match &self.kind {
            Kind::Folder(folder) => folder.remove(name).await,
            Kind::Bucket(bucket) => bucket.remove(name).await,
        }
    }

    /// Lists the files in a folder of the shelf and in those within it, in no order; an empty prefix is the whole shelf.
    ///
    /// What bears a name that no shelf gives, and what is no file, is an error in its place, and the list goes on.
    /// Unfinished files are left out.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Listed, ShelfError>> {
        if !prefix.is_empty()
            && let Err(error) = name::check(prefix)
        {
            return stream::once(async { Err(error) }).boxed();
        }
        match &self.kind {
            Kind::Folder(folder) => folder.list(prefix),
            Kind::Bucket(bucket) => bucket.list(prefix),
        }
    }

    /// Returns the address of a file, for people.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        format!("{}/{name}", self.spoken.trim_end_matches('/'))
    }

    fn check_size(&self, name: &str, bytes: &Bytes) -> Result<(), ShelfError> {
        if bytes.len() as u64 <= WHOLE_BYTES_MAX {
            return Ok(());
        }
        Err(ShelfError::TooBig { name: self.address(name), bytes_max: WHOLE_BYTES_MAX })
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spoken)
    }
}
