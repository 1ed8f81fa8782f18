//! `lazaret egress reveal`: who is behind a pseudonym, once two people agreed that it be told.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::{Args, Subcommand};
use lazaret_evidence::traffic::Caller;
use lazaret_pipeline::egress::{LogError, reveal};
use lazaret_store::{Act, Aggregate, Key, MotionId, Question};

use super::reading::{LogFormatArgs, is_unread, log_hint, logs, period_keys, warn_of_unread};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::motion::say_proposed;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, parse_number, store_error};
use crate::output::Output;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::plain_line;

/// Arguments of `lazaret egress reveal`.
#[derive(Debug, Args)]
pub(crate) struct RevealArgs {
    #[command(subcommand)]
    command: RevealCommand,
}

#[derive(Debug, Subcommand)]
enum RevealCommand {
    /// Ask that whoever is behind a pseudonym be named; another has to second it
    Ask {
        /// The pseudonym, as a report has it
        #[arg(value_name = "PSEUDONYM")]
        pseudonym: String,
        /// Why; it is kept, and the other reads it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
    /// Say who is behind a pseudonym, to one of the two who agreed to that
    Show(ShowArgs),
}

/// Arguments of `lazaret egress reveal show`.
#[derive(Debug, Args)]
struct ShowArgs {
    /// The motion, such as M3
    #[arg(value_name = "MOTION")]
    motion: String,
    /// The logs that the report was made of, compressed or not
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// The file of 32 secret bytes that the report was made with
    #[arg(long, value_name = "FILE")]
    pseudonym_key: PathBuf,
    #[command(flatten)]
    log_format: LogFormatArgs,
    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Runs the command.
pub(crate) fn run(args: &RevealArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        RevealCommand::Ask { pseudonym, reason, store, actor } => {
            ask(pseudonym, reason, store, actor, global)
        }
        RevealCommand::Show(args) => show(args, global),
    }
}

fn ask(
    pseudonym: &str,
    reason: &str,
    store: &StoreArgs,
    actor: &ActorArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    if reason.trim().is_empty() {
        return Err(
            CommandError::new(ExitCode::Usage, "the reason is empty").hint("say why a name is needed")
        );
    }
    let motion = block_on(async {
        let house = store.open().await?;
        let actor = actor.enter(&house).await?;
        let reason = house.store.keep_remark(reason.trim()).await.map_err(store_error)?;
        let question = Question::RevealCaller { pseudonym: pseudonym.to_owned(), reason };
        let act = Act::ProposeMotion { question, remark: None };
        let done = house.store.apply(&actor, act, global.now()).await.map_err(store_error)?;
        Ok(MotionId(done.seq))
    })?;
    say_proposed(motion, "manager or admin", global);
    Ok(ExitCode::Success)
}

fn show(args: &ShowArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let id = parse_number('M', &args.motion).map(MotionId)?;
    let pseudonym = block_on(async {
        let house = args.store.open().await?;
        let actor = args.actor.enter(&house).await?;
        let row = house.store.get(Key::Motion(id)).await.map_err(store_error)?;
        let Some(Aggregate::Motion(motion)) = row else {
            return Err(CommandError::new(ExitCode::Failure, format!("there is no motion {id}"))
                .hint("`lazaret motion list --all` lists them"));
        };
        let revealed = motion.reveals(actor.person, global.now());
        revealed.map(str::to_owned).ok_or_else(|| {
            CommandError::new(ExitCode::Denied, format!("{id} reveals nobody to you"))
                .hint("a name is told to the two who agreed, for seven days after the second did; `lazaret motion show` tells how it stands")
        })
    })?;
    let keys = period_keys(&args.pseudonym_key)?;
    let format = args.log_format.read()?;
    let screen = Screen::stderr(global.color);
    let n_threads =
        args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut logs = logs(&args.logs, format.as_ref())?;
    let revealed = reveal(&mut logs, &keys, &pseudonym, n_threads, &mut |_, _| {}).map_err(log_error)?;
    Output::open(None)?.write(|out| {
        revealed.callers.iter().try_for_each(|caller| writeln!(out, "{} {}", caller.kind(), name(caller)))
    })?;
    if !global.quiet {
        revealed.inputs.iter().for_each(|input| warn_of_unread(input, &screen));
    }
    if !revealed.callers.is_empty() {
        return Ok(ExitCode::Success);
    }
    let error = CommandError::new(ExitCode::NothingExamined, format!("nobody in these logs is {pseudonym}"));
    speech::error(&error.hint("name the logs and the key that the report was made of"), &screen);
    Ok(if revealed.inputs.iter().any(is_unread) { ExitCode::Failure } else { ExitCode::NothingExamined })
}

fn name(caller: &Caller) -> String {
    plain_line(&String::from_utf8_lossy(&caller.bytes()))
}

fn log_error(error: LogError) -> CommandError {
    let hint = log_hint(&error);
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
