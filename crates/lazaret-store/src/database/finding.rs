//! Findings in the database: rows that come and go by batch.

use jiff::Timestamp;
use lazaret_core::{FindingsId, Response};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::error::DatabaseError;
use super::row::timestamp;
use super::url::StoreUrl;
use crate::finding::{Finding, FindingId, FindingRow};

/// Which findings are asked for. Everything named must hold; of each, the last revision is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingQuery {
    /// The class.
    pub class: Option<Response>,
    /// The detector.
    pub detector: Option<String>,
    /// The first hour; those whose time is not known are given too.
    pub since: Option<Timestamp>,
    /// The last one of the page before: hour and name.
    pub after: Option<(Option<Timestamp>, FindingId)>,
}

/// The findings of a batch, each with its number; `None` for one that is not as it was written.
pub type FindingRows = Vec<(i64, Option<FindingRow>)>;

/// What stands in the column where the hour is not known.
const UNKNOWN: i64 = i64::MAX;
/// So many findings are asked for at a time.
pub(crate) const PAGE: usize = 1000;
const COLUMNS: &str = "batch, number, id, revision, class, detector, hour, body";
/// Statements are kept prepared, so names are asked for in one length, the last one repeated.
const NAMES: usize = 64;

/// Writes one finding; one that is there already is refused.
pub(super) async fn keep(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    row: &FindingRow,
) -> Result<(), DatabaseError> {
    let FindingRow { batch, number, revision, finding } = row;
    if finding.detector.contains('\0') || finding.body.contains('\0') {
        return Err(DatabaseError::Unfit { what: "a finding with a NUL in a text" });
    }
    let text = "INSERT INTO finding (batch, number, id, revision, class, detector, hour, body)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = sqlx::query(text)
        .bind(batch.to_string())
        .bind(number.cast_signed())
        .bind(finding.finding.to_string())
        .bind(revision.cast_signed())
        .bind(finding.class.as_str())
        .bind(&finding.detector)
        .bind(hour_column(finding.hour))
        .bind(&finding.body);
    query.execute(connection).await.map(drop).map_err(url.error("keep a finding"))
}

/// Deletes the findings of a batch and says how many there were.
pub(super) async fn delete(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    batch: FindingsId,
) -> Result<u64, DatabaseError> {
    let query = sqlx::query("DELETE FROM finding WHERE batch = $1").bind(batch.to_string());
    let done = query.execute(connection).await.map_err(url.error("delete findings"))?;
    Ok(done.rows_affected())
}

/// Returns the findings of a batch, by number.
pub(super) async fn of_batch(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    batch: &str,
) -> Result<FindingRows, DatabaseError> {
    let text = "SELECT batch, number, id, revision, class, detector, hour, body FROM finding
                WHERE batch = $1 ORDER BY number";
    let rows = sqlx::query(text).bind(batch).fetch_all(connection).await;
    let read = |row: &AnyRow| Ok((row.try_get(1)?, read(row).ok()));
    rows.and_then(|rows| rows.iter().map(read).collect()).map_err(url.error("read findings"))
}

/// Returns the names of all batches that have findings.
pub(super) async fn batches(
    connection: &mut AnyConnection,
    url: &StoreUrl,
) -> Result<Vec<String>, DatabaseError> {
    let rows = sqlx::query("SELECT DISTINCT batch FROM finding ORDER BY batch").fetch_all(connection).await;
    let names = rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect());
    names.map_err(url.error("list batches of findings"))
}

/// Returns the last revision of each of these findings that is there.
pub(super) async fn last_of(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    findings: &[FindingId],
) -> Result<Vec<FindingRow>, DatabaseError> {
    let numbers: Vec<String> = (1..=NAMES).map(|number| format!("${number}")).collect();
    let text =
        format!("SELECT {COLUMNS} FROM finding WHERE id IN ({}) ORDER BY id, revision", numbers.join(", "));
    let mut found: Vec<FindingRow> = Vec::new();
    for names in findings.chunks(NAMES) {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text.clone()));
        for name in names.iter().chain(names.last().into_iter().cycle()).take(NAMES) {
            query = query.bind(name.to_string());
        }
        let rows = query.fetch_all(&mut *connection).await.map_err(url.error("look findings up"))?;
        for row in &rows {
            let row = read(row).map_err(url.error("look findings up"))?;
            match found.last_mut().filter(|last| last.finding.finding == row.finding.finding) {
                Some(last) => *last = row,
                None => found.push(row),
            }
        }
    }
    Ok(found)
}

/// Returns a page of findings, by hour and name; those whose hour is not known come last.
pub(super) async fn list(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    asked: &FindingQuery,
) -> Result<Vec<FindingRow>, DatabaseError> {
    let (after_hour, after_id) = match &asked.after {
        Some((hour, id)) => (hour_column(*hour), id.to_string()),
        None => (i64::MIN, String::new()),
    };
    // An empty text stands for any class and any detector.
    let text = format!(
        "SELECT {COLUMNS} FROM finding WHERE (hour, id) > ($1, $2) AND hour >= $3
         AND ($4 = '' OR class = $4) AND ($5 = '' OR detector = $5)
         AND NOT EXISTS (SELECT 1 FROM finding AS later
                         WHERE later.id = finding.id AND later.revision > finding.revision)
         ORDER BY hour, id LIMIT {PAGE}"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(after_hour)
        .bind(after_id)
        .bind(asked.since.map_or(i64::MIN, Timestamp::as_microsecond))
        .bind(asked.class.map_or("", Response::as_str))
        .bind(asked.detector.clone().unwrap_or_default());
    let rows = query.fetch_all(connection).await;
    rows.and_then(|rows| rows.iter().map(read).collect()).map_err(url.error("list findings"))
}

fn hour_column(hour: Option<Timestamp>) -> i64 {
    hour.map_or(UNKNOWN, Timestamp::as_microsecond)
}

fn read(row: &AnyRow) -> Result<FindingRow, sqlx::Error> {
    let text = |column: usize| row.try_get::<String, _>(column);
    let number = |column: usize| {
        let number: i64 = row.try_get(column)?;
        u64::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
    };
    let hour: i64 = row.try_get(6)?;
    Ok(FindingRow {
        batch: parsed(&text(0)?)?,
        number: number(1)?,
        revision: number(3)?,
        finding: Finding {
            finding: parsed(&text(2)?)?,
            class: parsed(&text(4)?)?,
            detector: text(5)?,
            hour: if hour == UNKNOWN { None } else { Some(timestamp(hour)?) },
            body: text(7)?,
        },
    })
}

fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    text: &str,
) -> Result<T, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
