//! Carries marks and records of commits beside the revision to the commits that landed in their place.
//!
//! [`beside`] finds the marked commits and the branches that have them, [`landed`] the commits that come into
//! question; commits of the same patch are tied here, and [`branches`] finds the lines of branches that were squashed
//! or changed on the way. What it all amounts to is decided in `lazaret_evidence::carrying`. Nothing of it is kept for
//! the next scan but the commits themselves and what landed ones changed.

use std::collections::BTreeSet;

use lazaret_core::{Changes, CommitIx, CommitSet, EntryKind, Evidence, GapKind, ObjectId, Span, TreeEntry};
use lazaret_evidence::attribution::{Comparer, Contents as _};
use lazaret_evidence::carrying::{Doubt, Landing, Link, Patch, PatchFile, Weight, weigh_patch};
use lazaret_evidence::{Detectors, RecordedClaim};
use rustc_hash::{FxHashMap, FxHashSet};

use super::ScanRequest;
use super::marks::Marks;
use super::reading::{Listing, Reading, gap};
use super::recorders::Recorded;
use crate::contents::GitContents;
use crate::report::ElsewhereCounts;

mod beside;
mod branches;
mod landed;

use beside::Beside;
use landed::Landed;

/// Patches of more files are not compared: imports and moves of whole trees.
const PATCH_FILES_MAX: usize = 500;

/// So many commits that changed the same paths are compared, the oldest first: what lands lands soon, and some files
/// are changed by thousands of commits.
const SAME_PATHS_MAX: usize = 32;

/// What became of a marked commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Ambiguous,
    Carried,
}

/// Adds to the claims about commits of the revision what their originals beside it attest; returns what became of
/// those.
pub(crate) fn carry(
    reading: &mut Reading<'_>,
    listing: &Listing,
    recorded: &mut Recorded,
    request: &ScanRequest<'_>,
) -> ElsewhereCounts {
    let beside = Beside::find(reading, recorded, request.n_threads);
    let mut counts = ElsewhereCounts::default();
    let outcomes = if beside.marks.set.is_empty() {
        FxHashMap::default()
    } else {
        let landed = Landed::find(reading, &beside, request.n_threads);
        let mut carrying = Carrying::new(reading, &beside, &landed, request.measure.detectors);
        carrying.patches();
        branches::carry(&mut carrying, listing);
        carrying.hints();
        let Carrying { claims, outcomes, gaps, .. } = carrying;
        for (landed, path, lines, evidence) in claims {
            let Some(commit) = reading.graph.find(&landed) else { continue };
            recorded.add(commit, RecordedClaim { path, lines, evidence });
        }
        reading.gaps.extend(gaps.into_iter().map(|(kind, why)| gap(kind, why)));
        outcomes
    };
    for commit in beside.marks.set.iter() {
        count(Some(commit), &beside.marks, &outcomes, &mut counts);
    }
    for commit in std::mem::take(&mut recorded.elsewhere) {
        count(commit, &beside.marks, &outcomes, &mut recorded.counts.elsewhere);
    }
    counts
}

fn count(
    commit: Option<CommitIx>,
    marks: &Marks,
    outcomes: &FxHashMap<CommitIx, Outcome>,
    counts: &mut ElsewhereCounts,
) {
    let Some(commit) = commit else {
        counts.absent += 1;
        return;
    };
    match outcomes.get(&commit) {
        Some(Outcome::Carried) => counts.carried += 1,
        Some(Outcome::Ambiguous) => counts.ambiguous += 1,
        None if marks.set.contains(commit) => counts.not_landed += 1,
        None => counts.without_taint += 1,
    }
}

/// A claim that is carried: to which commit, about which lines of which path.
type CarriedClaim = (ObjectId, Option<Vec<u8>>, Option<Vec<Span>>, Evidence);

/// A path and lines of it; `None` for the whole commit.
type Where = Option<(Vec<u8>, Vec<Span>)>;

/// Carries claims; keeps what it has read and found.
struct Carrying<'a> {
    reading: &'a Reading<'a>,
    beside: &'a Beside,
    landed: &'a Landed,
    detectors: &'a Detectors,
    contents: GitContents<'a>,
    comparer: Comparer,
    /// Sorted, so that the order in which they were found does not show.
    claims: BTreeSet<CarriedClaim>,
    outcomes: FxHashMap<CommitIx, Outcome>,
    gaps: BTreeSet<(GapKind, String)>,
    /// Commits of the same patch, surely: the marked one, the one that landed.
    same_patch: FxHashSet<(CommitIx, CommitIx)>,
    /// The same wherever anything was claimed.
    claimed: FxHashSet<(CommitIx, CommitIx)>,
    /// What may be claimed by a patch where nothing better is found.
    hints: Vec<Hint>,
}

/// A claim that may be carried: from a commit to another, about which lines of which path.
struct Hint {
    original: CommitIx,
    landed: CommitIx,
    at: Where,
    mark: Evidence,
    landing: Landing,
}

impl<'a> Carrying<'a> {
    fn new(
        reading: &'a Reading<'a>,
        beside: &'a Beside,
        landed: &'a Landed,
        detectors: &'a Detectors,
    ) -> Self {
        Self {
            reading,
            beside,
            landed,
            detectors,
            contents: reading.contents(),
            comparer: Comparer::default(),
            claims: BTreeSet::new(),
            outcomes: FxHashMap::default(),
            gaps: BTreeSet::new(),
            same_patch: FxHashSet::default(),
            claimed: FxHashSet::default(),
            hints: Vec::new(),
        }
    }

    /// Carries the marks of commits to those of the same patch.
    fn patches(&mut self) {
        let mut known: FxHashMap<CommitIx, Option<Patch>> = FxHashMap::default();
        for original in self.beside.marks.set.iter() {
            if self.reading.graph.parents(original).len() > 1 {
                continue;
            }
            let mut candidates = self.patch_candidates(original);
            candidates.retain(|&landed| !self.says_it_itself(original, landed));
            if candidates.is_empty() {
                continue;
            }
            let Some(patch) = self.patch(original, &self.beside.changes) else { continue };
            for landed in candidates {
                let reading = self.reading;
                let other = known.entry(landed).or_insert_with(|| self.patch(landed, &reading.changes));
                if let Some(other) = other
                    && other.id() == patch.id()
                {
                    self.same_patch(original, &patch, landed, other);
                }
            }
        }
    }

    /// Whether a landed commit bears all claims about a marked one by itself, so that none need be carried. Where it has
    /// kept the author date as well as the paths, it is taken for that commit.
    fn says_it_itself(&mut self, original: CommitIx, landed: CommitIx) -> bool {
        let (reading, beside) = (self.reading, self.beside);
        let own = reading.claims.get(&landed).map_or(&[][..], |own| own);
        let mut claims = beside.marks.of(original).iter();
        let says_all = claims.all(|claim| own.iter().any(|own| says_as_much(own, claim)))
            && beside.marks.parts_of(original).next().is_none();
        let graph = &reading.graph;
        if says_all && graph.author_seconds(original) == graph.author_seconds(landed) {
            self.outcomes.insert(original, Outcome::Carried);
        }
        says_all
    }

    /// Returns the commits that may have the patch of a marked one: those that changed the same paths soon after it,
    /// and those of the same author date.
    fn patch_candidates(&self, original: CommitIx) -> Vec<CommitIx> {
        let graph = &self.reading.graph;
        let same_paths = self.landed.of_same_paths(&self.beside.changes, original).iter().copied();
        let same_paths: FxHashSet<CommitIx> =
            same_paths.filter(|&landed| !self.predates(landed, original)).collect();
        let same_date = |landed: &CommitIx| graph.author_seconds(*landed) == graph.author_seconds(original);
        let (dated, others): (Vec<CommitIx>, Vec<CommitIx>) =
            landed::in_order(self.reading, same_paths).into_iter().partition(same_date);
        dated.into_iter().chain(others.into_iter().take(SAME_PATHS_MAX)).collect()
    }

    fn same_patch(&mut self, original: CommitIx, patch: &Patch, landed: CommitIx, other: &Patch) {
        let graph = &self.reading.graph;
        if self.is_source(landed, original) {
            return;
        }
        let same_date = graph.author_seconds(original) == graph.author_seconds(landed);
        let doubt = match weigh_patch(patch, same_date) {
            Weight::Nothing => return,
            Weight::Doubtful(doubt) => Some(doubt),
            Weight::Sure => self.is_older(landed, original).then_some(Doubt::Older),
        };
        if doubt.is_none() {
            self.same_patch.insert((original, landed));
        }
        let landing = Landing { original: graph.id(original), link: Link::Patch, doubt };
        let beside = self.beside;
        let mut claims: Vec<(Where, &Evidence)> =
            beside.marks.of(original).iter().map(|mark| (None, mark)).collect();
        for part in beside.marks.parts_of(original) {
            let last = part.lines.end().min(part.lines.start().saturating_add(LINES_MAX));
            let spans =
                joined((part.lines.start()..=last).filter_map(|line| patch.line_in(other, &part.path, line)));
            if !spans.is_empty() {
                let at = Some((part.path.clone(), spans));
                claims.extend(part.claims.iter().map(|mark| (at.clone(), mark)));
            }
        }
        for (at, mark) in claims {
            match doubt {
                None => self.claim(original, landed, at, mark, &landing),
                Some(_) => self.hints.push(Hint { original, landed, at, mark: mark.clone(), landing }),
            }
        }
    }

    /// Claims what patches hint at where the lines of branches have said nothing.
    fn hints(&mut self) {
        let claimed = std::mem::take(&mut self.claimed);
        for Hint { original, landed, at, mark, landing } in std::mem::take(&mut self.hints) {
            if !claimed.contains(&(original, landed)) {
                self.claim(original, landed, at, &mark, &landing);
            }
        }
    }

    /// Adds a carried claim, unless the landed commit bears the same by itself.
    fn claim(&mut self, original: CommitIx, landed: CommitIx, at: Where, mark: &Evidence, landing: &Landing) {
        let Some(carried) = self.detectors.carried(mark, landing) else { return };
        self.claimed.insert((original, landed));
        let outcome = if landing.doubt.is_none() { Outcome::Carried } else { Outcome::Ambiguous };
        let known = self.outcomes.entry(original).or_insert(outcome);
        *known = outcome.max(*known);
        let own = self.reading.claims.get(&landed).into_iter().flatten();
        if own.into_iter().any(|own| says_as_much(own, &carried)) {
            return;
        }
        let (path, lines) = at.map_or((None, None), |(path, lines)| (Some(path), Some(lines)));
        self.claims.insert((self.reading.graph.id(landed), path, lines, carried));
    }

    /// Whether a landed commit was made before the original was written, by what they say.
    fn predates(&self, landed: CommitIx, original: CommitIx) -> bool {
        self.reading.graph.committer_seconds(landed) < self.reading.graph.author_seconds(original)
    }

    /// Whether a landed commit is older than the original as that stands now.
    fn is_older(&self, landed: CommitIx, original: CommitIx) -> bool {
        self.reading.graph.committer_seconds(landed) < self.reading.graph.committer_seconds(original)
    }

    /// Whether the original was made of the landed commit, as by a rebase of what has landed: it has kept the author
    /// date and is the younger of the two.
    fn is_source(&self, landed: CommitIx, original: CommitIx) -> bool {
        let graph = &self.reading.graph;
        graph.author_seconds(landed) == graph.author_seconds(original) && self.is_older(landed, original)
    }

    fn patch(&mut self, commit: CommitIx, changes: &Changes) -> Option<Patch> {
        let changed = changes.of(commit);
        if changed.is_empty() || changed.len() > PATCH_FILES_MAX {
            return None;
        }
        let mut files = Vec::with_capacity(changed.len());
        for change in changed {
            let path = changes.path(change.path).to_vec();
            let (Some(old), Some(new)) = (self.text(change.old), self.text(change.new)) else { return None };
            files.push(PatchFile { path, old, new });
        }
        Some(Patch::of(files, &mut self.comparer))
    }

    /// Returns the content of an entry, which is empty where there is none and the name of the commit for a submodule;
    /// `None`, and a note, where it cannot be read.
    fn text(&mut self, entry: Option<TreeEntry>) -> Option<std::rc::Rc<Vec<u8>>> {
        let Some(entry) = entry else { return Some(std::rc::Rc::default()) };
        if entry.kind == EntryKind::Submodule {
            return Some(std::rc::Rc::new(entry.id.as_bytes().to_vec()));
        }
        match self.contents.blob(&entry.id) {
            Ok(text) => Some(text),
            Err(kind) => {
                let why = format!("marks may not have been carried: blob {} could not be read", entry.id);
                self.gaps.insert((kind, why));
                None
            }
        }
    }
}

/// A record may give a whole file by a span without end.
const LINES_MAX: u32 = 1 << 22;

/// Whether a commit's own claim is as strong and about the same tool.
fn says_as_much(own: &Evidence, carried: &Evidence) -> bool {
    let (Some(own_taint), Some(taint)) = (own.taint(), carried.taint()) else { return false };
    own_taint.role.writes()
        && own_taint.strength >= taint.strength
        && own_taint.tool == taint.tool
        && (taint.model.is_none() || own_taint.model == taint.model)
}

/// Joins lines, which are sorted, into spans.
fn joined(lines: impl Iterator<Item = u32>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for line in lines {
        match spans.last_mut() {
            Some(last) if last.end() + 1 == line => *last = Span::new(last.start(), line).unwrap_or(*last),
            _ => spans.extend(Span::new(line, line)),
        }
    }
    spans
}

/// Returns the members of one set that are not in another.
fn without(set: &CommitSet, other: &CommitSet) -> CommitSet {
    set.iter().filter(|&commit| !other.contains(commit)).collect()
}
