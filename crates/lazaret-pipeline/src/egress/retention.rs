//! `egress retention`: what findings are kept, and the deletion of those whose time is over.
//!
//! Which those are, the policy of the store says, by one function of class, day and time; nobody chooses.

use jiff::Timestamp;
use lazaret_core::Response;
use lazaret_store::{Actor, DatabaseError, Deleted, Done, StoreError, overdue};
use schemars::JsonSchema;
use serde::Serialize;

use crate::house::House;

/// The name of the format in which it is told what is kept.
pub const RETENTION_FORMAT: &str = "lazaret.egress-retention/1";

/// What of findings is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RetentionSheet {
    /// Always `lazaret.egress-retention/1`.
    pub format: &'static str,
    /// The store's name.
    pub store: String,
    /// The time that was looked at.
    pub time: String,
    /// The classes of findings.
    pub classes: Vec<ClassRetention>,
}

/// One class of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClassRetention {
    /// The class.
    pub class: Response,
    /// For how many days after the day of the call it is kept.
    pub days: u32,
    /// The first day, in UTC, that is kept at that time.
    pub kept_from: String,
    /// How many findings there are.
    pub findings: u64,
    /// How many of them are over, and go with the next deletion.
    pub over: u64,
}

/// Says what is kept, for how long, and what is over.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn retention_sheet(house: &House, now: Timestamp) -> Result<RetentionSheet, StoreError> {
    let retention = house.charter.basis.terms.retention;
    let kept = house.store.kept_batches().await?;
    let (_, due) = overdue(kept.clone(), &retention, now);
    let classes = Response::ALL.into_iter().map(|class| {
        let of_class = kept.iter().filter(|batch| batch.recorded.class == class);
        ClassRetention {
            class,
            days: retention.days(class),
            kept_from: retention.keeps_from(class, now).to_string(),
            findings: of_class.map(|batch| batch.recorded.findings).sum(),
            over: due.iter().filter(|due| due.class == class).map(|due| due.findings).sum(),
        }
    });
    let classes = classes.collect();
    let store = house.charter.name.clone();
    Ok(RetentionSheet { format: RETENTION_FORMAT, store, time: now.to_string(), classes })
}

/// What was deleted.
#[derive(Debug)]
pub struct Deletion {
    /// The entry, and what it says; nothing where no finding's time was over.
    pub done: Option<(Done, Vec<Deleted>)>,
    /// Whether the database's own files have nothing left of it, or why that is not so.
    pub scrubbed: Result<(), DatabaseError>,
}

/// Deletes what is over, and has the database overwrite what its files still have of it. That is done again where nothing
/// is over: an earlier deletion may have been cut short after its entry.
///
/// # Errors
/// [`StoreError`]; then nothing is deleted.
pub async fn delete_overdue(house: &House, actor: &Actor, now: Timestamp) -> Result<Deletion, StoreError> {
    let done = house.store.delete_overdue(actor, now).await?;
    let scrubbed = house.store.database().scrub().await;
    Ok(Deletion { done, scrubbed })
}
