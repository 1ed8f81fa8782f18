//! `lazaret egress reconcile`: holds logs of traffic against the decisions that were made.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lazaret_core::AddressRange;
use lazaret_pipeline::egress::{
    Keepable, Leave, LogError, ReconcileRequest, ReconciliationReport, reconcile,
};

use super::deciding::DecidingArgs;
use super::keeping::KeepingArgs;
use super::reading::{
    format, is_unread, is_unread_record, log_hint, logs, naming, warn_of_unread, warn_of_unread_record,
};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::DocketFormat;
use crate::output::Output;
use crate::report;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret egress reconcile`.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Logs of what only sees traffic, such as sensors, flow logs and resolvers; `-` for standard input
    #[arg(value_name = "LOG")]
    sensors: Vec<PathBuf>,
    /// A log of an enforcement point, with the names of decisions in it
    #[arg(long = "point", value_name = "LOG", help_heading = "Enforcement points")]
    points: Vec<PathBuf>,
    /// Read them as this format instead of telling it from their first lines
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["squid_logformat", "point_map"],
        help_heading = "Enforcement points"
    )]
    point_format: Option<String>,
    /// Read them as Squid writes them by this line of squid.conf
    #[arg(long, value_name = "LINE", conflicts_with = "point_map", help_heading = "Enforcement points")]
    squid_logformat: Option<String>,
    /// Read them by a field map
    #[arg(long, value_name = "FILE", help_heading = "Enforcement points")]
    point_map: Option<PathBuf>,
    /// A record of decisions, as `egress serve --record` and `egress squid-helper --record` write it
    #[arg(long = "record", value_name = "FILE", help_heading = "Enforcement points")]
    records: Vec<PathBuf>,
    /// Read the other logs as this format instead of telling it from their first lines
    #[arg(long, value_name = "NAME", conflicts_with = "field_map")]
    log_format: Option<String>,
    /// Read the other logs by a field map
    #[arg(long, value_name = "FILE")]
    field_map: Option<PathBuf>,
    /// Addresses behind which several callers stand, such as a proxy's own or a translated one
    #[arg(long, value_name = "RANGE")]
    shared: Vec<AddressRange>,
    /// By how many seconds clocks may differ
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=3600))]
    tolerance: u32,
    /// From how many minutes without a call on a source is called quiet
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    quiet_after: u32,
    /// Since when every source should have told of calls; since the first call otherwise
    #[arg(long, value_name = "TIMESTAMP")]
    from: Option<Timestamp>,
    /// Until when; until the last call otherwise
    #[arg(long, value_name = "TIMESTAMP")]
    until: Option<Timestamp>,
    #[command(flatten)]
    deciding: DecidingArgs,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    /// Where to write it instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A file of 32 secret bytes: callers get pseudonyms that are the same in each report of a period of 30 days
    #[arg(long, value_name = "FILE")]
    pseudonym_key: Option<PathBuf>,
    /// How many threads to use; all processors by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// What to fail on
    #[arg(long, value_enum, default_value = "discrepancy")]
    fail_on: FailOn,
    #[command(flatten)]
    keeping: KeepingArgs,
}

/// What to fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Calls that should not have been made as they were, and lines that were not understood
    Discrepancy,
    /// Those, quiet sources, and calls of which nothing can be said
    Unproven,
    /// Nothing that the logs say
    Never,
}

/// Runs the command.
pub(crate) fn run(args: &ReconcileArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    check(args)?;
    let (rulebook, exemptions) = block_on(args.deciding.open_for_logs(global.now()))?;
    let leave = Leave::new(rulebook.rules.egress().clone(), exemptions);
    args.keeping.check(&args.deciding, rulebook.rules.policy().digest())?;
    let naming = naming(args.pseudonym_key.as_deref())?;
    let point_format =
        format(args.point_format.as_deref(), args.squid_logformat.as_deref(), args.point_map.as_deref())?;
    let sensor_format = format(args.log_format.as_deref(), None, args.field_map.as_deref())?;
    let screen = Screen::stderr(global.color);
    let quiet = global.quiet || !screen.terminal;
    let microseconds = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
    let report = reconcile(ReconcileRequest {
        points: logs(&args.points, point_format.as_ref())?,
        sensors: logs(&args.sensors, sensor_format.as_ref())?,
        records: logs(&args.records, None)?,
        leave: &leave,
        catalog: &rulebook.catalog,
        naming: &naming,
        tolerance_seconds: args.tolerance,
        quiet_minutes: args.quiet_after,
        window: (microseconds(args.from), microseconds(args.until)),
        shared: &args.shared,
        n_threads: args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get),
        progress: &mut |name, _| {
            if !quiet {
                speech::note(&format!("reading `{name}`"), &screen);
            }
        },
    })
    .map_err(log_error)?;
    write(&report, args, global)?;
    args.keeping.keep(&args.deciding, report.policy, &Keepable::from(&report), global)?;
    let exit = exit_of(&report, args.fail_on);
    if exit == ExitCode::NothingExamined {
        let error = CommandError::new(exit, "the logs state no call, so nothing was examined")
            .hint("name logs with calls in them, or their formats with `--log-format` and `--point-format`");
        speech::error(&error, &screen);
    }
    if !global.quiet {
        warn(&report, &screen);
    }
    Ok(exit)
}

/// Checks that there is something to hold logs against, and that nothing is named for two things.
fn check(args: &ReconcileArgs) -> Result<(), CommandError> {
    if args.points.is_empty() && args.records.is_empty() {
        return Err(CommandError::new(ExitCode::Usage, "no decisions are named to hold the logs against")
            .hint("give `--point LOG` with a log of an enforcement point, `--record FILE` with a record of decisions, or both"));
    }
    if args.points.is_empty() && args.sensors.is_empty() {
        return Err(CommandError::new(ExitCode::Usage, "no logs are named to hold against decisions")
            .hint("name logs of sensors, or `--point LOG` with a log of an enforcement point"));
    }
    if let Some(twice) = args.sensors.iter().find(|path| args.points.contains(path)) {
        let message =
            format!("`{}` is named as a sensor's log and as an enforcement point's", twice.display());
        return Err(CommandError::new(ExitCode::Usage, message).hint("name it once, for what it is"));
    }
    if let (Some(from), Some(until)) = (args.from, args.until)
        && from >= until
    {
        return Err(CommandError::new(ExitCode::Usage, "`--from` is not before `--until`"));
    }
    Ok(())
}

/// Says on standard error what could not be read, and what speaks against the whole comparison.
fn warn(report: &ReconciliationReport, screen: &Screen) {
    report.sources.iter().flat_map(|source| &source.logs).for_each(|input| warn_of_unread(input, screen));
    report.records.iter().for_each(|record| warn_of_unread_record(record, screen));
    if report.joins_nothing() {
        speech::warning(
            "no decision accounts for any call that a sensor saw: where sensors and enforcement points know callers by \
             different addresses, name those behind which several stand with `--shared`",
            screen,
        );
    }
}

/// Returns the exit code: what should not have happened outranks what could not be read.
fn exit_of(report: &ReconciliationReport, fail_on: FailOn) -> ExitCode {
    let fails = fail_on != FailOn::Never;
    let logs = || report.sources.iter().flat_map(|source| &source.logs);
    let is_unread = logs().any(is_unread) || report.records.iter().any(is_unread_record);
    let is_unproven = !report.unsettled.is_empty()
        || report.sources.iter().any(|source| !source.quiet.is_empty() || source.clock.is_some());
    if fails && report.discrepancies.iter().any(lazaret_pipeline::egress::DiscrepancyReport::counts) {
        ExitCode::Denied
    } else if fails && is_unread {
        ExitCode::Failure
    } else if report.held.read == 0 {
        ExitCode::NothingExamined
    } else if fail_on == FailOn::Unproven && is_unproven {
        ExitCode::SuspectOrUnproven
    } else {
        ExitCode::Success
    }
}

fn write(
    report: &ReconciliationReport,
    args: &ReconcileArgs,
    global: &GlobalArgs,
) -> Result<(), CommandError> {
    let screen = if args.out.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    Output::open(args.out.as_deref())?.write(|out| match args.format {
        DocketFormat::Human => report::reconciliation::write(report, &screen, out),
        DocketFormat::Json => write_line(report, out),
    })
}

fn log_error(error: LogError) -> CommandError {
    let hint = log_hint(&error);
    CommandError::from_error(ExitCode::Failure, error).hint(hint)
}
