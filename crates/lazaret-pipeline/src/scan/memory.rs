//! Keeps what a scan learned in the index of the repository, and takes it back for the next scan.
//!
//! Commits and changes depend on the repository's objects alone. Claims depend on the catalog and on the program
//! that read it. Ownership depends on which commits are marked. Each is kept under the digest of what it depends
//! on, and is read again from the repository where that has changed.

use std::path::Path;
use std::rc::Rc;

use lazaret_core::{Changes, CommitGraph, CommitIx, CommitSet, Digest, Evidence, GapKind, ObjectId, PathIx};
use lazaret_evidence::attribution::{Known, Marked, Owned, Owner, OwnerRun};
use lazaret_intake::git::{ListedEntry, Repository};
use lazaret_intake::index::{
    Decoder, Index, Segment, SegmentKind, decode_changes, decode_commits, encode_changes, encode_commits,
    put_number,
};
use rustc_hash::FxHashMap;

use super::attribute::Attributed;
use super::carrying::Carried;
use super::examine::{Examined, FactsKey, FileFacts, KnownFacts};
use super::reading::Reading;

mod carried;

/// The format of what detectors' claims and facts are kept in; a new number forgets what is kept.
const FACTS_VERSION: &[u8] = b"facts 1";

/// The format of what became of marks beside the revision, and how that is found out; a new number forgets what is kept.
const CARRIED_VERSION: &[u8] = b"carried 1";

/// When more than this many bytes of the index are superseded, and more than half of it, it is written anew.
const SUPERSEDED_BYTES_MAX: usize = 4 << 20;

/// The index of one repository, and what it held when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    index: Option<Index>,
    note: Option<String>,
    segments: Vec<Segment>,
    /// What commits and changes depend on beside the objects: where a shallow clone is cut off.
    history_key: Option<Digest>,
    facts_key: Option<Digest>,
    facts: KnownFacts,
    n_commits: usize,
    n_paths: usize,
    recorded: CommitSet,
    n_claimed: CommitIx,
    /// What became of marks beside the revision, where there are any.
    carried: Option<KeptCarried>,
    /// Whether what the file holds is of no use and makes room for what is kept now.
    begins_anew: bool,
}

/// What became of marks beside the revision, as it is kept.
#[derive(Debug)]
struct KeptCarried {
    segment: Segment,
    /// Whether the index does not hold it yet.
    is_new: bool,
}

/// What the index held of the history.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    pub(crate) graph: CommitGraph,
    pub(crate) changes: Changes,
    pub(crate) claims: FxHashMap<CommitIx, Vec<Evidence>>,
    pub(crate) merges: Vec<(CommitIx, Vec<Evidence>)>,
    n_claimed: CommitIx,
}

impl Recalled {
    /// Returns the commits that are known but that today's detectors have not looked into.
    pub(crate) fn unread(&self) -> std::ops::Range<CommitIx> {
        self.n_claimed..CommitIx::try_from(self.graph.len()).unwrap_or(CommitIx::MAX)
    }
}

/// Claims about commits as they stand in a segment.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredClaims {
    from: CommitIx,
    until: CommitIx,
    claims: Vec<(CommitIx, Vec<Evidence>)>,
    merges: Vec<(CommitIx, Vec<Evidence>)>,
}

impl Memory {
    /// Opens the index of a repository; without a folder for indexes, nothing is recalled and nothing kept.
    pub(crate) fn open(cache_dir: Option<&Path>, repository: &Repository, catalog: Digest) -> Self {
        let mut memory = Self::default();
        let Some(cache_dir) = cache_dir else { return memory };
        let common_dir = repository.common_dir();
        let common_dir = common_dir.canonicalize().unwrap_or_else(|_| common_dir.to_owned());
        match Index::open(cache_dir, &common_dir) {
            Ok(opened) => {
                if opened.damaged_bytes > 0 {
                    let n_bytes = opened.damaged_bytes;
                    memory.note =
                        Some(format!("{n_bytes} damaged bytes of the index were given up and read again"));
                }
                memory.index = Some(opened.index);
                memory.segments = opened.segments;
            }
            Err(error) => memory.note = Some(error_chain(&error)),
        }
        let mut cut_off: Vec<ObjectId> = repository.shallow().iter().copied().collect();
        cut_off.sort_unstable();
        memory.history_key = Some(Digest::of_parts(cut_off.iter().map(ObjectId::as_bytes)));
        let version = env!("CARGO_PKG_VERSION").as_bytes();
        memory.facts_key = Some(Digest::of_parts([FACTS_VERSION, version, catalog.as_bytes()]));
        memory
    }

    /// Takes the history, claims and facts back. Segments are believed in order up to the first that does not fit.
    pub(crate) fn recall(&mut self) -> Recalled {
        let mut recalled = Recalled::default();
        for segment in &self.segments {
            let fits = match segment.kind {
                SegmentKind::Commits if Some(segment.key) == self.history_key => {
                    decode_commits(&segment.payload, &mut recalled.graph).is_ok()
                }
                SegmentKind::Changes if Some(segment.key) == self.history_key => {
                    decode_changes(&segment.payload, recalled.graph.len(), &mut recalled.changes).is_ok()
                }
                // Another history: numbers of commits mean something else.
                SegmentKind::Commits | SegmentKind::Changes => false,
                SegmentKind::Claims if Some(segment.key) == self.facts_key => {
                    recall_claims(segment, &mut recalled)
                }
                SegmentKind::Blobs if Some(segment.key) == self.facts_key => {
                    recall_facts(segment, &mut self.facts)
                }
                SegmentKind::Claims | SegmentKind::Blobs | SegmentKind::Ownership | SegmentKind::Carried => {
                    true
                }
            };
            if !fits {
                return self.begin_anew();
            }
        }
        self.n_commits = recalled.graph.len();
        self.n_paths = recalled.changes.n_paths();
        self.recorded = recalled.changes.commits().collect();
        self.n_claimed = recalled.n_claimed;
        recalled
    }

    /// Forgets what the index held.
    pub(crate) fn begin_anew(&mut self) -> Recalled {
        let index = self.index.take();
        let (history_key, facts_key) = (self.history_key, self.facts_key);
        let note = Some("the index did not fit the repository and was begun anew".to_owned());
        *self = Self { index, note, history_key, facts_key, begins_anew: true, ..Self::default() };
        Recalled::default()
    }

    /// Returns what is known of files.
    pub(crate) fn known_facts(&self) -> &KnownFacts {
        &self.facts
    }

    /// Returns the digest by which what became of marks beside the revision is kept: of the program, the catalog, and
    /// `world`, which is all that it depends on in the repository. `None` where nothing is kept.
    pub(crate) fn carried_key(&self, world: &[&[u8]]) -> Option<Digest> {
        let (history_key, facts_key) = (self.history_key?, self.facts_key?);
        let of_program = [CARRIED_VERSION, history_key.as_bytes(), facts_key.as_bytes()];
        Some(Digest::of_parts(of_program.into_iter().chain(world.iter().copied())))
    }

    /// Returns what became of marks beside the revision when the world was as it is now.
    pub(crate) fn known_carried(&mut self, key: Digest) -> Option<Carried> {
        // A later one takes the place of one that could not be read.
        let mut stored = self.segments.iter().rev().filter(|segment| segment.kind == SegmentKind::Carried);
        let segment = stored.find(|segment| segment.key == key)?;
        let carried = carried::decode(&segment.payload)?;
        self.carried = Some(KeptCarried { segment: segment.clone(), is_new: false });
        Some(carried)
    }

    /// Keeps what became of marks beside the revision for the next scan of the same world.
    pub(crate) fn keep_carried(&mut self, key: Digest, carried: &Carried) {
        let payload = carried::encode(carried);
        let segment = Segment { kind: SegmentKind::Carried, key, payload };
        self.carried = Some(KeptCarried { segment, is_new: true });
    }

    /// Returns the ownership that an earlier scan settled, if the commits it knew are marked as they were then.
    pub(crate) fn known_ownership(&self, reading: &Reading<'_>, marked: &Marked) -> Known {
        let mut known = Known::default();
        for segment in self.segments.iter().filter(|segment| segment.kind == SegmentKind::Ownership) {
            let Some(stored) = decode_ownership(&segment.payload, marked) else { continue };
            let before = known.settled.iter().filter(|_| !stored.begins_anew);
            let settled: CommitSet = before.chain(stored.commits).collect();
            if segment.key != marks_key(reading, marked, &settled) {
                continue;
            }
            if stored.begins_anew {
                known.owned.clear();
            }
            known.settled = settled;
            known.owned.extend(stored.versions);
        }
        known
    }

    /// Appends what is new; returns why the index could not be used or written, where it could not.
    pub(crate) fn save(
        &mut self,
        reading: &Reading<'_>,
        examined: &Examined,
        listing: &[ListedEntry],
        attributed: &Attributed,
    ) -> Option<String> {
        let note = self.note.take();
        let (Some(mut index), Some(history_key), Some(facts_key)) =
            (self.index.take(), self.history_key, self.facts_key)
        else {
            return note;
        };
        if index.is_read_only() {
            return Some("another scan holds the index of this repository; nothing was kept".to_owned());
        }
        // What could not be read may be there tomorrow: a history with holes is not kept.
        let n_commits = CommitIx::try_from(reading.graph.len()).unwrap_or(CommitIx::MAX);
        let has_holes = (0..n_commits)
            .any(|commit| reading.graph.boundary(commit).is_some_and(|gap| gap != GapKind::ShallowBoundary));
        if has_holes || !reading.repository.shallow().is_empty() {
            return note;
        }
        let superseded = self.superseded_bytes(facts_key);
        let mostly_superseded = superseded > SUPERSEDED_BYTES_MAX && superseded * 2 > self.all_bytes();
        let carried = self.carried.take();
        let saved = if self.begins_anew || mostly_superseded {
            let mut all =
                Kept::default().rest(reading, examined, listing, attributed, (history_key, facts_key));
            all.extend(carried.map(|carried| carried.segment));
            index.rewrite(&all)
        } else {
            let kept = Kept {
                n_commits: CommitIx::try_from(self.n_commits).unwrap_or(CommitIx::MAX),
                n_paths: PathIx::try_from(self.n_paths).unwrap_or(PathIx::MAX),
                recorded: std::mem::take(&mut self.recorded),
                n_claimed: self.n_claimed,
                settled: self.known_ownership(reading, &attributed.marked).settled,
                facts: std::mem::take(&mut self.facts),
            };
            let mut rest = kept.rest(reading, examined, listing, attributed, (history_key, facts_key));
            rest.extend(carried.filter(|carried| carried.is_new).map(|carried| carried.segment));
            index.append(&rest)
        };
        saved.err().map(|error| error_chain(&error)).or(note)
    }

    fn all_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.payload.len()).sum()
    }

    fn superseded_bytes(&self, facts_key: Digest) -> usize {
        let is_last =
            |nth: usize, kind| self.segments.iter().rposition(|segment| segment.kind == kind) == Some(nth);
        let superseded = |(nth, segment): &(usize, &Segment)| match segment.kind {
            SegmentKind::Commits | SegmentKind::Changes => false,
            SegmentKind::Claims | SegmentKind::Blobs => segment.key != facts_key,
            // Every marked commit that comes with new ones makes the last segment the only one that counts.
            SegmentKind::Ownership | SegmentKind::Carried => !is_last(*nth, segment.kind),
        };
        let superseded = self.segments.iter().enumerate().filter(superseded);
        superseded.map(|(_, segment)| segment.payload.len()).sum()
    }
}

/// What the index keeps already.
#[derive(Debug, Default)]
struct Kept {
    n_commits: CommitIx,
    n_paths: PathIx,
    recorded: CommitSet,
    n_claimed: CommitIx,
    settled: CommitSet,
    facts: KnownFacts,
}

impl Kept {
    /// Returns segments with all that is not kept yet.
    fn rest(
        &self,
        reading: &Reading<'_>,
        examined: &Examined,
        listing: &[ListedEntry],
        attributed: &Attributed,
        (history_key, facts_key): (Digest, Digest),
    ) -> Vec<Segment> {
        let n_commits = CommitIx::try_from(reading.graph.len()).unwrap_or(CommitIx::MAX);
        let mut rest = Vec::new();
        let mut put = |kind, key, payload| rest.push(Segment { kind, key, payload });
        if n_commits > self.n_commits {
            put(SegmentKind::Commits, history_key, encode_commits(&reading.graph, self.n_commits));
        }
        let unrecorded = reading.changes.commits().filter(|&commit| !self.recorded.contains(commit));
        let mut unrecorded: Vec<CommitIx> = unrecorded.collect();
        unrecorded.sort_unstable();
        if !unrecorded.is_empty() {
            put(
                SegmentKind::Changes,
                history_key,
                encode_changes(&reading.changes, self.n_paths, &unrecorded),
            );
        }
        if n_commits > self.n_claimed {
            put(SegmentKind::Claims, facts_key, encode_claims(reading, self.n_claimed, n_commits));
        }
        if let Some(facts) = encode_facts(listing, examined, &self.facts) {
            put(SegmentKind::Blobs, facts_key, facts);
        }
        // Lines whose origin could not be found today may have one tomorrow.
        let is_certain = reading.changes.failures().next().is_none() && attributed.is_certain();
        let new: Vec<CommitIx> =
            reading.scope.iter().filter(|&commit| !self.settled.contains(commit)).collect();
        if !new.is_empty() && is_certain {
            let ownership = encode_ownership(attributed, self.settled.is_empty(), &new);
            let settled = self.settled.iter().chain(new).collect();
            put(SegmentKind::Ownership, marks_key(reading, &attributed.marked, &settled), ownership);
        }
        rest
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Returns the digest of which commits are settled, and of what is marked in them.
fn marks_key(reading: &Reading<'_>, marked: &Marked, settled: &CommitSet) -> Digest {
    let ids = |set: &CommitSet| -> Vec<u8> {
        let ids =
            set.iter().filter(|&commit| settled.contains(commit)).map(|commit| reading.graph.id(commit));
        ids.flat_map(|id| id.as_bytes().to_vec()).collect()
    };
    let mut parts = Vec::new();
    for (part, number) in marked.parts().iter().zip(0_u32..) {
        if !settled.contains(part.commit) {
            continue;
        }
        // Owners name parts by number.
        parts.extend_from_slice(&number.to_le_bytes());
        parts.extend_from_slice(reading.graph.id(part.commit).as_bytes());
        parts.extend_from_slice(Digest::of(reading.changes.path(part.path)).as_bytes());
        parts.extend_from_slice(&part.lines.start().to_le_bytes());
        parts.extend_from_slice(&part.lines.end().to_le_bytes());
    }
    Digest::of_parts([
        &b"ownership 3"[..],
        env!("CARGO_PKG_VERSION").as_bytes(),
        &ids(marked.whole()),
        &parts,
        &ids(settled),
    ])
}

fn encode_claims(reading: &Reading<'_>, from: CommitIx, until: CommitIx) -> Vec<u8> {
    let new = |commit: &CommitIx| *commit >= from;
    let claims = reading.claims.iter().filter(|(commit, _)| new(commit));
    let mut claims: Vec<_> = claims.map(|(&commit, claims)| (commit, claims.clone())).collect();
    claims.sort_by_key(|(commit, _)| *commit);
    let merges = reading.merges.iter().filter(|(commit, _)| new(commit)).cloned().collect();
    serde_json::to_vec(&StoredClaims { from, until, claims, merges }).unwrap_or_default()
}

fn recall_claims(segment: &Segment, recalled: &mut Recalled) -> bool {
    let Ok(stored) = serde_json::from_slice::<StoredClaims>(&segment.payload) else { return false };
    if stored.from != recalled.n_claimed || stored.until as usize > recalled.graph.len() {
        return false;
    }
    recalled.n_claimed = stored.until;
    recalled.claims.extend(stored.claims);
    recalled.merges.extend(stored.merges);
    true
}

/// Writes the facts that are new; files that could not be read are not among them.
fn encode_facts(listing: &[ListedEntry], examined: &Examined, known: &KnownFacts) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (file, facts) in listing.iter().zip(&examined.files) {
        let key = FactsKey::of(file);
        let lasting = facts.gap.as_ref().is_none_or(|gap| gap.kind == GapKind::Binary);
        if !lasting || known.contains_key(&key) {
            continue;
        }
        put_number(key.blob.as_bytes().len() as u64, &mut out);
        out.extend_from_slice(key.blob.as_bytes());
        out.extend_from_slice(key.path.as_bytes());
        put_number(u64::from(facts.n_lines), &mut out);
        put_number(facts.n_tokens.map_or(0, |n_tokens| u64::from(n_tokens) + 1), &mut out);
        let rest = match (&facts.gap, facts.claims.is_empty()) {
            (None, true) => Vec::new(),
            _ => serde_json::to_vec(&(&facts.gap, &facts.claims)).unwrap_or_default(),
        };
        put_number(rest.len() as u64, &mut out);
        out.extend_from_slice(&rest);
    }
    (!out.is_empty()).then_some(out)
}

fn recall_facts(segment: &Segment, facts: &mut KnownFacts) -> bool {
    let mut decoder = Decoder::new(&segment.payload);
    let mut read = || {
        while !decoder.is_done() {
            let blob = ObjectId::from_bytes(decoder.counted_bytes()?)?;
            let path = Digest::from_bytes(decoder.bytes(32)?.try_into().ok()?);
            let n_lines = decoder.number_u32()?;
            let n_tokens = decoder.number_u32()?.checked_sub(1);
            let rest = decoder.counted_bytes()?;
            let (gap, claims) =
                if rest.is_empty() { (None, Vec::new()) } else { serde_json::from_slice(rest).ok()? };
            facts.insert(FactsKey { blob, path }, FileFacts { n_lines, n_tokens, claims, gap });
        }
        Some(())
    };
    read().is_some()
}

/// Writes the ownership of the versions of `commits`, which are sorted.
fn encode_ownership(attributed: &Attributed, begins_anew: bool, commits: &[CommitIx]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(u64::from(begins_anew), &mut out);
    put_number(commits.len() as u64, &mut out);
    let mut next = 0;
    for &commit in commits {
        put_number(u64::from(commit - next), &mut out);
        next = commit + 1;
    }
    let is_new = |commit| commits.binary_search(&commit).is_ok();
    for version in attributed.settled.owned.iter().filter(|version| is_new(version.commit)) {
        put_number(u64::from(version.commit), &mut out);
        put_number(u64::from(version.path), &mut out);
        put_number(version.owned.n_lines().map_or(0, |n_lines| u64::from(n_lines) + 1), &mut out);
        put_number(version.owned.runs().len() as u64, &mut out);
        let mut before = 0;
        for run in version.owned.runs() {
            put_number(u64::from(run.start - before), &mut out);
            put_number(u64::from(run.owner.to_number()), &mut out);
            before = run.start;
        }
    }
    out
}

type OwnedVersions = Vec<((CommitIx, PathIx), Rc<Owned>)>;

/// What a segment holds of ownership.
struct StoredOwnership {
    /// Whether it replaces what stands before it.
    begins_anew: bool,
    /// The commits that it settles.
    commits: Vec<CommitIx>,
    versions: OwnedVersions,
}

/// Reads a segment; `None` for one that makes no sense.
fn decode_ownership(payload: &[u8], marked: &Marked) -> Option<StoredOwnership> {
    let mut decoder = Decoder::new(payload);
    let begins_anew = decoder.number()? == 1;
    let mut commits = Vec::new();
    let mut next: CommitIx = 0;
    for _ in 0..decoder.number()? {
        let commit = next.checked_add(decoder.number_u32()?)?;
        commits.push(commit);
        next = commit.checked_add(1)?;
    }
    let mut versions = Vec::new();
    while !decoder.is_done() {
        let key = (decoder.number_u32()?, decoder.number_u32()?);
        let n_lines = decoder.number_u32()?.checked_sub(1);
        let mut runs = Vec::new();
        let mut start = 0_u32;
        for _ in 0..decoder.number()? {
            start = start.checked_add(decoder.number_u32()?)?;
            let owner = Owner::from_number(decoder.number_u32()?)?;
            let is_mark = |owner| marked.commit(owner).is_some_and(|commit| marked.all().contains(commit));
            if owner.mark().is_some() && !is_mark(owner) {
                return None;
            }
            runs.push(OwnerRun { start, owner });
        }
        versions.push((key, Rc::new(Owned::from_runs(runs, n_lines)?)));
    }
    Some(StoredOwnership { begins_anew, commits, versions })
}
