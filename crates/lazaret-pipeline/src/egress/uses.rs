//! `egress uses`: how often exemptions were used, by the records of decisions, so that those nobody needs are known.
//!
//! Records are read when somebody asks and never while a call waits. What was recorded of an exemption until a moment is
//! not recorded again: decisions count that were made after its last recorded use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_store::{Act, Actor, Aggregate, ExemptionId, ExemptionStatus, Key, StoreError};

use super::logs::{Log, LogError};
use super::reconcile::{RecordReport, Records};
use crate::house::House;

/// Decisions by exemption.
#[derive(Debug, Clone, Default)]
pub struct DecidedUses {
    /// The times of the decisions, by the exemption that allowed them.
    times: BTreeMap<ExemptionId, Vec<Timestamp>>,
    /// The records.
    pub records: Vec<RecordReport>,
}

/// What became of the uses of one exemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedUses {
    /// Which.
    pub exemption: ExemptionId,
    /// How many uses were not recorded before.
    pub uses: u64,
    /// The entry that records them, or why there is none.
    pub outcome: Result<u64, String>,
}

/// Reads records of decisions.
///
/// # Errors
/// [`LogError`] where one cannot be opened or read at all; what could not be understood is in the reports.
pub fn decided_uses(records: &mut [Log<'_>]) -> Result<DecidedUses, LogError> {
    let mut read = Records::default();
    let reports = records.iter_mut().map(|record| read.read(record)).collect::<Result<_, _>>()?;
    let mut uses = DecidedUses { times: BTreeMap::new(), records: reports };
    for (_, decision) in read.iter() {
        let Some(exemption) = decision.exemption.as_deref().filter(|_| !decision.denies) else { continue };
        let number = exemption.strip_prefix('E').and_then(|number| number.parse().ok());
        let time = Timestamp::from_microsecond(decision.time).ok();
        if let (Some(number), Some(time)) = (number, time) {
            uses.times.entry(ExemptionId(number)).or_default().push(time);
        }
    }
    Ok(uses)
}

/// Records uses in a store, one entry for each exemption that has any that are new.
///
/// # Errors
/// [`StoreError`]; a use that the store refuses, because the exemption did not allow it, is in the answer.
pub async fn record_uses(
    house: &House,
    actor: &Actor,
    decided: &DecidedUses,
    now: Timestamp,
) -> Result<Vec<RecordedUses>, StoreError> {
    let mut recorded = Vec::new();
    for (exemption, times) in &decided.times {
        let exemption = *exemption;
        let known = match house.store.get(Key::Exemption(exemption)).await? {
            Some(Aggregate::Exemption(known)) => Some(known),
            Some(_) | None => None,
        };
        let last_use = known.as_ref().and_then(|known| known.last_use);
        let new = times.iter().filter(|time| last_use.is_none_or(|last| **time > last));
        // A service that has not heard of a revocation yet lets a call pass: that is no use, and the others are.
        let terms = &house.charter.basis.terms;
        let is_use = |time: &&Timestamp| {
            known.as_ref().is_none_or(|known| known.status_of_use(terms, **time) == ExemptionStatus::Active)
        };
        let (new, outside): (Vec<&Timestamp>, Vec<&Timestamp>) = new.partition(is_use);
        if !outside.is_empty() {
            let uses = u64::try_from(outside.len()).unwrap_or(u64::MAX);
            let why = "it allowed nothing at that time, so that they are findings and no uses".to_owned();
            recorded.push(RecordedUses { exemption, uses, outcome: Err(why) });
        }
        let Some(last) = new.iter().max().copied().copied() else { continue };
        let uses = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let outcome = match house.store.apply(actor, Act::RecordUse { exemption, uses, last }, now).await {
            Ok(done) => Ok(done.seq),
            Err(StoreError::Refused { refusal }) => Err(refusal.to_string()),
            Err(error) => return Err(error),
        };
        recorded.push(RecordedUses { exemption, uses, outcome });
    }
    Ok(recorded)
}
