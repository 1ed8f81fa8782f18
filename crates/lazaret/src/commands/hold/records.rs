//! `lazaret hold gated` and `hold shard`: what a gate held, and whole shards.

use std::path::PathBuf;

use clap::Args;
use lazaret_core::Verdict;
use lazaret_pipeline::gate::HeldRun;
use lazaret_pipeline::quarantine::{HoldRecordsError, HoldReport, WholeShard};

use super::{by, finish, quarantine_error, vault_of};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::gate::admission::ReportFormat;
use crate::commands::gate::input::place;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, house_error};
use crate::progress::Progress;
use crate::rulebook::Rulebook;
use crate::runtime::block_on;
use crate::screen::Screen;

/// Arguments of `lazaret hold gated`.
#[derive(Debug, Args)]
pub(super) struct GatedArgs {
    /// Where the gate wrote: a folder, or an s3://, gs:// or az:// address
    #[arg(value_name = "OUT")]
    out: String,
    /// Hold suspect records as well
    #[arg(long)]
    suspect: bool,
    /// Hold everything that was not admitted, also what is only unproven
    #[arg(long, conflicts_with = "suspect")]
    all: bool,
    /// How to write what was done
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `lazaret hold shard`.
#[derive(Debug, Args)]
pub(super) struct ShardArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The data set that they are of
    #[arg(long, value_name = "NAME")]
    dataset: String,
    /// How to write what was done
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Holds what a gate held.
pub(super) fn gated(args: &GatedArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    let failed = |error| CommandError::from_error(ExitCode::Failure, error);
    let run = HeldRun::open(&place(&args.out)?).map_err(|error| {
        failed(error).hint("name the folder that `lazaret gate` or `lazaret export` wrote with `--out`")
    })?;
    let worst = match (args.all, args.suspect) {
        (true, _) => Verdict::Clean,
        (false, true) => Verdict::Suspect,
        (false, false) => Verdict::Tainted,
    };
    let report = block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let progress = Progress::start("holding", &screen, global.quiet);
        let held = by(&house, &vault, &actor, global).hold_records(&run, worst).await;
        drop(progress);
        held.map_err(|error| match error {
            HoldRecordsError::Quarantine(error) => quarantine_error(error),
            HoldRecordsError::Read(error) => failed(error),
        })
    })?;
    finish(&report, args.format, &screen)
}

/// Holds files whole.
pub(super) fn shards(args: &ShardArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    let report = block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let policy = house.document(house.charter.basis.policy).await.map_err(house_error)?;
        let catalog = Rulebook::parse(&policy, "the store's policy")?.rules.catalog_digest();
        let quarantine = by(&house, &vault, &actor, global);
        let mut all = HoldReport::default();
        for path in &args.files {
            let progress = Progress::start(&format!("holding {}", path.display()), &screen, global.quiet);
            let shard = WholeShard { path: path.clone(), dataset: args.dataset.clone() };
            let report = quarantine.hold_shard(&shard, catalog).await;
            drop(progress);
            all.add(report.map_err(quarantine_error)?);
        }
        Ok(all)
    })?;
    finish(&report, args.format, &screen)
}
