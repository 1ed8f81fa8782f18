//! `lazaret export`: training records from a repository, admissible content only.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_evidence::Detectors;
use lazaret_pipeline::Measure;
use lazaret_pipeline::export::{
    ExportError, ExportFormat, ExportReport, ExportRequest, RecordsBy, SHARD_BYTES, export,
};
use lazaret_pipeline::gate::Destination;
use lazaret_pipeline::known::KnownText;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::commands::gate::{ReportFormat, SOMEBODY, exit_of, failures, input};
use crate::commands::index::known_error;
use crate::commands::key::read_secret;
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::json::write_line;
use crate::rulebook::Rulebook;
use crate::screen::Screen;

mod human;

/// Arguments of `lazaret export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The repository
    #[arg(value_name = "REPO")]
    root: PathBuf,
    /// The revision whose files become records
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// Read marks of all branches and tags, not only of the revision's history
    #[arg(long)]
    all_refs: bool,
    /// What a record is made of
    #[arg(long, value_enum, default_value = "file")]
    by: By,
    /// The class of data set that admitted records are for, as the policy names it
    #[arg(long, value_name = "CLASS", default_value = "training")]
    class: String,
    /// The policy to judge by; the built-in one bans every listed tool and trusts nothing
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Hold every file and record against the index of known text in this folder; may be given more than once
    #[arg(long = "index", value_name = "DIR")]
    index: Vec<PathBuf>,
    /// The repository's name in the records; the last two parts of its path by default
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// The folder or address to write to; a run that was interrupted goes on there
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<String>,
    /// The secret key that signs receipts, as `lazaret key create` made it
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    key: Option<PathBuf>,
    /// Who runs the export: an address that receipts name
    #[arg(long, value_name = "URI", default_value = SOMEBODY)]
    verifier: String,
    /// Judge everything and write nothing
    #[arg(long, conflicts_with_all = ["out", "key"])]
    dry_run: bool,
    /// How to write the records
    #[arg(long, value_enum, default_value = "parquet")]
    shard_format: ShardFormat,
    /// About how many bytes of text a shard holds before anything is held back
    #[arg(long, value_name = "BYTES", default_value_t = SHARD_BYTES_DEFAULT)]
    shard_bytes: NonZeroU64,
    /// Leave out the columns that say what is held of each record
    #[arg(long)]
    no_verdict_columns: bool,
    /// Count the tokens that holding records, and cutting out functions, statements or lines, would keep
    #[arg(long)]
    retention: bool,
    /// How to write the report
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
    /// Write the report to a file, which appears only when it is whole, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
}

const SHARD_BYTES_DEFAULT: NonZeroU64 = NonZeroU64::new(SHARD_BYTES).unwrap();

/// What a record is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// A file
    File,
    /// A function, type or other item at the top of a file, with what stands directly above it
    Unit,
}

/// How to write records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShardFormat {
    /// Parquet
    Parquet,
    /// One JSON object a line, compressed with Zstandard
    #[value(name = "jsonl.zst")]
    JsonLinesZstd,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let rulebook = Rulebook::load(args.policy.as_deref())?;
    let detectors = Detectors::new(&rulebook.catalog);
    let known = match args.index.as_slice() {
        [] => None,
        folders => Some(KnownText::open(folders).map_err(known_error)?),
    };
    let key = args.key.as_deref().map(read_secret).transpose()?;
    let out = args.out.as_deref().map(input::place).transpose()?;
    let to = out.as_ref().zip(key.as_ref()).map(|(place, key)| Destination {
        place,
        key,
        verifier: &args.verifier,
        verdict_columns: !args.no_verdict_columns,
        attributes: false,
    });
    let cache_dir = args.history.cache_dir();
    let request = ExportRequest {
        root: &args.root,
        rev: &args.rev,
        all_refs: args.all_refs,
        measure: Measure { rules: &rulebook.rules, detectors: &detectors, now: global.now() },
        n_threads: args.history.n_threads(),
        cache_dir: cache_dir.as_deref(),
        known: known.as_ref(),
        repository: args.repository.as_deref(),
        class: &args.class,
        by: match args.by {
            By::File => RecordsBy::File,
            By::Unit => RecordsBy::Unit,
        },
        format: match args.shard_format {
            ShardFormat::Parquet => ExportFormat::Parquet,
            ShardFormat::JsonLinesZstd => ExportFormat::JsonLinesZstd,
        },
        shard_bytes: args.shard_bytes.get(),
        counts_retention: args.retention,
        to,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start(&format!("exporting {}", args.root.display()), &screen, global.quiet);
    let report = export(&request);
    drop(progress);
    let report = report.map_err(export_error)?;
    write_report(&report, args, global)?;
    failures::say(&report.gate, "give the same command again: what has a receipt is left alone", &screen);
    Ok(if report.is_whole() { exit_of(&report.gate) } else { ExitCode::Failure })
}

fn write_report(report: &ExportReport, args: &ExportArgs, global: &GlobalArgs) -> Result<(), CommandError> {
    let screen = if args.output.is_some() { Screen::file() } else { Screen::stdout(global.color) };
    Output::open(args.output.as_deref())?.write(|out| match args.format {
        ReportFormat::Human => human::write(report, &screen, out),
        ReportFormat::Json => write_line(report, out),
    })
}

fn export_error(error: ExportError) -> CommandError {
    if let ExportError::Scan(error) = error {
        return scan_error(error);
    }
    let is_no_repository = matches!(error, ExportError::Open { .. });
    let error = CommandError::from_error(ExitCode::Failure, error);
    if is_no_repository { error.hint("name a git repository, bare or with a work tree") } else { error }
}
