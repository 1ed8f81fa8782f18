//! A store: one door for everything that changes, and the questions that are asked of it.

mod error;
mod findings;
mod names;
mod reading;
mod replay;
mod rows;
mod snapshot;
mod source;
mod verify;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lazaret_core::{Authority, Digest, PersonId};
use lazaret_seal::SecretKey;

use crate::act::Act;
use crate::aggregate::{Aggregate, Key};
use crate::database::{
    Database, Meta, Order, Query, Row, StoreUrl, StoredValue, Transaction, Writer, WriterError,
};
use crate::entry::Entry;
use crate::motion::Question;
use crate::perform::{Step, perform};
use crate::person::{Charter, NewPerson, PublicKeyBytes};
use crate::refusal::{Halt, Refusal};
use crate::world::World;

pub use error::StoreError;
pub use findings::{Found, Recorded, Revise};
pub use names::ValueClass;
pub use reading::{PAGES_AHEAD, ReadEntry, read_aside};
pub use replay::{Replay, ReplayFault};
pub use snapshot::SnapshotError;
pub use verify::{Fault, FaultPlace, Verification};

/// How far a clock may be behind the last entry. Machines differ by so much; then the last entry's time is taken.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// How many people are read at a time where all are asked for.
const PEOPLE_AT_ONCE: u32 = 1000;

/// The policies on who may do what, and the digest under which a charter names them.
#[derive(Clone)]
pub struct NamedDuties {
    /// The digest of their text.
    pub digest: Digest,
    /// What answers by them.
    pub authority: Arc<dyn Authority + Send + Sync>,
}

impl std::fmt::Debug for NamedDuties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedDuties({})", self.digest)
    }
}

/// Who acts, and the key that shows it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The pseudonym.
    pub person: PersonId,
    /// The person's key.
    pub key: Arc<SecretKey>,
}

/// A text that entries name by its digest: a policy, a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its media type.
    pub media: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What a store is made of.
#[derive(Debug, Clone)]
pub struct Founding {
    /// What it is and works under.
    pub charter: Charter,
    /// Who works with it from the beginning.
    pub people: Vec<NewPerson>,
    /// The texts that the charter names.
    pub documents: Vec<Document>,
    /// What stands behind the pseudonyms of the people, made by [`ValueClass::conceal`].
    pub values: Vec<StoredValue>,
}

/// An act that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The number of its entry.
    pub seq: u64,
    /// The time of its entry.
    pub time: Timestamp,
}

/// A store that is open. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    writer: Writer,
    duties: NamedDuties,
    program: String,
}

impl Store {
    /// Makes a store with its first entry, on the runtime that calls.
    ///
    /// # Errors
    /// [`StoreError`]; what there is at the place stays as it was.
    pub async fn create(
        url: &StoreUrl,
        founding: Founding,
        maker: &Actor,
        duties: NamedDuties,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let Founding { charter, people, documents, values } = founding;
        // What would be refused leaves no database behind that has no charter.
        let act = Act::CreateStore { charter: charter.clone(), people: people.clone() };
        let command = Command::new(
            maker.clone(),
            act,
            documents.clone(),
            now,
            duties.clone(),
            env!("CARGO_PKG_VERSION"),
        );
        command.rehearse()?;
        let database = Database::create(url, &Meta::new()).await?;
        let store = Self::over(database, duties);
        let kept = store.run(move |transaction| Box::pin(keep_values(transaction, values)));
        kept.await?;
        store.apply_with(maker, Act::CreateStore { charter, people }, documents, now).await?;
        Ok(store)
    }

    /// Opens a store, on the runtime that calls.
    ///
    /// # Errors
    /// [`StoreError::OtherDuties`] where it works under other policies on who may do what, and whatever keeps the
    /// database from being opened.
    pub async fn open(url: &StoreUrl, duties: NamedDuties) -> Result<Self, StoreError> {
        let store = Self::over(Database::open(url).await?, duties);
        let charter = store.charter().await?;
        if charter.basis.duties != store.duties.digest {
            let (given, works_under) = (store.duties.digest, charter.basis.duties);
            return Err(StoreError::OtherDuties { given, works_under });
        }
        Ok(store)
    }

    fn over(database: Database, duties: NamedDuties) -> Self {
        let writer = Writer::start(&database);
        Self { database, writer, duties, program: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Returns the database, for what only reads.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns what the store is and works under.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn charter(&self) -> Result<Charter, StoreError> {
        match self.get(Key::Charter).await? {
            Some(Aggregate::Charter(charter)) => Ok(charter),
            Some(_) | None => Err(StoreError::Damaged { key: Key::Charter }),
        }
    }

    /// Returns one row.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn get(&self, key: Key) -> Result<Option<Aggregate>, StoreError> {
        let row = self.database.row(key.kind(), &key.id()).await?;
        row.as_ref().map(rows::read).transpose()
    }

    /// Returns a page of rows.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn list(&self, query: &Query) -> Result<Vec<Aggregate>, StoreError> {
        self.database.rows(query).await?.iter().map(rows::read).collect()
    }

    /// Reads rows that the database gave.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for one that cannot be read.
    pub fn list_rows(&self, rows: &[Row]) -> Result<Vec<Aggregate>, StoreError> {
        rows.iter().map(rows::read).collect()
    }

    /// Does something, and returns when it and its entry are durable.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when it is not done, with what would have to be otherwise. Nothing is changed by any
    /// error but [`StoreError::Unknown`], which says that it is not known.
    pub async fn apply(&self, actor: &Actor, act: Act, now: Timestamp) -> Result<Done, StoreError> {
        self.apply_with(actor, act, Vec::new(), now).await
    }

    /// Does something that names documents, and keeps these.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply), and [`StoreError::NoDocument`] for a document that is named and neither given
    /// nor kept.
    pub async fn apply_with(
        &self,
        actor: &Actor,
        act: Act,
        documents: Vec<Document>,
        now: Timestamp,
    ) -> Result<Done, StoreError> {
        let command = Command::new(actor.clone(), act, documents, now, self.duties.clone(), &self.program);
        self.run(|transaction| Box::pin(command.carry_out(transaction))).await
    }

    async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction) -> BoxFuture<'_, Result<T, StoreError>> + Send + 'static,
    {
        self.writer.run(job).await.map_err(|error| match error {
            WriterError::Refused(error) => error,
            WriterError::NotKept { source } => source.into(),
            WriterError::Unknown { source } => StoreError::Unknown { source: Box::new(source) },
            WriterError::Panicked => StoreError::Bug,
            WriterError::Closed => StoreError::Closed,
        })
    }
}

async fn keep_values(transaction: &mut Transaction, values: Vec<StoredValue>) -> Result<(), StoreError> {
    for value in &values {
        transaction.keep_value(value).await?;
    }
    Ok(())
}

/// Returns the time of an entry: never before the last one, and to the microsecond, as the database keeps it.
fn entry_time(now: Timestamp, last: Option<Timestamp>) -> Result<Timestamp, StoreError> {
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    match last {
        Some(last) if now < last && last.duration_since(now) > CLOCKS_DIFFER => {
            Err(StoreError::Clock { now, last })
        }
        Some(last) => Ok(now.max(last)),
        None => Ok(now),
    }
}

/// An act on its way into the database.
struct Command {
    actor: Actor,
    act: Act,
    documents: Vec<Document>,
    findings: Vec<findings::Kept>,
    now: Timestamp,
    duties: NamedDuties,
    program: String,
}

impl Command {
    fn new(
        actor: Actor,
        act: Act,
        documents: Vec<Document>,
        now: Timestamp,
        duties: NamedDuties,
        program: &str,
    ) -> Self {
        Self { actor, act, documents, findings: Vec::new(), now, duties, program: program.to_owned() }
    }

    /// Gives the findings along that the act records.
    fn with_findings(self, findings: Vec<findings::Kept>) -> Self {
        Self { findings, ..self }
    }

    /// Does the first act of a store on no store at all, and says what would keep it from being done.
    fn rehearse(&self) -> Result<(), StoreError> {
        let before = World::whole();
        let mut after = before.clone();
        let step = Step { seq: 0, time: self.now, by: self.actor.person };
        match perform(&mut after, self.duties.authority.as_ref(), step, &self.act) {
            Ok(()) => {}
            Err(Halt::Refused(refusal)) => return Err(refusal.into()),
            Err(Halt::Need(key)) => return Err(Refusal::NoSuch { what: key }.into()),
            Err(Halt::NeedEveryone | Halt::NeedBatches) => return Err(StoreError::Bug),
        }
        let charter = self.check_actor(&before, &after)?;
        let given: Vec<Digest> = self.documents.iter().map(|document| Digest::of(&document.body)).collect();
        if let Some(digest) = self.act.documents().into_iter().find(|digest| !given.contains(digest)) {
            return Err(StoreError::NoDocument { digest });
        }
        let (by, act, program) = (self.actor.person, self.act.clone(), self.program.clone());
        let entry = Entry::new(charter.name, 0, self.now, by, charter.basis.policy, program, act);
        entry.sign(&self.actor.key)?;
        Ok(())
    }

    async fn carry_out(self, transaction: &mut Transaction) -> Result<Done, StoreError> {
        let seq = transaction.head().size();
        let time = entry_time(self.now, transaction.head().last_time)?;
        let step = Step { seq, time, by: self.actor.person };
        let (before, changed) = self.perform(transaction, step).await?;
        self.keep_documents(transaction).await?;
        findings::keep(transaction, &self.findings, &self.act).await?;
        let rows: Vec<Row> = changed.iter().map(|row| rows::write(row, seq)).collect::<Result<_, _>>()?;
        transaction.save(&rows).await?;
        self.forget(transaction, &changed).await?;
        findings::delete(transaction, &changed).await?;
        let Self { actor, act, program, .. } = self;
        let entry = Entry::new(before.name, seq, time, actor.person, before.basis.policy, program, act);
        transaction.append(entry.sign(&actor.key)?, time).await?;
        Ok(Done { seq, time })
    }

    /// Performs the act on the rows that matter, loading them as it asks for them. Returns the charter as it was, and
    /// the rows that have changed.
    async fn perform(
        &self,
        transaction: &mut Transaction,
        step: Step,
    ) -> Result<(Charter, Vec<Aggregate>), StoreError> {
        let mut loaded = World::partial();
        load(transaction, &mut loaded, &self.first_keys(step)).await?;
        loop {
            let mut world = loaded.clone();
            match perform(&mut world, self.duties.authority.as_ref(), step, &self.act) {
                Ok(()) => {
                    let before = self.check_actor(&loaded, &world)?;
                    return Ok((before, world.take_changed()));
                }
                Err(Halt::Need(key)) => load(transaction, &mut loaded, &[key]).await?,
                Err(Halt::NeedEveryone) => load_everyone(transaction, &mut loaded).await?,
                Err(Halt::NeedBatches) => loaded.load_batches(findings::kept_batches(transaction).await?),
                Err(Halt::Refused(refusal)) => return Err(refusal.into()),
            }
        }
    }

    /// What nearly every act asks for, so that it is loaded at once.
    fn first_keys(&self, step: Step) -> Vec<Key> {
        let mut keys = vec![Key::Charter, Key::Person(step.by)];
        keys.extend(self.act.about());
        keys
    }

    /// The key must be the person's, and the policies on who may do what those that the store works under.
    fn check_actor(&self, before: &World, after: &World) -> Result<Charter, StoreError> {
        let by = Key::Person(self.actor.person);
        // The maker of a store is among its people only afterwards.
        let (charter, person) = match (before.get(Key::Charter), before.get(by)) {
            (None, _) => (after.get(Key::Charter), after.get(by)),
            found => found,
        };
        let (Some(Aggregate::Charter(charter)), Some(Aggregate::Person(person))) = (charter, person) else {
            return Err(Refusal::NotAdmitted { person: by }.into());
        };
        if person.key != PublicKeyBytes(*self.actor.key.public().as_bytes()) {
            return Err(StoreError::OtherKey { person: self.actor.person });
        }
        if charter.basis.duties != self.duties.digest {
            let (given, works_under) = (self.duties.digest, charter.basis.duties);
            return Err(StoreError::OtherDuties { given, works_under });
        }
        Ok(charter.clone())
    }

    async fn keep_documents(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for Document { media, body } in &self.documents {
            transaction.keep_document(media, body.clone()).await?;
        }
        for digest in self.act.documents() {
            if transaction.document(digest).await?.is_none() {
                return Err(StoreError::NoDocument { digest });
            }
        }
        Ok(())
    }

    /// Erases what stands behind the pseudonyms of a person who is forgotten.
    async fn forget(&self, transaction: &mut Transaction, changed: &[Aggregate]) -> Result<(), StoreError> {
        let Act::SecondMotion { .. } = self.act else { return Ok(()) };
        for row in changed {
            let Aggregate::Person(person) = row else { continue };
            if person.forgotten {
                transaction.erase_value(&person.person.to_string()).await?;
                for identity in &person.identities {
                    transaction.erase_value(&identity.to_string()).await?;
                }
            }
        }
        Ok(())
    }
}

async fn load_everyone(transaction: &mut Transaction, world: &mut World) -> Result<(), StoreError> {
    let mut query = Query::of("person").limit(PEOPLE_AT_ONCE);
    let mut people = Vec::new();
    loop {
        let page = transaction.rows(&query).await?;
        let Some(last) = page.last() else { break };
        query = query.after(last.cursor(Order::Id));
        for row in &page {
            if let Aggregate::Person(person) = rows::read(row)? {
                people.push(person);
            }
        }
    }
    world.load_everyone(people);
    Ok(())
}

async fn load(transaction: &mut Transaction, world: &mut World, keys: &[Key]) -> Result<(), StoreError> {
    let ids: Vec<String> = keys.iter().map(Key::id).collect();
    let names: Vec<(&str, &str)> = keys.iter().map(Key::kind).zip(ids.iter().map(String::as_str)).collect();
    for key in keys {
        world.load(*key, None);
    }
    for row in transaction.load(&names).await? {
        let row = rows::read(&row)?;
        world.load(row.key(), Some(row));
    }
    Ok(())
}

impl Act {
    /// Returns the rows that it is about.
    fn about(&self) -> Vec<Key> {
        match self {
            Self::CreateStore { .. }
            | Self::ProposeMotion { .. }
            | Self::RequestExemption(_)
            | Self::DeleteFindings { .. } => Vec::new(),
            Self::RecordFindings { batches, .. } => {
                batches.iter().map(|batch| Key::Findings(batch.batch)).collect()
            }
            Self::SecondMotion { motion } => vec![Key::Motion(*motion)],
            Self::RevokeRole { person, .. } => vec![Key::Person(*person)],
            Self::OpenCase { contents, .. } => contents.iter().map(|held| Key::Hold(held.content)).collect(),
            Self::ExtendCase { case, contents, .. } => {
                let contents = contents.iter().map(|held| Key::Hold(held.content));
                contents.chain([Key::Case(*case)]).collect()
            }
            Self::Sight { content, .. }
            | Self::Seal { content, .. }
            | Self::Detach { content }
            | Self::Restore { content }
            | Self::ReadSealed { content, .. } => vec![Key::Hold(*content)],
            Self::Reassess { case, .. }
            | Self::ClaimCase { case }
            | Self::YieldCase { case }
            | Self::ProposeResolution { case, .. }
            | Self::AgreeResolution { case, .. }
            | Self::RejectResolution { case, .. }
            | Self::ReopenCase { case, .. }
            | Self::EnforceDeadline { case } => vec![Key::Case(*case)],
            Self::RecordStatement { document, .. } => vec![Key::Statement(*document)],
            Self::ApproveExemption { exemption }
            | Self::RevokeExemption { exemption, .. }
            | Self::RecordUse { exemption, .. } => vec![Key::Exemption(*exemption)],
        }
    }

    /// Returns the documents that it names: without them nobody could check it later.
    pub(crate) fn documents(&self) -> Vec<Digest> {
        match self {
            Self::CreateStore { charter, .. } => vec![charter.basis.policy, charter.basis.duties],
            Self::ProposeMotion { question: Question::AdoptPolicy(basis), .. } => {
                vec![basis.policy, basis.duties]
            }
            Self::RecordStatement { document, .. } => vec![*document],
            Self::ProposeMotion { .. }
            | Self::SecondMotion { .. }
            | Self::RevokeRole { .. }
            | Self::OpenCase { .. }
            | Self::ExtendCase { .. }
            | Self::Reassess { .. }
            | Self::Sight { .. }
            | Self::Seal { .. }
            | Self::Detach { .. }
            | Self::Restore { .. }
            | Self::ReadSealed { .. }
            | Self::ClaimCase { .. }
            | Self::YieldCase { .. }
            | Self::ProposeResolution { .. }
            | Self::AgreeResolution { .. }
            | Self::RejectResolution { .. }
            | Self::ReopenCase { .. }
            | Self::EnforceDeadline { .. }
            | Self::RequestExemption(_)
            | Self::ApproveExemption { .. }
            | Self::RevokeExemption { .. }
            | Self::RecordUse { .. }
            | Self::RecordFindings { .. }
            | Self::DeleteFindings { .. } => Vec::new(),
        }
    }
}
