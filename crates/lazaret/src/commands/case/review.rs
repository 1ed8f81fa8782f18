//! `lazaret case review`: a person works through the cases on a screen, by keys.
//!
//! `state.rs` is what is known, `update.rs` what a key changes of it, `draw.rs` what is seen of it; `effects.rs` alone
//! reads and acts, through the workflows.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, stdin, stdout};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use clap::Args;
use lazaret_pipeline::docket::QueueFilter;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::hold::{read_identities, vault_of};
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::house::{ActorArgs, StoreArgs};
use crate::runtime::block_on;
use crate::screen::Screen;

mod document;
mod draw;
mod effects;
mod inert;
mod keys;
mod layout;
mod prompt;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod update;

use effects::Hands;
use state::{Effect, Event, State};
use terminal::Seen;
use update::update;

/// How long a key is waited for before it is looked whether something else has come.
const WAIT: Duration = Duration::from_millis(100);

/// Who reviews, and with what.
#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// The file of the secret key that opens the vault; without it sealed text stays closed
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    history: HistoryArgs,
}

/// Runs the command.
pub(super) fn run(args: &ReviewArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(CommandError::new(
            ExitCode::Usage,
            "a review needs a terminal to read keys from and to draw on",
        )
        .hint("in scripts, `lazaret case list`, `case show` and `case propose` do the same"));
    }
    let identities = args.identity.as_deref().map(read_identities).transpose()?;
    let color = Screen::stdout(global.color).color;
    block_on(async {
        let house = args.store.open().await?;
        let actor = args.actor.enter(&house).await?;
        let vault = vault_of(&house)?;
        let mut state = State::new(args.actor.name()?.trim().to_owned(), identities.is_some());
        let (later, answers) = channel();
        let hands = Hands {
            house,
            actor,
            vault,
            identities,
            global,
            cache_dir: args.history.cache_dir(),
            n_threads: args.history.n_threads(),
            later,
        };
        let mut seen = Seen::enter().map_err(broken)?;
        let ended = work(&mut state, &hands, &mut seen, &answers, color).await;
        drop(seen);
        ended.map_err(broken)
    })?;
    Ok(ExitCode::Success)
}

async fn work(
    state: &mut State,
    hands: &Hands<'_>,
    seen: &mut Seen,
    answers: &Receiver<Event>,
    color: bool,
) -> std::io::Result<()> {
    let mut events = VecDeque::from([seen.size()?]);
    let mut effects = VecDeque::from([Effect::ReadQueue(QueueFilter::default())]);
    loop {
        while let Some(event) = events.pop_front() {
            effects.extend(update(state, event));
        }
        while let Some(effect) = effects.pop_front() {
            if effect == Effect::Quit {
                return Ok(());
            }
            if let Some(event) = hands.perform(effect).await {
                effects.extend(update(state, event));
            }
        }
        seen.draw(|frame| draw::draw(frame, state, color))?;
        while events.is_empty() {
            events.extend(answers.try_recv().ok());
            events.extend(seen.wait(if events.is_empty() { WAIT } else { Duration::ZERO })?);
        }
    }
}

fn broken(error: std::io::Error) -> CommandError {
    CommandError::new(ExitCode::Failure, "the terminal cannot be used").because(error)
}
