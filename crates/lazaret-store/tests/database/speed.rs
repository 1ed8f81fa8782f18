//! How fast a store is: measured by hand with `cargo test -p lazaret-store --test database -- --ignored --nocapture speed`.

use std::time::Duration;

use lazaret_store::{Database, DatabaseError, Order, Query, Row, Writer, WriterError};
use tokio::time::Instant;

use crate::world::{World, block_on, execute_past, row, time};

const N_SUBMITTERS: usize = 64;
const SPAN: Duration = Duration::from_secs(5);

#[test]
#[ignore = "a measurement"]
fn speed_of_commands() {
    for (engine, world) in
        [("SQLite", World::sqlite()), ("PostgreSQL, not waiting for its disk", World::postgres())]
    {
        let n_commands = block_on(async { run_commands(&world.store().await).await });
        println!("{engine}: {} commands per second", n_commands as f64 / SPAN.as_secs_f64());
    }
}

/// Each command loads two rows, saves one and appends an entry of 500 bytes.
async fn run_commands(database: &Database) -> usize {
    let writer = Writer::start(database);
    let end = Instant::now() + SPAN;
    let submitters = (0..N_SUBMITTERS).map(|submitter| {
        let writer = writer.clone();
        tokio::spawn(async move {
            let mut n_done = 0;
            while Instant::now() < end {
                let id = format!("{submitter}-{}", n_done % 50);
                let outcome: Result<u64, WriterError<DatabaseError>> = writer
                    .run(move |transaction| {
                        Box::pin(async move {
                            transaction.load(&[("case", &id), ("hold", &id)]).await?;
                            transaction.save(&[row("case", &id, "open")]).await?;
                            transaction.append(vec![b'x'; 500], time(0)).await
                        })
                    })
                    .await;
                outcome.unwrap();
                n_done += 1;
            }
            n_done
        })
    });
    let submitters: Vec<_> = submitters.collect();
    let mut n_commands = 0;
    for submitter in submitters {
        n_commands += submitter.await.unwrap();
    }
    n_commands
}

#[test]
#[ignore = "a measurement"]
fn speed_of_lists() {
    const BULK: &str = "INSERT INTO state (kind, id, status, due, owner, weight, bound, seq, body)
        SELECT 'case', 'c' || (n * 7919 % 100003),
        CASE WHEN n % 3 = 0 THEN 'open' WHEN n % 3 = 1 THEN 'claimed' ELSE 'reopened' END,
        n * 104729 % 1000003, NULL, n % 1000, 'sha256:x', n, '{\"a\":1}' FROM numbers";
    for (engine, world) in [("SQLite", World::sqlite()), ("PostgreSQL", World::postgres())] {
        block_on(async {
            let (database, place) = world.store_and_place().await;
            let numbers = "WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)";
            let bulk = format!("{numbers} {BULK}");
            execute_past(&place, &bulk).await.unwrap();
            let open = Query::of("case").statuses(&["open", "claimed", "reopened"]);
            for order in [Order::Due, Order::Weight, Order::Id] {
                let query = open.clone().order(order);
                let begin = Instant::now();
                let page: Vec<Row> = database.rows(&query).await.unwrap();
                let first = begin.elapsed();
                let next = query.after(page.last().unwrap().cursor(order));
                let begin = Instant::now();
                assert_eq!(database.rows(&next).await.unwrap().len(), 100);
                println!("{engine}: a page of 100 by {order:?}: {first:?}, the next {:?}", begin.elapsed());
            }
            let begin = Instant::now();
            assert_eq!(database.count_by_status("case").await.unwrap().len(), 3);
            println!("{engine}: counts by status: {:?}", begin.elapsed());
        });
    }
}

/// Two processes that never pause share a store: each waits for the other, and neither for ever.
#[test]
#[ignore = "a measurement"]
fn speed_of_two_writers() {
    for (engine, world) in [("SQLite", World::sqlite()), ("PostgreSQL", World::postgres())] {
        let shares = block_on(async {
            let database = world.store().await;
            let other = Database::open(database.url()).await.unwrap();
            tokio::join!(run_commands(&database), run_commands(&other))
        });
        println!("{engine}: {shares:?} commands of two writers in {SPAN:?}");
    }
}
