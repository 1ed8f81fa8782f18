//! How cases end: proposed by one, agreed by others, never by who wrote the content.

use std::collections::BTreeSet;

use lazaret_core::{Action, Digest, PersonId, Relation, RemarkId, UnknownAuthors};

use super::{Desk, unready};
use crate::aggregate::{Aggregate, Key};
use crate::case::{Case, CaseId, CaseStatus, Decision, Proposal, Resolution};
use crate::exemption::ExemptionStatus;
use crate::person::Person;
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    pub(super) fn propose(
        &mut self,
        id: CaseId,
        resolution: &Resolution,
        remark: Option<RemarkId>,
    ) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        let mut relations = self.to_case(&case);
        self.add_benefit(&self.actor, resolution, &mut relations)?;
        self.permit(Action::ProposeResolution, resolution.affair(), relations)?;
        let status = case.status(self.charter.basis.policy);
        if status != CaseStatus::Claimed || case.claimant(self.step.time) != Some(self.step.by) {
            return Err(unready(Key::Case(id), status.as_str(), "claim it before you propose how it ends"));
        }
        self.can_resolve(&case, resolution)?;
        case.proposal = Some(Proposal {
            resolution: resolution.clone(),
            proposer: Some(self.step.by),
            time: self.step.time,
            remark,
            agreed: BTreeSet::new(),
        });
        self.decide(&mut case)?;
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn agree(&mut self, id: CaseId, meant: Option<Digest>) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        let mut relations = self.to_case(&case);
        let Some(proposal) = case.proposal.as_mut() else {
            let status = case.status(self.charter.basis.policy);
            return Err(unready(Key::Case(id), status.as_str(), "nothing is proposed to agree with"));
        };
        let resolution = proposal.resolution.clone();
        if meant.is_some_and(|meant| meant != resolution.digest()) {
            let needs = "something else was proposed meanwhile; look at the case again";
            return Err(unready(Key::Case(id), "proposed to end in another way", needs));
        }
        self.add_benefit(&self.actor, &resolution, &mut relations)?;
        self.permit(Action::AgreeResolution, resolution.affair(), relations.clone())?;
        // Whatever the policies on who may do what say, these never count.
        let never = [Relation::Proposer, Relation::Agreed, Relation::Author, Relation::Beneficiary];
        if never.iter().any(|relation| relations.contains(relation)) {
            let unmet =
                vec!["another person who did not write the content and gains nothing by it".to_owned()];
            return Err(Refusal::Denied { action: Action::AgreeResolution, unmet, failed: false }.into());
        }
        proposal.agreed.insert(self.step.by);
        self.can_resolve(&case, &resolution)?;
        self.decide(&mut case)?;
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    pub(super) fn reject(&mut self, id: CaseId) -> Result<(), Halt> {
        let mut case = self.world.case(id)?;
        let Some(proposal) = &case.proposal else {
            let status = case.status(self.charter.basis.policy);
            return Err(unready(Key::Case(id), status.as_str(), "nothing is proposed to turn down"));
        };
        self.permit(Action::RejectResolution, proposal.resolution.affair(), self.to_case(&case))?;
        case.proposal = None;
        self.world.put(Aggregate::Case(Box::new(case)));
        Ok(())
    }

    /// Returns how the actor stands to a case.
    pub(super) fn to_case(&self, case: &Case) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        if self.actor.is_among(&case.shaped_by) {
            relations.insert(Relation::Author);
        }
        if case.claim.map(|(person, _)| person) == Some(self.step.by) {
            relations.insert(Relation::Claimant);
        }
        if let Some(proposal) = &case.proposal {
            if proposal.proposer == Some(self.step.by) {
                relations.insert(Relation::Proposer);
            }
            if proposal.agreed.contains(&self.step.by) {
                relations.insert(Relation::Agreed);
            }
        }
        relations
    }

    /// Whoever may use the tool under an exemption, or asked for it, gains by the label.
    fn add_benefit(
        &self,
        person: &Person,
        resolution: &Resolution,
        relations: &mut BTreeSet<Relation>,
    ) -> Result<(), Halt> {
        if let Resolution::ExemptLabelled { exemption } = resolution {
            let exemption = self.world.exemption(*exemption)?;
            let gains = exemption.request.beneficiaries.contains(&person.person)
                || exemption.requester == person.person;
            if gains {
                relations.insert(Relation::Beneficiary);
            }
        }
        Ok(())
    }

    /// Says that it is not known who wrote the content, where the policy asks for it: whoever decides could be the one.
    fn knows_authors(&self, case: &Case) -> Result<(), Halt> {
        if self.charter.basis.terms.unknown_authors == UnknownAuthors::Allow {
            return Ok(());
        }
        let mut unknown = case.shaped_by.clone();
        for person in self.world.everyone()? {
            unknown.retain(|identity| !person.identities.contains(identity));
        }
        if unknown.is_empty() && !case.shaped_by.is_empty() {
            return Ok(());
        }
        let unmet = match unknown.len() {
            0 => "somebody to be named as the author".to_owned(),
            1 => "its author to be known: the address is nobody's in this store".to_owned(),
            n => format!("its authors to be known: {n} addresses are nobody's in this store"),
        };
        let way = "link addresses to people (`lazaret people link`), or have the policy allow it \
                   (`review.unknown-authors`)";
        let unmet = vec![format!("{unmet}; {way}")];
        Err(Refusal::Denied { action: Action::ProposeResolution, unmet, failed: false }.into())
    }

    /// Says what a resolution lacks, whoever proposes it.
    fn can_resolve(&self, case: &Case, resolution: &Resolution) -> Result<(), Halt> {
        if resolution.frees() {
            self.knows_authors(case)?;
        }
        match resolution {
            Resolution::Cleared { justification, refutations, statements, deltas } => {
                let evidence = case.unrefuted(refutations);
                if !evidence.is_empty() {
                    return Err(Refusal::Unrefuted { case: case.case, evidence }.into());
                }
                if justification.rests_on_statement() && statements.is_empty() {
                    let why = format!(
                        "`{}` rests on a statement, and none is named; record one first",
                        justification.as_str()
                    );
                    return Err(Refusal::Senseless { why }.into());
                }
                for document in statements {
                    self.supports(*document, case)?;
                }
                self.can_rest_on(case, deltas)
            }
            Resolution::ExemptLabelled { exemption } => {
                let exemption = self.world.exemption(*exemption)?;
                let status = exemption.status(&self.charter.basis.terms, self.step.time);
                // What was made while it ran keeps its label afterwards.
                let ran = matches!(status, ExemptionStatus::Active | ExemptionStatus::Expired);
                if exemption.approved.is_none() || !ran {
                    let needs = "content is labelled with an exemption under which it could be made";
                    return Err(unready(Key::Exemption(exemption.exemption), status.as_str(), needs));
                }
                Ok(())
            }
            Resolution::Removed | Resolution::KeptHeld => Ok(()),
        }
    }

    /// Decides the case, if as many people as it takes stand behind what is proposed: people who may still decide
    /// now, whatever they could when they agreed.
    fn decide(&mut self, case: &mut Case) -> Result<(), Halt> {
        let Some(proposal) = case.proposal.clone() else { return Ok(()) };
        let mut people = BTreeSet::new();
        for id in proposal.proposer.iter().chain(&proposal.agreed) {
            if self.may_stand_behind(*id, case, &proposal.resolution)? {
                people.insert(*id);
            }
        }
        if people.len() < self.people_needed(&proposal) {
            return Ok(());
        }
        case.decision = Some(Decision {
            resolution: proposal.resolution,
            people,
            time: self.step.time,
            contents: case.contents,
            evidence: case.evidence_digest(),
            policy: self.charter.basis.policy,
            catalog: case.catalog,
        });
        case.returned = None;
        case.proposal = None;
        case.claim = None;
        Ok(())
    }

    fn may_stand_behind(&self, id: PersonId, case: &Case, resolution: &Resolution) -> Result<bool, Halt> {
        let person = self.world.person(id)?;
        let mut relations = BTreeSet::new();
        self.add_benefit(&person, resolution, &mut relations)?;
        if person.is_among(&case.shaped_by) {
            relations.insert(Relation::Author);
        }
        if person.forgotten || person.service || !relations.is_empty() {
            return Ok(false);
        }
        Ok(self.permit_person(&person, Action::AgreeResolution, resolution.affair(), relations).is_ok())
    }

    /// Content is freed by as many people as the policy demands, removed by two, and kept where it is by one. Where
    /// the deadline has proposed the removal, the burden of proof has spoken, and one person carries it.
    fn people_needed(&self, proposal: &Proposal) -> usize {
        match &proposal.resolution {
            Resolution::Cleared { .. } | Resolution::ExemptLabelled { .. } => {
                usize::try_from(self.charter.basis.terms.people).unwrap_or(usize::MAX).max(2)
            }
            Resolution::Removed if proposal.proposer.is_some() => 2,
            Resolution::Removed | Resolution::KeptHeld => 1,
        }
    }
}
