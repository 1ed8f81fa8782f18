//! Joins what recorders left in the repository to its history: which commits, which lines, which claims.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lazaret_core::{
    CommitIx, Digest, Evidence, ObjectId, Recorder, Recording, RevisionMeaning, Span, Writer,
};
use lazaret_evidence::{Detectors, RecordedClaim};
use lazaret_intake::git::{ObjectKind, ObjectReader, RawCommit, find_entry};
use lazaret_intake::recorders::{Recordings, read_recordings};
use rustc_hash::{FxHashMap, FxHashSet};

use super::judging::printable;
use super::marks::{PartClaims, strongest_first};
use super::reading::{Reading, gap};
use super::{RECENT_BYTES, examine};
use crate::report::RecorderCounts;

/// Where the lines of a file end that nobody has counted.
const LAST_LINE: u32 = u32::MAX - 1;

/// What recorders attest of the commits of a history.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Claims about whole commits.
    pub(crate) whole: FxHashMap<CommitIx, Vec<Evidence>>,
    /// Claims about lines, by commit and path.
    pub(crate) lines: BTreeMap<(CommitIx, Vec<u8>), Vec<LineClaim>>,
    /// What came of the records.
    pub(crate) counts: RecorderCounts,
    /// Commits of which a record was met and not taken: no date proves their lines clean.
    pub(crate) unread: FxHashSet<CommitIx>,
    /// Whether records could not be read of which nobody knows the commit: then that holds of all commits.
    pub(crate) all_unread: bool,
    /// Which records there are, and of which commits; `None` before they are gathered.
    pub(crate) records: Option<Digest>,
    /// The commits of readings that the revision does not reach; `None` where the repository does not have them.
    pub(crate) elsewhere: Vec<Option<CommitIx>>,
}

/// A claim about some lines of a file.
#[derive(Debug, Clone)]
pub(crate) struct LineClaim {
    lines: Span,
    /// Shared by all lines that one writer has in a file.
    evidence: Arc<Evidence>,
    /// A claim about the whole commit whose place this one takes on these lines.
    instead_of: Option<Evidence>,
}

/// Reads the records of a repository and notes what could not be read of them.
pub(crate) fn read(reading: &mut Reading<'_>) -> Recordings {
    let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    let head = reading.graph.id(reading.tip);
    let mut found = read_recordings(reading.repository, &mut reader, Some(head));
    for unread in &found.unread {
        let why = format!(
            "records under `{}` could not be read: {}",
            printable(unread.place.as_bytes()),
            unread.why
        );
        reading.gaps.push(gap(unread.why.gap(), why));
    }
    // Refs that could not be read are noted already, whatever they may have held.
    if !found.checkpoints.is_empty() {
        // A trailer that names a checkpoint is a mark of its own.
        let commits: Vec<CommitIx> = reading.claims.keys().copied().collect();
        for id in commits.into_iter().map(|commit| reading.graph.id(commit)) {
            let Ok(raw) = reader.read_as(&id, ObjectKind::Commit) else { continue };
            let Some(commit) = RawCommit::parse(&raw) else { continue };
            found.recordings.extend(found.checkpoints.link(id, commit.fact(id).message));
        }
    }
    found
}

/// Reads the commits that records speak of and that the revision does not reach, as far as the repository has them.
pub(crate) fn read_originals(reading: &mut Reading<'_>, found: &Recordings, detectors: &Detectors) {
    let in_scope =
        |id: &ObjectId| reading.graph.find(id).is_some_and(|commit| reading.scope.contains(commit));
    let commits = found.recordings.iter().map(|recording| recording.commit);
    let originals: BTreeSet<ObjectId> = commits.filter(|id| !in_scope(id)).collect();
    reading.read_lost(originals, detectors);
}

/// Claims what the records attest of commits of the history.
pub(crate) fn gather(reading: &Reading<'_>, found: Recordings, detectors: &Detectors) -> Recorded {
    let records = found.recordings.iter().flat_map(|recording| [recording.record, recording.commit]);
    let records: Vec<ObjectId> = records.collect();
    let records = Digest::of_parts(records.iter().map(ObjectId::as_bytes));
    let mut recorded = Recorded { records: Some(records), ..Recorded::default() };
    let mut counts = RecorderCounts { records: found.n_records, ..RecorderCounts::default() };
    // A ref that could not be read may have led to records of any commit.
    recorded.all_unread = !found.unread.is_empty() || found.n_unreadable_refs > 0;
    for refused in &found.refused {
        *counts.refused.entry(refused.reason.as_str().to_owned()).or_default() += 1;
        recorded.unread.extend(refused.commit.and_then(|commit| reading.graph.find(&commit)));
    }
    let reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    let mut trees = Trees { reading, reader, lines: FxHashMap::default(), children: None };
    let mut by_commit: BTreeMap<CommitIx, Vec<Recording>> = BTreeMap::new();
    for mut recording in found.recordings {
        trees.settle(&mut recording);
        *counts.by_recorder.entry(recording.recorder.as_str().to_owned()).or_default() += 1;
        for (fault, n_times) in &recording.faults {
            *counts.faults.entry(fault.as_str().to_owned()).or_default() += n_times;
        }
        let commit = reading.graph.find(&recording.commit);
        if commit.is_none_or(|commit| !reading.scope.contains(commit)) {
            recorded.elsewhere.push(commit);
        }
        if let Some(commit) = commit {
            by_commit.entry(commit).or_default().push(recording);
        }
    }
    for (commit, mut recordings) in by_commit {
        for recording in &recordings {
            let claimed = detectors.recording(recording);
            if reading.scope.contains(commit) {
                counts.known_human += claimed.passed_over.known_human;
                counts.test_tools += claimed.passed_over.test_tools;
            }
            for claim in claimed.claims {
                recorded.add(commit, claim);
            }
        }
        recorded.narrow(commit, &mut recordings, &mut trees, detectors);
    }
    recorded.counts = counts;
    recorded
}

impl Recorded {
    pub(crate) fn add(&mut self, commit: CommitIx, claim: RecordedClaim) {
        let Some(path) = claim.path else {
            self.whole.entry(commit).or_default().push(claim.evidence);
            return;
        };
        let lines = claim.lines.unwrap_or_else(|| Span::new(1, LAST_LINE).into_iter().collect());
        let of_file = self.lines.entry((commit, path)).or_default();
        let evidence = Arc::new(claim.evidence);
        let line_claim = |lines| LineClaim { lines, evidence: Arc::clone(&evidence), instead_of: None };
        of_file.extend(lines.into_iter().map(line_claim));
    }

    /// Weakens a commit's own marks on lines that a record saw a person type.
    fn narrow(
        &mut self,
        commit: CommitIx,
        recordings: &mut [Recording],
        trees: &mut Trees<'_>,
        detectors: &Detectors,
    ) {
        let Some(marks) = trees.reading.claims.get(&commit) else { return };
        let is_typed = |recording: &Recording| {
            let mut spans = recording.files.iter().flat_map(|file| &file.spans);
            recording.recorder == Recorder::GitAi && spans.any(|span| span.writer == Writer::KnownHuman)
        };
        if !recordings.iter().any(is_typed) {
            return;
        }
        for recording in recordings.iter_mut() {
            let commit = recording.commit;
            recording.clip(|path| trees.n_lines(commit, path));
        }
        for narrowed in detectors.narrow(marks, recordings) {
            let of_file = self.lines.entry((commit, narrowed.path)).or_default();
            let left = Arc::new(narrowed.left);
            of_file.extend(narrowed.lines.into_iter().map(|lines| LineClaim {
                lines,
                evidence: Arc::clone(&left),
                instead_of: Some(narrowed.mark.clone()),
            }));
        }
    }

    /// Returns the lines whose claims differ from those of their whole commit, cut where the claims change.
    pub(crate) fn parts(&self, of_commit: impl Fn(CommitIx) -> Vec<Evidence>) -> Vec<PartClaims> {
        let mut parts: Vec<PartClaims> = Vec::new();
        for ((commit, path), claims) in &self.lines {
            let whole = of_commit(*commit);
            let starts = claims.iter().map(|claim| claim.lines.start());
            let mut cuts: Vec<u32> = starts.chain(claims.iter().map(|claim| claim.lines.end() + 1)).collect();
            cuts.sort_unstable();
            cuts.dedup();
            for (&start, &next) in cuts.iter().zip(cuts.iter().skip(1)) {
                let Ok(lines) = Span::new(start, next - 1) else { continue };
                let here = || claims.iter().filter(|claim| claim.lines.overlaps(lines));
                if here().next().is_none() {
                    continue;
                }
                let replaced: FxHashSet<&Evidence> =
                    here().filter_map(|claim| claim.instead_of.as_ref()).collect();
                let kept = whole.iter().filter(|claim| !replaced.contains(claim)).cloned();
                let mut all: Vec<Evidence> =
                    kept.chain(here().map(|claim| Evidence::clone(&claim.evidence))).collect();
                strongest_first(&mut all);
                match parts.last_mut() {
                    Some(last)
                        if last.commit == *commit
                            && last.path == *path
                            && last.lines.end() + 1 == start
                            && last.claims == all =>
                    {
                        last.lines = Span::new(last.lines.start(), lines.end()).unwrap_or(last.lines);
                    }
                    _ => parts.push(PartClaims { commit: *commit, path: path.clone(), lines, claims: all }),
                }
            }
        }
        parts
    }
}

/// Looks into the trees that records speak of.
struct Trees<'a> {
    reading: &'a Reading<'a>,
    reader: ObjectReader<'a>,
    lines: FxHashMap<ObjectId, Option<u32>>,
    children: Option<FxHashMap<CommitIx, Vec<CommitIx>>>,
}

impl Trees<'_> {
    /// Returns how many lines a commit has at a path.
    fn n_lines(&mut self, commit: ObjectId, path: &[u8]) -> Option<u32> {
        let tree = self.reading.graph.tree(self.reading.graph.find(&commit)?);
        let blob = find_entry(&mut self.reader, tree, path).ok()??.id;
        if let Some(known) = self.lines.get(&blob) {
            return *known;
        }
        let text = self.reader.read_as(&blob, ObjectKind::Blob).ok();
        let n_lines = text.map(|text| examine::count_lines(&text));
        self.lines.insert(blob, n_lines);
        n_lines
    }

    /// Finds out which commit a record means that may have been stamped with its parent: the one commit, of that
    /// and its children, that changed all the files it speaks of. Where that is not one, the record stays a hint.
    fn settle(&mut self, recording: &mut Recording) {
        if recording.revision != RevisionMeaning::MaybeParent || recording.files.is_empty() {
            return;
        }
        let Some(stamped) = self.reading.graph.find(&recording.commit) else { return };
        let children = self.children.get_or_insert_with(|| children(self.reading)).get(&stamped).cloned();
        let candidates = std::iter::once(stamped).chain(children.unwrap_or_default());
        let meant: Vec<CommitIx> = candidates.filter(|&commit| self.changed_all(commit, recording)).collect();
        if let [commit] = meant.as_slice() {
            recording.commit = self.reading.graph.id(*commit);
            recording.revision = RevisionMeaning::Commit;
        }
    }

    fn changed_all(&mut self, commit: CommitIx, recording: &Recording) -> bool {
        let graph = &self.reading.graph;
        let new_tree = graph.tree(commit);
        let old_tree = graph.parents(commit).first().map(|&parent| graph.tree(parent));
        recording.files.iter().all(|file| {
            let new = find_entry(&mut self.reader, new_tree, &file.path).ok().flatten();
            let old = old_tree.and_then(|tree| find_entry(&mut self.reader, tree, &file.path).ok().flatten());
            new.is_some() && new != old
        })
    }
}

fn children(reading: &Reading<'_>) -> FxHashMap<CommitIx, Vec<CommitIx>> {
    let mut children: FxHashMap<CommitIx, Vec<CommitIx>> = FxHashMap::default();
    for commit in reading.scope.iter() {
        for &parent in reading.graph.parents(commit) {
            children.entry(parent).or_default().push(commit);
        }
    }
    children
}
