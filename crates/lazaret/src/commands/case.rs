//! `lazaret case`: what is held and has to be decided, and what people decide about it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lazaret_store::{Act, CaseId};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, DocketFormat, StoreArgs, parse_number};

mod act;
mod delta;
mod list;
mod propose;
mod review;
mod show;

/// Arguments of `lazaret case`.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    #[command(subcommand)]
    command: CaseCommand,
}

#[derive(Debug, Subcommand)]
enum CaseCommand {
    /// List cases, those that are due first before the others
    ///
    /// Without `--status`, everything that is not decided.
    List(ListArgs),
    /// Show a case, its history, and who may do what next
    Show {
        /// The case, such as C12
        #[arg(value_name = "CASE")]
        case: String,
        /// How to write the sheet
        #[arg(long, value_enum, default_value = "human")]
        format: DocketFormat,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Work through the cases on a screen, by keys
    ///
    /// What waits for you comes first: the text with whose each line is, the evidence beside it, one key for each
    /// decision, then the next case. `?` tells the keys. Each reading of sealed text is an entry of the ledger, for the
    /// purpose that you state. Needs a terminal.
    Review(Box<review::ReviewArgs>),
    /// Claim cases: for seven days nobody else proposes how they end
    Claim(ManyArgs),
    /// Give claimed cases back
    Yield(ManyArgs),
    /// Propose how cases you have claimed are to end
    Propose(Box<ProposeArgs>),
    /// Agree with what is proposed
    ///
    /// Where a case is to be cleared as a change of what was cleared, the lines that changed are counted again, which
    /// takes `--identity`.
    Agree(AgreeArgs),
    /// Show what changed in a held content since another one, line by line
    ///
    /// What is proposed to be cleared as a change is looked at with this. Each reading of sealed text is an entry of the
    /// ledger.
    Diff(delta::DiffArgs),
    /// Turn down what is proposed
    Reject(RemarkedArgs),
    /// Open decided cases again
    Reopen(RemarkedArgs),
    /// Do to all overdue cases what the policy says
    Deadlines {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        actor: ActorArgs,
    },
}

/// Which cases to list.
#[derive(Debug, Args)]
struct ListArgs {
    /// Those that stand so; may be given more than once
    #[arg(long = "status", value_enum, value_name = "STATUS")]
    statuses: Vec<StatusChoice>,
    /// Those that a person has claimed
    #[arg(long, value_name = "NAME")]
    claimed_by: Option<String>,
    /// Those that are overdue
    #[arg(long)]
    overdue: bool,
    /// Those of which the evidence names a tool
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Those behind this case
    #[arg(long, value_name = "CASE")]
    after: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    #[command(flatten)]
    store: StoreArgs,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatusChoice {
    /// Nobody looks at it
    Open,
    /// Somebody looks at it
    Claimed,
    /// It waits for others to agree
    Proposed,
    /// The decision stands
    Decided,
    /// The decision does not stand any more
    Reopened,
}

/// Which cases, in which store, and who acts.
#[derive(Debug, Args)]
struct ManyArgs {
    /// The cases, such as C12
    #[arg(value_name = "CASE", required_unless_present = "from")]
    cases: Vec<String>,
    /// A file with one case a line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Cases, and why.
#[derive(Debug, Args)]
struct RemarkedArgs {
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
    #[command(flatten)]
    many: ManyArgs,
}

/// How cases are to end.
#[derive(Debug, Args)]
struct ProposeArgs {
    /// How the cases are to end
    #[arg(long, value_enum, value_name = "RESOLUTION")]
    resolution: ResolutionChoice,
    /// Why they are cleared: one of a closed list, which a wrong word makes the program name
    #[arg(long, value_name = "WHY")]
    justification: Option<String>,
    /// Why a taint does not stand: the beginning of its digest and a word of a closed list; once for each taint
    #[arg(long = "refute", value_name = "EVIDENCE=WHY")]
    refutations: Vec<String>,
    /// The digest of a statement that supports it; may be given more than once
    #[arg(long = "statement", value_name = "DIGEST")]
    statements: Vec<String>,
    /// The cleared content that the case's content is a change of, or `CONTENT=BASE` for each content of the case: only
    /// what changed was read; taints that were refuted of it need not be refuted again
    #[arg(long = "delta-of", value_name = "BASE", requires = "identity")]
    deltas: Vec<String>,
    /// The file of the secret key that opens the vault, to count the lines that changed
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The exemption that the contents are labelled with
    #[arg(long, value_name = "EXEMPTION")]
    exemption: Option<String>,
    #[command(flatten)]
    remarked: RemarkedArgs,
}

/// Cases to agree on.
#[derive(Debug, Args)]
struct AgreeArgs {
    /// The file of the secret key that opens the vault, for cases that are to be cleared as a change
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    many: ManyArgs,
}

/// How a case may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ResolutionChoice {
    /// The content is clean, and each taint is refuted
    Cleared,
    /// The content is taken out of its source
    Removed,
    /// The content stays held
    KeptHeld,
    /// The content stays in use under an exemption, and labelled with it
    ExemptLabelled,
}

/// Runs the command.
pub(crate) fn run(args: &CaseArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        CaseCommand::List(args) => list::run(args, global),
        CaseCommand::Show { case, format, store } => show::run(case_id(case)?, *format, store, global),
        CaseCommand::Review(args) => review::run(args, global),
        CaseCommand::Claim(args) => act::run(args, None, global, |case, _| Act::ClaimCase { case }),
        CaseCommand::Yield(args) => act::run(args, None, global, |case, _| Act::YieldCase { case }),
        CaseCommand::Agree(args) => delta::agree(args, global),
        CaseCommand::Diff(args) => delta::show(args, global),
        CaseCommand::Reject(args) => act::run(&args.many, args.remark.as_deref(), global, |case, remark| {
            Act::RejectResolution { case, remark }
        }),
        CaseCommand::Reopen(args) => act::run(&args.many, args.remark.as_deref(), global, |case, remark| {
            Act::ReopenCase { case, remark }
        }),
        CaseCommand::Propose(args) => propose::run(args, global),
        CaseCommand::Deadlines { store, actor } => act::enforce_deadlines(store, actor, global),
    }
}

/// Reads the name of a case.
fn case_id(text: &str) -> Result<CaseId, CommandError> {
    parse_number('C', text).map(CaseId)
}
