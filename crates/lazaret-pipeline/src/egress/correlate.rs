//! `egress correlate`: lays calls that no exemption covered beside the commits of who made them, for the order of review.
//!
//! Sources: logs of traffic, and the commits that a revision reaches. Evidence: a commit whose author made such a call
//! within the time before it, by the policy's own list of who commits under which address; `circumstantial`, and never
//! more. Verdict, action and ledger: none. What was called, when and how often is not told with a commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use lazaret_core::{CommitGraph, Digest, ObjectId, Outcome, Strength};
use lazaret_evidence::Catalog;
use lazaret_evidence::traffic::{Caller, Extent, Precision, TrafficDetector};
use lazaret_intake::git::{
    ObjectReader, OpenRepositoryError, RawCommit, Repository, ResolveError, walk_commits,
};
use lazaret_policy::egress::{EgressPolicy, EgressSubject};
use schemars::JsonSchema;
use serde::Serialize;

use super::leave::Leave;
use super::logs::{Log, Progress};
use super::report::InputReport;
use super::scan::{EgressScanError, look};
use crate::report::VERSION;

/// The value of the report's `format` field.
pub const CORRELATION_FORMAT: &str = "lazaret.egress-correlation/1";

/// How many bytes of objects are kept while commits are read.
const RECENT_BYTES: usize = 4 << 20;
/// Microseconds in an hour.
const HOUR: i64 = 3_600_000_000;

/// What to lay beside what.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct CorrelateRequest<'a> {
    /// The logs, ordered by name.
    pub logs: Vec<Log<'a>>,
    /// The policy and the exemptions.
    pub leave: &'a Leave,
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The repository, or a folder in it.
    pub root: &'a Path,
    /// The revision whose commits are looked at.
    pub rev: &'a str,
    /// For how many hours after a call a commit counts.
    pub window_hours: u32,
    /// How many threads to use.
    pub n_threads: usize,
    /// Told of each log before it is read.
    pub progress: &'a mut Progress<'a>,
}

/// Calls could not be laid beside commits.
#[derive(Debug, thiserror::Error)]
pub enum CorrelateError {
    /// The logs could not be looked at.
    #[error(transparent)]
    Scan(#[from] EgressScanError),
    /// There is no repository, or it cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenRepositoryError),
    /// The revision names no commit.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The policy lists nobody who commits.
    #[error(
        "the policy lists no address of an author under `egress.subject`, so that no call can be laid beside a commit"
    )]
    NoAuthors,
}

/// Commits to look at first, and what could not be laid beside any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CorrelationReport {
    /// Always `lazaret.egress-correlation/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog, the policy's own additions included.
    pub catalog: Digest,
    /// The revision.
    pub revision: String,
    /// For how many hours after a call a commit counts.
    pub window_hours: u32,
    /// The logs, by name.
    pub inputs: Vec<InputReport>,
    /// Calls, by what became of them.
    pub calls: CorrelatedCalls,
    /// Commits that were read.
    pub commits_read: u64,
    /// Commits that could not be read: nothing is known of them.
    pub commits_unread: u64,
    /// Commits without a date that can be read.
    pub commits_undated: u64,
    /// The commits to look at first, the one that follows a call soonest first.
    pub review: Vec<CommitReport>,
}

/// Calls that a finding counts, by whether they could be laid beside commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CorrelatedCalls {
    /// Calls that were laid beside commits.
    pub laid: u64,
    /// Calls that an exemption covers.
    pub exempted: u64,
    /// Calls that were stopped, and names that were only asked for.
    pub not_made: u64,
    /// Calls told by a detector that is not exact.
    pub not_exact: u64,
    /// Calls without a time.
    pub without_time: u64,
    /// Calls of callers for whom the policy lists no address of an author.
    pub without_author: u64,
}

/// A commit whose author made a call before it that no exemption covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommitReport {
    /// The commit.
    pub commit: String,
    /// When it was authored, as it says itself.
    pub authored: String,
    /// How strong this is: always `circumstantial`. It taints nothing.
    pub strength: Strength,
    /// Which detectors told of calls.
    pub detectors: BTreeSet<TrafficDetector>,
}

/// Calls of one hour by somebody who commits.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
    detector: TrafficDetector,
}

/// Lays calls beside commits.
///
/// # Errors
/// [`CorrelateError`] where the policy lists no authors, and where logs or repository cannot be read at all.
pub fn correlate(request: CorrelateRequest<'_>) -> Result<CorrelationReport, CorrelateError> {
    let CorrelateRequest { mut logs, leave, catalog, root, rev, window_hours, n_threads, progress } = request;
    if leave.policy().subjects().iter().all(|subject| subject.identities.is_empty()) {
        return Err(CorrelateError::NoAuthors);
    }
    // sources
    let repository = Repository::discover(root, &[])?;
    let tip = repository.resolve(rev)?;
    let looked = look(&mut logs, leave, catalog, false, n_threads, progress)?;
    // evidence
    let mut calls = CorrelatedCalls::default();
    let mut by_author: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    for (key, found) in &looked.watched.findings {
        let count = found.count();
        let is_made = key.outcome != Outcome::Blocked && found.extent > Extent::LookedUp;
        let authors: BTreeSet<&str> = subjects(leave.policy(), &key.caller)
            .flat_map(|subject| subject.identities.iter().map(String::as_str))
            .collect();
        if key.exemption.is_some() {
            calls.exempted += count;
        } else if !is_made {
            calls.not_made += count;
        } else if key.detector.precision() != Precision::Exact {
            calls.not_exact += count;
        } else if let Some((first, last)) = found.first.zip(found.last) {
            let span = Span { first, last, detector: key.detector };
            *if authors.is_empty() { &mut calls.without_author } else { &mut calls.laid } += count;
            authors.into_iter().for_each(|author| by_author.entry(author).or_default().push(span));
        } else {
            calls.without_time += count;
        }
    }
    let window = i64::from(window_hours).saturating_mul(HOUR);
    let mut beside: Vec<(i64, CommitReport)> = Vec::new();
    let mut commits_undated = 0;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let mut graph = CommitGraph::default();
    let walked = walk_commits(&repository, &mut reader, &mut graph, [tip], |id, raw| {
        let Some(commit) = RawCommit::parse(raw) else { return };
        let author = String::from_utf8_lossy(commit.author.email).trim().to_lowercase();
        let Some(spans) = by_author.get(author.as_str()) else { return };
        if commit.author.seconds == 0 {
            commits_undated += 1;
        } else if let Some(found) = follows(id, commit.author.seconds, spans, window) {
            beside.push(found);
        }
    });
    // The order of review is of commits alone: who wrote how many is nowhere counted.
    beside.sort_by(|(one_after, one), (other_after, other)| {
        (one_after, &one.commit).cmp(&(other_after, &other.commit))
    });
    // verdict, action, ledger: none
    Ok(CorrelationReport {
        format: CORRELATION_FORMAT,
        version: VERSION,
        policy: leave.policy().policy,
        catalog: catalog.digest(),
        revision: tip.to_string(),
        window_hours,
        inputs: looked.inputs,
        calls,
        commits_read: u64::try_from(walked.n_read).unwrap_or(u64::MAX),
        commits_unread: u64::try_from(walked.gaps.len()).unwrap_or(u64::MAX),
        commits_undated,
        review: beside.into_iter().map(|(_, report)| report).collect(),
    })
}

/// Returns who made a call, as far as the policy says so.
fn subjects<'p>(policy: &'p EgressPolicy, caller: &Caller) -> impl Iterator<Item = &'p EgressSubject> {
    let named = match caller {
        Caller::User(name) | Caller::Device(name) => {
            str::from_utf8(name).ok().and_then(|name| policy.subject(name))
        }
        Caller::Address(_) | Caller::Unnamed => None,
    };
    let address = match caller {
        Caller::Address(address) => Some(*address),
        Caller::User(_) | Caller::Device(_) | Caller::Unnamed => None,
    };
    named.into_iter().chain(address.into_iter().flat_map(|address| policy.subjects_at(address)))
}

/// Returns a commit that follows calls of its author, and how long after the last of them, in microseconds.
fn follows(id: ObjectId, authored: i64, spans: &[Span], window: i64) -> Option<(i64, CommitReport)> {
    let moment = authored.checked_mul(1_000_000)?;
    let before = |span: &&Span| (span.first..=span.last.saturating_add(window)).contains(&moment);
    let after = spans.iter().filter(before).map(|span| moment.saturating_sub(span.last).max(0)).min()?;
    let report = CommitReport {
        commit: id.to_string(),
        authored: Timestamp::from_second(authored).map_or_else(|_| String::new(), |time| time.to_string()),
        strength: Strength::Circumstantial,
        detectors: spans.iter().filter(before).map(|span| span.detector).collect(),
    };
    Some((after, report))
}
