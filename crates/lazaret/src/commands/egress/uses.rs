//! `lazaret egress uses`: records in the store how often exemptions were used, by the records of decisions.

use std::path::PathBuf;

use clap::Args;
use lazaret_pipeline::egress::{LogError, decided_uses, record_uses};

use super::reading::{is_unread_record, log_hint, logs, warn_of_unread_record};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, store_error};
use crate::output::Output;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::text::count;

/// Arguments of `lazaret egress uses`.
#[derive(Debug, Args)]
pub(crate) struct UsesArgs {
    /// The records of decisions, as `egress serve --record` and `egress squid-helper --record` write them; all of one
    /// time together
    #[arg(required = true, value_name = "RECORD")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Runs the command.
pub(crate) fn run(args: &UsesArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let decided = decided_uses(&mut logs(&args.records, None)?).map_err(log_error)?;
    let recorded = block_on(async {
        let house = args.store.open().await?;
        let actor = args.actor.enter(&house).await?;
        record_uses(&house, &actor, &decided, global.now()).await.map_err(store_error)
    })?;
    Output::open(None)?.write(|out| {
        recorded.iter().try_for_each(|one| {
            let uses = count(one.uses, "use", "uses");
            match &one.outcome {
                Ok(entry) => writeln!(out, "{}: {uses} recorded by entry {entry}", one.exemption),
                Err(why) => writeln!(out, "{}: {uses} not recorded: {why}", one.exemption),
            }
        })
    })?;
    let screen = Screen::stderr(global.color);
    let unread: Vec<_> = decided.records.iter().filter(|record| is_unread_record(record)).collect();
    unread.iter().filter(|_| !global.quiet).for_each(|record| warn_of_unread_record(record, &screen));
    let is_whole = unread.is_empty() && recorded.iter().all(|one| one.outcome.is_ok());
    Ok(if is_whole { ExitCode::Success } else { ExitCode::Failure })
}

fn log_error(error: LogError) -> CommandError {
    let hint = log_hint(&error);
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
