//! The cases as one reviewer works through them: what waits for this person first, and what each takes.

use jiff::{SignedDuration, Timestamp};
use lazaret_core::PersonId;
use lazaret_store::{
    Act, Aggregate, Case, CaseId, CaseStatus, Hold, Key, Refusal, Refutation, Refuted, Resolution, StoreError,
};

use super::Names;
use super::cases::{CaseListRequest, CaseRow, CaseSheet, counts, find, first_holds, row, sheet};
use super::deciding::{CLEARED_BY_TRIAL, decided_by};
use super::trial::Trial;
use crate::house::House;

/// How many cases a queue holds, those that are due first; all are counted.
pub const QUEUE_MAX: u32 = 500;

/// What is due within this time comes before everything else.
const SOON: SignedDuration = SignedDuration::from_hours(48);

/// Which cases are in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueFilter {
    /// Everything that is not decided.
    #[default]
    Undecided,
    /// What waits for the person.
    Yours,
    /// What is decided.
    Decided,
}

/// Whose turn a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The person's.
    Yours,
    /// Somebody else's.
    Others,
    /// Nobody's: it is decided.
    Done,
}

/// Cases in the order in which one person had best look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The store's name.
    pub store: String,
    /// How many undecided cases the whole store has.
    pub undecided: u64,
    /// How many of these are overdue.
    pub overdue: u64,
    /// The cases.
    pub rows: Vec<QueueRow>,
    /// Whether there are more than the queue holds.
    pub is_cut: bool,
}

/// A case in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// Its name.
    pub case: CaseId,
    /// What a list says of it.
    pub row: CaseRow,
    /// Whose turn it is.
    pub standing: Standing,
    /// Whether it is due within two days, or was.
    pub soon: bool,
    /// How many lines are settled for each content and each taint that has to be looked at.
    pub worth: u64,
}

/// Something that a person may want to do about a case, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What: `cleared`, `removed`, `kept-held`, `agree`, `reject`, `reopen`.
    pub act: &'static str,
    /// What would have to be otherwise; nothing, where the person may.
    pub missing: Vec<String>,
}

/// A case as one person reviews it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewSheet {
    /// What a list says of it, for this person.
    pub row: QueueRow,
    /// The case.
    pub case: Case,
    /// Its first contents.
    pub holds: Vec<Hold>,
    /// The same for people, without what happened.
    pub sheet: CaseSheet,
    /// Whether somebody else proposed an end, so that this person may look at the evidence before the proposal.
    pub is_second: bool,
    /// What the person may do, and what is missing where not.
    pub requirements: Vec<Requirement>,
}

/// Returns the cases of a store for one person: what is due soon, then what waits for the person, then what waits for
/// others; within each, what settles most lines for the least to look at.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn queue(
    house: &House,
    person: PersonId,
    filter: QueueFilter,
    now: Timestamp,
) -> Result<Queue, StoreError> {
    let statuses = match filter {
        QueueFilter::Undecided | QueueFilter::Yours => Vec::new(),
        QueueFilter::Decided => vec![CaseStatus::Decided],
    };
    let request = CaseListRequest {
        statuses,
        claimant: None,
        overdue: false,
        tool: None,
        limit: QUEUE_MAX,
        after: None,
        now,
    };
    let (cases, is_cut) = find(house, &request).await?;
    let (counts, overdue) = counts(house, now).await?;
    let undecided = counts.iter().filter(|(status, _)| *status != CaseStatus::Decided.as_str());
    let undecided = undecided.map(|(_, number)| number).sum();
    let mut names = Names::of(&house.store);
    let mut trial = Trial::new(house, now);
    let mut rows = Vec::with_capacity(cases.len());
    for case in &cases {
        trial.know(case);
        let row = row_for(house, case, person, &mut trial, &mut names, now).await?;
        trial.forget_cases();
        if filter != QueueFilter::Yours || row.standing == Standing::Yours {
            rows.push(row);
        }
    }
    rows.sort_by_key(|row| {
        let soon = !(row.soon && row.standing == Standing::Yours);
        (soon, row.standing, std::cmp::Reverse(row.worth), row.case)
    });
    Ok(Queue { store: house.charter.name.clone(), undecided, overdue, rows, is_cut })
}

/// Returns what a queue says of one case; `None` where there is none.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn queue_row(
    house: &House,
    id: CaseId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<QueueRow>, StoreError> {
    let Some(Aggregate::Case(case)) = house.store.get(Key::Case(id)).await? else { return Ok(None) };
    let mut names = Names::of(&house.store);
    let mut trial = Trial::new(house, now);
    trial.know(&case);
    row_for(house, &case, person, &mut trial, &mut names, now).await.map(Some)
}

/// Returns a case with everything that one person needs to decide about it; `None` where there is none.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn review_sheet(
    house: &House,
    id: CaseId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<ReviewSheet>, StoreError> {
    let Some(Aggregate::Case(case)) = house.store.get(Key::Case(id)).await? else { return Ok(None) };
    let mut names = Names::of(&house.store);
    let mut trial = Trial::new(house, now);
    trial.know(&case);
    let row = row_for(house, &case, person, &mut trial, &mut names, now).await?;
    let mut requirements = Vec::new();
    for (act, acts) in wishes(house, &case, person, now) {
        let refusal = trial.refusal(person, &acts).await?;
        requirements.push(Requirement { act, missing: refusal.map(missing).unwrap_or_default() });
    }
    let holds = first_holds(house, id).await?;
    let sheet = sheet(house, &case, &holds, now).await?;
    let proposer = case.proposal.as_ref().and_then(|proposal| proposal.proposer);
    let is_second = proposer.is_some_and(|proposer| proposer != person);
    Ok(Some(ReviewSheet { row, case: *case, holds, sheet, is_second, requirements }))
}

async fn row_for(
    house: &House,
    case: &Case,
    person: PersonId,
    trial: &mut Trial<'_>,
    names: &mut Names<'_>,
    now: Timestamp,
) -> Result<QueueRow, StoreError> {
    let standing = standing(house, case, person, trial, now).await?;
    let looks = case.count.saturating_add(case.evidence.len() as u64).max(1);
    let soon = now.saturating_add(SOON).unwrap_or(Timestamp::MAX);
    Ok(QueueRow {
        case: case.case,
        row: row(house, case, names, now).await?,
        standing,
        soon: standing != Standing::Done && case.due <= soon,
        worth: case.lines / looks,
    })
}

async fn standing(
    house: &House,
    case: &Case,
    person: PersonId,
    trial: &mut Trial<'_>,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let id = case.case;
    let act = match case.status(house.charter.basis.policy) {
        CaseStatus::Decided => return Ok(Standing::Done),
        CaseStatus::Claimed if case.claimant(now) == Some(person) => return Ok(Standing::Yours),
        CaseStatus::Open | CaseStatus::Claimed | CaseStatus::Reopened => Act::ClaimCase { case: id },
        CaseStatus::Proposed => Act::AgreeResolution { case: id, resolution: None },
    };
    let refusal = trial.refusal(person, &[act]).await?;
    Ok(if refusal.is_none() { Standing::Yours } else { Standing::Others })
}

/// What a person may want to do about a case, as acts.
fn wishes(house: &House, case: &Case, person: PersonId, now: Timestamp) -> Vec<(&'static str, Vec<Act>)> {
    let id = case.case;
    match case.status(house.charter.basis.policy) {
        CaseStatus::Open | CaseStatus::Claimed | CaseStatus::Reopened => {
            let propose = |resolution| decided_by(case, person, resolution, None, now);
            vec![
                ("cleared", propose(clearing(case))),
                ("removed", propose(Resolution::Removed)),
                ("kept-held", propose(Resolution::KeptHeld)),
            ]
        }
        CaseStatus::Proposed => vec![
            ("agree", vec![Act::AgreeResolution { case: id, resolution: None }]),
            ("reject", vec![Act::RejectResolution { case: id, remark: None }]),
        ],
        CaseStatus::Decided => vec![("reopen", vec![Act::ReopenCase { case: id, remark: None }])],
    }
}

/// A clearing that is complete: who may clear is the question here, not whether each taint can be refuted.
fn clearing(case: &Case) -> Resolution {
    let refutation = |evidence| Refutation { evidence, refuted: Refuted::MarkQuoted };
    Resolution::Cleared {
        justification: CLEARED_BY_TRIAL,
        refutations: case.evidence.iter().map(|one| refutation(one.evidence)).collect(),
        statements: std::collections::BTreeSet::new(),
        deltas: std::collections::BTreeSet::new(),
    }
}

/// Says what a refusal lacks, one thing a line.
fn missing(refusal: Refusal) -> Vec<String> {
    match refusal {
        Refusal::Denied { unmet, .. } => unmet,
        Refusal::Unready { is, needs, .. } => vec![format!("it is {is}: {needs}")],
        Refusal::NoSuch { .. }
        | Refusal::Exists { .. }
        | Refusal::NotAdmitted { .. }
        | Refusal::Terms { .. }
        | Refusal::Unrefuted { .. }
        | Refusal::Held { .. }
        | Refusal::Idle { .. }
        | Refusal::Senseless { .. } => vec![refusal.to_string()],
    }
}
