//! The suite on PostgreSQL, and what becomes of commands when the server goes away.

use std::collections::BTreeSet;
use std::time::Duration;

use lazaret_core::Digest;
use lazaret_store::{Database, DatabaseError, Meta, StoreUrl, Writer, WriterError};
use tokio::sync::oneshot;

use crate::CASES;
use crate::world::{World, block_on, check_ledger, note, run_note, time};

/// One server for all cases, because it takes seconds to make one.
#[test]
fn suite() {
    let world = World::postgres();
    let mut failed: Vec<&str> = Vec::new();
    for (name, case) in CASES {
        println!("case {name}");
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(case(&world))));
        failed.extend(ran.is_err().then_some(name));
    }
    assert!(failed.is_empty(), "failed on PostgreSQL: {failed:?}");
}

#[test]
fn a_server_that_goes_away_and_comes_back_loses_nothing() {
    let mut world = World::postgres();
    let place = world.place();
    block_on(async {
        let url = place.parse().unwrap();
        let database = Database::create(&url, &Meta::new()).await.unwrap();
        let writer = Writer::start(&database);
        run_note(&writer, "first").await.unwrap();
        world.server().stop();
        let refused = run_note(&writer, "never").await.unwrap_err();
        assert!(
            matches!(refused, WriterError::NotKept { source: DatabaseError::Unreachable { .. } }),
            "{refused:?}"
        );
        assert!(database.head().await.is_err());
        world.server().start();
        run_note(&writer, "second").await.unwrap();
        assert_eq!(check_ledger(&database).await, ["first", "second"]);
    });
}

/// Whatever a command was told holds: what was kept is there, what was not kept is not.
#[test]
fn what_is_said_while_the_server_dies_is_true() {
    let mut world = World::postgres();
    let place = world.place();
    block_on(async {
        let url: StoreUrl = place.parse().unwrap();
        let database = Database::create(&url, &Meta::new()).await.unwrap();
        let writer = Writer::start(&database);
        for round in 0..4_u64 {
            let submitters = (0..16).map(|submitter| {
                let writer = writer.clone();
                tokio::spawn(async move {
                    let mut told = Vec::new();
                    for number in 0.. {
                        let id = format!("{round}-{submitter}-{number}");
                        let outcome = run_note(&writer, &id).await;
                        let is_over = outcome.is_err();
                        told.push((id, outcome));
                        if is_over {
                            break;
                        }
                    }
                    told
                })
            });
            let submitters: Vec<_> = submitters.collect();
            tokio::time::sleep(Duration::from_millis(300 + round * 37)).await;
            let server = world.server();
            tokio::task::block_in_place(|| {
                server.stop();
                server.start();
            });
            let mut told = Vec::new();
            for submitter in submitters {
                told.extend(submitter.await.unwrap());
            }
            let kept: BTreeSet<String> = check_ledger(&database).await.into_iter().collect();
            assert!(told.iter().any(|(_, outcome)| outcome.is_ok()));
            for (id, outcome) in told {
                match outcome {
                    Ok(_) => assert!(kept.contains(&id), "lost: {id}"),
                    Err(WriterError::NotKept { .. }) => assert!(!kept.contains(&id), "kept after all: {id}"),
                    Err(error) => panic!("the server was back in time to be asked: {error:?}"),
                }
            }
        }
    });
}

/// The server's files may grow to a limit and no further, as on a disk without room.
#[test]
fn a_server_without_room_keeps_what_was_told_and_nothing_else() {
    let mut world = World::postgres();
    let place = world.place();
    block_on(async {
        let database = Database::create(&place.parse().unwrap(), &Meta::new()).await.unwrap();
        world.server().stop();
        world.server().start_without_room();
        let writer = Writer::start(&database);
        let mut kept = Vec::new();
        let refused = loop {
            let body = bulky(kept.len());
            let bytes = body.clone().into_bytes();
            let outcome: Result<u64, WriterError<DatabaseError>> = writer
                .run(move |transaction| Box::pin(async move { transaction.append(bytes, time(0)).await }))
                .await;
            match outcome {
                Ok(_) => kept.push(body),
                Err(error) => break error,
            }
        };
        // It shows while the entry is written or when it is to be kept, by where the limit falls.
        let (WriterError::Refused(source) | WriterError::NotKept { source }) = refused else {
            panic!("{refused:?}")
        };
        assert!(matches!(source, DatabaseError::Full { .. }), "{source:?}");
        assert!(source.to_string().ends_with("; make room and try again"), "{source}");
        assert!(!kept.is_empty());
        assert_eq!(check_ledger(&database).await, kept);
        world.server().stop();
        world.server().start();
        kept.push("room again".to_owned());
        run_note(&writer, "room again").await.unwrap();
        assert_eq!(check_ledger(&database).await, kept);
    });
}

/// A text of 50 kB that no server makes smaller.
fn bulky(number: usize) -> String {
    (0..800).map(|part| Digest::of(format!("{number} {part}").as_bytes()).to_string()).collect()
}

#[test]
fn a_session_that_is_ended_in_mid_command_keeps_nothing_of_it() {
    let mut world = World::postgres();
    block_on(async {
        let database = world.store().await;
        let writer = Writer::start(&database);
        run_note(&writer, "first").await.unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let command = tokio::spawn({
            let writer = writer.clone();
            async move {
                let outcome: Result<u64, WriterError<DatabaseError>> = writer
                    .run(move |transaction| {
                        Box::pin(async move {
                            note(transaction, "half").await?;
                            begun.send(()).unwrap();
                            may_go_on.await.unwrap();
                            note(transaction, "other half").await
                        })
                    })
                    .await;
                outcome
            }
        });
        has_begun.await.unwrap();
        let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        world.server().run("store_0", others);
        tokio::time::sleep(Duration::from_millis(50)).await;
        go_on.send(()).unwrap();
        let refused = command.await.unwrap().unwrap_err();
        assert!(
            matches!(refused, WriterError::NotKept { source: DatabaseError::Unreachable { .. } }),
            "{refused:?}"
        );
        run_note(&writer, "second").await.unwrap();
        assert_eq!(check_ledger(&database).await, ["first", "second"]);
    });
}

#[test]
fn a_backup_is_left_to_the_server_and_restores_a_store() {
    let mut world = World::postgres();
    block_on(async {
        let database = world.store().await;
        let writer = Writer::start(&database);
        for id in ["first", "second"] {
            run_note(&writer, id).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let error = database.backup(&folder.path().join("copy")).await.unwrap_err();
        assert!(error.to_string().contains("pg_dump --format=custom"), "{error}");

        let restored: StoreUrl = world.server().restore_elsewhere("store_0", "restored").parse().unwrap();
        let restored = Database::open(&restored).await.unwrap();
        assert_eq!(run_note(&Writer::start(&restored), "third").await.unwrap(), 2);
        assert_eq!(check_ledger(&restored).await, ["first", "second", "third"]);
        let refused = world.server().try_run("restored", "DELETE FROM entry").unwrap_err();
        assert!(refused.contains("never removed"), "{refused}");
    });
}
