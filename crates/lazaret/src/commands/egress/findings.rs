//! `lazaret egress findings`: what logs showed of calls, as the store has it.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lazaret_core::Response;
use lazaret_pipeline::egress::{FindingFilter, FindingSheet, finding_list, finding_sheet};
use lazaret_store::FindingId;

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::exempt::moment;
use crate::exit::ExitCode;
use crate::house::{DocketFormat, StoreArgs, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::text::{count, plain};

/// Arguments of `lazaret egress findings`.
#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    #[command(subcommand)]
    command: FindingsCommand,
}

#[derive(Debug, Subcommand)]
enum FindingsCommand {
    /// List what was recorded, the oldest first
    List(ListArgs),
    /// Show one finding
    Show {
        /// The finding, as lists show it
        #[arg(value_name = "FINDING")]
        finding: FindingId,
        /// How to write it
        #[arg(long, value_enum, default_value = "human")]
        format: DocketFormat,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Arguments of `lazaret egress findings list`.
#[derive(Debug, Args)]
struct ListArgs {
    /// Only those that ask for this: `block`, `alert` or `score`
    #[arg(long, value_name = "CLASS")]
    class: Option<Response>,
    /// Only those of this detector, or this kind of discrepancy
    #[arg(long, value_name = "DETECTOR")]
    detector: Option<String>,
    /// Only those of calls from then on, and those whose time is not known: a day, such as 2026-12-01, or a moment of
    /// RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// How to write it
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    #[command(flatten)]
    store: StoreArgs,
}

/// Runs the command.
pub(crate) fn run(args: &FindingsArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        FindingsCommand::List(args) => list(args, global),
        FindingsCommand::Show { finding, format, store } => show(*finding, *format, store),
    }
}

fn list(args: &ListArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let filter = FindingFilter { class: args.class, detector: args.detector.clone(), since: args.since };
    let list = block_on(async {
        let house = args.store.open().await?;
        finding_list(&house, &filter, global.now()).await.map_err(store_error)
    })?;
    Output::open(None)?.write(|out| match args.format {
        DocketFormat::Json => write_line(&list, out),
        DocketFormat::Human => list.findings.iter().try_for_each(|finding| write_row(finding, out)),
    })?;
    Ok(ExitCode::Success)
}

fn show(id: FindingId, format: DocketFormat, store: &StoreArgs) -> Result<ExitCode, CommandError> {
    let sheet = block_on(async {
        let house = store.open().await?;
        finding_sheet(&house, id).await.map_err(store_error)
    })?;
    let sheet = sheet.ok_or_else(|| {
        CommandError::new(ExitCode::Failure, format!("there is no finding {id}"))
            .hint("`lazaret egress findings list` lists them; what is over by the policy is deleted")
    })?;
    Output::open(None)?.write(|out| match format {
        DocketFormat::Json => write_line(&sheet, out),
        DocketFormat::Human => write_sheet(&sheet, out),
    })?;
    Ok(ExitCode::Success)
}

fn write_row(sheet: &FindingSheet, out: &mut dyn Write) -> io::Result<()> {
    let one = &sheet.kept;
    writeln!(
        out,
        "{}  {}  {:<5}  {:<18} {} {} by {}{}",
        sheet.finding,
        one.hour.as_deref().unwrap_or("time not known      "),
        one.class,
        one.detector,
        count(one.calls, "call", "calls"),
        plain(one.host.as_deref().unwrap_or("to many hosts")),
        one.caller.as_deref().unwrap_or("somebody unnamed"),
        one.exemption.as_deref().map_or_else(String::new, |exemption| format!(" under {exemption}")),
    )
}

fn write_sheet(sheet: &FindingSheet, out: &mut dyn Write) -> io::Result<()> {
    let one = &sheet.kept;
    writeln!(out, "{}: {}", sheet.finding, plain(&one.title))?;
    let number = |number: u64| Some(number.to_string());
    let word = |word: serde_json::Result<serde_json::Value>| Some(word.ok()?.as_str()?.to_owned());
    let said = [
        ("class", Some(one.class.to_string())),
        ("detector", Some(one.detector.clone())),
        ("precision", one.precision.and_then(|precision| word(serde_json::to_value(precision)))),
        ("endpoint", one.endpoint.clone()),
        ("product", one.product.clone()),
        ("host", one.host.clone()),
        ("caller", one.caller.clone()),
        ("known by", Some(one.caller_kind.clone())),
        ("first call", one.first.clone()),
        ("last call", one.last.clone()),
        ("calls", number(one.calls)),
        ("sent", one.sent.map(|bytes| format!("{bytes} bytes"))),
        ("received", one.received.map(|bytes| format!("{bytes} bytes"))),
        ("went", word(serde_json::to_value(one.extent))),
        ("seen as", Some(one.visibility.to_string())),
        ("outcome", word(serde_json::to_value(one.outcome))),
        ("decided", number(one.decided)),
        ("exemption", one.exemption.clone()),
        ("too long", one.beyond_seconds.map(|seconds| format!("{seconds} s"))),
        ("entry", number(sheet.entry)),
        ("kept until", Some(sheet.kept_until.clone())),
    ];
    for (label, value) in said {
        if let Some(value) = value {
            writeln!(out, "  {label:<10} {}", plain(&value))?;
        }
    }
    Ok(())
}
