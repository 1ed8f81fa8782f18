//! Random small histories that shrink: plans are drawn, then played into snapshots.
//!
//! A [`Plan`] is a list of steps whose indices mean something whatever stands before them,
//! so every sub-list of a plan is a plan and shrinking may drop any step, edit or line.
//! Enter by [`histories`].

mod lines;
mod plan;
mod play;

use proptest::prelude::*;

use crate::history::History;
pub use lines::{LineEdit, Text};
pub use plan::{Edit, Plan, Step, Take};

/// Returns histories of 1 to 14 commits with every shape and edit of this module.
pub fn histories() -> impl Strategy<Value = History> {
    histories_of(14)
}

/// Returns histories of 1 to `commits_max` commits.
pub fn histories_of(commits_max: usize) -> impl Strategy<Value = History> {
    plan::plans(commits_max).prop_map(|plan| plan.play())
}

/// Returns pairs of texts of which the second is an edited form of the first: input for diffs and similarity.
pub fn edited_texts() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    (lines::texts(), prop::collection::vec(lines::line_edits(), 0..6)).prop_map(|(text, edits)| {
        let before = text.to_bytes();
        let after = edits.iter().fold(before.clone(), |bytes, edit| edit.apply(&bytes));
        (before, after)
    })
}
