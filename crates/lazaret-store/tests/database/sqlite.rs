//! What is particular to a store in a file: its backup, its folder, and a disk without room.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use lazaret_store::{Database, DatabaseError, Meta, StoreUrl, Writer, WriterError};

use sqlx::Row as _;

use crate::world::{World, block_on, check_ledger, connect_past, row, run_note};

/// With a hundred thousand cases it is two megabytes that have to come from the disk, and not ten.
#[test]
fn counts_by_status_read_the_smallest_index() {
    let world = World::sqlite();
    block_on(async {
        let (database, place) = world.store_and_place().await;
        database.close().await;
        let mut connection = connect_past(&place).await;
        let counts = "SELECT status, COUNT(*) FROM state WHERE kind = 'case' GROUP BY status";
        let count = "SELECT COUNT(*) FROM state WHERE kind = 'case' AND status IN ('open', 'claimed')";
        for statement in [counts, count] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let plan = sqlx::query(explain).fetch_one(&mut connection).await.unwrap();
            let plan: String = plan.try_get(3).unwrap();
            assert!(plan.contains("COVERING INDEX state_by_status"), "{plan}");
        }
    });
}

#[test]
fn a_backup_is_a_store_of_its_own() {
    let world = World::sqlite();
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = world.store().await;
        let writer = Writer::start(&database);
        for number in 0..20 {
            run_note(&writer, &format!("c{number}")).await.unwrap();
        }
        let copy = folder.path().join("copy.db");
        database.backup(&copy).await.unwrap();
        let error = database.backup(&copy).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Exists { .. }), "{error}");
        run_note(&writer, "later").await.unwrap();

        let restored = Database::open(&StoreUrl::from(copy.as_path())).await.unwrap();
        assert_eq!(check_ledger(&restored).await.len(), 20);
        assert_eq!(restored.row("case", "c7").await.unwrap().unwrap().seq, 7);
        assert_eq!(run_note(&Writer::start(&restored), "elsewhere").await.unwrap(), 20);
        assert_eq!(check_ledger(&database).await.len(), 21);
        restored.close().await;
        let error = database.backup(&folder.path().join("missing/copy.db")).await.unwrap_err();
        assert!(matches!(error, DatabaseError::File { .. }), "{error}");
    });
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_str().unwrap().starts_with("copy.db")), "{names:?}");
}

#[test]
fn a_store_that_cannot_be_made_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let path = folder.path().join("store.db");
        fs::write(&path, "a letter").unwrap();
        let url = StoreUrl::from(path.as_path());
        let error = Database::create(&url, &Meta::new()).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Exists { .. }), "{error}");
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::NotAStore { .. }), "{error}");
        let url = StoreUrl::from(folder.path().join("no/store.db").as_path());
        let error = Database::create(&url, &Meta::new()).await.unwrap_err();
        assert!(matches!(error, DatabaseError::File { .. }), "{error}");
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read(folder.path().join("store.db")).unwrap(), b"a letter");
}

#[test]
fn odd_names_are_names() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        for name in ["50% of #1?mode=memory", "größe\n.db", "..db", "%2e%2e"] {
            let url = StoreUrl::from(folder.path().join(name).as_path());
            let database = Database::create(&url, &Meta::new()).await.unwrap();
            run_note(&Writer::start(&database), "a").await.unwrap();
            assert!(folder.path().join(name).is_file(), "{name}");
        }
        let url = StoreUrl::from(folder.path().join("..").as_path());
        assert!(Database::create(&url, &Meta::new()).await.is_err());
    });
}

/// The file may grow to a limit and no further, as on a disk without room.
#[test]
fn a_full_disk_keeps_what_was_told_and_nothing_else() {
    let world = World::sqlite();
    let place = world.place();
    let url: StoreUrl = place.parse().unwrap();
    block_on(async { Database::create(&url, &Meta::new()).await.unwrap().close().await });
    let lines = child_within(&place, 2048);
    let n_kept = lines.iter().filter(|line| line.starts_with("kept ")).count();
    let refusal = lines.iter().find_map(|line| line.strip_prefix("refused: "));
    assert_eq!(refusal, Some("nothing of the command was kept"), "{lines:?}");
    assert!(n_kept > 0);
    block_on(async {
        let database = Database::open(&url).await.unwrap();
        assert_eq!(check_ledger(&database).await.len(), n_kept);
        assert_eq!(run_note(&Writer::start(&database), "room again").await.unwrap(), n_kept as u64);
    });
}

/// Runs the test below in a process whose files may have so many blocks of 512 bytes, and returns what it says.
fn child_within(place: &str, n_blocks: u32) -> Vec<String> {
    // The signal that comes with the limit would end the process; a full disk sends none.
    let script = format!("trap '' XFSZ; ulimit -f {n_blocks}; exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::child", "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{place}").unwrap();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap()).collect();
    assert!(child.wait().unwrap().success());
    lines
}

/// SQLite wants a file beside the store even for reading.
#[test]
fn a_disk_without_any_room_is_said_before_anything_is_read() {
    let world = World::sqlite();
    let place = world.place();
    let url: StoreUrl = place.parse().unwrap();
    block_on(async { Database::create(&url, &Meta::new()).await.unwrap().close().await });
    let lines = child_within(&place, 8);
    let refusal = lines.iter().find_map(|line| line.strip_prefix("refused: "));
    let said = format!("there is no room left for the store at `{place}`; make room and try again");
    assert_eq!(refusal, Some(&*said), "{lines:?}");
    block_on(async {
        let database = Database::open(&url).await.unwrap();
        assert_eq!(run_note(&Writer::start(&database), "room again").await.unwrap(), 0);
    });
}

#[test]
#[ignore = "another test starts it as a process of its own, under a limit"]
fn child() {
    let mut place = String::new();
    std::io::stdin().read_line(&mut place).unwrap();
    // The name of the test stands on this line.
    println!();
    block_on(async {
        let database = match Database::open(&place.trim().parse().unwrap()).await {
            Ok(database) => database,
            Err(error) => return println!("refused: {error}"),
        };
        let writer = Writer::start(&database);
        for number in 0..1000 {
            let body = format!("{number:032768}");
            let outcome: Result<u64, WriterError<DatabaseError>> = writer
                .run(move |transaction| {
                    Box::pin(async move {
                        transaction.save(&[row("case", &number.to_string(), "open")]).await?;
                        transaction.append(body.into_bytes(), crate::world::time(0)).await
                    })
                })
                .await;
            match outcome {
                Ok(_) => println!("kept {number}"),
                Err(error) => return println!("refused: {error}"),
            }
        }
    });
}
