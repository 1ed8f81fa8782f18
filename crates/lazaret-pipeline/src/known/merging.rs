//! Makes one segment of several: of all, when somebody asks for it, or of the small ones, when they have become many.
//!
//! A segment that somebody signed stays what was signed: it is in no merge.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lazaret_fingerprint::{BuildError, Segment, merge};

use super::signing::is_signed;
use super::{KnownTextError, SegmentFile, map_segment, segment_paths, write};

/// Up to so many segments a folder is left as it is by [`merge_small_segments`]: each of them is asked for every key.
const SEGMENTS_MAX: usize = 16;

/// Of the segments that outweigh all smaller ones together, so many are left alone: what is written of them again is
/// in no relation to what came.
const LEFT_ALONE_MAX: usize = SEGMENTS_MAX / 2;

/// What merging all segments of a folder came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merging {
    /// The segment that says what the others said; `None` where there were fewer than two to merge.
    pub merged: Option<SegmentFile>,
    /// How many were left alone because somebody has signed them.
    pub n_signed: usize,
}

/// Makes one segment of all that a folder holds and that nobody has signed, and takes those away when it is written.
///
/// A segment is signed that has a file beside it with `.sig` behind its name.
///
/// # Errors
/// [`KnownTextError`] when a segment cannot be read or the new one not be written: then nothing is taken away.
pub fn merge_segments(folder: &Path) -> Result<Merging, KnownTextError> {
    let paths = segment_paths(folder)?;
    if paths.is_empty() {
        return Err(KnownTextError::Empty { folder: folder.to_owned() });
    }
    let (signed, unsigned): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_signed(path));
    Ok(Merging { merged: merge_these(folder, &unsigned)?, n_signed: signed.len() })
}

/// Makes one segment of the smaller ones, where a folder holds more than 16 that nobody has signed; returns `None`
/// where it does not.
///
/// # Errors
/// [`KnownTextError`] when a segment cannot be read or the new one not be written: then nothing is taken away.
pub fn merge_small_segments(folder: &Path) -> Result<Option<SegmentFile>, KnownTextError> {
    let mut sized = Vec::new();
    for path in segment_paths(folder)?.into_iter().filter(|path| !is_signed(path)) {
        let metadata =
            fs::metadata(&path).map_err(|source| KnownTextError::Read { path: path.clone(), source })?;
        sized.push((metadata.len(), path));
    }
    merge_these(folder, &small_ones(sized))
}

/// Chooses the segments to merge so that no byte is written more often than the logarithm of all bytes.
fn small_ones(mut sized: Vec<(u64, PathBuf)>) -> Vec<PathBuf> {
    if sized.len() <= SEGMENTS_MAX {
        return Vec::new();
    }
    sized.sort();
    for _ in 0..LEFT_ALONE_MAX {
        let Some(((largest, _), smaller)) = sized.split_last() else { break };
        if *largest <= smaller.iter().map(|(size, _)| size).sum() {
            break;
        }
        sized.pop();
    }
    sized.into_iter().map(|(_, path)| path).collect()
}

/// Makes one segment of several, and takes those away when it is written.
fn merge_these(folder: &Path, paths: &[PathBuf]) -> Result<Option<SegmentFile>, KnownTextError> {
    let (mut segments, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        let (mapped, file) = map_segment(path)?;
        let segment = Segment::open_checked_before(mapped);
        segments.push(segment.map_err(|source| KnownTextError::Segment { path: path.clone(), source })?);
        files.push(file);
    }
    if files.len() < 2 {
        return Ok(None);
    }
    let merged = write(folder, |out| merge(&segments, out))?;
    // Not every system lets go of a file that is still mapped.
    drop(segments);
    // What somebody has signed meanwhile stays.
    for file in files.iter().filter(|file| file.digest != merged.digest && !is_signed(&file.path)) {
        match fs::remove_file(&file.path) {
            Ok(()) => {}
            // Somebody else merged the same, and their segment says the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let source = BuildError::Write(error);
                return Err(KnownTextError::Write { folder: folder.to_owned(), source });
            }
        }
    }
    Ok(Some(merged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sizes: &[u64], merged: &[u64]) {
        let sized = sizes.iter().map(|&size| (size, PathBuf::from(size.to_string()))).collect();
        let chosen: Vec<u64> =
            small_ones(sized).iter().map(|path| path.to_str().unwrap().parse().unwrap()).collect();
        assert_eq!(chosen, merged);
    }

    #[test]
    fn a_few_segments_are_left_as_they_are() {
        check(&[], &[]);
        check(&[5; 16], &[]);
    }

    #[test]
    fn what_outweighs_all_smaller_ones_is_not_written_again() {
        check(&[5; 17], &[5; 17]);
        let mut sizes = vec![5; 17];
        sizes.extend([1_000_000, 2_000]);
        check(&sizes, &[5; 17]);
    }

    #[test]
    fn there_are_fewer_segments_afterwards_whatever_their_sizes() {
        let doubling: Vec<u64> = (0..17).map(|nth| 3_u64.pow(nth)).collect();
        check(&doubling, doubling.get(..9).unwrap());
    }
}
