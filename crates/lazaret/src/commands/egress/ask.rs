//! `lazaret egress decide`: what would be decided about a call, and why.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use lazaret_core::{DecisionId, Permission, Purpose};
use lazaret_pipeline::egress::{AskedCall, Decided, Snapshot};
use lazaret_policy::egress::explain;

use super::deciding::{DecidingArgs, snapshot_error};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::DocketFormat;
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;

/// Arguments of `lazaret egress decide`.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The host that is called, by name or address
    #[arg(value_name = "HOST")]
    host: String,
    /// The path of the request
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The name in the TLS greeting, where it is another
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
    /// The address it comes from
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// Who makes it, as the proxy knows them
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
    /// For which purpose the proxy was set up
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<Purpose>,
    /// In the name of which account it goes out
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Decide by a snapshot instead of policy and store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "store"])]
    snapshot: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    #[command(flatten)]
    deciding: DecidingArgs,
}

/// Runs the command.
pub(crate) fn run(args: &AskArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let decider = match &args.snapshot {
        Some(path) => Snapshot::read(path).map_err(snapshot_error)?,
        None => block_on(args.deciding.open(now))?.decider,
    };
    let asked = AskedCall {
        host: Some(args.host.as_bytes()),
        sni: args.sni.as_deref().map(str::as_bytes),
        path: args.path.as_deref().map(str::as_bytes),
        client: args.client,
        login: args.login.as_deref(),
        purpose: args.purpose,
        account: args.account.as_deref(),
        ..AskedCall::default()
    };
    // Nobody carries it out, so it needs no name of its own.
    let decided = decider.decide(&asked, || DecisionId::from_bytes([0; 16]), now);
    let call = match decided {
        Decided::Matched(call) => call,
        Decided::Missed { is_readable } => {
            let why = match is_readable {
                true => "the catalog lists nothing that is reached there (not-listed)",
                false => "it is no host (unreadable)",
            };
            Output::open(None)?.write(|out| match args.format {
                DocketFormat::Json => writeln!(out, "null"),
                DocketFormat::Human => writeln!(out, "allow\n  because {why}"),
            })?;
            return Ok(ExitCode::Success);
        }
    };
    let lines = explain(decider.policy(), call.endpoint, &call.decision);
    Output::open(None)?.write(|out| match args.format {
        DocketFormat::Json => write_line(&call.decision, out),
        DocketFormat::Human => lines.iter().try_for_each(|line| writeln!(out, "{line}")),
    })?;
    Ok(match call.decision.permission {
        Permission::Allow => ExitCode::Success,
        Permission::Deny => ExitCode::Denied,
    })
}
