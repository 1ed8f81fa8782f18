//! The forward driver: carries the ownership of marked lines from parents to children.
//!
//! It works in two passes over the versions within the marked commits and their descendants. The first, without
//! reading a file, rules out versions that no marked line can have reached. The second settles the others, path
//! by path and oldest first; a version that may stem from a renamed file waits until that file is settled.

use std::rc::Rc;

use lazaret_core::{CommitIx, CommitSet, EntryKind, GapKind, ObjectId, PathIx, TreeEntry};

use rustc_hash::FxHashMap;

use super::Contents;
use super::history::{At, History, VersionIx};
use super::marked::Marked;
use super::owner::{Owner, OwnerRun};
use super::sources::{Source, SourceFinder, Sources};
use super::texts::Texts;

/// Who owns the lines of a version that holds lines of marked commits, or lines of unknown origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    runs: Vec<OwnerRun>,
    n_lines: u32,
}

impl Owned {
    /// Returns runs of lines, sorted, the first from line 0; neighbours differ.
    #[must_use]
    pub fn runs(&self) -> &[OwnerRun] {
        &self.runs
    }

    /// How many lines the version has; `None` where its content could not be read.
    #[must_use]
    pub fn n_lines(&self) -> Option<u32> {
        (self.n_lines != u32::MAX).then_some(self.n_lines)
    }

    /// Puts ownership together from runs that were written down; `None` unless they are sorted from line 0.
    #[must_use]
    pub fn from_runs(runs: Vec<OwnerRun>, n_lines: Option<u32>) -> Option<Self> {
        let sorted = runs.iter().zip(runs.iter().skip(1)).all(|(run, next)| run.start < next.start);
        let from_zero = runs.first().is_some_and(|first| first.start == 0);
        (sorted && from_zero).then_some(Self { runs, n_lines: n_lines.unwrap_or(u32::MAX) })
    }

    fn unknown(gap: GapKind) -> Self {
        Self { runs: vec![OwnerRun { start: 0, owner: Owner::unknown(gap) }], n_lines: u32::MAX }
    }

    /// Writes the owner of each line into `owners`, from its beginning.
    fn spread(&self, owners: &mut [Owner]) {
        for (run_ix, run) in self.runs.iter().enumerate() {
            let end = self.runs.get(run_ix + 1).map_or(owners.len(), |next| next.start as usize);
            if let Some(lines) = owners.get_mut(run.start as usize..end.min(owners.len())) {
                lines.fill(run.owner);
            }
        }
    }

    fn gather(owners: &[Owner]) -> Self {
        let mut runs: Vec<OwnerRun> = Vec::new();
        for (&owner, start) in owners.iter().zip(0..) {
            if runs.last().is_none_or(|last| last.owner != owner) {
                runs.push(OwnerRun { start, owner });
            }
        }
        Self { runs, n_lines: u32::try_from(owners.len()).unwrap_or(u32::MAX - 1) }
    }

    fn is_unmarked(&self) -> bool {
        self.runs.iter().all(|run| run.owner == Owner::UNMARKED)
    }
}

/// What is known of a version.
#[derive(Debug, Clone)]
enum State {
    /// No marked line can have reached it.
    Unmarked,
    /// Not settled yet.
    Open,
    /// Settled.
    Owned(Rc<Owned>),
}

/// The ownership of versions by commit and path: what remains of a [`Forward`] without its history.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Versions that hold lines of marked commits or of unknown origin; all others hold none.
    pub owned: Vec<SettledVersion>,
}

/// One version and who owns its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledVersion {
    /// The commit.
    pub commit: CommitIx,
    /// The path.
    pub path: PathIx,
    /// The content.
    pub blob: ObjectId,
    /// Who owns its lines.
    pub owned: Rc<Owned>,
}

/// What an earlier run settled.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The commits whose versions were settled; with each commit all before it that the history covers.
    pub settled: CommitSet,
    /// The ownership by commit and path; versions of settled commits that are not here hold no marked lines.
    pub owned: FxHashMap<(CommitIx, PathIx), Rc<Owned>>,
}

/// The ownership of every version of a history.
#[derive(Debug)]
pub struct Forward<'h, 'a> {
    history: &'h History<'a>,
    states: Vec<State>,
}

impl<'h, 'a> Forward<'h, 'a> {
    /// Settles every version. `history` must cover the marked commits and their descendants.
    #[must_use]
    pub fn new(history: &'h History<'a>, marked: &Marked, contents: &mut impl Contents) -> Self {
        Self::resume(history, marked, Known::default(), None, contents)
    }

    /// Settles every version, or those of `only` one path and what they depend on, that an earlier run has not
    /// settled. That run must have had the same marked commits among those it settled, over the same graph.
    #[must_use]
    pub fn resume(
        history: &'h History<'a>,
        marked: &Marked,
        mut known: Known,
        only: Option<PathIx>,
        contents: &mut impl Contents,
    ) -> Self {
        let may_hold = versions_that_may_hold_marked_lines(history, marked);
        let state = |(version, &may): (VersionIx, &bool)| {
            let at = history.version(version);
            match known.owned.remove(&(at.commit, at.change.path)) {
                Some(owned) => State::Owned(owned),
                None if may && !known.settled.contains(at.commit) => State::Open,
                None => State::Unmarked,
            }
        };
        let states = (0..).zip(&may_hold).map(state).collect();
        let mut settling = Settling {
            history,
            marked,
            states,
            sources: SourceFinder::default(),
            texts: Texts::default(),
            owners: Vec::new(),
            source_owners: Vec::new(),
            replaced: Vec::new(),
        };
        let all = 0..PathIx::try_from(history.changes().n_paths()).unwrap_or(PathIx::MAX);
        match only {
            Some(path) => settling.path(path, contents),
            None => all.for_each(|path| settling.path(path, contents)),
        }
        Self { history, states: settling.states }
    }

    /// Returns the ownership of a version; `None` where no line of it comes from a marked commit.
    #[must_use]
    pub fn version(&self, version: VersionIx) -> Option<&Owned> {
        match self.states.get(version as usize)? {
            State::Owned(owned) => Some(owned),
            State::Unmarked | State::Open => None,
        }
    }

    /// Returns the ownership of what a commit sees at a path.
    ///
    /// # Errors
    /// A gap when it cannot be said which version the commit sees.
    pub fn at(&self, commit: CommitIx, path: &[u8]) -> Result<Option<&Owned>, GapKind> {
        match self.history.at_path(commit, path) {
            At::Version(version) => Ok(self.version(version)),
            At::Absent | At::Outside(_) => Ok(None),
            At::Unknown(gap) => Err(gap),
        }
    }

    /// Keeps what was settled and lets go of the history.
    #[must_use]
    pub fn into_settled(self) -> Settled {
        let history = self.history;
        let settled = (0..).zip(self.states).filter_map(|(version, state)| {
            let State::Owned(owned) = state else { return None };
            let at = history.version(version);
            let blob = at.change.new?.id;
            Some(SettledVersion { commit: at.commit, path: at.change.path, blob, owned })
        });
        Settled { owned: settled.collect() }
    }

    /// Returns every version that holds lines of marked commits or of unknown origin.
    pub fn owned(&self) -> impl Iterator<Item = (VersionIx, &Owned)> + '_ {
        (0..).zip(&self.states).filter_map(|(version, state)| match state {
            State::Owned(owned) => Some((version, &**owned)),
            State::Unmarked | State::Open => None,
        })
    }
}

/// Returns for each version whether marked lines, or lines of unknown origin, may have reached it: a superset,
/// found without reading files or trees.
#[expect(clippy::indexing_slicing, reason = "version numbers index a table of the history's size")]
#[must_use]
pub fn versions_that_may_hold_marked_lines(history: &History<'_>, marked: &Marked) -> Vec<bool> {
    let mut may_hold = vec![false; history.n_versions()];
    let mut by_commit: Vec<(CommitIx, VersionIx)> =
        (0..).zip(&may_hold).map(|(version, _)| (history.version(version).commit, version)).collect();
    by_commit.sort_unstable();
    for of_commit in by_commit.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(commit, _)) = of_commit.first() else { continue };
        let parents = history.graph().parents(commit);
        let certain = marked.whole().contains(commit) || history.graph().boundary(commit).is_some();
        let may_at = |may_hold: &[bool], parent, path| match history.at(parent, path) {
            At::Version(version) => may_hold[version as usize],
            At::Absent | At::Outside(_) => false,
            At::Unknown(_) => true,
        };
        // Whether a file that may hold marked lines is deleted here, so that a new path may be its new name.
        let deleted = !certain
            && parents.first().is_some_and(|&parent| {
                let mut gone = of_commit.iter().map(|&(_, version)| history.version(version).change);
                gone.any(|change| change.new.is_none() && may_at(&may_hold, parent, change.path))
            });
        for &(_, version) in of_commit {
            let change = history.version(version).change;
            let Some(entry) = change.new.filter(|entry| entry.kind != EntryKind::Submodule) else { continue };
            may_hold[version as usize] = certain
                || marked.touches(commit, change.path)
                || parents.iter().zip(0..).any(|(&parent, parent_ix)| {
                    match history.at(parent, change.path) {
                        At::Version(older) => may_hold[older as usize],
                        At::Unknown(_) => true,
                        At::Outside(_) if parent_ix == 0 => deleted && change.old.is_none(),
                        At::Absent if parent_ix == 0 => deleted,
                        // A path that another parent lacks may come from a file that was deleted on that side.
                        // What it has at a path that no commit of the scope changed, only its tree tells.
                        At::Outside(_) | At::Absent => {
                            !same_in_a_parent(history, parents, change.path, entry)
                        }
                    }
                });
        }
    }
    may_hold
}

fn same_in_a_parent(history: &History<'_>, parents: &[CommitIx], path: PathIx, entry: TreeEntry) -> bool {
    parents.iter().any(|&parent| match history.at(parent, path) {
        At::Version(older) => history.entry(older) == Some(entry),
        At::Absent | At::Outside(_) | At::Unknown(_) => false,
    })
}

/// The second pass.
struct Settling<'h, 'a, 'm> {
    history: &'h History<'a>,
    marked: &'m Marked,
    states: Vec<State>,
    sources: SourceFinder,
    texts: Texts,
    owners: Vec<Owner>,
    source_owners: Vec<Owner>,
    replaced: Vec<Owner>,
}

impl Settling<'_, '_, '_> {
    /// Settles all versions of a path, and before them the versions of other paths that they depend on.
    fn path(&mut self, path: PathIx, contents: &mut impl Contents) {
        let mut open = self.open_versions(path, CommitIx::MAX);
        if open.is_empty() {
            return;
        }
        self.texts.begin_file();
        // Each level holds versions that the level above waits for; commits grow older on the way down.
        let mut levels: Vec<Vec<VersionIx>> = Vec::new();
        loop {
            let Some(&version) = open.last() else {
                match levels.pop() {
                    Some(above) => open = above,
                    None => return,
                }
                self.texts.begin_file();
                continue;
            };
            match self.settle(version, contents) {
                Ok(()) => {
                    open.pop();
                }
                Err(needed) => {
                    let at = self.history.version(needed);
                    let below = self.open_versions(at.change.path, at.commit);
                    levels.push(std::mem::replace(&mut open, below));
                    self.texts.begin_file();
                }
            }
        }
    }

    /// Returns the open versions of a path up to a commit, the oldest last.
    fn open_versions(&self, path: PathIx, until: CommitIx) -> Vec<VersionIx> {
        let is_open = |version: &VersionIx| matches!(self.states.get(*version as usize), Some(State::Open));
        let mut open: Vec<VersionIx> = self.history.versions_of(path).filter(is_open).collect();
        open.retain(|&version| self.history.version(version).commit <= until);
        open.sort_unstable_by_key(|&version| std::cmp::Reverse(self.history.version(version).commit));
        open
    }

    /// Settles a version, or returns an open version that it depends on.
    fn settle(&mut self, version: VersionIx, contents: &mut impl Contents) -> Result<(), VersionIx> {
        if !matches!(self.states.get(version as usize), Some(State::Open)) {
            return Ok(());
        }
        let at = *self.history.version(version);
        let Some(entry) = at.change.new else {
            self.set(version, State::Unmarked);
            return Ok(());
        };
        let marked = self.marked.touches(at.commit, at.change.path);
        let state = match self.sources.find(self.history, version, entry, contents) {
            Sources::Unknown(gap) => State::Owned(Rc::new(Owned::unknown(gap))),
            Sources::Whole(source) => self.state_of(source)?,
            Sources::Parts(sources) => {
                let states =
                    sources.iter().map(|&source| self.state_of(source)).collect::<Result<Vec<_>, _>>()?;
                let inherits = states.iter().any(|state| matches!(state, State::Owned(_)));
                if marked || inherits {
                    self.divide((at.commit, at.change.path), &entry.id, &sources, &states, contents)
                } else {
                    State::Unmarked
                }
            }
        };
        self.set(version, state);
        Ok(())
    }

    fn set(&mut self, version: VersionIx, state: State) {
        if let Some(slot) = self.states.get_mut(version as usize) {
            *slot = state;
        }
    }

    fn state_of(&self, source: Source) -> Result<State, VersionIx> {
        let Some(version) = source.version else { return Ok(State::Unmarked) };
        match self.states.get(version as usize) {
            Some(State::Open) => Err(version),
            Some(state) => Ok(state.clone()),
            None => Ok(State::Unmarked),
        }
    }

    /// Gives each line of a version its owner: a source's where a diff shows it unchanged, else this commit's.
    fn divide(
        &mut self,
        (commit, path): (CommitIx, PathIx),
        blob: &ObjectId,
        sources: &[Source],
        states: &[State],
        contents: &mut impl Contents,
    ) -> State {
        self.texts.bound();
        let near = sources.iter().find_map(|source| self.texts.known(&source.blob));
        let text = match self.texts.read(blob, near.as_deref(), contents) {
            Ok(text) => text,
            Err(gap) => return State::Owned(Rc::new(Owned::unknown(gap))),
        };
        // Until a source takes a line it belongs to the commit.
        let n_lines = text.tokens.len();
        self.marked.own(commit, path, n_lines, &mut self.owners);
        self.replaced.clone_from(&self.owners);
        let mut taken = vec![false; n_lines];
        for (source, state) in sources.iter().zip(states) {
            let old = match self.texts.read(&source.blob, Some(&text), contents) {
                Ok(old) => old,
                Err(gap) => {
                    let unknown = Owner::unknown(gap);
                    self.replaced.fill(unknown);
                    continue;
                }
            };
            self.source_owners.clear();
            self.source_owners.resize(old.tokens.len(), Owner::UNMARKED);
            if let State::Owned(owned) = state {
                owned.spread(&mut self.source_owners);
            }
            self.texts.compare(&old, &text);
            self.take_unchanged(&mut taken);
        }
        for ((owner, replaced), taken) in self.owners.iter_mut().zip(&self.replaced).zip(&taken) {
            if !taken {
                *owner = *replaced;
            }
        }
        let owned = Owned::gather(&self.owners);
        if owned.is_unmarked() { State::Unmarked } else { State::Owned(Rc::new(owned)) }
    }

    /// Takes over the owners of lines that the last comparison shows unchanged, and notes for lines that replace
    /// marked ones whom they derive from.
    fn take_unchanged(&mut self, taken: &mut [bool]) {
        let (mut old_start, mut new_start) = (0_usize, 0_usize);
        let end = crate::attribution::diff::Hunk {
            old_start: u32::MAX,
            old_end: 0,
            new_start: u32::MAX,
            new_end: 0,
        };
        for hunk in self.texts.hunks.iter().chain([&end]) {
            let n_same = (hunk.new_start as usize).min(self.owners.len()).saturating_sub(new_start);
            let new = new_start..new_start + n_same;
            let olds = self.source_owners.iter().skip(old_start);
            let owners = self.owners.get_mut(new.clone()).into_iter().flatten();
            let takes = taken.get_mut(new).into_iter().flatten();
            for ((owner, taken), old) in owners.zip(takes).zip(olds) {
                if !*taken {
                    *owner = *old;
                    *taken = true;
                }
            }
            if hunk.new_start == u32::MAX {
                break;
            }
            let old = self.source_owners.get(hunk.old_start as usize..hunk.old_end as usize);
            let derived = old.into_iter().flatten().find(|owner| owner.mark().is_some());
            let new = self.replaced.get_mut(hunk.new_start as usize..hunk.new_end as usize);
            if let Some(derived) = derived {
                for replaced in new.into_iter().flatten().filter(|replaced| **replaced == Owner::UNMARKED) {
                    *replaced = derived.derived();
                }
            }
            (old_start, new_start) = (hunk.old_end as usize, hunk.new_end as usize);
        }
    }
}
