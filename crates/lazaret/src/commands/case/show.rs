//! `lazaret case show`: all that there is to know about a case, and who may do what next.

use std::io::{self, Write};

use lazaret_pipeline::docket::{CaseSheet, DeltaSheet, case_sheet};
use lazaret_store::CaseId;

use super::propose::no_such;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{DocketFormat, StoreArgs, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::{Ink, Screen};
use crate::text::{count, plain};

/// Runs the command.
pub(super) fn run(
    id: CaseId,
    format: DocketFormat,
    store: &StoreArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let sheet = block_on(async {
        let house = store.open().await?;
        case_sheet(&house, id, global.now()).await.map_err(store_error)
    })?;
    let sheet = sheet.ok_or_else(|| no_such(id))?;
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match format {
        DocketFormat::Human => write(&sheet, &screen, out),
        DocketFormat::Json => write_line(&sheet, out),
    })?;
    Ok(ExitCode::Success)
}

fn write(sheet: &CaseSheet, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let row = &sheet.row;
    let who = row.claimant.as_ref().map_or_else(String::new, |name| format!(" by {}", plain(name)));
    let late = if row.overdue { ", overdue" } else { "" };
    writeln!(out, "{}: {}{who}{late}", screen.paint(Ink::Heading, &row.case), row.status)?;
    writeln!(out, "  cause    {}", plain(&row.cause))?;
    writeln!(out, "  opened   {}", row.opened)?;
    writeln!(out, "  due      {}", row.due)?;
    heading("contents", screen, out)?;
    for held in &sheet.held {
        let lines = count(held.lines, "line", "lines");
        writeln!(out, "  {} {}, {lines}, {}", held.content, held.kind, held.custody)?;
        held.places.iter().try_for_each(|place| writeln!(out, "    {}", plain(place)))?;
    }
    if sheet.held_more > 0 {
        writeln!(out, "  and {} more", count(sheet.held_more, "content", "contents"))?;
    }
    heading("taints", screen, out)?;
    for taint in &sheet.taints {
        let tool = taint.tool.as_deref().unwrap_or("no tool");
        let id = taint.evidence.strip_prefix("sha256:").unwrap_or(&taint.evidence);
        let short = id.get(..12).unwrap_or(id);
        writeln!(out, "  {short}  {}: {}, {}, {}", taint.detector, tool, taint.strength, taint.directness)?;
    }
    write_proposal(sheet, screen, out)?;
    write_decision(sheet, screen, out)?;
    heading("next", screen, out)?;
    for step in &sheet.next {
        let people = if step.people.is_empty() {
            "nobody may, as things stand".to_owned()
        } else {
            step.people.join(", ")
        };
        writeln!(out, "  {}: {}", step.act, plain(&people))?;
    }
    heading("what happened", screen, out)?;
    for entry in &sheet.timeline {
        let remark = entry.remark.as_ref().map_or_else(String::new, |text| format!(": {}", plain(text)));
        writeln!(out, "  {} {} {} {}{remark}", entry.entry, entry.time, entry.act, plain(&entry.by))?;
    }
    Ok(())
}

fn write_proposal(sheet: &CaseSheet, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let Some(proposal) = &sheet.proposal else { return Ok(()) };
    heading("proposed", screen, out)?;
    let by = proposal.proposer.as_deref().unwrap_or("the policy's deadline");
    let why = proposal.justification.as_ref().map_or_else(String::new, |why| format!(", {why}"));
    writeln!(out, "  {}{why} by {} at {}", proposal.resolution, plain(by), proposal.time)?;
    for (evidence, why) in &proposal.refutations {
        let id = evidence.strip_prefix("sha256:").unwrap_or(evidence);
        writeln!(out, "  {} does not stand: {why}", id.get(..12).unwrap_or(id))?;
    }
    write_deltas(&proposal.deltas, out)?;
    if let Some(remark) = &proposal.remark {
        writeln!(out, "  {}", plain(remark))?;
    }
    if !proposal.agreed.is_empty() {
        writeln!(out, "  agreed: {}", plain(&proposal.agreed.join(", ")))?;
    }
    Ok(())
}

fn write_decision(sheet: &CaseSheet, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let Some(decision) = &sheet.decision else { return Ok(()) };
    heading("decided", screen, out)?;
    let why = decision.justification.as_ref().map_or_else(String::new, |why| format!(", {why}"));
    let people = decision.people.join(", ");
    writeln!(out, "  {}{why} by {} at {}", decision.resolution, plain(&people), decision.time)?;
    write_deltas(&decision.deltas, out)?;
    match &decision.overturned {
        Some(why) => writeln!(out, "  it does not stand: {why}"),
        None => writeln!(out, "  it stands"),
    }
}

fn write_deltas(deltas: &[DeltaSheet], out: &mut dyn Write) -> io::Result<()> {
    for DeltaSheet { content, base, lines } in deltas {
        writeln!(
            out,
            "  {content} as a change: {} of it are not those of {base}",
            count(*lines, "line", "lines")
        )?;
    }
    Ok(())
}

fn heading(text: &str, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", screen.paint(Ink::Heading, text))
}
