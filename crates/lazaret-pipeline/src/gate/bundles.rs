//! What earlier scans know of blobs and paths, read from their bundles and asked by name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use arrow_array::{Array as _, RecordBatch};
use jiff::civil::Date;
use lazaret_core::{Digest, Directness, GapKind, ObjectId, Origin, OriginKind, Role, Span, Strength, Taint};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use serde::de::DeserializeOwned;

use crate::bundle::{BUNDLE_FORMAT, BundleRow, Statement, schema};
use crate::digest::digest_of_file;

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
    by_blob: FxHashMap<ObjectId, Vec<u32>>,
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

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn number(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        match self.numbers.entry(value) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.values.push(entry.key().clone());
                *entry.insert(next)
            }
        }
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
        Self { sources: vec![Source { origin, digest, rows }], ..Self::default() }
    }

    /// Adds a statement to the first bundle.
    pub(crate) fn add_row(&mut self, row: BundleRow) -> Result<(), TooManyRows> {
        let BundleRow { blob, path, lines, commit, statement } = row;
        self.take(0, (blob, path), (lines, commit, statement))
    }

    /// Adds that a blob stands in the first origin, whether anything is stated of it or not.
    pub(crate) fn add_blob(&mut self, blob: ObjectId) -> Result<(), TooManyRows> {
        self.push(blob, Row { source: 0, lines: None, commit: None, statement: None })
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
    pub(crate) fn of_blob(&self, blob: &ObjectId) -> impl Iterator<Item = Stated<'_>> {
        self.by_blob.get(blob).into_iter().flatten().filter_map(|row| {
            let Row { source, lines, commit, statement } = *self.rows.get(*row as usize)?;
            let origin = &self.sources.get(source as usize)?.origin;
            let statement = match statement {
                Some(number) => Some(self.statements.get(number)?),
                None => None,
            };
            Some(Stated { origin, lines, commit, statement })
        })
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

    fn add(&mut self, path: &Path) -> Result<(), ReadBundleError> {
        let read = |source| ReadBundleError::Read { path: path.to_owned(), source };
        let parquet = |source| ReadBundleError::Parquet { path: path.to_owned(), source };
        let digest = digest_of_file(path).map_err(read)?;
        let file = File::open(path).map_err(read)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
        let pairs = builder.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key)?;
            pair.value.clone()
        };
        let format = |found: String| ReadBundleError::Format { path: path.to_owned(), found };
        match value("format") {
            Some(found) if found == BUNDLE_FORMAT => {}
            Some(found) => return Err(format(format!("it says `{found}`"))),
            None => return Err(format("it says nothing of its format".to_owned())),
        }
        let origin = value("origin").and_then(|text| origin_of(&text, value("rev")));
        let origin = origin.ok_or_else(|| format("it names no origin".to_owned()))?;
        if builder.schema().fields() != schema().fields() {
            return Err(format("its columns are others".to_owned()));
        }
        let source = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        let mut n_rows = 0;
        for batch in builder.build().map_err(parquet)? {
            let batch = batch.map_err(|error| parquet(error.into()))?;
            for row in 0..batch.num_rows() {
                let error =
                    |column| ReadBundleError::Row { path: path.to_owned(), row: n_rows + row, column };
                self.read_row(source, &Cells { batch: &batch, row }).map_err(error)?;
            }
            n_rows += batch.num_rows();
        }
        self.sources.push(Source { origin, digest, rows: n_rows as u64 });
        Ok(())
    }

    fn read_row(&mut self, source: u32, cells: &Cells<'_>) -> Result<(), &'static str> {
        let blob: ObjectId = cells.parsed("blob")?.ok_or("blob")?;
        let path = cells.text("path").ok_or("path")?.to_owned();
        let lines = match (cells.number("start"), cells.number("end")) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(Span::new(start, end).map_err(|_empty| "start")?),
            (Some(_), None) | (None, Some(_)) => return Err("end"),
        };
        let stated = (lines, cells.parsed("commit")?, cells.statement()?);
        self.take(source, (blob, path), stated).map_err(|TooManyRows| "blob")
    }

    fn take(
        &mut self,
        source: u32,
        (blob, path): (ObjectId, String),
        (lines, commit, statement): (Option<Span>, Option<ObjectId>, Statement),
    ) -> Result<(), TooManyRows> {
        let is_taint = matches!(statement, Statement::Taint { .. });
        let (path, statement) = (self.paths.number(path), self.statements.number(statement));
        if is_taint {
            self.by_path.entry((source, path)).or_default().insert(statement);
        }
        self.push(blob, Row { source, lines, commit, statement: Some(statement) })
    }

    fn push(&mut self, blob: ObjectId, row: Row) -> Result<(), TooManyRows> {
        let number = u32::try_from(self.rows.len()).map_err(|_too_many| TooManyRows)?;
        self.rows.push(row);
        self.names_sha256 |= matches!(blob, ObjectId::Sha256(_));
        self.by_blob.entry(blob).or_default().push(number);
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

/// Reads `git:/srv/acme/parser`.
fn origin_of(text: &str, rev: Option<String>) -> Option<Origin> {
    let (kind, path) = text.split_once(':')?;
    let kinds = [OriginKind::Git, OriginKind::Directory, OriginKind::Dataset];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    Some(Origin { kind, path: path.to_owned(), rev })
}

/// The cells of one row.
struct Cells<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl<'a> Cells<'a> {
    fn text(&self, column: &str) -> Option<&'a str> {
        let column = self.batch.column_by_name(column)?.as_string_opt::<i32>()?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    fn number(&self, column: &str) -> Option<u32> {
        let column = self.batch.column_by_name(column)?.as_primitive_opt::<UInt32Type>()?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    fn truth(&self, column: &str) -> Option<bool> {
        let column = self.batch.column_by_name(column)?.as_boolean_opt()?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    /// Returns a value that has a form of its own; an error where it is there and has another.
    fn parsed<T: std::str::FromStr>(&self, column: &'static str) -> Result<Option<T>, &'static str> {
        self.text(column).map(|text| text.parse().map_err(|_other| column)).transpose()
    }

    /// Returns a word of a closed list.
    fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, &'static str> {
        let text = self.text(column).ok_or(column)?;
        serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_other| column)
    }

    fn statement(&self) -> Result<Statement, &'static str> {
        match self.text("statement") {
            Some("taint") => {
                let taint = Taint {
                    tool: self.parsed("tool")?,
                    provider: self.parsed("provider")?,
                    model: self.parsed("model")?,
                    model_provider: self.parsed("model_provider")?,
                    role: self.word::<Role>("role")?,
                    strength: self.word::<Strength>("strength")?,
                    directness: match self.truth("direct").ok_or("direct")? {
                        true => Directness::Direct,
                        false => Directness::Derived,
                    },
                };
                Ok(Statement::Taint { detector: self.parsed("detector")?.ok_or("detector")?, taint })
            }
            Some("predates") => Ok(Statement::Predates { on: self.parsed::<Date>("on")?.ok_or("on")? }),
            Some("gap") => Ok(Statement::Gap { kind: self.word::<GapKind>("gap")? }),
            Some(_) | None => Err("statement"),
        }
    }
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

    #[test]
    fn origins_are_read_as_they_are_matched() {
        let origin = origin_of("git:/srv/acme/parser", Some("ab".to_owned())).unwrap();
        assert_eq!(origin.match_text(), "git:/srv/acme/parser");
        assert_eq!(origin_of("ftp:/srv", None), None);
    }
}
