//! Where the suite makes its stores, and what it holds them against.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use lazaret_seal::{Frontier, leaf_hash};
use lazaret_store::{Database, Meta, Row, StoreUrl, Transaction, Writer, WriterError};
use lazaret_testkit::PostgresServer;
use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

/// One case of the suite.
pub(crate) type Case = for<'w> fn(&'w World) -> Pin<Box<dyn Future<Output = ()> + 'w>>;

/// An engine with room for stores.
pub(crate) struct World {
    engine: Engine,
    n_places: AtomicUsize,
}

enum Engine {
    Sqlite(TempDir),
    Postgres(Box<PostgresServer>),
}

impl World {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { engine: Engine::Sqlite(folder), n_places: AtomicUsize::new(0) }
    }

    pub(crate) fn postgres() -> Self {
        Self { engine: Engine::Postgres(Box::default()), n_places: AtomicUsize::new(0) }
    }

    pub(crate) fn server(&mut self) -> &mut PostgresServer {
        match &mut self.engine {
            Engine::Postgres(server) => server,
            Engine::Sqlite(_) => panic!("SQLite has no server"),
        }
    }

    /// Returns a place where there is nothing yet.
    pub(crate) fn place(&self) -> String {
        let number = self.n_places.fetch_add(1, Ordering::Relaxed);
        match &self.engine {
            Engine::Sqlite(folder) => {
                folder.path().join(format!("a store {number}.db")).display().to_string()
            }
            Engine::Postgres(server) => server.database(&format!("store_{number}")),
        }
    }

    pub(crate) fn is_server(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Makes a store.
    pub(crate) async fn store(&self) -> Database {
        let url: StoreUrl = self.place().parse().unwrap();
        Database::create(&url, &Meta::new()).await.unwrap()
    }

    /// Makes a store and says how to reach it past the store.
    pub(crate) async fn store_and_place(&self) -> (Database, String) {
        let place = self.place();
        (Database::create(&place.parse().unwrap(), &Meta::new()).await.unwrap(), place)
    }
}

/// Connects to a store's database past the store.
pub(crate) async fn connect_past(place: &str) -> AnyConnection {
    install_default_drivers();
    let url = if place.starts_with("postgres") {
        place.to_owned()
    } else {
        format!("sqlite://{}", place.replace(' ', "%20"))
    };
    url.parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
}

/// Runs a statement past the store, and returns the engine's words where it refuses.
pub(crate) async fn execute_past(place: &str, statement: &str) -> Result<(), String> {
    let mut connection = connect_past(place).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
    done.map(drop).map_err(|error| error.to_string())
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(future)
}

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn row(kind: &str, id: &str, status: &str) -> Row {
    Row {
        kind: kind.to_owned(),
        id: id.to_owned(),
        status: status.to_owned(),
        due: None,
        owner: None,
        weight: 0,
        bound: None,
        seq: 0,
        body: format!("{{\"id\":\"{id}\"}}"),
    }
}

/// Appends one entry that names `id`, and saves a row of that id with the entry's number.
pub(crate) async fn note(
    transaction: &mut Transaction,
    id: &str,
) -> Result<u64, lazaret_store::DatabaseError> {
    let time = transaction.head().last_time.unwrap_or_else(|| time(0));
    let seq = transaction.append(id.as_bytes().to_vec(), time).await?;
    transaction.save(&[Row { seq, ..row("case", id, "open") }]).await?;
    Ok(seq)
}

/// Does so as a command.
pub(crate) async fn run_note(
    writer: &Writer,
    id: &str,
) -> Result<u64, WriterError<lazaret_store::DatabaseError>> {
    let id = id.to_owned();
    writer.run(move |transaction| Box::pin(async move { note(transaction, &id).await })).await
}

/// Checks that entries follow each other without a gap, that their leaves are theirs, and that the head stands for
/// exactly them; returns them as texts.
pub(crate) async fn check_ledger(database: &Database) -> Vec<String> {
    let mut frontier = Frontier::new();
    let mut texts = Vec::new();
    loop {
        let entries = database.entries(frontier.size(), 1000).await.unwrap();
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            assert_eq!(entry.seq, frontier.size());
            assert_eq!(entry.leaf, leaf_hash(&entry.body));
            frontier.push(&entry.body);
            texts.push(String::from_utf8(entry.body).unwrap());
        }
    }
    assert_eq!(database.head().await.unwrap().frontier, frontier);
    texts
}
