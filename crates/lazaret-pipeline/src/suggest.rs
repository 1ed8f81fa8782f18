//! `suggest`: the fewest lines that people would have to answer for or read, so that a revision may be admitted.
//!
//! Sources and evidence are those of a scan, with the origin of every line. Verdict: the scan's. Action and ledger:
//! none; [`ways`] picks for each file the way that costs the fewest lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use lazaret_core::{CommitIx, Digest, ObjectId, Origin, Span, Verdict};
use lazaret_evidence::attribution::{LineOrigin, Reverse};
use lazaret_intake::git::{Mailmap, ObjectKind, ObjectReader, OpenRepositoryError, RawCommit, Repository};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contents::{GitContents, TRACED_BYTES};
use crate::report::{FileReport, VERSION};
use crate::scan::examine::in_parallel;
use crate::scan::reading::Reading;
use crate::scan::{RECENT_BYTES, ScanError, ScanRequest, scan_repository};

mod ways;

use ways::{Way, Ways};

/// The value of the `format` field.
pub const SUGGEST_FORMAT: &str = "lazaret.suggest/1";

/// What to suggest for.
#[derive(Debug, Clone, Copy)]
pub struct SuggestRequest<'a> {
    /// The repository and what to judge it by.
    pub scan: ScanRequest<'a>,
    /// The class of data set that the revision is meant for.
    pub class: &'a str,
}

/// Nothing can be suggested.
#[derive(Debug, thiserror::Error)]
pub enum SuggestError {
    /// There is no repository at the path.
    #[error("cannot look for owners in `{path}`")]
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
}

/// What would make a revision admissible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Lazaret suggestions")]
pub struct Suggestions {
    /// Always `lazaret.suggest/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// The revision.
    pub origin: Origin,
    /// The class of data set.
    pub class: String,
    /// How much there is to do.
    pub backlog: Backlog,
    /// What a set of hashes from before every banned tool could prove, by what the dates of commits claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated: Option<DatedSuggestion>,
    /// Who could attest to what they wrote: most lines first.
    pub attest: Vec<OwnerSuggestion>,
    /// What two people would have to read, by who wrote most of it: most lines first.
    pub review: Vec<ReviewSuggestion>,
    /// Files that could not be examined: no statement makes them admissible.
    pub unexamined: Vec<UnexaminedFile>,
}

/// How much there is to do, in lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Backlog {
    /// Lines at the revision.
    pub lines: u64,
    /// Lines that are admitted as they stand.
    pub admitted: u64,
    /// Lines that an old enough set of hashes could prove: nobody reads them.
    pub dated: u64,
    /// Lines that their authors could attest to.
    pub attest: u64,
    /// Lines that two people would have to read.
    pub review: u64,
    /// Lines of files that could not be examined.
    pub unexamined: u64,
}

/// Contents whose commits claim to be older than every banned tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DatedSuggestion {
    /// A set must be from before this day.
    #[schemars(with = "String")]
    pub before: Date,
    /// How many lines.
    pub lines: u64,
    /// The files, by path: their contents are what the set must hold.
    pub files: Vec<FileLines>,
}

/// Lines of one author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnerSuggestion {
    /// The author, as the repository's mailmap wants the name shown, with the address of the commits.
    pub owner: String,
    /// How many lines.
    pub lines: u64,
    /// How many commits they come from.
    pub commits: u64,
    /// The files that they stand in, by path.
    pub files: Vec<FileLines>,
}

/// A file, and how many lines of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct FileLines {
    /// The path.
    pub path: String,
    /// The blob.
    pub blob: ObjectId,
    /// The lines.
    pub lines: u64,
}

/// Something to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReviewSuggestion {
    /// Who wrote most of what is to be read.
    pub owner: String,
    /// The file.
    pub path: String,
    /// Its content.
    pub blob: ObjectId,
    /// The nearest version of the same path that is clean by proof, where there is one: only what differs is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ObjectId>,
    /// How many lines are to be read.
    pub lines: u64,
    /// The worst verdict of the file as it stands.
    pub verdict: Verdict,
}

/// A file that could not be examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnexaminedFile {
    /// The file.
    pub path: String,
    /// Its lines, where they could be counted.
    pub lines: u64,
    /// Codes of what stood in the way.
    pub gaps: Vec<String>,
}

/// Says what would make a revision admissible.
///
/// # Errors
/// [`SuggestError`] when there is no repository, or it cannot be scanned.
pub fn suggest(request: &SuggestRequest<'_>) -> Result<Suggestions, SuggestError> {
    let path = || request.scan.root.display().to_string();
    // sources, evidence, verdict
    let repository = Repository::open(request.scan.root, &[])
        .map_err(|source| SuggestError::Open { path: path(), source })?;
    let scan = ScanRequest { bundle: true, ..request.scan };
    let outcome = scan_repository(&scan, &repository)?;
    let mut reading = Reading::open(&scan, &repository)?;
    let everything = reading.scope.clone();
    reading.compare(&everything, scan.n_threads);
    let policy = scan.measure.rules.policy();
    let wanting: Vec<&FileReport> = outcome.report.files.iter().collect();
    let wanting: Vec<&FileReport> =
        wanting.into_iter().filter(|file| !policy.admits(request.class, file.verdict)).collect();
    let origins = trace(&reading, &wanting, &scan);
    // what would help
    let ways = Ways::new(&reading, &scan, request.class, &outcome.bundle);
    let picked = in_parallel(wanting.len(), scan.n_threads, || {
        let mut picker = ways.picker();
        let (wanting, origins) = (&wanting, &origins);
        move |ix| {
            let (Some(file), Some(origins)) = (wanting.get(ix), origins.get(ix)) else { return Way::Nothing };
            picker.pick(file, origins)
        }
    });
    let mut sums = Sums::new(&reading, repository.mailmap());
    for (file, way) in wanting.iter().zip(picked) {
        sums.add(file, way);
    }
    let counts = outcome.report.lines;
    let admitted = |verdict, lines| if policy.admits(request.class, verdict) { lines } else { 0 };
    let admitted = admitted(Verdict::Clean, counts.clean)
        + admitted(Verdict::Unproven, counts.unproven)
        + admitted(Verdict::Suspect, counts.suspect)
        + admitted(Verdict::Tainted, counts.tainted);
    let mut suggestions = Suggestions {
        format: SUGGEST_FORMAT,
        version: VERSION,
        policy: outcome.report.policy,
        catalog: outcome.report.catalog,
        origin: outcome.report.origin,
        class: request.class.to_owned(),
        backlog: Backlog { lines: counts.total, admitted, ..sums.backlog },
        dated: None,
        attest: Vec::new(),
        review: Vec::new(),
        unexamined: Vec::new(),
    };
    sums.finish(scan.measure.rules.first_availability(), &mut suggestions);
    Ok(suggestions)
}

/// Finds the commits of the lines of files.
fn trace(reading: &Reading<'_>, files: &[&FileReport], scan: &ScanRequest<'_>) -> Vec<Vec<LineOrigin>> {
    let history = reading.history(&reading.scope);
    let (store, graph, tip) = (reading.repository.objects(), &reading.graph, reading.tip);
    in_parallel(files.len(), scan.n_threads, || {
        let mut reverse = Reverse::new(&history);
        let mut contents = GitContents::new(store, graph, TRACED_BYTES);
        move |ix| match files.get(ix).filter(|file| file.lines > 0) {
            Some(file) => reverse.file(tip, file.path.as_bytes(), &mut contents),
            None => Vec::new(),
        }
    })
}

/// Adds up what was picked for each file.
struct Sums<'a> {
    reading: &'a Reading<'a>,
    reader: ObjectReader<'a>,
    mailmap: Mailmap,
    owners: FxHashMap<CommitIx, String>,
    backlog: Backlog,
    dated: Vec<FileLines>,
    attest: BTreeMap<String, (u64, BTreeSet<CommitIx>, Vec<FileLines>)>,
    review: Vec<ReviewSuggestion>,
    unexamined: Vec<UnexaminedFile>,
}

/// Nobody is known to have written it.
const NOBODY: &str = "unknown";

impl<'a> Sums<'a> {
    fn new(reading: &'a Reading<'a>, mailmap: Mailmap) -> Self {
        Self {
            reading,
            reader: ObjectReader::new(reading.repository.objects(), RECENT_BYTES),
            mailmap,
            owners: FxHashMap::default(),
            backlog: Backlog::default(),
            dated: Vec::new(),
            attest: BTreeMap::new(),
            review: Vec::new(),
            unexamined: Vec::new(),
        }
    }

    fn add(&mut self, file: &FileReport, way: Way) {
        let Some(blob) = file.blob else { return };
        let of_file = |lines| FileLines { path: file.path.clone(), blob, lines };
        match way {
            Way::Nothing => {}
            Way::Unexamined { lines } => {
                self.backlog.unexamined += lines;
                let gaps: BTreeSet<String> =
                    file.gaps.iter().map(|gap| gap.kind.as_str().to_owned()).collect();
                let gaps = gaps.into_iter().collect();
                self.unexamined.push(UnexaminedFile { path: file.path.clone(), lines, gaps });
            }
            Way::Dated { lines } => {
                self.backlog.dated += lines;
                self.dated.push(of_file(lines));
            }
            Way::Attest { by } => {
                let mut by_owner: BTreeMap<String, (u64, BTreeSet<CommitIx>)> = BTreeMap::new();
                for (commit, lines) in by {
                    self.backlog.attest += lines;
                    let owner = by_owner.entry(self.owner(commit)).or_default();
                    owner.0 += lines;
                    owner.1.extend(commit);
                }
                for (owner, (lines, commits)) in by_owner {
                    let known = self.attest.entry(owner).or_default();
                    known.0 += lines;
                    known.1.extend(commits);
                    known.2.push(of_file(lines));
                }
            }
            Way::Review { by, from, lines } => {
                self.backlog.review += lines;
                let mut by_owner: BTreeMap<String, u64> = BTreeMap::new();
                for (commit, lines) in by {
                    *by_owner.entry(self.owner(commit)).or_default() += lines;
                }
                let most = by_owner.into_iter().max_by(|(name, lines), (other_name, other)| {
                    lines.cmp(other).then_with(|| other_name.cmp(name))
                });
                let owner = most.map_or_else(|| NOBODY.to_owned(), |(owner, _)| owner);
                let (path, verdict) = (file.path.clone(), file.verdict);
                self.review.push(ReviewSuggestion { owner, path, blob, from, lines, verdict });
            }
        }
    }

    /// Returns a commit's author.
    fn owner(&mut self, commit: Option<CommitIx>) -> String {
        let Some(commit) = commit else { return NOBODY.to_owned() };
        if let Some(known) = self.owners.get(&commit) {
            return known.clone();
        }
        let id = self.reading.graph.id(commit);
        let raw = self.reader.read_as(&id, ObjectKind::Commit).ok();
        let author = raw.as_ref().and_then(|raw| RawCommit::parse(raw)).map(|commit| commit.author);
        let owner = author.map_or_else(
            || NOBODY.to_owned(),
            |author| format!("{} <{}>", self.mailmap.name(&author), String::from_utf8_lossy(author.email)),
        );
        self.owners.insert(commit, owner.clone());
        owner
    }

    fn finish(mut self, before: Option<Date>, suggestions: &mut Suggestions) {
        suggestions.dated = before.filter(|_| !self.dated.is_empty()).map(|before| DatedSuggestion {
            before,
            lines: self.backlog.dated,
            files: std::mem::take(&mut self.dated),
        });
        suggestions.attest = self
            .attest
            .into_iter()
            .map(|(owner, (lines, commits, files))| OwnerSuggestion {
                owner,
                lines,
                commits: commits.len() as u64,
                files,
            })
            .collect();
        suggestions
            .attest
            .sort_by(|left, right| right.lines.cmp(&left.lines).then_with(|| left.owner.cmp(&right.owner)));
        self.review
            .sort_by(|left, right| right.lines.cmp(&left.lines).then_with(|| left.path.cmp(&right.path)));
        suggestions.review = self.review;
        suggestions.unexamined = self.unexamined;
    }
}

/// Returns the lines of a file by what is held of them, from the first to the last.
fn verdicts(file: &FileReport) -> Vec<(Span, Verdict)> {
    let mut parts = Vec::with_capacity(file.spans.len() * 2 + 1);
    let mut next = 1;
    for span in &file.spans {
        parts.extend(Span::new(next, span.start.saturating_sub(1)).ok().map(|rest| (rest, file.base)));
        parts.extend(Span::new(span.start, span.end).ok().map(|lines| (lines, span.verdict)));
        next = span.end + 1;
    }
    parts.extend(Span::new(next, file.lines).ok().map(|rest| (rest, file.base)));
    parts
}
