//! `cargo xtask bench notes`: whether the lines that Git AI notes give to a tool are those that a scan calls recorded.
//!
//! Every line at `HEAD` that `git blame` traces to a commit with a note is looked up in the note, by the line's number
//! and path in that commit; the scan's report is held against that.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use lazaret_core::{ObjectId, RecordedFile, RecordedSpan, Recorder, Recording, Span, Strength};
use lazaret_evidence::Detectors;
use lazaret_intake::git::{ObjectReader, Repository};
use lazaret_intake::recorders::read_recordings;
use lazaret_testkit::{BlamedLine, pinned_blame, read_porcelain};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::measure::release_build;
use super::options::Options;
use super::reading::{RECENT_BYTES, detectors};
use super::scratch::ScratchClone;
use super::table::{Table, name_of};

const COLUMNS: [&str; 8] = [
    "repository",
    "records",
    "refused",
    "elsewhere",
    "lines of noted commits",
    "a tool's by the notes",
    "recorded in the scan",
    "differ",
];

/// How many lines that differ are printed.
const SAID_MAX: usize = 40;

/// Compares every file of each repository; fails if a single line differs.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &["--sample"])?;
    let lazaret = release_build()?;
    let mut table = Table::new(&COLUMNS);
    let mut n_differ = 0;
    for repository in &options.repositories {
        let report = report(&lazaret, repository)?;
        let tally = compare(repository, &report, options.sample)
            .with_context(|| format!("`{}`", repository.display()))?;
        tally.said.iter().for_each(|said| println!("{said}"));
        n_differ += tally.differ;
        let count = |field: &str| report.pointer(&format!("/recorders/{field}")).map(Value::to_string);
        table.row([
            name_of(repository),
            count("records").unwrap_or_default(),
            count("refused").unwrap_or_default(),
            count("elsewhere").unwrap_or_default(),
            tally.noted.to_string(),
            tally.by_notes.to_string(),
            tally.by_scan.to_string(),
            tally.differ.to_string(),
        ]);
    }
    print!("{}", table.to_markdown());
    if options.sample > 1 {
        println!("a sample: one of every {} files was compared", options.sample);
    }
    ensure!(n_differ == 0, "not every line is recorded as its note has it");
    Ok(())
}

fn report(lazaret: &Path, repository: &Path) -> Result<Value> {
    let mut scan = Command::new(lazaret);
    scan.args(["scan", "--quiet", "--format", "json", "--fail-on", "never", "--no-cache"]).arg(repository);
    let answer = scan.stdin(Stdio::null()).output().context("`lazaret` could not be started")?;
    ensure!(answer.status.success(), "`lazaret scan` ended with {}", answer.status);
    serde_json::from_slice(&answer.stdout).context("the report is not JSON")
}

#[derive(Debug, Default)]
struct Tally {
    noted: u64,
    by_notes: u64,
    by_scan: u64,
    differ: u64,
    said: Vec<String>,
}

/// Lines that notes give to a tool, by commit and path.
type Noted = FxHashMap<(ObjectId, Vec<u8>), Vec<Span>>;

fn compare(path: &Path, report: &Value, sample: usize) -> Result<Tally> {
    let (commits, noted) = notes(path, &detectors())?;
    let clone = ScratchClone::of(path)?;
    let rev =
        report.pointer("/origin/rev").and_then(Value::as_str).context("the report names no revision")?;
    clone.set_head(rev)?;
    clone.write_commit_graph()?;
    let mut tally = Tally::default();
    let recorded = recorded_evidence(report);
    let files = report["files"].as_array().context("the report has no files")?;
    for file in files.iter().filter(|file| file["lines"] != 0).step_by(sample) {
        let path = file["path"].as_str().unwrap_or_default();
        let mut blame = pinned_blame(&clone.path(), rev, path.as_bytes());
        let answer = blame.stdin(Stdio::null()).output().context("`git` could not be started")?;
        if answer.status.success() {
            tally.add(path, &spans_of(file, &recorded), &read_porcelain(&answer.stdout), &commits, &noted);
        }
    }
    ensure!(tally.noted > 0, "no line at `HEAD` comes from a commit with a note");
    Ok(tally)
}

/// Reads which commits have a note, and which lines their notes give to a tool that does more than test recorders.
fn notes(path: &Path, detectors: &Detectors) -> Result<(FxHashSet<ObjectId>, Noted)> {
    let repository = Repository::open(path, &[])?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let found = read_recordings(&repository, &mut reader, None);
    let (mut commits, mut noted) = (FxHashSet::default(), Noted::default());
    for recording in found.recordings.iter().filter(|recording| recording.recorder == Recorder::GitAi) {
        commits.insert(recording.commit);
        for file in &recording.files {
            for span in &file.spans {
                let Some(lines) = span.lines else { continue };
                if names_a_tool(recording, file, span, detectors) {
                    noted.entry((recording.commit, file.path.clone())).or_default().push(lines);
                }
            }
        }
    }
    Ok((commits, noted))
}

/// Whether a span by itself is a tool's: early notes name tools and people alike, under names that may be either's,
/// and some name what recorders test themselves with.
fn names_a_tool(
    recording: &Recording,
    file: &RecordedFile,
    span: &RecordedSpan,
    detectors: &Detectors,
) -> bool {
    let mut alone = Recording::new(recording.recorder, recording.record, recording.commit);
    let spans = vec![span.clone()];
    alone.files = vec![RecordedFile { path: file.path.clone(), spans }];
    let claims = detectors.recording(&alone).claims;
    claims
        .iter()
        .any(|claim| claim.evidence.taint().is_some_and(|taint| taint.strength == Strength::Recorded))
}

/// Returns the ids of evidence by a record of lines, with their commit.
fn recorded_evidence(report: &Value) -> FxHashMap<&str, &str> {
    let entries = report["evidence"].as_array().into_iter().flatten();
    let recorded =
        entries.filter(|entry| entry["detector"] == "authorship-note" && entry["strength"] == "recorded");
    recorded.filter_map(|entry| Some((entry["id"].as_str()?, entry["commit"].as_str()?))).collect()
}

/// Returns the lines that a scan calls recorded, directly and of the commit they come from, with that commit.
fn spans_of(file: &Value, recorded: &FxHashMap<&str, &str>) -> Vec<(u64, u64, ObjectId)> {
    let span = |span: &Value| {
        let commit = span["commit"].as_str()?;
        let mut evidence = span["evidence"].as_array()?.iter().filter_map(Value::as_str);
        let is_recorded = evidence.any(|id| recorded.get(id) == Some(&commit)) && span["direct"] == true;
        is_recorded.then_some((span["start"].as_u64()?, span["end"].as_u64()?, commit.parse().ok()?))
    };
    file["spans"].as_array().into_iter().flatten().filter_map(span).collect()
}

impl Tally {
    fn add(
        &mut self,
        path: &str,
        recorded: &[(u64, u64, ObjectId)],
        blamed: &[BlamedLine],
        commits: &FxHashSet<ObjectId>,
        noted: &Noted,
    ) {
        for (line, number) in blamed.iter().zip(1..) {
            if !commits.contains(&line.commit) {
                continue;
            }
            let spans = noted.get(&(line.commit, line.path.clone()));
            let by_notes = spans.is_some_and(|spans| {
                spans.iter().any(|span| span.start() <= line.line && line.line <= span.end())
            });
            let mut here = recorded.iter().filter(|(start, end, _)| *start <= number && number <= *end);
            let by_scan = here.any(|(_, _, commit)| *commit == line.commit);
            self.noted += 1;
            self.by_notes += u64::from(by_notes);
            self.by_scan += u64::from(by_scan);
            if by_notes != by_scan {
                self.differ += 1;
                if self.said.len() < SAID_MAX {
                    let (commit, origin) = (line.commit, line.line);
                    self.said.push(format!(
                        "{path}:{number}\t{commit}:{origin}\tnotes {by_notes}\tscan {by_scan}"
                    ));
                }
            }
        }
    }
}
