//! The rows that an act is performed on: all of them in a replay, the few that matter in a transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use lazaret_core::{Digest, PersonId};

use crate::aggregate::{Aggregate, Key, Statement};
use crate::case::{Case, CaseId};
use crate::exemption::{Exemption, ExemptionId};
use crate::finding::FindingBatch;
use crate::hold::Hold;
use crate::motion::{Motion, MotionId};
use crate::person::{Charter, Person};
use crate::refusal::{Halt, Refusal};

/// The rows of a store, all or some of them.
#[derive(Debug, Clone, Default)]
pub struct World {
    rows: BTreeMap<Key, Option<Aggregate>>,
    changed: BTreeSet<Key>,
    whole: bool,
    everyone: bool,
    batches: bool,
}

/// Reads one kind of row, or says that it is not known or not there.
macro_rules! reader {
    ($name:ident, $key:expr, $id:ty, $variant:ident -> $row:ty) => {
        pub(crate) fn $name(&self, id: $id) -> Result<$row, Halt> {
            let key = $key(id);
            match self.look(key)? {
                Some(Aggregate::$variant(row)) => Ok(row.clone()),
                Some(_) | None => Err(Refusal::NoSuch { what: key }.into()),
            }
        }
    };
}

impl World {
    /// Returns a world that holds everything there is: what is not in it does not exist.
    #[must_use]
    pub fn whole() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Returns a world that knows nothing yet: what is not in it has to be loaded.
    #[must_use]
    pub fn partial() -> Self {
        Self::default()
    }

    /// Takes in a row as the database has it, or that the database has none.
    pub fn load(&mut self, key: Key, row: Option<Aggregate>) {
        self.rows.insert(key, row);
    }

    /// Takes in all people there are.
    pub fn load_everyone(&mut self, people: impl IntoIterator<Item = Person>) {
        for person in people {
            self.load(Key::Person(person.person), Some(Aggregate::Person(person)));
        }
        self.everyone = true;
    }

    /// Whether all people there are were loaded.
    #[must_use]
    pub fn knows_everyone(&self) -> bool {
        self.whole || self.everyone
    }

    /// Returns all people there are.
    pub(crate) fn everyone(&self) -> Result<impl Iterator<Item = &Person>, Halt> {
        if !self.knows_everyone() {
            return Err(Halt::NeedEveryone);
        }
        let people =
            self.rows.range((Excluded(Key::Charter), Unbounded)).map_while(|(key, row)| match (key, row) {
                (Key::Person(_), Some(Aggregate::Person(person))) => Some(Some(person)),
                (Key::Person(_), _) => Some(None),
                (_, _) => None,
            });
        Ok(people.flatten())
    }

    /// Takes in all batches of findings that are kept.
    pub fn load_batches(&mut self, batches: impl IntoIterator<Item = FindingBatch>) {
        for batch in batches {
            self.load(Key::Findings(batch.recorded.batch), Some(Aggregate::Findings(batch)));
        }
        self.batches = true;
    }

    /// Returns all batches of findings that are kept.
    pub(crate) fn kept_batches(&self) -> Result<Vec<FindingBatch>, Halt> {
        if !self.whole && !self.batches {
            return Err(Halt::NeedBatches);
        }
        // They are the last kind of rows.
        let batches = self.rows.iter().rev().map_while(|(key, row)| match (key, row) {
            (Key::Findings(_), Some(Aggregate::Findings(batch))) => Some(Some(batch)),
            (Key::Findings(_), _) => Some(None),
            (_, _) => None,
        });
        Ok(batches.flatten().filter(|batch| batch.deleted.is_none()).cloned().collect())
    }

    /// Returns the rows that acts have changed since the last call.
    pub fn take_changed(&mut self) -> Vec<Aggregate> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|key| self.rows.get(key)?.clone()).collect()
    }

    /// Returns the names of the rows that acts have changed since the last call.
    pub fn take_changed_keys(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// Returns a row.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&Aggregate> {
        self.rows.get(&key)?.as_ref()
    }

    /// Returns all rows, by name.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Aggregate)> {
        self.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)))
    }

    /// Looks a row up.
    pub(crate) fn look(&self, key: Key) -> Result<Option<&Aggregate>, Halt> {
        match self.rows.get(&key) {
            Some(row) => Ok(row.as_ref()),
            None if self.whole => Ok(None),
            None => Err(Halt::Need(key)),
        }
    }

    pub(crate) fn charter(&self) -> Result<Charter, Halt> {
        match self.look(Key::Charter)? {
            Some(Aggregate::Charter(charter)) => Ok(charter.clone()),
            Some(_) | None => Err(Refusal::NoSuch { what: Key::Charter }.into()),
        }
    }

    pub(crate) fn case(&self, id: CaseId) -> Result<Case, Halt> {
        match self.look(Key::Case(id))? {
            Some(Aggregate::Case(case)) => Ok(case.as_ref().clone()),
            Some(_) | None => Err(Refusal::NoSuch { what: Key::Case(id) }.into()),
        }
    }

    reader!(person, Key::Person, PersonId, Person -> Person);
    reader!(hold, Key::Hold, Digest, Hold -> Hold);
    reader!(exemption, Key::Exemption, ExemptionId, Exemption -> Exemption);
    reader!(statement, Key::Statement, Digest, Statement -> Statement);
    reader!(motion, Key::Motion, MotionId, Motion -> Motion);

    /// Whether there is a row of this name.
    pub(crate) fn has(&self, key: Key) -> Result<bool, Halt> {
        Ok(self.look(key)?.is_some())
    }

    /// Changes a row, or adds it.
    pub(crate) fn put(&mut self, row: Aggregate) {
        let key = row.key();
        self.changed.insert(key);
        self.rows.insert(key, Some(row));
    }
}
