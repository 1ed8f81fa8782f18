//! Rows of the state as the database has them.

use jiff::Timestamp;

use super::error::StoreError;
use crate::aggregate::{Aggregate, Key};
use crate::database::Row;

/// Returns a row for the database.
pub(super) fn write(aggregate: &Aggregate, seq: u64) -> Result<Row, StoreError> {
    let key = aggregate.key();
    let listing = aggregate.listing();
    Ok(Row {
        kind: key.kind().to_owned(),
        id: key.id(),
        status: listing.status.to_owned(),
        due: listing.due.map(micros),
        owner: listing.owner,
        weight: i64::try_from(listing.weight).unwrap_or(i64::MAX),
        bound: listing.bound.map(|digest| digest.to_string()),
        seq,
        body: aggregate.to_json().map_err(|_unwritable| StoreError::Damaged { key })?,
    })
}

/// Reads a row of the database.
pub(super) fn read(row: &Row) -> Result<Aggregate, StoreError> {
    let key = Key::parse(&row.kind, &row.id).ok_or(StoreError::Stray)?;
    let aggregate = Aggregate::parse(&key, &row.body).map_err(|_unreadable| StoreError::Damaged { key })?;
    if aggregate.key() == key { Ok(aggregate) } else { Err(StoreError::Damaged { key }) }
}

/// The database keeps times to the microsecond.
fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
