//! `--keep`: records what a look at logs showed in the store.

use clap::Args;
use lazaret_core::Digest;
use lazaret_pipeline::egress::{Keepable, keep};
use lazaret_pipeline::house::House;
use lazaret_store::Actor;

use super::deciding::DecidingArgs;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, store_error};
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::count;

/// Whether to record what was found, and who does.
#[derive(Debug, Args)]
pub(super) struct KeepingArgs {
    /// Record what was found in the store, each finding once; takes `--pseudonym-key`, and a steward's name and key
    #[arg(long, requires = "pseudonym_key", help_heading = "Store")]
    keep: bool,
    #[command(flatten)]
    actor: ActorArgs,
}

impl KeepingArgs {
    /// Says before anything is read what would keep it from being recorded.
    pub(super) fn check(&self, deciding: &DecidingArgs, policy: Digest) -> Result<(), CommandError> {
        if !self.keep {
            return Ok(());
        }
        block_on(async { self.enter(deciding, policy).await.map(drop) })
    }

    /// Records what was found, where that was asked for, and says what became of it.
    pub(super) fn keep(
        &self,
        deciding: &DecidingArgs,
        policy: Digest,
        found: &Keepable,
        global: &GlobalArgs,
    ) -> Result<(), CommandError> {
        if !self.keep {
            return Ok(());
        }
        let recorded = block_on(async {
            let (house, actor) = self.enter(deciding, policy).await?;
            keep(&house, &actor, found, global.now()).await.map_err(store_error)
        })?;
        if !global.quiet {
            let mut text = format!("recorded {}", count(recorded.new, "finding", "findings"));
            let others = [
                (recorded.more, "tell more than before"),
                (recorded.known, "recorded before"),
                (recorded.over, "too old to be kept"),
            ];
            for (number, what) in others.iter().filter(|(number, _)| *number > 0) {
                text += &format!("; {number} {what}");
            }
            speech::note(&text, &Screen::stderr(global.color));
        }
        Ok(())
    }

    /// What is recorded was judged by the policy that the store works under, or its entry would say what is not so.
    async fn enter(&self, deciding: &DecidingArgs, policy: Digest) -> Result<(House, Actor), CommandError> {
        let house = deciding.store().open().await?;
        let actor = self.actor.enter(&house).await?;
        if house.charter.basis.policy != policy {
            return Err(CommandError::new(
                ExitCode::Usage,
                "the store works under another policy than was given",
            )
            .hint("leave `--policy` out, so that the store's own decides what is found"));
        }
        Ok((house, actor))
    }
}
