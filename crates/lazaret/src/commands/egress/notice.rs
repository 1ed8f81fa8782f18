//! `lazaret egress notice`: the notice to people whose calls are looked at, from the policy that is in force.

use std::path::PathBuf;

use clap::Args;
use lazaret_pipeline::egress::notice;

use super::deciding::DecidingArgs;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::runtime::block_on;

/// Arguments of `lazaret egress notice`.
#[derive(Debug, Args)]
pub(crate) struct NoticeArgs {
    /// Where to write it instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    deciding: DecidingArgs,
}

/// Runs the command.
pub(crate) fn run(args: &NoticeArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let (rulebook, _) = block_on(args.deciding.open_for_logs(now))?;
    let text = notice(&rulebook.rules, &rulebook.catalog, now);
    Output::open(args.out.as_deref())?.write(|out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::Success)
}
