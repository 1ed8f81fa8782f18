//! Where held bytes are: into the vault, out of the source, back again.

use std::collections::BTreeSet;

use lazaret_core::{Action, Affair, Digest};

use super::{Desk, unready};
use crate::aggregate::{Aggregate, Key};
use crate::hold::{Custody, SealedObject};
use crate::refusal::Halt;

impl Desk<'_> {
    pub(super) fn seal(&mut self, content: Digest, sealed: SealedObject) -> Result<(), Halt> {
        self.permit(Action::MoveContent, Affair::Held, BTreeSet::new())?;
        let mut hold = self.world.hold(content)?;
        match hold.custody {
            Custody::InPlace | Custody::Restored => {
                hold.custody = Custody::Sealed;
                hold.sealed = Some(sealed);
            }
            Custody::Sealed | Custody::Detached | Custody::Destroyed => {
                return Err(unready(
                    Key::Hold(content),
                    hold.custody.as_str(),
                    "only what lies in place is sealed",
                ));
            }
        }
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }

    pub(super) fn detach(&mut self, content: Digest) -> Result<(), Halt> {
        self.permit(Action::MoveContent, Affair::Held, BTreeSet::new())?;
        let mut hold = self.world.hold(content)?;
        if hold.custody != Custody::Sealed {
            return Err(unready(
                Key::Hold(content),
                hold.custody.as_str(),
                "seal it first, so that nothing is lost when it is taken out of its source",
            ));
        }
        hold.custody = Custody::Detached;
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }

    pub(super) fn restore(&mut self, content: Digest) -> Result<(), Halt> {
        self.permit(Action::MoveContent, Affair::Clearing, BTreeSet::new())?;
        let mut hold = self.world.hold(content)?;
        let case = self.world.case(hold.case)?;
        let policy = self.charter.basis.policy;
        if !case.standing(policy).is_some_and(|decision| decision.resolution.frees()) {
            return Err(unready(
                Key::Case(case.case),
                case.status(policy).as_str(),
                "its contents are given back when it is decided that they are cleared, by as many people as the \
                 policy demands",
            ));
        }
        self.rests_well(&case)?;
        match hold.custody {
            Custody::InPlace | Custody::Sealed | Custody::Detached => {}
            Custody::Restored | Custody::Destroyed => {
                return Err(unready(
                    Key::Hold(content),
                    hold.custody.as_str(),
                    "there is nothing to give back",
                ));
            }
        }
        hold.custody = Custody::Restored;
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }

    pub(super) fn read_sealed(&mut self, content: Digest) -> Result<(), Halt> {
        self.permit(Action::ReadSealed, Affair::Held, BTreeSet::new())?;
        let mut hold = self.world.hold(content)?;
        match hold.custody {
            Custody::Sealed | Custody::Detached => {}
            // The object stays in the vault until it is destroyed.
            Custody::Restored if hold.sealed.is_some() => {}
            Custody::InPlace | Custody::Restored | Custody::Destroyed => {
                return Err(unready(Key::Hold(content), hold.custody.as_str(), "the vault does not have it"));
            }
        }
        hold.reads += 1;
        self.world.put(Aggregate::Hold(hold));
        Ok(())
    }
}
