//! Cases: how they come about, grow, and are opened again by what scans find.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{Action, Affair, Digest, IdentityId, OnDeadline};

use super::{Desk, idle, unready};
use crate::act::HeldContent;
use crate::aggregate::{Aggregate, Key};
use crate::case::{Case, CaseEvidence, CaseId, CaseStatus, Cause, Proposal, Resolution, Returned};
use crate::hold::{Custody, Hold, Place};
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    pub(super) fn open_case(
        &mut self,
        cause: &Cause,
        contents: &[HeldContent],
        evidence: &BTreeSet<CaseEvidence>,
        catalog: Digest,
        shaped_by: &BTreeSet<IdentityId>,
    ) -> Result<(), Halt> {
        self.permit(Action::HoldContent, Affair::Held, BTreeSet::new())?;
        let mut case = Case {
            case: CaseId(self.step.seq),
            cause: cause.clone(),
            opened: self.step.time,
            due: self.deadline(),
            count: 0,
            lines: 0,
            contents: Digest::of(b""),
            evidence: evidence.clone(),
            catalog,
            shaped_by: shaped_by.clone(),
            claim: None,
            proposal: None,
            decision: None,
            returned: None,
        };
        self.hold(&mut case, contents)?;
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn extend_case(
        &mut self,
        id: CaseId,
        contents: &[HeldContent],
        shaped_by: &BTreeSet<IdentityId>,
    ) -> Result<(), Halt> {
        self.permit(Action::HoldContent, Affair::Held, BTreeSet::new())?;
        let mut case = self.world.case(id)?;
        self.hold(&mut case, contents)?;
        case.shaped_by.extend(shaped_by);
        case.reopen(Returned::ContentChanged, self.deadline());
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    fn hold(&mut self, case: &mut Case, contents: &[HeldContent]) -> Result<(), Halt> {
        if contents.is_empty() {
            return Err(Refusal::Senseless { why: "a case needs a content to be about".to_owned() }.into());
        }
        for held in contents {
            let HeldContent { content, blob, kind, bytes, lines, place } = held.clone();
            match self.world.hold(content) {
                Ok(hold) => return Err(Refusal::Held { content, case: hold.case }.into()),
                Err(Halt::Refused(_)) => {}
                Err(need) => return Err(need),
            }
            case.add(content, lines);
            self.world.put(Aggregate::Hold(Hold {
                content,
                blob,
                kind,
                bytes,
                lines,
                case: case.case,
                custody: Custody::InPlace,
                sealed: None,
                places: vec![place],
                sightings: 1,
                reads: 0,
            }));
        }
        Ok(())
    }

    pub(super) fn reassess(
        &mut self,
        id: CaseId,
        evidence: &BTreeSet<CaseEvidence>,
        catalog: Digest,
    ) -> Result<(), Halt> {
        self.permit(Action::HoldContent, Affair::Held, BTreeSet::new())?;
        let mut case = self.world.case(id)?;
        let why = if case.evidence != *evidence {
            Returned::EvidenceChanged
        } else if case.catalog != catalog {
            Returned::CatalogChanged
        } else {
            return Err(idle("the scan found what the case knows"));
        };
        case.evidence = evidence.clone();
        case.catalog = catalog;
        case.reopen(why, self.deadline());
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    /// A content that is found elsewhere stays with its case. One whose removal was decided has come back.
    pub(super) fn sight(&mut self, content: Digest, place: &Place) -> Result<(), Halt> {
        self.permit(Action::HoldContent, Affair::Held, BTreeSet::new())?;
        let mut hold = self.world.hold(content)?;
        let mut case = self.world.case(hold.case)?;
        let removed = case.own_decision().is_some_and(|decision| decision.resolution == Resolution::Removed);
        let gone = matches!(hold.custody, Custody::Detached | Custody::Destroyed);
        let new = hold.sight(place.clone());
        if removed && (new || gone) {
            case.reopen(Returned::CameBack, self.deadline());
            self.world.put(Aggregate::Case(Box::new(case)));
        } else if !new {
            return Err(idle("the content is known to lie there"));
        }
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }

    pub(super) fn claim(&mut self, id: CaseId) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        self.permit(Action::ClaimCase, Affair::Held, self.to_case(&case))?;
        let status = case.status(self.charter.basis.policy);
        match status {
            CaseStatus::Open | CaseStatus::Claimed | CaseStatus::Reopened => {}
            CaseStatus::Proposed | CaseStatus::Decided => {
                let needs = "only an open case is claimed; agree, reject or reopen it";
                return Err(unready(Key::Case(id), status.as_str(), needs));
            }
        }
        match case.claimant(self.step.time) {
            Some(person) if person == self.step.by => return Err(idle("the case is yours")),
            Some(_) => {
                let needs = "wait until its claimant gives it back, or take another";
                return Err(unready(Key::Case(id), "claimed by another", needs));
            }
            None => {}
        }
        case.claim = Some((self.step.by, self.step.time));
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn yield_claim(&mut self, id: CaseId) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        self.permit(Action::ClaimCase, Affair::Held, self.to_case(&case))?;
        if case.claim.map(|(person, _)| person) != Some(self.step.by) {
            return Err(idle("the case is not claimed by you"));
        }
        case.claim = None;
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn reopen(&mut self, id: CaseId) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        self.permit(Action::ReopenCase, Affair::Held, self.to_case(&case))?;
        if case.own_decision().is_none() {
            let status = case.status(self.charter.basis.policy);
            return Err(unready(Key::Case(id), status.as_str(), "only a decided case is opened again"));
        }
        case.reopen(Returned::OnRequest, self.deadline());
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn enforce_deadline(&mut self, id: CaseId) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        self.permit(Action::EnforceDeadline, Affair::Held, BTreeSet::new())?;
        let status = case.status(self.charter.basis.policy);
        match status {
            CaseStatus::Open | CaseStatus::Claimed | CaseStatus::Reopened => {}
            CaseStatus::Proposed | CaseStatus::Decided => {
                return Err(unready(Key::Case(id), status.as_str(), "a deadline is for what is undecided"));
            }
        }
        if self.step.time < case.due {
            return Err(unready(Key::Case(id), "not overdue", &format!("it is due at {}", case.due)));
        }
        match self.charter.basis.terms.on_deadline {
            OnDeadline::ProposeRemoval => {}
            OnDeadline::KeepHeld => return Err(idle("the policy keeps overdue cases held")),
        }
        case.claim = None;
        case.proposal = Some(Proposal {
            resolution: Resolution::Removed,
            proposer: None,
            time: self.step.time,
            remark: None,
            agreed: BTreeSet::new(),
        });
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    fn deadline(&self) -> Timestamp {
        let days = i64::from(self.charter.basis.terms.deadline_days);
        self.step.time.saturating_add(SignedDuration::from_hours(days * 24)).unwrap_or(Timestamp::MAX)
    }
}
