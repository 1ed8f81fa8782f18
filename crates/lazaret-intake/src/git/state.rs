//! Tells whether an object store still holds what it held.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use lazaret_core::Digest;

use super::object::ObjectStore;

impl ObjectStore {
    /// Returns a digest of the packs that were opened and of the loose objects that are there now, by name, size and
    /// time. While it is the same, what could not be read before cannot be read now.
    ///
    /// # Errors
    /// When a folder of objects cannot be listed.
    pub fn state(&self) -> io::Result<Digest> {
        let mut rows = Vec::new();
        for pack in self.pack_paths() {
            rows.push(row(pack, &fs::metadata(pack)?));
        }
        for folder in self.loose_folders() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let is_spread = entry.file_name().len() == 2 && entry.file_type()?.is_dir();
                for object in fs::read_dir(entry.path()).into_iter().flatten().filter(|_| is_spread) {
                    let object = object?;
                    rows.push(row(&object.path(), &object.metadata()?));
                }
            }
        }
        rows.sort_unstable();
        Ok(Digest::of_parts(rows.iter().map(Vec::as_slice)))
    }
}

fn row(path: &Path, metadata: &Metadata) -> Vec<u8> {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanoseconds = modified.map_or(0, |modified| modified.as_nanos());
    let mut row = path.as_os_str().as_encoded_bytes().to_vec();
    row.push(0);
    row.extend(metadata.len().to_le_bytes());
    row.extend(nanoseconds.to_le_bytes());
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    use gix::hash::Kind;

    #[test]
    fn it_changes_with_every_object_and_not_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let state = || ObjectStore::open(folder.path(), Kind::Sha1).unwrap().state().unwrap();
        let empty = state();
        assert_eq!(state(), empty);
        fs::create_dir(folder.path().join("a3")).unwrap();
        fs::create_dir(folder.path().join("info")).unwrap();
        assert_eq!(state(), empty, "folders are no objects");
        let object = folder.path().join("a3").join("b2".repeat(19));
        fs::write(&object, "an object").unwrap();
        let one = state();
        assert_ne!(one, empty);
        fs::write(&object, "a longer object").unwrap();
        assert_ne!(state(), one);
        fs::remove_file(&object).unwrap();
        assert_eq!(state(), empty);
    }
}
