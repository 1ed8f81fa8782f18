//! Lists: pages, filters and counts agree with sorting and filtering all rows in memory.

use jiff::Timestamp;
use lazaret_store::{Database, DatabaseError, Order, Query, Row, Writer, WriterError};

use crate::world::{World, row, time};

const STATUSES: [&str; 3] = ["open", "claimed", "decided"];

/// Rows whose columns agree with each other in no way.
fn rows() -> Vec<Row> {
    let letters = ["a", "B", "ä", "_"];
    let rows = (0_i64..).zip(0_usize..300).map(|(number, index)| Row {
        due: (number % 5 != 0).then(|| time(number * 7919 % 40)),
        owner: (number % 4 == 0).then(|| format!("person:{}", number % 3)),
        weight: number * 31 % 17 - 8,
        bound: (number % 6 != 0).then(|| format!("sha256:{}", number % 2)),
        seq: number.unsigned_abs(),
        // Their order differs between languages and bytes.
        ..row("case", &format!("{}{number:03}", letters[index % 4]), STATUSES[index % 7 % 3])
    });
    rows.collect()
}

async fn save(database: &Database, rows: Vec<Row>) {
    let outcome: Result<(), WriterError<DatabaseError>> = Writer::start(database)
        .run(move |transaction| Box::pin(async move { transaction.save(&rows).await }))
        .await;
    outcome.unwrap();
}

type Filter = (fn(Query) -> Query, fn(&Row) -> bool);

const FILTERS: [Filter; 8] = [
    (|query| query, |_| true),
    (|query| query.statuses(&["open"]), |row| row.status == "open"),
    (|query| query.statuses(&["open", "claimed"]), |row| row.status != "decided"),
    (|query| query.statuses(&["gone"]), |_| false),
    (|query| query.owner("person:1"), |row| row.owner.as_deref() == Some("person:1")),
    (
        |query| query.statuses(&STATUSES).due_before(time(20)),
        |row| row.due.is_some_and(|due: Timestamp| due < time(20)),
    ),
    (|query| query.bound_unlike("sha256:0"), |row| row.bound.as_deref() == Some("sha256:1")),
    (|query| query.id_prefix("ä1"), |row| row.id.starts_with("ä1")),
];

pub(crate) async fn pages_are_what_sorting_and_filtering_give(world: &World) {
    let database = world.store().await;
    let all = rows();
    save(&database, all.clone()).await;
    save(&database, vec![row("hold", "a000", "open")]).await;
    for (number, (ask, holds)) in FILTERS.iter().enumerate() {
        for order in [Order::Due, Order::Weight, Order::Id] {
            let mut expected: Vec<&Row> = all.iter().filter(|row| holds(row)).collect();
            expected.sort_by(|a, b| match order {
                Order::Due => (a.due.is_none(), a.due, &a.id).cmp(&(b.due.is_none(), b.due, &b.id)),
                Order::Weight => (b.weight, &b.id).cmp(&(a.weight, &a.id)),
                Order::Id => a.id.cmp(&b.id),
            });
            let query = ask(Query::of("case")).order(order).limit(23);
            assert_eq!(database.count(&query).await.unwrap(), expected.len() as u64, "filter {number}");
            let mut found: Vec<Row> = Vec::new();
            loop {
                let query = match found.last() {
                    Some(last) => query.clone().after(last.cursor(order)),
                    None => query.clone(),
                };
                let page = database.rows(&query).await.unwrap();
                assert!(page.len() <= 23);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            let ids =
                |rows: &mut dyn Iterator<Item = &Row>| rows.map(|row| row.id.clone()).collect::<Vec<_>>();
            assert_eq!(
                ids(&mut found.iter()),
                ids(&mut expected.iter().copied()),
                "filter {number}, {order:?}"
            );
            assert!(found.iter().eq(expected));
        }
    }
}

pub(crate) async fn many_keys_are_loaded_at_once(world: &World) {
    let database = world.store().await;
    let mut all = rows();
    save(&database, all.clone()).await;
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let loaded: Result<Vec<Row>, WriterError<DatabaseError>> = Writer::start(&database)
        .run(|transaction| {
            Box::pin(async move {
                let ids: Vec<String> = rows().into_iter().map(|row| row.id).collect();
                let keys: Vec<(&str, &str)> = ids.iter().map(|id| ("case", id.as_str())).collect();
                assert_eq!(transaction.load(&[]).await?, []);
                assert_eq!(transaction.load(&keys[..3]).await?.len(), 3);
                assert_eq!(transaction.load(&[keys[0], keys[0], ("hold", keys[0].1)]).await?.len(), 1);
                transaction.load(&keys).await
            })
        })
        .await;
    assert_eq!(loaded.unwrap(), all);
}
