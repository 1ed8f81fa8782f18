//! `lazaret check`: judges a change before it enters, for hooks and CI.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::fail_on::FailOn;

/// Arguments of `lazaret check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// The repository
    #[arg(long, value_name = "REPO", default_value = ".")]
    repository: PathBuf,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: CheckFormat,
    /// The best verdict to fail on
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "tainted")]
    fail_on: FailOn,
}

/// Which change.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct ChangeArgs {
    /// What is staged for the next commit; the default
    #[arg(long)]
    staged: bool,
    /// The commits of a range
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// The commits of a push: lines of `<old> <new> <ref>` on standard input, as git gives them to its pre-receive hook
    #[arg(long)]
    pre_receive: bool,
    /// A commit message that is being written, with what is staged: as git gives it to its commit-msg hook
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
}

/// How to write what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people
    Human,
    /// One line of JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Runs the command.
pub(crate) fn run(_args: &CheckArgs, _global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    Err(CommandError::new(ExitCode::Failure, "not wired"))
}
