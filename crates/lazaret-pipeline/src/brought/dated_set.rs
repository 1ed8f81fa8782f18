//! Sets of dated hashes: a sorted file of hashes, and a manifest that says of which day and from where they are.
//!
//! The file is mapped, read once from end to end to hold it against its digest and its order, and then asked by binary
//! search: what is not asked for is not kept in memory. See `docs/format/dated-set.md`.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use lazaret_core::Digest;
use lazaret_intake::mapped::MappedFile;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The value of a manifest's `format`.
pub const DATED_SET_FORMAT: &str = "lazaret.dated-set/1";

/// A manifest is a few lines.
const MANIFEST_BYTES_MAX: usize = 64 << 10;

/// How much of the file is digested at a time.
const CHUNK_ROWS: usize = 1 << 13;

/// A size behind a hash, in bytes: little-endian.
const SIZE_BYTES: usize = 8;

/// What is hashed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashKind {
    /// git's name of the content as a blob, by SHA-1, as in Software Heritage's `sha1_git`.
    GitSha1,
    /// The SHA-256 of the content.
    Sha256,
}

/// How the hashes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    /// One after the other, each with the content's size behind it where the manifest says so.
    Binary,
    /// Lower-case hexadecimal, one a line.
    Hex,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DatedSetManifest {
    format: String,
    name: String,
    #[serde(deserialize_with = "toml_day")]
    day: Date,
    source: String,
    file: String,
    hash: HashKind,
    encoding: Encoding,
    #[serde(default)]
    sizes: bool,
    count: u64,
    sha256: Digest,
}

/// A set cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatedSetError {
    /// A file of it cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The manifest is not one.
    #[error("`{path}` is no manifest of the format `{DATED_SET_FORMAT}`: {why}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file has not as many bytes as so many hashes.
    #[error(
        "`{path}` has {bytes} bytes, and {expected} are {count} hashes: it was cut off, or is another file"
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// How many bytes there are.
        bytes: u64,
        /// How many there should be.
        expected: u64,
        /// How many hashes the manifest says there are.
        count: u64,
    },
    /// The bytes are not those of the manifest.
    #[error("`{path}` is not the file that its manifest names: its digest is {found}")]
    Altered {
        /// The file.
        path: PathBuf,
        /// What its digest is.
        found: Digest,
    },
    /// The hashes are not in order.
    #[error("hash {nth} of `{path}` is not greater than the one before it: sort the file, each hash once")]
    Unsorted {
        /// The file.
        path: PathBuf,
        /// Which, counted from 1.
        nth: u64,
    },
    /// A line is no hash.
    #[error("line {nth} of `{path}` is no hash in lower-case hexadecimal")]
    Digits {
        /// The file.
        path: PathBuf,
        /// Which, counted from 1.
        nth: u64,
    },
}

/// A set that is whole, in order, and the one that its manifest names.
#[derive(Debug)]
pub struct DatedSet {
    manifest: DatedSetManifest,
    digest: Digest,
    file: MappedFile,
    width: usize,
}

impl DatedSet {
    /// Opens a set by its manifest, and reads the whole file of hashes once.
    ///
    /// # Errors
    /// [`DatedSetError`] when either cannot be read, or the file is cut off, altered or not in order.
    pub fn open(path: &Path) -> Result<Self, DatedSetError> {
        let read = |source| DatedSetError::Read { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(read)?;
        let manifest =
            manifest(&bytes).map_err(|why| DatedSetError::Manifest { path: path.to_owned(), why })?;
        let file_path = path.parent().unwrap_or_else(|| Path::new("")).join(&manifest.file);
        let file = MappedFile::open(&file_path)
            .map_err(|source| DatedSetError::Read { path: file_path.clone(), source })?;
        let width = manifest.width();
        let (bytes_there, count) = (file.as_ref().len() as u64, manifest.count);
        let expected = count.saturating_mul(width as u64);
        if bytes_there != expected {
            return Err(DatedSetError::Length { path: file_path, bytes: bytes_there, expected, count });
        }
        let set = Self { digest: Digest::of(&bytes), manifest, file, width };
        set.check(&file_path)?;
        set.file.expect_single_places();
        Ok(set)
    }

    fn check(&self, path: &Path) -> Result<(), DatedSetError> {
        let mut hasher = Sha256::new();
        let hash_width = self.manifest.hash_width();
        let mut before: Option<&[u8]> = None;
        let mut nth = 0;
        for chunk in self.file.as_ref().chunks(self.width * CHUNK_ROWS) {
            hasher.update(chunk);
            for row in chunk.chunks_exact(self.width) {
                nth += 1;
                let hash = row.get(..hash_width).unwrap_or_default();
                if self.manifest.encoding == Encoding::Hex && !is_line(row) {
                    return Err(DatedSetError::Digits { path: path.to_owned(), nth });
                }
                if before.is_some_and(|before| before >= hash) {
                    return Err(DatedSetError::Unsorted { path: path.to_owned(), nth });
                }
                before = Some(hash);
            }
        }
        let found = Digest::from_bytes(hasher.finalize().into());
        if found == self.manifest.sha256 {
            Ok(())
        } else {
            Err(DatedSetError::Altered { path: path.to_owned(), found })
        }
    }

    /// Whether the set holds a text, by the hash that it is a set of, and by its size where the set has sizes.
    pub(crate) fn holds(&self, git_sha1: &[u8; 20], sha256: &Digest, text: &[u8]) -> bool {
        let hash: &[u8] = match self.manifest.hash {
            HashKind::GitSha1 => git_sha1,
            HashKind::Sha256 => sha256.as_bytes(),
        };
        let wanted = match self.manifest.encoding {
            Encoding::Binary => hash.to_vec(),
            Encoding::Hex => hash.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
        };
        self.find(&wanted).is_some_and(|row| {
            let size = row.get(wanted.len()..).filter(|_| self.manifest.sizes);
            size.is_none_or(|size| size == (text.len() as u64).to_le_bytes())
        })
    }

    /// Finds the row of a hash: about thirty steps in a thousand million.
    fn find(&self, wanted: &[u8]) -> Option<&[u8]> {
        let rows = self.file.as_ref();
        let (mut first, mut after) = (0, rows.len() / self.width);
        while first < after {
            let middle = first + (after - first) / 2;
            let row = rows.get(middle * self.width..(middle + 1) * self.width)?;
            match row.get(..wanted.len())?.cmp(wanted) {
                Ordering::Equal => return Some(row),
                Ordering::Less => first = middle + 1,
                Ordering::Greater => after = middle,
            }
        }
        None
    }

    /// Returns what people call the set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Returns the SHA-256 of the manifest, by which a policy names the set.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the day on which every content of the set was there.
    #[must_use]
    pub fn day(&self) -> Date {
        self.manifest.day
    }

    /// Returns what it is a set of.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        self.manifest.hash
    }

    /// Returns how many hashes it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.manifest.count
    }

    /// Returns where the hashes are from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.manifest.source
    }
}

impl DatedSetManifest {
    /// Returns how many bytes a hash has, as it is written.
    fn hash_width(&self) -> usize {
        let bytes = match self.hash {
            HashKind::GitSha1 => 20,
            HashKind::Sha256 => 32,
        };
        match self.encoding {
            Encoding::Binary => bytes,
            Encoding::Hex => bytes * 2,
        }
    }

    /// Returns how many bytes a row has.
    fn width(&self) -> usize {
        let more = match self.encoding {
            Encoding::Binary if self.sizes => SIZE_BYTES,
            Encoding::Binary => 0,
            // The line's end.
            Encoding::Hex => 1,
        };
        self.hash_width() + more
    }
}

fn is_line(row: &[u8]) -> bool {
    row.split_last().is_some_and(|(end, digits)| {
        *end == b'\n' && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn manifest(bytes: &[u8]) -> Result<DatedSetManifest, String> {
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(format!("it has more than {MANIFEST_BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let manifest: DatedSetManifest = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    if manifest.format != DATED_SET_FORMAT {
        return Err(format!("its format is `{}`", manifest.format));
    }
    if manifest.count == 0 || manifest.name.trim().is_empty() || manifest.source.trim().is_empty() {
        return Err("`count`, `name` and `source` must say something".to_owned());
    }
    if Path::new(&manifest.file).components().count() != 1 || manifest.file.starts_with('.') {
        return Err("`file` must name a file that lies beside the manifest".to_owned());
    }
    if manifest.sizes && manifest.encoding == Encoding::Hex {
        return Err("only a binary set has sizes".to_owned());
    }
    Ok(manifest)
}

fn toml_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let day = toml::value::Datetime::deserialize(deserializer)?;
    let is_day = day.time.is_none() && day.offset.is_none();
    let date = day.date.filter(|_| is_day).and_then(|date| date.to_string().parse().ok());
    date.ok_or_else(|| serde::de::Error::custom("`day` is no day, as in 2020-12-15"))
}

#[cfg(test)]
mod tests;
