//! A file that appears under its name only when it is whole and on the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};

use super::error::DatabaseError;
use super::url::StoreUrl;

/// A file in the making, beside its final name. It goes away if it is not persisted.
#[derive(Debug)]
pub(super) struct Temporary {
    path: TempPath,
    folder: PathBuf,
}

impl Temporary {
    /// Makes an empty one that only its owner can read.
    pub(super) fn beside(path: &Path) -> Result<Self, DatabaseError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let made: Result<NamedTempFile, io::Error> =
            tempfile::Builder::new().prefix(".lazaret-").suffix(".partial").tempfile_in(&folder);
        let file = made.map_err(error_at(path))?;
        Ok(Self { path: file.into_temp_path(), folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it the name of a store, which must still be free.
    pub(super) async fn persist(self, store: &StoreUrl) -> Result<(), DatabaseError> {
        let store = store.clone();
        let persisting = tokio::task::spawn_blocking(move || self.persist_now(&store));
        persisting.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn persist_now(self, store: &StoreUrl) -> Result<(), DatabaseError> {
        let Some(to) = store.file() else { return Err(DatabaseError::Url) };
        File::open(&self.path).and_then(|file| file.sync_all()).map_err(error_at(to))?;
        self.path.persist_noclobber(to).map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                return DatabaseError::Exists { store: store.clone() };
            }
            error_at(to)(error.error)
        })?;
        // Without this the name may be gone after a loss of power, though the bytes are there.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(error_at(to))
    }
}

fn error_at(path: &Path) -> impl Fn(io::Error) -> DatabaseError {
    move |source| DatabaseError::File { path: path.to_owned(), source: Arc::new(source) }
}
