//! `lazaret egress`: calls to services, and what is decided about them.

use clap::{Args, Subcommand};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;

mod ask;
mod correlate;
mod deciding;
mod export;
mod findings;
mod keeping;
mod notice;
mod reading;
mod reconcile;
mod renewing;
mod retention;
mod reveal;
mod scan;
mod serve;
mod snapshot;
mod squid_acl;
mod uses;

/// Arguments of `lazaret egress`.
#[derive(Debug, Args)]
pub(crate) struct EgressArgs {
    #[command(subcommand)]
    command: EgressCommand,
}

#[derive(Debug, Subcommand)]
enum EgressCommand {
    /// Say what logs of network equipment show about calls to banned services
    ///
    /// Reads logs of proxies, resolvers and sensors. Only what matches the catalog is told; the rest is counted and
    /// forgotten. Callers are never named.
    Scan(Box<scan::ScanArgs>),
    /// Hold logs of traffic against the decisions that were made
    ///
    /// Tells calls past the enforcement points, calls that they let pass without asking, tunnels that outlived their
    /// exemption, and times in which a source told of nothing. Callers are never named.
    Reconcile(Box<reconcile::ReconcileArgs>),
    /// List what was recorded of such looks, or show one finding
    Findings(findings::FindingsArgs),
    /// Say for how long findings are kept, and delete those whose time is over
    Retention(retention::RetentionArgs),
    /// Lay calls that no exemption covered beside the commits of who made them, for the order of review
    ///
    /// Lists the commits that follow such a call by their author, as the policy says who commits under which address. It
    /// is circumstantial evidence and never more: it taints nothing and changes no verdict.
    Correlate(Box<correlate::CorrelateArgs>),
    /// Decide about calls for Envoy and Squid, until it is told to stop
    ///
    /// Answers on this machine alone. Exemptions are read from the store again and again; what is denied, warned of or
    /// only observed follows from the policy.
    Serve(Box<serve::ServeArgs>),
    /// Answer Squid's questions: the program that squid.conf names
    ///
    /// Reads Squid's external ACL protocol from standard input and hands each line to `lazaret egress serve`. Where that
    /// does not answer in time, it decides by the last snapshot. It ends when its standard input does, and not before.
    SquidHelper(squid_acl::SquidHelperArgs),
    /// Say what would be decided about a call, and why
    Decide(Box<ask::AskArgs>),
    /// Write what the policy stops in the words of a resolver, proxy, sensor or firewall
    ///
    /// Made from policy, catalog and exemptions alone, so that it can be made anew at any time: do so at least as often as
    /// `--every` says. The head of every export says what it cannot see.
    Export(Box<export::ExportArgs>),
    /// Write what the Squid helper needs to decide by itself
    Snapshot(snapshot::SnapshotArgs),
    /// Lead a pseudonym back to a name, once two people agreed to that
    ///
    /// One asks, with a reason; another seconds it with `lazaret motion second`. Both are entries of the ledger. For seven
    /// days, those two may then read the name out of the logs.
    Reveal(reveal::RevealArgs),
    /// Record in the store how often exemptions were used, by the records of decisions
    ///
    /// Counts the decisions since the last recorded use of each exemption, so that `lazaret exempt report` tells which
    /// are never used. No call waits for it: let a timer run it.
    Uses(uses::UsesArgs),
    /// Write the notice to people whose calls are looked at, from the policy that is in force
    ///
    /// Says what is seen, decided, told and kept, and what is not. What the policy does not know stands in square
    /// brackets, for you to fill in.
    Notice(notice::NoticeArgs),
}

/// Runs the command.
pub(crate) fn run(args: &EgressArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        EgressCommand::Scan(args) => scan::run(args, global),
        EgressCommand::Reconcile(args) => reconcile::run(args, global),
        EgressCommand::Findings(args) => findings::run(args, global),
        EgressCommand::Retention(args) => retention::run(args, global),
        EgressCommand::Correlate(args) => correlate::run(args, global),
        EgressCommand::Serve(args) => serve::run(args, global),
        EgressCommand::SquidHelper(args) => squid_acl::run(args, global),
        EgressCommand::Decide(args) => ask::run(args, global),
        EgressCommand::Export(args) => export::run(args, global),
        EgressCommand::Snapshot(args) => snapshot::run(args, global),
        EgressCommand::Reveal(args) => reveal::run(args, global),
        EgressCommand::Uses(args) => uses::run(args, global),
        EgressCommand::Notice(args) => notice::run(args, global),
    }
}
