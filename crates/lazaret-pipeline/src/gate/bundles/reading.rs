//! Reads the rows of a bundle: what comes again from row to row is read once.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt32Type;
use arrow_array::{Array as _, BooleanArray, RecordBatch, StringArray, UInt32Array};
use jiff::civil::Date;
use lazaret_core::{
    Digest, Directness, GapKind, ObjectId, Origin, OriginKind, Proof, Role, Span, Strength, Taint,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;

use super::{Bundles, ReadBundleError, Row, Source, TooManyRows};
use crate::bundle::{BUNDLE_FORMAT, Statement, schema};
use crate::digest::digest_of_file;

impl Bundles {
    /// Reads a bundle behind those that are there.
    pub(super) fn add(&mut self, path: &Path) -> Result<(), ReadBundleError> {
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
        let (expected, found) = (schema(), builder.schema().fields());
        // The last column came later, and may be missing.
        let before = expected.fields.split_last().map(|(_, before)| before).unwrap_or_default();
        if *found != expected.fields && **found != *before {
            return Err(format("its columns are others".to_owned()));
        }
        let mut rows = Rows {
            source: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
            bundles: self,
            statements: FxHashMap::default(),
            key: String::new(),
        };
        let mut n_rows = 0;
        for batch in builder.build().map_err(parquet)? {
            let batch = batch.map_err(|error| parquet(error.into()))?;
            let error =
                |(row, column)| ReadBundleError::Row { path: path.to_owned(), row: n_rows + row, column };
            rows.take(&batch).map_err(error)?;
            n_rows += batch.num_rows();
        }
        self.sources.push(Source { origin, digest, rows: n_rows as u64 });
        Ok(())
    }
}

/// Reads `git:/srv/acme/parser`.
fn origin_of(text: &str, rev: Option<String>) -> Option<Origin> {
    let (kind, path) = text.split_once(':')?;
    let kinds = [OriginKind::Git, OriginKind::Directory, OriginKind::Dataset];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    Some(Origin { kind, path: path.to_owned(), rev })
}

/// Where the rows of one bundle go.
struct Rows<'b> {
    bundles: &'b mut Bundles,
    source: u32,
    /// The numbers of statements, by what stands in their columns.
    statements: FxHashMap<String, u32>,
    /// Kept from row to row for its memory.
    key: String,
}

impl Rows<'_> {
    /// Takes the rows of a batch; fails with the row and the column that has no valid value.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), (usize, &'static str)> {
        let columns = Columns::of(batch).map_err(|column| (0, column))?;
        self.bundles.has_unnamed_lines |= columns.lines_sha256.is_none();
        let mut names = Names::default();
        for row in 0..batch.num_rows() {
            self.take_row(&columns, row, &mut names).map_err(|column| (row, column))?;
        }
        Ok(())
    }

    fn take_row<'a>(
        &mut self,
        columns: &Columns<'a>,
        row: usize,
        names: &mut Names<'a>,
    ) -> Result<(), &'static str> {
        let blob = names.blob.read(at(columns.blob, row), "blob")?.ok_or("blob")?;
        let commit = names.commit.read(at(columns.commit, row), "commit")?;
        let lines_sha256 = columns.lines_sha256.and_then(|column| at(column, row));
        let lines_sha256 = names.lines_sha256.read(lines_sha256, "lines_sha256")?;
        let path = at(columns.path, row).ok_or("path")?;
        let number = |column: &UInt32Array| column.is_valid(row).then(|| column.value(row));
        let lines = match (number(columns.start), number(columns.end)) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(Span::new(start, end).map_err(|_empty| "start")?),
            (Some(_), None) | (None, Some(_)) => return Err("end"),
        };
        let statement = self.statement(columns, row)?;
        self.bundles.name_lines(blob, statement, lines_sha256);
        let row = Row { source: self.source, lines, commit, statement: Some(statement), next: None };
        self.bundles.take((blob, path), row).map_err(|TooManyRows| "blob")
    }

    /// Returns the number of a row's statement.
    fn statement(&mut self, columns: &Columns<'_>, row: usize) -> Result<u32, &'static str> {
        self.key.clear();
        for (_, column) in &columns.of_statement {
            // What is missing is told from what is empty.
            self.key.push_str(at(column, row).map_or("\u{1}", |value| value));
            self.key.push('\0');
        }
        self.key.push_str(columns.proof.and_then(|column| at(column, row)).unwrap_or_default());
        self.key.push(match columns.direct.is_valid(row).then(|| columns.direct.value(row)) {
            None => '-',
            Some(false) => '0',
            Some(true) => '1',
        });
        if let Some(number) = self.statements.get(self.key.as_str()) {
            return Ok(*number);
        }
        let number = self.bundles.statements.number(&columns.statement(row)?);
        self.statements.insert(self.key.clone(), number);
        Ok(number)
    }
}

/// The names that the row before had: rows of one blob follow each other.
#[derive(Default)]
struct Names<'a> {
    blob: Last<'a, ObjectId>,
    commit: Last<'a, ObjectId>,
    lines_sha256: Last<'a, Digest>,
}

/// The last text of a column, and what it means.
struct Last<'a, T>(Option<(&'a str, T)>);

impl<T> Default for Last<'_, T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'a, T: std::str::FromStr + Copy> Last<'a, T> {
    fn read(&mut self, text: Option<&'a str>, column: &'static str) -> Result<Option<T>, &'static str> {
        let Some(text) = text else { return Ok(None) };
        if let Some((last, value)) = self.0
            && last == text
        {
            return Ok(Some(value));
        }
        let value = text.parse().map_err(|_other| column)?;
        self.0 = Some((text, value));
        Ok(Some(value))
    }
}

/// The columns of a batch.
struct Columns<'a> {
    blob: &'a StringArray,
    path: &'a StringArray,
    start: &'a UInt32Array,
    end: &'a UInt32Array,
    commit: &'a StringArray,
    direct: &'a BooleanArray,
    lines_sha256: Option<&'a StringArray>,
    /// What a signed commit attests to, as JSON; bundles of earlier versions have no such column.
    proof: Option<&'a StringArray>,
    /// The columns of strings that a statement consists of, each with its name.
    of_statement: [(&'static str, &'a StringArray); 10],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, &'static str> {
        let text = |name: &'static str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let needed = |name| text(name).ok_or(name);
        let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>();
        let named = |name| Ok::<_, &'static str>((name, needed(name)?));
        Ok(Self {
            blob: needed("blob")?,
            path: needed("path")?,
            start: number("start").ok_or("start")?,
            end: number("end").ok_or("end")?,
            commit: needed("commit")?,
            direct: batch
                .column_by_name("direct")
                .and_then(|column| column.as_boolean_opt())
                .ok_or("direct")?,
            lines_sha256: text("lines_sha256"),
            proof: text("proof"),
            of_statement: [
                named("statement")?,
                named("detector")?,
                named("tool")?,
                named("provider")?,
                named("model")?,
                named("model_provider")?,
                named("role")?,
                named("strength")?,
                named("on")?,
                named("gap")?,
            ],
        })
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        self.of_statement.iter().find(|(known, _)| *known == name).and_then(|(_, column)| at(column, row))
    }

    /// Returns a value that has a form of its own; an error where it is there and has another.
    fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        row: usize,
    ) -> Result<Option<T>, &'static str> {
        self.text(name, row).map(|text| text.parse().map_err(|_other| name)).transpose()
    }

    /// Returns a word of a closed list.
    fn word<T: DeserializeOwned>(&self, name: &'static str, row: usize) -> Result<T, &'static str> {
        let text = self.text(name, row).ok_or(name)?;
        serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_other| name)
    }

    fn statement(&self, row: usize) -> Result<Statement, &'static str> {
        match self.text("statement", row) {
            Some("taint") => {
                let taint = Taint {
                    tool: self.parsed("tool", row)?,
                    provider: self.parsed("provider", row)?,
                    model: self.parsed("model", row)?,
                    model_provider: self.parsed("model_provider", row)?,
                    role: self.word::<Role>("role", row)?,
                    strength: self.word::<Strength>("strength", row)?,
                    directness: match self.direct.is_valid(row).then(|| self.direct.value(row)) {
                        None => return Err("direct"),
                        Some(true) => Directness::Direct,
                        Some(false) => Directness::Derived,
                    },
                };
                let detector = self.parsed("detector", row)?.ok_or("detector")?;
                Ok(Statement::Taint { detector, taint })
            }
            Some("predates") => Ok(Statement::Predates { on: self.parsed::<Date>("on", row)?.ok_or("on")? }),
            Some("attested") => {
                let proof = self.proof.and_then(|column| at(column, row)).ok_or("proof")?;
                let proof: Proof = serde_json::from_str(proof).map_err(|_other| "proof")?;
                // What follows from the bytes themselves is asked of the bytes, not of a bundle.
                matches!(proof, Proof::Attested { .. })
                    .then_some(Statement::Attested { proof })
                    .ok_or("proof")
            }
            Some("gap") => Ok(Statement::Gap { kind: self.word::<GapKind>("gap", row)? }),
            Some(_) | None => Err("statement"),
        }
    }
}

/// Returns the text of a row; `None` where there is none.
fn at(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_they_are_matched() {
        let origin = origin_of("git:/srv/acme/parser", Some("ab".to_owned())).unwrap();
        assert_eq!(origin.match_text(), "git:/srv/acme/parser");
        assert_eq!(origin_of("ftp:/srv", None), None);
    }
}
