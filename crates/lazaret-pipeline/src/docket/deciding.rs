//! Decisions of one person, each as the acts that it takes, so that a face offers one key and knows no rule.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lazaret_core::{Digest, PersonId, RemarkId};
use lazaret_store::{
    Act, Actor, Aggregate, Case, CaseId, CaseStatus, ExemptionId, Justification, Key, Refusal, Refutation,
    Refuted, Resolution, StoreError,
};

use super::trial::Trial;
use crate::house::House;

/// Stands for any clearing where the question is only who may clear.
pub(super) const CLEARED_BY_TRIAL: Justification = Justification::DetectorFalsePositive;

/// How a person wants cases to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Cleared: nothing of what stands against them is so.
    Clear {
        /// Why they are clean.
        justification: Justification,
        /// Why each taint does not stand.
        refuting: Refuting,
        /// Statements that support it.
        statements: BTreeSet<Digest>,
    },
    /// Taken out of their source.
    Remove,
    /// Left where they are held.
    KeepHeld,
    /// Labelled with an exemption.
    Label {
        /// Which.
        exemption: ExemptionId,
    },
}

/// Why taints do not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refuting {
    /// All for one reason.
    All(Refuted),
    /// Each for its own.
    Each(BTreeMap<Digest, Refuted>),
}

/// One person's decisions about the cases of a store.
#[derive(Debug, Clone, Copy)]
pub struct Deciding<'a> {
    /// The store.
    pub house: &'a House,
    /// Who decides.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
}

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Where it stands now.
    pub status: CaseStatus,
    /// What takes it back, in this order, as long as nobody else has acted.
    pub undo: Vec<Undo>,
}

/// An act that takes another back. Both stay in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Turn the own proposal down.
    Reject,
    /// Give the claim back.
    Yield,
    /// Open the case again.
    Reopen,
}

/// Returns how a choice ends one case, with its own taints.
#[must_use]
pub fn resolution(choice: &Choice, case: &Case) -> Resolution {
    match choice {
        Choice::Clear { justification, refuting, statements } => {
            let refuted = |evidence: &Digest| match refuting {
                Refuting::All(refuted) => Some(*refuted),
                Refuting::Each(each) => each.get(evidence).copied(),
            };
            let named = case.evidence.iter().filter_map(|one| {
                Some(Refutation { evidence: one.evidence, refuted: refuted(&one.evidence)? })
            });
            Resolution::Cleared {
                justification: *justification,
                refutations: named.collect(),
                statements: statements.clone(),
                deltas: BTreeSet::new(),
            }
        }
        Choice::Remove => Resolution::Removed,
        Choice::KeepHeld => Resolution::KeptHeld,
        Choice::Label { exemption } => Resolution::ExemptLabelled { exemption: *exemption },
    }
}

/// Returns the acts by which a person proposes an end: the case is claimed first where it is not the person's.
pub(super) fn decided_by(
    case: &Case,
    person: PersonId,
    resolution: Resolution,
    remark: Option<RemarkId>,
    now: Timestamp,
) -> Vec<Act> {
    let id = case.case;
    let claim = (case.claimant(now) != Some(person)).then_some(Act::ClaimCase { case: id });
    claim.into_iter().chain([Act::ProposeResolution { case: id, resolution, remark }]).collect()
}

impl Deciding<'_> {
    /// Ends a case as far as one person can: proposes, or agrees where another proposed exactly the same.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with nothing changed, also where another end is proposed; and whatever else keeps the
    /// store from doing it.
    pub async fn decide(
        &self,
        id: CaseId,
        choice: &Choice,
        remark: Option<&str>,
    ) -> Result<Decided, StoreError> {
        let case = self.case(id).await?;
        let resolution = resolution(choice, &case);
        if let Some(proposal) = &case.proposal {
            if proposal.proposer == Some(self.actor.person) || proposal.resolution == resolution {
                return self.agree(id, proposal.resolution.digest()).await;
            }
            let refusal = Refusal::Unready {
                what: Key::Case(id),
                is: "proposed to end otherwise".to_owned(),
                needs: "look at the proposal, and agree with it or turn it down".to_owned(),
            };
            return Err(refusal.into());
        }
        let acts = decided_by(&case, self.actor.person, resolution, None, self.now);
        let mut trial = Trial::new(self.house, self.now);
        trial.know(&case);
        // All or nothing: a claim that leads to no proposal would keep others away for a week.
        if let Some(refusal) = trial.refusal(self.actor.person, &acts).await? {
            return Err(refusal.into());
        }
        let claims = acts.len() > 1;
        let mut undo = Vec::new();
        for mut act in acts {
            if let Act::ProposeResolution { remark: kept, .. } = &mut act
                && let Some(remark) = remark
            {
                *kept = Some(self.house.store.keep_remark(remark).await?);
            }
            self.apply(act).await?;
        }
        let status = self.status(id).await?;
        if status == CaseStatus::Decided {
            undo.push(Undo::Reopen);
        } else {
            undo.push(Undo::Reject);
            undo.extend(claims.then_some(Undo::Yield));
        }
        Ok(Decided { status, undo })
    }

    /// Agrees with the proposal that the person has seen: where another stands by now, the store refuses.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub async fn agree(&self, id: CaseId, resolution: Digest) -> Result<Decided, StoreError> {
        self.apply(Act::AgreeResolution { case: id, resolution: Some(resolution) }).await?;
        // What two have agreed on is no slip of one finger: it is opened again by a reason, not by a key.
        Ok(Decided { status: self.status(id).await?, undo: Vec::new() })
    }

    /// Turns down what is proposed.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub async fn reject(&self, id: CaseId, remark: Option<&str>) -> Result<Decided, StoreError> {
        let remark = self.keep(remark).await?;
        self.apply(Act::RejectResolution { case: id, remark }).await?;
        Ok(Decided { status: self.status(id).await?, undo: Vec::new() })
    }

    /// Opens a decided case again.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub async fn reopen(&self, id: CaseId, remark: Option<&str>) -> Result<Decided, StoreError> {
        let remark = self.keep(remark).await?;
        self.apply(Act::ReopenCase { case: id, remark }).await?;
        Ok(Decided { status: self.status(id).await?, undo: Vec::new() })
    }

    /// Claims a case, or gives back one that is the person's.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub async fn claim_or_yield(&self, id: CaseId) -> Result<Decided, StoreError> {
        let case = self.case(id).await?;
        let is_own = case.claimant(self.now) == Some(self.actor.person);
        let act = if is_own { Act::YieldCase { case: id } } else { Act::ClaimCase { case: id } };
        self.apply(act).await?;
        let undo = if is_own { Vec::new() } else { vec![Undo::Yield] };
        Ok(Decided { status: self.status(id).await?, undo })
    }

    /// Takes back what was done before others acted.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide); what was taken back until then stays so.
    pub async fn undo(&self, id: CaseId, steps: &[Undo]) -> Result<Decided, StoreError> {
        for step in steps {
            self.is_own(id, *step).await?;
            let act = match step {
                Undo::Reject => Act::RejectResolution { case: id, remark: None },
                Undo::Yield => Act::YieldCase { case: id },
                Undo::Reopen => Act::ReopenCase { case: id, remark: None },
            };
            self.apply(act).await?;
        }
        Ok(Decided { status: self.status(id).await?, undo: Vec::new() })
    }

    /// Others may have acted since: then what would be taken back is theirs.
    async fn is_own(&self, id: CaseId, step: Undo) -> Result<(), StoreError> {
        let case = self.case(id).await?;
        let me = self.actor.person;
        let is_own = match step {
            Undo::Reject => case.proposal.as_ref().is_some_and(|proposal| proposal.proposer == Some(me)),
            Undo::Reopen => case.decision.as_ref().is_some_and(|decision| decision.people == [me].into()),
            Undo::Yield => case.claimant(self.now) == Some(me),
        };
        if is_own {
            return Ok(());
        }
        let status = case.status(self.house.charter.basis.policy);
        let needs = "others have acted since, and what they did is not yours to take back".to_owned();
        Err(Refusal::Unready { what: Key::Case(id), is: status.as_str().to_owned(), needs }.into())
    }

    async fn apply(&self, act: Act) -> Result<(), StoreError> {
        self.house.store.apply(self.actor, act, self.now).await.map(drop)
    }

    async fn keep(&self, remark: Option<&str>) -> Result<Option<RemarkId>, StoreError> {
        match remark {
            Some(remark) => self.house.store.keep_remark(remark).await.map(Some),
            None => Ok(None),
        }
    }

    async fn status(&self, id: CaseId) -> Result<CaseStatus, StoreError> {
        Ok(self.case(id).await?.status(self.house.charter.basis.policy))
    }

    async fn case(&self, id: CaseId) -> Result<Case, StoreError> {
        match self.house.store.get(Key::Case(id)).await? {
            Some(Aggregate::Case(case)) => Ok(*case),
            Some(_) | None => Err(Refusal::NoSuch { what: Key::Case(id) }.into()),
        }
    }
}
