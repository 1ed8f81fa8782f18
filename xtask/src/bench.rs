//! `cargo xtask bench`: measurements by name, and the launcher they measure through.

mod command;
mod measure;
mod scan;
mod table;

use std::ffi::OsString;

use anyhow::{Result, bail};

pub(crate) use measure::{LAUNCHER, launch};

/// A measurement that can be run by name.
struct Bench {
    name: &'static str,
    /// What follows the name on the command line.
    usage: &'static str,
    about: &'static str,
    run: fn(&[OsString]) -> Result<()>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "command",
        usage: "[--runs N] -- PROGRAM [ARG]...",
        about: "CPU time, wall time and memory of any program",
        run: command::run,
    },
    Bench {
        name: "scan",
        usage: "REPO...",
        about: "what `lazaret scan` costs, beside the cost of printing all commit messages with `git log`",
        run: scan::run,
    },
];

/// Runs the measurement named by the first argument.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else { bail!("name a measurement\n\n{}", help()) };
    let name = name.to_string_lossy();
    if matches!(&*name, "--help" | "-h" | "help") {
        print!("{}", help());
        return Ok(());
    }
    match BENCHES.iter().find(|bench| bench.name == name) {
        Some(bench) => (bench.run)(rest),
        None => bail!("there is no measurement `{name}`\n\n{}", help()),
    }
}

fn help() -> String {
    let mut text = String::from("Measurements\n\nUsage: cargo xtask bench <NAME> [ARGS]\n\nNames:\n");
    for Bench { name, usage, about, .. } in BENCHES {
        text.push_str(&format!("  {name} {usage}\n      {about}\n"));
    }
    text
}
