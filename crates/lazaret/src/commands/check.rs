//! `lazaret check`: judges a change before it enters, for hooks and CI.

mod change;
mod findings;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_evidence::Detectors;
use lazaret_pipeline::{ChangeUnderCheck, CheckReport, CheckRequest, Measure, check};

use self::change::ChangeArgs;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::check_error;
use crate::exit::ExitCode;
use crate::fail_on::FailOn;
use crate::output::Output;
use crate::report::json::write_line;
use crate::report::sarif;
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::speech;

/// Arguments of `lazaret check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    change: ChangeArgs,
    /// The repository, or a folder in its work tree
    #[arg(long, value_name = "REPO", default_value = ".")]
    repository: PathBuf,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: CheckFormat,
    /// The best verdict to fail on; a change without marks is unproven, since a check reads no proof of origin
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "tainted")]
    fail_on: FailOn,
}

/// How to write what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people
    Human,
    /// One line of JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let change = args.change.read()?;
    let request = CheckRequest {
        repository: &args.repository,
        object_dirs: &args.change.object_dirs(),
        change: &change,
        measure: Measure {
            rules: &rulebook.rules,
            detectors: &detectors,
            brought: None,
            now: global.now(),
            holdings: None,
        },
    };
    let report = check(&request).map_err(check_error)?;
    let exit = exit_of(&report, &change, args.fail_on);
    write(&report, exit, args, global)?;
    let screen = Screen::stderr(global.color);
    if exit == ExitCode::NothingExamined {
        let error =
            CommandError::new(exit, "the change holds no commit and no file, so nothing was examined")
                .hint("stage something, or name commits with `--range`");
        speech::error(&error, &screen);
    }
    for warning in report.warnings.iter().filter(|_| !global.quiet) {
        let (count, kind) = (warning.count, warning.kind.as_str());
        let text = format!("not examined: {count} times `{kind}`, such as {}", warning.example);
        speech::warning(&text, &screen);
    }
    Ok(exit)
}

/// Returns the exit code: by the worst verdict, unless there was nothing to judge.
fn exit_of(report: &CheckReport, change: &ChangeUnderCheck, fail_on: FailOn) -> ExitCode {
    let brings_something = match change {
        ChangeUnderCheck::Staged { message, .. } => report.files > 0 || message.is_some(),
        ChangeUnderCheck::Range { .. } => report.commits > 0,
        // A push may move refs over commits that are there already, or only delete.
        ChangeUnderCheck::Push { updates } => !updates.is_empty(),
    };
    let only_moves_refs = matches!(change, ChangeUnderCheck::Push { .. }) && report.commits == 0;
    let judged = if only_moves_refs { ExitCode::Success } else { fail_on.exit(report.verdict) };
    if !brings_something {
        return ExitCode::NothingExamined;
    }
    // What could not be read was not checked: a door that opens then is no door.
    let passed_unread = fail_on != FailOn::Never && !report.warnings.is_empty();
    if judged == ExitCode::Success && passed_unread { ExitCode::Failure } else { judged }
}

fn write(
    report: &CheckReport,
    exit: ExitCode,
    args: &CheckArgs,
    global: &GlobalArgs,
) -> Result<(), CommandError> {
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match args.format {
        CheckFormat::Human if exit == ExitCode::NothingExamined => Ok(()),
        CheckFormat::Human => findings::write(report, exit == ExitCode::Success, &screen, out),
        CheckFormat::Json => write_line(report, out),
        CheckFormat::Sarif => sarif::write_check(report, out),
    })
}
