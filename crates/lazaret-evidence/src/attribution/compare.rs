//! Compares two contents for callers outside attribution: which lines stand in both, in the same order.

use std::rc::Rc;

use super::diff::{Differ, Hunk};
use super::text::LineTable;

/// Neighbouring lines that stand in both contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SameLines {
    /// The first of them in the old content, counted from 0.
    pub old: u32,
    /// The first of them in the new content, counted from 0.
    pub new: u32,
    /// How many lines.
    pub n_lines: u32,
}

/// Compares contents as attribution does; keeps its buffers from one comparison to the next.
#[derive(Debug, Default)]
pub struct Comparer {
    table: LineTable,
    differ: Differ,
    hunks: Vec<Hunk>,
}

impl Comparer {
    /// Returns the lines that stand in both contents: sorted, and as long as can be.
    pub fn same_lines(&mut self, old: &Rc<Vec<u8>>, new: &Rc<Vec<u8>>) -> Vec<SameLines> {
        self.table.clear();
        let old = self.table.text(Rc::clone(old), None);
        let new = self.table.text(Rc::clone(new), Some(&old));
        self.differ.hunks(&self.table, &old, &new, &mut self.hunks);
        let mut same = Vec::with_capacity(self.hunks.len() + 1);
        let (mut old_start, mut new_start) = (0, 0);
        let end = (old.n_lines(), old.n_lines(), new.n_lines());
        let changed = self.hunks.iter().map(|hunk| (hunk.old_start, hunk.old_end, hunk.new_end));
        for (old_until, old_next, new_next) in changed.chain([end]) {
            let n_lines = old_until.saturating_sub(old_start);
            if n_lines > 0 {
                same.push(SameLines { old: old_start, new: new_start, n_lines });
            }
            (old_start, new_start) = (old_next, new_next);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[a-d]\n", 0..20)
    }

    proptest! {
        #[test]
        fn what_is_the_same_is_the_same(old in lines(), new in lines()) {
            let text = |lines: &[String]| Rc::new(lines.concat().into_bytes());
            let same = Comparer::default().same_lines(&text(&old), &text(&new));
            let (mut old_end, mut new_end) = (0, 0);
            for run in same {
                prop_assert!(run.old >= old_end && run.new >= new_end && run.n_lines > 0);
                for line in 0..run.n_lines {
                    prop_assert_eq!(&old[(run.old + line) as usize], &new[(run.new + line) as usize]);
                }
                (old_end, new_end) = (run.old + run.n_lines, run.new + run.n_lines);
            }
            prop_assert_eq!(Comparer::default().same_lines(&text(&old), &text(&old)).len(), usize::from(!old.is_empty()));
        }
    }
}
