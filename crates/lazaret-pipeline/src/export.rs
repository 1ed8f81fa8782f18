//! `export`: makes training records of the files at a revision, and admits or holds each as the gate does.
//!
//! Sources: [`revision`] reads the files, [`records`] makes records of them. Evidence: that of a scan of the same
//! revision; [`statements`] brings it to records that are pieces of files, which [`pieces`] finds. Verdict, action and ledger are
//! the gate's: [`shards`] writes the records as they stand, and the gate reads them as it reads any others, so that
//! cutting, holding, resuming and receipts are the same.

use std::fs::File;
use std::io;
use std::path::Path;

use lazaret_core::{Digest, Origin};
use lazaret_intake::git::{ListedEntry, ObjectReader, OpenRepositoryError, Repository};
use lazaret_shard::{BUILT_IN, Place, PlaceError, Profile, ProfileError, ShardError, ShardName};
use parquet::errors::ParquetError;
use tempfile::TempDir;

use crate::bundle::{BundleError, BundleRow, bundle_metadata, write_bundle};
use crate::digest::digest_of_file;
use crate::gate::output::{OutputError, Pending};
use crate::gate::{
    Beside, Bundles, Destination, GateError, GateReport, GateRequest, Snapshot, TooManyRows, gate,
};
use crate::known::KnownText;
use crate::report::Report;
use crate::scan::examine::count_lines;
use crate::scan::{Measure, RECENT_BYTES, ScanError, ScanRequest, scan};

mod hints;
mod pieces;
mod records;
mod report;
mod revision;
mod shards;
mod statements;

pub use report::{EXPORT_FORMAT, ExportReport, NoRecord, NoRecordReason};
pub use revision::UnreadableRevision;

use records::{Made, Records};
use revision::Revision;
use shards::RawShards;
use statements::Statements;

/// The profile that says which of the columns means what.
const PROFILE: &str = "lazaret";

/// The name under which the scan's bundle is written beside the shards.
const BUNDLE: &str = "bundle.parquet";

/// How much text a shard holds where nobody says so.
pub const SHARD_BYTES: u64 = 256 << 20;

/// What a record is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecordsBy {
    /// A file.
    #[default]
    File,
    /// A function, type or other item at the top of a file, with what stands directly above it.
    Unit,
}

/// The format of the shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// Parquet.
    #[default]
    Parquet,
    /// One JSON object a line, compressed with Zstandard.
    JsonLinesZstd,
}

/// What to export and how.
#[derive(Debug, Clone, Copy)]
pub struct ExportRequest<'a> {
    /// A repository, bare or with a work tree.
    pub root: &'a Path,
    /// The revision whose files become records.
    pub rev: &'a str,
    /// Whether commits of all refs are examined for marks, not only those that the revision reaches.
    pub all_refs: bool,
    /// What to judge by.
    pub measure: Measure<'a>,
    /// How many threads to use.
    pub n_threads: usize,
    /// Where indexes of histories are kept; `None` to keep none.
    pub cache_dir: Option<&'a Path>,
    /// Known text that files and records are held against.
    pub known: Option<&'a KnownText>,
    /// The repository's name in the records; `None` for the last two parts of its path.
    pub repository: Option<&'a str>,
    /// The class of data set that admitted records are for.
    pub class: &'a str,
    /// What a record is made of.
    pub by: RecordsBy,
    /// The format of the shards.
    pub format: ExportFormat,
    /// About how many bytes of text a shard holds.
    pub shard_bytes: u64,
    /// Whether to count what each way of cutting keeps.
    pub counts_retention: bool,
    /// Where to write; `None` to judge and write nothing.
    pub to: Option<Destination<'a>>,
}

/// A repository could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no repository at the path.
    #[error("cannot export `{path}`")]
    Open {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: OpenRepositoryError,
    },
    /// It could not be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The files at the revision could not be listed.
    #[error("cannot export `{path}`")]
    Revision {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: UnreadableRevision,
    },
    /// What the scan knows is more than can be held against records.
    #[error(transparent)]
    TooManyRows(#[from] TooManyRows),
    /// The bundle could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The folder for what is made on the way could not be used.
    #[error("the temporary folder cannot be used; `TMPDIR` names another")]
    Scratch(#[source] io::Error),
    /// The temporary folder has a name that no place can have.
    #[error("the temporary folder cannot be used; `TMPDIR` names another")]
    ScratchPlace(#[from] PlaceError),
    /// Records could not be written to the temporary folder.
    #[error("the records cannot be written to the temporary folder")]
    Records(#[from] ShardError),
    /// Records could not be made columns.
    #[error("the records cannot be written to the temporary folder")]
    Columns(#[from] ParquetError),
    /// The profile that comes with the program cannot be read.
    #[error("the profile `{PROFILE}` cannot be read: this is a bug")]
    Profile(#[from] ProfileError),
    /// The gate could not begin or finish.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The bundle could not be written beside the shards.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Exports the files at a revision.
///
/// # Errors
/// [`ExportError`] when there is nothing to export or nowhere to write; what cannot be a record is in the report.
pub fn export(request: &ExportRequest<'_>) -> Result<ExportReport, ExportError> {
    let path = || request.root.display().to_string();
    // sources
    let repository =
        Repository::open(request.root, &[]).map_err(|source| ExportError::Open { path: path(), source })?;
    let outcome = scan(&scan_request(request))?;
    let report = outcome.report;
    let revision = Revision::read(&repository, report.origin.rev.as_deref().unwrap_or_default())
        .map_err(|source| ExportError::Revision { path: path(), source })?;
    // evidence
    let scratch = TempDir::new().map_err(ExportError::Scratch)?;
    let bundle = scratch.path().join(BUNDLE);
    let digest = write_bundle_to(&bundle, &outcome.bundle, &report)?;
    let bundles = Bundles::of_scan(report.origin.clone(), digest, outcome.bundle.len() as u64);
    let mut statements = Statements::new(outcome.bundle, bundles, &revision, &report);
    let name = request.repository.map_or_else(|| repository_name(&report.origin), str::to_owned);
    let records = Records::new(&revision, &name, request.by, &report.copies);
    let mut shards = RawShards::begin(scratch.path(), request.format, request.shard_bytes)?;
    let no_records = each_file(&repository, &revision, |file, path, text| {
        for Made { record, piece } in records.of_file(file, path, text) {
            statements.add(file.entry.id, count_lines(text.as_bytes()), piece)?;
            shards.push(record)?;
        }
        Ok(())
    })?;
    let inputs = shards.finish()?;
    // verdict, action, ledger
    let gated = gate_records(request, &name, &inputs, statements.bundles())?;
    if let Some(to) = &request.to {
        copy_bundle(&bundle, to.place)?;
    }
    Ok(ExportReport {
        format: EXPORT_FORMAT,
        origin: report.origin,
        repository: name,
        by: request.by.as_str(),
        files: revision.files.len() as u64,
        bundle: digest,
        no_records_by_reason: report::by_reason(&no_records),
        no_records,
        warnings: report.warnings,
        gate: gated,
    })
}

/// Calls `each` with every file that holds text; returns the entries that hold none.
fn each_file(
    repository: &Repository,
    revision: &Revision,
    mut each: impl FnMut(&ListedEntry, &str, &str) -> Result<(), ExportError>,
) -> Result<Vec<NoRecord>, ExportError> {
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let mut no_records: Vec<NoRecord> = revision.hidden().into_iter().collect();
    for file in &revision.files {
        let path = revision::path_of(file);
        match revision::text_of(&mut reader, file) {
            Ok(text) => each(file, &path, &text)?,
            Err(reason) => no_records.push(NoRecord { path, reason }),
        }
    }
    Ok(no_records)
}

fn scan_request<'a>(request: &ExportRequest<'a>) -> ScanRequest<'a> {
    ScanRequest {
        root: request.root,
        rev: request.rev,
        all_refs: request.all_refs,
        measure: request.measure,
        n_threads: request.n_threads,
        cache_dir: request.cache_dir,
        bundle: true,
        known: request.known,
    }
}

fn gate_records(
    request: &ExportRequest<'_>,
    name: &str,
    inputs: &[crate::gate::ShardInput],
    bundles: &Bundles,
) -> Result<GateReport, ExportError> {
    let profile = Profile::built_in(PROFILE)?;
    let beside = Beside::default();
    let text = BUILT_IN.iter().find(|(known, _)| *known == PROFILE).map_or("", |(_, text)| text);
    Ok(gate(&GateRequest {
        shards: inputs,
        part: (0, 1),
        profile: &profile,
        profile_text: text,
        snapshot: Snapshot {
            measure: request.measure,
            class: request.class,
            dataset: name,
            bundles,
            known: request.known,
            declared: &[],
            text_is_whole: true,
            counts_retention: request.counts_retention,
            left_out: &[],
        },
        beside: &beside,
        to: request.to,
        n_threads: request.n_threads,
    })?)
}

fn write_bundle_to(path: &Path, rows: &[BundleRow], report: &Report) -> Result<Digest, ExportError> {
    let file = File::create(path).map_err(ExportError::Scratch)?;
    write_bundle(file, rows, &bundle_metadata(report))?;
    digest_of_file(path).map_err(ExportError::Scratch)
}

/// Writes the bundle beside the shards. The gate comes first: it refuses a place in which it finds something else.
fn copy_bundle(from: &Path, place: &Place) -> Result<(), ExportError> {
    let name = ShardName::new(BUNDLE)?;
    let pending = Pending::begin(place, &name)?;
    let mut file = File::open(from).map_err(ExportError::Scratch)?;
    io::copy(&mut file, &mut pending.writer())
        .map_err(|source| OutputError::Bytes { name: name.to_string(), source })?;
    pending.commit()?;
    Ok(())
}

/// Returns the last two parts of the origin's path: `acme/parser` of `/srv/acme/parser.git`.
fn repository_name(origin: &Origin) -> String {
    let path = origin.path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let mut parts: Vec<&str> = path.rsplit('/').filter(|part| !part.is_empty()).take(2).collect();
    parts.reverse();
    parts.join("/")
}

impl RecordsBy {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Unit => "unit",
        }
    }
}

#[cfg(test)]
mod tests {
    use lazaret_core::OriginKind;

    use super::*;

    #[test]
    fn a_repository_is_named_by_the_end_of_its_path() {
        for (path, name) in [
            ("/srv/acme/parser", "acme/parser"),
            ("/srv/acme/parser.git", "acme/parser"),
            ("/srv/acme/parser.git/", "acme/parser"),
            ("/parser", "parser"),
        ] {
            let origin = Origin { kind: OriginKind::Git, path: path.to_owned(), rev: None };
            assert_eq!(repository_name(&origin), name);
        }
    }
}
