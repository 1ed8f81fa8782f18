//! Proofs that people bring to a command: where they lie, and whose signatures are looked at.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use lazaret_pipeline::brought::{Brought, BroughtError, DatedSet};

use crate::command_error::CommandError;
use crate::commands::key::read_trusted;
use crate::exit::ExitCode;

/// A list of signers or a keyring is no longer than this.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// Options of commands that take proofs.
#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    /// A statement that an author or an approved tool signed, as `lazaret attest` writes it; may be given more than once
    #[arg(long = "statement", value_name = "FILE", requires = "statement_keys", help_heading = "Proofs")]
    statements: Vec<PathBuf>,
    /// Public keys that the statements were signed with; the policy says whose word counts
    #[arg(long = "statement-key", value_name = "FILE", help_heading = "Proofs")]
    statement_keys: Vec<PathBuf>,
    /// Whose SSH key is whose, in SSH's format of allowed signers
    #[arg(long, value_name = "FILE", help_heading = "Proofs")]
    allowed_signers: Option<PathBuf>,
    /// Public OpenPGP keys, as `gpg --export --armor` writes them; may be given more than once
    #[arg(long = "keyring", value_name = "FILE", help_heading = "Proofs")]
    keyrings: Vec<PathBuf>,
    /// The manifest of a set of dated hashes; may be given more than once
    #[arg(long = "dated-set", value_name = "FILE", help_heading = "Proofs")]
    dated_sets: Vec<PathBuf>,
}

impl ProofArgs {
    /// Reads what was brought; `None` where nothing was.
    pub(crate) fn read(&self) -> Result<Option<Brought>, CommandError> {
        let mut brought = Brought::default();
        if !self.statements.is_empty() {
            let trusted = read_trusted(&self.statement_keys)?;
            for path in &self.statements {
                let bytes = read(path)?;
                brought.add_statement(path.clone(), &bytes, &trusted).map_err(refused)?;
            }
        }
        if let Some(path) = &self.allowed_signers {
            brought.set_signers(path.clone(), &read_text(path)?).map_err(refused)?;
        }
        for path in &self.keyrings {
            brought.add_keyring(path.clone(), &read_text(path)?).map_err(refused)?;
        }
        for path in &self.dated_sets {
            brought.add_set(DatedSet::open(path).map_err(|error| refused(error.into()))?);
        }
        let is_any = brought.digests().next().is_some();
        Ok(is_any.then_some(brought))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let cannot = || CommandError::new(ExitCode::Failure, format!("cannot read `{}`", path.display()));
    let length = fs::metadata(path).map_err(|error| cannot().because(error))?.len();
    if length > TEXT_BYTES_MAX {
        return Err(cannot().hint(format!("it has {length} bytes, {TEXT_BYTES_MAX} is the limit")));
    }
    fs::read(path).map_err(|error| cannot().because(error))
}

fn read_text(path: &Path) -> Result<String, CommandError> {
    String::from_utf8(read(path)?).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("`{}` is no text", path.display())).because(error)
    })
}

fn refused(error: BroughtError) -> CommandError {
    CommandError::from_error(ExitCode::Failure, error)
        .hint("mend it or leave it out; docs/proofs tells what each kind of proof must be")
}
