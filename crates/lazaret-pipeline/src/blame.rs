//! `blame`: says of every line of one file who wrote it and what is held of it, in the shape of `git blame`.
//!
//! The verdicts are those of a scan of the same revision; beside them stands every line's commit.

use std::path::{Path, PathBuf};

use lazaret_core::{ObjectId, Origin, Verdict};
use lazaret_evidence::attribution::{Forward, LineOrigin, Reverse};
use lazaret_intake::git::{Mailmap, ObjectKind, ObjectReader, OpenRepositoryError, RawCommit, Repository};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::brought;
use crate::report::{EvidenceEntry, FileReport};
use crate::scan::attribute::Attributed;
use crate::scan::copies::Copies;
use crate::scan::examine::{Examined, examine_blobs};
use crate::scan::judging::{BroughtProofs, Judge, printable};
use crate::scan::reading::{Listing, Reading, day};
use crate::scan::{Measure, RECENT_BYTES, ScanError, ScanRequest, carrying, marks, needs_origins, recorders};

/// The value of a blame's `format` field.
pub const BLAME_FORMAT: &str = "lazaret.blame/1";

/// Which file, and what to judge by.
#[derive(Debug, Clone, Copy)]
pub struct BlameRequest<'a> {
    /// The file, in the work tree of its repository, or below the folder of a bare one.
    pub file: &'a Path,
    /// The revision.
    pub rev: &'a str,
    /// What to judge by.
    pub measure: Measure<'a>,
    /// How many threads to use.
    pub n_threads: usize,
    /// Where indexes of histories are kept; `None` to keep none.
    pub cache_dir: Option<&'a Path>,
}

/// A file could not be blamed.
#[derive(Debug, thiserror::Error)]
pub enum BlameError {
    /// The file lies in no repository.
    #[error("`{file}` lies in no git repository")]
    NoRepository {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: OpenRepositoryError,
    },
    /// The history could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The revision has no such file.
    #[error("revision `{rev}` has no file `{path}`")]
    NoSuchFile {
        /// The revision.
        rev: String,
        /// The path from the root of the repository.
        path: String,
    },
}

/// The lines of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blame {
    /// Always `lazaret.blame/1`.
    pub format: &'static str,
    /// Where the file was found.
    pub origin: Origin,
    /// The file, as a scan reports it.
    pub file: FileReport,
    /// Its lines.
    pub lines: Vec<BlamedLine>,
    /// The evidence that the lines name.
    pub evidence: Vec<EvidenceEntry>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BlamedLine {
    /// The line, counted from 1.
    pub line: u32,
    /// The commit it comes from; absent where that could not be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// The path in that commit.
    pub path: String,
    /// The line in that commit.
    pub origin_line: u32,
    /// The author's name, as the repository's mailmap wants it shown.
    pub author: String,
    /// The day of the commit's author date, which proves nothing.
    pub date: String,
    /// What is held of the line.
    pub verdict: Verdict,
    /// The tool whose taint settled the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Whether the line stands as its commit left it.
    pub direct: bool,
    /// Ids of the evidence that settled the verdict.
    pub evidence: Vec<String>,
    /// Reasons, as the judge gives them.
    pub reasons: Vec<String>,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Blames a file.
///
/// # Errors
/// [`BlameError`] when the repository, the revision or the file cannot be found or read.
pub fn blame(request: &BlameRequest<'_>) -> Result<Blame, BlameError> {
    // sources
    let (repository, path) = find_file(request.file)?;
    let scan = ScanRequest {
        root: repository.path(),
        rev: request.rev,
        all_refs: false,
        measure: request.measure,
        n_threads: request.n_threads,
        cache_dir: request.cache_dir,
        bundle: false,
        known: None,
    };
    let mut reading = Reading::open(&scan, &repository)?;
    let listing = reading.list_files(&scan)?;
    let Some(file_ix) = listing.files.iter().position(|file| file.path == path) else {
        return Err(BlameError::NoSuchFile { rev: request.rev.to_owned(), path: printable(&path) });
    };
    let records = recorders::read(&mut reading);
    recorders::read_originals(&mut reading, &records, request.measure.detectors);
    // evidence
    let examined = examine_blobs(&reading, &listing, request.measure.detectors, request.n_threads);
    let mut recorded = recorders::gather(&reading, records, request.measure.detectors);
    carrying::carry(&mut reading, &listing, &mut recorded, &scan);
    let marks = marks::gather(&reading, &listing, &examined, &recorded, request.measure.detectors);
    let everything = reading.scope.clone();
    reading.compare(&everything, request.n_threads);
    let history = reading.history(&everything);
    let mut contents = reading.contents();
    let origins = Reverse::new(&history).file(reading.tip, &path, &mut contents);
    let marked = marks.marked(&reading);
    let known = reading.memory.known_ownership(&reading, &marked);
    let only = reading.changes.find_path(&path);
    let forward = Forward::resume(&history, &marked, known, only, &mut contents);
    let owned = forward.at(reading.tip, &path).map(|owned| owned.cloned());
    // verdict
    let (files, facts) = (listing.files.get(file_ix).cloned(), examined.files.get(file_ix).cloned());
    let one = Listing { files: files.into_iter().collect() };
    let facts = Examined { files: facts.into_iter().collect() };
    let measure = &request.measure;
    let attributed = Attributed {
        marked: marked.clone(),
        owned: vec![owned],
        origins: needs_origins(measure, &reading.origin).then(|| vec![origins.clone()]),
        settled: lazaret_evidence::attribution::Settled::default(),
    };
    let of_files = brought::of_files(measure.brought, repository.objects(), &one.files, 1);
    let words = brought::commits::gather(&reading, attributed.origins.as_ref(), measure);
    let judged = Judge::new(&reading, &recorded, &marks, measure).files(
        &one,
        &facts,
        &attributed,
        &Copies::default(),
        BroughtProofs { of_files: &of_files, of_commits: &words.said },
    );
    // action, ledger: none
    let (Some(file), Some(listed)) = (judged.files.into_iter().next(), one.files.first()) else {
        return Err(BlameError::NoSuchFile { rev: request.rev.to_owned(), path: printable(&path) });
    };
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let text = reader.read_as(&listed.entry.id, ObjectKind::Blob).ok();
    let text = text.as_ref().map_or(&[][..], |text| text);
    let lines =
        Lines { reading: &reading, mailmap: repository.mailmap(), reader, authors: FxHashMap::default() };
    let lines = lines.of(&file, &origins, &judged.evidence, text);
    Ok(Blame { format: BLAME_FORMAT, origin: reading.origin.clone(), file, lines, evidence: judged.evidence })
}

/// Returns the repository a file lies in and its path from the root.
fn find_file(file: &Path) -> Result<(Repository, Vec<u8>), BlameError> {
    let no_repository = |source| BlameError::NoRepository { file: file.to_owned(), source };
    // The file itself need not exist any more: the revision decides.
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(&absolute);
    let repository = Repository::discover(folder, &[]).map_err(no_repository)?;
    let root = repository.work_tree().unwrap_or_else(|| repository.path());
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let rest = absolute.strip_prefix(folder).unwrap_or(&absolute).to_owned();
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(rest);
    let path = full.strip_prefix(&root).unwrap_or(&full);
    let path =
        path.components().map(|part| part.as_os_str().as_encoded_bytes()).collect::<Vec<_>>().join(&b'/');
    Ok((repository, path))
}

/// Writes lines down.
struct Lines<'a> {
    reading: &'a Reading<'a>,
    mailmap: Mailmap,
    reader: ObjectReader<'a>,
    authors: FxHashMap<ObjectId, (String, String)>,
}

impl Lines<'_> {
    fn of(
        mut self,
        file: &FileReport,
        origins: &[LineOrigin],
        evidence: &[EvidenceEntry],
        text: &[u8],
    ) -> Vec<BlamedLine> {
        let tools: FxHashMap<&str, &EvidenceEntry> =
            evidence.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let mut texts = text.split_inclusive(|&byte| byte == b'\n');
        let mut lines = Vec::with_capacity(file.lines as usize);
        for line in 1..=file.lines {
            let after = origins.partition_point(|origin| origin.start < line);
            let origin = after.checked_sub(1).and_then(|ix| origins.get(ix));
            let commit = origin.filter(|origin| origin.gap.is_none()).and_then(|origin| origin.commit);
            let (author, date) =
                commit.map(|commit| self.author(self.reading.graph.id(commit))).unwrap_or_default();
            let after = file.spans.partition_point(|span| span.start <= line);
            let span = after.checked_sub(1).and_then(|ix| file.spans.get(ix)).filter(|span| span.end >= line);
            let settling = span.map_or(&[][..], |span| &span.evidence);
            let tool = settling.iter().find_map(|id| tools.get(id.as_str())?.tool.as_ref());
            let text = texts.next().unwrap_or_default();
            lines.push(BlamedLine {
                line,
                commit: commit.map(|commit| self.reading.graph.id(commit)),
                path: origin
                    .map(|origin| printable(self.reading.changes.path(origin.path)))
                    .unwrap_or_default(),
                origin_line: origin.map_or(line, |origin| origin.origin_start + line - origin.start),
                author,
                date,
                verdict: span.map_or(file.base, |span| span.verdict),
                tool: tool.map(ToString::to_string),
                direct: span.is_none_or(|span| span.direct),
                evidence: settling.to_vec(),
                reasons: span.map_or_else(|| file.reasons.clone(), |span| span.reasons.clone()),
                text: String::from_utf8_lossy(text).trim_end_matches(['\r', '\n']).to_owned(),
            });
        }
        lines
    }

    fn author(&mut self, commit: ObjectId) -> (String, String) {
        if let Some(known) = self.authors.get(&commit) {
            return known.clone();
        }
        let raw = self.reader.read_as(&commit, ObjectKind::Commit).ok();
        let parsed = raw.as_ref().and_then(|raw| RawCommit::parse(raw));
        let shown = parsed.map(|commit| {
            let date = day(commit.author.seconds).map(|date| date.to_string()).unwrap_or_default();
            (self.mailmap.name(&commit.author), date)
        });
        let shown = shown.unwrap_or_default();
        self.authors.insert(commit, shown.clone());
        shown
    }
}
