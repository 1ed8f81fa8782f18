//! `lazaret export`: training records from a repository, admissible content only.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lazaret_evidence::Detectors;
use lazaret_pipeline::Measure;
use lazaret_pipeline::export::{ExportError, ExportFormat, ExportRequest, RecordsBy, SHARD_BYTES, export};
use lazaret_pipeline::gate::Destination;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::command_error::workflow::scan_error;
use crate::commands::gate::admission::AdmissionArgs;
use crate::commands::gate::{exit_of, failures};
use crate::exit::ExitCode;
use crate::history::HistoryArgs;
use crate::house::Asked;
use crate::progress::Progress;
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
    /// The repository's name in the records; the last two parts of its path by default
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// How to write the records
    #[arg(long, value_enum, default_value = "parquet")]
    shard_format: ShardFormat,
    /// About how many bytes of text a shard holds before anything is held back
    #[arg(long, value_name = "BYTES", default_value_t = SHARD_BYTES_DEFAULT)]
    shard_bytes: NonZeroU64,
    /// Leave out the columns that say what is held of each record
    #[arg(long)]
    no_verdict_columns: bool,
    #[command(flatten)]
    admission: AdmissionArgs,
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
    let admission = &args.admission;
    let asked = admission.held.ask(global)?;
    let rulebook = Asked::rulebook(asked.as_ref(), admission.policy.as_deref())?;
    let holdings = asked.as_ref().map(|asked| &asked.holdings);
    let detectors = Detectors::new(&rulebook.catalog);
    let brought = args.admission.proofs.read()?;
    let known = admission.known()?;
    let signed = admission.signed_place()?;
    let to = signed.as_ref().map(|(place, key)| Destination {
        place,
        key,
        verifier: &admission.verifier,
        verdict_columns: !args.no_verdict_columns,
        attributes: false,
    });
    let cache_dir = args.history.cache_dir();
    let request = ExportRequest {
        root: &args.root,
        rev: &args.rev,
        all_refs: args.all_refs,
        measure: Measure {
            rules: &rulebook.rules,
            detectors: &detectors,
            brought: brought.as_ref(),
            now: global.now(),
            holdings,
        },
        n_threads: args.history.n_threads(),
        cache_dir: cache_dir.as_deref(),
        known: known.as_ref(),
        repository: args.repository.as_deref(),
        class: &admission.class,
        by: match args.by {
            By::File => RecordsBy::File,
            By::Unit => RecordsBy::Unit,
        },
        format: match args.shard_format {
            ShardFormat::Parquet => ExportFormat::Parquet,
            ShardFormat::JsonLinesZstd => ExportFormat::JsonLinesZstd,
        },
        shard_bytes: args.shard_bytes.get(),
        counts_retention: admission.retention,
        to,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start(&format!("exporting {}", args.root.display()), &screen, global.quiet);
    let report = export(&request);
    drop(progress);
    let report = report.map_err(export_error)?;
    admission.write_report(&report, global, human::write)?;
    failures::say(&report.gate, "give the same command again: what has a receipt is left alone", &screen);
    Ok(if report.is_whole() { exit_of(&report.gate) } else { ExitCode::Failure })
}

fn export_error(error: ExportError) -> CommandError {
    if let ExportError::Scan(error) = error {
        return scan_error(error);
    }
    let is_no_repository = matches!(error, ExportError::Open { .. });
    let error = CommandError::from_error(ExitCode::Failure, error);
    if is_no_repository { error.hint("name a git repository, bare or with a work tree") } else { error }
}
