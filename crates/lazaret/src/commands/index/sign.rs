//! `lazaret index sign`: signs segments, and what other commands have just written.

use std::path::{Path, PathBuf};

use clap::Args;
use lazaret_pipeline::known::{
    SegmentSigning, SignatureError, Signing, sign_segment, sign_segments, signature_path,
};
use lazaret_seal::SecretKey;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_secret;
use crate::exit::ExitCode;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain};

use super::{FolderArgs, known_error, say};

/// By which key what is written is signed.
#[derive(Debug, Args)]
pub(crate) struct SigningArgs {
    /// Sign what is written with this secret key, as `lazaret key create` made it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl SigningArgs {
    /// Reads the key, which is to be done before any work: what cannot be signed need not be written.
    pub(crate) fn read(&self) -> Result<Option<SecretKey>, CommandError> {
        self.key.as_deref().map(read_secret).transpose()
    }
}

/// Signs every segment of an index; one that cannot be signed keeps none of the others from it.
pub(super) fn run(key: &Path, folder: &FolderArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let key = read_secret(key)?;
    let screen = Screen::stderr(global.color);
    let mut exit = ExitCode::Success;
    for SegmentSigning { path, outcome } in sign_segments(&folder.folder, &key).map_err(known_error)? {
        match outcome {
            Ok(signing) => tell(&path, signing, &key, global)?,
            Err(error) => {
                let error = signature_error(error);
                exit = exit.and(error.exit());
                speech::error(&error, &screen);
            }
        }
    }
    Ok(exit)
}

/// Signs a segment that was just written.
pub(super) fn sign(path: &Path, key: &SecretKey, global: &GlobalArgs) -> Result<(), CommandError> {
    tell(path, sign_segment(path, key).map_err(signature_error)?, key, global)
}

fn tell(path: &Path, signing: Signing, key: &SecretKey, global: &GlobalArgs) -> Result<(), CommandError> {
    let signature = signature_path(path);
    let (signature, id) = (plain(&signature.display().to_string()).into_owned(), key.public().id());
    let line = match signing {
        Signing::Signed { n_others: 0 } => format!("signed {signature} with the key {id}"),
        Signing::Signed { n_others } => {
            let others = count(n_others as u64, "other", "others");
            format!("signed {signature} with the key {id}, beside {others}")
        }
        Signing::SignedBefore => format!("{signature} bears the signature of the key {id} already"),
    };
    say(&line, global).map(drop)
}

fn signature_error(error: SignatureError) -> CommandError {
    let hint = match error {
        SignatureError::Known(error) => return known_error(error),
        SignatureError::Read { .. } => "the file must be readable by whoever signs",
        SignatureError::Write { .. } => "name a folder that can be written to, with room for the signature",
        SignatureError::TooLong { .. }
        | SignatureError::Envelope { .. }
        | SignatureError::Statement { .. }
        | SignatureError::AnotherFile { .. }
        | SignatureError::Account { .. } => {
            "nothing was signed; move that file away and sign again, or fetch it again from whoever signed"
        }
    };
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
