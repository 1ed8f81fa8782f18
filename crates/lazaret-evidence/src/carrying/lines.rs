//! Finds the marked lines of one version in another, and says which lines could be anybody's.

use std::rc::Rc;

use lazaret_core::Span;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use crate::attribution::Comparer;
use crate::surroundings::count_tokens;

/// A distinctive line has so many tokens and so many bytes that are not blank, at least.
const TOKENS_MIN: u32 = 5;
const BYTES_MIN: usize = 20;

/// How lines begin that say where names come from: whoever uses the same names writes the same line.
const IMPORTS: [&[u8]; 8] =
    [b"use ", b"pub use ", b"import ", b"from ", b"#include", b"package ", b"using ", b"require"];

/// One path as a branch left it, as the landed commit left it, and as that commit found it.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    /// The branch's version.
    pub branch: &'a Rc<Vec<u8>>,
    /// The landed commit's version.
    pub landed: &'a Rc<Vec<u8>>,
    /// The version that the landed commit found; empty where there was none.
    pub before: &'a Rc<Vec<u8>>,
}

/// Lines of the landed commit's version that are marked lines of the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SameRun<M> {
    /// The lines, as the landed commit left them.
    pub lines: Span,
    /// The first of them in the branch's version, counted from 0.
    pub first: u32,
    /// Whose mark they bear on the branch.
    pub mark: M,
    /// How many of them are distinctive.
    pub n_distinctive: u32,
}

/// Lines that stand in files that have nothing to do with the branch, whatever the reason: licence headers, usual
/// beginnings and ends.
#[derive(Debug, Clone, Default)]
pub struct Commonplace {
    files: Vec<Rc<FileLines>>,
}

/// The lines of one file, by their hashes: two lines of one hash would make a line commonplace that is not, which
/// weakens a claim and makes none.
#[derive(Debug, Clone, Default)]
pub struct FileLines {
    hashes: FxHashSet<u64>,
}

impl FileLines {
    /// Returns the lines of a text, without the blanks around them.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let lines = lines_of(text).into_iter().map(<[u8]>::trim_ascii);
        Self { hashes: lines.filter(|line| line.len() >= BYTES_MIN).map(xxh3_64).collect() }
    }
}

impl Commonplace {
    /// Returns the lines of files.
    #[must_use]
    pub fn new(files: Vec<Rc<FileLines>>) -> Self {
        Self { files }
    }

    fn holds(&self, line: &[u8]) -> bool {
        let hash = xxh3_64(line.trim_ascii());
        self.files.iter().any(|file| file.hashes.contains(&hash))
    }
}

/// Returns the marked lines of the branch that stand in the landed version and that the landed commit put there; `mark`
/// returns the mark of a line of the branch's version, counted from 0.
pub fn same_runs<M: Copy + PartialEq>(
    versions: Versions<'_>,
    mark: impl Fn(u32) -> Option<M>,
    commonplace: &Commonplace,
    comparer: &mut Comparer,
) -> Vec<SameRun<M>> {
    let landed = lines_of(versions.landed);
    let mut put_in = vec![true; landed.len()];
    for kept in comparer.same_lines(versions.before, versions.landed) {
        let kept = kept.new as usize..(kept.new + kept.n_lines) as usize;
        put_in.get_mut(kept).into_iter().flatten().for_each(|line| *line = false);
    }
    let mut runs: Vec<SameRun<M>> = Vec::new();
    for same in comparer.same_lines(versions.branch, versions.landed) {
        for nth in 0..same.n_lines {
            let (here, there) = (same.old + nth, same.new + nth);
            if !put_in.get(there as usize).copied().unwrap_or(false) {
                continue;
            }
            let (Some(mark), Some(&line)) = (mark(here), landed.get(there as usize)) else { continue };
            let n_distinctive = u32::from(is_distinctive(line) && !commonplace.holds(line));
            match runs.last_mut() {
                Some(run)
                    if run.mark == mark
                        && run.lines.end() == there
                        && run.first + run.lines.lines() == here =>
                {
                    run.lines = Span::new(run.lines.start(), there + 1).unwrap_or(run.lines);
                    run.n_distinctive += n_distinctive;
                }
                _ => runs.extend(Span::new(there + 1, there + 1).map(|lines| SameRun {
                    lines,
                    first: here,
                    mark,
                    n_distinctive,
                })),
            }
        }
    }
    runs
}

/// Whether a line is long enough, and says enough, that two people hardly write it alike by chance.
pub(super) fn is_distinctive(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.len() < BYTES_MIN {
        return false;
    }
    let n_bytes = line.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    n_bytes >= BYTES_MIN
        && count_tokens(line).is_none_or(|n_tokens| n_tokens >= TOKENS_MIN)
        && !IMPORTS.iter().any(|import| line.starts_with(import))
}

/// Cuts a text into lines, their endings included.
pub(super) fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    for newline in memchr::memchr_iter(b'\n', text) {
        lines.extend(text.get(start..=newline));
        start = newline + 1;
    }
    lines.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    lines
}

/// Returns the numbers below `n_lines` that lie in none of the runs, which are sorted.
pub(super) fn not_in(n_lines: usize, runs: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let n_lines = u32::try_from(n_lines).unwrap_or(u32::MAX);
    let mut rest = Vec::new();
    let mut next = 0;
    for (start, n) in runs {
        rest.extend(next..start);
        next = start + n;
    }
    rest.extend(next..n_lines);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "let total = cargo.iter().map(Weight::of).sum();\n";
    const OTHER: &str = "let heaviest = cargo.iter().max_by_key(Weight::of);\n";

    fn runs(branch: &str, landed: &str, before: &str, common: &str) -> Vec<(u32, u32, u32)> {
        let text = |text: &str| Rc::new(text.as_bytes().to_vec());
        let (branch, landed, before) = (text(branch), text(landed), text(before));
        let versions = Versions { branch: &branch, landed: &landed, before: &before };
        let commonplace = Commonplace::new(vec![Rc::new(FileLines::of(common.as_bytes()))]);
        let found =
            same_runs(versions, |line| (line > 0).then_some(()), &commonplace, &mut Comparer::default());
        found.iter().map(|run| (run.lines.start(), run.lines.end(), run.n_distinctive)).collect()
    }

    #[test]
    fn marked_lines_that_the_landed_commit_put_there_are_found() {
        let branch = format!("fn f() {{\n{LONG}}}\n");
        assert_eq!(runs(&branch, &format!("zero\n{branch}"), "zero\n", ""), [(3, 4, 1)]);
        assert_eq!(runs(&branch, &branch, &format!("{LONG}}}\n"), ""), []);
        assert_eq!(runs(&branch, &format!("{LONG}{OTHER}}}\n"), "", ""), [(1, 1, 1), (3, 3, 0)]);
    }

    #[test]
    fn lines_of_other_files_are_commonplace_however_long() {
        assert_eq!(runs(&format!("\n{LONG}{OTHER}"), &format!("{LONG}{OTHER}"), "", LONG), [(1, 2, 1)]);
    }

    #[test]
    fn short_lines_and_imports_are_anybodys() {
        for line in
            ["}", "return None;", "use std::collections::{BTreeMap, HashMap};", "if err != nil {", "   "]
        {
            assert!(!is_distinctive(line.as_bytes()), "{line}");
        }
        assert!(is_distinctive(LONG.as_bytes()));
    }
}
