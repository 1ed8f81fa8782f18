//! `lazaret key`: makes and shows the keys that people sign with, and those that open the vault.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use lazaret_seal::{PublicKey, SecretKey, TrustedKeys};
use lazaret_store::Identities;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key for signing, or for the vault
    ///
    /// Writes the secret key to the file, readable by its owner alone, and the public key beside it with `.pub` added.
    /// Keys for signing are PEM, as openssl reads them; keys for the vault are those of age. A file that is there is
    /// never overwritten.
    Create {
        /// What the key is for
        #[arg(long = "for", value_enum, value_name = "USE", default_value = "signing")]
        key_use: KeyUse,
        /// The file of the secret key
        #[arg(value_name = "FILE")]
        path: PathBuf,
    },
    /// Show the id of each public key in a file
    Show {
        /// A file of public keys
        #[arg(value_name = "FILE")]
        path: PathBuf,
    },
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyUse {
    /// To sign receipts, segments and entries of the ledger
    Signing,
    /// To open what the vault holds
    Vault,
}

/// Runs the command.
pub(crate) fn run(args: &KeyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        KeyCommand::Create { key_use: KeyUse::Signing, path } => create(path, global),
        KeyCommand::Create { key_use: KeyUse::Vault, path } => create_for_vault(path, global),
        KeyCommand::Show { path } => show(path),
    }
}

/// Reads a secret key.
pub(crate) fn read_secret(path: &Path) -> Result<SecretKey, CommandError> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read the key", path).because(error))?;
    SecretKey::parse_pem(&text).map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error)
            .hint(format!("`{}` must hold a secret key; `lazaret key create FILE` makes one", path.display()))
    })
}

/// Reads the public keys of several files.
pub(crate) fn read_trusted(paths: &[PathBuf]) -> Result<TrustedKeys, CommandError> {
    let mut text = String::new();
    for path in paths {
        let more = fs::read_to_string(path).map_err(|error| cannot("read the key", path).because(error))?;
        text.push_str(&more);
        text.push('\n');
    }
    TrustedKeys::parse_pem(&text).map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error)
            .hint("name the public keys, which `lazaret key create` wrote with `.pub` added")
    })
}

/// Reads one public key.
pub(crate) fn read_public(path: &Path) -> Result<PublicKey, CommandError> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read the key", path).because(error))?;
    PublicKey::parse_pem(&text).map_err(|error| {
        CommandError::from_error(ExitCode::Failure, error).hint(format!(
            "`{}` must hold one public key, which `lazaret key create` wrote with `.pub` added",
            path.display()
        ))
    })
}

fn create(path: &Path, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("the system gives no randomness: {error}"))
    })?;
    let key = SecretKey::from_seed(seed);
    let public_path = beside(path);
    let failed = |error| CommandError::from_error(ExitCode::Failure, error);
    // The public key first: a secret key without it could be made again, but not looked up.
    write_new(&public_path, 0o644, key.public().to_pem().map_err(failed)?.as_bytes())?;
    write_new(path, 0o600, key.to_pem().map_err(failed)?.as_bytes())?;
    if !global.quiet {
        let message = format!(
            "wrote the secret key `{}` and the public key `{}`; its id is {}",
            path.display(),
            public_path.display(),
            key.public().id()
        );
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn create_for_vault(path: &Path, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let identities = Identities::generate();
    let recipient = identities.recipients().to_text();
    let public_path = beside(path);
    write_new(&public_path, 0o644, recipient.as_bytes())?;
    write_new(path, 0o600, identities.to_text(global.now()).as_bytes())?;
    if !global.quiet {
        let message = format!(
            "wrote the secret key `{}` and the recipient `{}`: {}",
            path.display(),
            public_path.display(),
            recipient.trim_end()
        );
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

/// Returns where the public key of a secret one lies.
fn beside(path: &Path) -> PathBuf {
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    PathBuf::from(public_path)
}

fn show(path: &Path) -> Result<ExitCode, CommandError> {
    let trusted = read_trusted(&[path.to_owned()])?;
    let output = Output::open(None)?;
    output.write(|out| trusted.iter().try_for_each(|key| writeln!(out, "{}", key.id())))?;
    Ok(ExitCode::Success)
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), CommandError> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error: std::io::Error| {
        cannot("write the key", path).because(error).hint("name a file that is not there yet")
    })
}

fn cannot(what: &str, path: &Path) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("cannot {what} `{}`", path.display()))
}
