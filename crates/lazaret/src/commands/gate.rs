//! `lazaret gate`: admits or holds the records of shards, and verifies what was admitted.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use clap::{Args, Subcommand, ValueEnum};
use lazaret_core::Evidence;
use lazaret_evidence::Detectors;
use lazaret_pipeline::Measure;
use lazaret_pipeline::gate::{
    Bundles, Destination, GateError, GateReport, GateRequest, LeftOut, ShardState, Snapshot, VerifyReport,
    VerifyRequest, gate, verify,
};
use lazaret_shard::{BUILT_IN, Profile, Step};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_trusted;
use crate::exit::ExitCode;
use crate::house::Asked;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::json::write_line;
use crate::screen::Screen;
use crate::speech;

pub(super) mod admission;
pub(super) mod failures;
pub(super) mod human;
pub(super) mod input;

use admission::{AdmissionArgs, ReportFormat};

/// What to do about a shard that failed.
const MEND: &str = "mend it and give the same command again, which leaves alone what has a receipt; or leave it out, and name a new place";

/// Arguments of `lazaret gate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct GateArgs {
    #[command(subcommand)]
    command: Option<GateCommand>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum GateCommand {
    /// Hold shards against the receipts of a gate: the step right before tokenising
    Verify(VerifyArgs),
    /// List the profiles that come with the program, or print one to start from
    Profile {
        /// The profile to print
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// What to gate and how.
#[derive(Debug, Args)]
struct RunArgs {
    /// Shards or folders of shards; `s3://`, `gs://` and `az://` addresses too
    #[arg(value_name = "SHARD|DIR", required = true)]
    inputs: Vec<String>,
    /// Which column means what: a profile by name, or a file
    #[arg(long, value_name = "NAME|FILE", required = true)]
    profile: Option<String>,
    /// The data set's name, as the policy's patterns match it: `dataset:NAME/SHARD`
    #[arg(long, value_name = "NAME", required = true)]
    dataset: Option<String>,
    /// What an earlier scan knows, as `lazaret scan --bundle` wrote it; may be given more than once
    #[arg(long = "bundle", value_name = "FILE")]
    bundles: Vec<PathBuf>,
    /// What the data set says of itself, such as its README; may be given more than once
    #[arg(long = "card", value_name = "FILE")]
    cards: Vec<PathBuf>,
    /// Do not look for this kind of evidence, and admit what is clean alone; receipts say so
    #[arg(long = "leave-out", value_name = "EVIDENCE", value_enum)]
    left_out: Option<LeaveOut>,
    /// Write what is held of each admitted record as further columns
    #[arg(long)]
    verdict_columns: bool,
    /// Write Dolma's attributes for the shards that were read: `lazaret__admit` on what is admitted
    #[arg(long)]
    dolma_attributes: bool,
    /// Gate only this part of the shards, counted from 0
    #[arg(long, value_name = "I", default_value_t = 0, requires = "num_parts")]
    part: usize,
    /// In how many parts the shards are gated
    #[arg(long, value_name = "N", default_value = "1")]
    num_parts: NonZeroUsize,
    /// How many threads to use; one for each processor by default
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    admission: AdmissionArgs,
}

/// What to verify.
#[derive(Debug, Args)]
struct VerifyArgs {
    /// What a gate wrote, or the shards that are about to be used
    #[arg(value_name = "DIR")]
    place: String,
    /// What the gate wrote, where the shards lie elsewhere
    #[arg(long, value_name = "DIR")]
    gate: Option<String>,
    /// Public keys whose signatures count; may be given more than once
    #[arg(long = "trust", value_name = "FILE", required = true)]
    trusted: Vec<PathBuf>,
    /// The shards were split, merged or shuffled since: every record must have been admitted, whichever shard holds it
    #[arg(long)]
    resharded: bool,
    /// How to write the report
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
}

/// Kinds of evidence that may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LeaveOut {
    /// Marks in the text of records: what tools say of themselves there
    Marks,
}

impl LeaveOut {
    fn kinds(self) -> &'static [LeftOut] {
        match self {
            Self::Marks => &[LeftOut::Marks],
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &GateArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        Some(GateCommand::Verify(args)) => run_verify(args, global),
        Some(GateCommand::Profile { name }) => show_profile(name.as_deref()),
        None => run_gate(&args.run, global),
    }
}

fn run_gate(args: &RunArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let screen = Screen::stderr(global.color);
    let (profile, profile_text) = read_profile(args.profile.as_deref().unwrap_or_default())?;
    let inputs = input::shards_of(&args.inputs)?;
    for other in inputs.not_read.iter().filter(|_| !global.quiet) {
        speech::warning(&format!("`{other}` is no shard, so it was not read and goes no further"), &screen);
    }
    let left_out = args.left_out.map(LeaveOut::kinds).unwrap_or_default();
    if !left_out.is_empty() {
        let kinds: Vec<&str> = left_out.iter().map(|kind| kind.as_str()).collect();
        speech::warning(&not_looked_for(&kinds), &screen);
    }
    let admission = &args.admission;
    let asked = admission.held.ask(global)?;
    let rulebook = Asked::rulebook(asked.as_ref(), admission.policy.as_deref())?;
    let holdings = asked.as_ref().map(|asked| &asked.holdings);
    let detectors = Detectors::new(&rulebook.catalog);
    let brought = args.admission.proofs.read()?;
    let bundles =
        Bundles::read(&args.bundles).map_err(|error| CommandError::from_error(ExitCode::Failure, error))?;
    let known = admission.known()?;
    let declared = declared(&args.cards, &inputs.cards, &detectors)?;
    let signed = admission.signed_place()?;
    let to = signed.as_ref().map(|(place, key)| Destination {
        place,
        key,
        verifier: &admission.verifier,
        verdict_columns: args.verdict_columns,
        attributes: args.dolma_attributes,
    });
    let request = GateRequest {
        shards: &inputs.shards,
        part: (args.part, args.num_parts.get()),
        profile: &profile,
        profile_text: &profile_text,
        snapshot: Snapshot {
            measure: Measure {
                rules: &rulebook.rules,
                detectors: &detectors,
                brought: brought.as_ref(),
                now: global.now(),
                holdings,
            },
            class: &admission.class,
            dataset: args.dataset.as_deref().unwrap_or_default(),
            bundles: &bundles,
            known: known.as_ref(),
            declared: &declared,
            text_is_whole: !profile.columns.text.steps.contains(&Step::Each),
            counts_retention: admission.retention,
            left_out,
        },
        beside: &inputs.beside,
        to,
        n_threads: args.threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get),
    };
    let progress = Progress::start("gating", &screen, global.quiet);
    let report = gate(&request);
    drop(progress);
    let report = report.map_err(gate_error)?;
    admission.write_report(&report, global, human::write)?;
    failures::say(&report, MEND, &screen);
    Ok(exit_of(&report))
}

/// Says what a verdict of this run does not rest on.
fn not_looked_for(kinds: &[&str]) -> String {
    format!(
        "`--leave-out`: {} in the text are not looked for, so what bears them passes if proof covers it",
        kinds.join(", ")
    )
}

/// Returns a gate's error for people.
pub(super) fn gate_error(error: GateError) -> CommandError {
    let exit = match &error {
        GateError::NoShards => ExitCode::NothingExamined,
        GateError::NoSuchPart { .. } | GateError::SameName { .. } | GateError::Misfit(_) => ExitCode::Usage,
        GateError::LoaderFile(_) | GateError::Settings(_) | GateError::Documents(_) => ExitCode::Failure,
    };
    let hint =
        if let GateError::Misfit(misfit) = &error { Some(fitting_hint(&misfit.fitting)) } else { None };
    let error = CommandError::from_error(exit, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn fitting_hint(fitting: &[&str]) -> String {
    let own = "write one of your own, as docs/reference/profiles.md tells; nothing was written";
    if fitting.is_empty() {
        return format!("no profile that comes with the program fits it: {own}");
    }
    let names: Vec<String> = fitting.iter().map(|name| format!("`{name}`")).collect();
    format!("name a profile that fits it, such as {}, or {own}", names.join(", "))
}

/// Exits with success only if everything that was read was examined, and something was.
pub(super) fn exit_of(report: &GateReport) -> ExitCode {
    let failed = report.shards.iter().any(|shard| shard.state == ShardState::Failed);
    if failed || report.records.rejected > 0 {
        ExitCode::Failure
    } else if report.records.read == 0 {
        ExitCode::NothingExamined
    } else {
        ExitCode::Success
    }
}

/// Reads a profile by its name, or from a file.
fn read_profile(name: &str) -> Result<(Profile, String), CommandError> {
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    let text = match built_in {
        Some(text) => text,
        None => fs::read_to_string(name).map_err(|error| {
            let known: Vec<&str> = BUILT_IN.iter().map(|(known, _)| *known).collect();
            CommandError::new(ExitCode::Usage, format!("there is no profile `{name}`"))
                .because(error)
                .hint(format!("name a file, or one of {}", known.join(", ")))
        })?,
    };
    let profile = Profile::parse(&text).map_err(|error| {
        CommandError::from_error(ExitCode::Usage, error).hint("docs/reference/profiles.md tells of every key")
    })?;
    Ok((profile, text))
}

/// Reads what the data set says of itself.
fn declared(
    named: &[PathBuf],
    found: &[String],
    detectors: &Detectors,
) -> Result<Vec<Evidence>, CommandError> {
    let mut declared: Vec<Evidence> = found.iter().flat_map(|text| detectors.card(text)).collect();
    for path in named {
        let text = fs::read(path).map_err(|error| cannot_read(path).because(error))?;
        declared.extend(detectors.card(&String::from_utf8_lossy(&text)));
    }
    declared.sort_unstable();
    declared.dedup();
    Ok(declared)
}

fn show_profile(name: Option<&str>) -> Result<ExitCode, CommandError> {
    let text = match name {
        Some(name) => read_profile(name)?.1,
        None => BUILT_IN.iter().map(|(name, _)| format!("{name}\n")).collect(),
    };
    Output::open(None)?.write(|out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::Success)
}

fn run_verify(args: &VerifyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let trusted = read_trusted(&args.trusted)?;
    let place = input::place(&args.place)?;
    let gate = args.gate.as_deref().map(input::place).transpose()?;
    let request = VerifyRequest {
        shards: gate.as_ref().map(|_| &place),
        gate: gate.as_ref().unwrap_or(&place),
        trusted: &trusted,
        resharded: args.resharded,
    };
    let screen = Screen::stderr(global.color);
    let progress = Progress::start("verifying", &screen, global.quiet);
    let report = verify(&request);
    drop(progress);
    let report = report.map_err(|error| {
        CommandError::from_error(ExitCode::LedgerInvalid, error).hint(
            "name the folder that `lazaret gate --out` wrote, with `--gate` where the shards lie elsewhere",
        )
    })?;
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match args.format {
        ReportFormat::Human => human::write_verify(&report, &screen, out),
        ReportFormat::Json => write_line(&report, out),
    })?;
    Ok(verified(&report))
}

fn verified(report: &VerifyReport) -> ExitCode {
    if report.holds() {
        ExitCode::Success
    } else if report.faults.is_empty() {
        ExitCode::NothingExamined
    } else {
        ExitCode::LedgerInvalid
    }
}

fn cannot_read(path: &Path) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("cannot read `{}`", path.display()))
}
