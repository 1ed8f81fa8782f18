//! The snapshot: policy, catalog of endpoints and exemptions in one file, for who decides while nobody answers.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lazaret_core::Endpoint;
use lazaret_evidence::endpoints::IndexError;
use lazaret_policy::egress::EgressPolicy;
use serde::{Deserialize, Serialize};

use super::decisions::Decider;
use super::exemptions::KeptExemptions;

/// The name of the format.
pub const SNAPSHOT_FORMAT: &str = "lazaret.egress-snapshot/1";

/// The largest snapshot that is read, in bytes.
const SNAPSHOT_BYTES_MAX: u64 = 64 << 20;

/// Everything that decisions rest on, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Snapshot {
    format: String,
    version: String,
    made: Timestamp,
    policy: EgressPolicy,
    endpoints: Vec<Endpoint>,
    exemptions: KeptExemptions,
}

/// A snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file could not be written.
    #[error("the snapshot `{}` cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("the snapshot `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no snapshot.
    #[error("`{}` is no snapshot of this version: line {line}, column {column}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Where it stops being one, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// A row of its catalog cannot be matched.
    #[error("the catalog in the snapshot cannot be used")]
    Index(#[from] IndexError),
}

impl Snapshot {
    pub(super) fn new(
        made: Timestamp,
        policy: EgressPolicy,
        endpoints: Vec<Endpoint>,
        exemptions: KeptExemptions,
    ) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: SNAPSHOT_FORMAT.to_owned(), version, made, policy, endpoints, exemptions }
    }

    /// Writes it under another name first, so that nobody ever reads half of it.
    ///
    /// Only its owner and its group may read it: it holds logins and names.
    ///
    /// # Errors
    /// [`SnapshotError::Write`]; the old file stays then.
    pub fn write(&self, path: &Path) -> Result<(), SnapshotError> {
        let failed = |source| SnapshotError::Write { path: path.to_owned(), source };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".egress-snapshot-");
        let mut file = builder.tempfile_in(folder).map_err(failed)?;
        let mut text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        file.write_all(&text).map_err(failed)?;
        restrict(file.as_file()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// Reads one, ready to decide.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read(path: &Path) -> Result<Decider, SnapshotError> {
        let failed = |source| SnapshotError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(failed)?.len() > SNAPSHOT_BYTES_MAX {
            return Err(failed(std::io::Error::other("it is too large")));
        }
        let text = fs::read(path).map_err(failed)?;
        let form = |line, column| SnapshotError::Form { path: path.to_owned(), line, column };
        let read: Self = serde_json::from_slice(&text).map_err(|error| form(error.line(), error.column()))?;
        if read.format != SNAPSHOT_FORMAT {
            return Err(form(1, 1));
        }
        Ok(Decider::new(read.policy, read.endpoints, read.exemptions)?)
    }
}

#[cfg(unix)]
fn restrict(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o640))
}

#[cfg(not(unix))]
fn restrict(_: &File) -> std::io::Result<()> {
    Ok(())
}
