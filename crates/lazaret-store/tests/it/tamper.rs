//! Every kind of change of every table, by somebody who holds the database and knows SQL: it is found where it is.

use std::path::Path;

use lazaret_store::{CaseId, FaultPlace, SnapshotError, Store, StoreUrl};
use lazaret_testkit::PostgresServer;
use sqlx::Connection as _;

use crate::findings::find_and_forget;
use crate::store::{World, create, duties, run};

/// Whether what was altered is among the places that a verification names.
type IsFound = Box<dyn Fn(&[FaultPlace]) -> bool>;

/// What such a person turns off first.
const FREE_SQLITE: &str = "DROP TRIGGER IF EXISTS entry_stays; DROP TRIGGER IF EXISTS entry_remains;
                           DROP TRIGGER IF EXISTS document_stays; DROP TRIGGER IF EXISTS document_remains";
const FREE_POSTGRES: &str =
    "ALTER TABLE entry DISABLE TRIGGER USER; ALTER TABLE document DISABLE TRIGGER USER";

/// What SQLite and PostgreSQL say differently.
const DIALECTS: [(&str, &str); 4] = [
    (
        "CAST(replace(CAST(body AS TEXT), 'act', 'akt') AS BLOB)",
        "convert_to(replace(convert_from(body, 'UTF8'), 'act', 'akt'), 'UTF8')",
    ),
    ("zeroblob(32)", "decode(repeat('00', 32), 'hex')"),
    ("zeroblob(length(peaks))", "decode(repeat('00', length(peaks)), 'hex')"),
    ("x'00'", r"'\x00'::bytea"),
];

/// Every table and every column that means anything, one after the other.
fn cases() -> Vec<(&'static str, IsFound)> {
    let row = |kind: &str, id: &str| FaultPlace::Row(kind.to_owned(), id.to_owned());
    vec![
        ("UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'act', 'akt') AS BLOB) WHERE seq = 3", at(FaultPlace::Entry(3))),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 2", at(FaultPlace::Entry(2))),
        ("DELETE FROM entry WHERE seq = 4", at(FaultPlace::Entry(4))),
        ("DELETE FROM entry WHERE seq = 5", at(FaultPlace::Head)),
        (
            "UPDATE entry SET seq = 99 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 4;
             UPDATE entry SET seq = 4 WHERE seq = 99",
            at(FaultPlace::Entry(3)),
        ),
        ("UPDATE head SET size = 5 WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE head SET last_time = last_time + 1 WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE head SET peaks = zeroblob(length(peaks)) WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE state SET status = 'open' WHERE kind = 'case' AND id = '000000000001'", {
            at(row("case", "000000000001"))
        }),
        ("UPDATE state SET due = 1 WHERE kind = 'case' AND id = '000000000002'", at(row("case", "000000000002"))),
        ("UPDATE state SET owner = 'x' WHERE kind = 'case' AND id = '000000000002'", {
            at(row("case", "000000000002"))
        }),
        ("UPDATE state SET weight = 0 WHERE kind = 'case'", at(row("case", "000000000001"))),
        ("UPDATE state SET bound = 'x' WHERE kind = 'case'", at(row("case", "000000000001"))),
        ("UPDATE state SET seq = 0 WHERE kind = 'charter'", Box::new(|places| {
            // The charter was last changed by entry 0, so that is no change; nothing else is wrong.
            places.is_empty()
        })),
        ("UPDATE state SET body = replace(body, 'two', 'one') WHERE kind = 'charter'", Box::new(<[_]>::is_empty)),
        ("UPDATE state SET body = replace(body, '\"people\":2', '\"people\":1') WHERE kind = 'charter'", {
            at(row("charter", "1"))
        }),
        ("DELETE FROM state WHERE kind = 'charter'", at(row("charter", "1"))),
        ("INSERT INTO state SELECT kind, '000000000077', status, due, owner, weight, bound, seq, body FROM state
          WHERE kind = 'case' AND id = '000000000002'", at(row("case", "000000000077"))),
        ("INSERT INTO state SELECT 'pardon', id, status, due, owner, weight, bound, seq, body FROM state
          WHERE kind = 'case' AND id = '000000000002'", at(row("pardon", "000000000002"))),
        ("UPDATE secret_value SET value = x'00' WHERE class = 'remark'", Box::new(|places| {
            matches!(places, [FaultPlace::Value(name)] if name.starts_with("remark:"))
        })),
        ("DELETE FROM secret_value WHERE class = 'identity'", Box::new(|places| {
            matches!(places, [FaultPlace::Value(name)] if name.starts_with("identity:"))
        })),
        ("UPDATE document SET body = x'00' WHERE media = 'text/plain'", Box::new(|places| {
            places.len() == 2 && places.iter().all(|place| matches!(place, FaultPlace::Document(_)))
        })),
        ("DELETE FROM document", Box::new(|places| places.len() == 2)),
    ]
}

/// The same of findings, in a world in which some were deleted.
fn finding_cases() -> Vec<(&'static str, IsFound)> {
    let value = || -> IsFound { Box::new(|places| matches!(places, [FaultPlace::Value(_), ..])) };
    let row = || -> IsFound {
        Box::new(|places| matches!(places, [FaultPlace::Row(kind, _), ..] if kind == "findings"))
    };
    vec![
        ("UPDATE finding SET body = 'x' WHERE class = 'block' AND number = 1", findings(&[1])),
        ("UPDATE finding SET hour = hour + 1 WHERE class = 'block' AND number = 1", findings(&[1])),
        ("UPDATE finding SET class = 'score' WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET class = 'x' WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET detector = 'x' WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET revision = 4 WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET revision = -1 WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET id = 'F00000000000000000000000000000000' WHERE class = 'alert'", findings(&[0])),
        ("UPDATE finding SET id = 'x' WHERE class = 'alert'", findings(&[0])),
        ("DELETE FROM finding WHERE class = 'alert'", findings(&[0])),
        ("DELETE FROM finding WHERE class = 'block' AND number = 0", findings(&[0])),
        ("DELETE FROM finding", findings(&[0, 0, 1])),
        ("UPDATE finding SET number = 7 WHERE class = 'block' AND number = 0", findings(&[0, 7])),
        ("UPDATE finding SET number = -7 WHERE class = 'block' AND number = 0", findings(&[-7, 0])),
        ("INSERT INTO finding SELECT batch, 9, 'x', 0, class, detector, hour, body FROM finding
          WHERE class = 'alert'", findings(&[9])),
        ("INSERT INTO finding SELECT 'findings:x', 0, 'x', 0, class, detector, hour, body FROM finding
          WHERE class = 'alert'", findings(&[0])),
        // What an entry says was deleted is put back.
        ("INSERT INTO finding SELECT state.id, 3, 'x', 0, class, detector, hour, finding.body FROM finding, state
          WHERE class = 'alert' AND kind = 'findings' AND status = 'deleted'", findings(&[3])),
        ("INSERT INTO secret_value SELECT id, 'findings', zeroblob(32), x'00', zeroblob(32) FROM state
          WHERE kind = 'findings' AND status = 'deleted'", value()),
        ("DELETE FROM secret_value WHERE class = 'findings'", value()),
        ("UPDATE secret_value SET value = x'00' WHERE class = 'findings'", value()),
        ("UPDATE secret_value SET salt = zeroblob(32) WHERE class = 'findings'", value()),
        // A deletion that no entry tells of, as whoever wants it unseen would make it.
        ("DELETE FROM finding; DELETE FROM secret_value WHERE class = 'findings';
          UPDATE state SET status = 'deleted' WHERE kind = 'findings' AND status = 'kept'", row()),
        ("UPDATE state SET status = 'kept' WHERE kind = 'findings' AND status = 'deleted'", row()),
        ("UPDATE state SET weight = 9 WHERE kind = 'findings'", row()),
        ("DELETE FROM state WHERE kind = 'findings' AND status = 'deleted'", row()),
    ]
}

/// Findings of these numbers, and nothing else.
fn findings(numbers: &'static [i64]) -> IsFound {
    Box::new(|places| {
        let found = places.iter().map(|place| match place {
            FaultPlace::Finding(_, number) => Some(*number),
            _ => None,
        });
        let mut found: Vec<Option<i64>> = found.collect();
        found.sort_unstable();
        found == numbers.iter().copied().map(Some).collect::<Vec<_>>()
    })
}

fn at(place: FaultPlace) -> IsFound {
    Box::new(move |places| places.contains(&place))
}

async fn tamper_with_file(file: &Path, statements: &[&'static str]) {
    let mut connection =
        sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[test]
fn whatever_is_altered_in_a_file_is_found_where_it_is() {
    run(async {
        for (statement, is_found) in cases() {
            let world = World::lived_in().await;
            tamper_with_file(&world.file(), &[FREE_SQLITE, statement]).await;
            let places = world.faults().await;
            assert!(is_found(&places), "{statement}: {places:?}");
        }
        for (statement, is_found) in finding_cases() {
            let world = World::lived_in().await;
            find_and_forget(&world).await;
            assert_eq!(world.faults().await, []);
            tamper_with_file(&world.file(), &[statement]).await;
            let places = world.faults().await;
            assert!(is_found(&places), "{statement}: {places:?}");
        }
    });
}

#[test]
fn whatever_is_altered_on_a_server_is_found_where_it_is() {
    let server = PostgresServer::new();
    let spoken = |statement: &str| {
        DIALECTS.iter().fold(statement.to_owned(), |text, (sqlite, postgres)| text.replace(sqlite, postgres))
    };
    run(async {
        let url: StoreUrl = server.database("original").parse().unwrap();
        let world = World::of(tempfile::tempdir().unwrap(), create(&url).await.unwrap());
        world.live_in().await;
        assert_eq!(world.faults().await, []);
        let url: StoreUrl = server.database("found").parse().unwrap();
        let world = World::of(tempfile::tempdir().unwrap(), create(&url).await.unwrap());
        find_and_forget(&world).await;
        assert_eq!(world.faults().await, []);
        let cases = cases().into_iter().map(|case| ("original", case));
        let cases = cases.chain(finding_cases().into_iter().map(|case| ("found", case)));
        for (nth, (original, (statement, is_found))) in cases.enumerate() {
            let name = format!("copy_{nth}");
            let place = server.copy(original, &name);
            let store = Store::open(&place.parse().unwrap(), duties()).await.unwrap();
            let copy = World::of(tempfile::tempdir().unwrap(), store);
            server.run(&name, &format!("{FREE_POSTGRES}; {}", spoken(statement)));
            let places = copy.faults().await;
            assert!(is_found(&places), "{statement}: {places:?}");
            copy.store.database().close().await;
        }
    });
}

/// A scan or a gate judges by it, so it rests on what was signed and on nothing else.
#[test]
fn a_snapshot_rests_on_the_entries_and_on_no_row() {
    run(async {
        let duties = [duties()];
        let world = World::lived_in().await;
        tamper_with_file(&world.file(), &["UPDATE state SET body = '{}', status = 'decided'"]).await;
        let (replay, root) = world.store.snapshot(&duties).await.unwrap();
        assert_eq!((replay.size(), root), (6, world.store.database().head().await.unwrap().frontier.root()));
        let case = replay.row(lazaret_store::Key::Case(CaseId(1))).map(|(row, _)| row.clone());
        let Some(lazaret_store::Aggregate::Case(case)) = case else { panic!("{case:?}") };
        assert!(case.decision.as_ref().is_some_and(|decision| case.standing(decision.policy).is_some()));
        for statement in [
            "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'act', 'akt') AS BLOB) WHERE seq = 3",
            "DELETE FROM entry WHERE seq = 4",
            "DELETE FROM entry WHERE seq = 5",
            "UPDATE head SET peaks = zeroblob(length(peaks)) WHERE id = 1",
        ] {
            let world = World::lived_in().await;
            tamper_with_file(&world.file(), &[FREE_SQLITE, statement]).await;
            let outcome = world.store.snapshot(&duties).await.map(|(_, root)| root);
            let is_found = matches!(outcome, Err(SnapshotError::Entry(_) | SnapshotError::Head { .. }));
            assert!(is_found, "{statement}: {outcome:?}");
        }
    });
}
