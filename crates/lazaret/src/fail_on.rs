//! What a caller wants to fail on, and the exit code that follows from a verdict.

use clap::ValueEnum;
use lazaret_core::Verdict;

use crate::exit::ExitCode;

/// The best verdict that makes the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Do not fail on what is found
    Never,
    /// Exit with 10 where something is tainted
    Tainted,
    /// As `tainted`, and exit with 11 where something is suspect
    Suspect,
    /// As `suspect`, and exit with 11 where something is unproven
    Unproven,
}

impl FailOn {
    /// Returns the exit code for the worst verdict that was found.
    pub(crate) fn exit(self, worst: Verdict) -> ExitCode {
        match (worst, self) {
            (Verdict::Clean, _) | (_, Self::Never) => ExitCode::Success,
            (Verdict::Tainted, Self::Tainted | Self::Suspect | Self::Unproven) => ExitCode::Tainted,
            (Verdict::Suspect, Self::Suspect | Self::Unproven) | (Verdict::Unproven, Self::Unproven) => {
                ExitCode::SuspectOrUnproven
            }
            (Verdict::Suspect, Self::Tainted) | (Verdict::Unproven, Self::Tainted | Self::Suspect) => {
                ExitCode::Success
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worse_verdict_or_a_stricter_caller_never_turns_failure_into_success() {
        let rows = [
            (FailOn::Never, [0, 0, 0, 0]),
            (FailOn::Tainted, [0, 0, 0, 10]),
            (FailOn::Suspect, [0, 0, 11, 10]),
            (FailOn::Unproven, [0, 11, 11, 10]),
        ];
        for (fail_on, expected) in rows {
            assert_eq!(Verdict::ALL.map(|verdict| fail_on.exit(verdict).number()), expected, "{fail_on:?}");
        }
    }
}
