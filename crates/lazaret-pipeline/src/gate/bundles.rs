//! What earlier scans know of blobs and paths, read from their bundles and asked by name.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::path::PathBuf;

use lazaret_core::{Digest, ObjectId, Origin, Span};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::identity::{name_of_lines, rewritten_names};
use crate::bundle::{BUNDLE_FORMAT, BundleRow, Statement};

mod reading;

/// A bundle could not be read. A gate that lacks one knows less than it is told to know, so it does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ReadBundleError {
    /// The file cannot be read.
    #[error("cannot read the bundle `{path}`")]
    Read {
        /// The bundle.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no Parquet file, or a damaged one.
    #[error("the bundle `{path}` is damaged, or no Parquet file")]
    Parquet {
        /// The bundle.
        path: PathBuf,
        /// Why.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// The file is no bundle of this version.
    #[error(
        "`{path}` is no bundle of the format `{BUNDLE_FORMAT}`: {found}; write it anew with `lazaret scan --bundle`"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// A row makes no sense.
    #[error("row {row} of the bundle `{path}` has no valid `{column}`")]
    Row {
        /// The bundle.
        path: PathBuf,
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: &'static str,
    },
}

/// There are more rows than can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the scan knows more of this history than can be held against records: {} statements are too many",
    u32::MAX
)]
pub struct TooManyRows;

/// Statements of several bundles, by blob and by path.
#[derive(Debug, Default)]
pub struct Bundles {
    sources: Vec<Source>,
    statements: Interned<Statement>,
    paths: Interned<String>,
    rows: Vec<Row>,
    /// The first row of each blob and the last.
    by_blob: FxHashMap<ObjectId, (u32, u32)>,
    /// The blobs that something is stated against, by the name of their lines.
    by_lines: FxHashMap<Digest, Vec<ObjectId>>,
    /// Whether something is stated against blobs whose lines have no name.
    has_unnamed_lines: bool,
    /// The taints that any version at a path has, by bundle and path.
    by_path: FxHashMap<(u32, u32), FxHashSet<u32>>,
    /// Names of bytes that were cut out of longer contents.
    parts: FxHashSet<ObjectId>,
    /// Whether any blob is named by SHA-256: asked for every record.
    names_sha256: bool,
}

/// One bundle.
#[derive(Debug, Clone)]
pub struct Source {
    /// The repository that was scanned.
    pub origin: Origin,
    /// The digest of the file.
    pub digest: Digest,
    /// How many rows it has.
    pub rows: u64,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    source: u32,
    lines: Option<Span>,
    commit: Option<ObjectId>,
    /// `None` where nothing is stated but that the blob stands there.
    statement: Option<u32>,
    /// The next row of the same blob.
    next: Option<u32>,
}

/// What a bundle states about a blob.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stated<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) lines: Option<Span>,
    pub(crate) commit: Option<ObjectId>,
    /// `None` where nothing is stated but that the blob stands there.
    pub(crate) statement: Option<&'a Statement>,
}

/// Values that come again and again, each kept once.
#[derive(Debug)]
struct Interned<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32, FxBuildHasher>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn number<Q>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q>,
        Q: ToOwned<Owned = T> + Eq + Hash + ?Sized,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.to_owned());
        self.numbers.insert(value.to_owned(), next);
        next
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }
}

impl Bundles {
    /// Reads bundles, in the order given.
    ///
    /// # Errors
    /// [`ReadBundleError`] for the first that cannot be read whole.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ReadBundleError> {
        let mut bundles = Self::default();
        for path in paths {
            bundles.add(path)?;
        }
        Ok(bundles)
    }

    /// Takes the place of the bundle of a scan that was just made, by the digest of the bytes it is written to; what
    /// it states is added row by row.
    pub(crate) fn of_scan(origin: Origin, digest: Digest, rows: u64) -> Self {
        // The lines of parts have no names.
        Self { sources: vec![Source { origin, digest, rows }], has_unnamed_lines: true, ..Self::default() }
    }

    /// Adds a statement to the first bundle.
    pub(crate) fn add_row(&mut self, row: BundleRow) -> Result<(), TooManyRows> {
        let BundleRow { blob, path, lines, commit, statement, lines_sha256 } = row;
        let statement = self.statements.number(&statement);
        self.name_lines(blob, statement, lines_sha256);
        self.take((blob, &path), Row { source: 0, lines, commit, statement: Some(statement), next: None })
    }

    /// Adds that a blob stands in the first origin, whether anything is stated of it or not.
    pub(crate) fn add_blob(&mut self, blob: ObjectId) -> Result<(), TooManyRows> {
        self.push(blob, Row { source: 0, lines: None, commit: None, statement: None, next: None })
    }

    /// Adds that such bytes were cut out of a longer content of the first origin: few as they may be, they are not
    /// trivial for that.
    pub(crate) fn add_piece(&mut self, blob: ObjectId) -> Result<(), TooManyRows> {
        self.parts.insert(blob);
        self.add_blob(blob)
    }

    /// Whether such bytes were cut out of a longer content.
    pub(crate) fn is_part(&self, blob: &ObjectId) -> bool {
        self.parts.contains(blob)
    }

    /// Returns the bundles, in order.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether any bundle names blobs by SHA-256.
    pub(crate) fn names_sha256(&self) -> bool {
        self.names_sha256
    }

    /// Returns what all bundles state about a blob, in their order.
    pub(crate) fn of_blob<'a>(&'a self, blob: &ObjectId) -> impl Iterator<Item = Stated<'a>> + use<'a> {
        let row = |number: u32| self.rows.get(number as usize);
        let first = self.by_blob.get(blob).and_then(|(first, _)| row(*first));
        std::iter::successors(first, move |before| row(before.next?)).filter_map(|row| {
            let Row { source, lines, commit, statement, next: _ } = *row;
            let origin = &self.sources.get(source as usize)?.origin;
            let statement = match statement {
                Some(number) => Some(self.statements.get(number)?),
                None => None,
            };
            Some(Stated { origin, lines, commit, statement })
        })
    }

    /// Returns what all bundles state about blobs that hold the lines of a text under other names: with other line
    /// ends, a byte order mark or another end.
    pub(crate) fn of_lines(&self, text: &[u8]) -> impl Iterator<Item = Stated<'_>> {
        let mut blobs = self.by_lines.get(&name_of_lines(text)).cloned().unwrap_or_default();
        if self.has_unnamed_lines {
            blobs.extend(rewritten_names(text));
        }
        blobs.sort_unstable();
        blobs.dedup();
        blobs.into_iter().flat_map(|blob| self.of_blob(&blob))
    }

    /// Returns the taints that any version of a path has in the repositories that a record may mean by a name.
    pub(crate) fn of_path(&self, repository: &str, path: &str) -> Vec<(&Origin, &Statement)> {
        let Some(path) = self.paths.numbers.get(path).copied() else { return Vec::new() };
        let mut found = Vec::new();
        for (source, number) in self.sources.iter().zip(0..) {
            if !is_named(&source.origin.path, repository) {
                continue;
            }
            let mut statements: Vec<u32> =
                self.by_path.get(&(number, path)).into_iter().flatten().copied().collect();
            statements.sort_unstable();
            found.extend(
                statements
                    .into_iter()
                    .filter_map(|taint| Some((&source.origin, self.statements.get(taint)?))),
            );
        }
        found
    }

    /// Notes the name of a blob's lines, where something is stated against it.
    fn name_lines(&mut self, blob: ObjectId, statement: u32, lines_sha256: Option<Digest>) {
        if !self.statements.get(statement).is_some_and(Statement::is_against) {
            return;
        }
        let Some(name) = lines_sha256 else {
            // What could not be read is a gap, and nobody knows its lines.
            self.has_unnamed_lines |= matches!(self.statements.get(statement), Some(Statement::Taint { .. }));
            return;
        };
        let blobs = self.by_lines.entry(name).or_default();
        // Rows of one blob follow each other.
        if blobs.last() != Some(&blob) {
            blobs.push(blob);
        }
    }

    /// Takes a row with a statement about a blob at a path.
    fn take(&mut self, (blob, path): (ObjectId, &str), row: Row) -> Result<(), TooManyRows> {
        let path = self.paths.number(path);
        if let Some(number) = row.statement
            && matches!(self.statements.get(number), Some(Statement::Taint { .. }))
        {
            self.by_path.entry((row.source, path)).or_default().insert(number);
        }
        self.push(blob, row)
    }

    fn push(&mut self, blob: ObjectId, row: Row) -> Result<(), TooManyRows> {
        let number = u32::try_from(self.rows.len()).map_err(|_too_many| TooManyRows)?;
        self.rows.push(row);
        self.names_sha256 |= matches!(blob, ObjectId::Sha256(_));
        let (_, last) = self.by_blob.entry(blob).or_insert((number, number));
        if *last != number {
            let before = self.rows.get_mut(std::mem::replace(last, number) as usize);
            before.into_iter().for_each(|before| before.next = Some(number));
        }
        Ok(())
    }
}

/// Whether a record that names `repository` may mean the repository at `place`: the last parts of both are the same.
fn is_named(place: &str, repository: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let text = text.trim_end_matches('/').trim_end_matches(".git");
        text.rsplit('/').take(2).map(str::to_ascii_lowercase).collect()
    };
    let (place, repository) = (parts(place), parts(repository));
    !repository.is_empty() && place.starts_with(&repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_means_a_repository_by_its_last_parts() {
        for (place, repository) in [
            ("/srv/acme/parser", "acme/parser"),
            ("/srv/Acme/parser.git", "acme/Parser"),
            ("/srv/acme/parser", "parser"),
            ("/srv/acme/parser/", "https://git.example/acme/parser.git"),
        ] {
            assert!(is_named(place, repository), "{place} {repository}");
        }
        for (place, repository) in
            [("/srv/acme/parser", "other/parser"), ("/srv/acme/parser", "acme"), ("/srv/acme/parser", "")]
        {
            assert!(!is_named(place, repository), "{place} {repository}");
        }
    }
}
