//! `lazaret egress correlate`: calls beside the commits of who made them, for the order of review.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use lazaret_pipeline::egress::{
    CorrelateError, CorrelateRequest, CorrelationReport, EgressScanError, InputReport, Leave, correlate,
};

use super::deciding::DecidingArgs;
use super::reading::{LogFormatArgs, is_unread, log_hint, logs, warn_of_unread};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::DocketFormat;
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, thousands, wrap};

/// How many commits are shown to people; JSON has all.
const SHOWN_MAX: usize = 50;
/// How much of a commit's name is shown.
const ID_SHOWN: usize = 12;

/// Arguments of `lazaret egress correlate`.
#[derive(Debug, Args)]
pub(crate) struct CorrelateArgs {
    /// The repository
    #[arg(value_name = "REPO")]
    root: PathBuf,
    /// The logs, compressed or not; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// The revision whose commits are looked at
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// For how many hours after a call a commit counts
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
    window: u32,
    #[command(flatten)]
    log_format: LogFormatArgs,
    #[command(flatten)]
    deciding: DecidingArgs,
    /// How to write it
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    /// Where to write it instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Runs the command.
pub(crate) fn run(args: &CorrelateArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let (rulebook, exemptions) = block_on(args.deciding.open_for_logs(global.now()))?;
    let leave = Leave::new(rulebook.rules.egress().clone(), exemptions);
    let format = args.log_format.read()?;
    let screen = Screen::stderr(global.color);
    let quiet = global.quiet || !screen.terminal;
    let report = correlate(CorrelateRequest {
        logs: logs(&args.logs, format.as_ref())?,
        leave: &leave,
        catalog: &rulebook.catalog,
        root: &args.root,
        rev: &args.rev,
        window_hours: args.window,
        n_threads: args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get),
        progress: &mut |name, _| {
            if !quiet {
                speech::note(&format!("reading `{name}`"), &screen);
            }
        },
    })
    .map_err(correlate_error)?;
    let paper = if args.out.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    Output::open(args.out.as_deref())?.write(|out| match args.format {
        DocketFormat::Human => write(&report, &paper, out),
        DocketFormat::Json => write_line(&report, out),
    })?;
    if !global.quiet {
        report.inputs.iter().for_each(|input| warn_of_unread(input, &screen));
    }
    if report.commits_unread > 0 && !global.quiet {
        let text = format!("{} could not be read", count(report.commits_unread, "commit", "commits"));
        speech::warning(&text, &screen);
    }
    Ok(exit_of(&report))
}

/// Returns the exit code. A commit in the list is no failure: nothing is said against it.
fn exit_of(report: &CorrelationReport) -> ExitCode {
    let calls: u64 = report.inputs.iter().map(|input: &InputReport| input.calls).sum();
    if report.inputs.iter().any(is_unread) || report.commits_unread > 0 {
        ExitCode::Failure
    } else if calls == 0 || report.commits_read == 0 {
        ExitCode::NothingExamined
    } else {
        ExitCode::Success
    }
}

fn write(report: &CorrelationReport, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let calls = &report.calls;
    let found = format!(
        "{} of {} follow a call by their author within {} that no exemption covered. Look at them first; nothing is said \
         against them, and nothing for the others.",
        thousands(u64::try_from(report.review.len()).unwrap_or(u64::MAX)),
        count(report.commits_read, "commit", "commits"),
        count(report.window_hours.into(), "hour", "hours"),
    );
    let left_out = format!(
        "{} laid beside commits. Left out: {} under an exemption, {} not made, {} told by a hint alone, {} without a time, {} \
         of callers for whom the policy lists no author.",
        count(calls.laid, "call was", "calls were"),
        thousands(calls.exempted),
        thousands(calls.not_made),
        thousands(calls.not_exact),
        thousands(calls.without_time),
        thousands(calls.without_author),
    );
    for line in wrap(&found, screen.width).iter().chain(&wrap(&left_out, screen.width)) {
        writeln!(out, "{line}")?;
    }
    if !report.review.is_empty() {
        writeln!(out)?;
    }
    for commit in report.review.iter().take(SHOWN_MAX) {
        let detectors: Vec<&str> = commit.detectors.iter().map(|detector| detector.as_str()).collect();
        let id: String = commit.commit.chars().take(ID_SHOWN).collect();
        writeln!(out, "  {id}  {}  {}  {}", commit.authored, commit.strength, detectors.join(", "))?;
    }
    let more = report.review.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        writeln!(out, "  … and {}", count(u64::try_from(more).unwrap_or(u64::MAX), "more", "more"))?;
    }
    Ok(())
}

fn correlate_error(error: CorrelateError) -> CommandError {
    let (exit, hint) = match &error {
        CorrelateError::Scan(EgressScanError::Log(error)) => (ExitCode::Failure, log_hint(error)),
        CorrelateError::Open(_) => (ExitCode::Failure, "name a repository"),
        CorrelateError::Resolve(_) => (ExitCode::Failure, "name another revision with `--rev`"),
        CorrelateError::NoAuthors => (
            ExitCode::NothingExamined,
            "list who commits under which address as `identities` of `[[egress.subject]]`, if the house wants that",
        ),
        CorrelateError::Scan(EgressScanError::Changed { .. } | EgressScanError::Shapes(_)) => {
            (ExitCode::Failure, "scan the logs with `lazaret egress scan`, which says more")
        }
    };
    CommandError::from_error(exit, error).hint(hint)
}
