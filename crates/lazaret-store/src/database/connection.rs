//! How connections are made: what each engine is told before anything else.

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions as _, Row as _};

use super::error::{DatabaseError, EngineError};
use super::url::{Engine, StoreUrl};

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Readers do not wait for each other up to this number of them.
const READERS_MAX: u32 = 4;
/// A server that says nothing for this long after its locks should have been free will say nothing more.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Connects once; `doing` says in an error what for.
pub(super) async fn connect(url: &StoreUrl, access: Access) -> Result<AnyConnection, DatabaseError> {
    install_default_drivers();
    let options = url.options()?;
    let connecting = async {
        let mut connection = options.connect().await?;
        prepare(&mut connection, url.engine(), url.patience(), access).await?;
        Ok(connection)
    };
    let mut connection = answer(url, "be connected to", connecting).await?;
    if url.engine() == Engine::Sqlite {
        require_wal(&mut connection, url).await?;
    }
    Ok(connection)
}

/// Makes the connections that readers share.
pub(super) fn readers(url: &StoreUrl, options: AnyConnectOptions) -> AnyPool {
    let (engine, patience) = (url.engine(), url.patience());
    AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(patience)
        // A file does not go away; a server's connection may have.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| Box::pin(prepare(connection, engine, patience, Access::Read)))
        .connect_lazy_with(options)
}

/// Waits for an answer, and no longer than one can take.
pub(super) async fn within<T>(
    url: &StoreUrl,
    asked: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let answer = tokio::time::timeout(url.patience() + SILENCE_MAX, asked).await;
    answer.unwrap_or_else(|_elapsed| Err(silence(url)))
}

/// Like [`within`], for what is asked of sqlx itself; `doing` says in an error what it was.
pub(super) async fn answer<T>(
    url: &StoreUrl,
    doing: &'static str,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DatabaseError> {
    within(url, async { asked.await.map_err(url.error(doing)) }).await
}

fn silence(url: &StoreUrl) -> DatabaseError {
    let source = EngineError::unreachable("no answer came in time");
    DatabaseError::from_engine(url, "answer", source)
}

async fn prepare(
    connection: &mut AnyConnection,
    engine: Engine,
    patience: Duration,
    access: Access,
) -> Result<(), sqlx::Error> {
    let millis = patience.as_millis().clamp(1, 3_600_000);
    let read_only = match access {
        Access::Read => "ON",
        Access::Write => "OFF",
    };
    let settings = match engine {
        // FULL syncs the log at each commit, so that what was acknowledged survives the loss of power.
        // Erased values are overwritten, and triggers see the rows that a replacement removes.
        Engine::Sqlite => format!(
            "PRAGMA busy_timeout = {millis}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA recursive_triggers = ON;
             PRAGMA trusted_schema = OFF; PRAGMA query_only = {read_only};"
        ),
        // A session that holds the head and has lost its client must not hold it for ever.
        // Where a database was told not to wait for its disk, the store waits all the same.
        Engine::Postgres => format!(
            "SET lock_timeout = {millis}; SET idle_in_transaction_session_timeout = '60s';
             SET client_min_messages = warning; SET default_transaction_read_only = {read_only};
             SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off';"
        ),
    };
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await.map(drop)
}

/// A file system without shared memory keeps SQLite from logging ahead, and it says so only when asked.
async fn require_wal(connection: &mut AnyConnection, url: &StoreUrl) -> Result<(), DatabaseError> {
    let asked = sqlx::query("SELECT journal_mode FROM pragma_journal_mode").fetch_one(connection);
    let mode: String =
        asked.await.and_then(|row| row.try_get(0)).map_err(url.error("say how it keeps its log"))?;
    if mode == "wal" {
        return Ok(());
    }
    let source = EngineError::unreachable("its file system does not let several processes share a log");
    Err(DatabaseError::from_engine(url, "keep a log", source))
}
