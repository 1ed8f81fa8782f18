//! A file that is being written and has no name yet: whoever is killed leaves it where nobody takes it for a whole one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tempfile::{Builder, TempPath};
use tokio::fs::File as AsyncFile;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::error::{ShelfError, failed};
use super::folder::blocking;

/// Where a shelf's unfinished files lie. No name on a shelf begins with a dot.
pub(super) const UNFINISHED: &str = ".unfinished";

/// How long an unfinished file that nobody holds was not written to, before it is taken for a leftover. A writer takes
/// hold of its file at once; this is for the moment in between.
const LEFTOVER_AGE: Duration = Duration::from_secs(60 * 60);

/// A file of any size that is being written. Dropped without a name, it is gone.
#[derive(Debug)]
pub struct Spool {
    /// Removed when dropped, and before the file is let go.
    written: TempPath,
    file: AsyncFile,
}

/// A file that is whole and on the disk, and has no name yet.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) written: TempPath,
    pub(super) file: File,
}

impl Spool {
    /// Begins a file among the unfinished ones of a folder.
    pub(super) async fn within(root: PathBuf) -> Result<Self, ShelfError> {
        blocking(move || Whole::begin(&root).map(Self::from)).await
    }

    /// Begins a file among the temporary ones of this machine.
    pub(super) async fn elsewhere() -> Result<Self, ShelfError> {
        blocking(|| {
            let folder = std::env::temp_dir();
            let made = tempfile::NamedTempFile::new_in(&folder).map_err(failed(&folder, "written"))?;
            let (file, written) = made.into_parts();
            Ok(Self::from(Whole { written, file }))
        })
        .await
    }

    /// Returns where the file lies for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.written
    }

    /// Waits until all that was written is on the disk.
    pub(super) async fn whole(self) -> Result<Whole, ShelfError> {
        let Self { written, mut file } = self;
        // Only this tells of a write that failed after it was taken.
        file.flush().await.map_err(failed(&written, "written"))?;
        file.sync_all().await.map_err(failed(&written, "written"))?;
        Ok(Whole { file: file.into_std().await, written })
    }
}

impl From<Whole> for Spool {
    fn from(Whole { written, file }: Whole) -> Self {
        Self { written, file: AsyncFile::from_std(file) }
    }
}

impl Whole {
    /// Writes a file that is whole from the beginning.
    pub(super) fn of(root: &Path, bytes: &Bytes) -> Result<Self, ShelfError> {
        let mut whole = Self::begin(root)?;
        let result = whole.file.write_all(bytes).and_then(|()| whole.file.sync_all());
        result.map_err(failed(&whole.written, "written"))?;
        Ok(whole)
    }

    /// Makes an empty file among the unfinished ones of a folder. The folder itself must be there.
    fn begin(root: &Path) -> Result<Self, ShelfError> {
        let folder = root.join(UNFINISHED);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ShelfError::NoFolder { path: root.to_owned() });
            }
            Err(error) => return Err(ShelfError::of_file(&folder, "written", error)),
        }
        let made = builder().tempfile_in(&folder).map_err(failed(&folder, "written"))?;
        let (file, written) = made.into_parts();
        // Where the file system has no locks, nothing is ever taken for a leftover either.
        drop(file.try_lock());
        Ok(Self { written, file })
    }
}

/// Files get the permissions that the user's mask leaves, so that a ledger can be published out of its folder.
fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix("").rand_bytes(20);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Removes what killed writers left, as far as it can: whatever stays is seen by the next one.
///
/// The age is taken against a new file of the same file system, whose clock may be another machine's.
pub(super) fn sweep(root: &Path) -> io::Result<()> {
    let folder = root.join(UNFINISHED);
    if !folder.is_dir() {
        return Ok(());
    }
    let now = builder().tempfile_in(&folder)?.as_file().metadata()?.modified()?;
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let age = entry.metadata()?.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        if !entry.file_type()?.is_file() || age.is_none_or(|age| age < LEFTOVER_AGE) {
            continue;
        }
        let file = File::open(entry.path())?;
        match file.try_lock() {
            Ok(()) => fs::remove_file(entry.path())?,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(())
}

impl AsyncWrite for Spool {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.file).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(context)
    }
}
