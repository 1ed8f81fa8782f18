//! `lazaret blame`: who wrote each line of a file, in the shape of `git blame`, with verdict and tool.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// Arguments of `lazaret blame`.
#[derive(Debug, Args)]
pub(crate) struct BlameArgs {
    /// The file; the repository is the one it lies in
    file: PathBuf,
    /// The revision whose lines to show
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write the lines
    #[arg(long, value_enum, default_value = "human")]
    format: BlameFormat,
}

/// How to write the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BlameFormat {
    /// For people, in the shape of `git blame`
    Human,
    /// One line of JSON
    Json,
}

/// Runs the command.
pub(crate) fn run(_args: &BlameArgs, _global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    Err(CommandError::new(ExitCode::Failure, "not wired"))
}
