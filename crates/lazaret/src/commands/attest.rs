//! `lazaret attest`: signs what an author says of contents, and what an in-house tool wrote.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lazaret_core::{Coverage, ModelId, ProviderId, ToolId};
use lazaret_pipeline::brought::{SPAN_TOKENS_MIN, subject_of, subject_of_lines};
use lazaret_seal::{AuthorWord, Envelope, Predicate, STATEMENT_PAYLOAD, Statement, Subject, ToolRecord};

use super::key::read_secret;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;

/// Arguments of `lazaret attest`.
#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(subcommand)]
    command: AttestCommand,
}

#[derive(Debug, Subcommand)]
enum AttestCommand {
    /// Say that you wrote files without any AI tool
    ///
    /// The statement names the files by their digests, so it holds for these bytes wherever they lie, and for no others.
    Author {
        /// Your name, for those who read it
        #[arg(long, value_name = "NAME")]
        person: String,
        /// Speak of this tool only; may be given more than once
        #[arg(long = "without-tool", value_name = "ID")]
        tools: Vec<ToolId>,
        /// Speak of this provider's tools and models only; may be given more than once
        #[arg(long = "without-provider", value_name = "ID")]
        providers: Vec<ProviderId>,
        #[command(flatten)]
        signing: SigningArgs,
    },
    /// Record that an in-house tool wrote files, or lines of a file
    Tool {
        /// The tool
        #[arg(long, value_name = "ID")]
        tool: ToolId,
        /// Its version
        #[arg(long, value_name = "VERSION")]
        tool_version: String,
        /// The model that it ran
        #[arg(long, value_name = "ID")]
        model: Option<ModelId>,
        /// Only these lines of the one file, first and last
        #[arg(long, value_name = "FROM-TO", value_parser = lines)]
        lines: Option<(u32, u32)>,
        #[command(flatten)]
        signing: SigningArgs,
    },
}

/// What is signed, and with what.
#[derive(Debug, Args)]
struct SigningArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The secret key, as `lazaret key create` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &AttestArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let time = global.now();
    match &args.command {
        AttestCommand::Author { person, tools, providers, signing } => {
            let written_without = if tools.is_empty() && providers.is_empty() {
                Coverage::Any
            } else {
                Coverage::Named { tools: tools.clone(), providers: providers.clone() }
            };
            let predicate = AuthorWord { person: person.clone(), written_without, time };
            sign(Statement { subject: whole(&signing.files)?, predicate }, signing)
        }
        AttestCommand::Tool { tool, tool_version, model, lines, signing } => {
            let (tool, version, model) = (tool.clone(), tool_version.clone(), model.clone());
            let subject = match lines {
                None => whole(&signing.files)?,
                Some(lines) => vec![part(&signing.files, *lines)?],
            };
            sign(Statement { subject, predicate: ToolRecord { tool, version, model, time } }, signing)
        }
    }
}

fn whole(files: &[PathBuf]) -> Result<Vec<Subject>, CommandError> {
    files.iter().map(|path| Ok(subject_of(name_of(path), &read(path)?))).collect()
}

fn part(files: &[PathBuf], (from, to): (u32, u32)) -> Result<Subject, CommandError> {
    let [path] = files else {
        return Err(CommandError::new(ExitCode::Usage, "`--lines` speaks of one file").hint("name one file"));
    };
    subject_of_lines(name_of(path), &read(path)?, from, to).ok_or_else(|| {
        let message =
            format!("lines {from} to {to} of `{}` cannot be recorded by themselves", path.display());
        CommandError::new(ExitCode::Usage, message).hint(format!(
            "name lines that the file has, with at least {SPAN_TOKENS_MIN} tokens; fewer stand everywhere"
        ))
    })
}

/// The name tells people which file was meant; the digest is what counts.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read `{}`", path.display())).because(error)
    })
}

fn sign<P: Predicate>(statement: Statement<P>, signing: &SigningArgs) -> Result<ExitCode, CommandError> {
    let key = read_secret(&signing.key)?;
    let envelope = Envelope::sign(STATEMENT_PAYLOAD, statement.to_json(), &key);
    Output::open(signing.output.as_deref())?.write(|out| out.write_all(&envelope.to_json()))?;
    Ok(ExitCode::Success)
}

fn lines(text: &str) -> Result<(u32, u32), String> {
    let (from, to) = text.split_once('-').ok_or("write the first line and the last, as in 12-30")?;
    let number = |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    let (from, to) = (number(from)?, number(to)?);
    if from == 0 || to < from {
        Err("lines count from 1, the first before the last".to_owned())
    } else {
        Ok((from, to))
    }
}
