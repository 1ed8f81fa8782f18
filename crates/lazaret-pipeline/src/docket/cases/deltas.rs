//! Clearings of changes, for people: what changed, and whether what they rest on still stands.

use std::collections::BTreeSet;

use lazaret_store::{Aggregate, Case, Delta, Key, Resolution, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::house::House;

/// Why a clearing does not stand that rests on another.
pub(super) const FALLEN: &str = "what it is a change of is not cleared any more";

/// What changed in a content since a version that was cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeltaSheet {
    /// The content.
    pub content: String,
    /// The version that was cleared.
    pub base: String,
    /// How many lines of the content are not the version's.
    pub lines: u64,
}

/// Returns what changed, where only that was read.
pub(super) fn deltas(resolution: &Resolution) -> Vec<DeltaSheet> {
    let deltas = resolution.deltas().into_iter().flatten();
    let sheet = |delta: &Delta| DeltaSheet {
        content: delta.content.to_string(),
        base: delta.base.to_string(),
        lines: delta.lines,
    };
    deltas.map(sheet).collect()
}

/// Whether what a clearing rests on is still cleared, by however many steps.
pub(super) async fn rests_well(house: &House, case: &Case) -> Result<bool, StoreError> {
    let policy = house.charter.basis.policy;
    let (mut seen, mut waiting) = (BTreeSet::from([case.case]), vec![case.clone()]);
    while let Some(case) = waiting.pop() {
        let Some(decision) = case.standing(policy) else { return Ok(false) };
        for delta in decision.resolution.deltas().into_iter().flatten() {
            let hold = house.store.get(Key::Hold(delta.base)).await?;
            let Some(Aggregate::Hold(hold)) = hold else { return Ok(false) };
            let base = house.store.get(Key::Case(hold.case)).await?;
            let Some(Aggregate::Case(base)) = base else { return Ok(false) };
            let cleared = base.standing(policy).map(|decision| &decision.resolution);
            if !matches!(cleared, Some(Resolution::Cleared { .. })) {
                return Ok(false);
            }
            if seen.insert(base.case) {
                waiting.push(*base);
            }
        }
    }
    Ok(true)
}
