//! The reverse driver: hands the lines of one file to older versions until each has found its commit.

use std::collections::BTreeMap;

use lazaret_core::{CommitIx, GapKind, ObjectId, PathIx};

use super::Contents;
use super::diff::Hunk;
use super::history::{At, History, VersionIx};
use super::sources::{SourceFinder, Sources};
use super::text::count_lines;
use super::texts::Texts;

/// Lines of the file asked about and where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineOrigin {
    /// The first line, counted from 0.
    pub start: u32,
    /// How many lines.
    pub n_lines: u32,
    /// The commit; `None` where it lies outside the scope.
    pub commit: Option<CommitIx>,
    /// The path in that commit.
    pub path: PathIx,
    /// The first of the lines in that commit, counted from 0.
    pub origin_start: u32,
    /// Why the origin is unknown, where it is; the commit is then the last one that was certain.
    pub gap: Option<GapKind>,
}

/// Lines on their way: where they are in the version at hand, and in the file asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Lines {
    here: u32,
    asked: u32,
    n_lines: u32,
}

/// Answers for one file at a time.
#[derive(Debug)]
pub struct Reverse<'h, 'a> {
    history: &'h History<'a>,
    /// Which versions are followed; all where there is no list.
    followed: Option<&'h [bool]>,
    sources: SourceFinder,
    texts: Texts,
    /// Lines that wait, by commit and version: the youngest commit is taken first.
    waiting: BTreeMap<(CommitIx, VersionIx), Vec<Lines>>,
}

impl<'h, 'a> Reverse<'h, 'a> {
    /// Returns a driver over a history.
    #[must_use]
    pub fn new(history: &'h History<'a>) -> Self {
        Self {
            history,
            followed: None,
            sources: SourceFinder::default(),
            texts: Texts::default(),
            waiting: BTreeMap::new(),
        }
    }

    /// Returns a driver that follows lines only through versions that may hold marked lines, as
    /// [`versions_that_may_hold_marked_lines`](super::versions_that_may_hold_marked_lines) lists them: lines that
    /// leave them have no commit.
    #[must_use]
    pub fn of_marked(history: &'h History<'a>, may_hold: &'h [bool]) -> Self {
        Self { followed: Some(may_hold), ..Self::new(history) }
    }

    fn follows(&self, version: VersionIx) -> bool {
        self.followed.is_none_or(|followed| followed.get(version as usize).copied().unwrap_or(false))
    }

    /// Returns where each line of the file at `path`, as `commit` sees it, comes from: sorted, without gaps.
    ///
    /// A path that the commit does not see, or that is a submodule, has no lines. Where no commit of the scope
    /// changed the path, all of it is one run without a commit.
    pub fn file(&mut self, commit: CommitIx, path: &[u8], contents: &mut impl Contents) -> Vec<LineOrigin> {
        let version = match self.history.at_path(commit, path) {
            At::Version(version) => version,
            At::Absent => return Vec::new(),
            At::Outside(outside) => return self.outside(outside, path, contents),
            At::Unknown(gap) => return vec![whole(None, PathIx::MAX, Some(gap))],
        };
        let asked = self.history.version(version);
        let Some(entry) = asked.change.new.filter(|entry| entry.kind != lazaret_core::EntryKind::Submodule)
        else {
            return Vec::new();
        };
        self.texts.begin_file();
        let n_lines = match self.texts.read(&entry.id, None, contents) {
            Ok(text) => text.n_lines(),
            Err(gap) => return vec![whole(Some(asked.commit), asked.change.path, Some(gap))],
        };
        if n_lines == 0 {
            return Vec::new();
        }
        self.waiting.clear();
        self.wait(version, Lines { here: 0, asked: 0, n_lines });
        let mut found = Vec::new();
        while let Some(((_, version), mut lines)) = self.waiting.pop_last() {
            lines.sort_unstable();
            self.pass_on(version, lines, contents, &mut found);
        }
        found.sort_unstable_by_key(|origin| origin.start);
        merge(found)
    }

    fn outside(&self, commit: CommitIx, path: &[u8], contents: &mut impl Contents) -> Vec<LineOrigin> {
        let entry = match contents.entry(commit, path) {
            Ok(Some(entry)) if entry.kind != lazaret_core::EntryKind::Submodule => entry,
            Ok(_) => return Vec::new(),
            Err(gap) => return vec![whole(None, PathIx::MAX, Some(gap))],
        };
        let n_lines = match contents.blob(&entry.id) {
            Ok(bytes) => u32::try_from(count_lines(&bytes)).unwrap_or(u32::MAX),
            Err(gap) => return vec![whole(None, PathIx::MAX, Some(gap))],
        };
        let path = self.history.changes().find_path(path).unwrap_or(PathIx::MAX);
        let origin = LineOrigin { n_lines, ..whole(None, path, None) };
        if n_lines == 0 { Vec::new() } else { vec![origin] }
    }

    fn wait(&mut self, version: VersionIx, lines: Lines) {
        let commit = self.history.version(version).commit;
        let waiting = self.waiting.entry((commit, version)).or_default();
        match waiting.last_mut() {
            Some(last)
                if last.here + last.n_lines == lines.here && last.asked + last.n_lines == lines.asked =>
            {
                last.n_lines += lines.n_lines;
            }
            _ => waiting.push(lines),
        }
    }

    /// Hands lines of a version to its sources; what none of them takes belongs to the version's commit.
    fn pass_on(
        &mut self,
        version: VersionIx,
        lines: Vec<Lines>,
        contents: &mut impl Contents,
        found: &mut Vec<LineOrigin>,
    ) {
        let at = *self.history.version(version);
        let origin = |lines: &Lines, commit, gap| LineOrigin {
            start: lines.asked,
            n_lines: lines.n_lines,
            commit,
            path: at.change.path,
            origin_start: lines.here,
            gap,
        };
        let Some(entry) = at.change.new else { return };
        let sources = match self.sources.find(self.history, version, entry, contents) {
            Sources::Whole(source) => {
                for lines in &lines {
                    match source.version {
                        Some(older) if self.follows(older) => self.wait(older, *lines),
                        _ => found.push(origin(lines, None, None)),
                    }
                }
                return;
            }
            Sources::Parts(sources) => sources,
            Sources::Unknown(gap) => {
                found.extend(lines.iter().map(|lines| origin(lines, Some(at.commit), Some(gap))));
                return;
            }
        };
        let mut rest = lines;
        let mut gap = None;
        for source in sources {
            if rest.is_empty() {
                break;
            }
            match self.compare(&entry.id, &source.blob, contents) {
                Ok(()) => {
                    let hunks = std::mem::take(&mut self.texts.hunks);
                    rest = split(&rest, &hunks, |lines| match source.version {
                        Some(older) if self.follows(older) => self.wait(older, lines),
                        _ => found.push(origin(&lines, None, None)),
                    });
                    self.texts.hunks = hunks;
                }
                Err(kind) => gap = Some(kind),
            }
        }
        found.extend(rest.iter().map(|lines| origin(lines, Some(at.commit), gap)));
    }

    fn compare(
        &mut self,
        new: &ObjectId,
        old: &ObjectId,
        contents: &mut impl Contents,
    ) -> Result<(), GapKind> {
        self.texts.bound();
        let new = self.texts.read(new, None, contents)?;
        let old = self.texts.read(old, Some(&new), contents)?;
        self.texts.compare(&old, &new);
        Ok(())
    }
}

/// One run over everything, whose length is not known.
fn whole(commit: Option<CommitIx>, path: PathIx, gap: Option<GapKind>) -> LineOrigin {
    LineOrigin { start: 0, n_lines: 0, commit, path, origin_start: 0, gap }
}

/// Hands unchanged lines, renumbered as in the old version, to `unchanged`, and returns the others. The hunks are
/// sorted.
fn split(lines: &[Lines], hunks: &[Hunk], mut unchanged: impl FnMut(Lines)) -> Vec<Lines> {
    let mut rest = Vec::new();
    for lines in lines {
        let (mut here, mut asked) = (lines.here, lines.asked);
        // Lines may overlap: two lines of the file asked about can come from one line of this version.
        let mut hunk_ix = hunks.partition_point(|hunk| hunk.new_end <= here);
        let end = lines.here + lines.n_lines;
        while here < end {
            while hunks.get(hunk_ix).is_some_and(|hunk| hunk.new_end <= here) {
                hunk_ix += 1;
            }
            let hunk = hunks.get(hunk_ix);
            let (stop, changed) = match hunk {
                Some(hunk) if hunk.new_start <= here => (hunk.new_end.min(end), true),
                Some(hunk) => (hunk.new_start.min(end), false),
                None => (end, false),
            };
            let n_lines = stop - here;
            if changed {
                rest.push(Lines { here, asked, n_lines });
            } else {
                // The line before the next hunk keeps its distance to the end of the one before.
                let (old_end, new_end) = match hunk_ix.checked_sub(1).and_then(|before| hunks.get(before)) {
                    Some(before) => (before.old_end, before.new_end),
                    None => (0, 0),
                };
                unchanged(Lines { here: here - new_end + old_end, asked, n_lines });
            }
            here = stop;
            asked += n_lines;
        }
    }
    rest
}

/// Joins neighbours that come from neighbouring lines of one version.
fn merge(origins: Vec<LineOrigin>) -> Vec<LineOrigin> {
    let mut merged: Vec<LineOrigin> = Vec::with_capacity(origins.len());
    for origin in origins {
        match merged.last_mut() {
            Some(last)
                if (last.commit, last.path, last.gap) == (origin.commit, origin.path, origin.gap)
                    && last.start + last.n_lines == origin.start
                    && last.origin_start + last.n_lines == origin.origin_start =>
            {
                last.n_lines += origin.n_lines;
            }
            _ => merged.push(origin),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_overlap_are_split_each_by_itself() {
        // Lines 2 and 3 of the new version replace line 2 of the old one.
        let hunks = [Hunk { old_start: 2, old_end: 3, new_start: 2, new_end: 4 }];
        let lines = [Lines { here: 0, asked: 10, n_lines: 6 }, Lines { here: 1, asked: 30, n_lines: 2 }];
        let mut unchanged = Vec::new();
        let rest = split(&lines, &hunks, |lines| unchanged.push(lines));
        let expected = [
            Lines { here: 0, asked: 10, n_lines: 2 },
            Lines { here: 3, asked: 14, n_lines: 2 },
            Lines { here: 1, asked: 30, n_lines: 1 },
        ];
        assert_eq!(unchanged, expected);
        assert_eq!(
            rest,
            [Lines { here: 2, asked: 12, n_lines: 2 }, Lines { here: 2, asked: 31, n_lines: 1 }]
        );
    }
}
