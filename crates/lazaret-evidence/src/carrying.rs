//! Carries marks of commits that did not land to the commits that took their lines: facts in, doubts out.
//!
//! A commit lands as itself, or as another commit with the same patch (a rebase, a cherry-pick), or as some of the
//! lines of a commit that took a whole branch in (a squash). [`Patch`] tells the second, [`same_runs`] the third;
//! [`weigh`] says how sure it is that what was found is the marked commit's. What is the same patch or the same
//! line is decided here; which commits come into question is for the caller, who knows the history.

mod lines;
mod patch;

use lazaret_core::ObjectId;

pub use lines::{Commonplace, FileLines, SameRun, Versions, same_runs};
pub use patch::{Patch, PatchFile};

/// So many distinctive lines are not written twice by chance.
const DISTINCTIVE_MIN: u32 = 4;

/// Of a branch that nothing but its lines ties to a commit, this share of the marked lines must have landed there to
/// be sure, and that share to say anything: one in so many.
const SURE_SHARE: u32 = 2;
const SOME_SHARE: u32 = 4;

/// How a mark got from its commit to the one that landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// The commit that bears the mark.
    pub original: ObjectId,
    /// What ties the two together.
    pub link: Link,
    /// What makes it doubtful.
    pub doubt: Option<Doubt>,
}

/// What ties a commit that landed to one that did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The same patch.
    Patch,
    /// So many of the marked lines of a branch.
    Lines {
        /// The lines that landed.
        n_same: u32,
        /// The marked lines that the branch has.
        n_marked: u32,
    },
    /// The same, where the landed commit names the pull request that asked to take the branch in.
    NumberedLines {
        /// The number of the pull request.
        number: u64,
        /// The lines that landed.
        n_same: u32,
        /// The marked lines that the branch has.
        n_marked: u32,
    },
}

/// Why it is not sure that lines that landed are those of the marked commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The landed commit is older by its date: the marked one may have copied it.
    Older,
    /// Several commits fit.
    Several,
    /// Few of the marked lines are there.
    SmallShare,
    /// Lines that anybody may have written.
    Commonplace,
    /// The marked commit's lines were replaced on the branch; these are what replaced them.
    Derived,
}

/// What was found of a branch in a commit that landed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Marked lines of the branch that landed in this commit.
    pub n_same: u32,
    /// How many of them are distinctive.
    pub n_distinctive: u32,
    /// The marked lines of the branch.
    pub n_marked: u32,
    /// Whether the landed commit names the branch's pull request, or has kept the author date of a marked commit, as
    /// rebasing and amending do.
    pub is_tied: bool,
    /// Whether the same lines landed in another commit as well.
    pub is_one_of_several: bool,
}

/// How sure it is that lines that landed are a branch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// They may as well be anybody's: nothing is carried.
    Nothing,
    /// It may be so.
    Doubtful(Doubt),
    /// It is so, as far as each run of lines is distinctive.
    Sure,
}

/// Weighs what was found of a branch in a commit.
///
/// A tie is a word of whoever made the commit that the branch landed here, and needs no share. Where lines alone speak,
/// there must be enough distinctive ones, and half of all for the mark to keep its strength.
#[must_use]
pub fn weigh(found: &Found) -> Weight {
    if found.n_same == 0 {
        return Weight::Nothing;
    }
    if found.is_tied {
        return Weight::Sure;
    }
    let is_share = |one_in: u32| found.n_same.saturating_mul(one_in) >= found.n_marked;
    if found.n_distinctive < DISTINCTIVE_MIN || !is_share(SOME_SHARE) {
        Weight::Nothing
    } else if !is_share(SURE_SHARE) {
        Weight::Doubtful(Doubt::SmallShare)
    } else if found.is_one_of_several {
        Weight::Doubtful(Doubt::Several)
    } else {
        Weight::Sure
    }
}

/// Weighs that two commits have the same patch, which is one commit's work if it is distinctive or if the author date
/// is the same too.
#[must_use]
pub fn weigh_patch(patch: &Patch, same_author_date: bool) -> Weight {
    if patch.is_empty() {
        Weight::Nothing
    } else if same_author_date || patch.n_distinctive() >= DISTINCTIVE_MIN {
        Weight::Sure
    } else {
        Weight::Doubtful(Doubt::Commonplace)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rank(weight: Weight) -> u8 {
        match weight {
            Weight::Nothing => 0,
            Weight::Doubtful(_) => 1,
            Weight::Sure => 2,
        }
    }

    proptest! {
        #[test]
        fn more_that_landed_never_weighs_less(
            n_marked in 1_u32..60,
            n_same in 0_u32..60,
            n_distinctive in 0_u32..60,
            more in 0_u32..10,
            (is_tied, is_one_of_several) in any::<(bool, bool)>(),
        ) {
            let found = Found { n_same, n_distinctive, n_marked, is_tied, is_one_of_several };
            let weight = rank(weigh(&found));
            let more = [
                Found { n_same: n_same + more, ..found },
                Found { n_distinctive: n_distinctive + more, ..found },
                Found { is_tied: true, ..found },
                Found { is_one_of_several: false, ..found },
            ];
            for more in more {
                prop_assert!(weight <= rank(weigh(&more)), "{:?}", more);
            }
            prop_assert_eq!(weigh(&Found { n_same: 0, ..found }), Weight::Nothing);
        }
    }

    #[test]
    fn lines_alone_need_a_share_and_distinction() {
        let found = Found { n_same: 10, n_distinctive: 5, n_marked: 20, ..Found::default() };
        assert_eq!(weigh(&found), Weight::Sure);
        assert_eq!(weigh(&Found { n_distinctive: 3, ..found }), Weight::Nothing);
        assert_eq!(weigh(&Found { n_marked: 21, ..found }), Weight::Doubtful(Doubt::SmallShare));
        assert_eq!(weigh(&Found { n_marked: 41, ..found }), Weight::Nothing);
        let several = Found { is_one_of_several: true, ..found };
        assert_eq!(weigh(&several), Weight::Doubtful(Doubt::Several));
    }
}
