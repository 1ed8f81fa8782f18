//! What a reviewer sees beside the bytes of a held content: whose each line is, where the repository can still be read.
//!
//! A hold records the content and its places, not its lines. They are attributed anew, by the store's own policy, and
//! only where the repository still has exactly this content at the place.

use std::collections::BTreeMap;
use std::path::Path;

use lazaret_core::{Digest, Verdict};
use lazaret_intake::git::{ObjectKind, ObjectReader, Repository};
use lazaret_store::{Cause, CauseKind, Hold, Place};

use crate::blame::{Blame, BlameRequest, blame};
use crate::scan::{Measure, RECENT_BYTES};

/// Contents beyond this size are not shown: `lazaret hold read` writes them.
pub const SHOWN_BYTES_MAX: u64 = 64 << 20;

/// How the place of a repository begins.
const GIT: &str = "git:";

/// Which content, and what to judge by.
#[derive(Debug, Clone, Copy)]
pub struct LinesRequest<'a> {
    /// The content.
    pub hold: &'a Hold,
    /// What its case has in common: a commit is a revision that had the content.
    pub cause: &'a Cause,
    /// What to judge by.
    pub measure: Measure<'a>,
    /// How many threads to use.
    pub n_threads: usize,
    /// Where indexes of histories are kept; `None` to keep none.
    pub cache_dir: Option<&'a Path>,
}

/// Whose the lines of a content are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLines {
    /// The place that they were attributed at.
    pub place: Place,
    /// The revision, as it was asked for.
    pub rev: String,
    /// The lines, from the first.
    pub lines: Vec<HeldLine>,
    /// What each evidence says, by the digest under which a case names it.
    pub whys: BTreeMap<Digest, String>,
}

/// Whose one line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLine {
    /// What is held of it.
    pub verdict: Verdict,
    /// The tool whose taint settled that.
    pub tool: Option<String>,
    /// The commit it comes from; none where that could not be found.
    pub commit: Option<String>,
    /// Its author.
    pub author: String,
    /// The day of the commit, which proves nothing.
    pub date: String,
    /// Whether the line stands as its commit left it.
    pub is_direct: bool,
    /// The evidence that settled the verdict, by the digest under which a case names it.
    pub evidence: Vec<Digest>,
}

/// The lines of a content could not be attributed.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// It is no whole file of a repository.
    #[error("it is no whole file of a repository; only such have a history by line")]
    NoFile,
    /// No place could be read that still has it.
    #[error("no repository could be read that has this content where it was found: {last}")]
    NotThere {
        /// What the last place said.
        last: String,
    },
}

/// Attributes the lines of a held content in the first place that still has it: at the tip, or at the commit that the
/// case is about.
///
/// # Errors
/// [`LinesError`] where no place has it or can be read.
pub fn held_lines(request: &LinesRequest<'_>) -> Result<HeldLines, LinesError> {
    let LinesRequest { hold, cause, .. } = request;
    if hold.blob.is_none() {
        return Err(LinesError::NoFile);
    }
    let mut revs = vec!["HEAD".to_owned()];
    if cause.kind == CauseKind::Commit {
        revs.push(cause.name.clone());
    }
    let mut last = "its place is no repository".to_owned();
    for place in &hold.places {
        let Some(root) = place.origin.strip_prefix(GIT).map(Path::new) else { continue };
        let file = root.join(&place.path);
        for rev in &revs {
            let asked = BlameRequest {
                file: &file,
                rev,
                measure: request.measure,
                n_threads: request.n_threads,
                cache_dir: request.cache_dir,
            };
            // The cheap question first: attributing a file reads the history, and may take minutes.
            match has(root, rev, hold, &place.path) {
                Ok(()) => {}
                Err(why) => {
                    last = why;
                    continue;
                }
            }
            match blame(&asked) {
                Ok(blame) if blame.file.blob == hold.blob => return Ok(lines(blame, place, rev)),
                Ok(_) => "the repository has another content there".clone_into(&mut last),
                Err(error) => last = error.to_string(),
            }
        }
    }
    Err(LinesError::NotThere { last })
}

/// Whether a repository has the content at all.
fn has(root: &Path, rev: &str, hold: &Hold, path: &str) -> Result<(), String> {
    let repository = Repository::open(root, &[]).map_err(|error| error.to_string())?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let blob = hold.blob.ok_or_else(|| LinesError::NoFile.to_string())?;
    match reader.read_as(&blob, ObjectKind::Blob) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("the repository does not have `{path}` of {rev} any more")),
    }
}

fn lines(blame: Blame, place: &Place, rev: &str) -> HeldLines {
    let digests: BTreeMap<&str, Digest> =
        blame.evidence.iter().filter_map(|entry| Some((entry.id.as_str(), entry.name?))).collect();
    let lines = blame.lines.iter().map(|line| HeldLine {
        verdict: line.verdict,
        tool: line.tool.clone(),
        commit: line.commit.map(|commit| commit.to_string()),
        author: line.author.clone(),
        date: line.date.clone(),
        is_direct: line.direct,
        evidence: line.evidence.iter().filter_map(|id| digests.get(id.as_str()).copied()).collect(),
    });
    HeldLines {
        place: place.clone(),
        rev: rev.to_owned(),
        lines: lines.collect(),
        whys: blame.evidence.iter().filter_map(|entry| Some((entry.name?, entry.why.clone()))).collect(),
    }
}

/// Reads a content that is not sealed from a repository where it was found. What is sealed takes a purpose and an entry;
/// what lies in place can be read by whoever can read the place.
///
/// # Errors
/// [`LinesError`] where no place has exactly this content.
pub fn bytes_in_place(hold: &Hold) -> Result<Vec<u8>, LinesError> {
    let blob = hold.blob.ok_or(LinesError::NoFile)?;
    let mut last = "its place is no repository".to_owned();
    for place in &hold.places {
        let Some(root) = place.origin.strip_prefix(GIT).map(Path::new) else { continue };
        let repository = match Repository::open(root, &[]) {
            Ok(repository) => repository,
            Err(error) => {
                last = error.to_string();
                continue;
            }
        };
        let read = ObjectReader::new(repository.objects(), RECENT_BYTES).read_as(&blob, ObjectKind::Blob);
        match read {
            Ok(bytes) if Digest::of(&bytes) == hold.content => return Ok(bytes.to_vec()),
            Ok(_) => "the repository has another content there".clone_into(&mut last),
            Err(_) => "the repository does not have it any more".clone_into(&mut last),
        }
    }
    Err(LinesError::NotThere { last })
}
