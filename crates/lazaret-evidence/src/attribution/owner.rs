//! Who owns a line: a marked commit, nobody marked, or nobody knows.

use lazaret_core::{CommitIx, Directness, GapKind};

const DERIVED: u32 = 1 << 31;
const CLEAN: u32 = DERIVED - 1;
const UNKNOWN: u32 = CLEAN - 64;

/// Gaps by number; a number is an index into this table.
const GAPS: [GapKind; 5] = [
    GapKind::MissingObject,
    GapKind::CorruptObject,
    GapKind::ShallowBoundary,
    GapKind::OverLimit,
    GapKind::UnreadableFile,
];

/// The owner of a line, in four bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(u32);

impl Owner {
    /// No marked commit of the scope.
    pub const UNMARKED: Self = Self(CLEAN);

    /// The line stands as this marked commit left it.
    #[must_use]
    pub fn direct(commit: CommitIx) -> Self {
        debug_assert!(commit < UNKNOWN);
        Self(commit)
    }

    /// The same owner, at one remove: a later commit put the line in the place of one of its lines.
    #[must_use]
    pub fn derived(self) -> Self {
        if self.commit().is_some() { Self(self.0 | DERIVED) } else { self }
    }

    /// The origin could not be found.
    #[must_use]
    pub fn unknown(gap: GapKind) -> Self {
        let number = GAPS.iter().position(|&kind| kind == gap).unwrap_or(0);
        Self(UNKNOWN + u32::try_from(number).unwrap_or(0))
    }

    /// Returns the marked commit, where there is one.
    #[must_use]
    pub fn commit(self) -> Option<CommitIx> {
        let number = self.0 & !DERIVED;
        (number < UNKNOWN).then_some(number)
    }

    /// Returns whether the line stands as the marked commit left it.
    #[must_use]
    pub fn directness(self) -> Directness {
        if self.0 & DERIVED == 0 { Directness::Direct } else { Directness::Derived }
    }

    /// Returns why the origin is unknown, where it is.
    #[must_use]
    pub fn gap(self) -> Option<GapKind> {
        if self.0 & DERIVED != 0 || self.0 == CLEAN {
            return None;
        }
        GAPS.get(self.0.checked_sub(UNKNOWN)? as usize).copied()
    }
}

impl Owner {
    /// Returns the number that stands for the owner on disk.
    #[must_use]
    pub fn to_number(self) -> u32 {
        self.0
    }

    /// Returns the owner that a number stands for; `None` for a number that stands for none.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        let owner = Self(number);
        (owner == Self::UNMARKED || owner.commit().is_some() || owner.gap().is_some()).then_some(owner)
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.commit(), self.gap()) {
            (Some(commit), _) => write!(f, "{:?}({commit})", self.directness()),
            (None, Some(gap)) => write!(f, "Unknown({})", gap.as_str()),
            (None, None) => f.write_str("Unmarked"),
        }
    }
}

/// Lines from `start`, counted from 0, up to the next run's start, and who owns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerRun {
    /// The first line, counted from 0.
    pub start: u32,
    /// Who owns the lines.
    pub owner: Owner,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_owner_do_not_overlap() {
        for gap in GAPS {
            let unknown = Owner::unknown(gap);
            assert_eq!((unknown.gap(), unknown.commit(), unknown.derived()), (Some(gap), None, unknown));
        }
        let direct = Owner::direct(7);
        assert_eq!((direct.commit(), direct.gap(), direct.directness()), (Some(7), None, Directness::Direct));
        let derived = direct.derived();
        assert_eq!(
            (derived.commit(), derived.gap(), derived.directness()),
            (Some(7), None, Directness::Derived)
        );
        assert_eq!((Owner::UNMARKED.commit(), Owner::UNMARKED.gap()), (None, None));
        assert_eq!(Owner::UNMARKED.derived(), Owner::UNMARKED);
    }
}
