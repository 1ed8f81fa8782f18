//! `check`: judges a change before it enters: what is staged, a range of commits, or a push.
//!
//! It looks at what is new alone: the commits themselves, and marks in files that the version before had not. A
//! change without findings is not clean; it only shows no mark.

use std::path::{Path, PathBuf};

use lazaret_core::{
    CommitFact, EntryKind, Evidence, Gap, GapKind, ObjectId, Origin, OriginKind, Signature, Span, TreeEntry,
    Verdict,
};
use lazaret_intake::git::{
    ObjectKind, ObjectReader, OpenRepositoryError, RawCommit, Repository, ResolveError, StagedError,
    diff_trees, find_entry, new_commits,
};
use lazaret_policy::{Matter, judge};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{CommitClaim, Warning};
use crate::scan::examine::{FileFacts, examine_text};
use crate::scan::judging::printable;
use crate::scan::reading::gap;
use crate::scan::{Measure, origin};

/// The value of a check's `format` field.
pub const CHECK_FORMAT: &str = "lazaret.check/1";

/// How much of what it has read a check keeps for reading more, in bytes.
const RECENT_BYTES: usize = 16 << 20;

/// One line that git gives its pre-receive hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// What the ref names now; `None` where it is new.
    pub old: Option<ObjectId>,
    /// What it is to name; `None` where it is to go.
    pub new: Option<ObjectId>,
    /// The ref.
    pub name: Vec<u8>,
}

/// Which change.
#[derive(Debug, Clone)]
pub enum ChangeUnderCheck {
    /// What is staged for the next commit, with its message where it is written already.
    Staged {
        /// The message.
        message: Option<Vec<u8>>,
        /// The index to read, where it is not the work tree's own.
        index_file: Option<PathBuf>,
    },
    /// The commits of `from..to`.
    Range {
        /// Commits that this revision reaches are not new.
        from: String,
        /// The newest.
        to: String,
    },
    /// A push.
    Push {
        /// The refs that it moves.
        updates: Vec<RefUpdate>,
    },
}

/// Which change of which repository, and what to judge by.
#[derive(Debug, Clone, Copy)]
pub struct CheckRequest<'a> {
    /// The repository, or a folder in its work tree.
    pub repository: &'a Path,
    /// Where else objects lie: git keeps those of a push apart until its hooks agree.
    pub object_dirs: &'a [PathBuf],
    /// The change.
    pub change: &'a ChangeUnderCheck,
    /// What to judge by.
    pub measure: Measure<'a>,
}

/// A change could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no repository.
    #[error("cannot check a change of `{path}`")]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: OpenRepositoryError,
    },
    /// A revision names no commit.
    #[error("cannot check the range")]
    Resolve(#[from] ResolveError),
    /// The staged change could not be read.
    #[error("cannot check what is staged")]
    Staged(#[from] StagedError),
}

/// What a change brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Always `lazaret.check/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: lazaret_core::Digest,
    /// The digest of the catalog.
    pub catalog: lazaret_core::Digest,
    /// The repository.
    pub origin: Origin,
    /// How many commits were examined.
    pub commits: u64,
    /// How many changed files were examined.
    pub files: u64,
    /// The worst verdict of any finding; `unproven` where there is none, since the absence of a mark proves nothing.
    pub verdict: Verdict,
    /// What was found: in the order of the commits, each commit's own marks first.
    pub findings: Vec<Finding>,
    /// What could not be examined.
    pub warnings: Vec<Warning>,
}

/// Something that the change brings and that the policy minds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The commit; absent for what is staged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// The file; absent for a mark of the commit itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The lines; absent for a mark of the whole file or commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What is held of it.
    pub verdict: Verdict,
    /// The claims, strongest first.
    pub claims: Vec<CommitClaim>,
    /// Reasons, as the judge gives them.
    pub reasons: Vec<String>,
}

/// Checks a change.
///
/// # Errors
/// [`CheckError`] when the change cannot be found; whatever in it cannot be examined is in the report.
pub fn check(request: &CheckRequest<'_>) -> Result<CheckReport, CheckError> {
    let open = |source| CheckError::Open { path: request.repository.to_owned(), source };
    // sources
    let repository = Repository::discover(request.repository, request.object_dirs).map_err(open)?;
    let mut check = Checking::new(&repository, request.measure);
    // evidence and verdict, commit by commit and file by file
    match request.change {
        ChangeUnderCheck::Staged { message, index_file } => {
            check.staged(message.as_deref(), index_file.as_deref())?;
        }
        ChangeUnderCheck::Range { from, to } => {
            let (from, to) = (repository.resolve(from)?, repository.resolve(to)?);
            check.commits(&[to], &[from], &[]);
        }
        ChangeUnderCheck::Push { updates } => check.push(updates),
    }
    // action: the caller's exit code; ledger: none
    Ok(check.finish())
}

struct Checking<'a> {
    repository: &'a Repository,
    measure: Measure<'a>,
    reader: ObjectReader<'a>,
    origin: Origin,
    examined: FxHashSet<ObjectId>,
    n_commits: u64,
    n_files: u64,
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
}

impl<'a> Checking<'a> {
    fn new(repository: &'a Repository, measure: Measure<'a>) -> Self {
        Self {
            repository,
            measure,
            reader: ObjectReader::new(repository.objects(), RECENT_BYTES),
            origin: origin(OriginKind::Git, repository.path(), None),
            examined: FxHashSet::default(),
            n_commits: 0,
            n_files: 0,
            findings: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn staged(&mut self, message: Option<&[u8]>, index_file: Option<&Path>) -> Result<(), CheckError> {
        if let Some(message) = message {
            let nobody = Signature { name: b"", email: b"", seconds: 0 };
            let id = ObjectId::Sha1([0; 20]);
            let message = without_comments(message);
            let fact = CommitFact { id, author: nobody, committer: nobody, n_parents: 1, message: &message };
            let claims = self.measure.detectors.commit(&fact);
            self.find(None, None, 0, &claims, &[]);
        }
        let head = self.repository.resolve("HEAD").ok();
        let tree = head.and_then(|head| self.tree_of(&head));
        for change in self.repository.staged_changes(index_file)? {
            let old = tree.and_then(|tree| find_entry(&mut self.reader, tree, &change.path).ok().flatten());
            self.file(None, &change.path, old, change.entry);
        }
        Ok(())
    }

    fn push(&mut self, updates: &[RefUpdate]) {
        let (refs, _) = self.repository.refs();
        let known: Vec<ObjectId> = refs.into_iter().map(|reference| reference.target).collect();
        let known: Vec<ObjectId> =
            known.into_iter().filter_map(|id| self.repository.peel(&mut self.reader, id)).collect();
        for update in updates {
            let Some(new) = update.new else { continue };
            let branch = update.name.strip_prefix(b"refs/heads/");
            let hints = branch.map(|branch| self.measure.detectors.branch(branch)).unwrap_or_default();
            match self.repository.peel(&mut self.reader, new) {
                Some(tip) => self.commits(&[tip], &known, &hints),
                None => {
                    self.gaps.push(gap(GapKind::MissingObject, format!("{new} does not lead to a commit")));
                }
            }
        }
    }

    /// Examines the commits that `new` reaches and `old` does not; `hints` speak of all of them.
    fn commits(&mut self, new: &[ObjectId], old: &[ObjectId], hints: &[Evidence]) {
        let found = new_commits(self.repository, new, old);
        for unread in found.gaps {
            self.gaps.push(gap(unread.kind, format!("commit {} could not be read", unread.id)));
        }
        for id in found.commits.into_iter().rev() {
            let Ok(raw) = self.reader.read_as(&id, ObjectKind::Commit) else { continue };
            let Some(commit) = RawCommit::parse(&raw) else { continue };
            if !self.examined.insert(id) {
                // Another ref of the same push brings it too; only this one's name is news.
                self.find(Some(id), None, 0, hints, &[]);
                continue;
            }
            self.n_commits += 1;
            let may_mark = self.measure.detectors.may_mark(&raw);
            let mut claims =
                if may_mark { self.measure.detectors.commit(&commit.fact(id)) } else { Vec::new() };
            claims.extend_from_slice(hints);
            self.find(Some(id), None, 0, &claims, &[]);
            self.changed_files(id, &commit);
        }
    }

    fn changed_files(&mut self, id: ObjectId, commit: &RawCommit<'_>) {
        let parent = commit.parents().next();
        let old = parent.and_then(|parent| self.tree_of(&parent));
        if let (Some(parent), None) = (parent, old) {
            self.gaps.push(gap(
                GapKind::MissingObject,
                format!("parent {parent} of commit {id} could not be read"),
            ));
        }
        let others: Vec<ObjectId> =
            commit.parents().skip(1).filter_map(|parent| self.tree_of(&parent)).collect();
        let mut changes: Vec<(Vec<u8>, Option<TreeEntry>, TreeEntry)> = Vec::new();
        let mut on_change = |path: &[u8], old: Option<TreeEntry>, new: Option<TreeEntry>| {
            changes.extend(new.map(|new| (path.to_vec(), old, new)));
        };
        if let Err(error) = diff_trees(&mut self.reader, old, Some(commit.tree), &mut on_change) {
            self.gaps.push(gap(error.gap(), format!("what commit {id} changed could not be read: {error}")));
        }
        for (path, old, new) in changes {
            // What a merge takes over as it stands in another parent was there before.
            let taken = |tree: &ObjectId| find_entry(&mut self.reader, *tree, &path) == Ok(Some(new));
            if !others.iter().any(taken) {
                self.file(Some(id), &path, old, new);
            }
        }
    }

    fn file(&mut self, commit: Option<ObjectId>, path: &[u8], old: Option<TreeEntry>, new: TreeEntry) {
        if new.kind == EntryKind::Submodule {
            return;
        }
        self.n_files += 1;
        let facts = match self.reader.read_as(&new.id, ObjectKind::Blob) {
            Ok(text) => examine_text(path, &text, self.measure.detectors),
            Err(error) => {
                self.gaps.push(gap(error.gap(), error.to_string()));
                return;
            }
        };
        let mut claims = self.measure.detectors.path(path);
        claims.extend(facts.claims.iter().cloned());
        if claims.is_empty() {
            return;
        }
        // What stood there before is not this change's doing.
        for known in self.claims_before(path, old) {
            let same = |claim: &Evidence| {
                (&claim.detector, &claim.claim, &claim.why) == (&known.detector, &known.claim, &known.why)
            };
            if let Some(position) = claims.iter().position(same) {
                claims.remove(position);
            }
        }
        self.find(commit, Some(path), facts.n_lines, &claims, &[]);
    }

    fn claims_before(&mut self, path: &[u8], old: Option<TreeEntry>) -> Vec<Evidence> {
        let old = old.filter(|old| old.kind != EntryKind::Submodule);
        let text = old.and_then(|old| self.reader.read_as(&old.id, ObjectKind::Blob).ok());
        let facts =
            text.map_or_else(FileFacts::default, |text| examine_text(path, &text, self.measure.detectors));
        let of_path = old.map(|_| self.measure.detectors.path(path)).unwrap_or_default();
        of_path.into_iter().chain(facts.claims).collect()
    }

    fn tree_of(&mut self, commit: &ObjectId) -> Option<ObjectId> {
        let raw = self.reader.read_as(commit, ObjectKind::Commit).ok()?;
        Some(RawCommit::parse(&raw)?.tree)
    }

    /// Judges claims and writes down what the policy minds.
    fn find(
        &mut self,
        commit: Option<ObjectId>,
        path: Option<&[u8]>,
        lines: u32,
        claims: &[Evidence],
        gaps: &[Gap],
    ) {
        if claims.is_empty() {
            return;
        }
        let matter = Matter { origin: &self.origin, lines, evidence: claims, gaps, reviews: &[] };
        let judgement = judge(self.measure.rules, &matter, self.measure.now);
        for part in judgement.parts.iter().filter(|part| part.verdict >= Verdict::Suspect) {
            let settling = part.settled_by.iter().filter_map(|&ix| claims.get(ix));
            self.findings.push(Finding {
                commit,
                path: path.map(printable),
                span: part.span.filter(|span| span.lines() < lines),
                verdict: part.verdict,
                claims: settling.filter_map(CommitClaim::of).collect(),
                reasons: part.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
            });
        }
    }

    fn finish(self) -> CheckReport {
        let worst = self.findings.iter().map(|finding| finding.verdict).max();
        CheckReport {
            format: CHECK_FORMAT,
            version: crate::report::VERSION,
            policy: self.measure.rules.policy_digest(),
            catalog: self.measure.rules.catalog_digest(),
            origin: self.origin,
            commits: self.n_commits,
            files: self.n_files,
            verdict: worst.unwrap_or_default(),
            findings: self.findings,
            warnings: crate::scan::warnings(self.gaps.iter()),
        }
    }
}

/// Takes out of a message that is being written what git will take out: comment lines, and all below the scissors.
fn without_comments(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"# ------------------------ >8 ------------------------") {
            break;
        }
        if !line.starts_with(b"#") {
            out.extend_from_slice(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn comments_and_what_is_below_the_scissors_are_no_message() {
        let message =
            b"subject\n# hint\nbody\n# ------------------------ >8 ------------------------\ndiff\n";
        assert_eq!(without_comments(message), b"subject\nbody\n");
    }
}
