//! `lazaret egress scan`: what logs of network equipment show about calls to banned services.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::{Args, ValueEnum};
use lazaret_core::Outcome;
use lazaret_evidence::traffic::Response;
use lazaret_pipeline::egress::{
    EgressReport, EgressScanError, EgressScanRequest, InputReport, Leave, Log, Naming, Opener, PeriodKeys,
    detection_findings, scan,
};
use lazaret_traffic::{Format, FormatError};

use super::deciding::DecidingArgs;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;

/// How many days a caller keeps a pseudonym.
const PERIOD_DAYS: u16 = 30;
/// The bytes of a pseudonym key.
const SECRET_BYTES: usize = 32;

/// Arguments of `lazaret egress scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// The logs, compressed or not; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Read all of them as this format instead of telling it from their first lines
    #[arg(long, value_name = "NAME", conflicts_with_all = ["squid_logformat", "field_map"])]
    log_format: Option<String>,
    /// Read all of them as Squid writes them by this line of squid.conf
    #[arg(long, value_name = "LINE", conflicts_with = "field_map")]
    squid_logformat: Option<String>,
    /// Read all of them by a field map, for equipment that no format is known of
    #[arg(long, value_name = "FILE")]
    field_map: Option<PathBuf>,
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
    /// A file of 32 secret bytes: callers get pseudonyms that are the same in each report of a period of 30 days
    #[arg(long, value_name = "FILE")]
    pseudonym_key: Option<PathBuf>,
    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// The least finding to fail on: one that passed, and that no exemption covers
    #[arg(long, value_enum, default_value = "block")]
    fail_on: FailOnFinding,
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
    let leave = Leave::new(rulebook.rules.egress().clone(), exemptions);
    let naming = match &args.pseudonym_key {
        Some(path) => Naming::Pseudonyms(PeriodKeys::new(read_secret(path)?, PERIOD_DAYS)),
        None => Naming::Numbered,
    };
    let format = format(args)?;
    let screen = Screen::stderr(global.color);
    let quiet = global.quiet || !screen.terminal;
    let report = scan(EgressScanRequest {
        logs: logs(&args.logs, format.as_ref())?,
        leave: &leave,
        catalog: &rulebook.catalog,
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
    let exit = exit_of(&report, args.fail_on);
    if exit == ExitCode::NothingExamined {
        let error = CommandError::new(exit, "the logs state no call, so nothing was examined")
            .hint("name logs with calls in them, or the right format with `--log-format`");
        speech::error(&error, &screen);
    }
    for input in report.inputs.iter().filter(|_| !global.quiet) {
        let unread: u64 = input.not_understood.iter().map(|fault| fault.count).sum();
        if unread > 0 {
            let text = format!("`{}`: {unread} of {} lines were not understood", input.name, input.lines);
            speech::warning(&text, &screen);
        }
        if let Some(why) = &input.cut_short {
            speech::warning(&format!("`{}` was not read to its end: {why}", input.name), &screen);
        }
    }
    Ok(exit)
}

/// Returns the format that was named or described, if one was.
fn format(args: &ScanArgs) -> Result<Option<Format>, CommandError> {
    let format = if let Some(name) = &args.log_format {
        Format::named(name)
    } else if let Some(line) = &args.squid_logformat {
        Format::squid_logformat(line)
    } else if let Some(path) = &args.field_map {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read the field map `{}`", path.display());
            CommandError::new(ExitCode::Failure, message).because(error)
        })?;
        Format::from_field_map(&text)
    } else {
        return Ok(None);
    };
    format.map(Some).map_err(format_error)
}

/// Returns the logs in the order of their names, each once.
fn logs<'a>(paths: &'a [PathBuf], format: Option<&Format>) -> Result<Vec<Log<'a>>, CommandError> {
    let mut paths: Vec<&PathBuf> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    let mut logs = Vec::new();
    for path in paths {
        let (name, open) = if path == Path::new("-") {
            let input: Box<dyn io::Read> = Box::new(io::stdin().lock());
            ("standard input".to_owned(), Opener::Once(input))
        } else {
            if path.is_dir() {
                let message = format!("`{}` is a folder, not a log", path.display());
                return Err(CommandError::new(ExitCode::Usage, message).hint("name the files in it"));
            }
            let open = move || -> io::Result<Box<dyn io::Read>> { Ok(Box::new(File::open(path)?)) };
            (path.display().to_string(), Opener::Again(Box::new(open)))
        };
        logs.push(Log { name, format: format.cloned(), open });
    }
    Ok(logs)
}

fn read_secret(path: &Path) -> Result<[u8; SECRET_BYTES], CommandError> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read the pseudonym key `{name}`")).because(error)
    })?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let message =
            format!("the pseudonym key `{name}` has {} bytes, and {SECRET_BYTES} are needed", bytes.len());
        CommandError::new(ExitCode::Failure, message)
            .hint("make one with `head -c 32 /dev/urandom > FILE`, readable by its owner alone")
    })
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
    let is_unread = |input: &InputReport| input.cut_short.is_some() || !input.not_understood.is_empty();
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

fn format_error(error: FormatError) -> CommandError {
    CommandError::from_error(ExitCode::Usage, error)
}

fn scan_error(error: EgressScanError) -> CommandError {
    let hint = match &error {
        EgressScanError::Open { .. } => "name a file that you may read, or `-` for standard input",
        EgressScanError::Read { .. } => {
            "name the format with `--log-format`; `lazaret help egress scan` lists them"
        }
        EgressScanError::Changed { .. } => "scan a copy, or a log that is closed",
        EgressScanError::Shapes(_) => "report this: the catalog that is part of the program is at fault",
    };
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
