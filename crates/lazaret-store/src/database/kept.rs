//! What is kept beside the states: entries, personal values and documents.

use std::fmt;

use lazaret_core::Digest;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::error::DatabaseError;
use super::url::StoreUrl;

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its number, from 0.
    pub seq: u64,
    /// Its bytes.
    pub body: Vec<u8>,
    /// The digest of its leaf in the Merkle tree (RFC 6962), as it was when the entry was made.
    pub leaf: Digest,
}

/// A personal value behind a commitment. It is never shown where values are shown for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredValue {
    /// The commitment, as entries hold it.
    pub commitment: String,
    /// What kind of value.
    pub class: String,
    /// What the commitment was made with.
    pub salt: [u8; 32],
    /// The value.
    pub value: Vec<u8>,
}

/// A public text that entries name by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// SHA-256 of the body.
    pub digest: Digest,
    /// Its media type.
    pub media: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for StoredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredValue")
            .field("commitment", &self.commitment)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

const VALUE: &str = "SELECT commitment, class, salt, value FROM secret_value WHERE commitment = $1";
const VALUES: &str =
    "SELECT commitment, class, salt, value FROM secret_value WHERE class = $1 AND digest = $2
                      ORDER BY commitment";

/// Returns entries from a number on, in their order.
pub(super) async fn entries(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    from: u64,
    limit: u32,
) -> Result<Vec<StoredEntry>, DatabaseError> {
    let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
    let query = sqlx::query("SELECT seq, body, leaf FROM entry WHERE seq >= $1 ORDER BY seq LIMIT $2");
    let rows = query.bind(from).bind(i64::from(limit)).fetch_all(connection).await;
    let entries = rows.and_then(|rows| rows.iter().map(read_entry).collect());
    entries.map_err(url.error("read entries"))
}

/// Returns the value behind a commitment.
pub(super) async fn value(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    commitment: &str,
) -> Result<Option<StoredValue>, DatabaseError> {
    let row = sqlx::query(VALUE).bind(commitment).fetch_optional(connection).await;
    row.and_then(|row| row.as_ref().map(read_value).transpose()).map_err(url.error("read a value"))
}

/// Returns every commitment to a value.
pub(super) async fn find_value(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    class: &str,
    value: &[u8],
) -> Result<Vec<StoredValue>, DatabaseError> {
    let query = sqlx::query(VALUES).bind(class).bind(digest_column(value));
    let rows = query.fetch_all(connection).await;
    rows.and_then(|rows| rows.iter().map(read_value).collect()).map_err(url.error("find a value"))
}

/// Keeps a value behind its commitment; the same again is success.
pub(super) async fn keep_value(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    kept: &StoredValue,
) -> Result<(), DatabaseError> {
    if kept.commitment.contains('\0') || kept.class.contains('\0') {
        return Err(DatabaseError::Unfit { what: "a value with a NUL in its class or commitment" });
    }
    let text = "INSERT INTO secret_value (commitment, class, salt, value, digest) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (commitment) DO NOTHING";
    let query = sqlx::query(text)
        .bind(&kept.commitment)
        .bind(&kept.class)
        .bind(kept.salt.to_vec())
        .bind(&kept.value)
        .bind(digest_column(&kept.value));
    let done = query.execute(&mut *connection).await.map_err(url.error("keep a value"))?;
    if done.rows_affected() == 1 || value(connection, url, &kept.commitment).await?.as_ref() == Some(kept) {
        return Ok(());
    }
    Err(DatabaseError::Unfit { what: "another value behind the same commitment" })
}

/// Erases the value behind a commitment; says whether there was one.
pub(super) async fn erase_value(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    commitment: &str,
) -> Result<bool, DatabaseError> {
    let query = sqlx::query("DELETE FROM secret_value WHERE commitment = $1").bind(commitment);
    let done = query.execute(connection).await.map_err(url.error("erase a value"))?;
    Ok(done.rows_affected() > 0)
}

/// Returns the document of a digest.
pub(super) async fn document(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    digest: Digest,
) -> Result<Option<StoredDocument>, DatabaseError> {
    let query = sqlx::query("SELECT media, body FROM document WHERE digest = $1").bind(digest.to_string());
    let row = query.fetch_optional(connection).await.map_err(url.error("read a document"))?;
    let read = |row: &AnyRow| Ok(StoredDocument { digest, media: row.try_get(0)?, body: row.try_get(1)? });
    let found = row.as_ref().map(read).transpose().map_err(url.error("read a document"))?;
    match &found {
        Some(document) if Digest::of(&document.body) != digest => {
            Err(DatabaseError::Damaged { store: url.clone(), what: "a document has another digest" })
        }
        _ => Ok(found),
    }
}

/// Keeps a document under its digest, unless it is there.
pub(super) async fn keep_document(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    media: &str,
    body: Vec<u8>,
) -> Result<Digest, DatabaseError> {
    if media.contains('\0') {
        return Err(DatabaseError::Unfit { what: "a document with a NUL in its media type" });
    }
    let digest = Digest::of(&body);
    if document(connection, url, digest).await?.is_none() {
        let query = sqlx::query("INSERT INTO document (digest, media, body) VALUES ($1, $2, $3)")
            .bind(digest.to_string())
            .bind(media)
            .bind(body);
        query.execute(connection).await.map_err(url.error("keep a document"))?;
    }
    Ok(digest)
}

/// Reads a digest as it is kept.
pub(super) fn read_digest(row: &AnyRow, column: usize) -> Result<Digest, sqlx::Error> {
    Ok(Digest::from_bytes(read_32(row, column)?))
}

fn read_entry(row: &AnyRow) -> Result<StoredEntry, sqlx::Error> {
    let seq: i64 = row.try_get(0)?;
    let seq = seq.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(StoredEntry { seq, body: row.try_get(1)?, leaf: read_digest(row, 2)? })
}

fn read_value(row: &AnyRow) -> Result<StoredValue, sqlx::Error> {
    Ok(StoredValue {
        commitment: row.try_get(0)?,
        class: row.try_get(1)?,
        salt: read_32(row, 2)?,
        value: row.try_get(3)?,
    })
}

fn read_32(row: &AnyRow, column: usize) -> Result<[u8; 32], sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn digest_column(value: &[u8]) -> Vec<u8> {
    Digest::of(value).as_bytes().to_vec()
}
