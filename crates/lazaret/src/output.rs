//! Where a command's data goes: standard output, or a file that appears only when it is whole.

use std::error::Error;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, ErrorKind, IntoInnerError, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// A destination for data.
#[derive(Debug)]
pub(crate) struct Output {
    /// The file; standard output where there is none.
    file: Option<NewFile>,
}

impl Output {
    /// Opens the file, or standard output where none is named or the name is `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, CommandError> {
        let path = path.filter(|path| *path != Path::new("-"));
        Ok(Self { file: path.map(NewFile::create).transpose()? })
    }

    /// Writes with `render` and makes the result final. A reader that hangs up early ends the writing, not the run.
    pub(crate) fn write(
        self,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CommandError> {
        if let Some(file) = self.file {
            return file.write(|out| render(out));
        }
        let mut stdout = BufWriter::new(io::stdout().lock());
        match render(&mut stdout).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                // What is still buffered has nowhere to go; dropping the buffer would try again.
                let (_stdout, _unwritten) = stdout.into_parts();
                Ok(())
            }
            Err(error) => {
                Err(CommandError::new(ExitCode::Failure, "cannot write to standard output").because(error))
            }
            Ok(()) => Ok(()),
        }
    }
}

/// A file under a temporary name beside its final one.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl NewFile {
    /// Creates the file under its temporary name.
    pub(crate) fn create(path: &Path) -> Result<Self, CommandError> {
        // The default of the temporary file, readable by its owner alone, is not what a report is for: the umask
        // decides, as for any other file.
        let file = tempfile::Builder::new()
            .prefix(".lazaret-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder_of(path))
            .map_err(|error| {
                cannot_write(path, without_temporary_name(folder_of(path), &error))
                    .hint("name a file in a folder that exists")
            })?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned() })
    }

    /// Writes with `render`, flushes to disk and renames, so that a killed run leaves no half file.
    pub(crate) fn write<E: Error + Send + Sync + 'static>(
        mut self,
        render: impl FnOnce(&mut BufWriter<NamedTempFile>) -> Result<(), E>,
    ) -> Result<(), CommandError> {
        render(&mut self.file).map_err(|error| cannot_write(&self.path, error))?;
        let path = self.path.clone();
        self.settle().map_err(|error| cannot_write(&path, error))
    }

    fn settle(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder_of(&self.path))?.sync_all()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn cannot_write(path: &Path, error: impl Error + Send + Sync + 'static) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("cannot write `{}`", path.display())).because(error)
}

/// Takes the temporary name out of an error: it means nothing to the caller.
fn without_temporary_name(folder: &Path, error: &io::Error) -> io::Error {
    std::fs::metadata(folder).err().unwrap_or_else(|| error.kind().into())
}
