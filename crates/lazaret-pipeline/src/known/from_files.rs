//! Adds files to the index of known text: text that may not be shipped, evaluation sets, text that everybody has.

use std::path::Path;

use lazaret_fingerprint::{BuildError, Class, Entry, Except, SegmentBuilder, Written};
use lazaret_intake::files::list_files;

use crate::scan::examine::is_binary;
use crate::scan::judging::printable;

/// What was added, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedFiles {
    /// Files that were added.
    pub n_added: u64,
    /// Files passed over because they are binary or links.
    pub n_passed_over: u64,
    /// What could not be read: each place and why.
    pub unread: Vec<String>,
}

/// Adds every text below a folder, or one file, under a name and for a reason.
///
/// # Errors
/// [`BuildError`] when there are too many entries. What cannot be read is in the answer.
pub fn add_files(
    builder: &mut SegmentBuilder,
    root: &Path,
    class: Class,
    name: &str,
    recorded_at: i64,
) -> Result<AddedFiles, BuildError> {
    let mut added = AddedFiles::default();
    let mut add = |builder: &mut SegmentBuilder, origin: String, path: &Path| {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) => {
                added.unread.push(format!("`{origin}`: {error}"));
                return Ok(());
            }
        };
        if is_binary(&text) {
            added.n_passed_over += 1;
            return Ok(());
        }
        let (tool, model) = (String::new(), String::new());
        let entry = Entry { class, name: name.to_owned(), origin, tool, model, recorded_at };
        added.n_added += 1;
        builder.add(&entry, &Written::whole(&text), &Except::new())
    };
    if root.is_file() {
        add(builder, printable(root.as_os_str().as_encoded_bytes()), root)?;
        return Ok(added);
    }
    let (files, errors) = list_files(root);
    for file in files.iter().filter(|file| !file.is_link) {
        add(builder, format!("{name}:{}", printable(&file.path)), &file.location)?;
    }
    added.n_passed_over += files.iter().filter(|file| file.is_link).count() as u64;
    added.unread.extend(errors.iter().map(ToString::to_string));
    Ok(added)
}
