//! The index of known text on disk: a folder of immutable segments, each named by the digest of its bytes.
//!
//! A segment is written under a temporary name and renamed when it is whole; nothing is changed in place. So
//! segments can be copied from machine to machine, and a folder of them is the union of what they hold.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use lazaret_core::Digest;
use lazaret_fingerprint::{Entry, Floor, Index, Segment, TextMatch, merge};

mod commonplace;
mod from_files;
mod from_repository;
mod from_sessions;

pub use from_files::{AddedFiles, add_files};
pub use from_repository::{AddRepositoryError, AddedRepository, add_repository};
pub use from_sessions::{Collected, Collector};
pub use lazaret_fingerprint::{BuildError, Class, SegmentBuilder, SegmentError, SegmentStats};

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

/// Known text, open for questions.
#[derive(Debug)]
pub struct KnownText {
    index: Index<Vec<u8>>,
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
    /// # Errors
    /// [`KnownTextError`] when a folder has no segment, or one cannot be read or is damaged: an answer from the
    /// others would not be complete.
    pub fn open(folders: &[PathBuf]) -> Result<Self, KnownTextError> {
        let (mut segments, mut files) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for folder in folders {
            let paths = segment_paths(folder)?;
            if paths.is_empty() {
                return Err(KnownTextError::Empty { folder: folder.clone() });
            }
            for path in paths {
                let bytes =
                    fs::read(&path).map_err(|source| KnownTextError::Read { path: path.clone(), source })?;
                let digest = Digest::of(&bytes);
                if path.file_name().is_none_or(|name| name != name_of(digest).as_str()) {
                    return Err(KnownTextError::Renamed { path });
                }
                if !seen.insert(digest) {
                    continue;
                }
                let n_bytes = bytes.len() as u64;
                let segment = Segment::open(bytes)
                    .map_err(|source| KnownTextError::Segment { path: path.clone(), source })?;
                segments.push(segment);
                files.push(SegmentFile { path, digest, bytes: n_bytes });
            }
        }
        let mut known = Self { index: Index::new(segments), files, digests: seen };
        let mut licences = SegmentBuilder::new();
        let memory = |source| KnownTextError::Write { folder: PathBuf::from("memory"), source };
        commonplace::add_licences(&mut licences).map_err(memory)?;
        known.add(licences)?;
        Ok(known)
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
        let segment =
            Segment::open(bytes).map_err(|source| KnownTextError::Segment { path: memory(), source })?;
        self.digests.insert(Digest::of(segment.as_bytes()));
        let mut segments = self.index.segments().to_vec();
        segments.push(segment);
        self.index = Index::new(segments);
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

/// Makes one segment of all that a folder holds, and takes the others away when it is written; returns `None` where
/// there is nothing to merge.
///
/// # Errors
/// [`KnownTextError`] when a segment cannot be read or the new one not be written: then nothing is taken away.
pub fn merge_segments(folder: &Path) -> Result<Option<SegmentFile>, KnownTextError> {
    let known = KnownText::open(&[folder.to_owned()])?;
    if known.files.len() < 2 {
        return Ok(None);
    }
    // Beyond those of the folder there is what is never written down.
    let segments = known.index.segments().get(..known.files.len()).unwrap_or_default();
    let merged = write(folder, |out| merge(segments, out))?;
    for file in known.files.iter().filter(|file| file.digest != merged.digest) {
        fs::remove_file(&file.path).map_err(|source| KnownTextError::Write {
            folder: folder.to_owned(),
            source: BuildError::Write(source),
        })?;
    }
    Ok(Some(merged))
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
    let bytes = fs::read(file.path()).map_err(io_error)?;
    let digest = Digest::of(&bytes);
    let path = folder.join(name_of(digest));
    file.persist(&path).map_err(|error| io_error(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error)?;
    Ok(SegmentFile { path, digest, bytes: bytes.len() as u64 })
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
