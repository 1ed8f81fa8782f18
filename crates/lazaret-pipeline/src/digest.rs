//! Digests of files, read once from beginning to end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use lazaret_core::Digest;
use sha2::{Digest as _, Sha256};

/// How much is read at a time.
const READ_BYTES: usize = 1 << 18;

/// Returns the SHA-256 of a file's bytes.
pub(crate) fn digest_of_file(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let n_read = file.read(&mut bytes)?;
        let Some(read) = bytes.get(..n_read).filter(|read| !read.is_empty()) else {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        };
        hasher.update(read);
    }
}
