//! Carries marks and records of commits beside the revision to the commits that landed in their place.
//!
//! [`beside`] finds the marked commits and the branches that have them, [`landed`] the commits that come into
//! question; [`patches`] ties commits of the same patch, and [`branches`] finds the lines of branches that were squashed
//! or changed on the way. What it all amounts to is decided in `lazaret_evidence::carrying`. What comes of it is kept
//! for the next scan of a repository in which nothing has changed.

use std::collections::BTreeSet;

use lazaret_core::{
    CommitIx, CommitSet, Digest, EntryKind, Evidence, Gap, GapKind, ObjectId, Span, TreeEntry,
};
use lazaret_evidence::attribution::{Comparer, Contents as _};
use lazaret_evidence::carrying::Landing;
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
mod patches;

use beside::Beside;
use landed::Landed;

/// What became of a marked commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Ambiguous,
    Carried,
}

/// What carrying came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried {
    /// The claims, sorted.
    pub(crate) claims: Vec<CarriedClaim>,
    /// What stood in the way.
    pub(crate) gaps: Vec<Gap>,
    /// What became of the marks of commits beside the revision.
    pub(crate) beside: ElsewhereCounts,
    /// What became of the records that speak of such commits.
    pub(crate) of_records: ElsewhereCounts,
}

/// Adds to the claims about commits of the revision what their originals beside it attest; returns what became of
/// those.
pub(crate) fn carry(
    reading: &mut Reading<'_>,
    listing: &Listing,
    recorded: &mut Recorded,
    request: &ScanRequest<'_>,
) -> ElsewhereCounts {
    let key = world_key(reading, recorded, request);
    let elsewhere = std::mem::take(&mut recorded.elsewhere);
    let known = key.and_then(|key| reading.memory.known_carried(key));
    let carried = known.unwrap_or_else(|| {
        let carried = find(reading, listing, recorded, &elsewhere, request);
        if let Some(key) = key.filter(|_| is_lasting(reading, &carried)) {
            reading.memory.keep_carried(key, &carried);
        }
        carried
    });
    for (landed, path, lines, evidence) in carried.claims {
        let Some(commit) = reading.graph.find(&landed) else { continue };
        recorded.add(commit, RecordedClaim { path, lines, evidence });
    }
    reading.gaps.extend(carried.gaps);
    recorded.counts.elsewhere = carried.of_records;
    carried.beside
}

/// Returns the digest of all that carrying depends on; `None` where nothing is kept, or nothing lies beside the
/// revision.
///
/// While the objects, the refs, the revision and the records are the same, so is what becomes of marks, and what could
/// not be read.
fn world_key(reading: &Reading<'_>, recorded: &Recorded, request: &ScanRequest<'_>) -> Option<Digest> {
    let main = reading.graph.reachable([reading.tip]);
    let mut beside = reading.heads.iter().map(|head| head.commit).chain(reading.lost.iter().copied());
    if beside.all(|id| reading.graph.find(&id).is_none_or(|commit| main.contains(commit))) {
        return None;
    }
    let (state, records) = (reading.repository.objects().state().ok()?, recorded.records?);
    let tip = reading.graph.id(reading.tip);
    let refs = reading.refs.iter().map(|git_ref| format!("{} {}\n", git_ref.target, git_ref.name));
    let (refs, scope) = (refs.collect::<String>(), [u8::from(request.all_refs)]);
    let world = [state.as_bytes(), tip.as_bytes(), refs.as_bytes(), records.as_bytes(), &scope[..]];
    reading.memory.carried_key(&world)
}

/// Whether the same comes out as long as the world is the same: what is missing stays missing until the store changes,
/// but what is corrupt may be mended without a trace.
fn is_lasting(reading: &Reading<'_>, carried: &Carried) -> bool {
    let mut gaps = reading.gaps.iter().chain(&carried.gaps);
    carried.beside != ElsewhereCounts::default() && gaps.all(|gap| gap.kind == GapKind::MissingObject)
}

fn find(
    reading: &mut Reading<'_>,
    listing: &Listing,
    recorded: &Recorded,
    elsewhere: &[Option<CommitIx>],
    request: &ScanRequest<'_>,
) -> Carried {
    let n_gaps = reading.gaps.len();
    let beside = Beside::find(reading, recorded, request.n_threads);
    let mut carried = Carried::default();
    let outcomes = if beside.marks.set.is_empty() {
        FxHashMap::default()
    } else {
        let landed = Landed::find(reading, &beside, request.n_threads);
        let mut carrying = Carrying::new(reading, &beside, &landed, request.measure.detectors);
        patches::carry(&mut carrying);
        branches::carry(&mut carrying, listing);
        patches::hint(&mut carrying);
        let Carrying { claims, outcomes, gaps, .. } = carrying;
        carried.claims.extend(claims);
        carried.gaps.extend(gaps.into_iter().map(|(kind, why)| gap(kind, why)));
        outcomes
    };
    // Those that were noted on the way come first.
    let noted = reading.gaps.drain(n_gaps..).collect::<Vec<_>>();
    carried.gaps.splice(..0, noted);
    for commit in beside.marks.set.iter() {
        count(Some(commit), &beside.marks, &outcomes, &mut carried.beside);
    }
    for &commit in elsewhere {
        count(commit, &beside.marks, &outcomes, &mut carried.of_records);
    }
    carried
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
pub(crate) type CarriedClaim = (ObjectId, Option<Vec<u8>>, Option<Vec<Span>>, Evidence);

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

/// Whether a commit's own claim is as strong and about the same tool.
fn says_as_much(own: &Evidence, carried: &Evidence) -> bool {
    let (Some(own_taint), Some(taint)) = (own.taint(), carried.taint()) else { return false };
    own_taint.role.writes()
        && own_taint.strength >= taint.strength
        && own_taint.tool == taint.tool
        && (taint.model.is_none() || own_taint.model == taint.model)
}

/// Returns the members of one set that are not in another.
fn without(set: &CommitSet, other: &CommitSet) -> CommitSet {
    set.iter().filter(|&commit| !other.contains(commit)).collect()
}
