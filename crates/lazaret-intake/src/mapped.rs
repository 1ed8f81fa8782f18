//! A file's bytes as the operating system maps them, without a copy: the one place with `unsafe` in it.
//!
//! Why there is such a place, and what keeps it the only one, is told in
//! `docs/decisions/0009-map-segments-into-memory.md`.
#![expect(
    unsafe_code,
    reason = "to map a file is to promise that nobody changes it, which no type can check"
)]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;
#[cfg(unix)]
use memmap2::{Advice, UncheckedAdvice};

/// A file that is written once and never changed, mapped into memory for reading.
///
/// Only what is looked at is read from the disk, and the operating system drops it again when it needs the room.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a whole file, to be read from end to end first.
    ///
    /// Only for files that nobody changes in place: a program that cuts one off while it is mapped ends this process
    /// with `SIGBUS`, as it would git's with one of git's packs. A file that is replaced or removed by name stays what
    /// it was.
    ///
    /// # Errors
    /// When the file cannot be opened or mapped, as a folder or a pipe cannot.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the bytes must not change while they are mapped. The files mapped here are named by the digest of
        // their bytes, written under another name and renamed when they are whole, and held against that digest once
        // they are mapped; no code of ours writes to one afterwards. Whoever may write to the folder can break that on
        // purpose, and can as well put other segments there, which accuse whom they like: `SECURITY.md` names the
        // folder as trusted.
        let map = unsafe { Mmap::map(&file) }?;
        // It is advice: without it, the same is read in other portions.
        #[cfg(unix)]
        drop(map.advise(Advice::Sequential));
        Ok(Self(map))
    }

    /// Says that single places are asked for from now on, in no order, and gives back the memory of what was read so
    /// far; whatever is asked for again is mapped again.
    pub fn expect_single_places(&self) {
        #[cfg(unix)]
        {
            // SAFETY: the map is shared, read-only and of a file, so that a page that is given back comes again with
            // the bytes of the file, which do not change, as said in `open`.
            let given_back = unsafe { self.0.unchecked_advise(UncheckedAdvice::DontNeed) };
            // It is advice: without it, more memory is held until somebody else needs it, and more is read at once.
            drop(given_back);
            drop(self.0.advise(Advice::Random));
        }
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_file_before_and_after_they_were_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        assert_eq!(mapped.as_ref(), bytes);
        mapped.expect_single_places();
        assert_eq!(mapped.as_ref(), bytes);
    }

    #[test]
    fn a_file_that_is_replaced_or_removed_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        std::fs::write(&path, b"first").unwrap();
        std::fs::write(&other, b"second").unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(mapped.as_ref(), b"first");
        std::fs::remove_file(&path).unwrap();
        mapped.expect_single_places();
        assert_eq!(mapped.as_ref(), b"first");
    }

    #[test]
    fn an_empty_file_has_no_bytes_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"").unwrap();
        assert_eq!(MappedFile::open(&path).unwrap().as_ref(), b"");
        assert!(MappedFile::open(&folder.path().join("none")).is_err());
        assert!(MappedFile::open(folder.path()).is_err());
    }
}
