//! `lazaret case list`: how many cases stand where, and those that are due first.

use std::io::{self, Write};

use lazaret_pipeline::docket::{CaseList, CaseListRequest, case_list};
use lazaret_store::CaseStatus;

use super::{ListArgs, StatusChoice, case_id};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::people::known;
use crate::exit::ExitCode;
use crate::house::{DocketFormat, store_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::{Ink, Screen};
use crate::text::{columns, count, fit_start, pad, plain, thousands};

/// Runs the command.
pub(super) fn run(args: &ListArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let tool = args.tool.as_deref().map(str::parse).transpose();
    let tool = tool.map_err(|error| CommandError::from_error(ExitCode::Usage, error))?;
    let after = args.after.as_deref().map(case_id).transpose()?;
    let list = block_on(async {
        let house = args.store.open().await?;
        let claimant = match &args.claimed_by {
            Some(name) => Some(known(&house, name).await?),
            None => None,
        };
        let request = CaseListRequest {
            statuses: args.statuses.iter().map(|status| (*status).into()).collect(),
            claimant,
            overdue: args.overdue,
            tool,
            limit: args.limit,
            after,
            now: global.now(),
        };
        case_list(&house, &request).await.map_err(store_error)
    })?;
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| match args.format {
        DocketFormat::Human => write(&list, &screen, out),
        DocketFormat::Json => write_line(&list, out),
    })?;
    Ok(ExitCode::Success)
}

impl From<StatusChoice> for CaseStatus {
    fn from(choice: StatusChoice) -> Self {
        match choice {
            StatusChoice::Open => Self::Open,
            StatusChoice::Claimed => Self::Claimed,
            StatusChoice::Proposed => Self::Proposed,
            StatusChoice::Decided => Self::Decided,
            StatusChoice::Reopened => Self::Reopened,
        }
    }
}

fn write(list: &CaseList, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let counts: Vec<String> = CaseStatus::ALL
        .iter()
        .filter_map(|status| Some((status.as_str(), *list.counts.get(status.as_str())?)))
        .filter(|(_, number)| *number > 0)
        .map(|(status, number)| format!("{} {status}", thousands(number)))
        .collect();
    let counts = if counts.is_empty() { "no cases".to_owned() } else { counts.join(", ") };
    let overdue = if list.overdue == 0 {
        String::new()
    } else {
        screen.paint(Ink::Warning, &format!("; {} overdue", thousands(list.overdue)))
    };
    writeln!(out, "{}: {counts}{overdue}", plain(&list.store))?;
    let wide = list.cases.iter().map(|case| columns(&case.case)).max().unwrap_or(0);
    for case in &list.cases {
        let due = case.due.get(..10).unwrap_or(&case.due);
        let late = if case.overdue { screen.paint(Ink::Warning, "late") } else { "    ".to_owned() };
        let what = format!(
            "{}, {}, {}",
            count(case.contents, "content", "contents"),
            count(case.lines, "line", "lines"),
            if case.tools.is_empty() { "no tool".to_owned() } else { case.tools.join(" ") }
        );
        let who = case.claimant.as_ref().map_or_else(String::new, |name| format!(", with {name}"));
        let head = format!("{}  {:<8}  {due}", pad(&case.case, wide), case.status);
        let rest = format!("{what}{who}  {}", case.cause);
        let room = screen.width.saturating_sub(columns(&head) + 8);
        writeln!(out, "{head} {late}  {}", fit_start(&plain(&rest), room))?;
    }
    match &list.next_after {
        Some(last) => writeln!(out, "there may be more: `--after {last}` goes on"),
        None => Ok(()),
    }
}
