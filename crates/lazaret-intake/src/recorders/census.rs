//! Counts what the recorders left in a repository and how much of it holds: the measure of these readers.

use std::collections::BTreeMap;

use lazaret_core::{CommitGraph, EntryKind, ObjectId, Recorder, RecordingFault};
use rustc_hash::FxHashMap;

use super::read_recordings;
use crate::git::{ObjectKind, ObjectReader, RawCommit, Repository, find_entry, walk_commits};

/// Counts over all records of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Records met.
    pub n_records: u64,
    /// Records taken, by recorder; one note may hold several.
    pub taken: BTreeMap<Recorder, u64>,
    /// Records refused, by reason: [`super::RecordingError::as_str`].
    pub refused: BTreeMap<&'static str, u64>,
    /// Places that could not be read.
    pub n_unread: u64,
    /// Recordings that name no file.
    pub n_without_files: u64,
    /// Runs of lines, before any was cut.
    pub n_spans: u64,
    /// Recordings of commits that the repository does not have; their runs were held against nothing.
    pub n_absent_commits: u64,
    /// Recordings of commits that the repository has and the revision does not reach.
    pub n_unreachable: u64,
    /// Faults, those found by holding the recordings against their commits' trees included.
    pub faults: BTreeMap<RecordingFault, u64>,
    /// Checkpoints.
    pub n_checkpoints: u64,
}

/// Reads all records, holds each against the tree of its commit, and counts.
#[must_use]
pub fn census(repository: &Repository, reader: &mut ObjectReader<'_>, revision: ObjectId) -> Census {
    let found = read_recordings(repository, reader, Some(revision));
    let mut census = Census {
        n_records: found.n_records,
        n_unread: found.unread.len() as u64 + found.n_unreadable_refs,
        n_checkpoints: found.checkpoints.len() as u64,
        ..Census::default()
    };
    for refused in &found.refused {
        *census.refused.entry(refused.reason.as_str()).or_default() += 1;
    }
    let mut graph = CommitGraph::default();
    walk_commits(repository, reader, &mut graph, [revision], |_, _| {});
    let mut line_counts = FxHashMap::default();
    for mut recording in found.recordings {
        *census.taken.entry(recording.recorder).or_default() += 1;
        census.n_without_files += u64::from(recording.files.is_empty());
        census.n_spans += recording.files.iter().map(|file| file.spans.len() as u64).sum::<u64>();
        match tree(reader, recording.commit) {
            None => census.n_absent_commits += 1,
            Some(tree) => {
                census.n_unreachable += u64::from(graph.find(&recording.commit).is_none());
                recording.clip(|path| n_lines(reader, &mut line_counts, tree, path));
            }
        }
        for (fault, count) in recording.faults {
            *census.faults.entry(fault).or_default() += count;
        }
    }
    census
}

fn tree(reader: &mut ObjectReader<'_>, commit: ObjectId) -> Option<ObjectId> {
    let raw = reader.read_as(&commit, ObjectKind::Commit).ok()?;
    RawCommit::parse(&raw).map(|commit| commit.tree)
}

/// Returns how many lines a file of a tree has; a last line without an ending counts.
fn n_lines(
    reader: &mut ObjectReader<'_>,
    known: &mut FxHashMap<ObjectId, u32>,
    tree: ObjectId,
    path: &[u8],
) -> Option<u32> {
    let entry = find_entry(reader, tree, path).ok()??;
    if entry.kind == EntryKind::Submodule {
        return None;
    }
    if let Some(count) = known.get(&entry.id) {
        return Some(*count);
    }
    let text = reader.read_as(&entry.id, ObjectKind::Blob).ok()?;
    let n_ended = memchr::memchr_iter(b'\n', &text).count();
    let is_open = text.last().is_some_and(|last| *last != b'\n');
    let count = u32::try_from(n_ended).ok()?.checked_add(u32::from(is_open))?;
    known.insert(entry.id, count);
    Some(count)
}
