//! Turns the errors of workflows into exit codes and hints: what the caller can do about each.

use lazaret_intake::git::ResolveError;
use lazaret_pipeline::{BlameError, CheckError, ScanError};

use super::CommandError;
use crate::exit::ExitCode;

/// Returns a scan's error for people.
pub(crate) fn scan_error(error: ScanError) -> CommandError {
    let (exit, hint) = scan_way_out(&error);
    CommandError::from_error(exit, error).hint(hint)
}

/// Returns a blame's error for people.
pub(crate) fn blame_error(error: BlameError) -> CommandError {
    let (exit, hint) = match &error {
        BlameError::NoRepository { .. } => (ExitCode::Failure, "name a file of a git repository"),
        BlameError::Scan(error) => scan_way_out(error),
        BlameError::NoSuchFile { .. } => {
            (ExitCode::Failure, "name a file that the revision has, or another revision with `--rev`")
        }
    };
    CommandError::from_error(exit, error).hint(hint)
}

/// Returns a check's error for people.
pub(crate) fn check_error(error: CheckError) -> CommandError {
    let (exit, hint) = match &error {
        CheckError::Open { .. } => {
            (ExitCode::Failure, "run the check inside a git repository, or name one with `--repository`")
        }
        CheckError::Resolve(error) => resolve_way_out(error),
        CheckError::Staged(_) => {
            (ExitCode::Failure, "`git status` says whether git itself can read what is staged")
        }
    };
    CommandError::from_error(exit, error).hint(hint)
}

fn scan_way_out(error: &ScanError) -> (ExitCode, &'static str) {
    match error {
        ScanError::NoSuchFolder { .. } => {
            (ExitCode::Failure, "name a repository, bare or with a work tree, or a folder")
        }
        ScanError::NoHistoryToAsk { .. } => (ExitCode::Usage, "scan the repository that the files came from"),
        ScanError::Open { .. } => (ExitCode::Failure, "`git fsck` in the repository may say more"),
        ScanError::Resolve { source, .. } => resolve_way_out(source),
        ScanError::UnreadableRevision { .. } => {
            (ExitCode::Failure, "fetch the commit again, or repair the repository from another copy")
        }
    }
}

/// Returns how a run ends whose revision names no commit, and what would mend it.
pub(crate) fn resolve_way_out(error: &ResolveError) -> (ExitCode, &'static str) {
    match error {
        ResolveError::Unborn { .. } => {
            (ExitCode::NothingExamined, "commit something first, or name a repository with a history")
        }
        ResolveError::NotACommit { .. } => (
            ExitCode::Failure,
            "name a branch, a tag or a commit that the repository has; fetch it first if it is elsewhere",
        ),
    }
}
