//! Reads what recorders of authorship left in a repository: notes, refs of their own, and a file in the tree.
//!
//! Enter by [`read_recordings`]; each format has a parser of its own, which takes bytes and reads nothing else. What
//! people asked and tools answered is in many of these records and never read into memory that outlives the parser.

pub mod agent_trace;
pub mod agentnote;
mod census;
pub mod entire;
mod error;
pub mod git_ai;
mod git_ai_early;
mod git_ai_keys;
mod json;
mod path;
mod place;
mod reading;
pub mod whogitit;

use lazaret_core::{ObjectId, Recording};

use crate::git::{ObjectReader, Repository};

pub use census::{Census, census};
pub use entire::{CheckpointSession, Checkpoints, TranscriptRef};
pub use error::RecordingError;

/// A record that was met and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecord {
    /// The ref it lies under, or the path of the file it is a line of.
    pub place: String,
    /// The blob that holds it.
    pub object: ObjectId,
    /// Its line in the blob, from 1, where the blob holds one record a line.
    pub line: Option<u32>,
    /// The commit it is a note on; not necessarily one of this repository.
    pub commit: Option<ObjectId>,
    /// Why.
    pub reason: RecordingError,
}

/// A place that may hold records and could not be read, in whole or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadPlace {
    /// The ref, or the path of the file.
    pub place: String,
    /// Why.
    pub why: RecordingError,
}

/// What all recorders together left.
#[derive(Debug, Clone, Default)]
pub struct Recordings {
    /// What the records say, in the order of the refs; of one commit there may be several. Whether the repository has
    /// the commit, and whether a revision reaches it, is for the caller to see.
    pub recordings: Vec<Recording>,
    /// Checkpoints, which the messages of commits lead to: [`Checkpoints::link`].
    pub checkpoints: Checkpoints,
    /// Records that were not taken.
    pub refused: Vec<RefusedRecord>,
    /// Places that could not be read.
    pub unread: Vec<UnreadPlace>,
    /// Refs whose names or targets could not be read; any of them may have held records.
    pub n_unreadable_refs: u64,
    /// Records met, refused ones included; a note that several refs hold counts once.
    pub n_records: u64,
}

/// Reads every record under the refs of a repository, and those in the tree of `revision`, if one is given.
#[must_use]
pub fn read_recordings(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    revision: Option<ObjectId>,
) -> Recordings {
    let mut reading = reading::Reading::new(reader);
    let (refs, n_unreadable_refs) = repository.refs();
    for git_ref in &refs {
        if let Some(place) = place::of_ref(&git_ref.name) {
            reading.git_ref(&place, &git_ref.name.to_string(), git_ref.target);
        }
    }
    if let Some(revision) = revision {
        reading.tree_of(revision);
    }
    let mut recordings = reading.finish();
    git_ai_keys::resolve(&mut recordings.recordings);
    recordings.n_unreadable_refs = n_unreadable_refs;
    recordings
}
