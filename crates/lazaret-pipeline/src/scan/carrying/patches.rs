//! Ties marked commits to those that landed with the same patch.

use lazaret_core::{Changes, CommitIx, Evidence, Span};
use lazaret_evidence::carrying::{Doubt, Landing, Link, Patch, PatchFile, Weight, weigh_patch};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Carrying, Hint, Outcome, Where, landed, says_as_much};

/// Patches of more files are not compared: imports and moves of whole trees.
const PATCH_FILES_MAX: usize = 500;

/// So many commits that changed the same paths are compared, the oldest first: what lands lands soon, and some files
/// are changed by thousands of commits.
const SAME_PATHS_MAX: usize = 32;

/// A record may give a whole file by a span without end.
const LINES_MAX: u32 = 1 << 22;

/// Carries the marks of commits to those that surely have their patch, and keeps the others in mind.
pub(super) fn carry(carrying: &mut Carrying<'_>) {
    carrying.patches();
}

/// Claims what patches hint at where the lines of branches have said nothing.
pub(super) fn hint(carrying: &mut Carrying<'_>) {
    carrying.hints();
}

impl Carrying<'_> {
    fn patches(&mut self) {
        let mut known: FxHashMap<CommitIx, Option<Patch>> = FxHashMap::default();
        for original in self.beside.marks.set.iter() {
            if self.reading.graph.parents(original).len() > 1 {
                continue;
            }
            let mut candidates = self.patch_candidates(original);
            candidates.retain(|&landed| !self.says_it_itself(original, landed));
            if candidates.is_empty() {
                continue;
            }
            let Some(patch) = self.patch(original, &self.beside.changes) else { continue };
            for landed in candidates {
                let reading = self.reading;
                let other = known.entry(landed).or_insert_with(|| self.patch(landed, &reading.changes));
                if let Some(other) = other
                    && other.id() == patch.id()
                {
                    self.same_patch(original, &patch, landed, other);
                }
            }
        }
    }

    /// Whether a landed commit bears all claims about a marked one by itself, so that none need be carried. Where it has
    /// kept the author date as well as the paths, it is taken for that commit.
    fn says_it_itself(&mut self, original: CommitIx, landed: CommitIx) -> bool {
        let (reading, beside) = (self.reading, self.beside);
        let own = reading.claims.get(&landed).map_or(&[][..], |own| own);
        let mut claims = beside.marks.of(original).iter();
        let says_all = claims.all(|claim| own.iter().any(|own| says_as_much(own, claim)))
            && beside.marks.parts_of(original).next().is_none();
        let graph = &reading.graph;
        if says_all && graph.author_seconds(original) == graph.author_seconds(landed) {
            self.outcomes.insert(original, Outcome::Carried);
        }
        says_all
    }

    /// Returns the commits that may have the patch of a marked one: those that changed the same paths soon after it,
    /// and those of the same author date.
    fn patch_candidates(&self, original: CommitIx) -> Vec<CommitIx> {
        let graph = &self.reading.graph;
        let same_paths = self.landed.of_same_paths(&self.beside.changes, original).iter().copied();
        let same_paths: FxHashSet<CommitIx> =
            same_paths.filter(|&landed| !self.predates(landed, original)).collect();
        let same_date = |landed: &CommitIx| graph.author_seconds(*landed) == graph.author_seconds(original);
        let (dated, others): (Vec<CommitIx>, Vec<CommitIx>) =
            landed::in_order(self.reading, same_paths).into_iter().partition(same_date);
        dated.into_iter().chain(others.into_iter().take(SAME_PATHS_MAX)).collect()
    }

    fn same_patch(&mut self, original: CommitIx, patch: &Patch, landed: CommitIx, other: &Patch) {
        let graph = &self.reading.graph;
        if self.is_source(landed, original) {
            return;
        }
        let same_date = graph.author_seconds(original) == graph.author_seconds(landed);
        let doubt = match weigh_patch(patch, same_date) {
            Weight::Nothing => return,
            Weight::Doubtful(doubt) => Some(doubt),
            Weight::Sure => self.is_older(landed, original).then_some(Doubt::Older),
        };
        if doubt.is_none() {
            self.same_patch.insert((original, landed));
        }
        let landing = Landing { original: graph.id(original), link: Link::Patch, doubt };
        let beside = self.beside;
        let mut claims: Vec<(Where, &Evidence)> =
            beside.marks.of(original).iter().map(|mark| (None, mark)).collect();
        for part in beside.marks.parts_of(original) {
            let last = part.lines.end().min(part.lines.start().saturating_add(LINES_MAX));
            let spans =
                joined((part.lines.start()..=last).filter_map(|line| patch.line_in(other, &part.path, line)));
            if !spans.is_empty() {
                let at = Some((part.path.clone(), spans));
                claims.extend(part.claims.iter().map(|mark| (at.clone(), mark)));
            }
        }
        for (at, mark) in claims {
            match doubt {
                None => self.claim(original, landed, at, mark, &landing),
                Some(_) => self.hints.push(Hint { original, landed, at, mark: mark.clone(), landing }),
            }
        }
    }

    fn hints(&mut self) {
        let claimed = std::mem::take(&mut self.claimed);
        for Hint { original, landed, at, mark, landing } in std::mem::take(&mut self.hints) {
            if !claimed.contains(&(original, landed)) {
                self.claim(original, landed, at, &mark, &landing);
            }
        }
    }

    fn patch(&mut self, commit: CommitIx, changes: &Changes) -> Option<Patch> {
        let changed = changes.of(commit);
        if changed.is_empty() || changed.len() > PATCH_FILES_MAX {
            return None;
        }
        let mut files = Vec::with_capacity(changed.len());
        for change in changed {
            let path = changes.path(change.path).to_vec();
            let (Some(old), Some(new)) = (self.text(change.old), self.text(change.new)) else { return None };
            files.push(PatchFile { path, old, new });
        }
        Some(Patch::of(files, &mut self.comparer))
    }
}

/// Joins lines, which are sorted, into spans.
fn joined(lines: impl Iterator<Item = u32>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for line in lines {
        match spans.last_mut() {
            Some(last) if last.end() + 1 == line => *last = Span::new(last.start(), line).unwrap_or(*last),
            _ => spans.extend(Span::new(line, line)),
        }
    }
    spans
}
