//! Findings in a store: recorded once each, whatever logs show them again, and deleted when the policy says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lazaret_core::{Digest, FindingsId, Response};

use super::names::ValueClass;
use super::{Actor, Command, Done, NamedDuties, Store, StoreError, load, rows};
use crate::act::Act;
use crate::aggregate::{Aggregate, Key};
use crate::database::{Order, Query, StoredValue, Transaction};
use crate::finding::{Deleted, Finding, FindingBatch, FindingId, FindingRow, LookedAt, NewBatch, overdue};
use crate::person::Charter;
use crate::world::World;

/// So many findings are recorded by one entry.
const AT_ONCE: usize = 10_000;
/// In so many batches, or the entry would be too long.
const BATCHES_AT_ONCE: usize = 300;
/// How many batches are read at a time where all are asked for.
const BATCHES_READ: u32 = 1000;

/// Says what is to be recorded of a finding that was recorded before, by what was recorded and what was seen now;
/// nothing where that tells no more.
pub type Revise = fn(recorded: &str, seen: &str) -> Option<String>;

/// What a look at logs showed.
#[derive(Debug, Clone)]
pub struct Found {
    /// The catalog that it was found by.
    pub catalog: Digest,
    /// How much was read.
    pub looked_at: LookedAt,
    /// What was found.
    pub findings: Vec<Finding>,
    /// How findings are told from those that were recorded before.
    pub revise: Revise,
}

/// What became of findings that were to be recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The entries.
    pub entries: Vec<u64>,
    /// Findings that are there now and were not before.
    pub new: u64,
    /// Findings that were there, and of which more is known now.
    pub more: u64,
    /// Findings that were there already.
    pub known: u64,
    /// Findings that are over by the policy, and were not recorded.
    pub over: u64,
}

/// A batch on its way into the database.
pub(super) struct Kept {
    batch: NewBatch,
    value: StoredValue,
    rows: Vec<FindingRow>,
}

impl Store {
    /// Records findings; those that were recorded before are recorded again only where more is known of them.
    ///
    /// Each entry is durable with its findings, and a call that ends early has recorded those before: it is made again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_findings(
        &self,
        actor: &Actor,
        found: Found,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let Found { catalog, mut looked_at, findings, revise } = found;
        let charter = self.charter().await?;
        let today = now.to_zoned(TimeZone::UTC).date();
        let mut outcome = Recorded::default();
        let mut by_day: BTreeMap<(Date, Response, FindingId), Finding> = BTreeMap::new();
        for finding in findings {
            let day = finding.hour.map_or(today, |hour| hour.to_zoned(TimeZone::UTC).date().min(today));
            if day < charter.basis.terms.retention.keeps_from(finding.class, now) {
                outcome.over += 1;
                continue;
            }
            let seen = by_day.entry((day, finding.class, finding.finding)).or_insert_with(|| finding.clone());
            if let Some(more) = revise(&seen.body, &finding.body) {
                seen.body = more;
            }
        }
        for share in shares(by_day) {
            let (actor, duties, program) = (actor.clone(), self.duties.clone(), self.program.clone());
            let look = Look { actor, catalog, looked_at, share, revise, now, duties, program };
            let part = self.run(move |transaction| Box::pin(look.record(transaction))).await?;
            if !part.entries.is_empty() {
                // The first entry tells it, and no other repeats it.
                looked_at = LookedAt::default();
            }
            outcome.entries.extend(part.entries);
            outcome.new += part.new;
            outcome.more += part.more;
            outcome.known += part.known;
        }
        Ok(outcome)
    }

    /// Deletes all findings whose time is over by the policy; returns nothing where there are none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_overdue(
        &self,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Option<(Done, Vec<Deleted>)>, StoreError> {
        let (actor, duties, program) = (actor.clone(), self.duties.clone(), self.program.clone());
        self.run(move |transaction| Box::pin(delete_overdue(transaction, actor, duties, program, now))).await
    }

    /// Returns every batch of findings that is kept.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn kept_batches(&self) -> Result<Vec<FindingBatch>, StoreError> {
        let mut query = batches_query();
        let mut batches = Vec::new();
        loop {
            let page = self.database.rows(&query).await?;
            let Some(last) = page.last() else { return Ok(batches) };
            query = query.after(last.cursor(Order::Id));
            read_batches(&page, &mut batches)?;
        }
    }
}

/// Divides findings into what one entry each can record.
fn shares(findings: BTreeMap<(Date, Response, FindingId), Finding>) -> Vec<Vec<(Date, Finding)>> {
    let mut shares = Vec::new();
    let mut share: Vec<(Date, Finding)> = Vec::new();
    let (mut n_batches, mut last) = (0, None);
    for ((day, class, _), finding) in findings {
        n_batches += usize::from(last != Some((day, class)));
        if share.len() == AT_ONCE || n_batches > BATCHES_AT_ONCE {
            shares.push(std::mem::take(&mut share));
            n_batches = 1;
        }
        last = Some((day, class));
        share.push((day, finding));
    }
    shares.extend((!share.is_empty()).then_some(share));
    shares
}

/// Findings on their way into one entry.
struct Look {
    actor: Actor,
    catalog: Digest,
    looked_at: LookedAt,
    share: Vec<(Date, Finding)>,
    revise: Revise,
    now: Timestamp,
    duties: NamedDuties,
    program: String,
}

impl Look {
    async fn record(self, transaction: &mut Transaction) -> Result<Recorded, StoreError> {
        let Self { actor, catalog, looked_at, share, revise, now, duties, program } = self;
        let names: Vec<FindingId> = share.iter().map(|(_, finding)| finding.finding).collect();
        let last = transaction.last_findings(&names).await?;
        let last: BTreeMap<FindingId, FindingRow> =
            last.into_iter().map(|row| (row.finding.finding, row)).collect();
        let mut outcome = Recorded::default();
        let mut batches: BTreeMap<(Date, Response), Vec<(u64, Finding)>> = BTreeMap::new();
        for (day, mut finding) in share {
            let mut revision = 0;
            if let Some(row) = last.get(&finding.finding) {
                let Some(more) = revise(&row.finding.body, &finding.body) else {
                    outcome.known += 1;
                    continue;
                };
                finding.body = more;
                revision = row.revision.saturating_add(1);
                outcome.more += 1;
            } else {
                outcome.new += 1;
            }
            batches.entry((day, finding.class)).or_default().push((revision, finding));
        }
        if batches.is_empty() {
            return Ok(outcome);
        }
        let kept = batches.into_iter().map(|((day, class), findings)| seal(day, class, findings));
        let kept: Vec<Kept> = kept.collect::<Result<_, _>>()?;
        let batches = kept.iter().map(|kept| kept.batch.clone()).collect();
        let act = Act::RecordFindings { catalog, looked_at, batches };
        let command = Command::new(actor, act, Vec::new(), now, duties, &program).with_findings(kept);
        outcome.entries.push(command.carry_out(transaction).await?.seq);
        Ok(outcome)
    }
}

/// Commits to the findings of one batch.
fn seal(day: Date, class: Response, findings: Vec<(u64, Finding)>) -> Result<Kept, StoreError> {
    // The rows do not name their batch in their digests, so any name does until the commitment is made.
    let unnamed = FindingsId::to(&[0; 32], &[]);
    let mut rows: Vec<FindingRow> = (0..)
        .zip(findings)
        .map(|(number, (revision, finding))| FindingRow { batch: unnamed, number, revision, finding })
        .collect();
    let value = ValueClass::Findings.conceal(&digests(&rows))?;
    let batch = value.commitment.parse().map_err(|_other| StoreError::Bug)?;
    rows.iter_mut().for_each(|row| row.batch = batch);
    let findings = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    Ok(Kept { batch: NewBatch { batch, class, day, findings }, value, rows })
}

/// Returns the digests of rows, one after another: what is committed to.
fn digests(rows: &[FindingRow]) -> Vec<u8> {
    rows.iter().flat_map(|row| *row.digest().as_bytes()).collect()
}

/// Writes batches, and makes sure that there is something behind every batch that the act names.
pub(super) async fn keep(transaction: &mut Transaction, kept: &[Kept], act: &Act) -> Result<(), StoreError> {
    let Act::RecordFindings { batches, .. } = act else { return Ok(()) };
    for Kept { value, rows, .. } in kept {
        transaction.keep_value(value).await?;
        for row in rows {
            transaction.keep_finding(row).await?;
        }
    }
    match batches.iter().find(|named| !kept.iter().any(|kept| kept.batch == **named)) {
        Some(named) => Err(StoreError::NoFindings { batch: named.batch }),
        None => Ok(()),
    }
}

/// Deletes the findings of batches that were marked as deleted, and what stands behind their commitments.
pub(super) async fn delete(transaction: &mut Transaction, changed: &[Aggregate]) -> Result<(), StoreError> {
    for row in changed {
        let Aggregate::Findings(batch) = row else { continue };
        if batch.deleted.is_some() {
            transaction.delete_findings(batch.recorded.batch).await?;
            transaction.erase_value(&batch.recorded.batch.to_string()).await?;
        }
    }
    Ok(())
}

async fn delete_overdue(
    transaction: &mut Transaction,
    actor: Actor,
    duties: NamedDuties,
    program: String,
    now: Timestamp,
) -> Result<Option<(Done, Vec<Deleted>)>, StoreError> {
    let charter = charter(transaction).await?;
    let kept = kept_batches(transaction).await?;
    let time = super::entry_time(now, transaction.head().last_time)?;
    let (_, deleted) = overdue(kept, &charter.basis.terms.retention, time);
    if deleted.is_empty() {
        return Ok(None);
    }
    let act = Act::DeleteFindings { deleted: deleted.clone() };
    let done = Command::new(actor, act, Vec::new(), now, duties, &program).carry_out(transaction).await?;
    Ok(Some((done, deleted)))
}

async fn charter(transaction: &mut Transaction) -> Result<Charter, StoreError> {
    let mut world = World::partial();
    load(transaction, &mut world, &[Key::Charter]).await?;
    match world.get(Key::Charter) {
        Some(Aggregate::Charter(charter)) => Ok(charter.clone()),
        Some(_) | None => Err(StoreError::Damaged { key: Key::Charter }),
    }
}

/// Returns every batch of findings that is kept.
pub(super) async fn kept_batches(transaction: &mut Transaction) -> Result<Vec<FindingBatch>, StoreError> {
    let mut query = batches_query();
    let mut batches = Vec::new();
    loop {
        let page = transaction.rows(&query).await?;
        let Some(last) = page.last() else { return Ok(batches) };
        query = query.after(last.cursor(Order::Id));
        read_batches(&page, &mut batches)?;
    }
}

fn batches_query() -> Query {
    Query::of("findings").statuses(&["kept"]).limit(BATCHES_READ)
}

fn read_batches(page: &[crate::database::Row], batches: &mut Vec<FindingBatch>) -> Result<(), StoreError> {
    for row in page {
        if let Aggregate::Findings(batch) = rows::read(row)? {
            batches.push(batch);
        }
    }
    Ok(())
}
