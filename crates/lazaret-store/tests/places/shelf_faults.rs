//! What a shelf does when writers are killed, disks are full and stores fail.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use lazaret_store::{Removed, Shelf, ShelfError};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::object_store::{KEY, SECRET, World};
use crate::{bytes, run};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Fails if an error tells what opens the store.
#[track_caller]
fn assert_discreet(error: &ShelfError) {
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(SECRET) && !shown.contains(KEY) && !shown.contains("ignature"), "{shown}");
    }
}

fn unfinished(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join(".unfinished")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_unfinished_file_has_no_name_and_goes_with_its_writer() {
    let folder = TempDir::new().unwrap();
    let shelf = Shelf::in_folder(folder.path());
    run(async {
        let mut spool = shelf.spool().await.unwrap();
        spool.write_all(&bytes(100_000)).await.unwrap();
        spool.flush().await.unwrap();
        assert_eq!(unfinished(folder.path()).len(), 1);
        assert_eq!(shelf.list("").count().await, 0);
        drop(spool);
    });
    assert_eq!(unfinished(folder.path()).len(), 0);
}

#[test]
fn leftovers_of_killed_writers_are_removed_when_they_are_old_and_nobody_holds_them() {
    let folder = TempDir::new().unwrap();
    run(Shelf::in_folder(folder.path()).put("one", Bytes::new())).unwrap();
    let held = File::create(folder.path().join(".unfinished/held")).unwrap();
    held.lock().unwrap();
    let now = held.metadata().unwrap().modified().unwrap();
    for (name, age) in [("old", 2 * HOUR), ("young", HOUR / 2), ("held", 2 * HOUR)] {
        let path = folder.path().join(".unfinished").join(name);
        let file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
        file.set_modified(now - age).unwrap();
    }
    run(Shelf::in_folder(folder.path()).put("two", Bytes::new())).unwrap();
    let mut left = unfinished(folder.path());
    left.sort();
    assert_eq!(left, ["held", "young"]);
}

#[test]
fn a_folder_that_is_missing_is_not_an_empty_one() {
    let folder = TempDir::new().unwrap();
    let shelf = Shelf::in_folder(&folder.path().join("unmounted"));
    run(async {
        let errors = [
            shelf.get("one").await.err(),
            shelf.read("one").await.err(),
            shelf.put("one", Bytes::new()).await.err(),
            shelf.replace("one", Bytes::new()).await.err(),
            shelf.remove("one").await.err(),
            shelf.spool().await.err(),
            shelf.list("").next().await.unwrap().err(),
        ];
        for error in errors {
            assert!(matches!(error, Some(ShelfError::NoFolder { .. })), "{error:?}");
        }
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
#[cfg(unix)]
fn what_is_no_file_or_bears_a_strange_name_is_said_and_never_followed() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(elsewhere.path().join("secret"), "swordfish").unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("secret"), folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("folder")).unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    fs::write(folder.path().join("a b"), "").unwrap();
    fs::write(folder.path().join("plain"), "1").unwrap();
    let shelf = Shelf::in_folder(folder.path());
    run(async {
        for name in ["link", "inner"] {
            let put = shelf.put(name, Bytes::new()).await.err();
            let replaced = shelf.replace(name, Bytes::new()).await.err();
            for error in [shelf.get(name).await.err(), shelf.remove(name).await.err(), put, replaced] {
                assert!(matches!(error, Some(ShelfError::NotAFile { .. })), "{name}: {error:?}");
            }
        }
        let listed: Vec<_> = shelf.list("").collect().await;
        assert_eq!(listed.iter().filter(|entry| entry.is_ok()).count(), 1);
        assert_eq!(listed.len(), 4, "{listed:?}");
    });
    assert_eq!(fs::read_to_string(elsewhere.path().join("secret")).unwrap(), "swordfish");
}

#[test]
fn a_store_that_fails_for_a_while_is_asked_again() {
    let world = World::new();
    let shelf = world.shelf("");
    world.faults(|faults| faults.refuses = Some((2, 503)));
    run(shelf.put("one", Bytes::from_static(b"first"))).unwrap();
    world.faults(|faults| faults.refuses = Some((2, 500)));
    assert_eq!(run(shelf.get("one")).unwrap().unwrap(), "first");
}

#[test]
fn a_write_whose_answer_was_lost_is_no_failure() {
    let world = World::new();
    let shelf = world.shelf("");
    world.faults(|faults| faults.loses_an_answer_to = Some(hyper::Method::PUT));
    run(shelf.put("one", Bytes::from_static(b"first"))).unwrap();
    assert!(world.faults(|faults| faults.loses_an_answer_to.is_none()));
    assert_eq!(world.get("one").unwrap(), b"first");
}

#[test]
fn a_replacement_whose_answer_was_lost_is_no_failure() {
    let world = World::new();
    let shelf = world.shelf("");
    for read in [None, Some(Bytes::from_static(b"first"))] {
        world.faults(|faults| faults.loses_an_answer_to = Some(hyper::Method::PUT));
        let next = Bytes::from_static(if read.is_none() { b"first" } else { b"second" });
        assert!(run(shelf.replace_if("one", read.as_ref(), next.clone())).unwrap());
        assert!(world.faults(|faults| faults.loses_an_answer_to.is_none()));
        assert_eq!(world.get("one").unwrap(), next);
    }
}

#[test]
fn a_store_that_goes_on_failing_is_said_to() {
    let world = World::new();
    let shelf = world.shelf("/shelf");
    let error = |status| {
        world.faults(|faults| faults.refuses = Some((usize::MAX, status)));
        let error = run(shelf.put("one", Bytes::new())).unwrap_err();
        assert_discreet(&error);
        error.to_string()
    };
    assert_eq!(
        error(503),
        "`s3://acme/shelf/one` cannot be written: the store answers with the status 503, also when asked again; try \
         later"
    );
    assert_eq!(
        error(403),
        "`s3://acme/shelf/one` cannot be written: the store does not permit it; check the credentials in the \
         environment variables `AWS_…`"
    );
    assert_eq!(
        error(507),
        "`s3://acme/shelf/one` cannot be written: no room is left in the store; make room and try again"
    );
}

#[test]
fn wrong_credentials_are_named_and_not_told() {
    let world = World::new();
    world.put("one", b"first");
    let shelf = Shelf::parse("s3://acme", &world.environment("swordfish-wrong")).unwrap();
    run(async {
        let errors = [
            shelf.get("one").await.err(),
            shelf.put("one", Bytes::new()).await.err(),
            shelf.remove("one").await.err(),
            shelf.list("").next().await.unwrap().err(),
        ];
        for error in errors {
            let error = error.unwrap();
            assert_discreet(&error);
            assert!(error.to_string().contains("check the credentials"), "{error}");
            assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
        }
    });
    assert!(!format!("{shelf:?}").contains("swordfish"));
}

#[test]
fn a_large_write_that_fails_midway_leaves_neither_object_nor_parts() {
    let world = World::new();
    let shelf = world.shelf("");
    run(async {
        let mut spool = shelf.spool().await.unwrap();
        spool.write_all(&bytes(40 << 20)).await.unwrap();
        // It is looked for, the write is begun, and the first of its three parts is sent.
        world.faults(|faults| faults.breaks_after = Some(3));
        // What is cleared away afterwards can be asked for again.
        let failing = tokio::spawn({
            let shelf = shelf.clone();
            async move { shelf.put_spooled("big", spool).await }
        });
        while world.faults(|faults| faults.requests) < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let error = failing.await.unwrap().unwrap_err();
        assert_discreet(&error);
        assert!(error.to_string().contains("the connection to the store failed"), "{error}");
    });
    assert_eq!(world.get("big"), None);
    assert!(world.faults(|faults| faults.aborted_uploads) > 0);
}

#[test]
fn a_read_that_breaks_off_is_an_error_and_not_an_end() {
    let world = World::new();
    world.put("big", &bytes(4 << 20));
    let shelf = world.shelf("");
    run(async {
        world.faults(|faults| faults.breaks_after = Some(0));
        let error = shelf.get("big").await.unwrap_err();
        assert_discreet(&error);
    });
}

#[test]
fn a_store_that_keeps_versions_says_that_nothing_is_destroyed() {
    let world = World::new();
    let shelf = world.shelf("");
    world.put("one", b"first");
    world.faults(|faults| faults.keeps_versions = true);
    assert_eq!(run(shelf.remove("one")).unwrap(), Removed::VersionKept);
    assert_eq!(run(shelf.remove("one")).unwrap(), Removed::WasNotThere);
}
