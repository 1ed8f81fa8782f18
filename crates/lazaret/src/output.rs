//! Where a command's data goes: standard output, or a file that appears only when it is whole.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// A destination for data.
pub(crate) enum Output {
    /// Standard output.
    Stdout(BufWriter<StdoutLock<'static>>),
    /// A file, written under a temporary name beside its final one.
    File {
        /// The file under its temporary name.
        file: BufWriter<NamedTempFile>,
        /// The final name.
        path: PathBuf,
    },
}

impl Output {
    /// Opens the file, or standard output where none is named or the name is `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, CommandError> {
        match path {
            None => Ok(Self::Stdout(BufWriter::new(io::stdout().lock()))),
            Some(path) if path == Path::new("-") => Ok(Self::Stdout(BufWriter::new(io::stdout().lock()))),
            Some(path) => {
                // The default of the temporary file, readable by its owner alone, is not what a report is for:
                // the umask decides, as for any other file.
                let file = tempfile::Builder::new()
                    .prefix(".lazaret-")
                    .permissions(Permissions::from_mode(0o666))
                    .tempfile_in(folder_of(path))
                    .map_err(|error| cannot_write(path, error))?;
                Ok(Self::File { file: BufWriter::new(file), path: path.to_owned() })
            }
        }
    }

    /// Writes with `render` and makes the result final: a file is flushed to disk and then renamed, so that a
    /// killed run leaves no half file. A reader that hangs up early ends the writing, not the run.
    pub(crate) fn write(
        mut self,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CommandError> {
        match &mut self {
            Self::Stdout(stdout) => match render(stdout).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                Err(error) => {
                    Err(CommandError::new(ExitCode::Failure, "cannot write to standard output")
                        .because(error))
                }
                Ok(()) => Ok(()),
            },
            Self::File { file, path } => {
                let path = path.clone();
                render(file).and_then(|()| file.flush()).map_err(|error| cannot_write(&path, error))?;
                self.settle().map_err(|error| cannot_write(&path, error))
            }
        }
    }

    fn settle(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File { file, path } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| error.error)?;
                File::open(folder_of(&path))?.sync_all()
            }
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn cannot_write(path: &Path, error: io::Error) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("cannot write `{}`", path.display())).because(error)
}
