//! `lazaret motion`: what takes two people, and is carried out when another seconds it.

use clap::{Args, Subcommand};
use lazaret_pipeline::docket::{MotionSheet, motion_list};
use lazaret_store::{Act, Aggregate, Key, MotionId, Question};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, DocketFormat, StoreArgs, house_error, parse_number, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::plain;

/// Arguments of `lazaret motion`.
#[derive(Debug, Args)]
pub(crate) struct MotionArgs {
    #[command(subcommand)]
    command: MotionCommand,
}

#[derive(Debug, Subcommand)]
enum MotionCommand {
    /// List motions; those that wait for a second unless `--all` is given
    List {
        /// Those that were carried out or lapsed too
        #[arg(long)]
        all: bool,
        /// How to write the list
        #[arg(long, value_enum, default_value = "human")]
        format: DocketFormat,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Show what a motion would do
    Show {
        /// The motion, such as M3
        #[arg(value_name = "MOTION")]
        motion: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Second a motion, so that it is carried out
    Second {
        /// The motion, such as M3
        #[arg(value_name = "MOTION")]
        motion: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &MotionArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        MotionCommand::List { all, format, store } => list(*all, *format, store, global),
        MotionCommand::Show { motion, store } => show(motion_id(motion)?, store, global),
        MotionCommand::Second { motion, store, actor } => second(motion_id(motion)?, store, actor, global),
    }
}

/// Says what comes next when something was proposed that takes two.
pub(super) fn say_proposed(motion: MotionId, seconder: &str, global: &GlobalArgs) {
    if !global.quiet {
        let message = format!(
            "proposed {motion}; another {seconder} carries it out with `lazaret motion second {motion}`"
        );
        speech::note(&message, &Screen::stderr(global.color));
    }
}

fn motion_id(text: &str) -> Result<MotionId, CommandError> {
    parse_number('M', text).map(MotionId)
}

fn list(
    all: bool,
    format: DocketFormat,
    store: &StoreArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let mut list = block_on(async {
        let house = store.open().await?;
        motion_list(&house, global.now()).await.map_err(store_error)
    })?;
    list.motions.retain(|motion| all || motion.status == "open");
    Output::open(None)?.write(|out| match format {
        DocketFormat::Json => write_line(&list, out),
        DocketFormat::Human => list.motions.iter().try_for_each(|motion| {
            writeln!(
                out,
                "{:<6} {:<8} {} proposes: {}",
                motion.motion,
                motion.status,
                plain(&motion.proposer),
                plain(&motion.question)
            )
        }),
    })?;
    Ok(ExitCode::Success)
}

fn show(id: MotionId, store: &StoreArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let list = block_on(async {
        let house = store.open().await?;
        motion_list(&house, global.now()).await.map_err(store_error)
    })?;
    let Some(motion) = list.motions.into_iter().find(|motion| motion.motion == id.to_string()) else {
        return Err(no_such(id));
    };
    Output::open(None)?.write(|out| {
        let MotionSheet { motion, status, question, proposer, proposed, open_until, seconder } = &motion;
        writeln!(out, "{motion}: {status}")?;
        writeln!(out, "  {}", plain(question))?;
        writeln!(out, "  proposed by {} at {proposed}", plain(proposer))?;
        match seconder {
            Some(name) => writeln!(out, "  seconded by {}", plain(name)),
            None => writeln!(out, "  can be seconded until {open_until}"),
        }
    })?;
    Ok(ExitCode::Success)
}

fn second(
    id: MotionId,
    store: &StoreArgs,
    actor: &ActorArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    block_on(async {
        let house = store.open().await?;
        let actor = actor.enter(&house).await?;
        let Some(Aggregate::Motion(motion)) = house.store.get(Key::Motion(id)).await.map_err(store_error)?
        else {
            return Err(no_such(id));
        };
        if let Question::AdoptPolicy(basis) = &motion.question {
            house.check_basis(basis).await.map_err(house_error)?;
        }
        let act = Act::SecondMotion { motion: id };
        house.store.apply(&actor, act, global.now()).await.map_err(store_error)?;
        if let Question::Forget { .. } = motion.question {
            // What the engine still has of the erased values goes too.
            house.store.database().scrub().await.map_err(|error| {
                store_error(error.into())
                    .hint("the names are erased; traces stay in the database's own files")
            })?;
        }
        Ok(())
    })?;
    if !global.quiet {
        speech::note(&format!("seconded {id}: it is carried out"), &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn no_such(id: MotionId) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("there is no motion {id}"))
        .hint("`lazaret motion list --all` lists them")
}
