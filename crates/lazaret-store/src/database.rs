//! Keeps the store's bytes: rows, entries and transactions, in a file of SQLite or on a PostgreSQL server.
//!
//! It does not know what a case is. Reads see what is durable; changes go through a [`Writer`], which carries out each
//! command in one transaction with its entry. [`Database::create`] makes a store, and nothing else does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lazaret_core::Digest;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Row as _};

mod connection;
mod error;
mod file;
mod finding;
mod head;
mod kept;
mod migration;
mod row;
mod transaction;
mod url;
mod writer;

pub use error::{DatabaseError, EngineError};
pub use finding::{FindingQuery, FindingRows};
pub use head::Head;
pub use kept::{StoredDocument, StoredEntry, StoredValue};
pub use migration::Migrated;
pub use row::{Cursor, Order, Query, Row};
pub use transaction::Transaction;
pub use url::{Engine, StoreUrl};
pub use writer::{Writer, WriterError};

use crate::finding::{FindingId, FindingRow};
use connection::{Access, answer, connect, within};
use migration::{MIGRATIONS, Migration};

/// A store's database, open for reading. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    url: StoreUrl,
    readers: AnyPool,
}

/// What the maker of a store writes into it, once: values by name. The names `format` and `migration.*` are taken.
pub type Meta = BTreeMap<String, String>;

/// What there is in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name of its format.
    pub format: String,
    /// What keeps it.
    pub engine: Engine,
    /// Which version of that.
    pub engine_version: String,
    /// How many entries the ledger has.
    pub entries: u64,
    /// The time of the last one.
    pub last_time: Option<Timestamp>,
    /// How many rows there are by kind and status.
    pub rows: BTreeMap<(String, String), u64>,
    /// How many personal values are kept.
    pub values: u64,
    /// How many documents are kept.
    pub documents: u64,
    /// How much room all of it takes, in bytes.
    pub bytes: u64,
}

impl Database {
    /// Makes a store where there is nothing.
    ///
    /// A file appears under its name only when it is whole. On a server the database must be there, and without tables
    /// of these names.
    ///
    /// # Errors
    /// [`DatabaseError::Exists`] when something is there already, [`DatabaseError::Unfit`] when `meta` uses a name that
    /// is taken, and whatever keeps it from being made.
    pub async fn create(url: &StoreUrl, meta: &Meta) -> Result<Self, DatabaseError> {
        if meta.keys().any(|name| migration::is_reserved(name)) {
            return Err(DatabaseError::Unfit { what: "a value under a name that is the store's own" });
        }
        match url.file() {
            Some(path) => {
                if path.symlink_metadata().is_ok() {
                    return Err(DatabaseError::Exists { store: url.clone() });
                }
                let temporary = file::Temporary::beside(path)?;
                make(&url.at(temporary.path()), meta, MIGRATIONS).await?;
                temporary.persist(url).await?;
            }
            None => make(url, meta, MIGRATIONS).await?,
        }
        Self::open(url).await
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`DatabaseError::Missing`] when there is none, since opening makes nothing; [`DatabaseError::Newer`] and
    /// [`DatabaseError::Older`] when it has another format; [`DatabaseError::Damaged`] when head and entries disagree.
    pub async fn open(url: &StoreUrl) -> Result<Self, DatabaseError> {
        require_file(url)?;
        let mut connection = connect(url, Access::Read).await?;
        let format = migration::format_of(&mut connection, url, MIGRATIONS).await?;
        let newest = migration::newest(MIGRATIONS);
        if format < newest {
            let (found, known) = (migration::format_name(format), migration::format_name(newest));
            return Err(DatabaseError::Older { store: url.clone(), found, known });
        }
        check_head(&mut connection, url).await?;
        // What it says now is of no interest: everything was read.
        drop(connection.close().await);
        let readers = connection::readers(url, url.options()?);
        Ok(Self { shared: Arc::new(Shared { url: url.clone(), readers }) })
    }

    /// Brings a store of an earlier version of this program to the present format. Running it again changes nothing.
    ///
    /// # Errors
    /// As for [`open`](Self::open), but for [`DatabaseError::Older`].
    pub async fn migrate(url: &StoreUrl) -> Result<Migrated, DatabaseError> {
        migrate(url, MIGRATIONS).await
    }

    /// Returns where it lies.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.shared.url
    }

    /// Closes the connections; clones cannot read any more.
    pub async fn close(&self) {
        self.shared.readers.close().await;
    }

    /// Returns what its maker wrote into it.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn meta(&self) -> Result<Meta, DatabaseError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT name, value FROM store_meta").fetch_all(&mut *reader);
        let rows = answer(self.url(), "say what it is", rows).await?;
        let read = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let mut meta: Meta = read.collect::<Result<_, _>>().map_err(self.url().error("say what it is"))?;
        meta.retain(|name, _| !migration::is_reserved(name));
        Ok(meta)
    }

    /// Returns how far the ledger has come.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn head(&self) -> Result<Head, DatabaseError> {
        let mut reader = self.reader().await?;
        read_head(&mut reader, self.url()).await
    }

    /// Returns one row, if it is there.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn row(&self, kind: &str, id: &str) -> Result<Option<Row>, DatabaseError> {
        let mut reader = self.reader().await?;
        Ok(within(self.url(), row::load(&mut reader, self.url(), &[(kind, id)])).await?.pop())
    }

    /// Returns a page of rows.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn rows(&self, query: &Query) -> Result<Vec<Row>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), row::rows(&mut reader, self.url(), query)).await
    }

    /// Returns how many rows there are on all pages.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be counted.
    pub async fn count(&self, query: &Query) -> Result<u64, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), row::count(&mut reader, self.url(), query)).await
    }

    /// Returns how many rows of a kind there are by status.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be counted.
    pub async fn count_by_status(&self, kind: &str) -> Result<BTreeMap<String, u64>, DatabaseError> {
        let mut reader = self.reader().await?;
        let query =
            sqlx::query("SELECT status, COUNT(*) FROM state WHERE kind = $1 GROUP BY status").bind(kind);
        let rows = answer(self.url(), "count rows", query.fetch_all(&mut *reader)).await?;
        let read = rows.iter().map(|row| {
            let count: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, count.unsigned_abs()))
        });
        read.collect::<Result<_, _>>().map_err(self.url().error("count rows"))
    }

    /// Returns entries from a number on, in their order; fewer than `limit` where there are no more.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn entries(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), kept::entries(&mut reader, self.url(), from, limit)).await
    }

    /// Returns the personal value behind a commitment, unless it was erased.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn value(&self, commitment: &str) -> Result<Option<StoredValue>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), kept::value(&mut reader, self.url(), commitment)).await
    }

    /// Returns every commitment to a value of a class, ordered by commitment.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn find_value(&self, class: &str, value: &[u8]) -> Result<Vec<StoredValue>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), kept::find_value(&mut reader, self.url(), class, value)).await
    }

    /// Returns a page of findings, by hour and name, each in its last revision; an empty page is the last.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn findings(&self, query: &FindingQuery) -> Result<Vec<FindingRow>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), finding::list(&mut reader, self.url(), query)).await
    }

    /// Returns the last revision of each of these findings that is there.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn last_findings(&self, findings: &[FindingId]) -> Result<Vec<FindingRow>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), finding::last_of(&mut reader, self.url(), findings)).await
    }

    /// Returns the findings of a batch, by number.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn findings_of(&self, batch: &str) -> Result<FindingRows, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), finding::of_batch(&mut reader, self.url(), batch)).await
    }

    /// Returns the names of all batches of which findings are there.
    ///
    /// # Errors
    /// [`DatabaseError`] when they cannot be read.
    pub async fn batches_with_findings(&self) -> Result<Vec<String>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), finding::batches(&mut reader, self.url())).await
    }

    /// Returns the document of a digest.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read, or is not what its digest says.
    pub async fn document(&self, digest: Digest) -> Result<Option<StoredDocument>, DatabaseError> {
        let mut reader = self.reader().await?;
        within(self.url(), kept::document(&mut reader, self.url(), digest)).await
    }

    /// Returns what there is.
    ///
    /// # Errors
    /// [`DatabaseError`] when it cannot be read.
    pub async fn status(&self) -> Result<Status, DatabaseError> {
        let mut reader = self.reader().await?;
        let url = self.url();
        let head = read_head(&mut reader, url).await?;
        let query = sqlx::query("SELECT kind, status, COUNT(*) FROM state GROUP BY kind, status");
        let rows = answer(url, "count rows", query.fetch_all(&mut *reader)).await?;
        let read = rows.iter().map(|row| {
            let count: i64 = row.try_get(2)?;
            Ok(((row.try_get(0)?, row.try_get(1)?), count.unsigned_abs()))
        });
        let rows = read.collect::<Result<_, _>>().map_err(url.error("count rows"))?;
        let (version, bytes) = match url.engine() {
            Engine::Sqlite => (
                "SELECT sqlite_version()",
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            ),
            Engine::Postgres => (
                "SELECT current_setting('server_version')",
                "SELECT CAST(SUM(pg_total_relation_size(to_regclass(name))) AS BIGINT) FROM (VALUES
                 ('store_meta'), ('head'), ('entry'), ('state'), ('secret_value'), ('document'), ('finding')) AS tables (name)",
            ),
        };
        let row = sqlx::query(version).fetch_one(&mut *reader);
        let engine_version = answer(url, "say its version", row).await?.try_get(0);
        Ok(Status {
            format: migration::format_name(migration::newest(MIGRATIONS)),
            engine: url.engine(),
            engine_version: engine_version.map_err(url.error("say its version"))?,
            entries: head.size(),
            last_time: head.last_time,
            rows,
            values: number(&mut reader, url, "SELECT COUNT(*) FROM secret_value").await?,
            documents: number(&mut reader, url, "SELECT COUNT(*) FROM document").await?,
            bytes: number(&mut reader, url, bytes).await?,
        })
    }

    /// Copies a store on SQLite into a new file, as it is at one moment, while others go on.
    ///
    /// # Errors
    /// [`DatabaseError::Exists`] when the file is there, [`DatabaseError::Backup`] on PostgreSQL, which has its own
    /// way, and whatever keeps the file from being written.
    pub async fn backup(&self, to: &Path) -> Result<(), DatabaseError> {
        if self.url().engine() == Engine::Postgres {
            return Err(DatabaseError::Backup);
        }
        let backup = self.url().at(to);
        if to.symlink_metadata().is_ok() {
            return Err(DatabaseError::Exists { store: backup });
        }
        let temporary = file::Temporary::beside(to)?;
        let text = temporary.path().to_str().ok_or_else(|| DatabaseError::Path { path: to.to_owned() })?;
        let mut connection = connect(self.url(), Access::Write).await?;
        // A large store takes its time, so there is no limit to it.
        let copied = sqlx::query("VACUUM INTO $1").bind(text).execute(&mut connection).await;
        copied.map_err(self.url().error("be copied"))?;
        temporary.persist(&backup).await
    }

    /// Removes what the engine still has of erased values and deleted findings, in its pages and in the log of SQLite: it
    /// writes them anew. That takes time and room as a copy does.
    ///
    /// On PostgreSQL the room is free for use again and not overwritten; archives of its log and backups are beyond
    /// its reach, on either engine.
    ///
    /// # Errors
    /// [`DatabaseError::Locked`] when others read for so long that the log could not be cut; try again.
    pub async fn scrub(&self) -> Result<(), DatabaseError> {
        let mut connection = connect(self.url(), Access::Write).await?;
        match self.url().engine() {
            Engine::Sqlite => {
                // What is deleted is overwritten, and pages that were divided may still have it: they are written anew.
                let anew = sqlx::query("VACUUM").execute(&mut connection).await;
                anew.map_err(self.url().error("be scrubbed"))?;
                // The first column says whether somebody was in the way: https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
                let asked = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection);
                let row = answer(self.url(), "be scrubbed", asked).await?;
                match row.try_get::<i64, _>(0).map_err(self.url().error("be scrubbed"))? {
                    0 => Ok(()),
                    _ => Err(DatabaseError::Locked { store: self.url().clone() }),
                }
            }
            Engine::Postgres => {
                for table in ["VACUUM FULL secret_value", "VACUUM FULL finding"] {
                    let asked = sqlx::query(table).execute(&mut connection);
                    answer(self.url(), "be scrubbed", asked).await?;
                }
                Ok(())
            }
        }
    }

    async fn reader(&self) -> Result<PoolConnection<Any>, DatabaseError> {
        self.shared.readers.acquire().await.map_err(self.url().error("be connected to"))
    }
}

/// Makes the tables.
async fn make(url: &StoreUrl, meta: &Meta, migrations: &[Migration]) -> Result<(), DatabaseError> {
    let mut connection = connect(url, Access::Write).await?;
    let begun = sqlx::query("BEGIN").execute(&mut connection);
    answer(url, "be made", begun).await?;
    migration::apply(&mut connection, url, migrations, 0).await?;
    for (name, value) in meta {
        migration::write_meta(&mut connection, url, name, value).await?;
    }
    end(connection, url).await
}

async fn migrate(url: &StoreUrl, migrations: &[Migration]) -> Result<Migrated, DatabaseError> {
    require_file(url)?;
    let mut connection = connect(url, Access::Write).await?;
    let begin = match url.engine() {
        Engine::Sqlite => "BEGIN EXCLUSIVE",
        // Whoever writes holds the head, and asks for the format only when it has it.
        Engine::Postgres => "BEGIN; SELECT id FROM head WHERE id = 1 FOR UPDATE",
    };
    answer(url, "be locked", sqlx::raw_sql(begin).execute(&mut connection)).await?;
    let from = migration::format_of(&mut connection, url, migrations).await?;
    let to = migration::newest(migrations);
    if from < to {
        migration::apply(&mut connection, url, migrations, from).await?;
    }
    end(connection, url).await?;
    Ok(Migrated { from, to })
}

async fn end(mut connection: AnyConnection, url: &StoreUrl) -> Result<(), DatabaseError> {
    answer(url, "be written", sqlx::query("COMMIT").execute(&mut connection)).await?;
    // SQLite folds its log into the file when the last connection closes.
    answer(url, "be closed", connection.close()).await
}

fn require_file(url: &StoreUrl) -> Result<(), DatabaseError> {
    match url.file() {
        Some(path) if !path.exists() => Err(DatabaseError::Missing { store: url.clone() }),
        _ => Ok(()),
    }
}

async fn read_head(connection: &mut AnyConnection, url: &StoreUrl) -> Result<Head, DatabaseError> {
    let query = sqlx::query("SELECT size, peaks, last_time FROM head WHERE id = 1");
    Head::read(&answer(url, "read its head", query.fetch_one(connection)).await?, url)
}

/// Holds the head against the entries, in one statement because others may be writing.
async fn check_head(connection: &mut AnyConnection, url: &StoreUrl) -> Result<(), DatabaseError> {
    let query =
        "SELECT size, peaks, last_time, (SELECT COALESCE(MAX(seq) + 1, 0) FROM entry) FROM head WHERE id = 1";
    let row = answer(url, "read its head", sqlx::query(query).fetch_one(connection)).await?;
    let entries: i64 = row.try_get(3).map_err(url.error("read its head"))?;
    if Head::read(&row, url)?.size() == entries.unsigned_abs() {
        return Ok(());
    }
    Err(DatabaseError::Damaged { store: url.clone(), what: "its head and its entries disagree" })
}

async fn number(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    query: &'static str,
) -> Result<u64, DatabaseError> {
    let row = answer(url, "count", sqlx::query(query).fetch_one(connection)).await?;
    let number: i64 = row.try_get(0).map_err(url.error("count"))?;
    Ok(number.unsigned_abs())
}

#[cfg(test)]
mod tests;
