//! What a store holds for people to decide, with names in the place of pseudonyms: lists, and one sheet for each thing.

use std::collections::BTreeMap;

use lazaret_core::{PersonId, RemarkId};
use lazaret_store::{Aggregate, Order, Person, Query, Store, StoreError};

mod cases;
mod deciding;
mod exemptions;
mod looking;
mod motions;
mod next;
mod queue;
mod trial;

pub use cases::{
    CASE_FORMAT, CASE_LIST_FORMAT, CaseList, CaseListRequest, CaseRow, CaseSheet, DecisionSheet, DeltaSheet,
    HeldSheet, ProposalSheet, TaintSheet, TimelineRow, case_list, case_sheet, case_timeline,
};
pub use deciding::{Choice, Decided, Deciding, Refuting, Undo, resolution};
pub use exemptions::{
    EXEMPTION_LIST_FORMAT, EXPIRING_DAYS, ExemptionList, ExemptionSheet, exemption_list, exemption_sheet,
};
pub use looking::{
    HeldLine, HeldLines, LinesError, LinesRequest, SHOWN_BYTES_MAX, bytes_in_place, held_lines,
};
pub use motions::{MOTION_LIST_FORMAT, MotionList, MotionSheet, motion_list};
pub use next::{NextStep, next_steps};
pub use queue::{
    QUEUE_MAX, Queue, QueueFilter, QueueRow, Requirement, ReviewSheet, Standing, queue, queue_row,
    review_sheet,
};

/// The names behind pseudonyms, each looked up once.
#[derive(Debug)]
pub struct Names<'a> {
    store: &'a Store,
    known: BTreeMap<String, String>,
}

impl<'a> Names<'a> {
    /// Looks names up in a store.
    #[must_use]
    pub fn of(store: &'a Store) -> Self {
        Self { store, known: BTreeMap::new() }
    }

    /// Returns a person's name, or the pseudonym's beginning where the name was forgotten.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn person(&mut self, person: PersonId) -> Result<String, StoreError> {
        let written = person.to_string();
        if let Some(name) = self.known.get(&written) {
            return Ok(name.clone());
        }
        let words = self.store.words(&written).await?;
        let name = words.unwrap_or_else(|| format!("forgotten person {}", person.short()));
        self.known.insert(written, name.clone());
        Ok(name)
    }

    /// Returns the names of several people.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn people(
        &mut self,
        people: impl IntoIterator<Item = PersonId>,
    ) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for person in people {
            names.push(self.person(person).await?);
        }
        // Pseudonyms come in another order in each store.
        names.sort();
        Ok(names)
    }

    /// Returns the words behind a pseudonym of any kind, unless they were erased.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn words(&self, pseudonym: &str) -> Result<Option<String>, StoreError> {
        self.store.words(pseudonym).await
    }

    /// Returns what somebody wrote, unless it was erased.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn remark(&self, remark: Option<RemarkId>) -> Result<Option<String>, StoreError> {
        match remark {
            Some(remark) => self.store.words(&remark.to_string()).await,
            None => Ok(None),
        }
    }
}

/// Returns everybody who works with a store or did.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn people(store: &Store) -> Result<Vec<Person>, StoreError> {
    let rows = every(store, Query::of("person"), Order::Id).await?;
    let person = |row| if let Aggregate::Person(person) = row { Some(person) } else { None };
    Ok(rows.into_iter().filter_map(person).collect())
}

/// Returns all rows of a query, page after page.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub async fn every(store: &Store, query: Query, order: Order) -> Result<Vec<Aggregate>, StoreError> {
    let mut query = query.order(order);
    let mut all = Vec::new();
    loop {
        let rows = store.database().rows(&query).await?;
        let Some(last) = rows.last() else { return Ok(all) };
        query = query.after(last.cursor(order));
        for row in &rows {
            all.push(read(row)?);
        }
    }
}

/// Reads a row of the database.
fn read(row: &lazaret_store::Row) -> Result<Aggregate, StoreError> {
    let key = lazaret_store::Key::parse(&row.kind, &row.id).ok_or(StoreError::Stray)?;
    Aggregate::parse(&key, &row.body).map_err(|_unreadable| StoreError::Damaged { key })
}
