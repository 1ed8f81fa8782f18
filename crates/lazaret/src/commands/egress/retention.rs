//! `lazaret egress retention`: for how long findings are kept, and the deletion of those whose time is over.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use lazaret_pipeline::egress::{RetentionSheet, delete_overdue, retention_sheet};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, DocketFormat, StoreArgs, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::text::count;

/// Arguments of `lazaret egress retention`.
#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    #[command(subcommand)]
    command: RetentionCommand,
}

#[derive(Debug, Subcommand)]
enum RetentionCommand {
    /// Say how many findings are kept, for how long, and how many are over
    Show {
        /// How to write it
        #[arg(long, value_enum, default_value = "human")]
        format: DocketFormat,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Delete the findings that are over by the store's policy, so that nothing of them is left but their number
    ///
    /// An entry of the ledger says how many of which class went, of which days and by which rule; `lazaret ledger verify`
    /// holds the database against it. Run it daily. Backups are not reached.
    Apply {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &RetentionArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        RetentionCommand::Show { format, store } => show(*format, store, global),
        RetentionCommand::Apply { store, actor } => apply(store, actor, global),
    }
}

fn show(format: DocketFormat, store: &StoreArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let sheet = block_on(async {
        let house = store.open().await?;
        retention_sheet(&house, global.now()).await.map_err(store_error)
    })?;
    Output::open(None)?.write(|out| match format {
        DocketFormat::Json => write_line(&sheet, out),
        DocketFormat::Human => write_sheet(&sheet, out),
    })?;
    Ok(ExitCode::Success)
}

fn apply(store: &StoreArgs, actor: &ActorArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let deletion = block_on(async {
        let house = store.open().await?;
        let actor = actor.enter(&house).await?;
        delete_overdue(&house, &actor, global.now()).await.map_err(store_error)
    })?;
    Output::open(None)?.write(|out| {
        let Some((done, deleted)) = &deletion.done else {
            return writeln!(out, "no finding's time is over");
        };
        for one in deleted {
            writeln!(
                out,
                "deleted {} of the class `{}` from before {}, which are kept for {}; entry {}",
                count(one.findings, "finding", "findings"),
                one.class,
                one.before,
                count(u64::from(one.days), "day", "days"),
                done.seq
            )?;
        }
        Ok(())
    })?;
    deletion.scrubbed.map_err(|error| {
        store_error(error.into()).hint(
            "what was to be deleted is deleted; traces stay in the database's own files: run the command again",
        )
    })?;
    Ok(ExitCode::Success)
}

fn write_sheet(sheet: &RetentionSheet, out: &mut dyn Write) -> io::Result<()> {
    for one in &sheet.classes {
        writeln!(
            out,
            "{:<5}  kept for {}, from {} on: {}, {} over",
            one.class,
            count(u64::from(one.days), "day", "days"),
            one.kept_from,
            count(one.findings, "finding", "findings"),
            one.over
        )?;
    }
    Ok(())
}
