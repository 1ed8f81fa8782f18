//! `lazaret egress`: calls to services, and what is decided about them.

use clap::{Args, Subcommand};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;

mod scan;

/// Arguments of `lazaret egress`.
#[derive(Debug, Args)]
pub(crate) struct EgressArgs {
    #[command(subcommand)]
    command: EgressCommand,
}

#[derive(Debug, Subcommand)]
enum EgressCommand {
    /// Say what logs of network equipment show about calls to banned services
    ///
    /// Reads logs of proxies, resolvers and sensors. Only what matches the catalog is told; the rest is counted and
    /// forgotten. Callers are never named.
    Scan(Box<scan::ScanArgs>),
}

/// Runs the command.
pub(crate) fn run(args: &EgressArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        EgressCommand::Scan(args) => scan::run(args, global),
    }
}
