//! Held bytes on their way out of the vault: read for a purpose, or given back.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_store::{Identities, ReadPurpose};

use super::{by, find_content, quarantine_error, read_text, vault_of};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs};
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret hold read`.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// The content, or enough of its digest to tell it from others
    #[arg(value_name = "CONTENT")]
    content: String,
    /// What for
    #[arg(long, value_enum)]
    purpose: Purpose,
    /// The file of the secret key that opens the vault
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Arguments of `lazaret release`.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// The content, or enough of its digest to tell it from others
    #[arg(value_name = "CONTENT")]
    content: String,
    /// The file to write; it must not be there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The file of the secret key that opens the vault
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Why somebody reads sealed content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// To review its case
    Review,
    /// To put it back
    Restore,
    /// To check what others did
    Audit,
    /// To meet a legal duty
    Legal,
}

impl From<Purpose> for ReadPurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Review => Self::Review,
            Purpose::Restore => Self::Restore,
            Purpose::Audit => Self::Audit,
            Purpose::Legal => Self::Legal,
        }
    }
}

/// Writes a sealed content to standard output as it is: whoever shows it on a terminal pipes it through a pager.
pub(super) fn read(args: &ReadArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let identities = read_identities(&args.identity)?;
    block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let content = find_content(&house, &args.content).await?;
        let mut out = tokio::io::stdout();
        let quarantine = by(&house, &vault, &actor, global);
        quarantine
            .read(content, args.purpose.into(), &identities, &mut out)
            .await
            .map_err(quarantine_error)?;
        Ok(ExitCode::Success)
    })
}

/// Gives back a content whose case was decided so.
pub(crate) fn release(args: &ReleaseArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let identities = read_identities(&args.identity)?;
    if args.to.symlink_metadata().is_ok() {
        let message = format!("`{}` is there already; nothing is written over", args.to.display());
        return Err(CommandError::new(ExitCode::Usage, message).hint("name another file"));
    }
    block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let content = find_content(&house, &args.content).await?;
        let quarantine = by(&house, &vault, &actor, global);
        let bytes = quarantine.give_back(content, &identities, &args.to).await.map_err(quarantine_error)?;
        if !global.quiet {
            let message = format!("gave back {content}: {bytes} bytes in `{}`", args.to.display());
            speech::note(&message, &Screen::stderr(global.color));
        }
        Ok(ExitCode::Success)
    })
}

/// Reads the secret key that opens the vault.
pub(crate) fn read_identities(path: &std::path::Path) -> Result<Identities, CommandError> {
    Identities::parse(&read_text(path, "key of the vault")?).map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error).hint(format!(
            "`{}` must hold an age identity; `lazaret key create --for vault` makes one",
            path.display()
        ))
    })
}
