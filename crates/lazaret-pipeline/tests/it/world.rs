//! Scans test worlds by the built-in policy, and states what must hold of every report.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use lazaret_core::{GapKind, Verdict};
use lazaret_evidence::{Catalog, Detectors};
use lazaret_pipeline::{FileReport, LineCounts, Measure, Report, ScanOutcome, ScanRequest, scan, write_json};
use lazaret_policy::{Policy, Rules};
use lazaret_testkit::{BuiltHistory, GitRepo, History, ObjectFormat};
use proptest::prelude::*;

/// A trailer by which a commit says that Claude Code had a part in it.
pub(crate) const CLAUDE: &str = "\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";

/// Text of more tokens than a file may have and still be trivial.
pub(crate) const LONG: &str = "the quick brown fox jumps over the lazy dog and runs far away from here\n";

/// A policy and the detectors of its catalog.
#[derive(Debug)]
pub(crate) struct Rulebook {
    rules: Rules,
    detectors: Detectors,
}

impl Rulebook {
    /// Returns the built-in policy with the built-in catalog.
    pub(crate) fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Rulebook> = OnceLock::new();
        BUILT_IN.get_or_init(|| Self::of(&Policy::built_in()))
    }

    /// Returns the built-in policy with more sections at its end.
    pub(crate) fn with(sections: &str) -> Self {
        let text = format!("{}\n{sections}", Policy::built_in().text());
        Self::of(&Policy::parse(text.as_bytes()).unwrap())
    }

    fn of(policy: &Policy) -> Self {
        let catalog = Catalog::built_in().with_additions(policy.text()).unwrap();
        let rules = Rules::resolve(policy, catalog.roster()).unwrap();
        Self { rules, detectors: Detectors::new(&catalog) }
    }

    /// Returns what workflows judge by, at a fixed time.
    pub(crate) fn measure(&self) -> Measure<'_> {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        Measure { rules: &self.rules, detectors: &self.detectors, brought: None, now, holdings: None }
    }
}

/// Returns a request for everything there is at `HEAD`, without an index.
pub(crate) fn request(root: &Path) -> ScanRequest<'_> {
    ScanRequest {
        root,
        rev: "HEAD",
        all_refs: false,
        measure: Rulebook::built_in().measure(),
        n_threads: 1,
        cache_dir: None,
        bundle: true,
        known: None,
    }
}

/// Scans at `HEAD`, without an index, and holds the laws of reports.
#[track_caller]
pub(crate) fn scan_head(root: &Path) -> Report {
    let outcome = scan(&request(root)).unwrap();
    hold_laws(&outcome.report);
    outcome.report
}

/// Returns everything a scan says but its note on the index, as bytes.
pub(crate) fn bytes_of(outcome: &ScanOutcome) -> String {
    let mut bytes = Vec::new();
    write_json(&outcome.report, &mut bytes).unwrap();
    bytes.push(b'\n');
    write_json(&outcome.marked_commits, &mut bytes).unwrap();
    let rows: String = outcome.bundle.iter().map(|row| format!("\n{row:?}")).collect();
    String::from_utf8(bytes).unwrap() + &rows
}

/// Holds what is true of every report, whatever was scanned.
#[track_caller]
pub(crate) fn hold_laws(report: &Report) {
    let mut total = LineCounts::default();
    let known: Vec<&str> = report.evidence.iter().map(|entry| entry.id.as_str()).collect();
    let mut first_uses: Vec<&str> = Vec::new();
    for file in &report.files {
        let mut last_end = 0;
        let mut worst = file.base;
        for span in &file.spans {
            assert!(span.start > last_end, "spans are sorted and disjoint: {file:?}");
            assert!(span.start <= span.end && span.end <= file.lines, "spans lie in the file: {file:?}");
            let same_as_base = span.verdict == file.base && span.evidence.is_empty() && span.commit.is_none();
            assert!(
                !same_as_base || span.reasons != file.reasons,
                "a span says more than the base: {file:?}"
            );
            last_end = span.end;
            worst = worst.max(span.verdict);
        }
        let covered: u32 = file.spans.iter().map(|span| span.end - span.start + 1).sum();
        if covered < file.lines || file.lines == 0 {
            assert_eq!(file.verdict, worst, "the whole is as bad as its worst part: {file:?}");
        }
        for span in file.spans.iter().filter(|span| span.verdict >= Verdict::Suspect) {
            assert!(!span.evidence.is_empty(), "no accusation without evidence: {file:?}");
        }
        assert!(file.gaps.is_empty() || file.verdict != Verdict::Clean, "a gap keeps from clean: {file:?}");
        total.merge(file.counts());
        let spans = file.spans.iter().flat_map(|span| &span.evidence);
        for id in spans.chain(&file.evidence).map(String::as_str) {
            assert!(known.contains(&id), "evidence that is named is there: {id}");
            if !first_uses.contains(&id) {
                first_uses.push(id);
            }
        }
    }
    assert_eq!(report.lines, total, "totals add up");
    assert_eq!(total.total, total.clean + total.unproven + total.suspect + total.tainted);
    assert_eq!(first_uses.len(), known.len(), "evidence that is listed is named");
    let accused = |counts: &LineCounts| (counts.tainted, counts.suspect);
    let by_tool = report.by_tool.values().fold((0, 0), |sum, counts| {
        let (tainted, suspect) = accused(counts);
        (sum.0 + tainted, sum.1 + suspect)
    });
    assert_eq!(by_tool, accused(&total), "every accused line counts for one tool");
}

/// Returns the file of that name.
#[track_caller]
pub(crate) fn file<'a>(report: &'a Report, path: &str) -> &'a FileReport {
    let found = report.files.iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("no file {path:?} among {:?}", report.files))
}

/// Returns the verdict of each line of a file.
pub(crate) fn verdicts(file: &FileReport) -> Vec<Verdict> {
    let mut verdicts = vec![file.base; file.lines as usize];
    for span in &file.spans {
        verdicts[span.start as usize - 1..span.end as usize].fill(span.verdict);
    }
    verdicts
}

/// Returns how often something stood in the way.
pub(crate) fn n_warnings(report: &Report, kind: GapKind) -> u64 {
    report.warnings.iter().filter(|warning| warning.kind == kind).map(|warning| warning.count).sum()
}

/// Marks the commits that the bits of `pick` name, and returns whether each is marked.
pub(crate) fn mark(history: &mut History, pick: u64) -> Vec<bool> {
    let marked = |(ix, commit): (usize, &mut lazaret_testkit::CommitSpec)| {
        let marked = pick >> (ix % 64) & 1 == 1;
        if marked {
            commit.message.extend_from_slice(CLAUDE.as_bytes());
        }
        marked
    };
    history.commits.iter_mut().enumerate().map(marked).collect()
}

/// Marks commits of a history as [`mark`] does, but only those that its last commit reaches.
pub(crate) fn mark_reached(history: &mut History, pick: u64) -> Vec<bool> {
    let mut reached = vec![false; history.commits.len()];
    let mut waiting: Vec<usize> = history.commits.len().checked_sub(1).into_iter().collect();
    while let Some(commit) = waiting.pop() {
        if !std::mem::replace(&mut reached[commit], true) {
            waiting.extend(&history.commits[commit].parents);
        }
    }
    let reached = reached.iter().enumerate().map(|(ix, reached)| u64::from(*reached) << (ix % 64));
    mark(history, pick & reached.fold(0, |bits, bit| bits | bit))
}

/// Returns three commits of one file: a person's, a marked one that adds a line, a person's that replaces it.
pub(crate) fn three_commits(format: ObjectFormat) -> BuiltHistory {
    let mut history = History::default();
    history.push(&[], "begin", &[("a.txt", &LONG.repeat(4))]);
    let grown = [LONG, LONG, "one line\n", "two lines\n", LONG, LONG].concat();
    history.push(&[0], &format!("grow{CLAUDE}"), &[("a.txt", &grown)]);
    let changed = [LONG, LONG, "one line\n", "two other lines\n", LONG, LONG].concat();
    history.push(&[1], "change", &[("a.txt", &changed)]);
    history.build_as(format)
}

/// The verdicts of the lines of [`three_commits`].
pub(crate) const THREE_COMMITS: [Verdict; 6] = [
    Verdict::Unproven,
    Verdict::Unproven,
    Verdict::Tainted,
    Verdict::Suspect,
    Verdict::Unproven,
    Verdict::Unproven,
];

/// Holds that a repository with the objects of [`three_commits`] is judged as it should be.
#[track_caller]
pub(crate) fn hold_three_commits(root: &Path) -> Report {
    let report = scan_head(root);
    assert_eq!(verdicts(file(&report, "a.txt")), THREE_COMMITS, "{report:?}");
    assert_eq!((report.commits.examined, report.commits.marked), (3, 1));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    report
}

/// Runs git in a folder of a world, with arguments before its own.
#[track_caller]
pub(crate) fn git_at(repo: &GitRepo, folder: &Path, args: &[&str]) -> String {
    let folder = folder.to_str().unwrap();
    repo.git(&[&["-C", folder], args].concat())
}

/// Returns where an object lies that is not in a pack.
pub(crate) fn loose_object(repo: &GitRepo, hex: &str) -> PathBuf {
    let (folder, file) = hex.split_at(2);
    repo.git_dir().join("objects").join(folder).join(file)
}

/// Returns a configuration of properties of which each case runs git.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}
