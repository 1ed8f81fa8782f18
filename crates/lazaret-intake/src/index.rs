//! The index: what has been read of a repository, kept on disk so that the next scan reads only what is new.
//!
//! The file is a row of checksummed segments behind a header, appended and never changed in place; see
//! `docs/format/index.md`. Losing it costs time and nothing else: a segment that does not check ends what is
//! taken from the file, and the rest is read from the repository again.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use lazaret_core::Digest;
use xxhash_rust::xxh3::xxh3_64;

mod rows;
mod varint;

pub use rows::{DecodeError, decode_changes, decode_commits, encode_changes, encode_commits};
pub use varint::{Decoder, put_number};

const MAGIC: &[u8; 8] = b"LAZINDX1";
const SEGMENT_HEADER_BYTES: usize = 1 + 32 + 8;
const CHECKSUM_BYTES: usize = 8;

/// The index file could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act} the index `{path}`")]
pub struct IndexError {
    act: &'static str,
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// What a segment holds; the numbers are written to disk and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Commits, parents first.
    Commits,
    /// What commits changed against their first parents.
    Changes,
    /// Claims that detectors make about commits.
    Claims,
    /// What is known of blobs: lines, tokens, claims about their text.
    Blobs,
    /// Which marked commits own which lines.
    Ownership,
    /// What became of marks beside the revision.
    Carried,
}

impl SegmentKind {
    const ALL: [Self; 6] =
        [Self::Commits, Self::Changes, Self::Claims, Self::Blobs, Self::Ownership, Self::Carried];

    fn number(self) -> u8 {
        match self {
            Self::Commits => 1,
            Self::Changes => 2,
            Self::Claims => 3,
            Self::Blobs => 4,
            Self::Ownership => 5,
            Self::Carried => 6,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// One segment: what it holds, what it depends on, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What it holds.
    pub kind: SegmentKind,
    /// The digest of everything it depends on beside the repository's objects; another digest, another world.
    pub key: Digest,
    /// The content.
    pub payload: Vec<u8>,
}

/// An open index file, locked against other writers.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    file: File,
    /// Whether another process holds the file: nothing is saved then.
    read_only: bool,
    /// Whether bytes that do not check stand behind the whole segments.
    damaged: bool,
}

/// An opened index and what it held.
#[derive(Debug)]
pub struct OpenedIndex {
    /// The file.
    pub index: Index,
    /// The segments, in the order they were appended.
    pub segments: Vec<Segment>,
    /// Bytes that were given up because a segment did not check.
    pub damaged_bytes: u64,
}

impl Index {
    /// Opens the index of one repository below a cache folder, and creates it where there is none.
    ///
    /// `repository` tells repositories apart: the canonical path of the folder that their work trees share.
    ///
    /// # Errors
    /// [`IndexError`] when the file cannot be created or read; the caller goes on without an index.
    pub fn open(cache_dir: &Path, repository: &Path) -> Result<OpenedIndex, IndexError> {
        let name = Digest::of(repository.as_os_str().as_encoded_bytes()).to_string();
        let name = name.trim_start_matches("sha256:");
        let path = cache_dir.join(format!("{name}.index"));
        let error = |act| {
            let path = path.clone();
            move |source| IndexError { act, path, source }
        };
        std::fs::create_dir_all(cache_dir).map_err(error("create a folder for"))?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(error("open"))?;
        let read_only = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(source)) => return Err(error("lock")(source)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(error("read"))?;
        let (segments, whole_bytes) = parse(&bytes);
        let damaged_bytes = (bytes.len() - whole_bytes) as u64;
        let index = Self { path, file, read_only, damaged: damaged_bytes > 0 };
        Ok(OpenedIndex { index, segments, damaged_bytes })
    }

    /// Whether another process holds the file, so that nothing can be saved.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Appends segments behind the whole ones and makes them durable; a damaged end is cut off first, even where
    /// there is nothing to append.
    ///
    /// # Errors
    /// [`IndexError`] when the file cannot be written.
    pub fn append(&mut self, segments: &[Segment]) -> Result<(), IndexError> {
        if self.read_only || (segments.is_empty() && !self.damaged) {
            return Ok(());
        }
        self.write(segments).map_err(|source| IndexError { act: "write", path: self.path.clone(), source })
    }

    fn write(&mut self, segments: &[Segment]) -> Result<(), std::io::Error> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let (_, whole_bytes) = parse(&bytes);
        self.file.set_len(whole_bytes as u64)?;
        self.file.seek(SeekFrom::Start(whole_bytes as u64))?;
        let mut out = Vec::new();
        if whole_bytes == 0 {
            out.extend_from_slice(MAGIC);
        }
        segments.iter().for_each(|segment| put_segment(segment, &mut out));
        self.file.write_all(&out)?;
        self.file.sync_data()?;
        self.damaged = false;
        Ok(())
    }

    /// Replaces everything in the file: for when most of it has been superseded.
    ///
    /// # Errors
    /// [`IndexError`] when the file cannot be written.
    pub fn rewrite(&mut self, segments: &[Segment]) -> Result<(), IndexError> {
        if self.read_only {
            return Ok(());
        }
        let emptied = self.file.set_len(0);
        emptied.and_then(|()| self.write(segments)).map_err(|source| IndexError {
            act: "write",
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that is being started at this moment holds a copy of it.
        if !self.read_only {
            drop(self.file.unlock());
        }
    }
}

fn put_segment(segment: &Segment, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(segment.kind.number());
    out.extend_from_slice(segment.key.as_bytes());
    out.extend_from_slice(&(segment.payload.len() as u64).to_le_bytes());
    out.extend_from_slice(&segment.payload);
    let checksum = xxh3_64(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Returns the segments up to the first that does not check, and how many bytes they and the header take.
fn parse(bytes: &[u8]) -> (Vec<Segment>, usize) {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else { return (Vec::new(), 0) };
    let mut segments = Vec::new();
    while let Some((segment, after)) = take_segment(rest) {
        segments.push(segment);
        rest = after;
    }
    (segments, bytes.len() - rest.len())
}

fn take_segment(bytes: &[u8]) -> Option<(Segment, &[u8])> {
    let (header, rest) = bytes.split_at_checked(SEGMENT_HEADER_BYTES)?;
    let (kind, rest_of_header) = header.split_first()?;
    let (key, len) = rest_of_header.split_at_checked(32)?;
    let len = usize::try_from(u64::from_le_bytes(len.try_into().ok()?)).ok()?;
    let (payload, rest) = rest.split_at_checked(len)?;
    let (checksum, rest) = rest.split_at_checked(CHECKSUM_BYTES)?;
    let checked = bytes.get(..SEGMENT_HEADER_BYTES + len)?;
    if xxh3_64(checked).to_le_bytes() != checksum {
        return None;
    }
    let key = Digest::from_bytes(key.try_into().ok()?);
    let segment = Segment { kind: SegmentKind::from_number(*kind)?, key, payload: payload.to_vec() };
    Some((segment, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: SegmentKind, payload: &[u8]) -> Segment {
        Segment { kind, key: Digest::of(b"key"), payload: payload.to_vec() }
    }

    #[test]
    fn segments_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Path::new("/srv/acme/parser");
        let mut opened = Index::open(folder.path(), repository).unwrap();
        assert!(opened.segments.is_empty() && opened.damaged_bytes == 0);
        let first = segment(SegmentKind::Commits, b"one");
        let second = segment(SegmentKind::Claims, b"");
        opened.index.append(std::slice::from_ref(&first)).unwrap();
        opened.index.append(std::slice::from_ref(&second)).unwrap();
        drop(opened);
        let again = Index::open(folder.path(), repository).unwrap();
        assert_eq!(again.segments, [first, second]);
        let other = Index::open(folder.path(), Path::new("/srv/acme/lexer")).unwrap();
        assert!(other.segments.is_empty());
    }

    #[test]
    fn a_second_writer_saves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let first = Index::open(folder.path(), Path::new("r")).unwrap();
        let mut second = Index::open(folder.path(), Path::new("r")).unwrap();
        assert!(!first.index.is_read_only() && second.index.is_read_only());
        second.index.append(&[segment(SegmentKind::Commits, b"lost")]).unwrap();
        drop((first, second));
        assert!(Index::open(folder.path(), Path::new("r")).unwrap().segments.is_empty());
    }

    #[test]
    fn every_flipped_or_missing_byte_is_noticed() {
        let mut whole = MAGIC.to_vec();
        let segments = [segment(SegmentKind::Commits, b"commits"), segment(SegmentKind::Blobs, b"blobs")];
        segments.iter().for_each(|segment| put_segment(segment, &mut whole));
        assert_eq!(parse(&whole), (segments.to_vec(), whole.len()));
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x40;
            assert!(parse(&damaged).0.len() < 2, "flip at {position}");
            assert!(parse(&whole[..position]).0.len() < 2, "cut at {position}");
        }
    }

    #[test]
    fn a_damaged_end_is_cut_off_before_appending() {
        let folder = tempfile::tempdir().unwrap();
        let first = segment(SegmentKind::Commits, b"one");
        let mut opened = Index::open(folder.path(), Path::new("r")).unwrap();
        opened.index.append(std::slice::from_ref(&first)).unwrap();
        let path = opened.index.path.clone();
        drop(opened);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"half a segment");
        std::fs::write(&path, bytes).unwrap();
        let mut opened = Index::open(folder.path(), Path::new("r")).unwrap();
        assert_eq!((opened.segments.len(), opened.damaged_bytes), (1, 14));
        opened.index.append(std::slice::from_ref(&first)).unwrap();
        drop(opened);
        assert_eq!(Index::open(folder.path(), Path::new("r")).unwrap().segments, [first.clone(), first]);
    }
}
