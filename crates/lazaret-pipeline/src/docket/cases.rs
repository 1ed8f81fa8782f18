//! Cases as people read them: a list by the date on which they are due, and a sheet for each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_core::{Directness, PersonId, ToolId};
use lazaret_store::{
    Act, Aggregate, Case, CaseId, CaseStatus, Decision, Hold, Key, Order, Query, Resolution, SignedEntry,
    StoreError,
};
use memchr::memmem;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Names, NextStep, next_steps, people, read};
use crate::house::House;

mod deltas;

pub use deltas::DeltaSheet;
use deltas::{FALLEN, deltas, rests_well};

/// The name of the format of lists of cases.
pub const CASE_LIST_FORMAT: &str = "lazaret.case-list/1";

/// The name of the format of a case's sheet.
pub const CASE_FORMAT: &str = "lazaret.case/1";

/// How many contents of a case are shown; the sheet says how many more there are.
const CONTENTS_SHOWN: u32 = 100;

/// How many entries are read at a time.
const ENTRIES_AT_ONCE: u32 = 1000;

/// Which cases are asked for.
#[derive(Debug, Clone)]
pub struct CaseListRequest {
    /// Where they stand; everything that is not decided where it is empty.
    pub statuses: Vec<CaseStatus>,
    /// Who has claimed them.
    pub claimant: Option<PersonId>,
    /// Only what is overdue.
    pub overdue: bool,
    /// Only what stands against a tool.
    pub tool: Option<ToolId>,
    /// How many at most.
    pub limit: u32,
    /// The last one of the page before.
    pub after: Option<CaseId>,
    /// The time to judge by.
    pub now: Timestamp,
}

/// Cases, those that are due first before the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseList {
    /// Always `lazaret.case-list/1`.
    pub format: &'static str,
    /// The store's name.
    pub store: String,
    /// How many cases of the whole store stand where.
    pub counts: BTreeMap<String, u64>,
    /// How many undecided cases of the whole store are overdue.
    pub overdue: u64,
    /// The cases that were asked for.
    pub cases: Vec<CaseRow>,
    /// The case after which the next page begins, where there may be one.
    pub next_after: Option<String>,
}

/// A case in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseRow {
    /// Its name, such as `C12`.
    pub case: String,
    /// Where it stands.
    pub status: String,
    /// What its contents have in common: a kind of cause and its name.
    pub cause: String,
    /// When it was opened.
    pub opened: String,
    /// When it is due.
    pub due: String,
    /// Whether it is undecided and that time is over.
    pub overdue: bool,
    /// How many contents it has.
    pub contents: u64,
    /// How many lines these have.
    pub lines: u64,
    /// The tools that the evidence names.
    pub tools: Vec<String>,
    /// Who has claimed it, while the claim lasts.
    pub claimant: Option<String>,
}

/// A case with all that there is to know about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseSheet {
    /// Always `lazaret.case/1`.
    pub format: &'static str,
    /// What a list says of it.
    #[serde(flatten)]
    pub row: CaseRow,
    /// The contents, the first hundred.
    pub held: Vec<HeldSheet>,
    /// How many more there are.
    pub held_more: u64,
    /// What stands against them.
    pub taints: Vec<TaintSheet>,
    /// What is proposed.
    pub proposal: Option<ProposalSheet>,
    /// What was decided last.
    pub decision: Option<DecisionSheet>,
    /// Who may do what next.
    pub next: Vec<NextStep>,
    /// What happened to it.
    pub timeline: Vec<TimelineRow>,
}

/// A held content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldSheet {
    /// The digest of its bytes.
    pub content: String,
    /// What it is: `file`, `span`, `record` or `shard`.
    pub kind: String,
    /// How many lines it has.
    pub lines: u64,
    /// Where its bytes are.
    pub custody: String,
    /// Where it was found, the first places.
    pub places: Vec<String>,
}

/// A taint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaintSheet {
    /// The evidence's digest, by which it is refuted.
    pub evidence: String,
    /// The detector.
    pub detector: String,
    /// The tool, where one is known.
    pub tool: Option<String>,
    /// How the taint is known.
    pub strength: String,
    /// `direct` or `derived`.
    pub directness: String,
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProposalSheet {
    /// How the case would end.
    pub resolution: String,
    /// Why it would be cleared.
    pub justification: Option<String>,
    /// Why each taint would not stand.
    pub refutations: BTreeMap<String, String>,
    /// Where only what changed since cleared versions would be read: what changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaSheet>,
    /// Who proposed it; nobody, where the deadline did.
    pub proposer: Option<String>,
    /// When.
    pub time: String,
    /// Why, in the proposer's words.
    pub remark: Option<String>,
    /// Who agreed since.
    pub agreed: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionSheet {
    /// How the case ended.
    pub resolution: String,
    /// Why it was cleared.
    pub justification: Option<String>,
    /// Where only what changed since cleared versions was read: what changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaSheet>,
    /// Who decided it.
    pub people: Vec<String>,
    /// When.
    pub time: String,
    /// The policy it was decided under.
    pub policy: String,
    /// Whether it stands.
    pub stands: bool,
    /// Why it does not.
    pub overturned: Option<String>,
}

/// One entry of the ledger about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineRow {
    /// The number of the entry.
    pub entry: u64,
    /// When.
    pub time: String,
    /// Who.
    pub by: String,
    /// What.
    pub act: String,
    /// Why, in their words.
    pub remark: Option<String>,
}

/// Lists cases.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn case_list(house: &House, request: &CaseListRequest) -> Result<CaseList, StoreError> {
    let mut names = Names::of(&house.store);
    let (found, is_more) = find(house, request).await?;
    let mut cases = Vec::new();
    for case in &found {
        cases.push(row(house, case, &mut names, request.now).await?);
    }
    let (counts, overdue) = counts(house, request.now).await?;
    let next_after = found.last().filter(|_| is_more).map(|case| case.case.to_string());
    let store = house.charter.name.clone();
    Ok(CaseList { format: CASE_LIST_FORMAT, store, counts, overdue, cases, next_after })
}

/// Returns the sheet of a case; `None` where there is no such case.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn case_sheet(house: &House, id: CaseId, now: Timestamp) -> Result<Option<CaseSheet>, StoreError> {
    let Some(Aggregate::Case(case)) = house.store.get(Key::Case(id)).await? else { return Ok(None) };
    let holds = first_holds(house, id).await?;
    let mut sheet = sheet(house, &case, &holds, now).await?;
    sheet.timeline = case_timeline(house, id).await?;
    Ok(Some(sheet))
}

/// Returns the first contents of a case.
pub(super) async fn first_holds(house: &House, id: CaseId) -> Result<Vec<Hold>, StoreError> {
    let query = Query::of("hold").owner(&Key::Case(id).id()).limit(CONTENTS_SHOWN);
    let rows = house.store.list(&query).await?;
    let hold = |row| if let Aggregate::Hold(hold) = row { Some(hold) } else { None };
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// Returns the sheet of a case without what happened to it, which takes reading the ledger.
pub(super) async fn sheet(
    house: &House,
    case: &Case,
    holds: &[Hold],
    now: Timestamp,
) -> Result<CaseSheet, StoreError> {
    let mut names = Names::of(&house.store);
    let people = people(&house.store).await?;
    Ok(CaseSheet {
        format: CASE_FORMAT,
        row: row(house, case, &mut names, now).await?,
        held_more: case.count.saturating_sub(holds.len() as u64),
        held: holds.iter().map(held).collect(),
        taints: taints(case),
        proposal: proposal(case, &mut names).await?,
        decision: decision(house, case, &mut names).await?,
        next: next_steps(house, case, &people, &mut names, now).await?,
        timeline: Vec::new(),
    })
}

/// Finds cases, due ones first, and says whether there may be more.
pub(super) async fn find(house: &House, request: &CaseListRequest) -> Result<(Vec<Case>, bool), StoreError> {
    let database = house.store.database();
    let policy = house.charter.basis.policy;
    let statuses: &[CaseStatus] = match request.statuses.as_slice() {
        [] => &[CaseStatus::Open, CaseStatus::Claimed, CaseStatus::Proposed, CaseStatus::Reopened],
        named => named,
    };
    // A decision that an older policy freed content by does not stand, and the database calls its case decided.
    let words: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    let mut queries = vec![Query::of("case").statuses(&words)];
    if statuses.contains(&CaseStatus::Reopened) && !statuses.contains(&CaseStatus::Decided) {
        queries.push(Query::of("case").statuses(&["decided"]).bound_unlike(&policy.to_string()));
    }
    let begin = match request.after {
        Some(after) => {
            let key = Key::Case(after);
            database.row(key.kind(), &key.id()).await?.map(|row| row.cursor(Order::Due))
        }
        None => None,
    };
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for query in queries {
        let mut query = query.order(Order::Due).limit(request.limit.saturating_add(1));
        if let Some(claimant) = request.claimant {
            query = query.owner(&claimant.to_string());
        }
        if request.overdue {
            query = query.due_before(request.now);
        }
        if let Some(begin) = &begin {
            query = query.after(begin.clone());
        }
        let mut fitting = 0;
        while fitting <= limit {
            let rows = database.rows(&query).await?;
            let Some(last) = rows.last() else { break };
            query = query.after(last.cursor(Order::Due));
            for row in &rows {
                let Aggregate::Case(case) = read(row)? else { continue };
                if is_asked_for(&case, statuses, request, policy) {
                    fitting += 1;
                    found.push(*case);
                }
            }
            if rows.len() <= limit {
                break;
            }
        }
    }
    found.sort_by_key(|case| (case.due, case.case));
    let is_more = found.len() > limit;
    found.truncate(limit);
    Ok((found, is_more))
}

fn is_asked_for(
    case: &Case,
    statuses: &[CaseStatus],
    request: &CaseListRequest,
    policy: lazaret_core::Digest,
) -> bool {
    let status = case.status(policy);
    let of_tool = |tool: &ToolId| case.evidence.iter().any(|one| one.tool.as_ref() == Some(tool));
    statuses.contains(&status)
        && (!request.overdue || (case.due <= request.now && status != CaseStatus::Decided))
        && request.tool.as_ref().is_none_or(of_tool)
        && request.claimant.is_none_or(|person| case.claimant(request.now) == Some(person))
}

/// Counts the cases of the whole store by where they stand, and those that are overdue.
pub(super) async fn counts(
    house: &House,
    now: Timestamp,
) -> Result<(BTreeMap<String, u64>, u64), StoreError> {
    let database = house.store.database();
    let policy = house.charter.basis.policy.to_string();
    let mut counts = database.count_by_status("case").await?;
    let decided = || Query::of("case").statuses(&["decided"]).bound_unlike(&policy);
    let fallen = database.count(&decided()).await?;
    if fallen > 0 {
        if let Some(decided) = counts.get_mut("decided") {
            *decided = decided.saturating_sub(fallen);
        }
        *counts.entry("reopened".to_owned()).or_default() += fallen;
    }
    let undecided = Query::of("case").statuses(&["open", "claimed", "proposed", "reopened"]);
    let overdue = database.count(&undecided.due_before(now)).await?
        + database.count(&decided().due_before(now)).await?;
    Ok((counts, overdue))
}

pub(super) async fn row(
    house: &House,
    case: &Case,
    names: &mut Names<'_>,
    now: Timestamp,
) -> Result<CaseRow, StoreError> {
    let status = case.status(house.charter.basis.policy);
    let mut tools: Vec<String> =
        case.evidence.iter().filter_map(|one| Some(one.tool.as_ref()?.to_string())).collect();
    tools.sort();
    tools.dedup();
    let claimant = match case.claimant(now) {
        Some(person) => Some(names.person(person).await?),
        None => None,
    };
    Ok(CaseRow {
        case: case.case.to_string(),
        status: status.as_str().to_owned(),
        cause: format!("{}:{}", case.cause.kind.as_str(), case.cause.name),
        opened: case.opened.to_string(),
        due: case.due.to_string(),
        overdue: status != CaseStatus::Decided && case.due <= now,
        contents: case.count,
        lines: case.lines,
        tools,
        claimant,
    })
}

fn held(hold: &Hold) -> HeldSheet {
    let place = |place: &lazaret_store::Place| {
        let lines = place.lines.map_or_else(String::new, |span| format!(":{}-{}", span.start(), span.end()));
        format!("{}:{}{lines}", place.origin, place.path)
    };
    HeldSheet {
        content: hold.content.to_string(),
        kind: hold.kind.as_str().to_owned(),
        lines: hold.lines,
        custody: hold.custody.as_str().to_owned(),
        places: hold.places.iter().map(place).collect(),
    }
}

fn taints(case: &Case) -> Vec<TaintSheet> {
    let taint = |one: &lazaret_store::CaseEvidence| TaintSheet {
        evidence: one.evidence.to_string(),
        detector: one.detector.to_string(),
        tool: one.tool.as_ref().map(ToString::to_string),
        strength: one.strength.as_str().to_owned(),
        directness: match one.directness {
            Directness::Direct => "direct",
            Directness::Derived => "derived",
        }
        .to_owned(),
    };
    case.evidence.iter().map(taint).collect()
}

async fn proposal(case: &Case, names: &mut Names<'_>) -> Result<Option<ProposalSheet>, StoreError> {
    let Some(proposal) = &case.proposal else { return Ok(None) };
    let proposer = match proposal.proposer {
        Some(person) => Some(names.person(person).await?),
        None => None,
    };
    let refutations = match &proposal.resolution {
        Resolution::Cleared { refutations, .. } => refutations
            .iter()
            .map(|one| (one.evidence.to_string(), one.refuted.as_str().to_owned()))
            .collect(),
        Resolution::Removed | Resolution::KeptHeld | Resolution::ExemptLabelled { .. } => BTreeMap::new(),
    };
    Ok(Some(ProposalSheet {
        resolution: written(&proposal.resolution),
        justification: justification(&proposal.resolution),
        refutations,
        deltas: deltas(&proposal.resolution),
        proposer,
        time: proposal.time.to_string(),
        remark: names.remark(proposal.remark).await?,
        agreed: names.people(proposal.agreed.iter().copied()).await?,
    }))
}

async fn decision(
    house: &House,
    case: &Case,
    names: &mut Names<'_>,
) -> Result<Option<DecisionSheet>, StoreError> {
    let Some(decision) = &case.decision else { return Ok(None) };
    let policy = house.charter.basis.policy;
    let own = case.standing(policy).is_some();
    let stands = own && rests_well(house, case).await?;
    Ok(Some(DecisionSheet {
        resolution: written(&decision.resolution),
        justification: justification(&decision.resolution),
        deltas: deltas(&decision.resolution),
        people: names.people(decision.people.iter().copied()).await?,
        time: decision.time.to_string(),
        policy: decision.policy.to_string(),
        stands,
        overturned: (!stands).then(|| {
            let why = if own { FALLEN } else { overturned(case, decision, policy) };
            why.to_owned()
        }),
    }))
}

/// Says why a decision does not stand.
fn overturned(case: &Case, decision: &Decision, policy: lazaret_core::Digest) -> &'static str {
    match case.returned {
        Some(returned) => returned.as_str(),
        None if decision.policy != policy => "policy changed",
        None => "its contents, its evidence or the catalog changed",
    }
}

fn written(resolution: &Resolution) -> String {
    match resolution {
        Resolution::ExemptLabelled { exemption } => format!("{} with {exemption}", resolution.as_str()),
        Resolution::Cleared { .. } | Resolution::Removed | Resolution::KeptHeld => {
            resolution.as_str().to_owned()
        }
    }
}

fn justification(resolution: &Resolution) -> Option<String> {
    match resolution {
        Resolution::Cleared { justification, .. } => Some(justification.as_str().to_owned()),
        Resolution::Removed | Resolution::KeptHeld | Resolution::ExemptLabelled { .. } => None,
    }
}

/// Reads what happened to a case out of the ledger, from the entry that opened it to the one that changed it last.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn case_timeline(house: &House, id: CaseId) -> Result<Vec<TimelineRow>, StoreError> {
    let mut names = Names::of(&house.store);
    let database = house.store.database();
    let finder = memmem::Finder::new(b"\"case\":");
    let key = Key::Case(id);
    let Some(changed_last) = database.row(key.kind(), &key.id()).await?.map(|row| row.seq) else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    let mut from = id.0;
    loop {
        let more = changed_last.saturating_add(1).saturating_sub(from);
        let at_once = u32::try_from(more).unwrap_or(ENTRIES_AT_ONCE).min(ENTRIES_AT_ONCE);
        if at_once == 0 {
            return Ok(rows);
        }
        let entries = database.entries(from, at_once).await?;
        let Some(last) = entries.last() else { return Ok(rows) };
        from = last.seq + 1;
        for stored in &entries {
            // Most entries are about other things, and parsing takes longer than looking.
            if stored.seq != id.0 && finder.find(&stored.body).is_none() {
                continue;
            }
            let Ok(SignedEntry { entry, .. }) = SignedEntry::parse(&stored.body) else { continue };
            if stored.seq != id.0 && case_of(&entry.act) != Some(id) {
                continue;
            }
            let remark = if let Act::ProposeResolution { remark, .. }
            | Act::RejectResolution { remark, .. }
            | Act::ReopenCase { remark, .. } = &entry.act
            {
                *remark
            } else {
                None
            };
            rows.push(TimelineRow {
                entry: entry.seq,
                time: entry.time.to_string(),
                by: names.person(entry.by).await?,
                act: entry.act.as_str().to_owned(),
                remark: names.remark(remark).await?,
            });
        }
    }
}

fn case_of(act: &Act) -> Option<CaseId> {
    if let Act::ExtendCase { case, .. }
    | Act::Reassess { case, .. }
    | Act::ClaimCase { case }
    | Act::YieldCase { case }
    | Act::ProposeResolution { case, .. }
    | Act::AgreeResolution { case, .. }
    | Act::RejectResolution { case, .. }
    | Act::ReopenCase { case, .. }
    | Act::EnforceDeadline { case } = act
    {
        Some(*case)
    } else {
        None
    }
}
