//! `removal`: takes lines out of a repository at a revision, as a branch or a patch, and shows that they are gone.
//!
//! Sources and evidence: those of a scan of the revision. Verdict: the scan's, or a [`Selection`] that somebody made;
//! [`selection`] makes a plan of it. Action: [`edit`] cuts the lines out at the borders of syntax, [`attempt`] writes the
//! commit beside the repository and scans it, until nothing is left that cutting can mend; then a branch names it, or
//! [`patch`] tells it. [`references`] finds what else speaks of what is gone. Ledger: none yet; the report says by which
//! scans it was shown.
//!
//! The history is not rewritten: old commits hold what they held.

use lazaret_core::{Digest, ObjectId, OriginKind};
use lazaret_intake::git::{
    BranchError, ListedEntry, ObjectKind, ObjectReader, OpenRepositoryError, Person, RawCommit, Repository,
    ResolveError, RewriteError, WriteObjectError, list_tree,
};
pub use lazaret_syntax::Granularity;

use crate::report::{Report, VERSION, write_json};
use crate::scan::judging::printable;
use crate::scan::{RECENT_BYTES, ScanError, ScanRequest, origin, scan_repository};

mod attempt;
mod edit;
mod message;
mod patch;
mod references;
mod report;
mod selection;

pub use report::{
    Holder, ImportReference, Left, LeftReason, Mention, NameReference, Proof, REMOVAL_FORMAT, References,
    Remaining, RemainingReason, RemovalFile, RemovalOutcome, RemovalReport, RemovedLines,
};
pub use selection::{SelectedFile, Selection, Take};

use attempt::{Attempt, Base, Residue};
use patch::FileChange;
use selection::{Matter, Plan};

/// How often lines are cut and the result is scanned.
const PASSES_MAX: u32 = 8;

/// How much of a commit's name the name of a branch holds.
const SHORT_CHARS: usize = 12;

/// What comes of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalTo<'a> {
    /// A branch of that name; `None` for `lazaret/remove-` and the revision.
    Branch(Option<&'a str>),
    /// A patch; nothing is written to the repository.
    Patch,
}

/// What to take out, and how.
#[derive(Debug, Clone, Copy)]
pub struct RemovalRequest<'a> {
    /// The repository, bare or with a work tree, the revision on which the new commit is put, and how to scan both. The
    /// time of the judgement is that of the commit. Whether a bundle is wanted makes no difference.
    pub scan: ScanRequest<'a>,
    /// What to take out.
    pub take: Take<'a>,
    /// Whether lines stay that were not condemned and are taken for lines of the same text that went; otherwise they go
    /// as well.
    pub keeps_same_text: bool,
    /// How much goes with a line.
    pub by: Granularity,
    /// What comes of it.
    pub to: RemovalTo<'a>,
    /// Author and committer of the commit.
    pub person: &'a Person,
}

/// What a removal made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What was done.
    pub report: RemovalReport,
    /// The patch, where one was asked for and there is something to take out.
    pub patch: Option<Vec<u8>>,
}

/// A removal could not be made. Nothing names what it may have written.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// There is no repository at the path.
    #[error("cannot remove anything from `{path}`")]
    Open {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: OpenRepositoryError,
    },
    /// The revision names no commit.
    #[error("cannot remove anything from `{path}`")]
    Resolve {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: ResolveError,
    },
    /// It could not be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The revision's commit cannot be read.
    #[error("commit {commit} cannot be read; `git fsck` names what is damaged")]
    Commit {
        /// The commit.
        commit: ObjectId,
    },
    /// An object could not be written.
    #[error(transparent)]
    Write(#[from] WriteObjectError),
    /// The new trees could not be made.
    #[error("the trees of the new commit cannot be made")]
    Rewrite(#[from] RewriteError),
    /// The branch could not be made.
    #[error(transparent)]
    Branch(#[from] BranchError),
}

/// Takes lines out of a repository at a revision.
///
/// # Errors
/// [`RemovalError`] when nothing could be done; what could not be taken out is in the report.
pub fn remove(request: &RemovalRequest<'_>) -> Result<Removal, RemovalError> {
    let path = || request.scan.root.display().to_string();
    // sources, evidence, verdict
    let repository = Repository::open(request.scan.root, &[])
        .map_err(|source| RemovalError::Open { path: path(), source })?;
    let commit = repository
        .resolve(request.scan.rev)
        .map_err(|source| RemovalError::Resolve { path: path(), source })?;
    let branch = new_branch(request, &repository, commit)?;
    let rev = commit.to_string();
    let scan = ScanRequest { rev: &rev, bundle: false, ..request.scan };
    let request = &RemovalRequest { scan, ..*request };
    // The bundle knows whose lines binary content has, which the report does not.
    let scanned = scan_repository(&ScanRequest { bundle: true, ..scan }, &repository)?;
    let (tree, files, hidden, mut reader) = read(&repository, commit)?;
    let mut plan = Plan::of(request.take, &scanned, request.scan.measure.rules, &files, &mut reader);
    plan.left.extend(hidden);
    let before = scanned.report;
    // action
    let base = Base { commit, tree, before: &before, digest: digest_of(&before) };
    let (attempt, residues, passes) = settle(request, &repository, base, &mut plan)?;
    let mut report = RemovalReport {
        format: REMOVAL_FORMAT,
        version: VERSION,
        origin: origin(OriginKind::Git, request.scan.root, Some(rev.clone())),
        policy: before.policy,
        catalog: before.catalog,
        by: word(request.by),
        outcome: RemovalOutcome::Nothing,
        passes,
        before: Proof { commit, lines: before.lines, report: base.digest },
        after: None,
        branch: None,
        files: Vec::new(),
        left: plan.left.clone(),
        remaining: residues.into_iter().map(|residue| residue.report).collect(),
        evidence: message::named_evidence(&plan, &before.evidence).into_iter().cloned().collect(),
        references: References::default(),
        warnings: before.warnings.clone(),
    };
    let mut patch = None;
    if let Some(attempt) = &attempt {
        tell(&mut report, attempt, &plan);
        report.references = references::find(&repository, attempt, &plan);
        match branch {
            Some(branch) => {
                attempt.draft.publish(&repository)?;
                repository.create_branch(&branch, attempt.commit)?;
                report.branch = Some(branch);
            }
            None => patch = Some(patch_of(attempt, &plan, &mut reader)),
        }
    }
    report.outcome = match (&attempt, report.left.is_empty() && report.remaining.is_empty()) {
        (_, false) => RemovalOutcome::Incomplete,
        (Some(_), true) => RemovalOutcome::Removed,
        (None, true) => RemovalOutcome::Nothing,
    };
    Ok(Removal { report, patch })
}

/// Cuts and scans until nothing is condemned that another cut could take out.
fn settle(
    request: &RemovalRequest<'_>,
    repository: &Repository,
    base: Base<'_>,
    plan: &mut Plan,
) -> Result<(Option<Attempt>, Vec<Residue>, u32), RemovalError> {
    let mut passes = 0;
    loop {
        if plan.works.is_empty() {
            return Ok((None, Vec::new(), passes));
        }
        passes += 1;
        let Some(attempt) = Attempt::make(request, repository, base, plan)? else {
            return Ok((None, Vec::new(), passes));
        };
        let residues = attempt.remaining(request, plan);
        let mut grows = false;
        for (work_ix, spans) in residues.iter().filter_map(|residue| residue.cut_again.as_ref()) {
            if let Some(work) = plan.works.get_mut(*work_ix) {
                grows = true;
                work.n_added += spans.len() as u64;
                work.spans.extend(spans);
            }
        }
        if !grows || passes >= PASSES_MAX {
            return Ok((Some(attempt), residues, passes));
        }
    }
}

/// Returns the name of the branch that is to be made, and refuses one that cannot be before there is any work.
fn new_branch(
    request: &RemovalRequest<'_>,
    repository: &Repository,
    commit: ObjectId,
) -> Result<Option<String>, BranchError> {
    let RemovalTo::Branch(name) = request.to else { return Ok(None) };
    let short = || commit.to_string().chars().take(SHORT_CHARS).collect::<String>();
    let name = name.map_or_else(|| format!("lazaret/remove-{}", short()), str::to_owned);
    repository.check_new_branch(&name)?;
    Ok(Some(name))
}

/// Returns the tree of a commit, its files, the folder that hides some where there is one, and what reads them.
fn read(
    repository: &Repository,
    commit: ObjectId,
) -> Result<(ObjectId, Vec<ListedEntry>, Option<Left>, ObjectReader<'_>), RemovalError> {
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let raw = reader.read_as(&commit, ObjectKind::Commit).ok();
    let tree = raw.as_ref().and_then(|raw| RawCommit::parse(raw)).map(|parsed| parsed.tree);
    let tree = tree.ok_or(RemovalError::Commit { commit })?;
    let (files, hidden) = list_tree(&mut reader, tree);
    let reason = LeftReason::Unreadable;
    let hidden = hidden.map(|error| Left { path: error.to_string(), lines: 0, reason });
    Ok((tree, files, hidden, reader))
}

/// Writes down what an attempt changed, and what the scan of it says.
fn tell(report: &mut RemovalReport, attempt: &Attempt, plan: &Plan) {
    let after = &attempt.report;
    report.after = Some(Proof { commit: attempt.commit, lines: after.lines, report: digest_of(after) });
    report.warnings = after.warnings.clone();
    let files = attempt.changes.iter().filter_map(|changed| {
        let work = plan.works.get(changed.work_ix)?;
        Some(RemovalFile {
            path: printable(&work.entry.path),
            blob: work.entry.entry.id,
            new_blob: changed.blob,
            selected: work.n_selected,
            added: work.n_added,
            removed_lines: changed.edited.n_gone,
            removed: changed.edited.removed.clone(),
            evidence: work.evidence.clone(),
        })
    });
    report.files = files.collect();
}

fn patch_of(attempt: &Attempt, plan: &Plan, reader: &mut ObjectReader<'_>) -> Vec<u8> {
    let mut patch = Vec::new();
    for changed in &attempt.changes {
        let Some(work) = plan.works.get(changed.work_ix) else { continue };
        let old_bytes = match &work.matter {
            Matter::Text(text) => text.to_bytes(),
            // It was listed, and an empty file has no bytes to show.
            Matter::Whole => reader
                .read_as(&work.entry.entry.id, ObjectKind::Blob)
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default(),
        };
        let new = changed.blob.zip(changed.edited.remainder.as_deref());
        let change = FileChange {
            path: &work.entry.path,
            mode: &changed.mode,
            old: work.entry.entry.id,
            old_bytes: &old_bytes,
            new,
        };
        patch::add_file(&mut patch, &change);
    }
    patch
}

fn digest_of(report: &Report) -> Digest {
    let mut bytes = Vec::new();
    // Written to memory, which always takes it; a report that could not be written would have another digest.
    drop(write_json(report, &mut bytes));
    Digest::of(&bytes)
}

fn word(by: Granularity) -> &'static str {
    match by {
        Granularity::Unit => "unit",
        Granularity::Statement => "statement",
        Granularity::Line => "line",
    }
}
