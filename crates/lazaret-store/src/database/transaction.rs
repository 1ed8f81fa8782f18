//! What one command sees of the database, and what it changes there.

use jiff::Timestamp;
use lazaret_core::{Digest, FindingsId};
use lazaret_seal::leaf_hash;
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::connection::{answer, within};
use super::error::DatabaseError;
use super::finding;
use super::head::Head;
use super::kept::{self, StoredDocument, StoredValue};
use super::migration::{self, MIGRATIONS};
use super::row::{self, Query, Row};
use super::url::{Engine, StoreUrl};
use crate::entry::ENTRY_BYTES_MAX;
use crate::finding::{FindingId, FindingRow};

/// What one command sees and changes: everything that was decided before it, and nothing that others are about to do.
///
/// Whatever the database refuses, it refuses the whole command: one that goes on after an error is undone as well.
#[derive(Debug)]
pub struct Transaction {
    connection: AnyConnection,
    url: StoreUrl,
    head: Head,
    last_leaf: Option<Digest>,
    has_changed: bool,
    fault: Option<DatabaseError>,
}

/// What a command changed in memory, to be put back with what it changed in the database.
#[derive(Debug)]
pub(super) struct Savepoint {
    head: Head,
    last_leaf: Option<Digest>,
    has_changed: bool,
}

/// A transaction of which it is not known whether it was kept.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) source: DatabaseError,
    /// The last entry of the transaction, by which it can be told; `None` where it had none.
    pub(super) last_entry: Option<(u64, Digest)>,
}

/// How a transaction that was to be kept can end without having been.
#[derive(Debug)]
pub(super) enum Unkept {
    No(DatabaseError),
    Doubtful(Doubt),
}

/// Asks the database, and remembers it if it refuses.
macro_rules! ask {
    ($transaction:ident, $asked:expr) => {{
        let asked = within(&$transaction.url, $asked).await;
        asked.inspect_err(|error| $transaction.fault = Some(error.clone()))
    }};
}

impl Transaction {
    /// Begins one, and waits until nobody else changes the store.
    pub(super) async fn begin(mut connection: AnyConnection, url: &StoreUrl) -> Result<Self, DatabaseError> {
        const HEAD: &str = "SELECT size, peaks, last_time,
                            (SELECT value FROM store_meta WHERE name = 'format') FROM head WHERE id = 1";
        const LOCKED_HEAD: &str = "SELECT size, peaks, last_time,
                                   (SELECT value FROM store_meta WHERE name = 'format') FROM head WHERE id = 1
                                   FOR UPDATE";
        let (begin, head) = match url.engine() {
            Engine::Sqlite => ("BEGIN IMMEDIATE", HEAD),
            Engine::Postgres => ("BEGIN", LOCKED_HEAD),
        };
        let row = answer(url, "begin", async {
            sqlx::query(begin).execute(&mut connection).await?;
            sqlx::query(head).fetch_one(&mut connection).await
        });
        let row = row.await?;
        let found: Option<String> = row.try_get(3).map_err(url.error("read its format"))?;
        let known = migration::format_name(migration::newest(MIGRATIONS));
        match found {
            Some(found) if found == known => {}
            // It was this program's format when it was opened, and somebody has migrated it since.
            Some(found) => return Err(DatabaseError::Newer { store: url.clone(), found, known }),
            None => return Err(DatabaseError::NotAStore { store: url.clone() }),
        }
        let head = Head::read(&row, url)?;
        Ok(Self { connection, url: url.clone(), head, last_leaf: None, has_changed: false, fault: None })
    }

    /// Returns how far the ledger has come, with what this transaction appended.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Returns those of the rows that are there, ordered by kind and id.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn load(&mut self, keys: &[(&str, &str)]) -> Result<Vec<Row>, DatabaseError> {
        ask!(self, row::load(&mut self.connection, &self.url, keys))
    }

    /// Returns a page of rows.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn rows(&mut self, query: &Query) -> Result<Vec<Row>, DatabaseError> {
        ask!(self, row::rows(&mut self.connection, &self.url, query))
    }

    /// Writes rows, each over the one of its kind and id if there is one.
    ///
    /// # Errors
    /// [`DatabaseError::Unfit`] when a text holds a NUL, and whatever keeps the database from writing.
    pub async fn save(&mut self, rows: &[Row]) -> Result<(), DatabaseError> {
        for row in rows {
            self.has_changed = true;
            ask!(self, row::save(&mut self.connection, &self.url, row))?;
        }
        Ok(())
    }

    /// Appends an entry and returns its number.
    ///
    /// # Errors
    /// [`DatabaseError::Backwards`] when the time lies before that of the last entry, [`DatabaseError::Unfit`] when the
    /// entry has 64 KiB or more, and whatever keeps the database from writing.
    pub async fn append(&mut self, body: Vec<u8>, time: Timestamp) -> Result<u64, DatabaseError> {
        let (url, seq) = (self.url.clone(), self.head.size());
        let column = self.check_entry(&body, time).inspect_err(|error| self.fault = Some(error.clone()))?;
        let leaf = leaf_hash(&body);
        self.has_changed = true;
        let query = sqlx::query("INSERT INTO entry (seq, body, leaf) VALUES ($1, $2, $3)")
            .bind(column)
            .bind(body)
            .bind(leaf.as_bytes().to_vec());
        let asked = async {
            query.execute(&mut self.connection).await.map(drop).map_err(url.error("append an entry"))
        };
        ask!(self, asked)?;
        self.head.frontier.push_hash(leaf);
        self.head.last_time = Some(time);
        self.last_leaf = Some(leaf);
        Ok(seq)
    }

    /// Keeps a personal value behind its commitment; the same again is success.
    ///
    /// # Errors
    /// [`DatabaseError::Unfit`] when another value is kept behind the commitment, and whatever keeps the database from
    /// writing.
    pub async fn keep_value(&mut self, value: &StoredValue) -> Result<(), DatabaseError> {
        self.has_changed = true;
        ask!(self, kept::keep_value(&mut self.connection, &self.url, value))
    }

    /// Returns the value behind a commitment, unless it was erased.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn value(&mut self, commitment: &str) -> Result<Option<StoredValue>, DatabaseError> {
        ask!(self, kept::value(&mut self.connection, &self.url, commitment))
    }

    /// Returns every commitment to a value of a class, ordered by commitment.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn find_value(&mut self, class: &str, value: &[u8]) -> Result<Vec<StoredValue>, DatabaseError> {
        ask!(self, kept::find_value(&mut self.connection, &self.url, class, value))
    }

    /// Erases the value behind a commitment, and says whether there was one.
    /// What the engine still has of it elsewhere, [`Database::scrub`](super::Database::scrub) removes.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot write.
    pub async fn erase_value(&mut self, commitment: &str) -> Result<bool, DatabaseError> {
        self.has_changed = true;
        ask!(self, kept::erase_value(&mut self.connection, &self.url, commitment))
    }

    /// Keeps a public document and returns its digest; one that is there stays as it is.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot write.
    pub async fn keep_document(&mut self, media: &str, body: Vec<u8>) -> Result<Digest, DatabaseError> {
        self.has_changed = true;
        ask!(self, kept::keep_document(&mut self.connection, &self.url, media, body))
    }

    /// Returns the document of a digest.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read, or is not what its digest says.
    pub async fn document(&mut self, digest: Digest) -> Result<Option<StoredDocument>, DatabaseError> {
        ask!(self, kept::document(&mut self.connection, &self.url, digest))
    }

    /// Writes a finding.
    ///
    /// # Errors
    /// [`DatabaseError`] where that revision of it is there already, or the database cannot write.
    pub async fn keep_finding(&mut self, row: &FindingRow) -> Result<(), DatabaseError> {
        self.has_changed = true;
        ask!(self, finding::keep(&mut self.connection, &self.url, row))
    }

    /// Returns the last revision of each of these findings that is there.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn last_findings(&mut self, findings: &[FindingId]) -> Result<Vec<FindingRow>, DatabaseError> {
        ask!(self, finding::last_of(&mut self.connection, &self.url, findings))
    }

    /// Deletes the findings of a batch, and says how many there were.
    /// What the engine still has of them elsewhere, [`Database::scrub`](super::Database::scrub) removes.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database cannot write.
    pub async fn delete_findings(&mut self, batch: FindingsId) -> Result<u64, DatabaseError> {
        self.has_changed = true;
        ask!(self, finding::delete(&mut self.connection, &self.url, batch))
    }

    /// Whether the database has refused something since the last savepoint.
    pub(super) fn is_refused(&self) -> bool {
        self.fault.is_some()
    }

    /// Sets a mark to come back to.
    pub(super) async fn mark(&mut self) -> Result<Savepoint, DatabaseError> {
        self.control("SAVEPOINT command").await?;
        let (head, last_leaf) = (self.head.clone(), self.last_leaf);
        Ok(Savepoint { head, last_leaf, has_changed: self.has_changed })
    }

    /// Keeps what was done since the mark.
    pub(super) async fn keep(&mut self) -> Result<(), DatabaseError> {
        self.control("RELEASE SAVEPOINT command").await
    }

    /// Undoes what was done since the mark.
    ///
    /// # Errors
    /// The fault that broke the transaction as a whole, such as a full disk.
    pub(super) async fn undo(&mut self, to: Savepoint) -> Result<(), DatabaseError> {
        let undone = match self.control("ROLLBACK TO SAVEPOINT command").await {
            Ok(()) => self.control("RELEASE SAVEPOINT command").await,
            Err(error) => Err(error),
        };
        let fault = self.fault.take();
        undone.map_err(|error| fault.unwrap_or(error))?;
        Savepoint { head: self.head, last_leaf: self.last_leaf, has_changed: self.has_changed } = to;
        Ok(())
    }

    /// Ends the transaction and returns the connection for the next.
    pub(super) async fn commit(mut self) -> Result<AnyConnection, Unkept> {
        if self.last_leaf.is_some() {
            let write = self.head.write(&mut self.connection, &self.url).await;
            write.map_err(Unkept::No)?;
        }
        let end = if self.has_changed { "COMMIT" } else { "ROLLBACK" };
        match self.control(end).await {
            Ok(()) => Ok(self.connection),
            Err(source) => {
                let last_entry = self.head.size().checked_sub(1).zip(self.last_leaf);
                // Where the session lives on, it must not hold the head while somebody asks after it.
                drop(self.connection.close_hard().await);
                Err(Unkept::Doubtful(Doubt { source, last_entry }))
            }
        }
    }

    /// Returns the leaf of an entry, if there is one of that number.
    pub(super) async fn leaf(&mut self, seq: u64) -> Result<Option<Digest>, DatabaseError> {
        let query = sqlx::query("SELECT leaf FROM entry WHERE seq = $1").bind(seq.cast_signed());
        let asked = async {
            let row = query.fetch_optional(&mut self.connection).await?;
            row.as_ref().map(|row| kept::read_digest(row, 0)).transpose()
        };
        answer(&self.url, "read an entry", asked).await
    }

    async fn control(&mut self, statement: &'static str) -> Result<(), DatabaseError> {
        let asked = sqlx::query(statement).execute(&mut self.connection);
        answer(&self.url, "end what it began", asked).await.map(drop)
    }

    fn check_entry(&self, body: &[u8], time: Timestamp) -> Result<i64, DatabaseError> {
        if body.len() > ENTRY_BYTES_MAX {
            return Err(DatabaseError::Unfit { what: "an entry of 64 KiB or more" });
        }
        if let Some(last) = self.head.last_time.filter(|last| time.as_microsecond() < last.as_microsecond()) {
            return Err(DatabaseError::Backwards { time, last });
        }
        let full = |_| DatabaseError::Unfit { what: "more entries than there are numbers" };
        self.head.size().try_into().map_err(full)
    }
}
