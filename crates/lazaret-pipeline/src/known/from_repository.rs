//! Adds what marked commits of a repository wrote to the index of known text.
//!
//! Of every version that a marked commit put in place, the lines count that are its own. What any other commit put in
//! place before it, be it deleted since, is taken away: text that is older than the tool's is no evidence against
//! anybody.

use lazaret_core::{CommitIx, CommitSet, Directness, EntryKind, Evidence, ObjectId, PathIx, Span, TreeEntry};
use lazaret_evidence::attribution::Owned;
use lazaret_fingerprint::{BuildError, Class, Entry, Except, Lines, SegmentBuilder, TextId, Written};
use lazaret_intake::git::{ObjectKind, ObjectReader, Repository};
use rustc_hash::{FxHashMap, FxHashSet};

use super::commonplace::is_commonplace;
use crate::scan::attribute::{Attributed, attribute};
use crate::scan::judging::printable;
use crate::scan::marks::{self, Marks};
use crate::scan::reading::Reading;
use crate::scan::{RECENT_BYTES, ScanError, ScanRequest, carrying, examine, recorders};

/// What was added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedRepository {
    /// Versions of files with lines that were added.
    pub n_versions: u64,
    /// Lines of them.
    pub n_lines: u64,
    /// Commits they come from.
    pub n_commits: u64,
    /// Objects that could not be read.
    pub n_unread: u64,
}

/// A repository could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddRepositoryError {
    /// It could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// There are too many entries.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Lines of one version that its own commit wrote with a tool.
struct Version<'a> {
    commit: CommitIx,
    path: PathIx,
    blob: ObjectId,
    lines: Vec<Span>,
    claim: &'a Evidence,
}

/// Adds the tainted lines of every version in the history of a revision.
///
/// # Errors
/// [`AddRepositoryError`] when the repository cannot be read; single objects that cannot are counted.
pub fn add_repository(
    builder: &mut SegmentBuilder,
    request: &ScanRequest<'_>,
) -> Result<AddedRepository, AddRepositoryError> {
    let path = || request.root.display().to_string();
    let repository =
        Repository::open(request.root, &[]).map_err(|source| ScanError::Open { path: path(), source })?;
    // sources
    let mut reading = Reading::open(request, &repository)?;
    let listing = reading.list_files(request)?;
    let records = recorders::read(&mut reading);
    let detectors = request.measure.detectors;
    recorders::read_originals(&mut reading, &records, detectors);
    // evidence
    let examined = examine::examine_blobs(&reading, &listing, detectors, request.n_threads);
    let mut recorded = recorders::gather(&reading, records, detectors);
    carrying::carry(&mut reading, &listing, &mut recorded, request);
    let marks = marks::gather(&reading, &listing, &examined, &recorded, detectors);
    let history = reading.history_of(&marks, &request.measure, request.n_threads);
    let attributed = attribute(&reading, &history, &marks, &listing, request);
    let versions = versions(&reading, &attributed, &marks);
    let older: CommitSet = match versions.last() {
        Some(last) => reading.scope.iter().take_while(|&commit| commit <= last.commit).collect(),
        None => CommitSet::default(),
    };
    reading.compare(&older, request.n_threads);
    Ok(Adding::new(builder, &reading).all(&versions, &older)?)
}

/// Returns the versions that hold lines of a tool that their own commit put in place, oldest first.
fn versions<'a>(reading: &Reading<'_>, attributed: &Attributed, marks: &'a Marks) -> Vec<Version<'a>> {
    let mut versions = Vec::new();
    for settled in &attributed.settled.owned {
        if is_commonplace(reading.changes.path(settled.path)) {
            continue;
        }
        let mut by_claim: FxHashMap<&Evidence, Vec<Span>> = FxHashMap::default();
        for (lines, claims) in own_lines(&settled.owned, settled.commit, marks) {
            let condemning = claims.iter().find(|claim| {
                claim.taint().is_some_and(|taint| taint.role.writes() && taint.strength.condemns())
            });
            if let Some(claim) = condemning {
                by_claim.entry(claim).or_default().push(lines);
            }
        }
        let mut by_claim: Vec<_> = by_claim.into_iter().collect();
        by_claim.sort();
        let version = |(claim, lines)| Version {
            commit: settled.commit,
            path: settled.path,
            blob: settled.blob,
            lines,
            claim,
        };
        versions.extend(by_claim.into_iter().map(version));
    }
    versions.sort_by_key(|version| (version.commit, version.path));
    versions
}

fn own_lines<'a>(
    owned: &Owned,
    commit: CommitIx,
    marks: &'a Marks,
) -> impl Iterator<Item = (Span, &'a [Evidence])> {
    let ends = owned.runs().iter().skip(1).map(|run| run.start).chain(owned.n_lines());
    owned.runs().iter().zip(ends).filter_map(move |(run, end)| {
        let (owner, claims) = marks.behind(run.owner)?;
        let is_own = owner == commit && run.owner.directness() == Directness::Direct;
        let lines = Span::new(run.start + 1, end).ok()?;
        is_own.then_some((lines, claims))
    })
}

/// Adds versions one after the other, and remembers what is older.
struct Adding<'a, 'b> {
    builder: &'b mut SegmentBuilder,
    reading: &'a Reading<'a>,
    reader: ObjectReader<'a>,
    older: Except,
    seen: FxHashSet<ObjectId>,
    /// What the repository is called, wherever a clone of it lies.
    name: String,
    added: AddedRepository,
}

impl<'a, 'b> Adding<'a, 'b> {
    fn new(builder: &'b mut SegmentBuilder, reading: &'a Reading<'a>) -> Self {
        let reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
        let (older, added) = (Except::new(), AddedRepository::default());
        let graph = &reading.graph;
        let roots = reading.scope.iter().filter(|&commit| graph.parents(commit).is_empty());
        let root = roots.map(|commit| graph.id(commit)).min();
        let name = format!("repository {}", root.map(|root| root.to_string()).unwrap_or_default());
        Self { builder, reading, reader, older, seen: FxHashSet::default(), name, added }
    }

    fn all(mut self, versions: &[Version<'_>], older: &CommitSet) -> Result<AddedRepository, BuildError> {
        let mut blobs = FxHashSet::default();
        let blobs = versions.iter().map(|version| version.blob).filter(|blob| blobs.insert(*blob));
        let texts: Vec<ObjectId> = blobs.collect();
        self.older = Except::about(texts.into_iter().filter_map(|blob| Some(self.text(blob)?.to_vec())));
        let mut rest = versions;
        let reading = self.reading;
        for commit in older.iter() {
            let n_here = rest.iter().take_while(|version| version.commit == commit).count();
            let (here, after) = rest.split_at(n_here);
            rest = after;
            for version in here {
                self.add(version)?;
            }
            let is_own = |path| here.iter().any(|version| version.path == path);
            for change in reading.changes.of(commit).iter().filter(|change| !is_own(change.path)) {
                let is_file = |entry: &TreeEntry| entry.kind == EntryKind::File;
                if let Some(new) = change.new.filter(is_file) {
                    self.remember(change.old.filter(is_file), new);
                }
            }
            self.added.n_commits += u64::from(!here.is_empty());
        }
        Ok(self.added)
    }

    fn add(&mut self, version: &Version<'_>) -> Result<(), BuildError> {
        let Some(text) = self.text(version.blob) else { return Ok(()) };
        let graph = &self.reading.graph;
        let (commit, path) = (graph.id(version.commit), self.reading.changes.path(version.path));
        let repository = &self.reading.origin.path;
        let taint = version.claim.taint();
        let entry = Entry {
            class: Class::Rival,
            name: self.name.clone(),
            origin: format!("{repository}@{commit}:{}", printable(path)),
            tool: taint.and_then(|taint| taint.tool.as_ref()).map(ToString::to_string).unwrap_or_default(),
            model: taint.and_then(|taint| taint.model.as_ref()).map(ToString::to_string).unwrap_or_default(),
            recorded_at: graph.committer_seconds(version.commit),
        };
        let ids = [TextId::Object(version.blob)];
        let n_lines = examine::count_lines(&text);
        let is_whole = matches!(version.lines.as_slice(), [all] if all.start() == 1 && all.end() >= n_lines);
        let lines = if is_whole { Lines::All } else { Lines::Spans(&version.lines) };
        let ids = if is_whole { &ids[..] } else { &[] };
        self.builder.add(&entry, &Written { text: &text, lines, ids }, &self.older)?;
        self.added.n_versions += 1;
        self.added.n_lines += version.lines.iter().map(|lines| u64::from(lines.lines())).sum::<u64>();
        Ok(())
    }

    /// Takes a text that is older than what comes; what it has in common with the text it took the place of is known.
    fn remember(&mut self, old: Option<TreeEntry>, new: TreeEntry) {
        if !self.seen.insert(new.id) {
            return;
        }
        let Some(text) = self.text(new.id) else { return };
        let old = old.filter(|old| self.seen.contains(&old.id)).and_then(|old| self.text(old.id));
        self.older.add(changed(old.as_deref().map_or(&[], Vec::as_slice), &text));
    }

    fn text(&mut self, blob: ObjectId) -> Option<std::rc::Rc<Vec<u8>>> {
        let Ok(text) = self.reader.read_as(&blob, ObjectKind::Blob) else {
            self.added.n_unread += 1;
            return None;
        };
        (!examine::is_binary(&text)).then_some(text)
    }
}

/// How much of what two texts have in common is kept around what differs: more than the longest run that has a key.
const CONTEXT_BYTES: usize = 4 << 10;

/// Returns the part of a text from the first to the last difference, whole lines and what stands around them.
fn changed<'t>(old: &[u8], new: &'t [u8]) -> &'t [u8] {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let old_rest = old.get(head..).unwrap_or_default();
    let new_rest = new.get(head..).unwrap_or_default();
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let start = new.get(..head.saturating_sub(CONTEXT_BYTES)).unwrap_or_default();
    let start = start.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let end = (new.len() - tail).saturating_add(CONTEXT_BYTES).min(new.len());
    let after = new.get(end..).unwrap_or_default();
    let end = end + after.iter().position(|&byte| byte == b'\n').map_or(after.len(), |newline| newline + 1);
    new.get(start..end).unwrap_or(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_taken_with_whole_lines_around_it() {
        let lines = |numbers: std::ops::Range<u32>| -> String {
            numbers.map(|number| format!("line {number:06}\n")).collect()
        };
        let old = lines(0..4000);
        let new = format!("{}new\n{}", lines(0..2000), lines(2000..4000));
        let part = std::str::from_utf8(changed(old.as_bytes(), new.as_bytes())).unwrap();
        assert!(part.starts_with("line 0016") && part.ends_with('\n') && part.contains("\nnew\n"), "{part}");
        assert!(part.len() < 3 * CONTEXT_BYTES);
        assert_eq!(changed(b"", new.as_bytes()), new.as_bytes());
        assert_eq!(changed(b"a\nb\n", b"a\nc\n"), b"a\nc\n");
    }
}
