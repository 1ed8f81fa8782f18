//! `lazaret generate`: man pages and shell completions, from the same definitions as the command line.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Subcommand};
use clap_complete::Shell;

use crate::args::Cli;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;

/// Arguments of `lazaret generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    command: GenerateCommand,
}

#[derive(Debug, Subcommand)]
enum GenerateCommand {
    /// Write one man page for each command into a folder
    Man {
        /// The folder; made if it is missing
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Write the completions of a shell to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Runs the command.
pub(crate) fn run(args: &GenerateArgs) -> Result<ExitCode, CommandError> {
    let mut command = Cli::command();
    match &args.command {
        GenerateCommand::Man { folder } => {
            command.build();
            fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder)).map_err(
                |error| {
                    CommandError::new(
                        ExitCode::Failure,
                        format!("cannot write man pages to `{}`", folder.display()),
                    )
                    .because(error)
                },
            )?;
        }
        GenerateCommand::Completions { shell } => {
            // The generator panics where it cannot write; memory always takes it.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command, "lazaret", &mut script);
            Output::open(None)?.write(|out| io::Write::write_all(out, &script))?;
        }
    }
    Ok(ExitCode::Success)
}
