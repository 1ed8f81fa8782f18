//! Writes git objects beside a repository, and brings them into it when they are wanted there.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gix::hash::Kind as HashKind;
use lazaret_core::ObjectId;
use libdeflater::{CompressionLvl, Compressor};
use rustc_hash::FxHashSet;
use tempfile::TempDir;

use super::Repository;
use super::object::ObjectKind;

/// What git calls an object that is being written; `git gc` clears away what a killed run leaves.
const TEMPORARY: &str = "tmp_obj_";

/// An object could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteObjectError {
    /// The folder could not be used.
    #[error("objects cannot be written to `{folder}`")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its content cannot have a name, because it is made to collide with another.
    #[error("an object cannot be named: its content is an attack on the hash")]
    Name,
}

/// Objects in a folder of their own, laid out as git lays out loose ones.
#[derive(Debug)]
pub struct Draft {
    folder: TempDir,
    hash: HashKind,
    compressor: DebugCompressor,
    /// In the order in which they were written first.
    written: Vec<ObjectId>,
    known: FxHashSet<ObjectId>,
}

struct DebugCompressor(Compressor);

impl std::fmt::Debug for DebugCompressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Draft {
    /// Begins a draft for a repository, in the folder for temporary files.
    ///
    /// # Errors
    /// [`WriteObjectError`] when there is no such folder.
    pub fn begin(repository: &Repository) -> Result<Self, WriteObjectError> {
        let folder = TempDir::with_prefix("lazaret-objects-")
            .map_err(|source| WriteObjectError::Folder { folder: std::env::temp_dir(), source })?;
        let compressor = DebugCompressor(Compressor::new(CompressionLvl::default()));
        let hash = repository.inner.object_hash();
        Ok(Self { folder, hash, compressor, written: Vec::new(), known: FxHashSet::default() })
    }

    /// The folder, to open the repository with: see [`Repository::open`].
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes an object and returns its name.
    ///
    /// # Errors
    /// [`WriteObjectError`] when it cannot be written.
    pub fn write(&mut self, kind: ObjectKind, content: &[u8]) -> Result<ObjectId, WriteObjectError> {
        let (word, kind) = match kind {
            ObjectKind::Commit => ("commit", gix::object::Kind::Commit),
            ObjectKind::Tree => ("tree", gix::object::Kind::Tree),
            ObjectKind::Blob => ("blob", gix::object::Kind::Blob),
            ObjectKind::Tag => ("tag", gix::object::Kind::Tag),
        };
        let id = gix::objs::compute_hash(self.hash, kind, content).ok();
        let id = id.and_then(|id| ObjectId::from_bytes(id.as_bytes())).ok_or(WriteObjectError::Name)?;
        if self.known.contains(&id) {
            return Ok(id);
        }
        let mut whole = format!("{word} {}\0", content.len()).into_bytes();
        whole.extend_from_slice(content);
        let mut packed = vec![0; self.compressor.0.zlib_compress_bound(whole.len())];
        let folder = self.folder.path();
        let size = self.compressor.0.zlib_compress(&whole, &mut packed).map_err(io::Error::other);
        let size = size.map_err(|source| error(folder, source))?;
        packed.truncate(size);
        place(folder, &id, &packed, Shared::default()).map_err(|source| error(folder, source))?;
        self.known.insert(id);
        self.written.push(id);
        Ok(id)
    }

    /// Writes everything into the repository. A later object may name an earlier one and never the other way round, so
    /// that a run that is killed leaves nothing that misses a part.
    ///
    /// # Errors
    /// [`WriteObjectError`] when an object cannot be written; those before it are there then, and nothing names them.
    pub fn publish(&self, repository: &Repository) -> Result<(), WriteObjectError> {
        let objects = repository.common_dir().join("objects");
        let shared = Shared::of(repository);
        for id in &self.written {
            let (folder, file) = names(id);
            let from = self.folder.path().join(folder).join(file);
            let packed = fs::read(from).map_err(|source| error(self.folder.path(), source))?;
            place(&objects, id, &packed, shared).map_err(|source| error(&objects, source))?;
        }
        Ok(())
    }
}

/// What `core.sharedRepository` adds to the modes of new files and folders (git-config(1)).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shared {
    file: u32,
    folder: u32,
}

impl Shared {
    pub(super) fn of(repository: &Repository) -> Self {
        let value = repository.inner.config_snapshot().string("core.sharedRepository");
        let value = value.map(|value| value.to_string().to_ascii_lowercase()).unwrap_or_default();
        match value.as_str() {
            "group" | "true" | "yes" | "on" | "1" => Self { file: 0o440, folder: 0o2770 },
            "all" | "world" | "everybody" | "2" => Self { file: 0o444, folder: 0o2775 },
            octal if octal.starts_with('0') && octal.len() > 1 => {
                let mode = u32::from_str_radix(octal, 8).unwrap_or(0) & 0o666;
                // Whoever may read a folder's files must be able to enter it.
                Self { file: mode & 0o444, folder: mode | (mode & 0o444) >> 2 | 0o2000 }
            }
            _ => Self::default(),
        }
    }

    pub(super) fn apply_to_file(self, path: &Path) -> io::Result<()> {
        add_mode(self.file, path)
    }
}

fn add_mode(added: u32, path: &Path) -> io::Result<()> {
    if added == 0 {
        return Ok(());
    }
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, Permissions::from_mode(mode | added))
}

/// Writes a file under a temporary name, brings it to disk and gives it its name. One that is there already holds the
/// same and is replaced, so that it is young and no `git gc` takes it away.
fn place(objects: &Path, id: &ObjectId, packed: &[u8], shared: Shared) -> io::Result<()> {
    let (folder, name) = names(id);
    let folder = objects.join(folder);
    if !folder.is_dir() {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => add_mode(shared.folder, &folder)?,
        }
        File::open(objects)?.sync_all()?;
    }
    // Objects never change, so git lets nobody write them.
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(Permissions::from_mode(0o444))
        .tempfile_in(&folder)?;
    file.write_all(packed)?;
    file.as_file().sync_all()?;
    shared.apply_to_file(file.path())?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    File::open(&folder)?.sync_all()
}

/// The folder and the file of a loose object (gitrepository-layout(5)).
fn names(id: &ObjectId) -> (String, String) {
    let hex = id.to_string();
    let (folder, file) = hex.split_at_checked(2).unwrap_or_default();
    (folder.to_owned(), file.to_owned())
}

fn error(folder: &Path, source: io::Error) -> WriteObjectError {
    WriteObjectError::Folder { folder: folder.to_owned(), source }
}
