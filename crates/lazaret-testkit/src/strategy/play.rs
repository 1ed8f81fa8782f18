//! Plays a plan: every step becomes a full snapshot upon its parents.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Clock, Edit, Plan, Step, Take};
use crate::commit::Person;
use crate::history::{CommitSpec, FileMode, FileSpec, History, default_date};

/// The names files may have: shared base names in several folders, and a name that is a folder of others.
const NAMES: [&str; 10] =
    ["a", "b.txt", "c.txt", "d/a", "d/b.txt", "d/e/a", "f", "f/c.txt", "g g.txt", "\"h\"\t\u{e4}"];

type Tree = BTreeMap<Vec<u8>, FileSpec>;

impl Plan {
    /// Returns the history the plan describes.
    #[must_use]
    pub fn play(&self) -> History {
        let mut history = History::default();
        push(&mut history, Vec::new(), edited(Tree::new(), &self.founding, &[]), 0);
        for (step, clock) in &self.steps {
            let (parents, files) = play_step(step, &history.commits);
            push(&mut history, parents, files, *clock);
        }
        history
    }
}

fn push(history: &mut History, parents: Vec<usize>, files: Tree, clock: Clock) {
    let index = history.commits.len();
    history.commits.push(CommitSpec {
        parents,
        files,
        message: format!("commit {index}\n").into_bytes(),
        author: Person::default(),
        date: default_date(index) + 60 * i64::from(clock),
    });
}

fn play_step(step: &Step, past: &[CommitSpec]) -> (Vec<usize>, Tree) {
    match step {
        Step::Root(edits) => (Vec::new(), edited(Tree::new(), edits, past)),
        Step::Child(age, edits) => {
            let parent = aged(past, *age);
            (vec![parent], edited(tree(past, parent), edits, past))
        }
        Step::Merge(ages, takes, edits) => {
            let mut parents = Vec::new();
            for parent in ages.iter().map(|age| aged(past, *age)) {
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
            let trees: Vec<Tree> = parents.iter().map(|&parent| tree(past, parent)).collect();
            (parents, edited(merged(&trees, takes), edits, past))
        }
        Step::Subtree(host, guest, edits) => {
            let (host, guest) = (aged(past, *host), aged(past, *guest));
            let mut files = tree(past, host);
            for (path, file) in tree(past, guest) {
                put(&mut files, [b"sub/".as_slice(), &path].concat(), file);
            }
            let parents = if host == guest { vec![host] } else { vec![host, guest] };
            (parents, edited(files, edits, past))
        }
    }
}

fn aged(past: &[CommitSpec], age: u8) -> usize {
    past.len() - 1 - usize::from(age) % past.len()
}

fn tree(past: &[CommitSpec], index: usize) -> Tree {
    past.get(index).map(|commit| commit.files.clone()).unwrap_or_default()
}

fn merged(trees: &[Tree], takes: &[Take]) -> Tree {
    let paths: BTreeSet<&Vec<u8>> = trees.iter().flat_map(BTreeMap::keys).collect();
    // Without instructions a merge takes each path from the first parent that has it.
    let mut takes = takes.iter().copied().cycle();
    let mut files = Tree::new();
    for path in paths {
        let versions: Vec<Option<&FileSpec>> = trees.iter().map(|tree| tree.get(path)).collect();
        let taken = match takes.next() {
            None => taken(&versions, Take::First),
            Some(take) => taken(&versions, take),
        };
        if let Some(file) = taken {
            put(&mut files, path.clone(), file);
        }
    }
    files
}

fn taken(versions: &[Option<&FileSpec>], take: Take) -> Option<FileSpec> {
    let version = |parent: u8| versions.get(usize::from(parent) % versions.len()).copied().flatten();
    match take {
        Take::First => versions.iter().copied().flatten().next().cloned(),
        Take::Parent(parent) => version(parent).cloned(),
        Take::Nothing => None,
        Take::Halves(one, other, at) => mix(version(one), version(other), |one, other| {
            let cut = usize::from(at) % (one.len() + 1);
            let (first, _) = one.split_at(cut);
            let (_, second) = other.split_at(cut.min(other.len()));
            [first, second].concat()
        }),
        Take::Lines(one, other, bits) => mix(version(one), version(other), |one, other| {
            (0..one.len().max(other.len()))
                .filter_map(|line| {
                    let side = if bits >> (line % 16) & 1 == 0 { one } else { other };
                    side.get(line).copied()
                })
                .collect()
        }),
    }
}

/// Mixes two versions' lines; where one is absent or a link, the other stands alone.
fn mix<'a>(
    one: Option<&'a FileSpec>,
    other: Option<&'a FileSpec>,
    lines: impl Fn(&[&'a [u8]], &[&'a [u8]]) -> Vec<&'a [u8]>,
) -> Option<FileSpec> {
    match (one, other) {
        (Some(one), Some(other)) if one.mode != FileMode::Link && other.mode != FileMode::Link => {
            let split = |file: &'a FileSpec| -> Vec<&'a [u8]> {
                file.content.split_inclusive(|&byte| byte == b'\n').collect()
            };
            Some(FileSpec { mode: one.mode, content: lines(&split(one), &split(other)).concat() })
        }
        (one, other) => one.or(other).cloned(),
    }
}

fn edited(mut files: Tree, edits: &[Edit], past: &[CommitSpec]) -> Tree {
    for edit in edits {
        apply(&mut files, edit, past);
    }
    files
}

fn apply(files: &mut Tree, edit: &Edit, past: &[CommitSpec]) {
    match edit {
        Edit::Add(to, text) => put(files, name(*to), FileSpec::regular(text.to_bytes())),
        Edit::Lines(file, edit) => change(files, *file, |file| file.content = edit.apply(&file.content)),
        Edit::Remove(file) => drop(nth(files, *file).and_then(|path| files.remove(&path))),
        Edit::Rename(from, to, edit) => {
            if let Some(mut file) = nth(files, *from).and_then(|path| files.remove(&path)) {
                if let Some(edit) = edit {
                    file.content = edit.apply(&file.content);
                }
                put(files, name(*to), file);
            }
        }
        Edit::Copy(from, to, edit) => {
            if let Some(mut file) = nth(files, *from).and_then(|path| files.get(&path).cloned()) {
                if let Some(edit) = edit {
                    file.content = edit.apply(&file.content);
                }
                put(files, name(*to), file);
            }
        }
        Edit::Swap(one, other) => swap(files, *one, *other),
        Edit::ToggleLink(file) => change(files, *file, |file| {
            file.mode = if file.mode == FileMode::Link { FileMode::Regular } else { FileMode::Link };
        }),
        Edit::ToggleExecutable(file) => change(files, *file, |file| {
            file.mode = match file.mode {
                FileMode::Regular => FileMode::Executable,
                FileMode::Executable => FileMode::Regular,
                FileMode::Link => FileMode::Link,
            };
        }),
        Edit::Restore(age, to) => {
            let path = name(*to);
            if let Some(file) = aged_file(past, *age, &path) {
                put(files, path, file.clone());
            }
        }
    }
}

fn aged_file<'a>(past: &'a [CommitSpec], age: u8, path: &[u8]) -> Option<&'a FileSpec> {
    let age = usize::from(age).checked_rem(past.len())?;
    past.iter().rev().nth(age)?.files.get(path)
}

fn swap(files: &mut Tree, one: u8, other: u8) {
    let (Some(one), Some(other)) = (nth(files, one), nth(files, other)) else { return };
    if let (Some(first), Some(second)) = (files.get(&one).cloned(), files.get(&other).cloned()) {
        files.insert(one, second);
        files.insert(other, first);
    }
}

fn change(files: &mut Tree, file: u8, change: impl FnOnce(&mut FileSpec)) {
    if let Some(file) = nth(files, file).and_then(|path| files.get_mut(&path)) {
        change(file);
    }
    // git cannot hold a link with a zero byte or without a target.
    for file in files.values_mut() {
        if file.mode == FileMode::Link && (file.content.is_empty() || file.content.contains(&0)) {
            file.mode = FileMode::Regular;
        }
    }
}

fn nth(files: &Tree, file: u8) -> Option<Vec<u8>> {
    files.keys().nth(usize::from(file) % files.len().max(1)).cloned()
}

fn name(name: u8) -> Vec<u8> {
    NAMES.get(usize::from(name) % NAMES.len()).expect("the remainder is in range").as_bytes().to_vec()
}

/// Puts a file at a path and clears the way: no path of a tree may be a folder of another.
fn put(files: &mut Tree, path: Vec<u8>, file: FileSpec) {
    files.retain(|old, _| !is_folder_of(old, &path) && !is_folder_of(&path, old));
    files.insert(path, file);
}

fn is_folder_of(folder: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}
