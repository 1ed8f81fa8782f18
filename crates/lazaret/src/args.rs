//! The command line as a whole: the commands, and the options that all of them share.

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use crate::commands::{
    attest, blame, case, catalog, check, collect, egress, exempt, export, gate, generate, hold, index, key,
    ledger, motion, people, policy, remove, scan, store, suggest,
};
use crate::exit::ExitCode;
use crate::screen::ColorChoice;

/// Find out which lines of a repository rival AI tools wrote, and prove the rest clean
///
/// Every line starts out unproven. Marks of a banned tool taint it; accepted proof of origin makes it clean; the absence
/// of marks proves nothing. Works offline, changes no repository but by a branch that `remove` is asked for, and says what
/// it could not examine.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, after_long_help = exit_codes(), max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Options of all commands.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Shared options")]
    pub(crate) quiet: bool,
    /// When to colour; a set `NO_COLOR` means never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Shared options")]
    pub(crate) color: ColorChoice,
    /// The time to judge by instead of the clock's
    #[arg(long, global = true, value_name = "TIMESTAMP", hide = true)]
    now: Option<Timestamp>,
}

impl GlobalArgs {
    /// Returns the time to judge by: the only clock that the program reads.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge every line of repositories or folders
    Scan(scan::ScanArgs),
    /// Show who wrote each line of a file, with verdict and tool
    Blame(blame::BlameArgs),
    /// Judge a change before it enters: for hooks and CI
    Check(check::CheckArgs),
    /// Make training records of a repository's admissible content
    ///
    /// The repository is scanned, its files become records, and each is admitted or held as `lazaret gate` does it, with
    /// the same receipts. What cannot be a record, such as binary content, is counted and named.
    Export(Box<export::ExportArgs>),
    /// Admit or hold the records of shards, and prove what was admitted
    ///
    /// Every record is examined and accounted for. What is proven clean, or what the policy admits for other reasons, is
    /// written again in the format it came in, with a signed receipt; everything else is held, with the reasons.
    Gate(Box<gate::GateArgs>),
    /// Take what a tool wrote out of a repository, and show that it is gone
    ///
    /// Writes a branch with one commit on top of the revision, or a patch, and scans the result. Neither the history
    /// nor the work tree nor any other branch changes.
    Remove(Box<remove::RemoveArgs>),
    /// Keep known text, such as the output of tools, as fingerprints
    Index(index::IndexArgs),
    /// Take session logs of coding agents into the index
    ///
    /// Agents delete their logs, some after thirty days. What they wrote is kept as hashes; prompts, answers and
    /// the text itself are not.
    Collect(collect::CollectArgs),
    /// Make a store of people, cases and exemptions, and look after it
    Store(store::StoreCommandArgs),
    /// Put what was found where nobody trains on it by accident
    Hold(hold::HoldArgs),
    /// Give back a held content whose case was decided so
    Release(hold::ReleaseArgs),
    /// Publish, prove and verify what was done
    Ledger(ledger::LedgerArgs),
    /// Say who works with a store, and in which roles
    People(people::PeopleArgs),
    /// Second what another has proposed: people, roles, policies
    Motion(motion::MotionArgs),
    /// Look at what is held, and decide about it together
    Case(Box<case::CaseArgs>),
    /// Ask for leave to use a banned tool, and grant it
    Exempt(Box<exempt::ExemptArgs>),
    /// See and stop calls to banned services
    Egress(egress::EgressArgs),
    /// Say what people would have to answer for or read, so that a revision may be admitted
    Suggest(Box<suggest::SuggestArgs>),
    /// Sign what you wrote without AI tools, or what an in-house tool wrote
    Attest(attest::AttestArgs),
    /// Make and show keys: for signing, and for the vault
    Key(key::KeyArgs),
    /// Check, test and explain policies
    Policy(policy::PolicyArgs),
    /// Look up tools, providers, models and endpoints
    Catalog(catalog::CatalogArgs),
    /// Write man pages and shell completions
    Generate(generate::GenerateArgs),
}

/// Returns the table of exit codes for the help page, from the enum itself.
fn exit_codes() -> String {
    let rows = ExitCode::ALL.map(|code| format!("  {:>2}  {}", code.number(), code.meaning()));
    format!("Exit codes:\n{}", rows.join("\n"))
}
