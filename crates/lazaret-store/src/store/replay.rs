//! The ledger done again: from its entries alone to the state that they lead to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lazaret_core::Digest;

use super::NamedDuties;
use crate::aggregate::{Aggregate, Key};
use crate::entry::SignedEntry;
use crate::perform::{Step, perform};
use crate::person::{Charter, PublicKeyBytes};
use crate::refusal::Halt;
use crate::world::World;

/// An entry that cannot be, after those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {what}")]
pub struct ReplayFault {
    /// Its number.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}

/// The state after some entries.
#[derive(Debug)]
pub struct Replay<'a> {
    world: World,
    /// The entry that changed each row last.
    changed_by: BTreeMap<Key, u64>,
    duties: &'a [NamedDuties],
    size: u64,
    last_time: Option<Timestamp>,
    commitments: BTreeSet<String>,
    documents: BTreeSet<Digest>,
}

impl<'a> Replay<'a> {
    /// Begins before the first entry. Every set of policies on who may do what that the store ever worked under has
    /// to be among `duties`.
    #[must_use]
    pub fn new(duties: &'a [NamedDuties]) -> Self {
        Self {
            world: World::whole(),
            changed_by: BTreeMap::new(),
            duties,
            size: 0,
            last_time: None,
            commitments: BTreeSet::new(),
            documents: BTreeSet::new(),
        }
    }

    /// Does the next entry again. Its signature was checked against the key that it names; here that key must be the
    /// person's.
    ///
    /// # Errors
    /// [`ReplayFault`]: then nothing that follows means anything.
    pub fn push(&mut self, signed: &SignedEntry, body: &[u8]) -> Result<(), ReplayFault> {
        let seq = self.size;
        let fault = |what: String| ReplayFault { seq, what };
        let entry = &signed.entry;
        if entry.seq != seq {
            return Err(fault(format!("it says that it is number {}", entry.seq)));
        }
        if self.last_time.is_some_and(|last| entry.time < last) {
            return Err(fault("it is older than the one before it".to_owned()));
        }
        let before = self.charter().cloned();
        let step = Step { seq, time: entry.time, by: entry.by };
        let duties = before.as_ref().map_or_else(
            || entry.act.documents().into_iter().find_map(|digest| self.duties_of(digest)),
            |charter| self.duties_of(charter.basis.duties),
        );
        let duties = duties.ok_or_else(|| {
            fault("it was allowed by policies on who may do what that are not at hand; give them".to_owned())
        })?;
        perform(&mut self.world, duties.authority.as_ref(), step, &entry.act).map_err(|halt| match halt {
            Halt::Refused(refusal) => fault(format!("it could not have been done: {refusal}")),
            Halt::Need(key) => fault(format!("it needs {key}")),
            Halt::NeedEveryone => fault("it needs all people".to_owned()),
            Halt::NeedBatches => fault("it needs all batches of findings".to_owned()),
        })?;
        let charter = before.as_ref().or_else(|| self.charter());
        let (name, policy) = charter.map(|charter| (&charter.name, charter.basis.policy)).unzip();
        if name != Some(&entry.store) || policy != Some(entry.policy) {
            return Err(fault(
                "it is of another store, or of another policy than the store works under".to_owned(),
            ));
        }
        if self.key_of(signed) != Some(signed.key) {
            return Err(fault("it is not signed with the key of the person who did it".to_owned()));
        }
        for key in self.world.take_changed_keys() {
            self.changed_by.insert(key, seq);
        }
        for commitment in commitments(body) {
            if !self.commitments.contains(commitment) {
                self.commitments.insert(commitment.to_owned());
            }
        }
        self.documents.extend(entry.act.documents());
        self.last_time = Some(entry.time);
        self.size += 1;
        Ok(())
    }

    /// Returns the key of the person who did it. It is the same before and after: nobody replaces the own key.
    fn key_of(&self, signed: &SignedEntry) -> Option<PublicKeyBytes> {
        match self.world.get(Key::Person(signed.entry.by)) {
            Some(Aggregate::Person(person)) => Some(person.key),
            Some(_) | None => None,
        }
    }

    fn duties_of(&self, digest: Digest) -> Option<&'a NamedDuties> {
        self.duties.iter().find(|duties| duties.digest == digest)
    }

    /// Returns what the store works under after the entries so far.
    #[must_use]
    pub fn charter(&self) -> Option<&Charter> {
        match self.world.get(Key::Charter) {
            Some(Aggregate::Charter(charter)) => Some(charter),
            Some(_) | None => None,
        }
    }

    /// Returns how many entries were done again.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the time of the last entry that was done again.
    #[must_use]
    pub fn last_time(&self) -> Option<Timestamp> {
        self.last_time
    }

    /// Returns the state, with the number of the entry that changed each row last.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Aggregate, u64)> {
        self.world.rows().filter_map(|(key, row)| Some((key, row, *self.changed_by.get(key)?)))
    }

    /// Returns one row of the state, with the number of the entry that changed it last.
    #[must_use]
    pub fn row(&self, key: Key) -> Option<(&Aggregate, u64)> {
        Some((self.world.get(key)?, *self.changed_by.get(&key)?))
    }

    /// Returns every pseudonym that the entries name.
    pub fn commitments(&self) -> impl Iterator<Item = &str> {
        self.commitments.iter().map(String::as_str)
    }

    /// Returns every document that the entries name.
    pub fn documents(&self) -> impl Iterator<Item = Digest> + '_ {
        self.documents.iter().copied()
    }
}

/// Returns the pseudonyms in an entry: they are the only texts of their form in it.
fn commitments(body: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    ["\"person:", "\"identity:", "\"remark:", "\"findings:"].into_iter().flat_map(move |start| {
        text.match_indices(start).filter_map(move |(at, _)| {
            let end = at + start.len() + 64;
            let commitment = text.get(at + 1..end)?;
            (text.get(end..=end) == Some("\"")).then_some(commitment)
        })
    })
}
