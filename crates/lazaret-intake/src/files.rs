//! Lists the files of a folder without history.

use std::path::{Path, PathBuf};

/// A file or link below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The path from the folder, with `/` between its parts, as bytes.
    pub path: Vec<u8>,
    /// Where it lies.
    pub location: PathBuf,
    /// Whether it is a symbolic link: its target is its content, and it is not followed.
    pub is_link: bool,
}

/// A file or folder that could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list `{location}`")]
pub struct ListError {
    /// Where it lies.
    pub location: PathBuf,
    #[source]
    source: std::io::Error,
}

/// Returns every file below a folder, sorted by path, and everything that could not be listed.
///
/// `.git` folders are passed over; symbolic links are listed and not followed; sockets, devices and pipes are
/// not content and are passed over.
#[must_use]
pub fn list_files(folder: &Path) -> (Vec<FoundFile>, Vec<ListError>) {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    let mut todo = vec![(folder.to_owned(), Vec::new())];
    while let Some((location, path)) = todo.pop() {
        let entries = match std::fs::read_dir(&location) {
            Ok(entries) => entries,
            Err(source) => {
                errors.push(ListError { location, source });
                continue;
            }
        };
        for entry in entries {
            let typed = entry.and_then(|entry| Ok((entry.file_type()?, entry)));
            let (kind, entry) = match typed {
                Ok(typed) => typed,
                Err(source) => {
                    errors.push(ListError { location: location.clone(), source });
                    continue;
                }
            };
            let name = entry.file_name();
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_encoded_bytes());
            if kind.is_dir() {
                if name != ".git" {
                    todo.push((entry.path(), path));
                }
            } else if kind.is_file() || kind.is_symlink() {
                files.push(FoundFile { path, location: entry.path(), is_link: kind.is_symlink() });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    (files, errors)
}
