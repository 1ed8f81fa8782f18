//! The one place where state changes: an act is done, or refused with what would have to be otherwise.
//!
//! Nothing here reads a clock, a file or the database. The store runs it in a transaction, `ledger verify` runs it again
//! over the entries, and both get the same rows.

mod cases;
mod custody;
mod deltas;
mod exemptions;
mod findings;
mod motions;
mod resolutions;
mod statements;

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Action, Affair, Ask, Authority, PersonId, PersonRole, Relation, Ruling};

use crate::act::Act;
use crate::aggregate::{Aggregate, Key};
use crate::person::{Charter, NewPerson, Person};
use crate::refusal::{Halt, Refusal};
use crate::world::World;

/// Who does something, when, and as which entry.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The number of the entry.
    pub seq: u64,
    /// When; never before the entry before it.
    pub time: Timestamp,
    /// Who.
    pub by: PersonId,
}

/// Does what the act says, or refuses.
///
/// # Errors
/// [`Halt::Need`] where a row has to be loaded first, and [`Halt::Refused`]; the world is to be dropped then, because a
/// part of the act may be done in it.
pub fn perform(world: &mut World, authority: &dyn Authority, step: Step, act: &Act) -> Result<(), Halt> {
    if let Act::CreateStore { charter, people } = act {
        return create(world, step, charter, people);
    }
    let actor = world.person(step.by).map_err(|halt| match halt {
        Halt::Refused(Refusal::NoSuch { what }) => Refusal::NotAdmitted { person: what }.into(),
        other @ (Halt::Need(_) | Halt::NeedEveryone | Halt::NeedBatches | Halt::Refused(_)) => other,
    })?;
    if actor.forgotten {
        return Err(Refusal::NotAdmitted { person: Key::Person(step.by) }.into());
    }
    let charter = world.charter()?;
    let mut desk = Desk { world, authority, step, actor, charter };
    match act {
        // Done above.
        Act::CreateStore { .. } => Ok(()),
        Act::ProposeMotion { question, .. } => desk.propose_motion(question),
        Act::SecondMotion { motion } => desk.second_motion(*motion),
        Act::RevokeRole { person, role } => desk.revoke_role(*person, *role),
        Act::OpenCase { cause, contents, evidence, catalog, shaped_by } => {
            desk.open_case(cause, contents, evidence, *catalog, shaped_by)
        }
        Act::ExtendCase { case, contents, shaped_by } => desk.extend_case(*case, contents, shaped_by),
        Act::Reassess { case, evidence, catalog } => desk.reassess(*case, evidence, *catalog),
        Act::Sight { content, place } => desk.sight(*content, place),
        Act::Seal { content, sealed } => desk.seal(*content, *sealed),
        Act::Detach { content } => desk.detach(*content),
        Act::Restore { content } => desk.restore(*content),
        Act::ReadSealed { content, purpose: _ } => desk.read_sealed(*content),
        Act::ClaimCase { case } => desk.claim(*case),
        Act::YieldCase { case } => desk.yield_claim(*case),
        Act::ProposeResolution { case, resolution, remark } => desk.propose(*case, resolution, *remark),
        Act::AgreeResolution { case, resolution } => desk.agree(*case, *resolution),
        Act::RejectResolution { case, .. } => desk.reject(*case),
        Act::ReopenCase { case, .. } => desk.reopen(*case),
        Act::EnforceDeadline { case } => desk.enforce_deadline(*case),
        Act::RecordStatement { document, kind, contents } => desk.record_statement(*document, kind, contents),
        Act::RequestExemption(request) => desk.request_exemption(request),
        Act::ApproveExemption { exemption } => desk.approve_exemption(*exemption),
        Act::RevokeExemption { exemption, .. } => desk.revoke_exemption(*exemption),
        Act::RecordUse { exemption, uses, last } => desk.record_use(*exemption, *uses, *last),
        Act::RecordFindings { batches, .. } => desk.record_findings(batches),
        Act::DeleteFindings { deleted } => desk.delete_findings(deleted),
    }
}

/// Makes the store: it needs two admins, because whatever changes who may do what takes two.
fn create(world: &mut World, step: Step, charter: &Charter, people: &[NewPerson]) -> Result<(), Halt> {
    if world.has(Key::Charter)? || step.seq != 0 {
        return Err(Refusal::Exists { what: Key::Charter }.into());
    }
    let admins: BTreeSet<PersonId> = people
        .iter()
        .filter(|person| person.roles.contains(&PersonRole::Admin))
        .map(|person| person.person)
        .collect();
    let keys: BTreeSet<_> = people.iter().map(|person| person.key).collect();
    let names: BTreeSet<_> = people.iter().map(|person| person.person).collect();
    let fault = if admins.len() < 2 {
        Some(
            "a store needs two admins from the beginning: one proposes who is admitted, the other seconds it",
        )
    } else if keys.len() < people.len() || names.len() < people.len() {
        Some("two of the people have the same name or the same key; each person needs an own key")
    } else if admins != charter.admins {
        Some("the charter names other admins than the people do")
    } else if !names.contains(&step.by) {
        Some("whoever makes a store is one of its people")
    } else {
        people.iter().find_map(service_fault)
    };
    if let Some(fault) = fault {
        return Err(Refusal::Senseless { why: fault.to_owned() }.into());
    }
    world.put(Aggregate::Charter(charter.clone()));
    for person in people {
        world.put(Aggregate::Person(person.clone().into()));
    }
    Ok(())
}

/// A service acts for nobody in particular, so it can decide nothing.
fn service_fault(new: &NewPerson) -> Option<&'static str> {
    let decides = new.roles.iter().any(|role| *role != PersonRole::Steward);
    (new.service && decides).then_some("a service may be a steward and nothing else; people decide")
}

/// What an act is done with.
struct Desk<'a> {
    world: &'a mut World,
    authority: &'a dyn Authority,
    step: Step,
    actor: Person,
    charter: Charter,
}

impl Desk<'_> {
    /// Asks whether the actor may.
    fn permit(&self, action: Action, affair: Affair, relations: BTreeSet<Relation>) -> Result<(), Refusal> {
        self.permit_person(&self.actor, action, affair, relations)
    }

    /// Asks whether a person may.
    fn permit_person(
        &self,
        person: &Person,
        action: Action,
        affair: Affair,
        relations: BTreeSet<Relation>,
    ) -> Result<(), Refusal> {
        let ask = Ask { action, affair, roles: person.roles.clone(), relations };
        match self.authority.rule(&ask) {
            Ruling::Allowed => Ok(()),
            Ruling::Denied { unmet, failed } => Err(Refusal::Denied { action, unmet, failed }),
        }
    }

    fn absent(&self, key: Key) -> Result<(), Halt> {
        if self.world.has(key)? { Err(Refusal::Exists { what: key }.into()) } else { Ok(()) }
    }
}

fn unready(what: Key, is: &str, needs: &str) -> Halt {
    Refusal::Unready { what, is: is.to_owned(), needs: needs.to_owned() }.into()
}

fn idle(why: &str) -> Halt {
    Refusal::Idle { why: why.to_owned() }.into()
}
