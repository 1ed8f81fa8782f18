//! How a chore runs other programs: from the root of the workspace, in plain sight, stopping at nothing it was told to finish.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// What `cargo xtask` says of itself to the programs it starts. Some build scripts (`ring`'s) are run again when one of
/// these changes, so that a `cargo` that inherits them compiles all that rests on them anew, and the next one without
/// them once more.
const OF_XTASK: [&str; 6] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Returns a program to start without what `cargo xtask` says of itself.
pub(crate) fn program(program: &str) -> Command {
    let mut command = Command::new(program);
    OF_XTASK.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Runs a program from the root of the workspace, showing the command line and everything the program prints.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<()> {
    run_with(program, args, &[])
}

/// Like [`run`], with environment variables added.
pub(crate) fn run_with(program: &str, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    eprintln!("$ {program} {}", args.join(" "));
    let mut command = self::program(program);
    command.args(args).envs(env.iter().copied()).current_dir(root()).stdin(Stdio::null());
    let status = command.status().with_context(|| format!("`{program}` could not be started"))?;
    if !status.success() {
        bail!("`{program} {}` failed ({status})", args.join(" "));
    }
    Ok(())
}

/// Runs a program in silence, and returns what it printed.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{program}` could not be started"))?;
    if !output.status.success() {
        bail!("`{program} {}` failed ({})", args.join(" "), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` printed something else than text"))
}

/// Whether a program is there and answers to `--version`, or to the arguments given.
pub(crate) fn is_present(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What went wrong in a row of steps that are all carried out, whatever becomes of the others.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    said: Vec<String>,
}

impl Failures {
    /// Notes the failure of a step, if it failed, and says it at once.
    pub(crate) fn note(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            eprintln!("error: {error:#}");
            self.said.push(format!("{error:#}"));
        }
    }

    /// Returns an error that repeats what failed, if anything did.
    pub(crate) fn finish(self) -> Result<()> {
        match self.said.as_slice() {
            [] => Ok(()),
            said => bail!("not everything held:\n  {}", said.join("\n  ")),
        }
    }
}
