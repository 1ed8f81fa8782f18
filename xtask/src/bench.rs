//! `cargo xtask bench`: measurements by name, and the launcher they measure through.

mod account;
mod agreement;
mod attribution;
mod command;
mod decisions;
mod engine;
mod gate_conservation;
mod gate_crash;
mod gate_leaks;
mod gate_speed;
mod ground_truth;
mod marks;
mod measure;
mod notes;
mod options;
mod reading;
mod release;
mod rescan;
mod retention;
mod scan;
mod scratch;
mod sessions;
mod speeds;
mod squash;
mod store;
mod table;
mod traffic;

use std::ffi::OsString;

use anyhow::{Result, bail};

pub(crate) use engine::{ENGINE, work};
pub(crate) use measure::{LAUNCHER, launch};
pub(crate) use store::{JOB as STORE_JOB, work as work_on_store};

/// A measurement that can be run by name.
struct Bench {
    name: &'static str,
    /// What follows the name on the command line.
    usage: &'static str,
    about: &'static str,
    /// Whether it calls the engine in this very program, which then must be built with optimizations.
    in_release: bool,
    run: fn(&[OsString]) -> Result<()>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "command",
        usage: "[--runs N] -- PROGRAM [ARG]...",
        about: "CPU time, wall time and memory of any program",
        in_release: false,
        run: command::run,
    },
    Bench {
        name: "scan",
        usage: "REPO...",
        about: "what `lazaret scan` costs, beside the cost of printing all commit messages with `git log`",
        in_release: false,
        run: scan::run,
    },
    Bench {
        name: "blame-agreement",
        usage: "[--sample N] REPO...",
        about: "whether every line at `HEAD` is attributed as `git blame` attributes it",
        in_release: true,
        run: agreement::run,
    },
    Bench {
        name: "attribution",
        usage: "[--sample N] [--git-runs N] [--runs N] REPO...",
        about: "what line attribution costs beside `git blame` with commit-graph and Bloom filters",
        in_release: true,
        run: attribution::run,
    },
    Bench {
        name: "speeds",
        usage: "[--runs N] REPO...",
        about: "what one core gets through in a second: commits looked through and compared, versions settled",
        in_release: true,
        run: speeds::run,
    },
    Bench {
        name: "marks",
        usage: "REPO...",
        about: "what the detectors find in labelled commits, and in commits older than every tool",
        in_release: true,
        run: marks::run,
    },
    Bench {
        name: "notes",
        usage: "[--sample N] REPO...",
        about: "whether the lines that Git AI notes give to a tool are those that a scan calls recorded",
        in_release: true,
        run: notes::run,
    },
    Bench {
        name: "sessions",
        usage: "REPO...",
        about: "how many of the lines that agents wrote in commits are found by what their session logs left",
        in_release: true,
        run: sessions::run,
    },
    Bench {
        name: "ground-truth",
        usage: "LIST REPO=OWNER/NAME...",
        about: "how many records that hold lines of listed agents the gate holds, and how many others",
        in_release: false,
        run: ground_truth::run,
    },
    Bench {
        name: "rescan",
        usage: "[--runs N] REPO...",
        about: "what `lazaret scan` costs without an index, writing it, and after ten new commits",
        in_release: true,
        run: rescan::run,
    },
    Bench {
        name: "retention",
        usage: "REPO...",
        about: "how much text is kept at zero known taint by whole repository, file, function, statement and line",
        in_release: false,
        run: retention::run,
    },
    Bench {
        name: "squash",
        usage: "REPO...",
        about: "whether marks that squash merges dropped are found again, and how many unmarked ones are flagged",
        in_release: true,
        run: squash::run,
    },
    Bench {
        name: "gate-conservation",
        usage: "[DIR]...",
        about: "whether every record of damaged shards, and of every file of the folders, is accounted for",
        in_release: false,
        run: gate_conservation::run,
    },
    Bench {
        name: "gate-leaks",
        usage: "[NAME=COMMAND]...",
        about: "which disguised records of a banned tool get through the gate, and through other programs",
        in_release: false,
        run: gate_leaks::run,
    },
    Bench {
        name: "gate-speed",
        usage: "--data DIR --profile FILE --policy FILE [--bundle FILE]... [--index DIR]... [--runs N] [--peer NAME=COMMAND]...",
        about: "what `lazaret gate` costs with more and more evidence, and what filters of others cost",
        in_release: false,
        run: gate_speed::run,
    },
    Bench {
        name: "gate-crash",
        usage: "[PROGRAM]",
        about: "whether a gate that is killed at random moments goes on to the same bytes",
        in_release: false,
        run: gate_crash::run,
    },
    Bench {
        name: "store",
        usage: "[--seconds N] [--cases N] [--entries N] [--gigabytes N] [--kills N] [commands|list|review|verify|vault|kills]...",
        about: "what a store does in a second, and whether it loses anything when its process is killed",
        in_release: true,
        run: store::run,
    },
    Bench {
        name: "traffic",
        usage: "[FILE]...",
        about: "how many lines of a log one core reads, beside mawk, jq, Miller and DuckDB on the same file",
        in_release: false,
        run: traffic::run,
    },
    Bench {
        name: "retro-hunt",
        usage: "[EVENTS]",
        about: "what it takes to judge a day's events once more, after the catalog has changed",
        in_release: true,
        run: traffic::retro_hunt::run,
    },
    Bench {
        name: "decisions",
        usage: "[PROGRAM]",
        about: "how many checks `egress serve` answers, how long they take, and what they add at Envoy and Squid",
        in_release: true,
        run: decisions::run,
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
        Some(bench) if bench.in_release && cfg!(debug_assertions) => release::run_optimized(args),
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
