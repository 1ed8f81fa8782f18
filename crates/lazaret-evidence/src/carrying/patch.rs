//! A commit's patch: which lines it takes out and puts in, wherever in their files.
//!
//! The definition is our own: two patches are the same if the same paths lose the same lines and gain the same lines,
//! in the same order, byte for byte. Line numbers and unchanged lines do not count, since a rebase moves both. Blanks
//! do count, unlike in git's own patch id: a mark keeps its full strength by this, and a reformatted line is another
//! line; it is left to the comparison of lines, which says how much is the same.

use std::rc::Rc;

use lazaret_core::Digest;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::lines::{is_distinctive, lines_of, not_in};
use crate::attribution::Comparer;

/// A file as a commit found it and as it left it; empty where there was or is none.
#[derive(Debug, Clone)]
pub struct PatchFile {
    /// The path.
    pub path: Vec<u8>,
    /// The content before.
    pub old: Rc<Vec<u8>>,
    /// The content after.
    pub new: Rc<Vec<u8>>,
}

/// A patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    id: Digest,
    n_distinctive: u32,
    /// The lines put in, counted from 1, by path.
    added: Vec<(Vec<u8>, Vec<u32>)>,
}

impl Patch {
    /// Returns the patch of a commit from all the files that it changed.
    #[must_use]
    pub fn of(mut files: Vec<PatchFile>, comparer: &mut Comparer) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut ids = Vec::with_capacity(files.len());
        let mut added = Vec::with_capacity(files.len());
        let mut distinctive = FxHashSet::default();
        for file in files {
            let same = comparer.same_lines(&file.old, &file.new);
            let (old, new) = (lines_of(&file.old), lines_of(&file.new));
            let taken_out = not_in(old.len(), same.iter().map(|run| (run.old, run.n_lines)));
            let put_in = not_in(new.len(), same.iter().map(|run| (run.new, run.n_lines)));
            let n_taken_out = (taken_out.len() as u64).to_le_bytes();
            let taken_out = texts_of(&old, &taken_out);
            let texts = texts_of(&new, &put_in);
            let parts = [&*file.path, &n_taken_out].into_iter();
            ids.push(Digest::of_parts(parts.chain(taken_out.iter().chain(&texts).copied())));
            distinctive.extend(texts.into_iter().filter(|line| is_distinctive(line)).map(xxh3_64));
            added.push((file.path, put_in.into_iter().map(|at| at + 1).collect()));
        }
        let id = Digest::of_parts(ids.iter().map(|id| &id.as_bytes()[..]));
        Self { id, n_distinctive: u32::try_from(distinctive.len()).unwrap_or(u32::MAX), added }
    }

    /// Returns what names the patch: equal for equal patches.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.id
    }

    /// How many different lines it puts in that are not written twice by chance.
    #[must_use]
    pub fn n_distinctive(&self) -> u32 {
        self.n_distinctive
    }

    /// Whether it puts no line in: nothing of it can be carried.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.iter().all(|(_, lines)| lines.is_empty())
    }

    /// Returns where the same patch put a line elsewhere: `line`, counted from 1, is where this one put it. `None` for a
    /// line that the patch did not put in.
    #[must_use]
    pub fn line_in(&self, other: &Self, path: &[u8], line: u32) -> Option<u32> {
        let here = self.added_at(path)?;
        other.added_at(path)?.get(here.binary_search(&line).ok()?).copied()
    }

    fn added_at(&self, path: &[u8]) -> Option<&[u32]> {
        self.added.iter().find(|(added, _)| added == path).map(|(_, lines)| &**lines)
    }
}

fn texts_of<'a>(lines: &[&'a [u8]], numbers: &[u32]) -> Vec<&'a [u8]> {
    numbers.iter().filter_map(|&number| lines.get(number as usize).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(old: &str, new: &str) -> Patch {
        let file = |path: &str, old: &str, new: &str| PatchFile {
            path: path.as_bytes().to_vec(),
            old: Rc::new(old.as_bytes().to_vec()),
            new: Rc::new(new.as_bytes().to_vec()),
        };
        Patch::of(vec![file("b", "", "new\n"), file("a", old, new)], &mut Comparer::default())
    }

    #[test]
    fn a_patch_is_the_same_wherever_its_lines_are() {
        let here = patch("one\ntwo\nthree\n", "one\n2\n2.5\nthree\n");
        let there = patch("zero\none and a half\ntwo\n", "zero\none and a half\n2\n2.5\n");
        assert_eq!(here.id(), there.id());
        assert_eq!(here.line_in(&there, b"a", 3), Some(4));
        assert_eq!(here.line_in(&there, b"a", 1), None);
        assert_eq!(here.line_in(&there, b"c", 1), None);
    }

    #[test]
    fn any_other_line_is_another_patch() {
        let one = patch("one\ntwo\n", "one\n2\n");
        for (old, new) in [
            ("one\ntwo\n", "one\n 2\n"),
            ("one\ntwo\n", "one\n2"),
            ("one\ntwo\nthree\n", "one\n2\n"),
            ("one\n", "one\n2\n"),
            ("one\ntwo\n", "one\n2\ntwo\n"),
        ] {
            assert_ne!(one.id(), patch(old, new).id(), "{old:?} {new:?}");
        }
    }
}
