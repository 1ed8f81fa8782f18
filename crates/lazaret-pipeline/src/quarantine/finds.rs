//! What a scan found, ready to be held: bytes, evidence, and who wrote it.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{DetectorId, Digest, Directness, ObjectId, Strength, ToolId, Verdict};
use lazaret_intake::git::{ObjectKind, ObjectReader, OpenRepositoryError, RawCommit, Repository};
use lazaret_store::{CaseEvidence, Cause, CauseKind, ContentKind, HeldContent, Place};
use serde::Serialize;

use crate::report::{FileReport, NamedTaint, Report};
use crate::scan::writers::{LineWriters, has_marks_of_its_own};
use crate::scan::{RECENT_BYTES, ScanRequest};

/// The most taints that a case names one by one; beyond it those that are alike are named together.
const EVIDENCE_MAX: usize = 100;
/// The longest path that an entry of the ledger holds, in bytes.
const PATH_MAX: usize = 1024;

/// A content that is to be held.
#[derive(Debug, Clone)]
pub struct Find {
    /// What it is, and where it lies.
    pub held: HeldContent,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it has in common with others.
    pub cause: Cause,
    /// What stands against it.
    pub evidence: BTreeSet<CaseEvidence>,
    /// The addresses of who wrote and committed what stands against it.
    pub authors: BTreeSet<String>,
}

/// Something that should be held and could not be, or not with all that a case has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The path.
    pub path: String,
    /// Why not.
    pub why: String,
}

/// The repository of a scan cannot be read again.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}` again to hold what was found in it")]
pub struct FindError {
    path: String,
    #[source]
    source: OpenRepositoryError,
}

/// Returns the files of a scan that are at least as bad as `worst`, ready to be held whole, and what could not be.
///
/// # Errors
/// [`FindError`] when the repository cannot be opened.
pub fn finds(
    request: &ScanRequest<'_>,
    report: &Report,
    worst: Verdict,
) -> Result<(Vec<Find>, Vec<Left>), FindError> {
    let path = report.origin.path.clone();
    let repository = Repository::open(path.as_ref(), &[]).map_err(|source| FindError { path, source })?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let (mut found, mut left) = (Vec::new(), Vec::new());
    let mut writers = None;
    for file in report.files.iter().filter(|file| file.verdict >= worst) {
        let mut why_not = |why: &str| left.push(Left { path: file.path.clone(), why: why.to_owned() });
        let Some(blob) = file.blob else {
            why_not("it is in no history; hold it as a file");
            continue;
        };
        if file.path.len() > PATH_MAX {
            why_not("its path is longer than an entry of the ledger may hold");
            continue;
        }
        match reader.read_as(&blob, ObjectKind::Blob) {
            Ok(bytes) => {
                let commits = commits_of(file, worst);
                // A mark in the text itself has no commit; whoever wrote the marked lines is their author.
                let writers = if has_marks_of_its_own(file) {
                    let lines = writers.get_or_insert_with(|| LineWriters::open(request, &repository));
                    lines.as_mut().and_then(|lines| lines.of(file))
                } else {
                    Some(BTreeSet::new())
                };
                if writers.is_none() {
                    why_not(
                        "it is held, and it cannot be said who wrote the lines that bear a mark: nobody is kept \
                         from deciding about the own ones",
                    );
                }
                let writers = writers.unwrap_or_default();
                let (authors, unread) = authors(&mut reader, commits.keys().chain(&writers));
                if let Some(commit) = unread {
                    why_not(&format!(
                        "it is held, and who wrote commit {commit} cannot be read: nobody is kept from deciding \
                         about the own lines of it"
                    ));
                }
                found.push(Find {
                    held: held(report, file, blob, &bytes),
                    bytes: bytes.to_vec(),
                    cause: cause(&commits, &bytes),
                    evidence: against(file),
                    authors,
                });
            }
            Err(error) => why_not(error.gap().as_str()),
        }
    }
    Ok((found, left))
}

fn held(report: &Report, file: &FileReport, blob: ObjectId, bytes: &[u8]) -> HeldContent {
    HeldContent {
        content: Digest::of(bytes),
        blob: Some(blob),
        kind: ContentKind::File,
        bytes: bytes.len() as u64,
        lines: u64::from(file.lines),
        place: Place { origin: report.origin.match_text(), path: file.path.clone(), lines: None },
    }
}

/// Returns the commits whose lines are at least as bad as `worst`, with how many lines each has.
fn commits_of(file: &FileReport, worst: Verdict) -> BTreeMap<ObjectId, u64> {
    let mut commits = BTreeMap::new();
    for span in file.spans.iter().filter(|span| span.verdict >= worst) {
        if let Some(commit) = span.commit {
            *commits.entry(commit).or_insert(0) += u64::from(span.end.saturating_sub(span.start)) + 1;
        }
    }
    commits
}

/// The commit that most of the lines come from; the content itself, where no commit is known.
fn cause(commits: &BTreeMap<ObjectId, u64>, bytes: &[u8]) -> Cause {
    match commits.iter().max_by_key(|(_, lines)| **lines) {
        Some((commit, _)) => Cause { kind: CauseKind::Commit, name: commit.to_string() },
        None => Cause { kind: CauseKind::Content, name: Digest::of(bytes).to_string() },
    }
}

/// Returns what stands against a file, each taint under the name by which any scan and gate knows it: all that counts,
/// since the whole file is held and a review that left one out would clear nothing.
fn against(file: &FileReport) -> BTreeSet<CaseEvidence> {
    condense(file.against.iter().map(case_evidence).collect())
}

/// Returns a taint as a case keeps it.
pub(crate) fn case_evidence(named: &NamedTaint) -> CaseEvidence {
    CaseEvidence {
        evidence: named.name,
        detector: named.detector.clone(),
        tool: named.taint.tool.clone(),
        strength: named.taint.strength,
        directness: named.taint.directness,
    }
}

/// Names taints together that are alike in detector, tool, strength and directness, where a case has very many.
pub(super) fn condense(evidence: BTreeSet<CaseEvidence>) -> BTreeSet<CaseEvidence> {
    if evidence.len() <= EVIDENCE_MAX {
        return evidence;
    }
    type Alike = (DetectorId, Option<ToolId>, Strength, Directness);
    let mut alike: BTreeMap<Alike, Vec<Digest>> = BTreeMap::new();
    for CaseEvidence { evidence, detector, tool, strength, directness } in evidence {
        alike.entry((detector, tool, strength, directness)).or_default().push(evidence);
    }
    let named = alike.into_iter().map(|((detector, tool, strength, directness), digests)| CaseEvidence {
        evidence: Digest::of_parts(digests.iter().map(|digest| digest.as_bytes().as_slice())),
        detector,
        tool,
        strength,
        directness,
    });
    named.collect()
}

/// Returns the addresses of who wrote and committed, without an address the name, and a commit that cannot be read.
fn authors<'a>(
    reader: &mut ObjectReader<'_>,
    commits: impl Iterator<Item = &'a ObjectId>,
) -> (BTreeSet<String>, Option<ObjectId>) {
    let (mut authors, mut unread) = (BTreeSet::new(), None);
    for id in commits {
        let raw = reader.read_as(id, ObjectKind::Commit).ok();
        let Some(commit) = raw.as_deref().and_then(|raw| RawCommit::parse(raw)) else {
            unread = Some(*id);
            continue;
        };
        for who in [commit.author, commit.committer] {
            let named = if who.email.is_empty() { who.name } else { who.email };
            if !named.is_empty() {
                authors.insert(String::from_utf8_lossy(named).into_owned());
            }
        }
    }
    (authors, unread)
}
