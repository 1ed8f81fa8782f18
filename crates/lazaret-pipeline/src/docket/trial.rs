//! What acts would lead to, found out by doing them to a copy of the rows.

use jiff::Timestamp;
use lazaret_core::PersonId;
use lazaret_store::{Act, Aggregate, Case, Halt, Key, Refusal, Step, StoreError, World, perform};

use super::people;
use crate::house::House;

/// Tries acts on a copy of the rows that matter, and keeps what it has loaded for the next trial.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    house: &'a House,
    loaded: World,
    now: Timestamp,
}

impl<'a> Trial<'a> {
    /// Begins with nothing loaded.
    pub(super) fn new(house: &'a House, now: Timestamp) -> Self {
        Self { house, loaded: World::partial(), now }
    }

    /// Takes in a case that was read already.
    pub(super) fn know(&mut self, case: &Case) {
        self.loaded.load(Key::Case(case.case), Some(Aggregate::Case(Box::new(case.clone()))));
    }

    /// Tries acts one after another, and returns why one of them would be refused.
    ///
    /// # Errors
    /// [`StoreError`] when a row cannot be read.
    pub(super) async fn refusal(
        &mut self,
        by: PersonId,
        acts: &[Act],
    ) -> Result<Option<Refusal>, StoreError> {
        let step = Step { seq: u64::MAX, time: self.now, by };
        loop {
            let mut world = self.loaded.clone();
            let tried =
                acts.iter().try_for_each(|act| perform(&mut world, self.house.authority(), step, act));
            match tried {
                Ok(()) => return Ok(None),
                Err(Halt::Refused(refusal)) => return Ok(Some(refusal)),
                Err(Halt::NeedEveryone) => {
                    self.loaded.load_everyone(people(&self.house.store).await?);
                }
                // Nothing that is tried here deletes findings.
                Err(Halt::NeedBatches) => return Err(StoreError::Bug),
                Err(Halt::Need(key)) => {
                    let row = self.house.store.get(key).await?;
                    self.loaded.load(key, row);
                }
            }
        }
    }

    /// Forgets a case, so that a queue of many does not grow what every trial copies.
    pub(super) fn forget_cases(&mut self) {
        let kept: Vec<(Key, Aggregate)> = self
            .loaded
            .rows()
            .filter(|(key, _)| !matches!(key, Key::Case(_) | Key::Hold(_)))
            .map(|(key, row)| (*key, row.clone()))
            .collect();
        let knows_everyone = self.loaded.knows_everyone();
        self.loaded = World::partial();
        for (key, row) in kept {
            self.loaded.load(key, Some(row));
        }
        if knows_everyone {
            self.loaded.load_everyone([]);
        }
    }
}
