//! Whether the findings in the database are those that were recorded, and those that were deleted are gone.

use std::collections::BTreeSet;

use lazaret_core::Digest;

use super::{Fault, FaultPlace, ValueClass};
use crate::aggregate::Aggregate;
use crate::database::StoredValue;
use crate::finding::{FindingBatch, FindingRow};
use crate::store::{Replay, Store, StoreError};

impl Store {
    /// Holds every batch against its rows, and looks for rows of no batch. Returns how many findings there are.
    pub(super) async fn verify_findings(
        &self,
        replay: &Replay<'_>,
        faults: &mut Vec<Fault>,
    ) -> Result<u64, StoreError> {
        let mut seen = 0;
        let mut unknown: BTreeSet<String> =
            self.database.batches_with_findings().await?.into_iter().collect();
        for (_, row, _) in replay.rows() {
            let Aggregate::Findings(batch) = row else { continue };
            let name = batch.recorded.batch.to_string();
            unknown.remove(&name);
            let rows = self.database.findings_of(&name).await?;
            if batch.deleted.is_some() {
                let what = "it is still there, and an entry says that it was deleted";
                faults.extend(rows.iter().map(|(number, _)| fault(&name, *number, what)));
                continue;
            }
            // Where it is gone or another, that is told of the value.
            let value = self.database.value(&name).await?;
            let is_its =
                |value: &StoredValue| ValueClass::Findings.commitment(&value.salt, &value.value) == name;
            let Some(value) = value.filter(is_its) else { continue };
            seen += batch.recorded.findings;
            check(batch, &value.value, &rows, faults);
        }
        for name in unknown {
            let rows = self.database.findings_of(&name).await?;
            faults.extend(rows.iter().map(|(number, _)| fault(&name, *number, "no entry recorded it")));
        }
        Ok(seen)
    }
}

/// Holds the rows of a batch against the digests behind its commitment.
fn check(batch: &FindingBatch, digests: &[u8], rows: &[(i64, Option<FindingRow>)], faults: &mut Vec<Fault>) {
    let name = batch.recorded.batch.to_string();
    let (digests, rest) = digests.as_chunks::<32>();
    if !rest.is_empty() || u64::try_from(digests.len()) != Ok(batch.recorded.findings) {
        let what = format!("entry {} says that it has another number of findings", batch.entry);
        faults.push(Fault { place: FaultPlace::Value(name.clone()), what });
    }
    let mut found = rows.iter().peekable();
    for (number, digest) in (0_i64..).zip(digests) {
        while let Some((stray, _)) = found.next_if(|(at, _)| *at < number) {
            faults.push(fault(&name, *stray, "no entry recorded it"));
        }
        let what = match found.next_if(|(at, _)| *at == number) {
            None => "it is gone, and no entry says that it was deleted".to_owned(),
            Some((_, Some(row))) if row.digest() == Digest::from_bytes(*digest) => continue,
            Some(_) => format!("it is not what entry {} recorded", batch.entry),
        };
        faults.push(fault(&name, number, &what));
    }
    faults.extend(found.map(|(stray, _)| fault(&name, *stray, "no entry recorded it")));
}

fn fault(batch: &str, number: i64, what: &str) -> Fault {
    Fault { place: FaultPlace::Finding(batch.to_owned(), number), what: what.to_owned() }
}
