//! What is read of a repository: its commits, what they changed, and the files at the revision.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lazaret_core::{
    Changes, CommitGraph, CommitIx, CommitSet, Evidence, Gap, GapKind, ObjectId, Origin, OriginKind,
};
use lazaret_evidence::attribution::History;
use lazaret_evidence::{Detectors, message};
use lazaret_intake::git::{
    GitRef, ListedEntry, ObjectKind, ObjectReader, RawCommit, Repository, TreeError, list_tree, read_changes,
    walk_commits,
};
use rustc_hash::FxHashMap;

use super::aside::{self, Head};
use super::attribute::Attributed;
use super::examine::Examined;
use super::judging::printable;
use super::marks::Marks;
use super::memory::Memory;
use super::{Measure, RECENT_BYTES, ScanError, ScanRequest, needs_origins};
use crate::contents::GitContents;

/// A repository at a revision, as far as it has been read.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) origin: Origin,
    pub(crate) graph: CommitGraph,
    pub(crate) changes: Changes,
    /// The revision.
    pub(crate) tip: CommitIx,
    /// The commits examined: those that the revision, or every ref, reaches.
    pub(crate) scope: CommitSet,
    /// Claims of single commits about themselves.
    pub(crate) claims: FxHashMap<CommitIx, Vec<Evidence>>,
    /// Merges whose message names a branch that hints at a tool, and the hint.
    pub(crate) merges: Vec<(CommitIx, Vec<Evidence>)>,
    pub(crate) refs: Vec<GitRef>,
    /// Heads of branches beside the revision.
    pub(crate) heads: Vec<Head>,
    /// Commits that records speak of and that the revision does not reach, as far as the repository has them.
    pub(crate) lost: Vec<ObjectId>,
    /// What could not be read of the history.
    pub(crate) gaps: Vec<Gap>,
    pub(crate) memory: Memory,
}

/// The files at the revision.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) files: Vec<ListedEntry>,
}

impl<'a> Reading<'a> {
    /// Takes from the index what it holds, and reads and looks into the commits that are new.
    pub(crate) fn open(request: &ScanRequest<'_>, repository: &'a Repository) -> Result<Self, ScanError> {
        let path = || request.root.display().to_string();
        let head =
            repository.resolve(request.rev).map_err(|source| ScanError::Resolve { path: path(), source })?;
        let detectors = request.measure.detectors;
        let mut memory = Memory::open(request.cache_dir, repository, request.measure.rules.catalog_digest());
        let mut recalled = memory.recall();
        let mut gaps = unreadable_packs(repository);
        let (refs, n_unreadable) = repository.refs();
        if n_unreadable > 0 {
            let refs = if n_unreadable == 1 { "ref" } else { "refs" };
            let why = format!("{n_unreadable} {refs} could not be read: records and branches may be unknown");
            gaps.push(gap(GapKind::UnreadableFile, why));
        }
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let mut tips = vec![head];
        if request.all_refs {
            tips.extend(tips_of(repository, &mut reader, &refs, &mut gaps));
        }
        let mut seen = Seen::default();
        for commit in recalled.unread() {
            let id = recalled.graph.id(commit);
            let Ok(raw) = reader.read_as(&id, ObjectKind::Commit) else {
                // It was pruned, or is missing: walking the history anew tells.
                recalled = memory.begin_anew();
                break;
            };
            seen.look(id, &raw, detectors);
        }
        let look = |id: ObjectId, raw: &[u8]| seen.look(id, raw, detectors);
        let walked = walk_commits(repository, &mut reader, &mut recalled.graph, tips.iter().copied(), look);
        for unread in &walked.gaps {
            gaps.push(gap(unread.kind, format!("commit {} could not be read", unread.id)));
        }
        let mut unread = Vec::new();
        let heads = aside::heads(repository, &mut reader, &refs, &mut unread);
        // A scan of all refs has noted these already.
        gaps.extend(unread.into_iter().filter(|_| !request.all_refs));
        let look = |id: ObjectId, raw: &[u8]| seen.look(id, raw, detectors);
        let tips_aside = heads.iter().map(|head| head.commit);
        let walked_aside = walk_commits(repository, &mut reader, &mut recalled.graph, tips_aside, look);
        gaps.extend(aside::unread(&walked_aside.gaps));
        let graph = recalled.graph;
        let Some(tip) = graph.find(&head) else {
            let gap = walked.gaps.first().map_or(GapKind::MissingObject, |gap| gap.kind).as_str();
            return Err(ScanError::UnreadableRevision { path: path(), commit: head.to_string(), gap });
        };
        let number = |(id, claims): (ObjectId, Vec<Evidence>)| Some((graph.find(&id)?, claims));
        let mut claims = recalled.claims;
        claims.extend(seen.claims.into_iter().filter_map(number));
        let mut merges = recalled.merges;
        merges.extend(seen.merges.into_iter().filter_map(number));
        // Not by number: numbers depend on what was read first.
        merges.sort_by_key(|(commit, _)| graph.id(*commit));
        let scope = graph.reachable(tips.iter().filter_map(|tip| graph.find(tip)));
        gaps.extend(shallow_gap(&graph, &scope));
        let origin = super::origin(OriginKind::Git, request.root, Some(head.to_string()));
        Ok(Self {
            repository,
            origin,
            graph,
            changes: recalled.changes,
            tip,
            scope,
            claims,
            merges,
            refs,
            heads,
            lost: Vec::new(),
            gaps,
            memory,
        })
    }

    /// Reads commits that no ref leads to, as far as the repository has them, and what is behind them.
    pub(crate) fn read_lost(&mut self, lost: impl IntoIterator<Item = ObjectId>, detectors: &Detectors) {
        let mut reader = ObjectReader::new(self.repository.objects(), RECENT_BYTES);
        let mut seen = Seen::default();
        let lost = lost.into_iter();
        let there: Vec<ObjectId> = lost
            .filter(|id| self.graph.find(id).is_some() || reader.read_as(id, ObjectKind::Commit).is_ok())
            .collect();
        let look = |id: ObjectId, raw: &[u8]| seen.look(id, raw, detectors);
        let walked = walk_commits(self.repository, &mut reader, &mut self.graph, there.iter().copied(), look);
        self.gaps.extend(aside::unread(&walked.gaps));
        let graph = &self.graph;
        let number = |(id, claims): (ObjectId, Vec<Evidence>)| Some((graph.find(&id)?, claims));
        self.claims.extend(seen.claims.into_iter().filter_map(number));
        self.merges.extend(seen.merges.into_iter().filter_map(number));
        self.merges.sort_by_key(|(commit, _)| graph.id(*commit));
        self.lost = there;
    }

    /// Lists the files at the revision; a tree that cannot be read is noted.
    ///
    /// A tree of more files than can be looked at is an error: a report of some of them would pass for the whole.
    pub(crate) fn list_files(&mut self, request: &ScanRequest<'_>) -> Result<Listing, ScanError> {
        let mut reader = ObjectReader::new(self.repository.objects(), RECENT_BYTES);
        let (files, error) = list_tree(&mut reader, self.graph.tree(self.tip));
        if let Some(error) = error {
            if matches!(error, TreeError::TooLarge { .. }) {
                let (path, commit) =
                    (request.root.display().to_string(), self.graph.id(self.tip).to_string());
                return Err(ScanError::UnreadableRevision { path, commit, gap: error.gap().as_str() });
            }
            self.gaps.push(gap(error.gap(), format!("files are missing from this report: {error}")));
        }
        Ok(Listing { files })
    }

    /// Compares the commits that attribution needs with their first parents: marked commits and what descends
    /// from them, or all where the origin of every line matters.
    pub(crate) fn history_of(&mut self, marks: &Marks, measure: &Measure<'_>, n_threads: usize) -> CommitSet {
        let all = needs_origins(measure, &self.origin);
        let needed = if all { self.scope.clone() } else { self.graph.descendants(&marks.set, &self.scope) };
        self.compare(&needed, n_threads);
        needed
    }

    /// Compares commits with their first parents.
    pub(crate) fn compare(&mut self, needed: &CommitSet, n_threads: usize) {
        let store = self.repository.objects();
        read_changes(store, &self.graph, needed.iter(), n_threads, RECENT_BYTES / 2, &mut self.changes);
        let failures = self.changes.failures().filter(|(commit, _)| needed.contains(*commit));
        let mut failures: Vec<_> = failures.map(|(commit, kind)| (self.graph.id(commit), kind)).collect();
        failures.sort_unstable();
        let why = |id| format!("a tree of commit {id} could not be read");
        self.gaps.extend(failures.into_iter().map(|(id, kind)| gap(kind, why(id))));
    }

    /// Returns the versions of every path within a set of commits.
    pub(crate) fn history(&self, within: &CommitSet) -> History<'_> {
        History::new(&self.graph, &self.changes, within)
    }

    /// Returns a reader of contents for one thread.
    pub(crate) fn contents(&self) -> GitContents<'_> {
        GitContents::new(self.repository.objects(), &self.graph, RECENT_BYTES)
    }

    /// Returns for each commit the latest day that it or any commit before it states, as author or committer:
    /// a date set back on top of younger commits proves nothing. `None` where the history before is not there.
    pub(crate) fn effective_dates(&self) -> Vec<Option<Date>> {
        let mut seconds: Vec<Option<i64>> = Vec::with_capacity(self.graph.len());
        for commit in 0..CommitIx::try_from(self.graph.len()).unwrap_or(CommitIx::MAX) {
            let own = self.graph.author_seconds(commit).max(self.graph.committer_seconds(commit));
            let mut before =
                self.graph.parents(commit).iter().map(|&parent| *seconds.get(parent as usize)?);
            let latest = before.try_fold(own, |latest, parent| Some(latest.max(parent?)));
            // A date of 0 is what an unreadable date is read as.
            let known = self.graph.boundary(commit).is_none() && self.graph.committer_seconds(commit) > 0;
            seconds.push(latest.filter(|_| known));
        }
        seconds.into_iter().map(|seconds| latest_day(seconds?)).collect()
    }

    /// Keeps what was learned for the next scan; returns why the index could not be used, where it could not.
    pub(crate) fn save(
        mut self,
        examined: &Examined,
        listing: &Listing,
        attributed: &Attributed,
    ) -> Option<String> {
        let mut memory = std::mem::take(&mut self.memory);
        memory.save(&self, examined, &listing.files, attributed)
    }
}

/// What detectors see in single commits.
#[derive(Debug, Default)]
struct Seen {
    /// Claims of commits about themselves.
    claims: FxHashMap<ObjectId, Vec<Evidence>>,
    /// Merges whose message names a branch that hints at a tool, and the hint.
    merges: FxHashMap<ObjectId, Vec<Evidence>>,
}

impl Seen {
    fn look(&mut self, id: ObjectId, raw: &[u8], detectors: &Detectors) {
        let may_mark = detectors.may_mark(raw);
        let may_merge = memchr::memmem::find(raw, b"\nMerge ").is_some();
        if !may_mark && !may_merge {
            return;
        }
        let Some(commit) = RawCommit::parse(raw) else { return };
        let fact = commit.fact(id);
        let claims = if may_mark { detectors.commit(&fact) } else { Vec::new() };
        if !claims.is_empty() {
            self.claims.insert(id, claims);
        }
        let branch = message::merged_branch(fact.message).filter(|_| fact.n_parents > 1);
        let hints = branch.map(|branch| detectors.branch(branch)).unwrap_or_default();
        if !hints.is_empty() {
            self.merges.insert(id, hints);
        }
    }
}

/// Returns the commits that refs lead to; a ref that leads to something unreadable is noted.
fn tips_of(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    refs: &[GitRef],
    gaps: &mut Vec<Gap>,
) -> Vec<ObjectId> {
    let mut tips = Vec::with_capacity(refs.len());
    for reference in refs {
        match repository.try_peel(reader, reference.target) {
            Ok(tip) => tips.extend(tip),
            Err(error) => gaps.push(gap(error.gap(), format!("`{}`: {error}", printable(&reference.name)))),
        }
    }
    tips
}

/// Hours by which the easternmost clocks are ahead of UTC.
const HOURS_AHEAD_MAX: i64 = 14;

/// Returns the latest day that any clock on earth showed at a moment.
pub(crate) fn latest_day(seconds: i64) -> Option<Date> {
    day(seconds.checked_add(HOURS_AHEAD_MAX * 3600)?)
}

/// Returns the day of a moment, in UTC.
pub(crate) fn day(seconds: i64) -> Option<Date> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date())
}

/// Returns a gap that concerns no lines in particular.
pub(crate) fn gap(kind: GapKind, why: String) -> Gap {
    Gap { kind, span: None, why }
}

fn unreadable_packs(repository: &Repository) -> Vec<Gap> {
    let packs = repository.objects().unreadable_packs().iter();
    packs
        .map(|path| gap(GapKind::CorruptObject, format!("the pack `{}` could not be opened", path.display())))
        .collect()
}

fn shallow_gap(graph: &CommitGraph, scope: &CommitSet) -> Option<Gap> {
    let n_cut =
        scope.iter().filter(|&commit| graph.boundary(commit) == Some(GapKind::ShallowBoundary)).count();
    let why = format!("the history is cut off at {n_cut} commits; `git fetch --unshallow` brings the rest");
    (n_cut > 0).then(|| gap(GapKind::ShallowBoundary, why))
}
