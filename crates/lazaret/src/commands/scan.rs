//! `lazaret scan`: a verdict for every line of repositories or folders.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lazaret_core::Verdict;
use lazaret_evidence::Detectors;
use lazaret_pipeline::known::{AddRepositoryError, KnownText, SegmentBuilder, add_repository};
use lazaret_pipeline::{
    MarkedCommit, Measure, Report, ScanOutcome, ScanRequest, bundle_metadata, scan, write_bundle,
};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::commands::index::{known_error, unread};
use crate::exit::ExitCode;
use crate::fail_on::FailOn;
use crate::history::HistoryArgs;
use crate::house::{Asked, HoldingsArgs};
use crate::output::{NewFile, Output};
use crate::progress::Progress;
use crate::proofs::ProofArgs;
use crate::report::{Findings, html, json, sarif, write_human};
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain};

/// Arguments of `lazaret scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Repositories or folders
    #[arg(value_name = "REPO|DIR", required = true)]
    roots: Vec<PathBuf>,
    /// The revision whose lines to judge
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// Read marks of all branches and tags, not only of the revision's history
    #[arg(long)]
    all_refs: bool,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: ScanFormat,
    /// List marked commits instead of lines; takes `--format jsonl`
    #[arg(long)]
    commits: bool,
    /// Write to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write every line with its evidence as Parquet as well
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The best verdict to fail on
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "tainted")]
    fail_on: FailOn,
    /// Hold every file against the index of known text in this folder; may be given more than once
    #[arg(long = "index", value_name = "DIR")]
    index: Vec<PathBuf>,
    /// Hold every file against what tools wrote in the repositories named: by default where there are several
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    copies: Copies,
    #[command(flatten)]
    held: HoldingsArgs,
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    history: HistoryArgs,
}

/// Whether to follow copies from one repository to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Copies {
    /// Where several are named
    Auto,
    /// Within one repository too
    Always,
    /// Not at all
    Never,
}

/// How to write a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScanFormat {
    /// A summary for people
    Human,
    /// The whole report, one line for each repository or folder
    Json,
    /// One object a line: the report's figures, then evidence, then files
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// A page for the browser, in one file that needs no network
    Html,
}

/// Runs the command.
pub(crate) fn run(args: &ScanArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    check_usage(args)?;
    let asked = args.held.ask(global)?;
    let rulebook = Asked::rulebook(asked.as_ref(), args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let holdings = asked.as_ref().map(|asked| &asked.holdings);
    let brought = args.proofs.read()?;
    let measure = Measure {
        rules: &rulebook.rules,
        detectors: &detectors,
        brought: brought.as_ref(),
        now: global.now(),
        holdings,
    };
    let screen = Screen::stderr(global.color);
    let known = known_text(args, measure, &screen, global)?;
    let mut exit = ExitCode::Success;
    let mut reports = Vec::new();
    let mut commits = Vec::new();
    for root in &args.roots {
        let progress = Progress::start(&format!("scanning {}", root.display()), &screen, global.quiet);
        let outcome = scan_root(root, args, measure, known.as_ref());
        drop(progress);
        match outcome {
            Ok(outcome) => {
                exit = exit.and(exit_of(&outcome.report, args.fail_on));
                write_bundle_of(&outcome, args)?;
                if let Some(note) = outcome.index_note.filter(|_| !global.quiet) {
                    speech::warning(&note, &screen);
                }
                reports.push(outcome.report);
                commits.extend(outcome.marked_commits);
            }
            // With several origins, one that fails does not hide the others; the exit code remembers it.
            Err(error) if args.roots.len() > 1 => {
                exit = exit.and(error.exit());
                speech::error(&error, &screen);
            }
            Err(error) => return Err(error),
        }
    }
    if reports.is_empty() {
        return Ok(exit);
    }
    let findings = Findings { reports: &reports, policy_name: rulebook.policy_name() };
    write(findings, &commits, args, global)?;
    for report in &reports {
        warn(report, args, global, &screen);
    }
    Ok(exit)
}

/// Refuses what clap cannot see: combinations that would leave something out.
fn check_usage(args: &ScanArgs) -> Result<(), CommandError> {
    let usage = |message: &str| CommandError::new(ExitCode::Usage, message);
    if args.commits && args.format != ScanFormat::Jsonl {
        return Err(usage("`--commits` lists one object a line").hint("add `--format jsonl`"));
    }
    if args.roots.len() > 1 && args.format == ScanFormat::Html {
        return Err(usage("a page shows one repository or folder")
            .hint("scan them one by one, or take `--format human` for a summary of all"));
    }
    if args.roots.len() > 1 && args.bundle.is_some() {
        return Err(usage("a bundle holds one repository or folder").hint("scan them one by one"));
    }
    Ok(())
}

/// Opens the indexes named, and adds what tools wrote in the repositories named where copies are followed.
fn known_text(
    args: &ScanArgs,
    measure: Measure<'_>,
    screen: &Screen,
    global: &GlobalArgs,
) -> Result<Option<KnownText>, CommandError> {
    let follows = match args.copies {
        Copies::Auto => args.roots.len() > 1,
        Copies::Always => true,
        Copies::Never => false,
    };
    if !follows && args.index.is_empty() {
        return Ok(None);
    }
    let mut known = KnownText::open(&args.index).map_err(known_error)?;
    if follows {
        let mut builder = SegmentBuilder::new();
        for root in &args.roots {
            let message = format!("looking for what tools wrote in {}", root.display());
            let _progress = Progress::start(&message, screen, global.quiet);
            let cache_dir = args.history.cache_dir();
            let request = request(root, args, measure, None, cache_dir.as_deref());
            let warning = match add_repository(&mut builder, &request) {
                Ok(added) => unread(root, &added),
                // A root that cannot be read, or has no history, is spoken of when it is scanned.
                Err(AddRepositoryError::Scan(_)) => None,
                Err(AddRepositoryError::Build(error)) => {
                    return Err(CommandError::from_error(ExitCode::Failure, error));
                }
            };
            if let Some(warning) = warning.filter(|_| !global.quiet) {
                speech::warning(&warning, screen);
            }
        }
        known.add(builder).map_err(known_error)?;
    }
    Ok(Some(known))
}

fn request<'a>(
    root: &'a Path,
    args: &'a ScanArgs,
    measure: Measure<'a>,
    known: Option<&'a KnownText>,
    cache_dir: Option<&'a Path>,
) -> ScanRequest<'a> {
    ScanRequest {
        root,
        rev: &args.rev,
        all_refs: args.all_refs,
        measure,
        n_threads: args.history.n_threads(),
        cache_dir,
        bundle: args.bundle.is_some(),
        known,
    }
}

fn scan_root(
    root: &Path,
    args: &ScanArgs,
    measure: Measure<'_>,
    known: Option<&KnownText>,
) -> Result<ScanOutcome, CommandError> {
    let cache_dir = args.history.cache_dir();
    scan(&request(root, args, measure, known, cache_dir.as_deref())).map_err(scan_error)
}

fn write_bundle_of(outcome: &ScanOutcome, args: &ScanArgs) -> Result<(), CommandError> {
    let Some(path) = &args.bundle else {
        return Ok(());
    };
    let metadata = bundle_metadata(&outcome.report);
    NewFile::create(path)?.write(|out| write_bundle(out, &outcome.bundle, &metadata))
}

/// Returns the exit code for one report. The worst verdict of any file counts, with or without lines.
fn exit_of(report: &Report, fail_on: FailOn) -> ExitCode {
    let worst = report.files.iter().map(|file| file.verdict).max();
    worst.map_or(ExitCode::NothingExamined, |worst: Verdict| fail_on.exit(worst))
}

fn write(
    findings: Findings<'_>,
    commits: &[MarkedCommit],
    args: &ScanArgs,
    global: &GlobalArgs,
) -> Result<(), CommandError> {
    let output = Output::open(args.output.as_deref())?;
    let screen = if args.output.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    output.write(|out| match (args.format, findings.reports) {
        (ScanFormat::Human, _) => write_human(findings, &screen, out),
        (ScanFormat::Json, reports) => json::write_whole(reports, out),
        (ScanFormat::Jsonl, _) if args.commits => json::write_commits(commits, out),
        (ScanFormat::Jsonl, reports) => json::write_lines(reports, out),
        (ScanFormat::Sarif, reports) => sarif::write(reports, out),
        (ScanFormat::Html, reports) => {
            reports.iter().try_for_each(|report| html::write(report, findings.policy_name, out))
        }
    })
}

/// Says on standard error what the chosen format does not show at once: origins without content, gaps, what was left out.
fn warn(report: &Report, args: &ScanArgs, global: &GlobalArgs, screen: &Screen) {
    let path = plain(&report.origin.path);
    if report.files.is_empty() {
        let error = CommandError::new(ExitCode::NothingExamined, format!("nothing to examine in `{path}`"))
            .hint("name a repository with commits, a folder with files, or another revision with `--rev`");
        speech::error(&error, screen);
    }
    if global.quiet || args.format == ScanFormat::Human {
        return;
    }
    let gaps: u64 = report.warnings.iter().map(|warning| warning.count).sum();
    if gaps > 0 {
        let (things, stay) = (count(gaps, "thing", "things"), if gaps == 1 { "stays" } else { "stay" });
        speech::warning(&format!("{things} in `{path}` could not be examined and {stay} unproven"), screen);
    }
    let left_out =
        if args.format == ScanFormat::Sarif { sarif::left_out(std::slice::from_ref(report)) } else { 0 };
    if left_out > 0 {
        let results = count(left_out as u64, "result", "results");
        speech::warning(
            &format!("{results} of `{path}` left out of the SARIF log; `--format json` has all of them"),
            screen,
        );
    }
}
