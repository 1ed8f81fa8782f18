//! The bundle: one row for each run of lines that a marked commit owns, in every version of history, as Parquet.
//!
//! Data sets name blobs of any revision; the bundle says of each what is tainted in it. Rows are sorted by blob, so
//! that a join reads few pages; see `docs/format/bundle.md`.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use lazaret_core::{Directness, Evidence, ObjectId, Role, Strength};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::scan::attribute::Attributed;
use crate::scan::examine::Examined;
use crate::scan::judging::printable;
use crate::scan::marks::Marks;
use crate::scan::reading::{Listing, Reading};

/// The value of the file's `format` metadata.
pub const BUNDLE_FORMAT: &str = "lazaret.bundle/1";

/// How many rows are encoded at a time.
const ROWS_PER_BATCH: usize = 1 << 16;

/// One claim about a run of lines of one blob at one path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BundleRow {
    /// The blob.
    pub blob: ObjectId,
    /// The path it stood at, written as in reports.
    pub path: String,
    /// The first line, counted from 1.
    pub start: u32,
    /// The last line.
    pub end: u32,
    /// The marked commit the lines come from; `None` for a mark in the text itself.
    pub commit: Option<ObjectId>,
    /// Whether the lines stand as the marked commit left them.
    pub direct: bool,
    /// The detector.
    pub detector: String,
    /// The harness.
    pub tool: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What the tool did.
    pub role: Role,
    /// How it is known.
    pub strength: Strength,
}

/// A bundle could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the bundle")]
pub struct BundleError(#[from] parquet::errors::ParquetError);

/// Returns the rows of a scan, sorted and without repetitions.
pub(crate) fn rows(
    reading: &Reading<'_>,
    marks: &Marks,
    attributed: &Attributed,
    listing: &Listing,
    examined: &Examined,
) -> Vec<BundleRow> {
    let mut rows = Vec::new();
    for version in &attributed.settled.owned {
        let path = printable(reading.changes.path(version.path));
        let runs = version.owned.runs();
        for (run_ix, run) in runs.iter().enumerate() {
            let Some((commit, claims)) = marks.behind(run.owner) else { continue };
            let end = runs.get(run_ix + 1).map(|next| next.start).or(version.owned.n_lines());
            let Some(end) = end else { continue };
            let lines = Lines { blob: version.blob, path: &path, start: run.start + 1, end };
            let id = Some(reading.graph.id(commit));
            let direct = run.owner.directness() == Directness::Direct;
            rows.extend(claims.iter().filter_map(|claim| lines.row(claim, id, direct)));
        }
    }
    for (file, facts) in listing.files.iter().zip(&examined.files) {
        let path = printable(&file.path);
        for claim in &facts.claims {
            let (start, end) = claim.span.map_or((1, facts.n_lines), |span| (span.start(), span.end()));
            rows.extend(Lines { blob: file.entry.id, path: &path, start, end }.row(claim, None, true));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows
}

struct Lines<'a> {
    blob: ObjectId,
    path: &'a str,
    start: u32,
    end: u32,
}

impl Lines<'_> {
    fn row(&self, claim: &Evidence, commit: Option<ObjectId>, direct: bool) -> Option<BundleRow> {
        let taint = claim.taint()?;
        Some(BundleRow {
            blob: self.blob,
            path: self.path.to_owned(),
            start: self.start,
            end: self.end,
            commit,
            direct,
            detector: claim.detector.to_string(),
            tool: taint.tool.as_ref().map(ToString::to_string),
            model: taint.model.as_ref().map(ToString::to_string),
            role: taint.role,
            strength: taint.strength,
        })
    }
}

/// Writes rows as one Parquet file; `origin` and the digests of policy and catalog go into its metadata.
///
/// # Errors
/// [`BundleError`] when the writer fails; what was written until then is no Parquet file.
pub fn write_bundle(
    out: impl Write + Send,
    rows: &[BundleRow],
    metadata: &[(&str, String)],
) -> Result<(), BundleError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("blob", DataType::Utf8, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        Field::new("commit", DataType::Utf8, true),
        Field::new("direct", DataType::Boolean, false),
        Field::new("detector", DataType::Utf8, false),
        Field::new("tool", DataType::Utf8, true),
        Field::new("model", DataType::Utf8, true),
        Field::new("role", DataType::Utf8, false),
        Field::new("strength", DataType::Utf8, false),
    ]));
    let format = [("format", BUNDLE_FORMAT.to_owned())];
    let pairs =
        format.iter().chain(metadata).map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_column_bloom_filter_enabled("blob".into(), true)
        .set_key_value_metadata(Some(pairs.collect()))
        .build();
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
    for rows in rows.chunks(ROWS_PER_BATCH) {
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns(rows));
        writer.write(&batch.map_err(parquet::errors::ParquetError::from)?)?;
    }
    writer.close()?;
    Ok(())
}

fn columns(rows: &[BundleRow]) -> Vec<ArrayRef> {
    let text = |get: &dyn Fn(&BundleRow) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(get)))
    };
    let optional = |get: &dyn Fn(&BundleRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<StringArray>())
    };
    let number = |get: &dyn Fn(&BundleRow) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(get)))
    };
    vec![
        text(&|row| row.blob.to_string()),
        text(&|row| row.path.clone()),
        number(&|row| row.start),
        number(&|row| row.end),
        optional(&|row| row.commit.map(|commit| commit.to_string())),
        Arc::new(rows.iter().map(|row| Some(row.direct)).collect::<BooleanArray>()),
        text(&|row| row.detector.clone()),
        optional(&|row| row.tool.clone()),
        optional(&|row| row.model.clone()),
        text(&|row| row.role.to_string()),
        text(&|row| row.strength.to_string()),
    ]
}
