//! What a scan found, ready to be held: bytes, evidence, and who wrote it.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::{DetectorId, Digest, Directness, ObjectId, Span, Strength, ToolId, Verdict};
use lazaret_intake::git::{ObjectKind, ObjectReader, OpenRepositoryError, RawCommit, Repository};
use lazaret_store::{CaseEvidence, Cause, CauseKind, ContentKind, HeldContent, Place};
use serde::Serialize;

use crate::report::{FileReport, NamedTaint, Report};
use crate::scan::writers::LineWriters;
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
    let files = report.files.iter().filter(|file| file.verdict >= worst).map(|file| (file, None));
    found_in(request, report, files, worst)
}

/// Returns lines of a file of a scan, ready to be held, whatever is held of them; nothing where the file has no such
/// lines.
///
/// # Errors
/// [`FindError`] when the repository cannot be opened.
pub fn find_lines(
    request: &ScanRequest<'_>,
    report: &Report,
    path: &str,
    lines: Span,
) -> Result<(Vec<Find>, Vec<Left>), FindError> {
    let files = report.files.iter().filter(|file| file.path == path && lines.end() <= file.lines);
    found_in(request, report, files.map(|file| (file, Some(lines))), Verdict::Suspect)
}

/// Takes whole files, or lines of files, from a scan.
fn found_in<'f>(
    request: &ScanRequest<'_>,
    report: &Report,
    files: impl Iterator<Item = (&'f FileReport, Option<Span>)>,
    worst: Verdict,
) -> Result<(Vec<Find>, Vec<Left>), FindError> {
    let path = report.origin.path.clone();
    let repository = Repository::open(path.as_ref(), &[]).map_err(|source| FindError { path, source })?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let (mut found, mut left) = (Vec::new(), Vec::new());
    let mut writers = None;
    for (file, lines) in files {
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
                let commits = commits_of(file, worst, lines);
                // Whoever wrote any of what is held is an author of it, whichever of its lines bear marks.
                let writers = writers.get_or_insert_with(|| LineWriters::open(request, &repository));
                let writers = writers.as_mut().and_then(|writers| writers.of(file, lines));
                let is_known = writers.is_some();
                let writers = writers.unwrap_or_default();
                let (mut authors, unread) = authors(&mut reader, commits.keys().chain(&writers));
                // Where it cannot be said who wrote all of it, somebody did.
                if unread.is_some() || !is_known {
                    authors.insert(unknown_author(&blob));
                }
                let bytes = match lines {
                    Some(lines) => lines_of(&bytes, lines),
                    None => bytes.to_vec(),
                };
                found.push(Find {
                    held: held(report, file, (blob, lines), &bytes),
                    cause: cause(&commits, &bytes),
                    evidence: against(file, lines),
                    bytes,
                    authors,
                });
            }
            Err(error) => why_not(error.gap().as_str()),
        }
    }
    Ok((found, left))
}

/// Stands for the author of a content where nobody can say who it is: an address that is nobody's.
pub(crate) fn unknown_author(content: &impl std::fmt::Display) -> String {
    format!("the unknown author of {content}")
}

fn lines_of(bytes: &[u8], lines: Span) -> Vec<u8> {
    let all = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = usize::try_from(lines.start()).unwrap_or(usize::MAX).saturating_sub(1);
    let n_lines = usize::try_from(lines.end() - lines.start()).unwrap_or(usize::MAX).saturating_add(1);
    all.skip(first).take(n_lines).flatten().copied().collect()
}

fn held(
    report: &Report,
    file: &FileReport,
    (blob, lines): (ObjectId, Option<Span>),
    bytes: &[u8],
) -> HeldContent {
    let n_lines = lines.map_or(file.lines, |lines| lines.end() - lines.start() + 1);
    HeldContent {
        content: Digest::of(bytes),
        blob: lines.is_none().then_some(blob),
        kind: if lines.is_some() { ContentKind::Span } else { ContentKind::File },
        bytes: bytes.len() as u64,
        lines: u64::from(n_lines),
        place: Place { origin: report.origin.match_text(), path: file.path.clone(), lines },
    }
}

/// Returns the commits whose lines are at least as bad as `worst`, with how many lines each has.
fn commits_of(file: &FileReport, worst: Verdict, lines: Option<Span>) -> BTreeMap<ObjectId, u64> {
    let mut commits = BTreeMap::new();
    let is_asked =
        |start, end| lines.is_none_or(|lines| Span::new(start, end).is_ok_and(|span| lines.overlaps(span)));
    for span in file.spans.iter().filter(|span| span.verdict >= worst && is_asked(span.start, span.end)) {
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
fn against(file: &FileReport, lines: Option<Span>) -> BTreeSet<CaseEvidence> {
    let is_asked = |named: &&NamedTaint| match (lines, named.span) {
        (Some(lines), Some(span)) => lines.overlaps(span),
        (None, _) | (_, None) => true,
    };
    condense(file.against.iter().filter(is_asked).map(case_evidence).collect())
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
