//! Looks into the files at the revision: lines, size, marks in their text.

use std::sync::atomic::{AtomicUsize, Ordering};

use lazaret_core::{Digest, EntryKind, Evidence, Gap, GapKind, ObjectId};
use lazaret_evidence::Detectors;
use lazaret_evidence::surroundings::count_tokens;
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader};
use rustc_hash::FxHashMap;

use super::RECENT_BYTES;
use super::reading::{Listing, Reading, gap};

/// A zero byte among so many first bytes makes a content binary, as git has it.
const BINARY_PROBE: usize = 8000;

/// What is known of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileFacts {
    /// Lines of text; 0 for binary content.
    pub(crate) n_lines: u32,
    /// Tokens, where they are few enough to count.
    pub(crate) n_tokens: Option<u32>,
    /// Claims about the text.
    pub(crate) claims: Vec<Evidence>,
    /// What stood in the way.
    pub(crate) gap: Option<Gap>,
}

/// What is known of the files of a listing, in its order.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) files: Vec<FileFacts>,
}

/// What facts about a text depend on beside the detectors: the blob and the path it stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FactsKey {
    pub(crate) blob: ObjectId,
    pub(crate) path: Digest,
}

impl FactsKey {
    pub(crate) fn of(file: &ListedEntry) -> Self {
        Self { blob: file.entry.id, path: Digest::of(&file.path) }
    }
}

/// Facts that an earlier scan learned.
pub(crate) type KnownFacts = FxHashMap<FactsKey, FileFacts>;

/// Looks into every file of a listing that an earlier scan has not looked into.
pub(crate) fn examine_blobs(
    reading: &Reading<'_>,
    listing: &Listing,
    detectors: &Detectors,
    n_threads: usize,
) -> Examined {
    let store = reading.repository.objects();
    let known = reading.memory.known_facts();
    let files = in_parallel(listing.files.len(), n_threads, || {
        let mut reader = ObjectReader::new(store, RECENT_BYTES);
        move |file_ix| {
            let Some(file) = listing.files.get(file_ix) else { return FileFacts::default() };
            match known.get(&FactsKey::of(file)) {
                Some(facts) => facts.clone(),
                None => examine_entry(&mut reader, file, detectors),
            }
        }
    });
    Examined { files }
}

fn examine_entry(reader: &mut ObjectReader<'_>, file: &ListedEntry, detectors: &Detectors) -> FileFacts {
    if file.entry.kind == EntryKind::Submodule {
        let why = format!("a submodule at commit {}: scan its own repository", file.entry.id);
        return FileFacts { gap: Some(gap(GapKind::Submodule, why)), ..FileFacts::default() };
    }
    match reader.read_as(&file.entry.id, ObjectKind::Blob) {
        Ok(text) => examine_text(&file.path, &text, detectors),
        Err(error) => FileFacts { gap: Some(gap(error.gap(), error.to_string())), ..FileFacts::default() },
    }
}

/// Looks into a text.
pub(crate) fn examine_text(path: &[u8], text: &[u8], detectors: &Detectors) -> FileFacts {
    let facts = measure_text(text);
    let claims = if facts.gap.is_none() { detectors.content(path, text) } else { Vec::new() };
    FileFacts { claims, ..facts }
}

/// Counts what is in a text, and makes no claims about it.
pub(crate) fn measure_text(text: &[u8]) -> FileFacts {
    if is_binary(text) {
        let why = "binary content has no lines to attribute and no marks to read".to_owned();
        return FileFacts { gap: Some(gap(GapKind::Binary, why)), ..FileFacts::default() };
    }
    FileFacts { n_lines: count_lines(text), n_tokens: count_tokens(text), ..FileFacts::default() }
}

/// Whether a content is binary, as git has it.
pub(crate) fn is_binary(text: &[u8]) -> bool {
    memchr::memchr(0, text.get(..BINARY_PROBE.min(text.len())).unwrap_or_default()).is_some()
}

/// Counts lines; a last line without a newline counts.
pub(crate) fn count_lines(text: &[u8]) -> u32 {
    let n_newlines = memchr::memchr_iter(b'\n', text).count();
    let n_lines = n_newlines + usize::from(text.last().is_some_and(|&last| last != b'\n'));
    u32::try_from(n_lines).unwrap_or(u32::MAX)
}

/// Does numbered pieces of work on several threads and returns their results in order; each thread works with a
/// worker of its own.
pub(crate) fn in_parallel<T: Send, W: FnMut(usize) -> T>(
    n_pieces: usize,
    n_threads: usize,
    worker: impl Fn() -> W + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut piece = worker();
        let mut done = Vec::new();
        loop {
            let piece_ix = next.fetch_add(1, Ordering::Relaxed);
            if piece_ix >= n_pieces {
                return done;
            }
            done.push((piece_ix, piece(piece_ix)));
        }
    };
    let n_threads = n_threads.min(n_pieces).max(1);
    let mut done = if n_threads == 1 {
        work()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            let results = threads.into_iter().map(|thread| match thread.join() {
                Ok(done) => done,
                // A bug in one thread is a bug of the whole: half a result must not pass for a whole one.
                Err(panic) => std::panic::resume_unwind(panic),
            });
            results.flatten().collect()
        })
    };
    done.sort_by_key(|(piece_ix, _)| *piece_ix);
    done.into_iter().map(|(_, result)| result).collect()
}
