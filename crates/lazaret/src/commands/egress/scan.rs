//! `lazaret egress scan`: what logs of network equipment show about calls to banned services.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::{Args, ValueEnum};
use lazaret_core::{Outcome, Response};
use lazaret_pipeline::egress::{
    EgressReport, EgressScanError, EgressScanRequest, Keepable, Leave, detection_findings, scan,
};

use super::deciding::DecidingArgs;
use super::keeping::KeepingArgs;
use super::reading::{LogFormatArgs, is_unread, log_hint, logs, naming, systems, warn_of_unread};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret egress scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// The logs, compressed or not; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    log_format: LogFormatArgs,
    #[command(flatten)]
    deciding: DecidingArgs,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: ScanFormat,
    /// Where to write it instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Score streams to hosts that few call as well; this looks at calls that match nothing
    #[arg(long)]
    score: bool,
    /// A table of which autonomous system announces which addresses, compressed or not: as iptoasn.com, CAIDA and pyasn
    /// have it, or ranges and systems as CSV. Rows of the catalog that name a system match by it
    #[arg(long, value_name = "FILE")]
    asn_table: Option<PathBuf>,
    /// A file of 32 secret bytes: callers get pseudonyms that are the same in each report of a period of 30 days
    #[arg(long, value_name = "FILE")]
    pseudonym_key: Option<PathBuf>,
    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// The least finding to fail on: one that passed, and that no exemption covers
    #[arg(long, value_enum, default_value = "block")]
    fail_on: FailOnFinding,
    #[command(flatten)]
    keeping: KeepingArgs,
}

/// How to write what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScanFormat {
    /// For people
    Human,
    /// One line of JSON
    Json,
    /// A line for each finding: Detection Findings of OCSF 1.8
    Ocsf,
}

/// On which findings to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOnFinding {
    /// Calls that the policy wants stopped
    Block,
    /// Those, and calls that a person should look at
    Alert,
    /// On none
    Never,
}

/// Runs the command.
pub(crate) fn run(args: &ScanArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let (rulebook, exemptions) = block_on(args.deciding.open_for_logs(global.now()))?;
    let catalog = match &args.asn_table {
        Some(path) => rulebook.catalog.clone().with_announced(systems(path)?),
        None => rulebook.catalog.clone(),
    };
    let leave = Leave::new(rulebook.rules.egress().clone(), exemptions);
    args.keeping.check(&args.deciding, rulebook.rules.policy().digest())?;
    let naming = naming(args.pseudonym_key.as_deref())?;
    let format = args.log_format.read()?;
    let screen = Screen::stderr(global.color);
    let quiet = global.quiet || !screen.terminal;
    let report = scan(EgressScanRequest {
        logs: logs(&args.logs, format.as_ref())?,
        leave: &leave,
        catalog: &catalog,
        naming: &naming,
        scores: args.score,
        n_threads: args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get),
        progress: &mut |name, again| {
            if !quiet {
                let again = if again { " again" } else { "" };
                speech::note(&format!("reading `{name}`{again}"), &screen);
            }
        },
    })
    .map_err(scan_error)?;
    write(&report, args, global)?;
    args.keeping.keep(&args.deciding, report.policy, &Keepable::from(&report), global)?;
    let exit = exit_of(&report, args.fail_on);
    if exit == ExitCode::NothingExamined {
        let error = CommandError::new(exit, "the logs state no call, so nothing was examined")
            .hint("name logs with calls in them, or the right format with `--log-format`");
        speech::error(&error, &screen);
    }
    report.inputs.iter().filter(|_| !global.quiet).for_each(|input| warn_of_unread(input, &screen));
    Ok(exit)
}

/// Returns the exit code: what should have been stopped and was not outranks what could not be read.
fn exit_of(report: &EgressReport, fail_on: FailOnFinding) -> ExitCode {
    let least = match fail_on {
        FailOnFinding::Block => Some(Response::Block),
        FailOnFinding::Alert => Some(Response::Alert),
        FailOnFinding::Never => None,
    };
    let counts = report.findings.iter().any(|finding| {
        least.is_some_and(|least| finding.response >= least)
            && finding.outcome != Outcome::Blocked
            && finding.exemption.is_none()
    });
    // Nothing is known of calls that stand in lines that were not understood.
    if counts {
        ExitCode::Denied
    } else if least.is_some() && report.inputs.iter().any(is_unread) {
        ExitCode::Failure
    } else if report.calls.read == 0 {
        ExitCode::NothingExamined
    } else {
        ExitCode::Success
    }
}

fn write(report: &EgressReport, args: &ScanArgs, global: &GlobalArgs) -> Result<(), CommandError> {
    let screen = if args.out.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    Output::open(args.out.as_deref())?.write(|out| match args.format {
        ScanFormat::Human => report::egress::write(report, &screen, out),
        ScanFormat::Json => write_line(report, out),
        ScanFormat::Ocsf => {
            detection_findings(report, global.now()).iter().try_for_each(|finding| write_line(finding, out))
        }
    })
}

fn scan_error(error: EgressScanError) -> CommandError {
    let hint = match &error {
        EgressScanError::Log(error) => log_hint(error),
        EgressScanError::Changed { .. } => "scan a copy, or a log that is closed",
        EgressScanError::Shapes(_) => "report this: the catalog that is part of the program is at fault",
    };
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
