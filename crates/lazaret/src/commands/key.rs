//! `lazaret key`: makes and shows the keys by which receipts and segments are signed.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lazaret_seal::{SecretKey, TrustedKeys};

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
    /// Make a key for signing receipts and segments
    ///
    /// Writes the secret key to the file, readable by its owner alone, and the public key beside it with `.pub` added.
    /// Both are PEM, as openssl reads them. A file that is there is never overwritten.
    Create {
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

/// Runs the command.
pub(crate) fn run(args: &KeyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        KeyCommand::Create { path } => create(path, global),
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

fn create(path: &Path, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("the system gives no randomness: {error}"))
    })?;
    let key = SecretKey::from_seed(seed);
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
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
