//! Exemptions: asked for, approved by another, revoked, used.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Action, Affair, Relation};

use super::{Desk, idle, unready};
use crate::aggregate::{Aggregate, Key};
use crate::exemption::{Exemption, ExemptionId, ExemptionRequest, ExemptionStatus};
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    pub(super) fn request_exemption(&mut self, request: &ExemptionRequest) -> Result<(), Halt> {
        self.permit(Action::RequestExemption, Affair::Exemption, BTreeSet::new())?;
        self.in_terms(request)?;
        for person in &request.beneficiaries {
            self.world.person(*person)?;
        }
        if request.until <= self.step.time {
            return Err(Refusal::Terms { against: vec!["its time is over already".to_owned()] }.into());
        }
        self.world.put(Aggregate::Exemption(Exemption {
            exemption: ExemptionId(self.step.seq),
            requester: self.step.by,
            request: request.clone(),
            approved: None,
            revoked: None,
            uses: 0,
            last_use: None,
        }));
        Ok(())
    }

    pub(super) fn approve_exemption(&mut self, id: ExemptionId) -> Result<(), Halt> {
        let mut exemption = self.world.exemption(id)?;
        let relations = self.to_exemption(&exemption);
        self.permit(Action::ApproveExemption, Affair::Exemption, relations.clone())?;
        // Whatever the policies on who may do what say.
        if relations.contains(&Relation::Requester) || relations.contains(&Relation::Beneficiary) {
            let unmet = vec!["a manager who did not ask for it and does not gain by it".to_owned()];
            return Err(Refusal::Denied { action: Action::ApproveExemption, unmet, failed: false }.into());
        }
        self.in_terms(&exemption.request)?;
        let status = exemption.status(&self.charter.basis.terms, self.step.time);
        if status != ExemptionStatus::Requested {
            return Err(unready(
                Key::Exemption(id),
                status.as_str(),
                "only a request is approved; ask again",
            ));
        }
        exemption.approved = Some((self.step.by, self.step.time));
        self.world.put(Aggregate::Exemption(exemption));
        Ok(())
    }

    pub(super) fn revoke_exemption(&mut self, id: ExemptionId) -> Result<(), Halt> {
        let mut exemption = self.world.exemption(id)?;
        self.permit(Action::RevokeExemption, Affair::Exemption, self.to_exemption(&exemption))?;
        if exemption.revoked.is_some() {
            return Err(idle("the exemption is revoked already"));
        }
        exemption.revoked = Some((self.step.by, self.step.time));
        self.world.put(Aggregate::Exemption(exemption));
        Ok(())
    }

    pub(super) fn record_use(&mut self, id: ExemptionId, uses: u64, last: Timestamp) -> Result<(), Halt> {
        self.permit(Action::RecordUse, Affair::Exemption, BTreeSet::new())?;
        let mut exemption = self.world.exemption(id)?;
        if uses == 0 || last > self.step.time {
            let why = "a use is recorded after it happened, and at least one at a time";
            return Err(Refusal::Senseless { why: why.to_owned() }.into());
        }
        let status = exemption.status_of_use(&self.charter.basis.terms, last);
        if status != ExemptionStatus::Active {
            let needs = "a use outside its time is no use of it: it is a finding";
            return Err(unready(Key::Exemption(id), status.as_str(), needs));
        }
        exemption.uses = exemption.uses.saturating_add(uses);
        exemption.last_use = exemption.last_use.max(Some(last));
        self.world.put(Aggregate::Exemption(exemption));
        Ok(())
    }

    fn in_terms(&self, request: &ExemptionRequest) -> Result<(), Halt> {
        let against = request.against(&self.charter.basis.terms);
        if against.is_empty() { Ok(()) } else { Err(Refusal::Terms { against }.into()) }
    }

    fn to_exemption(&self, exemption: &Exemption) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        if exemption.requester == self.step.by {
            relations.insert(Relation::Requester);
        }
        if exemption.request.beneficiaries.contains(&self.step.by) {
            relations.insert(Relation::Beneficiary);
        }
        relations
    }
}
