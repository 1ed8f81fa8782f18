//! A folder of this machine.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::task::spawn_blocking;

use super::error::{ShelfError, failed};
use super::name;
use super::reader::ShelfReader;
use super::spool::{Spool, UNFINISHED, Whole, sweep};
use super::{Listed, Removed, WHOLE_BYTES_MAX};

/// Two files are compared in parts of so many bytes.
const COMPARED_BYTES: usize = 64 << 10;

/// A folder. Its own existence is never taken for granted: a missing one is an error, and not an empty one.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: Arc<Path>,
    /// Whether leftovers of killed writers were looked for.
    is_swept: Arc<AtomicBool>,
}

/// What was found in one folder: files and faults, and the folders within.
type Found = (Vec<Result<Listed, ShelfError>>, Vec<String>);

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.into(), is_swept: Arc::default() }
    }

    pub(super) async fn create(&self) -> Result<(), ShelfError> {
        let root = self.root.to_path_buf();
        blocking(move || {
            make_folder(&root).map_err(failed(&root, "written"))?;
            match fs::read_dir(&root).map_err(failed(&root, "listed"))?.next() {
                None => Ok(()),
                Some(_) => Err(ShelfError::NotEmpty { place: root.display().to_string() }),
            }
        })
        .await
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || {
            let Some(file) = folder.open(&path)? else { return Ok(None) };
            let mut bytes = Vec::new();
            file.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed(&path, "read"))?;
            if bytes.len() as u64 > WHOLE_BYTES_MAX {
                let name = path.display().to_string();
                return Err(ShelfError::TooBig { name, bytes_max: WHOLE_BYTES_MAX });
            }
            Ok(Some(bytes.into()))
        })
        .await
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<ShelfReader>, ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || Ok(folder.open(&path)?.map(ShelfReader::of_file))).await
    }

    pub(super) async fn put(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || {
            folder.sweep_once();
            // Most often it is either new, or what a run that is repeated wrote before.
            if let Some(there) = folder.open(&path)? {
                return folder.settle(&path, there, &bytes[..]);
            }
            folder.name_once(Whole::of(&folder.root, &bytes)?, &path)
        })
        .await
    }

    pub(super) async fn spool(&self) -> Result<Spool, ShelfError> {
        let folder = self.clone();
        blocking(move || {
            folder.sweep_once();
            Ok(())
        })
        .await?;
        Spool::within(self.root.to_path_buf()).await
    }

    pub(super) async fn put_spooled(&self, name: &str, spool: Spool) -> Result<(), ShelfError> {
        let whole = spool.whole().await?;
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || folder.name_once(whole, &path)).await
    }

    pub(super) async fn replace(&self, name: &str, bytes: Bytes) -> Result<(), ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || folder.overwrite(&path, &bytes)).await
    }

    pub(super) async fn replace_if(
        &self,
        name: &str,
        read: Option<Bytes>,
        bytes: Bytes,
    ) -> Result<bool, ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || {
            // Let go of when this ends, also by the end of the process.
            folder.check_root()?;
            let lock = File::open(&folder.root).map_err(failed(&folder.root, "read"))?;
            // Where the file system has no locks, others are only seen before the last moment.
            drop(lock.lock());
            let is_as_read = match (folder.open(&path)?, &read) {
                (Some(there), Some(read)) => is_same(there, &read[..]).map_err(failed(&path, "read"))?,
                (there, read) => there.is_none() && read.is_none(),
            };
            if is_as_read {
                folder.overwrite(&path, &bytes)?;
            }
            Ok(is_as_read)
        })
        .await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<Removed, ShelfError> {
        let (folder, path) = (self.clone(), self.path(name));
        blocking(move || {
            if folder.open(&path)?.is_none() {
                return Ok(Removed::WasNotThere);
            }
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removed::WasNotThere),
                Err(error) => return Err(ShelfError::of_file(&path, "removed", error)),
            }
            synced(folder_of(&path))?;
            Ok(Removed::Gone)
        })
        .await
    }

    pub(super) fn list(&self, prefix: &str) -> BoxStream<'static, Result<Listed, ShelfError>> {
        let start = (self.clone(), vec![prefix.to_owned()]);
        let folders = stream::unfold(start, |(folder, mut waiting)| async move {
            let within = waiting.pop()?;
            let listed = folder.clone();
            let found = match blocking(move || listed.list_one(&within)).await {
                Ok((found, folders)) => {
                    waiting.extend(folders);
                    found
                }
                Err(error) => vec![Err(error)],
            };
            Some((stream::iter(found), (folder, waiting)))
        });
        folders.flatten().boxed()
    }

    fn list_one(&self, within: &str) -> Result<Found, ShelfError> {
        let path = if within.is_empty() { self.root.to_path_buf() } else { self.path(within) };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.check_root()?;
                return Ok(Found::default());
            }
            Err(error) => return Err(ShelfError::of_file(&path, "listed", error)),
        };
        let (mut found, mut folders) = Found::default();
        for entry in entries {
            let entry = entry.map_err(failed(&path, "listed"))?;
            if within.is_empty() && entry.file_name() == UNFINISHED {
                continue;
            }
            match list_entry(&entry, within) {
                Ok(Entry::File(listed)) => found.push(Ok(listed)),
                Ok(Entry::Folder(name)) => folders.push(name),
                Err(error) => found.push(Err(error)),
            }
        }
        Ok((found, folders))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Opens a plain file for reading; `None` if there is none.
    fn open(&self, path: &Path) -> Result<Option<File>, ShelfError> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(ShelfError::NotAFile { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.check_root().map(|()| None);
            }
            Err(error) => return Err(ShelfError::of_file(path, "read", error)),
        }
        match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ShelfError::of_file(path, "read", error)),
        }
    }

    fn check_root(&self) -> Result<(), ShelfError> {
        if self.root.is_dir() { Ok(()) } else { Err(ShelfError::NoFolder { path: self.root.to_path_buf() }) }
    }

    /// Gives a name to new bytes, whatever was there.
    fn overwrite(&self, path: &Path, bytes: &Bytes) -> Result<(), ShelfError> {
        self.sweep_once();
        let whole = Whole::of(&self.root, bytes)?;
        self.open(path)?;
        let target = self.target_folder(path)?;
        let persisted = whole.written.persist(path);
        persisted.map_err(|refused| ShelfError::of_file(path, "written", refused.error))?;
        synced(target)
    }

    /// Gives a whole file its name, unless the name is given already.
    fn name_once(&self, whole: Whole, path: &Path) -> Result<(), ShelfError> {
        let target = self.target_folder(path)?;
        match whole.written.persist_noclobber(path) {
            Ok(()) => synced(target),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(there) = self.open(path)? else {
                    return Err(ShelfError::of_file(path, "written", refused.error));
                };
                let unfinished = refused.path;
                let ours = File::open(&unfinished).map_err(failed(&unfinished, "read"))?;
                self.settle(path, there, ours)
            }
            Err(refused) => Err(ShelfError::of_file(path, "written", refused.error)),
        }
    }

    /// Decides about a name that is given already. The other writer may have been killed before the folder was on the
    /// disk, so it is waited for here too.
    fn settle(&self, path: &Path, there: File, ours: impl io::Read) -> Result<(), ShelfError> {
        if !is_same(there, ours).map_err(failed(path, "read"))? {
            return Err(ShelfError::Differs { name: path.display().to_string() });
        }
        synced(folder_of(path))
    }

    /// Makes the folders between the shelf's own and a file.
    fn target_folder<'a>(&self, path: &'a Path) -> Result<&'a Path, ShelfError> {
        self.check_root()?;
        let target = folder_of(path);
        make_folder(target).map_err(failed(target, "written"))?;
        Ok(target)
    }

    fn sweep_once(&self) {
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            // A leftover takes room and harms nobody; what is to be written now does not wait for it.
            drop(sweep(&self.root));
        }
    }
}

enum Entry {
    File(Listed),
    Folder(String),
}

fn list_entry(entry: &fs::DirEntry, within: &str) -> Result<Entry, ShelfError> {
    let path = entry.path();
    let last = entry.file_name();
    let last = last.to_string_lossy();
    let name = if within.is_empty() { last.into_owned() } else { format!("{within}/{last}") };
    name::check(&name)?;
    let kind = entry.file_type().map_err(failed(&path, "read"))?;
    if kind.is_dir() {
        return Ok(Entry::Folder(name));
    }
    if !kind.is_file() {
        return Err(ShelfError::NotAFile { path });
    }
    let bytes = entry.metadata().map_err(failed(&path, "read"))?.len();
    Ok(Entry::File(Listed { name, bytes }))
}

/// Runs what waits for the disk where it keeps nobody else waiting.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, ShelfError> {
    spawn_blocking(work).await.unwrap_or(Err(ShelfError::Stopped))
}

fn is_same(mut one: impl io::Read, mut other: impl io::Read) -> io::Result<bool> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        first.clear();
        second.clear();
        one.by_ref().take(COMPARED_BYTES as u64).read_to_end(&mut first)?;
        other.by_ref().take(COMPARED_BYTES as u64).read_to_end(&mut second)?;
        if first != second {
            return Ok(false);
        }
        if first.is_empty() {
            return Ok(true);
        }
    }
}

/// Makes a folder and those around it, so that a power cut does not lose them with what is in them.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let around = folder_of(folder);
    make_folder(around)?;
    match fs::create_dir(folder) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        other => other?,
    }
    File::open(around)?.sync_all()
}

fn synced(folder: &Path) -> Result<(), ShelfError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder, "written"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
