//! The exit codes of the command: one enum, mirrored by `docs/reference/exit-codes.md`.

use std::process::Termination;

/// How a run ended, for scripts. Anything that is not known to be good is a failure.
///
/// No output format changes an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Clean or allowed, or not as bad as the caller asked to fail on.
    Success = 0,
    /// Something failed; nothing may be concluded from the output.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// There was nothing to examine; empty input is not success.
    NothingExamined = 3,
    /// A banned tool or model wrote some of it.
    Tainted = 10,
    /// Something is suspect or unproven, and the caller asked to fail on that.
    SuspectOrUnproven = 11,
    /// A request was denied.
    Denied = 12,
    /// The policy or the catalog is invalid.
    PolicyInvalid = 20,
    /// An exemption is expired or does not cover the use.
    ExemptionInvalid = 21,
    /// The ledger or the vault does not verify.
    LedgerInvalid = 30,
    /// A bug in the program: nothing may be concluded from the output.
    Bug = 70,
}

impl ExitCode {
    /// All codes, by number.
    pub(crate) const ALL: [Self; 11] = [
        Self::Success,
        Self::Failure,
        Self::Usage,
        Self::NothingExamined,
        Self::Tainted,
        Self::SuspectOrUnproven,
        Self::Denied,
        Self::PolicyInvalid,
        Self::ExemptionInvalid,
        Self::LedgerInvalid,
        Self::Bug,
    ];

    /// Returns the number the process ends with.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// Returns the meaning in a few words, as `lazaret --help` prints it.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Success => "clean or allowed",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::NothingExamined => "nothing examined",
            Self::Tainted => "tainted",
            Self::SuspectOrUnproven => "suspect or unproven where the caller asked to fail on it",
            Self::Denied => "denied",
            Self::PolicyInvalid => "policy or catalog invalid",
            Self::ExemptionInvalid => "exemption expired or out of scope",
            Self::LedgerInvalid => "ledger or vault does not verify",
            Self::Bug => "bug",
        }
    }

    /// Returns the more pressing of two outcomes, for a run over several origins: what failed outranks what was
    /// found, taint outranks what could not be examined, and success is the last.
    pub(crate) fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::SuspectOrUnproven => 1,
            Self::NothingExamined => 2,
            Self::Tainted => 3,
            Self::Denied => 4,
            Self::ExemptionInvalid => 5,
            Self::LedgerInvalid => 6,
            Self::PolicyInvalid => 7,
            Self::Usage => 8,
            Self::Failure => 9,
            Self::Bug => 10,
        }
    }
}

impl Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        self.number().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_equals_the_enum() {
        let page = include_str!("../../../docs/reference/exit-codes.md");
        let documented: Vec<(u8, &str)> = page
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
                Some((cells.next()?.trim_matches('`').parse().ok()?, cells.next()?))
            })
            .collect();
        let actual: Vec<(u8, &str)> =
            ExitCode::ALL.iter().map(|code| (code.number(), code.meaning())).collect();
        assert_eq!(documented, actual);
    }

    #[test]
    fn a_failure_outranks_a_finding_and_a_finding_outranks_success() {
        assert_eq!(ExitCode::Tainted.and(ExitCode::Failure), ExitCode::Failure);
        assert_eq!(ExitCode::Tainted.and(ExitCode::NothingExamined), ExitCode::Tainted);
        assert_eq!(ExitCode::Success.and(ExitCode::NothingExamined), ExitCode::NothingExamined);
    }
}
