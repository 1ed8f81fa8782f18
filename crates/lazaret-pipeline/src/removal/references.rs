//! Finds what else refers to what was taken out: names, imports of files that are gone, refs that hold the old files.

use lazaret_core::{EntryKind, ObjectId};
use lazaret_intake::git::{
    BlobSearch, ListedEntry, ObjectKind, ObjectReader, RawCommit, Repository, list_tree,
};
use lazaret_syntax::{Language, Within, units, within};
use rustc_hash::{FxHashMap, FxHashSet};

use super::attempt::{Attempt, Changed};
use super::edit::Text;
use super::report::{Holder, ImportReference, Mention, NameReference, References};
use super::selection::{Matter, Plan, Work};
use crate::scan::RECENT_BYTES;
use crate::scan::examine::is_binary;
use crate::scan::judging::printable;

/// How many places are named for one name; the rest is counted.
const PLACES_MAX: usize = 50;

/// Shorter names say too little to be looked for.
const NAME_BYTES_MIN: usize = 3;

/// What the work tree has out.
const HEAD: &str = "HEAD";

/// A line that takes in a file has one of these words, in the languages that have grammars.
const IMPORT_WORDS: [&str; 14] = [
    "extern",
    "from",
    "href",
    "import",
    "include",
    "load",
    "mod",
    "module",
    "package",
    "require",
    "require_once",
    "source",
    "src",
    "use",
];

/// Finds everything that refers to what an attempt takes out.
pub(super) fn find(repository: &Repository, attempt: &Attempt, plan: &Plan) -> References {
    let mut search = Search::of(plan, &attempt.changes);
    let mut reader = ObjectReader::new(attempt.repository.objects(), RECENT_BYTES);
    if !search.wanted.is_empty() || !search.stems.is_empty() {
        let (files, _hidden) = list_tree(&mut reader, attempt.tree);
        files.iter().for_each(|file| search.look_into(file, &mut reader));
    }
    let (holders, unread_refs) = holders(repository, plan, &attempt.changes);
    let mut names: Vec<NameReference> = search.names.into_iter().filter(|name| name.total > 0).collect();
    names.sort_by(|one, other| (&one.path, one.line, &one.name).cmp(&(&other.path, other.line, &other.name)));
    References { names, imports: search.imports, holders, unread_refs }
}

/// What is looked for, and what was found.
#[derive(Default)]
struct Search {
    names: Vec<NameReference>,
    /// Which of `names` a word is.
    wanted: FxHashMap<String, Vec<usize>>,
    /// The names of files that are gone, without their extensions, and their paths.
    stems: FxHashMap<String, Vec<Vec<u8>>>,
    imports: Vec<ImportReference>,
}

impl Search {
    fn of(plan: &Plan, changes: &[Changed]) -> Self {
        let mut search = Self::default();
        for changed in changes {
            let Some(work) = plan.works.get(changed.work_ix) else { continue };
            search.add_names(work, changed);
            if changed.blob.is_none()
                && let Some(stem) = stem(&work.entry.path)
            {
                search.stems.entry(stem).or_default().push(work.entry.path.clone());
            }
        }
        search
    }

    /// Adds the names of units that were cut out with all their bytes.
    fn add_names(&mut self, work: &Work, changed: &Changed) {
        let Matter::Text(text) = &work.matter else { return };
        let Some(found) = text.language.and_then(|language| units(&text.text, language).ok()) else { return };
        let path = printable(&work.entry.path);
        let is_gone = |bytes: &std::ops::Range<usize>| {
            let whole = |cut: &std::ops::Range<usize>| cut.start <= bytes.start && bytes.end <= cut.end;
            changed.blob.is_none() || changed.edited.cuts.iter().any(whole)
        };
        for unit in found.into_iter().filter(|unit| is_gone(&unit.bytes)) {
            let Some(name) = unit.name.and_then(|name| text.text.get(name)) else { continue };
            if name.len() < NAME_BYTES_MIN || !name.chars().all(is_word) {
                continue;
            }
            self.wanted.entry(name.to_owned()).or_default().push(self.names.len());
            self.names.push(NameReference {
                name: name.to_owned(),
                kind: unit.kind.to_owned(),
                path: path.clone(),
                line: unit.lines.start(),
                total: 0,
                places: Vec::new(),
            });
        }
    }

    fn look_into(&mut self, file: &ListedEntry, reader: &mut ObjectReader<'_>) {
        if file.entry.kind != EntryKind::File {
            return;
        }
        let Ok(bytes) = reader.read_as(&file.entry.id, ObjectKind::Blob) else { return };
        if is_binary(&bytes) {
            return;
        }
        let text = Text::new(&bytes, Language::of_path(&file.path));
        let path = printable(&file.path);
        // Words that are names, as the byte and the line where each stands.
        let mut hits: Vec<(usize, u32, &str)> = Vec::new();
        let mut start = 0;
        for (line, number) in text.text.split_inclusive('\n').zip(1..) {
            let mut takes_in: Option<bool> = None;
            for (at, word) in words(line) {
                if self.wanted.contains_key(word) {
                    hits.push((start + at, number, word));
                }
                if let Some(gone) = self.stems.get(word) {
                    let imports = || words(line).any(|(_, word)| IMPORT_WORDS.contains(&word));
                    if *takes_in.get_or_insert_with(imports) {
                        let import = |gone: &Vec<u8>| ImportReference {
                            gone: printable(gone),
                            path: path.clone(),
                            line: number,
                        };
                        self.imports.extend(gone.iter().map(import));
                    }
                }
            }
            start += line.len();
        }
        self.imports.dedup();
        if hits.is_empty() {
            return;
        }
        let bytes: Vec<usize> = hits.iter().map(|(byte, _, _)| *byte).collect();
        let within = text.language.and_then(|language| within(&text.text, language, &bytes).ok());
        for (nth, (_, line, word)) in hits.into_iter().enumerate() {
            let within = match within.as_ref().and_then(|within| within.get(nth)) {
                Some(Within::Code) => "code",
                Some(Within::Comment) => "comment",
                Some(Within::Literal) => "literal",
                None => "text",
            };
            for name_ix in self.wanted.get(word).into_iter().flatten() {
                let Some(name) = self.names.get_mut(*name_ix) else { continue };
                name.total += 1;
                if name.places.len() < PLACES_MAX {
                    name.places.push(Mention { path: path.clone(), line, within });
                }
            }
        }
    }
}

/// Returns what holds the files as they were: every ref, and work trees that have out what no ref names.
fn holders(repository: &Repository, plan: &Plan, changes: &[Changed]) -> (Vec<Holder>, u64) {
    let works = changes.iter().filter_map(|changed| plan.works.get(changed.work_ix));
    let blobs: FxHashSet<ObjectId> = works.map(|work| work.entry.entry.id).collect();
    let mut search = BlobSearch::new(&blobs);
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let (refs, mut unread) = repository.refs();
    let refs = refs.iter().map(|found| (String::from_utf8_lossy(&found.name).into_owned(), found.target));
    let trees = repository.detached_work_trees();
    let trees = trees.into_iter().map(|(name, commit)| (format!("worktree {name}"), commit));
    let is_detached = repository.head_branch().is_none();
    let head = repository.resolve(HEAD).ok().filter(|_| is_detached).map(|commit| (HEAD.to_owned(), commit));
    let mut holders = Vec::new();
    for (name, id) in head.into_iter().chain(refs).chain(trees).collect::<Vec<_>>() {
        let commit = match repository.try_peel(&mut reader, id) {
            Ok(Some(commit)) => commit,
            // A ref may name a blob or a tree, as notes of some programs do; neither is a version of the files.
            Ok(None) => continue,
            Err(_unreadable) => {
                unread += 1;
                continue;
            }
        };
        let raw = reader.read_as(&commit, ObjectKind::Commit).ok();
        let tree = raw.as_ref().and_then(|raw| RawCommit::parse(raw)).map(|commit| commit.tree);
        match tree.and_then(|tree| search.held_by(&mut reader, tree)) {
            Some(held) if held.is_empty() => {}
            Some(held) => holders.push(Holder { name, files: held.len() as u64 }),
            None => unread += 1,
        }
    }
    (holders, unread)
}

/// The name of a file without its folders and its extension; that of a folder where the file stands for it.
fn stem(path: &[u8]) -> Option<String> {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let file = std::str::from_utf8(parts.next()?).ok()?;
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let stem = match stem {
        "__init__" | "index" | "mod" | "init" => std::str::from_utf8(parts.next()?).ok()?,
        stem => stem,
    };
    (stem.len() >= NAME_BYTES_MIN && stem.chars().all(is_word)).then(|| stem.to_owned())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the words of a line, and where each starts.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    let mut start = 0;
    std::iter::from_fn(move || {
        let skipped = rest.find(is_word)?;
        let (_, from) = rest.split_at(skipped);
        let len = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(len);
        let at = start + skipped;
        start = at + len;
        rest = after;
        Some((at, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_they_are() {
        let line = "  use crate::ships_2;é(x)\n";
        let found: Vec<(usize, &str)> = words(line).collect();
        assert_eq!(found, [(2, "use"), (6, "crate"), (13, "ships_2"), (21, "é"), (24, "x")]);
    }

    #[test]
    fn files_are_known_by_the_name_that_imports_have() {
        for (path, expected) in [
            ("src/ships.rs", Some("ships")),
            ("ships/mod.rs", Some("ships")),
            ("a/ships/__init__.py", Some("ships")),
            ("include/ships.inc.h", Some("ships")),
            ("a.h", None),
            ("read-me.md", None),
        ] {
            assert_eq!(stem(path.as_bytes()).as_deref(), expected, "{path}");
        }
    }
}
