//! Finds the marked lines of branches in the commits that took the branches in.

use std::rc::Rc;

use lazaret_core::{CommitIx, Directness, EntryKind, ObjectId, TreeEntry};
use lazaret_evidence::attribution::{At, Forward, History, Owned, Owner};
use lazaret_evidence::carrying::{
    Commonplace, Doubt, FileLines, Found, Landing, Link, SameRun, Versions, Weight, same_runs, weigh,
};
use lazaret_intake::git::ListedEntry;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::reading::Listing;
use super::beside::Branch;
use super::landed::in_order;
use super::{Carrying, Outcome};

/// So many commits are looked at for a branch that nothing but a content of its files or their paths ties to any: the
/// oldest first, since what lands lands soon.
const BY_CONTENT_MAX: usize = 16;
const BY_PATHS_MAX: usize = 8;

/// So many files beside a changed one say what is usual there.
const NEIGHBOURS_MAX: usize = 8;

/// The lines of files of so many folders are kept.
const FOLDERS_MAX: usize = 64;

/// A file of a branch with lines of marked commits.
struct BranchFile {
    path: Vec<u8>,
    blob: ObjectId,
    owners: Vec<Owner>,
}

impl BranchFile {
    fn n_marked(&self) -> usize {
        self.owners.iter().filter(|owner| owner.mark().is_some()).count()
    }
}

/// What one commit has of a branch.
struct Taken {
    landed: CommitIx,
    /// The number by which it names the branch.
    number: Option<u64>,
    /// Whether number or author date tie the two.
    is_tied: bool,
    /// The runs, by the branch's file.
    runs: Vec<(usize, SameRun<Owner>)>,
}

/// Carries the marks of every branch's lines to the commits that took them.
pub(super) fn carry(carrying: &mut Carrying<'_>, listing: &Listing) {
    let (reading, beside) = (carrying.reading, carrying.beside);
    let history = History::new(&reading.graph, &beside.changes, &beside.followed);
    let marked = beside.marks.marked_in(&reading.graph, &beside.changes);
    let forward = Forward::new(&history, &marked, &mut reading.contents());
    let mut folders = Folders { listing, known: FxHashMap::default() };
    for branch in &beside.branches {
        let files = marked_files(carrying, branch, &history, &forward);
        if !files.is_empty() {
            carry_branch(carrying, branch, &files, &mut folders);
        }
    }
}

/// Returns the files of a branch that hold lines of marked commits.
fn marked_files(
    carrying: &mut Carrying<'_>,
    branch: &Branch,
    history: &History<'_>,
    forward: &Forward<'_, '_>,
) -> Vec<BranchFile> {
    let changes = &carrying.beside.changes;
    let changed = branch.followed.iter().flat_map(|&commit| changes.of(commit));
    let paths: FxHashSet<u32> = changed.map(|change| change.path).collect();
    let mut paths: Vec<&[u8]> = paths.into_iter().map(|path| changes.path(path)).collect();
    paths.sort_unstable();
    let mut files = Vec::new();
    for path in paths {
        let At::Version(version) = history.at_path(branch.head, path) else { continue };
        let Some(owned) = forward.version(version) else { continue };
        let Some(entry) = history.entry(version).filter(|entry| entry.kind == EntryKind::File) else {
            continue;
        };
        if let Some(kind) = owned.runs().iter().find_map(|run| run.owner.gap()) {
            let why = "marks may not have been carried: a file of another branch could not be followed";
            carrying.gaps.insert((kind, why.to_owned()));
        }
        let file = BranchFile { path: path.to_vec(), blob: entry.id, owners: owners(owned) };
        files.extend((file.n_marked() > 0).then_some(file));
    }
    files
}

/// Spreads runs over lines.
fn owners(owned: &Owned) -> Vec<Owner> {
    let mut owners = vec![Owner::UNMARKED; owned.n_lines().unwrap_or(0) as usize];
    for (run_ix, run) in owned.runs().iter().enumerate() {
        let end = owned.runs().get(run_ix + 1).map_or(owners.len(), |next| next.start as usize);
        owners.get_mut(run.start as usize..end).into_iter().flatten().for_each(|owner| *owner = run.owner);
    }
    owners
}

fn carry_branch(
    carrying: &mut Carrying<'_>,
    branch: &Branch,
    files: &[BranchFile],
    folders: &mut Folders<'_>,
) {
    let mut numbered = FxHashMap::default();
    for &number in &branch.numbers {
        numbered.extend(carrying.landed.of_number(number).iter().map(|&landed| (landed, number)));
    }
    let tied = tied(carrying, branch);
    let by_name: FxHashSet<CommitIx> = numbered.keys().chain(&tied).copied().collect();
    let mut taken = Vec::new();
    for landed in in_order(carrying.reading, by_name) {
        let number = numbered.get(&landed).copied();
        taken.extend(take(carrying, files, landed, (number, true), folders));
    }
    if taken.is_empty() && !is_carried(carrying, branch) {
        let by_content = by_content(carrying, branch, files);
        for landed in by_content {
            taken.extend(take(carrying, files, landed, (None, false), folders));
        }
    }
    let n_marked = files.iter().map(BranchFile::n_marked).sum::<usize>();
    let n_marked = u32::try_from(n_marked).unwrap_or(u32::MAX);
    let mut times: FxHashMap<(usize, u32), u32> = FxHashMap::default();
    for lines in taken.iter().flat_map(lines_of) {
        *times.entry(lines).or_default() += 1;
    }
    for taken in &taken {
        let n_lines = lines_of(taken).count();
        let n_same = u32::try_from(n_lines).unwrap_or(u32::MAX);
        let n_elsewhere = lines_of(taken).filter(|lines| times.get(lines).is_some_and(|&n| n > 1)).count();
        let found = Found {
            n_same,
            n_distinctive: taken.runs.iter().map(|(_, run)| run.n_distinctive).sum(),
            n_marked,
            is_tied: taken.is_tied,
            is_one_of_several: n_elsewhere * 2 > n_lines,
        };
        let doubt = match weigh(&found) {
            Weight::Nothing => continue,
            Weight::Doubtful(doubt) => Some(doubt),
            Weight::Sure => None,
        };
        let link = match taken.number {
            Some(number) => Link::NumberedLines { number, n_same, n_marked },
            None => Link::Lines { n_same, n_marked },
        };
        claim_runs(carrying, files, taken, link, doubt);
    }
}

/// Whether all marked commits of a branch have been found: what nothing names is then not looked for again.
fn is_carried(carrying: &Carrying<'_>, branch: &Branch) -> bool {
    let mut marked = branch.followed.iter().filter(|&&commit| carrying.beside.marks.set.contains(commit));
    marked.all(|commit| carrying.outcomes.get(commit) == Some(&Outcome::Carried))
}

/// Returns the lines of the branch that a commit has: file and line.
fn lines_of(taken: &Taken) -> impl Iterator<Item = (usize, u32)> + '_ {
    let lines = |run: &SameRun<Owner>| run.first..run.first + run.lines.lines();
    taken.runs.iter().flat_map(move |(file_ix, run)| lines(run).map(|line| (*file_ix, line)))
}

fn claim_runs(
    carrying: &mut Carrying<'_>,
    files: &[BranchFile],
    taken: &Taken,
    link: Link,
    doubt: Option<Doubt>,
) {
    let (reading, beside) = (carrying.reading, carrying.beside);
    for (file_ix, run) in &taken.runs {
        let Some(file) = files.get(*file_ix) else { continue };
        let Some((original, claims)) = beside.marks.behind(run.mark) else { continue };
        let is_claimed = carrying.same_patch.contains(&(original, taken.landed));
        if is_claimed || carrying.is_source(taken.landed, original) {
            continue;
        }
        let doubts = [
            (run.mark.directness() == Directness::Derived, Doubt::Derived),
            (carrying.is_older(taken.landed, original), Doubt::Older),
            (run.n_distinctive == 0, Doubt::Commonplace),
        ];
        let doubt = doubt.or_else(|| doubts.into_iter().find_map(|(holds, doubt)| holds.then_some(doubt)));
        let landing = Landing { original: reading.graph.id(original), link, doubt };
        for claim in claims {
            carrying.claim(
                original,
                taken.landed,
                Some((file.path.clone(), vec![run.lines])),
                claim,
                &landing,
            );
        }
    }
}

/// Returns the commits that have kept the author date of a marked commit of the branch, and were made after it: one
/// made before is what the marked commit was made of.
fn tied(carrying: &Carrying<'_>, branch: &Branch) -> FxHashSet<CommitIx> {
    let mut tied = FxHashSet::default();
    for &original in branch.followed.iter().filter(|&&commit| carrying.beside.marks.set.contains(commit)) {
        let seconds = carrying.reading.graph.author_seconds(original);
        // A date of 0 is what an unreadable date is read as.
        let landed = carrying.landed.of_author_date(seconds).iter().filter(|_| seconds > 0);
        tied.extend(landed.copied().filter(|&landed| !carrying.is_older(landed, original)));
    }
    tied
}

/// Returns the commits that the contents or the paths of a branch speak for.
fn by_content(carrying: &Carrying<'_>, branch: &Branch, files: &[BranchFile]) -> Vec<CommitIx> {
    let reading = carrying.reading;
    let marked = branch.followed.iter().copied().filter(|&commit| carrying.beside.marks.set.contains(commit));
    let marked: Vec<CommitIx> = marked.collect();
    let may_be = |landed: &CommitIx| marked.iter().any(|&original| !carrying.predates(*landed, original));
    let mut same_content: FxHashSet<CommitIx> = FxHashSet::default();
    let mut n_paths: FxHashMap<CommitIx, usize> = FxHashMap::default();
    for file in files {
        same_content.extend(carrying.landed.of_blob(&file.blob).iter().copied().filter(may_be));
        let Some(path) = reading.changes.find_path(&file.path) else { continue };
        for &landed in carrying.landed.of_path(path).iter().filter(|landed| may_be(landed)) {
            *n_paths.entry(landed).or_default() += 1;
        }
    }
    let of_most = n_paths.into_iter().filter(|(_, n)| n * 2 >= files.len()).map(|(landed, _)| landed);
    let of_most = in_order(reading, of_most.filter(|landed| !same_content.contains(landed)).collect());
    let mut candidates = in_order(reading, same_content);
    candidates.truncate(BY_CONTENT_MAX);
    candidates.extend(of_most.into_iter().take(BY_PATHS_MAX));
    candidates
}

/// Finds the marked lines of a branch among those that a commit put in place.
fn take(
    carrying: &mut Carrying<'_>,
    files: &[BranchFile],
    landed: CommitIx,
    (number, is_tied): (Option<u64>, bool),
    folders: &mut Folders<'_>,
) -> Option<Taken> {
    let changes = &carrying.reading.changes;
    let mut taken = Taken { landed, number, is_tied, runs: Vec::new() };
    for change in changes.of(landed) {
        let path = changes.path(change.path);
        let Some(new) = change.new.filter(|entry| entry.kind == EntryKind::File) else { continue };
        let file_ix = files.binary_search_by(|file| file.path.as_slice().cmp(path));
        let Some((file_ix, file)) = file_ix.ok().and_then(|ix| Some((ix, files.get(ix)?))) else { continue };
        let branch = TreeEntry { kind: EntryKind::File, id: file.blob };
        let texts = [carrying.text(Some(branch)), carrying.text(Some(new)), carrying.text(change.old)];
        let [Some(branch), Some(landed_text), Some(before)] = texts else { continue };
        let commonplace = folders.commonplace(carrying, path, landed);
        let versions = Versions { branch: &branch, landed: &landed_text, before: &before };
        let mark = |line: u32| file.owners.get(line as usize).copied().filter(|owner| owner.mark().is_some());
        let runs = same_runs(versions, mark, &commonplace, &mut carrying.comparer);
        taken.runs.extend(runs.into_iter().map(|run| (file_ix, run)));
    }
    taken.runs.sort_unstable_by_key(|(file_ix, run)| (*file_ix, run.lines));
    (!taken.runs.is_empty()).then_some(taken)
}

/// Files that lie in one folder and end alike: their paths and lines.
type Folder = Rc<Vec<(Vec<u8>, Rc<FileLines>)>>;

/// Knows what is usual in a folder: the lines of files at the revision that lie there and end alike.
struct Folders<'a> {
    listing: &'a Listing,
    known: FxHashMap<(Vec<u8>, Vec<u8>), Folder>,
}

impl Folders<'_> {
    /// Returns the lines of a file's neighbours that the landed commit did not change itself.
    fn commonplace(&mut self, carrying: &mut Carrying<'_>, path: &[u8], landed: CommitIx) -> Commonplace {
        let folder = self.folder(carrying, path);
        let changes = &carrying.reading.changes;
        let own = |path: &[u8]| {
            changes
                .find_path(path)
                .is_some_and(|path| changes.of(landed).iter().any(|change| change.path == path))
        };
        let neighbours = folder.iter().filter(|(path, _)| !own(path)).take(NEIGHBOURS_MAX);
        Commonplace::new(neighbours.map(|(_, lines)| Rc::clone(lines)).collect())
    }

    fn folder(&mut self, carrying: &mut Carrying<'_>, path: &[u8]) -> Folder {
        let (folder, ending) = split(path);
        let key = (folder.to_vec(), ending.to_vec());
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let from = self.listing.files.partition_point(|file| &*file.path < folder);
        let below = self.listing.files.iter().skip(from).take_while(|file| file.path.starts_with(folder));
        let is_alike =
            |file: &&ListedEntry| file.entry.kind == EntryKind::File && split(&file.path) == (folder, ending);
        // Some of them may be the landed commit's own.
        let alike: Vec<&ListedEntry> = below.filter(is_alike).take(NEIGHBOURS_MAX * 2).collect();
        let lines = alike.into_iter().filter_map(|file| {
            let text = carrying.text(Some(file.entry))?;
            Some((file.path.clone(), Rc::new(FileLines::of(&text))))
        });
        let lines: Folder = Rc::new(lines.collect());
        if self.known.len() >= FOLDERS_MAX {
            self.known.clear();
        }
        self.known.insert(key, Rc::clone(&lines));
        lines
    }
}

/// Splits a path into its folder, with the slash, and the ending of its name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let name = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(name);
    let ending = memchr::memrchr(b'.', name).map_or(&[][..], |dot| name.get(dot..).unwrap_or_default());
    (folder, ending)
}
