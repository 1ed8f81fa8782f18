//! What every engine must do: keep all of a command or nothing, and refuse what would break the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use lazaret_core::Digest;
use lazaret_store::{
    Database, DatabaseError, Meta, Query, Row, StoreUrl, StoredDocument, StoredValue, Writer, WriterError,
};
use tokio::sync::oneshot;

use crate::world::{World, check_ledger, execute_past, note, row, run_note, time};

type Outcome<T> = Result<T, WriterError<DatabaseError>>;

/// The number of the present format.
const NEWEST: u32 = 3;

pub(crate) async fn a_store_is_made_once(world: &World) {
    let url: StoreUrl = world.place().parse().unwrap();
    let meta = Meta::from([("id".to_owned(), "acme".to_owned())]);
    let database = Database::create(&url, &meta).await.unwrap();
    assert_eq!(database.meta().await.unwrap(), meta);
    let error = Database::create(&url, &meta).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Exists { .. }), "{error}");
    let migrated = Database::migrate(&url).await.unwrap();
    assert_eq!((migrated.from, migrated.to), (NEWEST, NEWEST));

    let taken = Meta::from([("format".to_owned(), "acme/9".to_owned())]);
    let error = Database::create(&world.place().parse().unwrap(), &taken).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unfit { .. }), "{error}");
}

pub(crate) async fn opening_makes_nothing(world: &World) {
    let url: StoreUrl = world.place().parse().unwrap();
    for _ in 0..2 {
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Missing { .. } | DatabaseError::NotAStore { .. }), "{error}");
        assert!(Database::migrate(&url).await.is_err());
    }
    if let Some(path) = url.file() {
        assert!(!path.exists());
    }
}

pub(crate) async fn what_is_not_a_store_is_refused(world: &World) {
    let place = world.place();
    if !world.is_server() {
        std::fs::write(&place, "").unwrap();
    }
    execute_past(&place, "CREATE TABLE state (id TEXT)").await.unwrap();
    let url: StoreUrl = place.parse().unwrap();
    let error = Database::open(&url).await.unwrap_err();
    assert!(matches!(error, DatabaseError::NotAStore { .. }), "{error}");
    let error = Database::create(&url, &Meta::new()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Exists { .. }), "{error}");
}

pub(crate) async fn a_newer_format_is_refused(world: &World) {
    let (database, place) = world.store_and_place().await;
    let statement = "UPDATE store_meta SET value = 'lazaret.store/9' WHERE name = 'format'";
    execute_past(&place, statement).await.unwrap();
    let error = Database::open(database.url()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Newer { .. }), "{error}");
    let refused = run_note(&Writer::start(&database), "a").await.unwrap_err();
    assert!(matches!(refused, WriterError::NotKept { source: DatabaseError::Newer { .. } }), "{refused:?}");
}

pub(crate) async fn what_was_kept_is_read(world: &World) {
    let database = world.store().await;
    let full = Row {
        due: Some("2026-05-01T12:00:00.000001Z".parse().unwrap()),
        owner: Some("person:ada".to_owned()),
        weight: -3,
        bound: Some("sha256:policy".to_owned()),
        body: "{\"text\":\"größer \u{1F980} \\u0000\"}".to_owned(),
        ..row("case", "c1", "claimed")
    };
    let value = StoredValue {
        commitment: "person:1".to_owned(),
        class: "person".to_owned(),
        salt: [7; 32],
        value: vec![0, 255, 10],
    };
    let rows = [full.clone(), row("hold", "h1", "sealed")];
    let (saved, kept) = (rows.clone(), value.clone());
    let outcome: Outcome<Digest> = Writer::start(&database)
        .run(move |transaction| {
            Box::pin(async move {
                assert_eq!(transaction.append(b"first".to_vec(), time(1)).await?, 0);
                assert_eq!(transaction.append(vec![0; 65_535], time(1)).await?, 1);
                transaction.save(&saved).await?;
                transaction.keep_value(&kept).await?;
                transaction.keep_value(&kept).await?;
                let digest = transaction.keep_document("text/plain", b"a policy".to_vec()).await?;
                assert_eq!(transaction.keep_document("text/plain", b"a policy".to_vec()).await?, digest);
                // A command sees what it did.
                assert_eq!(transaction.load(&[("hold", "h1"), ("hold", "h2"), ("case", "c1")]).await?, saved);
                assert_eq!(transaction.rows(&Query::of("case")).await?, saved[..1]);
                assert_eq!(transaction.find_value("person", &[0, 255, 10]).await?, [kept]);
                assert!(transaction.document(digest).await?.is_some());
                Ok(digest)
            })
        })
        .await;
    let digest = outcome.unwrap();

    let database = Database::open(database.url()).await.unwrap();
    assert_eq!(database.row("case", "c1").await.unwrap().as_ref(), Some(&full));
    assert_eq!(database.row("case", "c2").await.unwrap(), None);
    assert_eq!(database.value("person:1").await.unwrap().as_ref(), Some(&value));
    assert_eq!(database.find_value("person", &[0, 255, 10]).await.unwrap(), [value]);
    assert_eq!(database.find_value("identity", &[0, 255, 10]).await.unwrap(), []);
    let document = StoredDocument { digest, media: "text/plain".to_owned(), body: b"a policy".to_vec() };
    assert_eq!(database.document(digest).await.unwrap(), Some(document));
    assert_eq!(database.document(Digest::of(b"")).await.unwrap(), None);
    let entries = database.entries(0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.body.len()).collect::<Vec<_>>(), [5, 65_535]);
    assert_eq!(database.entries(1, 10).await.unwrap(), entries[1..]);
    assert_eq!(database.entries(u64::MAX, 10).await.unwrap(), []);
    let status = database.status().await.unwrap();
    assert_eq!(
        (status.format.clone(), status.entries, status.values, status.documents),
        (format!("lazaret.store/{NEWEST}"), 2, 1, 1)
    );
    let count = |kind: &str, status: &str| ((kind.to_owned(), status.to_owned()), 1);
    assert_eq!(status.rows, BTreeMap::from([count("case", "claimed"), count("hold", "sealed")]));
    assert_eq!(status.last_time, Some(time(1)));
    assert!(status.bytes > 65_535 && status.engine_version.contains('.'), "{status:?}");
}

pub(crate) async fn a_row_is_written_over(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    for status in ["open", "decided"] {
        let row = Row { owner: (status == "open").then(|| "ada".to_owned()), ..row("case", "c1", status) };
        let outcome: Outcome<()> =
            writer.run(move |transaction| Box::pin(async move { transaction.save(&[row]).await })).await;
        outcome.unwrap();
    }
    assert_eq!(database.row("case", "c1").await.unwrap(), Some(row("case", "c1", "decided")));
    assert_eq!(database.count_by_status("case").await.unwrap(), BTreeMap::from([("decided".to_owned(), 1)]));
}

pub(crate) async fn a_refused_command_leaves_nothing_and_hurts_nobody(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let refused = |id: String| {
        writer.run(move |transaction| {
            Box::pin(async move {
                let before = transaction.head().clone();
                note(transaction, &id).await.unwrap();
                assert_ne!(transaction.head(), &before);
                Err::<(), _>(std::io::Error::other("refused"))
            })
        })
    };
    let commands = (0..40).map(|number| {
        let (writer, id) = (&writer, format!("c{number}"));
        async move {
            if number % 3 == 1 {
                assert!(matches!(refused(id).await, Err(WriterError::Refused(_))));
            } else {
                run_note(writer, &id).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(commands).await;
    let mut ids = check_ledger(&database).await;
    ids.sort_unstable_by_key(|id| id.trim_start_matches('c').parse::<u32>().unwrap());
    let kept = (0..40).filter(|number| number % 3 != 1).map(|number| format!("c{number}"));
    assert_eq!(ids, kept.collect::<Vec<_>>());
    assert_eq!(database.count(&Query::of("case")).await.unwrap(), ids.len() as u64);
}

pub(crate) async fn a_command_that_panics_leaves_nothing(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let outcome: Outcome<()> = writer
        .run(|transaction| {
            Box::pin(async move {
                note(transaction, "lost").await?;
                std::panic::resume_unwind(Box::new("a fault in a command"));
            })
        })
        .await;
    assert!(matches!(outcome, Err(WriterError::Panicked)), "{outcome:?}");
    run_note(&writer, "kept").await.unwrap();
    assert_eq!(check_ledger(&database).await, ["kept"]);
}

pub(crate) async fn a_command_that_ignores_an_error_is_undone(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let outcome: Outcome<()> = writer
        .run(|transaction| {
            Box::pin(async move {
                note(transaction, "lost").await?;
                let unfit = Row { body: "\0".to_owned(), ..row("case", "c1", "open") };
                assert!(matches!(transaction.save(&[unfit]).await, Err(DatabaseError::Unfit { .. })));
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(WriterError::NotKept { source: DatabaseError::Ignored })), "{outcome:?}");
    run_note(&writer, "kept").await.unwrap();
    assert_eq!(check_ledger(&database).await, ["kept"]);
}

pub(crate) async fn entries_that_do_not_fit_are_refused(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let append = |length: usize, second: i64| {
        writer.run(move |transaction| Box::pin(transaction.append(vec![b'x'; length], time(second))))
    };
    append(1, 5).await.unwrap();
    let outcome: Outcome<u64> = append(1, 4).await;
    assert!(matches!(outcome, Err(WriterError::Refused(DatabaseError::Backwards { .. }))), "{outcome:?}");
    let outcome = append(65_536, 5).await;
    assert!(matches!(outcome, Err(WriterError::Refused(DatabaseError::Unfit { .. }))), "{outcome:?}");
    assert_eq!(append(1, 5).await.unwrap(), 1);
    assert_eq!(check_ledger(&database).await.len(), 2);
}

pub(crate) async fn two_writers_leave_no_gap(world: &World) {
    let database = world.store().await;
    let other = Database::open(database.url()).await.unwrap();
    let writers = [Writer::start(&database), Writer::start(&other)];
    let commands = (0..200).map(|number| {
        let writer = writers[number % 2].clone();
        tokio::spawn(async move { run_note(&writer, &format!("c{number}")).await.unwrap() })
    });
    let commands: Vec<_> = commands.collect();
    let mut seqs = Vec::new();
    for command in commands {
        seqs.push(command.await.unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (0..200).collect::<Vec<u64>>());
    assert_eq!(check_ledger(&other).await.len(), 200);
}

pub(crate) async fn a_store_that_is_held_is_not_waited_for_in_vain(world: &World) {
    let (database, place) = world.store_and_place().await;
    let holder = Writer::start(&database);
    let (holds, is_held) = oneshot::channel();
    let (release, is_released) = oneshot::channel();
    let holding = tokio::spawn(async move {
        let outcome: Outcome<u64> = holder
            .run(move |transaction| {
                Box::pin(async move {
                    holds.send(()).unwrap();
                    is_released.await.unwrap();
                    note(transaction, "first").await
                })
            })
            .await;
        outcome.unwrap()
    });
    is_held.await.unwrap();
    let url: StoreUrl = place.parse().unwrap();
    let impatient = Database::open(&url.with_patience(Duration::from_millis(200))).await.unwrap();
    let writer = Writer::start(&impatient);
    let refused = run_note(&writer, "second").await.unwrap_err();
    assert!(matches!(refused, WriterError::NotKept { source: DatabaseError::Locked { .. } }), "{refused:?}");
    // Who only reads is not in the way and has nothing to wait for.
    assert_eq!(impatient.head().await.unwrap().size(), 0);
    release.send(()).unwrap();
    holding.await.unwrap();
    assert_eq!(run_note(&writer, "second").await.unwrap(), 1);
    assert_eq!(check_ledger(&database).await, ["first", "second"]);
}

pub(crate) async fn entries_and_documents_stay_as_they_are(world: &World) {
    let (database, place) = world.store_and_place().await;
    let outcome: Outcome<Digest> = Writer::start(&database)
        .run(|transaction| {
            Box::pin(async move {
                note(transaction, "a").await?;
                note(transaction, "b").await?;
                transaction.keep_document("text/plain", b"a policy".to_vec()).await
            })
        })
        .await;
    let digest = outcome.unwrap();
    let leaf = if world.is_server() { "'\\x00'" } else { "x'00'" };
    let body = if world.is_server() { "decode(repeat('00', 32), 'hex')" } else { "zeroblob(32)" };
    for statement in [
        "UPDATE entry SET seq = seq + 1".to_owned(),
        format!("UPDATE entry SET body = {leaf} WHERE seq = 0"),
        "DELETE FROM entry WHERE seq = 1".to_owned(),
        format!("INSERT INTO entry (seq, body, leaf) VALUES (1, {body}, {body})"),
        format!("INSERT INTO entry (seq, body, leaf) VALUES (3, {body}, {body})"),
        format!("INSERT INTO entry (seq, body, leaf) VALUES (-1, {body}, {body})"),
        format!("UPDATE document SET body = {body}"),
        "DELETE FROM document".to_owned(),
        format!("INSERT INTO document (digest, media, body) VALUES ('{digest}', 'x', {body})"),
    ] {
        assert!(execute_past(&place, &statement).await.is_err(), "{statement}");
    }
    let engine = if world.is_server() {
        ["TRUNCATE entry", "TRUNCATE document"]
    } else {
        [
            "INSERT OR REPLACE INTO entry (seq, body, leaf) VALUES (1, x'00', zeroblob(32))",
            "INSERT OR REPLACE INTO document SELECT digest, 'x', x'00' FROM document",
        ]
    };
    for statement in engine {
        assert!(execute_past(&place, statement).await.is_err(), "{statement}");
    }
    assert_eq!(check_ledger(&database).await, ["a", "b"]);
    assert!(database.document(digest).await.unwrap().is_some());
}

pub(crate) async fn a_head_that_disagrees_is_found(world: &World) {
    let (database, place) = world.store_and_place().await;
    run_note(&Writer::start(&database), "a").await.unwrap();
    for statement in ["UPDATE head SET size = 2", "UPDATE head SET size = 3"] {
        execute_past(&place, statement).await.unwrap();
        let error = Database::open(database.url()).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Damaged { .. }), "{statement}: {error}");
    }
    // A head that looks right to itself would give a number that is taken.
    let peaks = if world.is_server() { "''" } else { "x''" };
    execute_past(&place, &format!("UPDATE head SET size = 0, peaks = {peaks}")).await.unwrap();
    assert!(run_note(&Writer::start(&database), "b").await.is_err());
    assert_eq!(database.entries(0, 10).await.unwrap().len(), 1);
}

pub(crate) async fn erased_values_are_gone(world: &World) {
    let (database, place) = world.store_and_place().await;
    let writer = Writer::start(&database);
    let value = |number: u8| StoredValue {
        commitment: format!("person:{number}"),
        class: "person".to_owned(),
        salt: [number; 32],
        value: format!("Grace Example {number} swordfish").into_bytes(),
    };
    let outcome: Outcome<()> = writer
        .run(move |transaction| {
            Box::pin(async move {
                for number in 0..50 {
                    transaction.keep_value(&value(number)).await?;
                }
                Ok(())
            })
        })
        .await;
    outcome.unwrap();
    let outcome: Outcome<()> = writer
        .run(|transaction| {
            Box::pin(async move {
                for number in 1..50 {
                    assert!(transaction.erase_value(&format!("person:{number}")).await?);
                }
                assert!(!transaction.erase_value("person:50").await?);
                Ok(())
            })
        })
        .await;
    outcome.unwrap();
    database.scrub().await.unwrap();
    assert_eq!(database.value("person:7").await.unwrap(), None);
    assert_eq!(database.value("person:0").await.unwrap(), Some(value(0)));
    if !world.is_server() {
        let log = std::fs::read(format!("{place}-wal")).unwrap_or_default();
        let bytes = [std::fs::read(&place).unwrap(), log].concat();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(holds(&value(0).value));
        for number in 1..50 {
            assert!(!holds(&value(number).value), "{number}");
        }
    }
}

pub(crate) async fn a_commitment_keeps_its_value(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let keep = |text: &str| {
        let (commitment, class) = ("person:1".to_owned(), "person".to_owned());
        let value = StoredValue { commitment, class, salt: [1; 32], value: text.as_bytes().to_vec() };
        writer.run(move |transaction| Box::pin(async move { transaction.keep_value(&value).await }))
    };
    let outcome: Outcome<()> = keep("Ada Example").await;
    outcome.unwrap();
    let error = keep("Grace Example").await.unwrap_err();
    assert!(matches!(error, WriterError::Refused(DatabaseError::Unfit { .. })), "{error:?}");
    let kept = database.value("person:1").await.unwrap().unwrap();
    assert_eq!(kept.value, b"Ada Example");
    assert!(!format!("{kept:?} {error:?} {error}").contains("Example"));
}
