//! The report of a removal, `lazaret.removal/1`: what was taken out, what could not be, and what shows that it is gone.

use lazaret_core::{Digest, ObjectId, Origin, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{EvidenceEntry, LineCounts, Warning};

/// The value of a report's `format` field.
pub const REMOVAL_FORMAT: &str = "lazaret.removal/1";

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RemovalReport {
    /// Always `lazaret.removal/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The repository, and the revision from which lines were taken out.
    pub origin: Origin,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// How much goes with a line: `unit`, `statement` or `line`.
    pub by: &'static str,
    /// How it ended.
    pub outcome: RemovalOutcome,
    /// How often lines were cut and the result scanned, until nothing more could be done.
    pub passes: u32,
    /// The scan of the revision.
    pub before: Proof,
    /// The scan of what came of it; absent where nothing was to be taken out, or nothing could be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Proof>,
    /// The branch that names the new commit; absent where a patch was made, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Files from which lines were taken out.
    pub files: Vec<RemovalFile>,
    /// Files from which nothing could be taken out.
    pub left: Vec<Left>,
    /// Lines of the new commit that are still condemned, files of `left` apart.
    pub remaining: Vec<Remaining>,
    /// The evidence that files name, with the ids of the scan of the revision.
    pub evidence: Vec<EvidenceEntry>,
    /// What else refers to what was taken out.
    pub references: References,
    /// What could not be examined, in the scan of the new commit, or of the revision where there is none.
    pub warnings: Vec<Warning>,
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemovalOutcome {
    /// Everything is gone, and a scan of the result says so.
    Removed,
    /// There was nothing to take out.
    Nothing,
    /// Something that was to go is there still: see `left` and `remaining`.
    Incomplete,
}

/// A scan of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Proof {
    /// The commit.
    pub commit: ObjectId,
    /// Its lines.
    pub lines: LineCounts,
    /// The digest of the scan's report as `--format json` writes it, without the line break at its end.
    pub report: Digest,
}

/// A file from which lines were taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RemovalFile {
    /// The path, written as in reports.
    pub path: String,
    /// The blob that was there.
    pub blob: ObjectId,
    /// The blob that is there now; absent where the file is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_blob: Option<ObjectId>,
    /// Lines that were condemned or selected.
    pub selected: u64,
    /// Lines that had to go as well, because the scan condemned them once those were gone.
    pub added: u64,
    /// Lines that the file is shorter by.
    pub removed_lines: u64,
    /// What was taken out, in lines of the file before.
    pub removed: Vec<RemovedLines>,
    /// What speaks against it.
    pub evidence: Vec<String>,
}

/// Lines that were taken out, the first and the last of them perhaps in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RemovedLines {
    /// The first.
    pub start: u32,
    /// The last.
    pub end: u32,
    /// What they were: a kind of node of the language's grammar, `lines`, `paragraph` or `text`.
    pub kind: String,
}

/// A file from which nothing could be taken out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Left {
    /// The path, written as in reports.
    pub path: String,
    /// How many lines should have gone.
    pub lines: u64,
    /// Why they did not.
    pub reason: LeftReason,
}

/// Why a file was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeftReason {
    /// A selection means lines of another version of the file.
    AnotherVersion,
    /// Binary content has no lines.
    Binary,
    /// It stands for a file that lies elsewhere.
    LargeFilePointer,
    /// The revision has no such file.
    NotThere,
    /// A commit of another repository.
    Submodule,
    /// It takes too long to parse.
    TooHard,
    /// It could not be read.
    Unreadable,
}

impl LeftReason {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnotherVersion => "another-version",
            Self::Binary => "binary",
            Self::LargeFilePointer => "large-file-pointer",
            Self::NotThere => "not-there",
            Self::Submodule => "submodule",
            Self::TooHard => "too-hard",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Lines of the new commit that are still condemned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remaining {
    /// The path, written as in reports.
    pub path: String,
    /// The first line, in the new commit.
    pub start: u32,
    /// The last line.
    pub end: u32,
    /// What they are held to be.
    pub verdict: Verdict,
    /// Why they are there.
    pub why: RemainingReason,
}

/// Why condemned lines are there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemainingReason {
    /// Lines that were not condemned before. Lines of the same text were taken out beside them, and git, which
    /// compares text, takes them for those.
    SameText,
    /// Cutting went on until the limit, or could not go on.
    NotCut,
}

impl RemainingReason {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameText => "same-text",
            Self::NotCut => "not-cut",
        }
    }
}

/// What else refers to what was taken out, for whoever merges it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct References {
    /// Names that were defined in what was taken out, and still stand elsewhere at the new commit.
    pub names: Vec<NameReference>,
    /// Lines that take in a file that is gone.
    pub imports: Vec<ImportReference>,
    /// Branches, tags and work trees that hold the files as they were. The history holds them as well.
    pub holders: Vec<Holder>,
    /// Branches and tags that could not be looked into.
    pub unread_refs: u64,
}

/// A name that was defined in what was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NameReference {
    /// The name.
    pub name: String,
    /// What it was, as the language's grammar calls it.
    pub kind: String,
    /// Where it was defined, written as in reports.
    pub path: String,
    /// On which line it was defined.
    pub line: u32,
    /// How often it stands elsewhere.
    pub total: u64,
    /// The first places.
    pub places: Vec<Mention>,
}

/// A place where a name stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mention {
    /// The path, written as in reports.
    pub path: String,
    /// The line, in the new commit.
    pub line: u32,
    /// What it stands in: `code`, `comment`, `literal`, or `text` where there is no grammar.
    pub within: &'static str,
}

/// A line that seems to take in a file that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportReference {
    /// The file that is gone, written as in reports.
    pub gone: String,
    /// The file that takes it in.
    pub path: String,
    /// The line, in the new commit.
    pub line: u32,
}

/// Something that still names files as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Holder {
    /// A ref by its whole name, or `worktree NAME` where a work tree has out what no ref names.
    pub name: String,
    /// How many of the files it holds.
    pub files: u64,
}
