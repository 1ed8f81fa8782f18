//! Findings about calls: recorded in batches, and deleted by the policy and by nobody's choice.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use lazaret_core::{Action, Affair};

use super::{Desk, idle};
use crate::aggregate::{Aggregate, Key};
use crate::finding::{BATCH_FINDINGS_MAX, Deleted, FindingBatch, NewBatch, overdue};
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    /// Records batches. What would be over already is not recorded at all.
    pub(super) fn record_findings(&mut self, batches: &[NewBatch]) -> Result<(), Halt> {
        self.permit(Action::RecordFindings, Affair::Traffic, BTreeSet::new())?;
        if batches.is_empty() {
            return Err(idle("there is nothing that was not recorded already"));
        }
        let today = self.step.time.to_zoned(TimeZone::UTC).date();
        for batch in batches {
            self.absent(Key::Findings(batch.batch))?;
            let first = self.charter.basis.terms.retention.keeps_from(batch.class, self.step.time);
            if batch.findings == 0 || batch.findings > BATCH_FINDINGS_MAX || batch.day > today {
                let why = format!("a batch has 1 to {BATCH_FINDINGS_MAX} findings, of a day that has begun");
                return Err(Refusal::Senseless { why }.into());
            }
            if batch.day < first {
                let (class, day) = (batch.class, batch.day);
                let why = format!(
                    "findings of the class `{class}` are kept from {first} on, and not those of {day}"
                );
                return Err(Refusal::Senseless { why }.into());
            }
            let (recorded, by, entry) = (batch.clone(), self.step.by, self.step.seq);
            self.world.put(Aggregate::Findings(FindingBatch { recorded, by, entry, deleted: None }));
        }
        Ok(())
    }

    /// Deletes every batch whose time is over. The entry must say what the policy says: neither a day more, nor a
    /// finding less.
    pub(super) fn delete_findings(&mut self, deleted: &[Deleted]) -> Result<(), Halt> {
        self.permit(Action::DeleteFindings, Affair::Traffic, BTreeSet::new())?;
        let retention = self.charter.basis.terms.retention;
        let (due, must) = overdue(self.world.kept_batches()?, &retention, self.step.time);
        if due.is_empty() {
            return Err(idle("no finding's time is over"));
        }
        if must != deleted {
            let why = "what is deleted is what the policy says at that moment, all of it and nothing else";
            return Err(Refusal::Senseless { why: why.to_owned() }.into());
        }
        for mut batch in due {
            batch.deleted = Some(self.step.time);
            self.world.put(Aggregate::Findings(batch));
        }
        Ok(())
    }
}
