//! Applies the rules that say which older versions a version's lines may come from.

use std::rc::Rc;

use lazaret_core::{CommitIx, EntryKind, GapKind, ObjectId, TreeEntry};

use super::history::{At, History, VersionIx};
use super::rename::RenameFinder;
use super::{Contents, Deletion};

/// An older version that lines may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    /// The version; `None` where it lies outside the scope.
    pub(super) version: Option<VersionIx>,
    /// Its content.
    pub(super) blob: ObjectId,
}

/// Where a version's lines may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sources {
    /// All lines come from this source; its content is the same.
    Whole(Source),
    /// Lines that a diff shows unchanged come from these, asked in order.
    Parts(Vec<Source>),
    /// It cannot be said.
    Unknown(GapKind),
}

/// What a parent has at a path.
enum AtParent {
    Same(Source),
    Other(Source),
    /// The path is there as another kind of thing: no source, and no reason to look for a rename.
    OtherKind,
    Absent,
}

/// Finds sources; remembers what rename detection has read.
#[derive(Debug, Default)]
pub(super) struct SourceFinder {
    renames: RenameFinder,
    first_parent_deletions: Option<(CommitIx, Rc<Vec<Deletion>>)>,
}

impl SourceFinder {
    /// Returns the sources of a version that puts an entry in place.
    pub(super) fn find(
        &mut self,
        history: &History<'_>,
        version: VersionIx,
        entry: TreeEntry,
        contents: &mut impl Contents,
    ) -> Sources {
        match self.try_find(history, version, entry, contents) {
            Ok(sources) => sources,
            Err(gap) => Sources::Unknown(gap),
        }
    }

    fn try_find(
        &mut self,
        history: &History<'_>,
        version: VersionIx,
        entry: TreeEntry,
        contents: &mut impl Contents,
    ) -> Result<Sources, GapKind> {
        let commit = history.version(version).commit;
        if let Some(gap) = history.graph().boundary(commit) {
            return Ok(Sources::Unknown(gap));
        }
        let mut sources: Vec<(usize, Source)> = Vec::new();
        let mut absent = Vec::new();
        for (parent_ix, &parent) in history.graph().parents(commit).iter().enumerate() {
            match at_parent(history, version, entry, parent_ix, parent, contents)? {
                AtParent::Same(source) => return Ok(Sources::Whole(source)),
                AtParent::Other(source) => sources.push((parent_ix, source)),
                AtParent::OtherKind => {}
                AtParent::Absent => absent.push((parent_ix, parent)),
            }
        }
        for (parent_ix, parent) in absent {
            if let Some(source) = self.renamed(history, version, entry, parent_ix, parent, contents)? {
                if source.blob == entry.id {
                    return Ok(Sources::Whole(source));
                }
                sources.push((parent_ix, source));
            }
        }
        sources.sort_by_key(|(parent_ix, _)| *parent_ix);
        let mut parts: Vec<Source> = Vec::with_capacity(sources.len());
        for (_, source) in sources {
            // The same content again cannot take a line that the first one left.
            if parts.iter().all(|part| part.blob != source.blob) {
                parts.push(source);
            }
        }
        Ok(Sources::Parts(parts))
    }

    fn renamed(
        &mut self,
        history: &History<'_>,
        version: VersionIx,
        entry: TreeEntry,
        parent_ix: usize,
        parent: CommitIx,
        contents: &mut impl Contents,
    ) -> Result<Option<Source>, GapKind> {
        let version = history.version(version);
        let deletions = if parent_ix == 0 {
            self.deletions_since_first_parent(history, version.commit)
        } else {
            contents.deletions(parent, version.commit)?
        };
        let path = history.changes().path(version.change.path);
        let found = self.renames.find(path, entry, &deletions, contents)?;
        let Some(deletion) = found.and_then(|found| deletions.get(found)) else { return Ok(None) };
        let version = match history.at_path(parent, &deletion.path) {
            At::Version(version) => Some(version),
            At::Absent | At::Outside(_) => None,
            At::Unknown(gap) => return Err(gap),
        };
        Ok(Some(Source { version, blob: deletion.entry.id }))
    }

    /// Returns what a commit deleted since its first parent, by path; the last answer is kept, since the paths
    /// that one commit adds ask one after the other.
    fn deletions_since_first_parent(&mut self, history: &History<'_>, commit: CommitIx) -> Rc<Vec<Deletion>> {
        if let Some((known, deletions)) = &self.first_parent_deletions
            && *known == commit
        {
            return Rc::clone(deletions);
        }
        let mut deletions: Vec<Deletion> = history
            .changes()
            .of(commit)
            .iter()
            .filter(|change| change.new.is_none())
            .filter_map(|change| Some((change.path, change.old?)))
            .filter(|(_, entry)| entry.kind != EntryKind::Submodule)
            .map(|(path, entry)| Deletion { path: history.changes().path(path).to_vec(), entry })
            .collect();
        deletions.sort_by(|a, b| a.path.cmp(&b.path));
        let deletions = Rc::new(deletions);
        self.first_parent_deletions = Some((commit, Rc::clone(&deletions)));
        deletions
    }
}

fn at_parent(
    history: &History<'_>,
    version: VersionIx,
    entry: TreeEntry,
    parent_ix: usize,
    parent: CommitIx,
    contents: &mut impl Contents,
) -> Result<AtParent, GapKind> {
    let change = history.version(version).change;
    let (version, old) = match history.at_parent(version, parent_ix, parent) {
        At::Version(version) => (Some(version), history.entry(version)),
        At::Absent => (None, None),
        At::Outside(_) if parent_ix == 0 => (None, change.old),
        At::Outside(outside) => (None, contents.entry(outside, history.changes().path(change.path))?),
        At::Unknown(gap) => return Err(gap),
    };
    Ok(match old {
        None => AtParent::Absent,
        Some(old) if old.kind != entry.kind => AtParent::OtherKind,
        Some(old) if old.id == entry.id => AtParent::Same(Source { version, blob: old.id }),
        Some(old) => AtParent::Other(Source { version, blob: old.id }),
    })
}
