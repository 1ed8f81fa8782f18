//! A file that is being written: nothing is there under its name before it is whole.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

use super::error::PlaceError;
use super::folder::failed;
use super::name::ShardName;
use super::{IfThere, Store};

/// Ends the name under which a file is written. A run that was killed leaves it; the next one writes over it.
const UNFINISHED: &str = ".unfinished";

/// How often a file is begun that others bring to its end meanwhile.
const TRIES: u32 = 100;

/// A file that is being written. Dropped without [`Pending::commit`], it is gone.
///
/// No two runs write the same file at the same time: each holds a lock on the unfinished file for as long as any hold on
/// it lives.
#[derive(Debug)]
pub struct Pending {
    /// Where the bytes lie until they are whole; removed when dropped. That comes before the file is let go: another
    /// run that waits for it must find that it is gone, and not have it taken away.
    written: TempPath,
    file: File,
    target: Target,
    if_there: IfThere,
}

#[derive(Debug)]
enum Target {
    File(PathBuf),
    Object(Arc<Store>, ShardName),
}

impl Pending {
    pub(super) fn to_file(path: PathBuf, if_there: IfThere) -> Result<Self, PlaceError> {
        if if_there == IfThere::Refuse && path.exists() {
            return Err(PlaceError::Exists { name: path.display().to_string() });
        }
        let folder = folder_of(&path);
        make_folder(folder).map_err(failed(folder, "written"))?;
        // Hidden, so that whoever lists the folder takes it for no shard.
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(UNFINISHED);
        let unfinished = folder.join(name);
        let file = locked(&unfinished)?;
        let written = TempPath::try_from_path(&unfinished).map_err(failed(&unfinished, "written"))?;
        // Another run may have brought it to its end since it was looked for.
        if if_there == IfThere::Refuse && path.exists() {
            return Err(PlaceError::Exists { name: path.display().to_string() });
        }
        Ok(Self { written, file, target: Target::File(path), if_there })
    }

    pub(super) fn to_store(
        store: Arc<Store>,
        name: &ShardName,
        if_there: IfThere,
    ) -> Result<Self, PlaceError> {
        if if_there == IfThere::Refuse && store.has(name)? {
            return Err(PlaceError::Exists { name: store.spoken(name) });
        }
        let temporary = tempfile::NamedTempFile::new();
        let (file, written) = temporary.map_err(failed(&std::env::temp_dir(), "written"))?.into_parts();
        Ok(Self { written, file, target: Target::Object(store, name.clone()), if_there })
    }

    /// Returns another hold on the file, for a writer that wants one of its own.
    ///
    /// # Errors
    /// [`PlaceError::File`] if the system gives none.
    pub fn out(&self) -> Result<File, PlaceError> {
        self.file.try_clone().map_err(failed(&self.written, "written"))
    }

    /// Gives the file its name, now that it is whole: a power cut after this loses nothing.
    ///
    /// # Errors
    /// [`PlaceError`]: it cannot be written, or is there by now and is to stay.
    pub fn commit(self) -> Result<(), PlaceError> {
        let Self { written, mut file, target, if_there } = self;
        file.flush().and_then(|()| file.sync_all()).map_err(failed(&written, "written"))?;
        match target {
            Target::Object(store, name) => store.put(&written, &name, if_there),
            Target::File(path) => {
                let persisted = match if_there {
                    IfThere::Refuse => written.persist_noclobber(&path),
                    IfThere::Replace => written.persist(&path),
                };
                persisted.map_err(|refused| {
                    if refused.error.kind() == io::ErrorKind::AlreadyExists {
                        return PlaceError::Exists { name: path.display().to_string() };
                    }
                    PlaceError::File { path: path.clone(), what: "written", source: refused.error }
                })?;
                let folder = folder_of(&path);
                synced(folder).map_err(failed(folder, "written"))
            }
        }
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns the file at a path, empty and locked.
///
/// Nothing is cut off before the lock is held. By then the file may bear its final name, or be gone with a run that gave
/// up: whoever held the lock is through with it, and another file is begun.
fn locked(path: &Path) -> Result<File, PlaceError> {
    for _ in 0..TRIES {
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(failed(path, "written"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlaceError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(path, "locked")(source)),
        }
        if is_at(&file, path).map_err(failed(path, "written"))? {
            // A whole file that a killed run had begun to name: it must not be cut off under its final name.
            if has_other_names(&file).map_err(failed(path, "written"))? {
                fs::remove_file(path).map_err(failed(path, "written"))?;
                continue;
            }
            file.set_len(0).map_err(failed(path, "written"))?;
            return Ok(file);
        }
    }
    // Others are faster each time, or the name is a link, which nobody follows.
    Err(PlaceError::Busy { path: path.to_owned() })
}

/// Whether a path still leads to a file that was opened there.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn has_other_names(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() > 1)
}

#[cfg(not(unix))]
fn has_other_names(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// Elsewhere a file that is open cannot be renamed or removed.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
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
    synced(around)
}

fn synced(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
