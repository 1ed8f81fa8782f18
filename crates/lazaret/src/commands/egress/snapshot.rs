//! `lazaret egress snapshot`: policy, catalog and exemptions in one file.

use std::path::PathBuf;

use clap::Args;

use super::deciding::{DecidingArgs, snapshot_error};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::runtime::block_on;

/// Arguments of `lazaret egress snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    /// The file; it is replaced at once when the new one is whole
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    deciding: DecidingArgs,
}

/// Runs the command.
pub(crate) fn run(args: &SnapshotArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let deciding = block_on(args.deciding.open(now))?;
    deciding.decider.snapshot(now).write(&args.out).map_err(snapshot_error)?;
    Ok(ExitCode::Success)
}
