//! Chores of the project: tidy, test, ci, bench.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]

mod backports;
mod bench;
mod chore;
mod ci;
mod components;
mod prerequisites;
mod suite;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
Chores of the project

Usage: cargo xtask <CHORE>

Chores:
  tidy                 check the rules of the house that no compiler knows
  test                 install what the tests need, then format check, lints and all tests
  ci                   everything: format, lints, tidy, tests, documentation, dependency policy, fuzz targets
  bench <NAME> [ARGS]  measure; `cargo xtask bench --help` lists the names
";

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let name = if args.is_empty() { OsString::new() } else { args.remove(0) };
    match run(&name.to_string_lossy(), &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, args: &[OsString]) -> Result<()> {
    if !matches!(name, "bench" | bench::LAUNCHER | bench::ENGINE | bench::STORE_JOB) && !args.is_empty() {
        bail!("`cargo xtask {name}` takes no arguments");
    }
    match name {
        "tidy" => tidy::run(),
        "test" => suite::run(),
        "ci" => ci::run(),
        "bench" => bench::run(args),
        bench::LAUNCHER => bench::launch(args),
        bench::ENGINE => bench::work(args),
        bench::STORE_JOB => bench::work_on_store(args),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        "" => bail!("name a chore\n\n{HELP}"),
        unknown => bail!("there is no chore `{unknown}`\n\n{HELP}"),
    }
}
