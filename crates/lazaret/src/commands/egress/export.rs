//! `lazaret egress export`: what the policy stops, as resolvers, proxies, sensors and firewalls read it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use lazaret_pipeline::egress::{ExportError, ExportFormat, ExportRequest, KeptExemptions, export};

use super::deciding::DecidingArgs;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::runtime::block_on;

/// Arguments of `lazaret egress export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Who reads it
    #[arg(value_enum)]
    format: Consumer,
    /// Write it to this file, which is replaced at once when the new one is whole
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How long it takes at most until it is made anew; an exemption that ends sooner is left out
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    every: u32,
    /// Let no network through for an exemption
    #[arg(long)]
    without_exemptions: bool,
    /// Say what `enforce` would stop, whatever the mode, for equipment that tells and stops nothing
    #[arg(long)]
    log_only: bool,
    /// Where browsers send what is stopped, such as `PROXY proxy.acme.example:3128`; for `pac`
    #[arg(long, value_name = "PROXIES")]
    proxy: Option<String>,
    /// Where browsers send everything else; for `pac`
    #[arg(long, value_name = "PROXIES", default_value = "DIRECT")]
    otherwise: String,
    #[command(flatten)]
    deciding: DecidingArgs,
}

/// Who reads an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Consumer {
    /// Resolvers: a response policy zone
    Rpz,
    /// Resolvers: the networks that pass alone, as a zone that stands before the other
    RpzPasses,
    /// Squid, by the host of a request
    Squid,
    /// Squid, by the name in the TLS greeting
    SquidSni,
    /// Envoy, by the host of a request
    Envoy,
    /// Envoy, by the name in the TLS greeting
    EnvoySni,
    /// Suricata: rules that tell and stop nothing
    Suricata,
    /// nftables: a table with the addresses
    Nftables,
    /// Browsers: which proxy to ask
    Pac,
    /// Log search: Sigma rules
    Sigma,
    /// A Squid that decrypts: headers that keep allowed tools to own accounts
    TenantHeaders,
}

impl From<Consumer> for ExportFormat {
    fn from(consumer: Consumer) -> Self {
        match consumer {
            Consumer::Rpz => Self::Rpz,
            Consumer::RpzPasses => Self::RpzPasses,
            Consumer::Squid => Self::Squid,
            Consumer::SquidSni => Self::SquidSni,
            Consumer::Envoy => Self::Envoy,
            Consumer::EnvoySni => Self::EnvoySni,
            Consumer::Suricata => Self::Suricata,
            Consumer::Nftables => Self::Nftables,
            Consumer::Pac => Self::Pac,
            Consumer::Sigma => Self::Sigma,
            Consumer::TenantHeaders => Self::TenantHeaders,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let (rulebook, mut exemptions) = block_on(args.deciding.open_for_exports(now))?;
    if args.without_exemptions {
        exemptions = KeptExemptions::none(rulebook.rules.policy().terms(), now);
    }
    let text = export(&ExportRequest {
        format: args.format.into(),
        policy: rulebook.rules.egress(),
        catalog: &rulebook.catalog,
        exemptions: &exemptions,
        every: SignedDuration::from_secs(args.every.into()),
        is_log_only: args.log_only,
        proxy: args.proxy.as_deref(),
        otherwise: &args.otherwise,
        now,
    })
    .map_err(export_error)?;
    Output::open(args.out.as_deref())?.write(|out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::Success)
}

fn export_error(error: ExportError) -> CommandError {
    let (exit, hint) = match &error {
        ExportError::Unenforced { .. } => (
            ExitCode::Failure,
            "set `egress.mode = \"enforce\"` or an `[[egress.scope]]` that does, or see what that would stop with `--log-only`",
        ),
        ExportError::Nothing { .. } => (
            ExitCode::Failure,
            "`lazaret catalog list endpoints` shows whose services the catalog knows; `[ban]` of the policy says who is banned",
        ),
        ExportError::Unsayable { .. } => {
            (ExitCode::Failure, "take a format that can say names, such as `rpz`, `squid` or `envoy`")
        }
        ExportError::NoProxy => (ExitCode::Usage, "give `--proxy \"PROXY proxy.acme.example:3128\"`"),
        ExportError::Proxy { .. } => (ExitCode::Usage, "write it as browsers read it"),
        ExportError::NoAccounts { .. } => (
            ExitCode::Failure,
            "list them under `[[egress.account]]`; the guide on exports says which form each header takes",
        ),
        // The enum may grow.
        _ => (ExitCode::Failure, "`lazaret help egress export` says what each format needs"),
    };
    CommandError::from_error(exit, error).hint(hint)
}
