//! `cargo xtask bench command`: what any program costs.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::measure::{Stdout, measure_median};
use super::table::Table;

/// Measures `[--runs N] -- PROGRAM [ARG]...` and prints the run of median CPU time.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let (runs, program, rest) = match args {
        [dashes, program, rest @ ..] if dashes == "--" => (1, program, rest),
        [option, runs, dashes, program, rest @ ..] if option == "--runs" && dashes == "--" => {
            (runs.to_string_lossy().parse().context("`--runs` takes a number")?, program, rest)
        }
        _ => bail!("usage: cargo xtask bench command [--runs N] -- PROGRAM [ARG]..."),
    };
    let mut command = Command::new(program);
    command.args(rest).current_dir(std::env::current_dir()?);
    let measured = measure_median(&command, runs, Stdout::Discard)?;
    ensure!(measured.exit_code == Some(0), "{} failed", program.display());
    let usage = measured.usage;
    let mut table = Table::new(&["program", "runs", "CPU s", "wall s", "peak MiB"]);
    table.row([
        program.to_string_lossy().into_owned(),
        runs.to_string(),
        format!("{:.2}", usage.cpu_seconds),
        format!("{:.2}", usage.wall_seconds),
        (usage.peak_rss_kib / 1024).to_string(),
    ]);
    print!("{}", table.to_markdown());
    Ok(())
}
