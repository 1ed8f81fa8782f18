//! Commits and changes as they stand in segments.

use lazaret_core::{
    Change, Changes, CommitGraph, CommitIx, CommitRow, EntryKind, ObjectId, PathIx, TreeEntry,
};

use super::varint::{Decoder, put_number};

/// A segment whose checksum holds does not make sense: it was written by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a segment of the index does not make sense")]
pub struct DecodeError;

/// Writes the commits numbered `from` and up; none of them may be a boundary.
#[must_use]
pub fn encode_commits(graph: &CommitGraph, from: CommitIx) -> Vec<u8> {
    let mut out = Vec::new();
    let until = CommitIx::try_from(graph.len()).unwrap_or(CommitIx::MAX);
    put_number(u64::from(from), &mut out);
    put_number(u64::from(until), &mut out);
    let id_len = if from < until { graph.id(from).as_bytes().len() } else { 20 };
    put_number(id_len as u64, &mut out);
    for commit in from..until {
        out.extend_from_slice(graph.id(commit).as_bytes());
        out.extend_from_slice(graph.tree(commit).as_bytes());
        out.extend_from_slice(&graph.author_seconds(commit).to_le_bytes());
        out.extend_from_slice(&graph.committer_seconds(commit).to_le_bytes());
        let parents = graph.parents(commit);
        put_number(parents.len() as u64, &mut out);
        parents.iter().for_each(|&parent| put_number(u64::from(commit - parent), &mut out));
    }
    out
}

/// Adds the commits of a segment to the graph; they must continue it.
///
/// # Errors
/// [`DecodeError`]; the graph then holds a part of the segment.
pub fn decode_commits(payload: &[u8], graph: &mut CommitGraph) -> Result<(), DecodeError> {
    let mut decoder = Decoder::new(payload);
    let mut read = || {
        let from = decoder.number_u32()?;
        let until = decoder.number_u32()?;
        let id_len = usize::try_from(decoder.number()?).ok()?;
        if from as usize != graph.len() {
            return None;
        }
        for commit in from..until {
            let id = ObjectId::from_bytes(decoder.bytes(id_len)?)?;
            let tree = ObjectId::from_bytes(decoder.bytes(id_len)?)?;
            let author_seconds = i64::from_le_bytes(decoder.bytes(8)?.try_into().ok()?);
            let committer_seconds = i64::from_le_bytes(decoder.bytes(8)?.try_into().ok()?);
            let n_parents = decoder.number()?;
            let mut parents = Vec::new();
            for _ in 0..n_parents {
                parents.push(commit.checked_sub(decoder.number_u32()?)?);
            }
            let row = CommitRow { id, tree, parents, author_seconds, committer_seconds, boundary: None };
            if graph.push(&row) != commit {
                return None;
            }
        }
        decoder.is_done().then_some(())
    };
    read().ok_or(DecodeError)
}

/// Writes the changes of some commits, with the paths numbered `from_path` and up that they may be the first to
/// name.
#[must_use]
pub fn encode_changes(changes: &Changes, from_path: PathIx, commits: &[CommitIx]) -> Vec<u8> {
    let mut out = Vec::new();
    let until_path = PathIx::try_from(changes.n_paths()).unwrap_or(PathIx::MAX);
    put_number(u64::from(from_path), &mut out);
    put_number(u64::from(until_path), &mut out);
    for path in from_path..until_path {
        let path = changes.path(path);
        put_number(path.len() as u64, &mut out);
        out.extend_from_slice(path);
    }
    put_number(commits.len() as u64, &mut out);
    for &commit in commits {
        let of_commit = changes.of(commit);
        put_number(u64::from(commit), &mut out);
        put_number(of_commit.len() as u64, &mut out);
        for change in of_commit {
            put_number(u64::from(change.path), &mut out);
            put_entry(change.old, &mut out);
            put_entry(change.new, &mut out);
        }
    }
    out
}

/// Adds the changes of a segment; they must continue those that are there.
///
/// # Errors
/// [`DecodeError`]; some of the segment's changes may have been added then.
pub fn decode_changes(payload: &[u8], n_commits: usize, changes: &mut Changes) -> Result<(), DecodeError> {
    let mut decoder = Decoder::new(payload);
    let mut read = || {
        let from_path = decoder.number_u32()?;
        let until_path = decoder.number_u32()?;
        if from_path as usize != changes.n_paths() {
            return None;
        }
        for path in from_path..until_path {
            if changes.intern(decoder.counted_bytes()?) != path {
                return None;
            }
        }
        for _ in 0..decoder.number()? {
            let commit = decoder.number_u32().filter(|&commit| (commit as usize) < n_commits)?;
            let mut of_commit = Vec::new();
            for _ in 0..decoder.number()? {
                let path = decoder.number_u32().filter(|&path| path < until_path)?;
                of_commit.push(Change {
                    path,
                    old: take_entry(&mut decoder)?,
                    new: take_entry(&mut decoder)?,
                });
            }
            changes.record(commit, of_commit);
        }
        decoder.is_done().then_some(())
    };
    read().ok_or(DecodeError)
}

/// The tag says which kind and how long the id is: 0 nothing, 1 to 3 SHA-1, 4 to 6 SHA-256.
fn put_entry(entry: Option<TreeEntry>, out: &mut Vec<u8>) {
    let Some(entry) = entry else {
        out.push(0);
        return;
    };
    let kind = match entry.kind {
        EntryKind::File => 1,
        EntryKind::Link => 2,
        EntryKind::Submodule => 3,
    };
    let by_hash = match entry.id {
        ObjectId::Sha1(_) => 0,
        ObjectId::Sha256(_) => 3,
    };
    out.push(kind + by_hash);
    out.extend_from_slice(entry.id.as_bytes());
}

fn take_entry(decoder: &mut Decoder<'_>) -> Option<Option<TreeEntry>> {
    let tag = *decoder.bytes(1)?.first()?;
    let kind = match tag {
        0 => return Some(None),
        1 | 4 => EntryKind::File,
        2 | 5 => EntryKind::Link,
        3 | 6 => EntryKind::Submodule,
        _ => return None,
    };
    let id = ObjectId::from_bytes(decoder.bytes(if tag <= 3 { 20 } else { 32 })?)?;
    Some(Some(TreeEntry { kind, id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ObjectId {
        ObjectId::Sha1([byte; 20])
    }

    fn graph() -> CommitGraph {
        let mut graph = CommitGraph::default();
        for (number, parents) in [(1, vec![]), (2, vec![0]), (3, vec![0, 1])] {
            graph.push(&CommitRow {
                id: id(number),
                tree: id(number + 100),
                parents,
                author_seconds: -5,
                committer_seconds: i64::MAX,
                boundary: None,
            });
        }
        graph
    }

    #[test]
    fn commits_come_back() {
        let graph = graph();
        let mut again = CommitGraph::default();
        decode_commits(&encode_commits(&graph, 0), &mut again).unwrap();
        assert_eq!(
            (0..3).map(|c| again.to_row(c)).collect::<Vec<_>>(),
            (0..3).map(|c| graph.to_row(c)).collect::<Vec<_>>()
        );
        // A segment that does not continue the graph is refused.
        assert_eq!(decode_commits(&encode_commits(&graph, 1), &mut CommitGraph::default()), Err(DecodeError));
    }

    #[test]
    fn changes_come_back_and_nonsense_is_refused() {
        let mut changes = Changes::default();
        let path = changes.intern(b"src/\xff.rs");
        let file = TreeEntry { kind: EntryKind::File, id: id(9) };
        let link = TreeEntry { kind: EntryKind::Link, id: ObjectId::Sha256([7; 32]) };
        changes.record(0, [Change { path, old: None, new: Some(file) }]);
        changes.record(2, [Change { path, old: Some(file), new: Some(link) }]);
        let payload = encode_changes(&changes, 0, &[0, 2]);
        let mut again = Changes::default();
        decode_changes(&payload, 3, &mut again).unwrap();
        assert_eq!(
            (again.of(0), again.of(2), again.path(0)),
            (changes.of(0), changes.of(2), changes.path(0))
        );
        for end in 0..payload.len() {
            assert_eq!(decode_changes(&payload[..end], 3, &mut Changes::default()), Err(DecodeError));
        }
        assert_eq!(decode_changes(&payload, 2, &mut Changes::default()), Err(DecodeError));
    }
}
