//! Clearings that rest on others: people read only what changed since a version that had been cleared.

use std::collections::BTreeSet;

use super::{Desk, unready};
use crate::aggregate::Key;
use crate::case::{Case, Decision, Delta, Resolution};
use crate::refusal::{Halt, Refusal};

/// On how many other cases a clearing may rest, by however many steps.
const RESTING_MAX: usize = 64;

impl Desk<'_> {
    /// Says what keeps a case from being cleared as changes of other contents: each of its contents must be one, and
    /// each of the others be cleared, under this policy and with the same catalog.
    pub(super) fn can_rest_on(&self, case: &Case, deltas: &BTreeSet<Delta>) -> Result<(), Halt> {
        if deltas.is_empty() {
            return Ok(());
        }
        let senseless = |why: &str| Refusal::Senseless { why: why.to_owned() };
        let contents: BTreeSet<_> = deltas.iter().map(|delta| delta.content).collect();
        if contents.len() < deltas.len() || contents.len() as u64 != case.count {
            let why = "a case is cleared as a change when each of its contents is said to be one, once";
            return Err(senseless(why).into());
        }
        for delta in deltas {
            if self.world.hold(delta.content)?.case != case.case {
                return Err(senseless("a change is named of a content that is of another case").into());
            }
            self.is_cleared(delta, case)?;
        }
        Ok(())
    }

    /// Says why the version that a change rests on is not cleared.
    fn is_cleared(&self, delta: &Delta, of: &Case) -> Result<(), Halt> {
        let base = self.world.hold(delta.base)?;
        let case = self.world.case(base.case)?;
        let status = case.status(self.charter.basis.policy);
        if case.case == of.case {
            let why = "a content cannot be cleared as a change of another of the same case".to_owned();
            return Err(Refusal::Senseless { why }.into());
        }
        let Some(decision) = case.standing(self.charter.basis.policy).filter(|one| is_clearing(one)) else {
            let needs = "clear the version first that a change is to rest on";
            return Err(unready(Key::Case(case.case), status.as_str(), needs));
        };
        if decision.catalog != of.catalog {
            let needs =
                "the version and the change have to be looked at with the same catalog; hold both again";
            return Err(unready(Key::Case(case.case), "cleared with another catalog", needs));
        }
        self.rests_well(&case)
    }

    /// Says why a clearing does not stand although its own case says so: a version that it rests on, or one that this
    /// one rests on, is not cleared any more.
    pub(super) fn rests_well(&self, case: &Case) -> Result<(), Halt> {
        let policy = self.charter.basis.policy;
        let (mut seen, mut waiting) = (BTreeSet::from([case.case]), vec![case.clone()]);
        while let Some(case) = waiting.pop() {
            let Some(decision) = case.standing(policy) else { continue };
            for delta in decision.resolution.deltas().into_iter().flatten() {
                let base = self.world.case(self.world.hold(delta.base)?.case)?;
                if !base.standing(policy).is_some_and(is_clearing) {
                    let needs = "it is a version that this is a change of, and has to be cleared again first";
                    return Err(unready(Key::Case(base.case), base.status(policy).as_str(), needs));
                }
                if seen.insert(base.case) {
                    waiting.push(base);
                }
            }
            if seen.len() > RESTING_MAX {
                let why =
                    format!("more than {RESTING_MAX} cases rest on one another; read the whole content");
                return Err(Refusal::Senseless { why }.into());
            }
        }
        Ok(())
    }
}

fn is_clearing(decision: &Decision) -> bool {
    matches!(decision.resolution, Resolution::Cleared { .. })
}
