//! `lazaret blame`: who wrote each line of a file, in the shape of `git blame`, with verdict and tool.

mod listing;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_evidence::Detectors;
use lazaret_pipeline::{BlameRequest, BlamedLine, Measure, blame};

use self::listing::ListedLine;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::blame_error;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::proofs::ProofArgs;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret blame`.
#[derive(Debug, Args)]
pub(crate) struct BlameArgs {
    /// The file; the repository is the one it lies in
    file: PathBuf,
    /// The revision whose lines to show
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write the lines
    #[arg(long, value_enum, default_value = "human")]
    format: BlameFormat,
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    history: HistoryArgs,
}

/// How to write the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BlameFormat {
    /// For people, in the shape of `git blame`
    Human,
    /// One line of JSON
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &BlameArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let brought = args.proofs.read()?;
    let screen = Screen::stderr(global.color);
    let cache_dir = args.history.cache_dir();
    let request = BlameRequest {
        file: &args.file,
        rev: &args.rev,
        measure: Measure {
            rules: &rulebook.rules,
            detectors: &detectors,
            brought: brought.as_ref(),
            now: global.now(),
            holdings: None,
        },
        n_threads: args.history.n_threads(),
        cache_dir: cache_dir.as_deref(),
    };
    let progress =
        Progress::start(&format!("reading the history of {}", args.file.display()), &screen, global.quiet);
    let outcome = blame(&request).map_err(blame_error);
    drop(progress);
    let outcome = outcome?;
    let stdout = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match args.format {
        BlameFormat::Human => {
            let lines: Vec<ListedLine<'_>> = outcome.lines.iter().map(listed).collect();
            listing::write(&lines, &stdout, out)
        }
        BlameFormat::Json => write_line(&outcome, out),
    })?;
    for gap in outcome.file.gaps.iter().filter(|_| !global.quiet) {
        speech::warning(&format!("not examined, and therefore unproven: {}", gap.why), &screen);
    }
    Ok(if outcome.lines.is_empty() { ExitCode::NothingExamined } else { ExitCode::Success })
}

fn listed(line: &BlamedLine) -> ListedLine<'_> {
    ListedLine {
        commit: line.commit.map(|commit| commit.to_string()),
        author: &line.author,
        date: line.date.clone(),
        number: line.line,
        verdict: line.verdict,
        direct: line.direct,
        tool: line.tool.as_deref(),
        text: &line.text,
    }
}
