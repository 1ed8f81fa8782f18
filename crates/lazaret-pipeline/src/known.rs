//! The index of known text on disk: a folder of immutable segments, each named by the digest of its bytes.
//!
//! A segment is written under a temporary name and renamed when it is whole; nothing is changed in place. So
//! segments can be mapped into memory and copied from machine to machine, and a folder of them is the union of what
//! they hold.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use lazaret_core::Digest;
use lazaret_fingerprint::{Entry, Floor, Index, Segment, TextMatch};
use lazaret_intake::mapped::MappedFile;

mod commonplace;
mod from_files;
mod from_repository;
mod from_sessions;
mod merging;
mod signing;
mod verifying;

pub use from_files::{AddedFiles, add_files};
pub use from_repository::{AddRepositoryError, AddedRepository, add_repository};
pub use from_sessions::{Collected, Collector};
pub use lazaret_fingerprint::{BuildError, Class, SegmentBuilder, SegmentError, SegmentStats};
pub use merging::{Merging, merge_segments, merge_small_segments};
pub use signing::{SegmentSigning, SignatureError, Signing, sign_segment, sign_segments, signature_path};
pub use verifying::{
    IndexVerification, SegmentFault, SegmentFaultKind, Signatures, VerifiedSegment, verify_segments,
};

/// How the names of segments end.
const ENDING: &str = "lzseg";

/// The index of known text could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KnownTextError {
    /// The folder cannot be listed.
    #[error("cannot list the index of known text in `{folder}`")]
    List {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder holds no segment: a scan that asks nothing must not pass for one that found nothing.
    #[error("`{folder}` holds no index of known text")]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A segment cannot be read.
    #[error("cannot read the segment `{path}`")]
    Read {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A segment is damaged, of another version, or not a segment.
    #[error("the segment `{path}` cannot be used")]
    Segment {
        /// The segment.
        path: PathBuf,
        /// Why.
        #[source]
        source: SegmentError,
    },
    /// A segment's bytes are not those it is named by.
    #[error("the segment `{path}` was changed after it was written: its name is not the digest of its bytes")]
    Renamed {
        /// The segment.
        path: PathBuf,
    },
    /// A segment could not be written.
    #[error("cannot write a segment to `{folder}`")]
    Write {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: BuildError,
    },
}

impl KnownTextError {
    /// Whether a segment is not there any more that was there a moment ago.
    fn is_vanished(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// A segment in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes.
    pub bytes: u64,
}

/// The bytes of a segment.
#[derive(Debug)]
enum SegmentBytes {
    /// Of a file, which is never changed.
    Mapped(MappedFile),
    /// Of a segment that is never written down.
    Owned(Vec<u8>),
}

impl AsRef<[u8]> for SegmentBytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped.as_ref(),
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Known text, open for questions.
#[derive(Debug)]
pub struct KnownText {
    index: Index<SegmentBytes>,
    files: Vec<SegmentFile>,
    digests: BTreeSet<Digest>,
}

/// A match, and the entry that is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMatch {
    /// Which lines, and how they are the same.
    pub found: TextMatch,
    /// The known text.
    pub entry: Entry,
}

impl KnownText {
    /// Opens the segments of several folders, and holds every byte of each against its name and its checksums.
    /// Licences are known besides, as what everybody has.
    ///
    /// Segments stay on the disk: memory holds what questions touch.
    ///
    /// # Errors
    /// [`KnownTextError`] when a folder has no segment, or one cannot be read or is damaged: an answer from the
    /// others would not be complete.
    pub fn open(folders: &[PathBuf]) -> Result<Self, KnownTextError> {
        let mut known = while_segments_vanish(|| Self::open_listed(folders))?;
        let mut licences = SegmentBuilder::new();
        let memory = |source| KnownTextError::Write { folder: PathBuf::from("memory"), source };
        commonplace::add_licences(&mut licences).map_err(memory)?;
        known.add(licences)?;
        Ok(known)
    }

    fn open_listed(folders: &[PathBuf]) -> Result<Self, KnownTextError> {
        let (mut segments, mut files) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for folder in folders {
            let paths = segment_paths(folder)?;
            if paths.is_empty() {
                return Err(KnownTextError::Empty { folder: folder.clone() });
            }
            for path in paths {
                let (mapped, file) = map_segment(&path)?;
                if !seen.insert(file.digest) {
                    continue;
                }
                mapped.expect_single_places();
                let segment = Segment::open_checked_before(SegmentBytes::Mapped(mapped));
                segments.push(segment.map_err(|source| KnownTextError::Segment { path, source })?);
                files.push(file);
            }
        }
        Ok(Self { index: Index::new(segments), files, digests: seen })
    }

    /// Adds known text that is never written down.
    ///
    /// # Errors
    /// [`KnownTextError`] when it cannot be built.
    pub fn add(&mut self, builder: SegmentBuilder) -> Result<(), KnownTextError> {
        if builder.is_empty() {
            return Ok(());
        }
        let memory = || PathBuf::from("memory");
        let mut bytes = Vec::new();
        builder.finish(&mut bytes).map_err(|source| KnownTextError::Write { folder: memory(), source })?;
        let segment = Segment::open(SegmentBytes::Owned(bytes))
            .map_err(|source| KnownTextError::Segment { path: memory(), source })?;
        self.digests.insert(Digest::of(segment.as_bytes()));
        self.index.push(segment);
        Ok(())
    }

    /// Returns the segments, in the order of matches' numbers.
    #[must_use]
    pub fn files(&self) -> &[SegmentFile] {
        &self.files
    }

    /// Returns the digests of all segments, those included that were never written down.
    pub fn digests(&self) -> impl Iterator<Item = Digest> + '_ {
        self.digests.iter().copied()
    }

    /// Returns what the segments hold, each by itself.
    ///
    /// # Errors
    /// [`SegmentError`] when one turns out to be damaged.
    pub fn stats(&self) -> Result<Vec<SegmentStats>, SegmentError> {
        self.index.segments().iter().map(Segment::stats).collect()
    }

    /// Returns what a text shares with known texts.
    ///
    /// # Errors
    /// [`SegmentError`] when a segment turns out to be damaged: the answer would not be complete.
    pub fn matches(&self, text: &[u8]) -> Result<Vec<KnownMatch>, SegmentError> {
        let found = self.index.matches(text, &Floor::default())?;
        found.into_iter().map(|found| Ok(KnownMatch { entry: self.index.entry(&found)?, found })).collect()
    }
}

/// Writes a segment into a folder, which is made where it is missing; returns `None` where there is nothing to write.
///
/// # Errors
/// [`KnownTextError::Write`].
pub fn write_segment(folder: &Path, builder: SegmentBuilder) -> Result<Option<SegmentFile>, KnownTextError> {
    if builder.is_empty() {
        return Ok(None);
    }
    write(folder, |out| builder.finish(out)).map(Some)
}

fn write(
    folder: &Path,
    build: impl FnOnce(&mut BufWriter<&File>) -> Result<(), BuildError>,
) -> Result<SegmentFile, KnownTextError> {
    let error = |source: BuildError| KnownTextError::Write { folder: folder.to_owned(), source };
    let io_error = |source: io::Error| error(BuildError::Write(source));
    fs::create_dir_all(folder).map_err(io_error)?;
    let file = tempfile::Builder::new().prefix(".lazaret-").tempfile_in(folder).map_err(io_error)?;
    let mut out = BufWriter::new(file.as_file());
    build(&mut out).map_err(error)?;
    out.flush().map_err(io_error)?;
    drop(out);
    file.as_file().sync_all().map_err(io_error)?;
    let written = MappedFile::open(file.path()).map_err(io_error)?;
    let (digest, bytes) = (Digest::of(written.as_ref()), written.as_ref().len() as u64);
    drop(written);
    let path = folder.join(name_of(digest));
    file.persist(&path).map_err(|error| io_error(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error)?;
    Ok(SegmentFile { path, digest, bytes })
}

/// Maps a segment, and holds every byte of it against its name and its checksums.
fn map_segment(path: &Path) -> Result<(MappedFile, SegmentFile), KnownTextError> {
    let read = |source| KnownTextError::Read { path: path.to_owned(), source };
    let damaged = |source| KnownTextError::Segment { path: path.to_owned(), source };
    let mapped = MappedFile::open(path).map_err(read)?;
    let digest = Digest::of(mapped.as_ref());
    if path.file_name().is_none_or(|name| name != name_of(digest).as_str()) {
        return Err(KnownTextError::Renamed { path: path.to_owned() });
    }
    Segment::open(&mapped).map_err(damaged)?;
    let file = SegmentFile { path: path.to_owned(), digest, bytes: mapped.as_ref().len() as u64 };
    Ok((mapped, file))
}

/// Tries again where a segment that was listed is not there any more: whoever merges at this moment has put what it
/// said into another.
fn while_segments_vanish<T>(
    mut attempt: impl FnMut() -> Result<T, KnownTextError>,
) -> Result<T, KnownTextError> {
    const ATTEMPTS_MAX: usize = 4;
    for _ in 1..ATTEMPTS_MAX {
        match attempt() {
            Err(error) if error.is_vanished() => {}
            outcome => return outcome,
        }
    }
    attempt()
}

/// Returns the segments of a folder, by name.
fn segment_paths(folder: &Path) -> Result<Vec<PathBuf>, KnownTextError> {
    let error = |source| KnownTextError::List { folder: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name_of(digest: Digest) -> String {
    let text = digest.to_string();
    let hex = text.rsplit(':').next().unwrap_or(&text);
    format!("{hex}.{ENDING}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kinds: &[io::ErrorKind], expected: Result<usize, io::ErrorKind>) {
        let mut n_attempts = 0;
        let outcome = while_segments_vanish(|| {
            n_attempts += 1;
            let error =
                |&kind| KnownTextError::Read { path: PathBuf::from("a"), source: io::Error::from(kind) };
            kinds.get(n_attempts - 1).map_or(Ok(n_attempts), |kind| Err(error(kind)))
        });
        let outcome = outcome.map_err(|error| {
            let KnownTextError::Read { source, .. } = error else { panic!("{error}") };
            source.kind()
        });
        assert_eq!(outcome, expected);
    }

    #[test]
    fn a_segment_that_was_merged_meanwhile_is_no_error_and_one_that_is_not_there_is() {
        use io::ErrorKind::{NotFound, PermissionDenied};
        check(&[], Ok(1));
        check(&[NotFound, NotFound], Ok(3));
        check(&[NotFound; 9], Err(NotFound));
        check(&[PermissionDenied], Err(PermissionDenied));
    }
}
