//! Motions: what takes two people and is no case.

use std::collections::BTreeSet;

use lazaret_core::{Action, Affair, Digest, PersonId, PersonRole, Relation};

use super::{Desk, idle, service_fault, unready};
use crate::aggregate::{Aggregate, Key};
use crate::hold::Custody;
use crate::motion::{Motion, MotionId, MotionStatus, Question};
use crate::person::PolicyBasis;
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    pub(super) fn propose_motion(&mut self, question: &Question) -> Result<(), Halt> {
        self.permit(Action::ProposeMotion, question.affair(), self.to_motion(question.subject(), None))?;
        self.can_carry(question)?;
        self.world.put(Aggregate::Motion(Motion {
            motion: MotionId(self.step.seq),
            question: question.clone(),
            proposer: self.step.by,
            proposed: self.step.time,
            seconded: None,
        }));
        Ok(())
    }

    pub(super) fn second_motion(&mut self, id: MotionId) -> Result<(), Halt> {
        let mut motion = self.world.motion(id)?;
        let status = motion.status(self.step.time);
        if status != MotionStatus::Open {
            return Err(unready(Key::Motion(id), status.as_str(), "propose it again"));
        }
        let relations = self.to_motion(motion.question.subject(), Some(motion.proposer));
        let affair = motion.question.affair();
        self.permit(Action::SecondMotion, affair, relations)?;
        // Whoever proposed it must still be who may propose it.
        let proposer = self.world.person(motion.proposer)?;
        if proposer.person == self.step.by {
            let unmet = vec!["a person other than the one who proposed it".to_owned()];
            return Err(Refusal::Denied { action: Action::SecondMotion, unmet, failed: false }.into());
        }
        let about = motion.question.subject() == Some(proposer.person);
        let relations = about.then_some(Relation::Subject).into_iter().collect();
        self.permit_person(&proposer, Action::ProposeMotion, affair, relations)?;
        self.can_carry(&motion.question)?;
        self.carry(&motion.question)?;
        motion.seconded = Some((self.step.by, self.step.time));
        self.world.put(Aggregate::Motion(motion));
        Ok(())
    }

    pub(super) fn revoke_role(&mut self, id: PersonId, role: PersonRole) -> Result<(), Halt> {
        let relations =
            if id == self.step.by { BTreeSet::from([Relation::Subject]) } else { BTreeSet::new() };
        self.permit(Action::RevokeRole, Affair::People, relations)?;
        if role == PersonRole::Admin {
            let why = "the role of an admin takes two to take away: propose the motion `withdraw-role`";
            return Err(Refusal::Senseless { why: why.to_owned() }.into());
        }
        let mut person = self.world.person(id)?;
        if !person.roles.remove(&role) {
            return Err(idle("the person does not hold the role"));
        }
        self.world.put(Aggregate::Person(person));
        Ok(())
    }

    fn to_motion(&self, subject: Option<PersonId>, proposer: Option<PersonId>) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        if subject == Some(self.step.by) {
            relations.insert(Relation::Subject);
        }
        if proposer == Some(self.step.by) {
            relations.insert(Relation::Proposer);
        }
        relations
    }

    /// Says now what would be wrong later.
    fn can_carry(&self, question: &Question) -> Result<(), Halt> {
        match question {
            Question::AdmitPerson(new) => {
                if let Some(fault) = service_fault(new) {
                    return Err(Refusal::Senseless { why: fault.to_owned() }.into());
                }
                self.absent(Key::Person(new.person))
            }
            Question::GrantRole { person, role } => {
                let person = self.world.person(*person)?;
                if person.roles.contains(role) {
                    return Err(idle("the person holds the role already"));
                }
                if person.forgotten || (person.service && *role != PersonRole::Steward) {
                    let why =
                        "a service may be a steward and nothing else, and who was forgotten nothing at all";
                    return Err(Refusal::Senseless { why: why.to_owned() }.into());
                }
                Ok(())
            }
            Question::WithdrawRole { person, role } => {
                if !self.world.person(*person)?.roles.contains(role) {
                    return Err(idle("the person does not hold the role"));
                }
                self.leaves_two_admins(*person, *role)
            }
            Question::LinkIdentity { person, identity } => {
                if self.world.person(*person)?.identities.contains(identity) {
                    return Err(idle("the person is known to write under that identity"));
                }
                Ok(())
            }
            Question::ReplaceKey { person, key } => {
                if self.world.person(*person)?.key == *key {
                    return Err(idle("the person signs with that key already"));
                }
                Ok(())
            }
            Question::AdoptPolicy(basis) => {
                if self.charter.basis == *basis {
                    return Err(idle("the store works under that policy already"));
                }
                Ok(())
            }
            Question::DestroyContent { content } => self.can_destroy(*content),
            Question::Forget { person } => {
                if self.world.person(*person)?.forgotten {
                    return Err(idle("the person was forgotten"));
                }
                self.leaves_two_admins(*person, PersonRole::Admin)
            }
            Question::RevealCaller { pseudonym, .. } => {
                if Question::is_pseudonym(pseudonym) {
                    Ok(())
                } else {
                    let why = "this is no pseudonym of a report of calls";
                    Err(Refusal::Senseless { why: why.to_owned() }.into())
                }
            }
        }
    }

    fn carry(&mut self, question: &Question) -> Result<(), Halt> {
        match question {
            Question::AdmitPerson(new) => {
                if new.roles.contains(&PersonRole::Admin) {
                    self.set_admin(new.person, true);
                }
                self.world.put(Aggregate::Person(new.clone().into()));
            }
            Question::GrantRole { person, role } => {
                let mut person = self.world.person(*person)?;
                person.roles.insert(*role);
                if *role == PersonRole::Admin {
                    self.set_admin(person.person, true);
                }
                self.world.put(Aggregate::Person(person));
            }
            Question::WithdrawRole { person, role } => {
                let mut person = self.world.person(*person)?;
                person.roles.remove(role);
                if *role == PersonRole::Admin {
                    self.set_admin(person.person, false);
                }
                self.world.put(Aggregate::Person(person));
            }
            Question::LinkIdentity { person, identity } => {
                let mut person = self.world.person(*person)?;
                person.identities.insert(*identity);
                self.world.put(Aggregate::Person(person));
            }
            Question::ReplaceKey { person, key } => {
                let mut person = self.world.person(*person)?;
                person.key = *key;
                self.world.put(Aggregate::Person(person));
            }
            Question::AdoptPolicy(basis) => self.adopt(basis),
            Question::DestroyContent { content } => self.destroy(*content)?,
            // That two agreed is all that the store has to know: it keeps no caller.
            Question::RevealCaller { .. } => {}
            Question::Forget { person } => {
                let mut person = self.world.person(*person)?;
                person.forgotten = true;
                person.roles.clear();
                self.set_admin(person.person, false);
                self.world.put(Aggregate::Person(person));
            }
        }
        Ok(())
    }

    fn adopt(&mut self, basis: &PolicyBasis) {
        self.charter.basis = basis.clone();
        self.world.put(Aggregate::Charter(self.charter.clone()));
    }

    fn set_admin(&mut self, person: PersonId, is_admin: bool) {
        let changed =
            if is_admin { self.charter.admins.insert(person) } else { self.charter.admins.remove(&person) };
        if changed {
            self.world.put(Aggregate::Charter(self.charter.clone()));
        }
    }

    fn leaves_two_admins(&self, person: PersonId, role: PersonRole) -> Result<(), Halt> {
        let admins = &self.charter.admins;
        if role == PersonRole::Admin && admins.contains(&person) && admins.len() <= 2 {
            let why =
                "a store keeps two admins, or nobody could second anything; grant the role to another first";
            return Err(Refusal::Senseless { why: why.to_owned() }.into());
        }
        Ok(())
    }

    fn can_destroy(&self, content: Digest) -> Result<(), Halt> {
        let hold = self.world.hold(content)?;
        let case = self.world.case(hold.case)?;
        let removed = case
            .standing(self.charter.basis.policy)
            .is_some_and(|decision| decision.resolution == crate::case::Resolution::Removed);
        if !removed {
            let status = case.status(self.charter.basis.policy);
            return Err(unready(
                Key::Case(case.case),
                status.as_str(),
                "decide that its contents are removed",
            ));
        }
        match hold.custody {
            Custody::Sealed | Custody::Detached => Ok(()),
            Custody::InPlace | Custody::Restored | Custody::Destroyed => Err(unready(
                Key::Hold(content),
                hold.custody.as_str(),
                "only what lies in the vault is destroyed",
            )),
        }
    }

    fn destroy(&mut self, content: Digest) -> Result<(), Halt> {
        let mut hold = self.world.hold(content)?;
        hold.custody = Custody::Destroyed;
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }
}
