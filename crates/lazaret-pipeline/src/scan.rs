//! `scan`: says of every line at a revision, or below a folder, what is held of it, and why.
//!
//! Sources: [`reading`] opens the repository, takes from the index what is known, and reads the rest.
//! Evidence: [`examine`] looks into files, [`recorders`] joins records to commits, [`carrying`] brings marks of
//! other branches to the commits that took their lines, [`marks`] finds marked commits and lines, [`attribute`]
//! finds whose lines they are, [`copies`] holds files against known text.
//! Verdict: [`judging`] holds every file against the policy.
//! Action and ledger: none; a scan changes nothing. [`tally`] adds the verdicts up to a report.

use std::path::Path;

use jiff::Timestamp;
use lazaret_core::{Digest, Origin, OriginKind};
use lazaret_evidence::Detectors;
use lazaret_intake::git::{OpenRepositoryError, Repository, ResolveError};
use lazaret_policy::Rules;

use crate::brought::{self, Brought};
use crate::bundle::{BundleRow, Learned};
use crate::holdings::Holdings;
use crate::known::KnownText;
use crate::report::{BroughtEntry, MarkedCommit, Report};

mod aside;
pub(crate) mod attribute;
pub(crate) mod carrying;
pub(crate) mod copies;
mod directory;
pub(crate) mod examine;
pub(crate) mod judging;
pub(crate) mod marks;
mod memory;
pub(crate) mod reading;
pub(crate) mod recorders;
mod tally;
pub(crate) mod writers;

pub(crate) use tally::warnings;

/// How much of what it has read a thread keeps for reading more, in bytes.
pub(crate) const RECENT_BYTES: usize = 32 << 20;

/// What every workflow judges by.
#[derive(Debug, Clone, Copy)]
pub struct Measure<'a> {
    /// The policy, held against the catalog.
    pub rules: &'a Rules,
    /// The catalog's detectors.
    pub detectors: &'a Detectors,
    /// Proofs that people brought; `None` where nobody did.
    pub brought: Option<&'a Brought>,
    /// The time of the judgement.
    pub now: Timestamp,
    /// What a store holds and people decided, where one is asked.
    pub holdings: Option<&'a Holdings>,
}

/// What to scan and how.
#[derive(Debug, Clone, Copy)]
pub struct ScanRequest<'a> {
    /// A repository, bare or with a work tree, or a folder without history.
    pub root: &'a Path,
    /// The revision whose lines are judged.
    pub rev: &'a str,
    /// Whether commits of all refs are examined, not only those that the revision reaches.
    pub all_refs: bool,
    /// What to judge by.
    pub measure: Measure<'a>,
    /// How many threads to use.
    pub n_threads: usize,
    /// Where indexes of histories are kept; `None` to keep none.
    pub cache_dir: Option<&'a Path>,
    /// Whether the rows of a bundle are wanted.
    pub bundle: bool,
    /// Known text that files are held against; `None` to hold them against none.
    pub known: Option<&'a KnownText>,
}

/// What a scan found.
#[derive(Debug, Clone)]
pub struct ScanOutcome {
    /// The report.
    pub report: Report,
    /// Every commit with claims, in the order of the history.
    pub marked_commits: Vec<MarkedCommit>,
    /// The rows of the bundle, where they were wanted.
    pub bundle: Vec<BundleRow>,
    /// Why the index could not be used or saved, where it could not; the scan is whole all the same.
    pub index_note: Option<String>,
}

/// A scan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is nothing at the path.
    #[error("`{path}` does not exist or is not a folder")]
    NoSuchFolder {
        /// The path.
        path: String,
    },
    /// A store is to be asked about a folder without history.
    #[error(
        "`{path}` has no history, and a store is asked about the files of repositories; leave `--store` out"
    )]
    NoHistoryToAsk {
        /// The path.
        path: String,
    },
    /// The repository could not be opened.
    #[error("cannot scan `{path}`")]
    Open {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: OpenRepositoryError,
    },
    /// The revision names no commit.
    #[error("cannot scan `{path}`")]
    Resolve {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: ResolveError,
    },
    /// The revision's commit or its tree could not be read, so that there is nothing to judge.
    #[error("cannot scan `{path}`: commit {commit} cannot be read ({gap})")]
    UnreadableRevision {
        /// The path.
        path: String,
        /// The commit.
        commit: String,
        /// What stood in the way.
        gap: &'static str,
    },
}

/// Scans a repository or folder.
///
/// # Errors
/// [`ScanError`] when there is nothing to scan; whatever cannot be examined in what there is, is in the report.
pub fn scan(request: &ScanRequest<'_>) -> Result<ScanOutcome, ScanError> {
    let path = request.root.display().to_string();
    if !request.root.is_dir() {
        return Err(ScanError::NoSuchFolder { path });
    }
    match Repository::open(request.root, &[]) {
        Ok(repository) => scan_repository(request, &repository),
        // What a store holds is asked for by the names that git gives; to ask nothing must not pass for an answer.
        Err(OpenRepositoryError::NotARepository { .. }) if request.measure.holdings.is_some() => {
            Err(ScanError::NoHistoryToAsk { path })
        }
        Err(OpenRepositoryError::NotARepository { .. }) => {
            let mut outcome = directory::scan_directory(request);
            outcome.report.segments = segments(request);
            outcome.report.brought = brought_digests(&request.measure);
            Ok(outcome)
        }
        Err(source) => Err(ScanError::Open { path, source }),
    }
}

/// Scans a repository that may have been opened with more objects than it holds.
pub(crate) fn scan_repository(
    request: &ScanRequest<'_>,
    repository: &Repository,
) -> Result<ScanOutcome, ScanError> {
    let measure = &request.measure;
    // sources
    let mut reading = reading::Reading::open(request, repository)?;
    let listing = reading.list_files(request)?;
    let records = recorders::read(&mut reading);
    recorders::read_originals(&mut reading, &records, measure.detectors);
    // evidence
    let examined = examine::examine_blobs(&reading, &listing, measure.detectors, request.n_threads);
    let mut recorded = recorders::gather(&reading, records, measure.detectors);
    let carried = carrying::carry(&mut reading, &listing, &mut recorded, request);
    let marks = marks::gather(&reading, &listing, &examined, &recorded, measure.detectors);
    let history = reading.history_of(&marks, measure, request.n_threads);
    let attributed = attribute::attribute(&reading, &history, &marks, &listing, request);
    let mut copies = copies::find(repository.objects(), &listing.files, request);
    let of_files =
        brought::of_files(measure.brought, repository.objects(), &listing.files, request.n_threads);
    let words = brought::commits::gather(&reading, attributed.origins.as_ref(), measure);
    let proofs = judging::BroughtProofs { of_files: &of_files, of_commits: &words.said };
    // verdict
    let judge = judging::Judge::new(&reading, &recorded, &marks, measure);
    let files = judge.files(&listing, &examined, &attributed, &copies, proofs);
    let (counts, found) = (std::mem::take(&mut recorded.counts), std::mem::take(&mut copies.found));
    let mut report = tally::report(&reading, request, &marks, carried, counts, found, files);
    report.segments = segments(request);
    report.refused_attestations = words.refused;
    report.brought = brought_digests(measure);
    // action, ledger: none; what was learned is kept for the next scan
    let bundle = if request.bundle {
        let scope = reading.scope.clone();
        reading.compare(&scope, request.n_threads);
        let dates = judging::dates(&reading, &recorded);
        crate::bundle::rows(&Learned {
            reading: &reading,
            marks: &marks,
            attributed: &attributed,
            listing: &listing,
            examined: &examined,
            copies: &copies,
            dates: &dates,
            words: &words.said,
        })
    } else {
        Vec::new()
    };
    let marked_commits = marks.commits(&reading);
    let index_note = reading.save(&examined, &listing, &attributed);
    Ok(ScanOutcome { report, marked_commits, bundle, index_note })
}

/// Returns the digests of the known text that files are held against.
fn segments(request: &ScanRequest<'_>) -> Vec<Digest> {
    request.known.into_iter().flat_map(KnownText::digests).collect()
}

/// Returns what was brought, by name and digest.
fn brought_digests(measure: &Measure<'_>) -> Vec<BroughtEntry> {
    let digests = measure.brought.into_iter().flat_map(Brought::digests);
    digests.map(|(name, digest)| BroughtEntry { name, digest }).collect()
}

/// Whether the origin of every line matters: where dates are proof, or commits say how they were written.
pub(crate) fn needs_origins(measure: &Measure<'_>, origin: &Origin) -> bool {
    measure.rules.dates_trusted_until(origin).is_some() || measure.rules.accepts_commits(origin)
}

/// Returns the origin of a repository or folder as policies match it: its canonical path.
pub(crate) fn origin(kind: OriginKind, root: &Path, rev: Option<String>) -> Origin {
    let path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    // A policy matches the repository, not the folder git keeps inside its work tree.
    let path = if path.file_name().is_some_and(|name| name == ".git") {
        path.parent().unwrap_or(&path)
    } else {
        &path
    };
    Origin { kind, path: path.to_string_lossy().into_owned(), rev }
}
