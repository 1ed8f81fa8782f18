//! Line attribution: which commit each line of each version of each file comes from.
//!
//! The answer is `git blame`'s, line for line. Two drivers give it over one [`History`]:
//!
//! * [`Forward`] carries ownership from parents to children, oldest first, and so knows it for every version of
//!   every file in history. It follows marked commits only, and tells lines that stand as a marked commit left
//!   them (*direct*) from lines that a later commit put in their place (*derived*).
//! * [`Reverse`] starts from one file and hands its lines to older versions until each has found its commit.
//!
//! # Terms
//!
//! * A *version* is a path at a commit that changed it. Between two versions a path has one content.
//! * The *scope* is the set of commits looked at. Lines that come from outside it have no owner in it.
//! * A *source* of a version is the older version, of the same path or of a renamed one, in one of the commit's
//!   parents.
//!
//! # The rules
//!
//! The origin of a line depends on its commit and path alone, by these rules, found by experiment with the git
//! binary and confirmed against it:
//!
//! 1. A parent that has the same path with the same content takes all lines; the first such parent wins.
//! 2. A parent that lacks the path is searched for a file that the commit deleted and whose content is the same
//!    or similar enough (see [`rename`]).
//! 3. Lines that a diff against a source shows unchanged go to that source, the parents asked in order.
//! 4. What remains belongs to the commit.
//!
//! Which of a commit's own lines are *marked* is for [`Marked`] to say: all, or those that a record names.

mod compare;
mod diff;
mod forward;
mod history;
mod marked;
mod owner;
mod rename;
mod reverse;
mod sources;
mod text;
mod texts;

use std::rc::Rc;

use lazaret_core::{CommitIx, GapKind, ObjectId, TreeEntry};

pub use compare::{Comparer, SameLines};
pub use forward::{Forward, Known, Owned, Settled, SettledVersion, versions_that_may_hold_marked_lines};
pub use history::{At, History, Version, VersionIx};
pub use marked::{Marked, MarkedPart, OwnerMark, PartIx};
pub use owner::{Owner, OwnerRun};
pub use reverse::{LineOrigin, Reverse};

/// Where the engine gets what the index of changes does not hold; implemented over intake by the pipeline.
pub trait Contents {
    /// Returns a blob's bytes.
    ///
    /// # Errors
    /// What stands in the way; the lines that depend on it then have no known origin.
    fn blob(&mut self, id: &ObjectId) -> Result<Rc<Vec<u8>>, GapKind>;

    /// Returns the entry of a path in a commit's tree.
    ///
    /// # Errors
    /// What stands in the way.
    fn entry(&mut self, commit: CommitIx, path: &[u8]) -> Result<Option<TreeEntry>, GapKind>;

    /// Returns the files and links that are in the parent's tree and not in the commit's, by path.
    ///
    /// # Errors
    /// What stands in the way.
    fn deletions(&mut self, parent: CommitIx, commit: CommitIx) -> Result<Rc<Vec<Deletion>>, GapKind>;
}

/// A path that a commit no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The path.
    pub path: Vec<u8>,
    /// What was there.
    pub entry: TreeEntry,
}
