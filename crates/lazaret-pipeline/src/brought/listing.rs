//! Asks what was brought about every file of a listing.

use lazaret_core::{EntryKind, Evidence};
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader, ObjectStore};

use super::Brought;
use crate::scan::RECENT_BYTES;
use crate::scan::examine::in_parallel;

/// Returns the claims about each file, in order; nothing at all where nothing was brought that speaks of contents.
pub(crate) fn of_files(
    brought: Option<&Brought>,
    store: &ObjectStore,
    files: &[ListedEntry],
    n_threads: usize,
) -> Vec<Vec<Evidence>> {
    let Some(brought) = brought.filter(|brought| !brought.knows_no_content()) else { return Vec::new() };
    in_parallel(files.len(), n_threads, || {
        let mut reader = ObjectReader::new(store, RECENT_BYTES);
        move |file_ix| {
            let file = files.get(file_ix).filter(|file| file.entry.kind != EntryKind::Submodule);
            // What cannot be read is a gap already, and has no proof.
            let text = file.and_then(|file| reader.read_as(&file.entry.id, ObjectKind::Blob).ok());
            text.map(|text| brought.of_text(&text)).unwrap_or_default()
        }
    })
}
