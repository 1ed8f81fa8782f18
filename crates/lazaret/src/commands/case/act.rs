//! Acts on one case or many: each gets its own entry, and what is refused is named with the reason.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use lazaret_core::RemarkId;
use lazaret_pipeline::docket::{CaseListRequest, case_list};
use lazaret_pipeline::house::House;
use lazaret_store::{Act, Actor, CaseId, CaseStatus};

use super::{ManyArgs, case_id};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, store_error};
use crate::output::Output;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::count;

/// How many overdue cases are looked up at a time.
const PAGE: u32 = 500;

/// What became of each case.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    done: Vec<(CaseId, &'static str)>,
    refused: Vec<(CaseId, CommandError)>,
}

/// Does one act to each of the cases.
pub(super) fn run(
    args: &ManyArgs,
    remark: Option<&str>,
    global: &GlobalArgs,
    act: impl Fn(CaseId, Option<RemarkId>) -> Act,
) -> Result<ExitCode, CommandError> {
    let cases = cases(args)?;
    let outcomes = block_on(async {
        let house = args.store.open().await?;
        let actor = args.actor.enter(&house).await?;
        let mut outcomes = Outcomes::default();
        for case in cases {
            // Each case has its own remark, so that forgetting one forgets no other.
            let remark = keep(&house, remark).await?;
            outcomes.apply(&house, &actor, case, act(case, remark), global.now()).await;
        }
        Ok(outcomes)
    })?;
    outcomes.finish(global)
}

/// Does to all overdue cases what the policy says.
pub(super) fn enforce_deadlines(
    store: &StoreArgs,
    actor: &ActorArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let now = global.now();
    let outcomes = block_on(async {
        let house = store.open().await?;
        let actor = actor.enter(&house).await?;
        let mut outcomes = Outcomes::default();
        let mut after = None;
        loop {
            let request = CaseListRequest {
                statuses: vec![CaseStatus::Open, CaseStatus::Claimed, CaseStatus::Reopened],
                claimant: None,
                overdue: true,
                tool: None,
                limit: PAGE,
                after,
                now,
            };
            let page = case_list(&house, &request).await.map_err(store_error)?;
            for row in &page.cases {
                let case = case_id(&row.case)?;
                outcomes.apply(&house, &actor, case, Act::EnforceDeadline { case }, now).await;
            }
            match page.next_after {
                Some(last) => after = Some(case_id(&last)?),
                None => return Ok(outcomes),
            }
        }
    })?;
    if outcomes.done.is_empty() && outcomes.refused.is_empty() && !global.quiet {
        speech::note("no case is overdue", &Screen::stderr(global.color));
    }
    outcomes.finish(global)
}

/// Reads the cases of the command line and of a file, each once.
pub(super) fn cases(args: &ManyArgs) -> Result<Vec<CaseId>, CommandError> {
    let mut cases: Vec<CaseId> = args.cases.iter().map(|text| case_id(text)).collect::<Result<_, _>>()?;
    if let Some(path) = &args.from {
        let text = read(path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            cases.push(case_id(line)?);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    cases.retain(|case| seen.insert(*case));
    if cases.is_empty() {
        return Err(CommandError::new(ExitCode::Usage, "no case is named"));
    }
    Ok(cases)
}

/// Keeps a remark, if there is one.
pub(super) async fn keep(house: &House, remark: Option<&str>) -> Result<Option<RemarkId>, CommandError> {
    match remark {
        Some(remark) => house.store.keep_remark(remark).await.map(Some).map_err(store_error),
        None => Ok(None),
    }
}

fn read(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read the cases `{}`", path.display()))
            .because(error)
    })
}

impl Outcomes {
    /// Does one act, and keeps what became of it.
    pub(super) async fn apply(
        &mut self,
        house: &House,
        actor: &Actor,
        case: CaseId,
        act: Act,
        now: Timestamp,
    ) {
        let word = act.as_str();
        match house.store.apply(actor, act, now).await {
            Ok(_) => self.done.push((case, word)),
            Err(error) => self.refuse(case, store_error(error)),
        }
    }

    /// Keeps why a case was passed over.
    pub(super) fn refuse(&mut self, case: CaseId, why: CommandError) {
        self.refused.push((case, why));
    }

    /// Says what became of the cases. A single refusal is the command's own error.
    pub(super) fn finish(mut self, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
        if self.done.is_empty()
            && self.refused.len() == 1
            && let Some((_, error)) = self.refused.pop()
        {
            return Err(error);
        }
        Output::open(None)?
            .write(|out| self.done.iter().try_for_each(|(case, word)| writeln!(out, "{case} {word}")))?;
        let screen = Screen::stderr(global.color);
        let mut exit = ExitCode::Success;
        for (case, error) in &self.refused {
            speech::warning(&format!("{case} was passed over"), &screen);
            speech::error(error, &screen);
            exit = exit.and(error.exit());
        }
        if !self.refused.is_empty() {
            let done = count(self.done.len() as u64, "case", "cases");
            speech::note(&format!("{done} done, {} refused", self.refused.len()), &screen);
        }
        Ok(exit)
    }
}
