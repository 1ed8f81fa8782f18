//! `lazaret exempt`: leave to use a banned tool for a limited purpose. It changes no verdict.

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lazaret_core::{Purpose, ToolId};
use lazaret_pipeline::docket::{EXPIRING_DAYS, ExemptionSheet, exemption_list, exemption_sheet};
use lazaret_store::{Act, ExemptionId, ExemptionRequest, Scope};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::people::known;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, DocketFormat, StoreArgs, parse_number, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::{Ink, Screen};
use crate::speech;
use crate::text::{count, plain};

/// Arguments of `lazaret exempt`.
#[derive(Debug, Args)]
pub(crate) struct ExemptArgs {
    #[command(subcommand)]
    command: ExemptCommand,
}

#[derive(Debug, Subcommand)]
enum ExemptCommand {
    /// Ask for leave to use a banned tool
    ///
    /// A manager who neither asks nor gains by it approves it. What comes of the use stays tainted.
    Request(Box<RequestArgs>),
    /// Approve a request
    Approve(OneArgs),
    /// Revoke an exemption, or turn a request down
    Revoke {
        /// Why, for others to read
        #[arg(long, value_name = "TEXT")]
        remark: Option<String>,
        #[command(flatten)]
        one: OneArgs,
    },
    /// List all exemptions
    List(ListArgs),
    /// Show one exemption
    Show {
        /// The exemption, such as E5
        #[arg(value_name = "EXEMPTION")]
        exemption: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Say what is active, ends soon, was never used or was revoked
    Report(ListArgs),
}

/// How to list.
#[derive(Debug, Args)]
struct ListArgs {
    /// How to write it
    #[arg(long, value_enum, default_value = "human")]
    format: DocketFormat,
    #[command(flatten)]
    store: StoreArgs,
}

/// One exemption, and who acts.
#[derive(Debug, Args)]
struct OneArgs {
    /// The exemption, such as E5
    #[arg(value_name = "EXEMPTION")]
    exemption: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// What is asked for.
#[derive(Debug, Args)]
struct RequestArgs {
    /// The tool, by its id in the catalog; may be given more than once
    #[arg(long = "tool", value_name = "TOOL", required = true)]
    tools: Vec<ToolId>,
    /// What for: `benchmark`, `red-team`, `interoperability` or `legal`, as the policy allows
    #[arg(long, value_name = "PURPOSE")]
    purpose: Purpose,
    /// Who may use it; may be given more than once
    #[arg(long = "for", value_name = "NAME", required = true)]
    beneficiaries: Vec<String>,
    /// Origins of the content that may come of it, such as `git:*/acme/lab`
    #[arg(long = "origin", value_name = "PATTERN")]
    origins: Vec<String>,
    /// Paths below them; all otherwise
    #[arg(long = "path", value_name = "PATTERN")]
    paths: Vec<String>,
    /// Groups of the network that may reach the tool's service
    #[arg(long = "network", value_name = "GROUP")]
    networks: Vec<String>,
    /// From when: a day, such as 2026-12-01, which begins in UTC, or a moment of RFC 3339; now otherwise
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Until when, that moment excluded
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Timestamp,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Under which condition
    #[arg(long, value_name = "TEXT")]
    condition: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// The title of a part of the report, and what is in it.
type Group<'a> = (&'a str, fn(&ExemptionSheet) -> bool);

/// Runs the command.
pub(crate) fn run(args: &ExemptArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        ExemptCommand::Request(args) => request(args, global),
        ExemptCommand::Approve(one) => {
            let exemption = exemption_id(&one.exemption)?;
            apply(one, None, "approved", global, |_| Act::ApproveExemption { exemption })
        }
        ExemptCommand::Revoke { remark, one } => {
            let exemption = exemption_id(&one.exemption)?;
            apply(one, remark.as_deref(), "revoked", global, |remark| Act::RevokeExemption {
                exemption,
                remark,
            })
        }
        ExemptCommand::List(args) => list(args, global),
        ExemptCommand::Show { exemption, list } => show(exemption_id(exemption)?, list, global),
        ExemptCommand::Report(args) => report(args, global),
    }
}

/// Reads a day or a moment. What cannot be read is refused, because nobody knows when it would end.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let day: Result<Date, _> = text.parse();
    let begins = day.ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let begins = begins.filter(|_| text.len() == "2026-12-01".len());
    begins
        .map(|begins| begins.timestamp())
        .ok_or_else(|| "write a day as 2026-12-01, or a moment as 2026-12-01T09:00:00Z".to_owned())
}

fn exemption_id(text: &str) -> Result<ExemptionId, CommandError> {
    parse_number('E', text).map(ExemptionId)
}

fn request(args: &RequestArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let exemption = block_on(async {
        let house = args.store.open().await?;
        let actor = args.actor.enter(&house).await?;
        let mut beneficiaries = BTreeSet::new();
        for name in &args.beneficiaries {
            beneficiaries.insert(known(&house, name).await?);
        }
        let reason = house.store.keep_remark(&args.reason).await.map_err(store_error)?;
        let condition = match &args.condition {
            Some(condition) => Some(house.store.keep_remark(condition).await.map_err(store_error)?),
            None => None,
        };
        let act = Act::RequestExemption(ExemptionRequest {
            beneficiaries,
            tools: args.tools.iter().cloned().collect(),
            purpose: args.purpose,
            scope: Scope {
                origins: args.origins.iter().cloned().collect(),
                paths: args.paths.iter().cloned().collect(),
                networks: args.networks.iter().cloned().collect(),
            },
            from: args.from.unwrap_or(now),
            until: args.until,
            reason,
            condition,
        });
        let done = house.store.apply(&actor, act, now).await.map_err(store_error)?;
        Ok(ExemptionId(done.seq))
    })?;
    if !global.quiet {
        let message = format!(
            "asked for {exemption}; a manager who neither asked nor gains by it approves it with \
             `lazaret exempt approve {exemption}`"
        );
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn apply(
    one: &OneArgs,
    remark: Option<&str>,
    word: &str,
    global: &GlobalArgs,
    act: impl FnOnce(Option<lazaret_core::RemarkId>) -> Act,
) -> Result<ExitCode, CommandError> {
    block_on(async {
        let house = one.store.open().await?;
        let actor = one.actor.enter(&house).await?;
        let remark = match remark {
            Some(remark) => Some(house.store.keep_remark(remark).await.map_err(store_error)?),
            None => None,
        };
        house.store.apply(&actor, act(remark), global.now()).await.map_err(store_error)
    })?;
    if !global.quiet {
        let exemption = exemption_id(&one.exemption)?;
        speech::note(&format!("{word} {exemption}"), &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn list(args: &ListArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let list = block_on(async {
        let house = args.store.open().await?;
        exemption_list(&house, global.now()).await.map_err(store_error)
    })?;
    Output::open(None)?.write(|out| match args.format {
        DocketFormat::Json => write_line(&list, out),
        DocketFormat::Human => list.exemptions.iter().try_for_each(|exemption| write_row(exemption, out)),
    })?;
    Ok(ExitCode::Success)
}

fn show(id: ExemptionId, args: &ListArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let sheet = block_on(async {
        let house = args.store.open().await?;
        exemption_sheet(&house, id, global.now()).await.map_err(store_error)
    })?;
    let sheet = sheet.ok_or_else(|| {
        CommandError::new(ExitCode::Failure, format!("there is no exemption {id}"))
            .hint("`lazaret exempt list` lists them")
    })?;
    Output::open(None)?.write(|out| match args.format {
        DocketFormat::Json => write_line(&sheet, out),
        DocketFormat::Human => write_sheet(&sheet, out),
    })?;
    Ok(ExitCode::Success)
}

fn report(args: &ListArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let list = block_on(async {
        let house = args.store.open().await?;
        exemption_list(&house, global.now()).await.map_err(store_error)
    })?;
    let screen = Screen::stdout(global.color);
    let soon = format!("ending within {EXPIRING_DAYS} days");
    Output::open(None)?.write(|out| {
        if args.format == DocketFormat::Json {
            return write_line(&list, out);
        }
        let groups: [Group<'_>; 6] = [
            ("waiting for approval", |one| one.status == "requested"),
            ("active", |one| one.status == "active"),
            (&soon, |one| one.expiring),
            ("never used", |one| one.unused),
            ("out of terms", |one| one.status == "out of terms"),
            ("revoked", |one| one.status == "revoked"),
        ];
        for (title, is_in) in groups {
            let within: Vec<&ExemptionSheet> = list.exemptions.iter().filter(|one| is_in(one)).collect();
            let title = format!("{title}: {}", count(within.len() as u64, "exemption", "exemptions"));
            writeln!(out, "{}", screen.paint(Ink::Heading, &title))?;
            within.into_iter().try_for_each(|one| {
                write!(out, "  ")?;
                write_row(one, out)
            })?;
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

fn write_row(one: &ExemptionSheet, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}  {:<12} {} for {} by {} until {}; used {}",
        one.exemption,
        one.status,
        one.tools.join(" "),
        one.purpose,
        plain(&one.beneficiaries.join(", ")),
        one.until,
        count(one.uses, "time", "times")
    )
}

fn write_sheet(one: &ExemptionSheet, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", one.exemption, one.status)?;
    writeln!(out, "  tools      {}", one.tools.join(", "))?;
    writeln!(out, "  purpose    {}", one.purpose)?;
    writeln!(out, "  asked by   {}", plain(&one.requester))?;
    writeln!(out, "  for        {}", plain(&one.beneficiaries.join(", ")))?;
    for (label, values) in [("origins", &one.origins), ("paths", &one.paths), ("networks", &one.networks)] {
        if !values.is_empty() {
            writeln!(out, "  {label:<10} {}", plain(&values.join(", ")))?;
        }
    }
    writeln!(out, "  from       {}", one.from)?;
    writeln!(out, "  until      {}", one.until)?;
    let said = [
        ("reason", &one.reason),
        ("condition", &one.condition),
        ("approved", &one.approver),
        ("revoked", &one.revoker),
        ("last used", &one.last_use),
    ];
    for (label, value) in said {
        if let Some(value) = value {
            writeln!(out, "  {label:<10} {}", plain(value))?;
        }
    }
    writeln!(out, "  used       {}", count(one.uses, "time", "times"))?;
    one.against.iter().try_for_each(|why| writeln!(out, "  against it: {}", plain(why)))
}
