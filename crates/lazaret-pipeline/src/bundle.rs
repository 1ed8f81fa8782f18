//! The bundle: what a scan knows of the lines of every version of history, as Parquet.
//!
//! Data sets name blobs of any revision; the bundle says of each what is tainted in it, how old it is by its history,
//! and what could not be read. Rows are sorted by blob, so that a join reads few pages; see `docs/format/bundle.md`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use jiff::civil::Date;
use lazaret_core::{
    Claim, CommitIx, DetectorId, Digest, Directness, EntryKind, Evidence, GapKind, ObjectId, Proof, Span,
    Taint,
};
use lazaret_evidence::brought::signed_commit_detector;
use lazaret_evidence::surroundings;
use lazaret_intake::git::{ObjectKind, ObjectReader};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use rustc_hash::FxHashMap;

use crate::gate::identity::name_of_lines;
use crate::report::Report;
use crate::scan::RECENT_BYTES;
use crate::scan::attribute::Attributed;
use crate::scan::copies::Copies;
use crate::scan::examine::Examined;
use crate::scan::judging::printable;
use crate::scan::marks::Marks;
use crate::scan::reading::{Listing, Reading};

/// The value of the file's `format` metadata.
pub const BUNDLE_FORMAT: &str = "lazaret.bundle/2";

/// How many rows are encoded at a time.
const ROWS_PER_BATCH: usize = 1 << 16;

/// One statement about a run of lines of one blob at one path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BundleRow {
    /// The blob.
    pub blob: ObjectId,
    /// The path it stood at, written as in reports.
    pub path: String,
    /// The lines; `None` for the whole blob.
    pub lines: Option<Span>,
    /// The commit the lines come from; `None` for a mark in the text itself.
    pub commit: Option<ObjectId>,
    /// What is stated.
    pub statement: Statement,
    /// The name of the blob's lines, whatever their ends, where something is stated against it; see
    /// `docs/format/bundle.md`.
    pub lines_sha256: Option<Digest>,
}

/// What a bundle states about lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statement {
    /// A tool had a part in them.
    Taint {
        /// The detector.
        detector: DetectorId,
        /// The claim.
        taint: Taint,
    },
    /// By the dates that the history states, they are no younger.
    Predates {
        /// The day.
        on: Date,
    },
    /// Their author attested to writing them, in a signed commit.
    Attested {
        /// The claim.
        proof: Proof,
    },
    /// Something that they rest on could not be read.
    Gap {
        /// What stood in the way.
        kind: GapKind,
    },
}

/// A bundle could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the bundle")]
pub struct BundleError(#[from] parquet::errors::ParquetError);

/// What a scan has learned, as far as a bundle tells it.
pub(crate) struct Learned<'a> {
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) marks: &'a Marks,
    pub(crate) attributed: &'a Attributed,
    pub(crate) listing: &'a Listing,
    pub(crate) examined: &'a Examined,
    pub(crate) copies: &'a Copies,
    /// For each commit the day that its lines are no younger than, where the history can be believed to say it.
    pub(crate) dates: &'a [Option<Date>],
    /// What commits say of their lines.
    pub(crate) words: &'a FxHashMap<CommitIx, Evidence>,
}

/// Returns the rows of a scan, sorted and without repetitions.
pub(crate) fn rows(learned: &Learned<'_>) -> Vec<BundleRow> {
    let mut rows = Vec::new();
    owned(learned, &mut rows);
    files(learned, &mut rows);
    first_days(learned, &mut rows);
    rows.sort_unstable();
    rows.dedup();
    name_lines(learned.reading, &mut rows);
    rows
}

/// Names the lines of every blob that something is stated against. One that cannot be read has no name.
fn name_lines(reading: &Reading<'_>, rows: &mut [BundleRow]) {
    let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    let mut blobs: Vec<ObjectId> =
        rows.iter().filter(|row| row.statement.is_against()).map(|row| row.blob).collect();
    blobs.dedup();
    blobs.sort_by_cached_key(|blob| reader.place(blob));
    let names = blobs.into_iter().filter_map(|blob| {
        let text = reader.read_as(&blob, ObjectKind::Blob).ok()?;
        Some((blob, name_of_lines(&text)))
    });
    let names: FxHashMap<ObjectId, Digest> = names.collect();
    for row in rows.iter_mut().filter(|row| row.statement.is_against()) {
        row.lines_sha256 = names.get(&row.blob).copied();
    }
}

/// Marked commits' lines in every version.
fn owned(learned: &Learned<'_>, rows: &mut Vec<BundleRow>) {
    let Learned { reading, marks, .. } = learned;
    for version in &learned.attributed.settled.owned {
        let path = printable(reading.changes.path(version.path));
        let runs = version.owned.runs();
        for (run_ix, run) in runs.iter().enumerate() {
            let end = runs.get(run_ix + 1).map(|next| next.start).or(version.owned.n_lines());
            let lines = end.and_then(|end| Span::new(run.start + 1, end).ok());
            let about = About { blob: version.blob, path: &path, commit: None };
            if let Some(kind) = run.owner.gap() {
                rows.push(about.row(lines, Statement::Gap { kind }));
            }
            let (Some((commit, claims)), Some(_)) = (marks.behind(run.owner), lines) else { continue };
            let about = About { commit: Some(reading.graph.id(commit)), ..about };
            let directness = run.owner.directness();
            rows.extend(claims.iter().filter_map(|claim| about.taint(claim, lines, Some(directness))));
        }
    }
}

/// What the text of the files at the revision says, and how old their lines are where that was traced.
fn files(learned: &Learned<'_>, rows: &mut Vec<BundleRow>) {
    let Learned { listing, examined, copies, attributed, .. } = learned;
    for (file_ix, (file, facts)) in listing.files.iter().zip(&examined.files).enumerate() {
        let path = printable(&file.path);
        let about = About { blob: file.entry.id, path: &path, commit: None };
        let copied = copies.claims.get(file_ix).into_iter().flatten();
        rows.extend(
            facts.claims.iter().chain(copied).filter_map(|claim| about.taint(claim, claim.span, None)),
        );
        let gaps = facts.gap.iter().chain(copies.gaps.get(file_ix).into_iter().flatten());
        rows.extend(gaps.map(|gap| about.row(gap.span, Statement::Gap { kind: gap.kind })));
        let origins = attributed.origins.as_ref().and_then(|origins| origins.get(file_ix));
        for lines in origins.into_iter().flatten() {
            let span = Span::new(lines.start + 1, lines.start + lines.n_lines).ok();
            if let Some(kind) = lines.gap {
                rows.push(about.row(span, Statement::Gap { kind }));
            } else if let (Some(commit), Some(span)) = (lines.commit, span) {
                let about = About { commit: Some(learned.reading.graph.id(commit)), ..about };
                let on = learned.dates.get(commit as usize).copied().flatten();
                rows.extend(on.map(|on| about.row(Some(span), Statement::Predates { on })));
                let said = learned.words.get(&commit).and_then(Evidence::proof).cloned();
                rows.extend(said.map(|proof| about.row(Some(span), Statement::Attested { proof })));
            }
        }
    }
}

/// For each blob the first day of a commit that has it: all of it stood there then.
fn first_days(learned: &Learned<'_>, rows: &mut Vec<BundleRow>) {
    let Learned { reading, dates, .. } = learned;
    let mut first: BTreeMap<ObjectId, (Date, ObjectId, &[u8])> = BTreeMap::new();
    for commit in reading.scope.iter() {
        let Some(on) = dates.get(commit as usize).copied().flatten() else { continue };
        for change in reading.changes.of(commit) {
            let Some(entry) = change.new.filter(|entry| entry.kind == EntryKind::File) else { continue };
            let found = (on, reading.graph.id(commit), reading.changes.path(change.path));
            let known = first.entry(entry.id).or_insert(found);
            *known = (*known).min(found);
        }
    }
    rows.extend(first.into_iter().map(|(blob, (on, commit, path))| {
        let path = printable(path);
        About { blob, path: &path, commit: Some(commit) }.row(None, Statement::Predates { on })
    }));
}

/// Which blob, where, and from whom.
#[derive(Clone, Copy)]
struct About<'a> {
    blob: ObjectId,
    path: &'a str,
    commit: Option<ObjectId>,
}

impl About<'_> {
    fn row(&self, lines: Option<Span>, statement: Statement) -> BundleRow {
        let Self { blob, path, commit } = *self;
        BundleRow { blob, path: path.to_owned(), lines, commit, statement, lines_sha256: None }
    }

    fn taint(
        &self,
        claim: &Evidence,
        lines: Option<Span>,
        directness: Option<Directness>,
    ) -> Option<BundleRow> {
        let taint = claim.taint()?;
        let taint = Taint { directness: directness.unwrap_or(taint.directness), ..taint.clone() };
        Some(self.row(lines, Statement::Taint { detector: claim.detector.clone(), taint }))
    }
}

impl BundleRow {
    /// Returns what the row claims, as evidence; `None` for a gap.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        let place = |what: &str| match self.commit {
            Some(commit) => format!("{what} of commit {commit}, by an earlier scan"),
            None => format!("{what} of the same file, by an earlier scan"),
        };
        match &self.statement {
            Statement::Taint { detector, taint } => Some(Evidence {
                detector: detector.clone(),
                span: self.lines,
                claim: Claim::Taint(taint.clone()),
                why: place("lines"),
            }),
            Statement::Predates { on } => Some(Evidence {
                span: self.lines,
                why: place("the date"),
                ..surroundings::commit_date(*on, None)
            }),
            Statement::Attested { proof } => Some(Evidence {
                detector: signed_commit_detector(),
                span: self.lines,
                claim: Claim::Proof(proof.clone()),
                why: place("the word"),
            }),
            Statement::Gap { .. } => None,
        }
    }
}

/// Returns the columns of a bundle.
pub(crate) fn schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Schema::new(vec![
        Field::new("blob", DataType::Utf8, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("start", DataType::UInt32, true),
        Field::new("end", DataType::UInt32, true),
        text("commit"),
        Field::new("statement", DataType::Utf8, false),
        text("detector"),
        text("tool"),
        text("provider"),
        text("model"),
        text("model_provider"),
        text("role"),
        text("strength"),
        Field::new("direct", DataType::Boolean, true),
        text("on"),
        text("gap"),
        text("lines_sha256"),
        text("proof"),
    ])
}

/// Returns the metadata of the bundle of a scan.
#[must_use]
pub fn bundle_metadata(report: &Report) -> Vec<(&'static str, String)> {
    let mut metadata = vec![
        ("version", report.version.to_owned()),
        ("policy", report.policy.to_string()),
        ("catalog", report.catalog.to_string()),
        ("origin", report.origin.match_text()),
    ];
    metadata.extend(report.origin.rev.as_ref().map(|rev| ("rev", rev.clone())));
    metadata
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
    let schema = Arc::new(schema());
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
    let text = |get: &dyn Fn(&BundleRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<StringArray>())
    };
    let of_taint = |get: &dyn Fn(&Taint) -> Option<String>| -> ArrayRef {
        text(&|row| match &row.statement {
            Statement::Taint { taint, .. } => get(taint),
            Statement::Predates { .. } | Statement::Attested { .. } | Statement::Gap { .. } => None,
        })
    };
    let number = |get: &dyn Fn(Span) -> u32| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.lines.map(get)).collect::<UInt32Array>())
    };
    let direct = rows.iter().map(|row| match &row.statement {
        Statement::Taint { taint, .. } => Some(taint.directness == Directness::Direct),
        Statement::Predates { .. } | Statement::Attested { .. } | Statement::Gap { .. } => None,
    });
    vec![
        text(&|row| Some(row.blob.to_string())),
        text(&|row| Some(row.path.clone())),
        number(&Span::start),
        number(&Span::end),
        text(&|row| row.commit.map(|commit| commit.to_string())),
        text(&|row| Some(row.statement.as_str().to_owned())),
        text(&|row| row.statement.detector()),
        of_taint(&|taint| taint.tool.as_ref().map(ToString::to_string)),
        of_taint(&|taint| taint.provider.as_ref().map(ToString::to_string)),
        of_taint(&|taint| taint.model.as_ref().map(ToString::to_string)),
        of_taint(&|taint| taint.model_provider.as_ref().map(ToString::to_string)),
        of_taint(&|taint| Some(taint.role.to_string())),
        of_taint(&|taint| Some(taint.strength.to_string())),
        Arc::new(direct.collect::<BooleanArray>()),
        text(&|row| match &row.statement {
            Statement::Predates { on } => Some(on.to_string()),
            Statement::Taint { .. } | Statement::Attested { .. } | Statement::Gap { .. } => None,
        }),
        text(&|row| match &row.statement {
            Statement::Gap { kind } => Some(kind.as_str().to_owned()),
            Statement::Taint { .. } | Statement::Predates { .. } | Statement::Attested { .. } => None,
        }),
        text(&|row| row.lines_sha256.map(|name| name.to_string())),
        text(&|row| match &row.statement {
            Statement::Attested { proof } => serde_json::to_string(proof).ok(),
            Statement::Taint { .. } | Statement::Predates { .. } | Statement::Gap { .. } => None,
        }),
    ]
}

impl Statement {
    /// Whether it speaks against lines.
    pub(crate) fn is_against(&self) -> bool {
        match self {
            Self::Taint { .. } | Self::Gap { .. } => true,
            Self::Predates { .. } | Self::Attested { .. } => false,
        }
    }

    fn as_str(&self) -> &'static str {
        match self {
            Self::Taint { .. } => "taint",
            Self::Predates { .. } => "predates",
            Self::Attested { .. } => "attested",
            Self::Gap { .. } => "gap",
        }
    }

    fn detector(&self) -> Option<String> {
        match self {
            Self::Taint { detector, .. } => Some(detector.to_string()),
            Self::Predates { .. } => Some(surroundings::commit_date(Date::ZERO, None).detector.to_string()),
            Self::Attested { .. } => Some(signed_commit_detector().to_string()),
            Self::Gap { .. } => None,
        }
    }
}
