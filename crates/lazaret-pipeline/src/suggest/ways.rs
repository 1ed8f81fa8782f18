//! The ways in which one file could become admissible, and the one that costs the fewest lines.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::civil::Date;
use lazaret_core::{Changes, CommitGraph, CommitIx, Evidence, Gap, ObjectId, Origin, Span, Verdict};
use lazaret_evidence::attribution::{Comparer, Contents as _, History, LineOrigin};
use lazaret_intake::git::ObjectStore;
use lazaret_policy::{Matter, judge};
use rustc_hash::{FxHashMap, FxHashSet};

use super::verdicts;
use crate::bundle::{BundleRow, Statement};
use crate::contents::{GitContents, TRACED_BYTES};
use crate::report::FileReport;
use crate::scan::ScanRequest;
use crate::scan::examine::count_lines;
use crate::scan::reading::Reading;

/// How many earlier versions of a path are compared: the latest that are clean.
const VERSIONS_MAX: usize = 8;

/// Lines by the commit they come from; no commit where it is not known.
pub(super) type ByCommit = Vec<(Option<CommitIx>, u64)>;

/// How a file could become admissible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// It has no lines.
    Nothing,
    /// It could not be examined, so that no statement helps.
    Unexamined { lines: u64 },
    /// Its commits claim to be older than everything that is banned: a set of hashes would show it.
    Dated { lines: u64 },
    /// Its authors attest to it.
    Attest { by: ByCommit },
    /// Two people read it, or what differs from a version that is clean.
    Review { by: ByCommit, from: Option<ObjectId>, lines: u64 },
}

/// What ways are picked by.
pub(super) struct Ways<'a> {
    // Not the reading itself, whose repository threads cannot share.
    store: &'a ObjectStore,
    graph: &'a CommitGraph,
    changes: &'a Changes,
    origin: &'a Origin,
    scan: &'a ScanRequest<'a>,
    class: &'a str,
    history: History<'a>,
    dates: Vec<Option<Date>>,
    /// What the scan states of each version.
    stated: FxHashMap<ObjectId, Vec<&'a BundleRow>>,
}

/// Picks ways, in one thread.
pub(super) struct Picker<'w, 'a> {
    ways: &'w Ways<'a>,
    contents: GitContents<'w>,
    comparer: Comparer,
}

impl<'a> Ways<'a> {
    pub(super) fn new(
        reading: &'a Reading<'a>,
        scan: &'a ScanRequest<'a>,
        class: &'a str,
        rows: &'a [BundleRow],
    ) -> Self {
        let mut stated: FxHashMap<ObjectId, Vec<&BundleRow>> = FxHashMap::default();
        for row in rows {
            stated.entry(row.blob).or_default().push(row);
        }
        let history = reading.history(&reading.scope);
        let store = reading.repository.objects();
        let (graph, changes, origin) = (&reading.graph, &reading.changes, &reading.origin);
        Self { store, graph, changes, origin, scan, class, history, dates: reading.effective_dates(), stated }
    }

    pub(super) fn picker(&self) -> Picker<'_, 'a> {
        let (store, graph) = (self.store, self.graph);
        Picker {
            ways: self,
            contents: GitContents::new(store, graph, TRACED_BYTES),
            comparer: Comparer::default(),
        }
    }

    fn admits(&self, verdict: Verdict) -> bool {
        self.scan.measure.rules.policy().admits(self.class, verdict)
    }

    /// Whether all lines of a file come from commits that claim to be older than everything that is banned.
    fn claims_to_predate(&self, origins: &[LineOrigin]) -> bool {
        let Some(first) = self.scan.measure.rules.first_availability() else { return false };
        let is_older = |lines: &LineOrigin| {
            let commit = lines.commit.filter(|_| lines.gap.is_none());
            commit
                .and_then(|commit| self.dates.get(commit as usize).copied().flatten())
                .is_some_and(|on| on < first)
        };
        !origins.is_empty() && origins.iter().all(is_older)
    }
}

impl Picker<'_, '_> {
    /// Picks the way for a file that is not admitted.
    pub(super) fn pick(&mut self, file: &FileReport, origins: &[LineOrigin]) -> Way {
        let parts = verdicts(file);
        let wanting: Vec<Span> =
            parts.iter().filter(|(_, verdict)| !self.ways.admits(*verdict)).map(|(span, _)| *span).collect();
        let lines = wanting.iter().map(|span| u64::from(span.lines())).sum();
        if !file.gaps.is_empty() || file.lines == 0 {
            return Way::Unexamined { lines };
        }
        let is_accused = file.verdict > Verdict::Unproven;
        if !is_accused && self.ways.claims_to_predate(origins) {
            return Way::Dated { lines };
        }
        let by = by_commit(&wanting, origins);
        match self.nearest_clean(file) {
            Some((from, changed)) if is_accused || total(&changed) < lines => {
                Way::Review { lines: total(&changed), by: by_commit(&changed, origins), from: Some(from) }
            }
            _ if is_accused => Way::Review { by, from: None, lines },
            _ => Way::Attest { by },
        }
    }

    /// Finds the version of the same path that is clean by proof and differs in the fewest lines; returns those.
    fn nearest_clean(&mut self, file: &FileReport) -> Option<(ObjectId, Vec<Span>)> {
        let ways = self.ways;
        let blob = file.blob?;
        let path = ways.changes.find_path(file.path.as_bytes())?;
        let (mut seen, mut n_clean) = (FxHashSet::default(), 0);
        let mut nearest: Option<(u64, ObjectId, Vec<Span>)> = None;
        for version in ways.history.versions_of(path).rev() {
            let Some(entry) = ways.history.entry(version).filter(|entry| entry.id != blob) else { continue };
            if n_clean >= VERSIONS_MAX || !seen.insert(entry.id) || !self.may_be_clean(&entry.id) {
                continue;
            }
            let (Ok(old), Ok(new)) = (self.contents.blob(&entry.id), self.contents.blob(&blob)) else {
                continue;
            };
            if !self.is_clean(&entry.id, &old) {
                continue;
            }
            n_clean += 1;
            let changed = self.changed(&old, &new, file.lines);
            let cost = total(&changed);
            if nearest.as_ref().is_none_or(|(least, ..)| cost < *least) {
                nearest = Some((cost, entry.id, changed));
            }
        }
        nearest.map(|(_, from, changed)| (from, changed))
    }

    /// Whether anything could prove a version, so that it is worth being read.
    fn may_be_clean(&self, blob: &ObjectId) -> bool {
        let measure = &self.ways.scan.measure;
        let is_dated = measure.rules.dates_trusted_until(self.ways.origin).is_some();
        let is_stated = self.ways.stated.contains_key(blob);
        (is_dated && is_stated) || measure.brought.is_some_and(|brought| !brought.knows_no_content())
    }

    fn is_clean(&self, blob: &ObjectId, text: &[u8]) -> bool {
        let measure = &self.ways.scan.measure;
        let mut evidence: Vec<Evidence> =
            measure.brought.map(|brought| brought.of_text(text)).unwrap_or_default();
        let rows = self.ways.stated.get(blob).map_or(&[][..], Vec::as_slice);
        evidence.extend(rows.iter().filter_map(|row| row.evidence()));
        // Without a proof there is nothing to begin from, whatever the class admits.
        let gaps = rows.iter().filter_map(|row| match row.statement {
            Statement::Gap { kind } => Some(Gap { kind, span: row.lines, why: String::new() }),
            Statement::Taint { .. } | Statement::Predates { .. } | Statement::Attested { .. } => None,
        });
        let gaps: Vec<Gap> = gaps.collect();
        let (origin, lines) = (self.ways.origin, count_lines(text));
        let matter = Matter { origin, lines, evidence: &evidence, gaps: &gaps, reviews: &[] };
        judge(measure.rules, &matter, measure.now).verdict == Verdict::Clean
    }

    /// Returns the lines that the old content has not.
    fn changed(&mut self, old: &Rc<Vec<u8>>, new: &Rc<Vec<u8>>, n_lines: u32) -> Vec<Span> {
        let mut changed = Vec::new();
        let mut next = 1;
        for same in self.comparer.same_lines(old, new) {
            changed.extend(Span::new(next, same.new).ok());
            next = same.new + same.n_lines + 1;
        }
        changed.extend(Span::new(next, n_lines).ok());
        changed
    }
}

fn total(spans: &[Span]) -> u64 {
    spans.iter().map(|span| u64::from(span.lines())).sum()
}

/// Counts lines by the commit they come from.
fn by_commit(wanting: &[Span], origins: &[LineOrigin]) -> ByCommit {
    let mut by: BTreeMap<Option<CommitIx>, u64> = BTreeMap::new();
    let mut at = 0;
    for span in wanting {
        let (mut first, end) = (span.start() - 1, span.end());
        while first < end {
            while origins.get(at).is_some_and(|lines: &LineOrigin| lines.start + lines.n_lines <= first) {
                at += 1;
            }
            let here = origins.get(at).filter(|lines| lines.start <= first);
            let until = match (here, origins.get(at)) {
                (Some(lines), _) => (lines.start + lines.n_lines).min(end),
                (None, Some(next)) => next.start.min(end),
                (None, None) => end,
            };
            let commit = here.filter(|lines| lines.gap.is_none()).and_then(|lines| lines.commit);
            *by.entry(commit).or_default() += u64::from(until - first);
            first = until;
        }
    }
    by.into_iter().collect()
}
