//! `lazaret policy`: is a policy valid, does it judge as meant, and what does it say.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use lazaret_policy::cases::{CaseFile, CasesError, Outcome};
use lazaret_policy::explain;
use serde_json::{Value, json};

use crate::args::GlobalArgs;
use crate::command_error::{CommandError, Diagnostic};
use crate::exit::ExitCode;
use crate::output::Output;
use crate::report::json::write_line;
use crate::rulebook::{Rulebook, diagnostic, invalid};
use crate::screen::{Ink, Screen};
use crate::text::{count, plain, wrap};

/// Arguments of `lazaret policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say everything that is wrong with a policy file
    Check {
        /// The policy
        #[arg(value_name = "FILE")]
        policy: PathBuf,
        /// How to write what was found
        #[arg(long, value_enum, default_value = "human")]
        format: PolicyFormat,
    },
    /// Run cases: claims about a content, and what must be held of it
    Test {
        /// Files of cases
        #[arg(value_name = "CASES", required = true)]
        files: Vec<PathBuf>,
        /// The policy, where a file of cases has none of its own; the built-in one otherwise
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How to write what was found
        #[arg(long, value_enum, default_value = "human")]
        format: PolicyFormat,
    },
    /// Say in plain words what a policy means
    Explain {
        /// The policy; the built-in one otherwise
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

/// How to write what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PolicyFormat {
    /// For people
    Human,
    /// One line of JSON
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &PolicyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        PolicyCommand::Check { policy, format } => check(policy, *format),
        PolicyCommand::Test { files, policy, format } => test(files, policy.as_deref(), *format, global),
        PolicyCommand::Explain { policy } => explain(policy.as_deref(), global),
        PolicyCommand::Schema => schema(),
    }
}

fn check(path: &Path, format: PolicyFormat) -> Result<ExitCode, CommandError> {
    let rulebook = match Rulebook::load(Some(path)) {
        Ok(rulebook) => rulebook,
        Err(error) if format == PolicyFormat::Json && !error.diagnostics().is_empty() => {
            let diagnostics: Vec<Value> = error.diagnostics().iter().map(fault_json).collect();
            let answer =
                json!({"format": "lazaret.policy-check/1", "valid": false, "diagnostics": diagnostics});
            Output::open(None)?.write(|out| write_line(&answer, out))?;
            return Ok(error.exit());
        }
        Err(error) => return Err(error),
    };
    let digest = rulebook.rules.policy_digest();
    Output::open(None)?.write(|out| match format {
        PolicyFormat::Human => {
            writeln!(out, "policy `{}` is valid: {digest}", plain(rulebook.policy_name()))
        }
        PolicyFormat::Json => write_line(
            &json!({
                "format": "lazaret.policy-check/1",
                "name": rulebook.policy_name(),
                "policy": digest,
                "catalog": rulebook.catalog.digest(),
                "valid": true,
            }),
            out,
        ),
    })?;
    Ok(ExitCode::Success)
}

/// Returns one fault; `start` and `length` are bytes of the file.
fn fault_json(fault: &Diagnostic) -> Value {
    let (start, length) = fault.place.unzip();
    json!({"code": fault.code, "message": fault.message, "start": start, "length": length, "help": fault.help})
}

fn test(
    files: &[PathBuf],
    policy: Option<&Path>,
    format: PolicyFormat,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(policy)?;
    let screen = Screen::stdout(global.color);
    let mut results = Vec::new();
    for path in files {
        let outcomes = run_cases(path, &rulebook)?;
        results.extend(outcomes.into_iter().map(|outcome| (path.as_path(), outcome)));
    }
    let failed = results.iter().filter(|(_, outcome)| outcome.failure.is_some()).count();
    Output::open(None)?.write(|out| {
        for (path, outcome) in &results {
            match format {
                PolicyFormat::Human => write_outcome(outcome, &screen, out)?,
                PolicyFormat::Json => write_line(
                    &json!({
                        "file": path.display().to_string(),
                        "case": outcome.name,
                        "passed": outcome.failure.is_none(),
                        "expected": outcome.failure.as_ref().map(|failure| &failure.expected),
                        "actual": outcome.failure.as_ref().map(|failure| &failure.actual),
                    }),
                    out,
                )?,
            }
        }
        match format {
            PolicyFormat::Human => {
                writeln!(out, "{}, {failed} failed", count(results.len() as u64, "case", "cases"))
            }
            PolicyFormat::Json => Ok(()),
        }
    })?;
    Ok(if failed == 0 { ExitCode::Success } else { ExitCode::Failure })
}

fn run_cases(path: &Path, rulebook: &Rulebook) -> Result<Vec<Outcome>, CommandError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read the cases `{name}`")).because(error)
    })?;
    let result = CaseFile::parse(&text)
        .and_then(|cases| cases.run(rulebook.rules.policy(), rulebook.catalog.roster()));
    result.map_err(|error| match error {
        CasesError::File { diagnostics } => {
            CommandError::new(ExitCode::PolicyInvalid, format!("the cases `{name}` cannot be run"))
                .with_diagnostics(diagnostics.into_iter().map(|fault| diagnostic(fault, &name, &text)))
        }
        CasesError::Policy { source } => invalid(source, &format!("of the cases {name}"), ""),
    })
}

fn write_outcome(outcome: &Outcome, screen: &Screen, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    match &outcome.failure {
        None => writeln!(out, "{} {}", screen.paint(Ink::Hint, "ok    "), plain(&outcome.name)),
        Some(failure) => {
            writeln!(out, "{} {}", screen.paint(Ink::Error, "failed"), plain(&outcome.name))?;
            failure.to_string().lines().try_for_each(|line| writeln!(out, "  {}", plain(line)))
        }
    }
}

fn explain(path: Option<&Path>, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(path)?;
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| {
        for line in explain::policy(&rulebook.rules) {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            for (index, part) in
                wrap(&plain(text), screen.width.saturating_sub(indent + 2)).iter().enumerate()
            {
                let hang = if index == 0 { 0 } else { 2 };
                writeln!(out, "{}{part}", " ".repeat(indent + hang))?;
            }
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

fn schema() -> Result<ExitCode, CommandError> {
    let schema = lazaret_policy::json_schema();
    Output::open(None)?.write(|out| writeln!(out, "{schema:#}"))?;
    Ok(ExitCode::Success)
}
