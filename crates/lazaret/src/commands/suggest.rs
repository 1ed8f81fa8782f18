//! `lazaret suggest`: what people would have to answer for or read, so that a revision may be admitted.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lazaret_evidence::Detectors;
use lazaret_pipeline::suggest::{
    FileLines, ReviewSuggestion, SuggestError, SuggestRequest, Suggestions, suggest,
};
use lazaret_pipeline::{Measure, ScanRequest};

use super::gate::admission::ReportFormat;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::proofs::ProofArgs;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::text::{count, plain};

/// How many files of one kind are shown to people.
const SHOWN_MAX: usize = 10;

/// Arguments of `lazaret suggest`.
#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    /// The repository
    #[arg(value_name = "REPO")]
    root: PathBuf,
    /// The revision that is to be admitted
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// The class of data set that it is meant for, as the policy names it
    #[arg(long, value_name = "CLASS", default_value = "training")]
    class: String,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to write the suggestions; people are shown the largest, JSON has all
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    /// Write to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    proofs: ProofArgs,
    #[command(flatten)]
    history: HistoryArgs,
}

/// Runs the command.
pub(crate) fn run(args: &SuggestArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let brought = args.proofs.read()?;
    let cache_dir = args.history.cache_dir();
    let measure = Measure {
        rules: &rulebook.rules,
        detectors: &detectors,
        brought: brought.as_ref(),
        now: global.now(),
        holdings: None,
    };
    let request = SuggestRequest {
        scan: ScanRequest {
            root: &args.root,
            rev: &args.rev,
            all_refs: false,
            measure,
            n_threads: args.history.n_threads(),
            cache_dir: cache_dir.as_deref(),
            bundle: true,
            known: None,
        },
        class: &args.class,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start(&format!("scanning {}", args.root.display()), &screen, global.quiet);
    let suggestions = suggest(&request);
    drop(progress);
    let suggestions = suggestions.map_err(|error| match error {
        SuggestError::Scan(error) => scan_error(error),
        error @ SuggestError::Open { .. } => CommandError::from_error(ExitCode::Failure, error)
            .hint("name a repository: without a history nobody can be asked"),
    })?;
    let output = Output::open(args.output.as_deref())?;
    output.write(|out| match args.format {
        ReportFormat::Human => human(&suggestions, out),
        ReportFormat::Json => write_line(&suggestions, out),
    })?;
    let is_empty = suggestions.backlog.lines == 0 && suggestions.unexamined.is_empty();
    Ok(if is_empty { ExitCode::NothingExamined } else { ExitCode::Success })
}

/// Writes suggestions for people: the largest of each kind.
fn human(suggestions: &Suggestions, out: &mut dyn Write) -> io::Result<()> {
    let backlog = &suggestions.backlog;
    let lines = |n: u64| count(n, "line", "lines");
    writeln!(
        out,
        "{} of {} admitted to `{}`",
        backlog.admitted,
        lines(backlog.lines),
        plain(&suggestions.class)
    )?;
    if let Some(dated) = &suggestions.dated {
        let n_files = count(dated.files.len() as u64, "file", "files");
        writeln!(
            out,
            "\na set of hashes from before {} could prove {} in {n_files}, by what their commits claim:",
            dated.before,
            lines(dated.lines)
        )?;
        write_files(&dated.files, out)?;
    }
    if !suggestions.attest.is_empty() {
        writeln!(out, "\nauthors could attest to {}:", lines(backlog.attest))?;
    }
    for owner in &suggestions.attest {
        let commits = count(owner.commits, "commit", "commits");
        writeln!(out, "  {}: {} from {commits}", plain(&owner.owner), lines(owner.lines))?;
        write_files(&owner.files, out)?;
    }
    if !suggestions.review.is_empty() {
        writeln!(out, "\ntwo people would have to read {}:", lines(backlog.review))?;
    }
    for review in suggestions.review.iter().take(SHOWN_MAX) {
        write_review(review, out)?;
    }
    write_more(suggestions.review.len(), out)?;
    if !suggestions.unexamined.is_empty() {
        let n_files = count(suggestions.unexamined.len() as u64, "file", "files");
        writeln!(out, "\n{n_files} could not be examined, and no statement helps:")?;
        for file in suggestions.unexamined.iter().take(SHOWN_MAX) {
            writeln!(out, "    {}: {}", plain(&file.path), file.gaps.join(", "))?;
        }
        write_more(suggestions.unexamined.len(), out)?;
    }
    writeln!(out, "\nestimated backlog: {}", lines(backlog.attest + backlog.review))
}

fn write_review(review: &ReviewSuggestion, out: &mut dyn Write) -> io::Result<()> {
    let lines = count(review.lines, "line", "lines");
    let (path, owner) = (plain(&review.path), plain(&review.owner));
    match review.from {
        Some(from) => {
            let (from, to) = (from.to_string(), review.blob.to_string());
            let short = |id: &str| id.chars().take(12).collect::<String>();
            writeln!(out, "    {path}: {lines} in the difference {}..{} ({owner})", short(&from), short(&to))
        }
        None => writeln!(out, "    {path}: {lines}, {} ({owner})", review.verdict),
    }
}

fn write_files(files: &[FileLines], out: &mut dyn Write) -> io::Result<()> {
    let mut largest: Vec<&FileLines> = files.iter().collect();
    largest.sort_by(|left, right| right.lines.cmp(&left.lines).then_with(|| left.path.cmp(&right.path)));
    for file in largest.iter().take(SHOWN_MAX) {
        writeln!(out, "    {}: {}", plain(&file.path), count(file.lines, "line", "lines"))?;
    }
    write_more(files.len(), out)
}

fn write_more(n_files: usize, out: &mut dyn Write) -> io::Result<()> {
    match n_files.checked_sub(SHOWN_MAX) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "    and {}", count(more as u64, "more", "more")),
    }
}
