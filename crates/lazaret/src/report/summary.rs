//! The figures of one or several reports, added up and put in order for reading.

use std::collections::BTreeMap;

use lazaret_core::{GapKind, Verdict};
use lazaret_pipeline::holdings::CaseEntry;
use lazaret_pipeline::{FileReport, LineCounts, Report};

use super::Findings;

/// How many directories and files are worth naming in a summary.
const PLACES_MAX: usize = 8;
/// Directories are named down to this depth: deep enough to point at a team, short enough to read.
const DIRECTORY_DEPTH_MAX: usize = 2;

/// What a summary says.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// The origins, each with its revision and its lines.
    pub(super) origins: Vec<OriginLine<'a>>,
    /// All lines.
    pub(super) lines: LineCounts,
    /// How many files are held to be what, in the order of [`Verdict::ALL`].
    pub(super) files: BTreeMap<Verdict, u64>,
    /// Commits read and commits marked.
    pub(super) commits: (u64, u64),
    /// Records of authorship met, and refused.
    pub(super) records: (u64, u64),
    /// Lines by tool, most tainted first.
    pub(super) by_tool: Vec<(&'a str, LineCounts)>,
    /// Lines by model, most tainted first.
    pub(super) by_model: Vec<(&'a str, LineCounts)>,
    /// Tainted and suspect lines by month, then tool.
    pub(super) timeline: BTreeMap<&'a str, BTreeMap<&'a str, u64>>,
    /// The directories with most tainted and suspect lines.
    pub(super) directories: Vec<Place>,
    /// The files with most tainted and suspect lines.
    pub(super) worst_files: Vec<Place>,
    /// Stretches shared with known text, by class and name.
    pub(super) copies: BTreeMap<(&'a str, &'a str), u64>,
    /// Files that a store holds: the path, and what it says.
    pub(super) cases: Vec<(&'a str, &'a CaseEntry)>,
    /// What could not be examined: how often, and an example.
    pub(super) gaps: BTreeMap<GapKind, (u64, &'a str)>,
    /// The name that the policy gives itself.
    pub(super) policy_name: &'a str,
    /// The report that the footer's digests are taken from: all reports of a run share them.
    pub(super) first: Option<&'a Report>,
}

/// One origin in a summary.
#[derive(Debug)]
pub(super) struct OriginLine<'a> {
    /// Its path.
    pub(super) path: &'a str,
    /// Its revision, where it has revisions.
    pub(super) rev: Option<&'a str>,
    /// Its lines.
    pub(super) lines: LineCounts,
}

/// A directory or file in a summary.
#[derive(Debug)]
pub(super) struct Place {
    /// Its path; the origin's path comes first where there are several.
    pub(super) path: String,
    /// Its lines.
    pub(super) lines: LineCounts,
}

impl<'a> Summary<'a> {
    /// Adds up the reports.
    pub(super) fn of(findings: Findings<'a>) -> Self {
        let mut summary = Self {
            origins: Vec::new(),
            lines: LineCounts::default(),
            files: BTreeMap::new(),
            commits: (0, 0),
            records: (0, 0),
            by_tool: Vec::new(),
            by_model: Vec::new(),
            timeline: BTreeMap::new(),
            directories: Vec::new(),
            worst_files: Vec::new(),
            copies: BTreeMap::new(),
            cases: Vec::new(),
            gaps: BTreeMap::new(),
            policy_name: findings.policy_name,
            first: findings.reports.first(),
        };
        let mut by_tool = BTreeMap::new();
        let mut by_model = BTreeMap::new();
        for report in findings.reports {
            let files = report.files.iter();
            summary.cases.extend(files.filter_map(|file| Some((file.path.as_str(), file.case.as_ref()?))));
            summary.add(report);
            merge(&mut by_tool, &report.by_tool);
            merge(&mut by_model, &report.by_model);
        }
        summary.by_tool = worst_first(by_tool);
        summary.by_model = worst_first(by_model);
        summary.add_places(findings.reports);
        summary
    }

    fn add(&mut self, report: &'a Report) {
        self.origins.push(OriginLine {
            path: &report.origin.path,
            rev: report.origin.rev.as_deref(),
            lines: report.lines,
        });
        self.lines.merge(report.lines);
        self.commits.0 += report.commits.examined;
        self.commits.1 += report.commits.marked;
        for copy in &report.copies {
            *self.copies.entry((&copy.class, &copy.name)).or_default() += 1;
        }
        self.records.0 += report.recorders.records;
        self.records.1 += report.recorders.refused.values().sum::<u64>();
        for entry in &report.timeline {
            let tools = self.timeline.entry(&entry.month).or_default();
            *tools.entry(&entry.tool).or_default() += entry.tainted + entry.suspect;
        }
        for file in &report.files {
            *self.files.entry(file.verdict).or_default() += 1;
        }
        for warning in &report.warnings {
            self.gaps.entry(warning.kind).or_insert((0, &warning.example)).0 += warning.count;
        }
    }

    fn add_places(&mut self, reports: &[Report]) {
        let several = reports.len() > 1;
        let mut directories: BTreeMap<String, LineCounts> = BTreeMap::new();
        let mut files = Vec::new();
        for report in reports {
            let origin = if several { format!("{}: ", report.origin.path) } else { String::new() };
            for file in &report.files {
                let lines = file.counts();
                directories.entry(format!("{origin}{}", directory_of(file))).or_default().merge(lines);
                if concern(&lines) > 0 {
                    files.push(Place { path: format!("{origin}{}", file.path), lines });
                }
            }
        }
        let directories = directories.into_iter().map(|(path, lines)| Place { path, lines });
        self.directories = worst_places(directories.filter(|place| concern(&place.lines) > 0).collect());
        self.worst_files = worst_places(files);
    }
}

/// Returns how many lines give cause for concern.
pub(super) fn concern(lines: &LineCounts) -> u64 {
    lines.tainted + lines.suspect
}

fn directory_of(file: &FileReport) -> String {
    let mut parts: Vec<&str> = file.path.split('/').collect();
    parts.pop();
    if parts.is_empty() {
        return "./".to_owned();
    }
    parts.truncate(DIRECTORY_DEPTH_MAX);
    format!("{}/", parts.join("/"))
}

fn merge<'a>(into: &mut BTreeMap<&'a str, LineCounts>, from: &'a BTreeMap<String, LineCounts>) {
    for (name, lines) in from {
        into.entry(name).or_default().merge(*lines);
    }
}

fn worst_first(counts: BTreeMap<&str, LineCounts>) -> Vec<(&str, LineCounts)> {
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(_, lines)| std::cmp::Reverse((lines.tainted, lines.suspect)));
    rows
}

fn worst_places(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_by(|a, b| {
        (b.lines.tainted, b.lines.suspect).cmp(&(a.lines.tainted, a.lines.suspect)).then(a.path.cmp(&b.path))
    });
    places.truncate(PLACES_MAX);
    places
}
