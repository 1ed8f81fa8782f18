//! Who owns a line: a mark of a commit, nobody marked, or nobody knows.

use lazaret_core::{CommitIx, Directness, GapKind};

use super::marked::{OwnerMark, PartIx};

const DERIVED: u32 = 1 << 31;
const PART: u32 = 1 << 30;
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
    /// No mark of the scope.
    pub const UNMARKED: Self = Self(CLEAN);

    /// The line stands as this commit, which is marked as a whole, left it.
    #[must_use]
    pub fn direct(commit: CommitIx) -> Self {
        debug_assert!(commit < PART);
        Self(commit)
    }

    /// The line stands as the commit of this part left it.
    #[must_use]
    pub fn part(part: PartIx) -> Self {
        debug_assert!(part < UNKNOWN - PART);
        Self(PART | part)
    }

    /// The same owner, at one remove: a later commit put the line in the place of one of its lines.
    #[must_use]
    pub fn derived(self) -> Self {
        if self.mark().is_some() { Self(self.0 | DERIVED) } else { self }
    }

    /// The origin could not be found.
    #[must_use]
    pub fn unknown(gap: GapKind) -> Self {
        let number = GAPS.iter().position(|&kind| kind == gap).unwrap_or(0);
        Self(UNKNOWN + u32::try_from(number).unwrap_or(0))
    }

    /// Returns the mark, where there is one.
    #[must_use]
    pub fn mark(self) -> Option<OwnerMark> {
        match self.0 & !DERIVED {
            commit if commit < PART => Some(OwnerMark::Commit(commit)),
            part if part < UNKNOWN => Some(OwnerMark::Part(part - PART)),
            _ => None,
        }
    }

    /// Returns whether the line stands as the mark's commit left it.
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
        (owner == Self::UNMARKED || owner.mark().is_some() || owner.gap().is_some()).then_some(owner)
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.mark(), self.gap()) {
            (Some(mark), _) => write!(f, "{:?}({mark:?})", self.directness()),
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
            assert_eq!((unknown.gap(), unknown.mark(), unknown.derived()), (Some(gap), None, unknown));
        }
        for (direct, mark) in [(Owner::direct(7), OwnerMark::Commit(7)), (Owner::part(7), OwnerMark::Part(7))]
        {
            let derived = direct.derived();
            for (owner, directness) in [(direct, Directness::Direct), (derived, Directness::Derived)] {
                assert_eq!((owner.mark(), owner.gap(), owner.directness()), (Some(mark), None, directness));
                assert_eq!(Owner::from_number(owner.to_number()), Some(owner));
            }
        }
        assert_eq!((Owner::UNMARKED.mark(), Owner::UNMARKED.gap()), (None, None));
        assert_eq!(Owner::UNMARKED.derived(), Owner::UNMARKED);
    }
}
