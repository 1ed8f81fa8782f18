//! What a shelf promises, in a folder and in an object store alike.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use futures_util::StreamExt as _;
use lazaret_store::{Listed, Removed, Shelf, ShelfError, WHOLE_BYTES_MAX};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::object_store::World;
use crate::{bytes, run};

/// Files of this size are written to an object store in several requests.
const MANY_PARTS: usize = 33 << 20;

/// Runs a test on a shelf in a folder, and on one in an object store.
fn on_both(test: impl AsyncFn(Shelf)) {
    let folder = TempDir::new().unwrap();
    let world = World::new();
    run(async {
        test(Shelf::in_folder(folder.path())).await;
        test(world.shelf("/shelf")).await;
    });
}

async fn read(shelf: &Shelf, name: &str) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    shelf.read(name).await.unwrap()?.read_to_end(&mut read).await.unwrap();
    Some(read)
}

async fn put_spooled(shelf: &Shelf, name: &str, bytes: &[u8]) -> Result<(), ShelfError> {
    let mut spool = shelf.spool().await.unwrap();
    spool.write_all(bytes).await.unwrap();
    shelf.put_spooled(name, spool).await
}

async fn listed(shelf: &Shelf, prefix: &str) -> Vec<Listed> {
    let mut listed: Vec<Listed> = shelf.list(prefix).map(Result::unwrap).collect().await;
    listed.sort();
    listed
}

#[test]
fn what_is_put_is_read_back_whole_and_streamed() {
    on_both(async |shelf| {
        for (name, n_bytes) in [("checkpoint", 0), ("tile/0/x001/234.p/5", 7), ("tile/0/x001/235", 300_000)] {
            assert_eq!(shelf.get(name).await.unwrap(), None);
            shelf.put(name, bytes(n_bytes).into()).await.unwrap();
            assert_eq!(shelf.get(name).await.unwrap().unwrap(), bytes(n_bytes));
            assert_eq!(read(&shelf, name).await.unwrap(), bytes(n_bytes));
        }
        assert_eq!(read(&shelf, "tile/9").await, None);
    });
}

#[test]
fn spooled_files_of_every_size_come_back_as_they_were() {
    on_both(async |shelf| {
        for n_bytes in [0, 1, (16 << 20) - 1, 16 << 20, MANY_PARTS] {
            let name = format!("{n_bytes}.age");
            put_spooled(&shelf, &name, &bytes(n_bytes)).await.unwrap();
            assert!(read(&shelf, &name).await.unwrap() == bytes(n_bytes), "{n_bytes} bytes");
        }
    });
}

#[test]
fn a_name_is_given_once() {
    on_both(async |shelf| {
        shelf.put("one", Bytes::from_static(b"first")).await.unwrap();
        shelf.put("one", Bytes::from_static(b"first")).await.unwrap();
        for other in ["other", "firs", "first ", ""] {
            let error = shelf.put("one", Bytes::from(other)).await.unwrap_err();
            assert!(matches!(error, ShelfError::Differs { .. }), "{error}");
            let error = put_spooled(&shelf, "one", other.as_bytes()).await.unwrap_err();
            assert!(matches!(error, ShelfError::Differs { .. }), "{error}");
        }
        put_spooled(&shelf, "one", b"first").await.unwrap();
        assert_eq!(shelf.get("one").await.unwrap().unwrap(), "first");
    });
}

#[test]
fn a_name_is_given_once_to_large_files_too() {
    on_both(async |shelf| {
        let whole = bytes(MANY_PARTS);
        put_spooled(&shelf, "big", &whole).await.unwrap();
        put_spooled(&shelf, "big", &whole).await.unwrap();
        let longer = [&whole[..], b"."].concat();
        let mut changed = whole.clone();
        changed[20 << 20] ^= 1;
        for other in [&changed[..], &whole[..whole.len() - 1], &longer] {
            let error = put_spooled(&shelf, "big", other).await.unwrap_err();
            assert!(matches!(error, ShelfError::Differs { .. }), "{error}");
        }
        assert!(read(&shelf, "big").await.unwrap() == whole);
    });
}

/// Only in a folder: the store of these tests looks and writes in two steps, unlike those that it stands for.
#[test]
fn of_many_writers_one_gives_the_name_and_all_others_hear_of_it() {
    let folder = TempDir::new().unwrap();
    let shelf = Shelf::in_folder(folder.path());
    run(async {
        let writers: Vec<_> = (0..16_u8)
            .map(|writer| {
                let shelf = shelf.clone();
                tokio::spawn(async move { shelf.put("one", Bytes::from(vec![writer; 1000])).await.is_ok() })
            })
            .collect();
        let mut n_written = 0;
        for writer in writers {
            n_written += usize::from(writer.await.unwrap());
        }
        assert_eq!(n_written, 1);
        let there = shelf.get("one").await.unwrap().unwrap();
        assert!(there.len() == 1000 && there.iter().all(|byte| *byte == there[0]));
    });
}

#[test]
fn replace_writes_over_what_is_there() {
    on_both(async |shelf| {
        for text in ["first", "second, and longer", "3"] {
            shelf.replace("checkpoint", Bytes::from(text)).await.unwrap();
            assert_eq!(shelf.get("checkpoint").await.unwrap().unwrap(), text);
        }
    });
}

#[test]
fn a_replacement_that_read_something_else_is_not_written() {
    on_both(async |shelf| {
        let [first, second, third] = ["first", "second", "third"].map(Bytes::from);
        let replace = async |read: Option<&Bytes>, bytes: &Bytes| {
            shelf.replace_if("checkpoint", read, bytes.clone()).await.unwrap()
        };
        assert!(!replace(Some(&first), &second).await, "there was nothing");
        assert_eq!(shelf.get("checkpoint").await.unwrap(), None);
        assert!(replace(None, &first).await);
        assert!(!replace(None, &second).await, "there was something");
        assert!(replace(Some(&first), &second).await);
        assert!(!replace(Some(&first), &third).await, "there was something else");
        assert_eq!(shelf.get("checkpoint").await.unwrap(), Some(second));
    });
}

#[test]
fn of_many_replacements_of_the_same_bytes_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let shelf = Shelf::in_folder(folder.path());
        shelf.put("checkpoint", Bytes::from_static(b"0")).await.unwrap();
        for round in 0..20_u32 {
            let read = shelf.get("checkpoint").await.unwrap();
            let writers = (0..8_u32).map(|writer| {
                // As another process has it: with a hold of its own on the folder.
                let (shelf, read) = (Shelf::in_folder(folder.path()), read.clone());
                tokio::spawn(async move {
                    let bytes = Bytes::from(format!("{round} {writer}"));
                    let is_written =
                        shelf.replace_if("checkpoint", read.as_ref(), bytes.clone()).await.unwrap();
                    is_written.then_some(bytes)
                })
            });
            let mut written = Vec::new();
            for writer in writers.collect::<Vec<_>>() {
                written.extend(writer.await.unwrap());
            }
            assert_eq!(written.len(), 1, "{written:?}");
            assert_eq!(shelf.get("checkpoint").await.unwrap(), written.pop());
        }
    });
}

#[test]
fn what_is_removed_is_gone_and_its_name_is_free() {
    on_both(async |shelf| {
        assert_eq!(shelf.remove("one").await.unwrap(), Removed::WasNotThere);
        shelf.put("one", Bytes::from_static(b"first")).await.unwrap();
        assert_eq!(shelf.remove("one").await.unwrap(), Removed::Gone);
        assert_eq!(shelf.get("one").await.unwrap(), None);
        shelf.put("one", Bytes::from_static(b"second")).await.unwrap();
    });
}

#[test]
fn a_list_names_every_file_below_a_folder() {
    on_both(async |shelf| {
        assert_eq!(listed(&shelf, "").await, []);
        for name in ["checkpoint", "tile/0/000", "tile/0/x001/234.p/5", "tiles"] {
            shelf.put(name, Bytes::from_static(b"1234")).await.unwrap();
        }
        drop(shelf.spool().await.unwrap());
        let of = |names: &[&str]| -> Vec<Listed> {
            names.iter().map(|name| Listed { name: (*name).to_owned(), bytes: 4 }).collect()
        };
        assert_eq!(
            listed(&shelf, "").await,
            of(&["checkpoint", "tile/0/000", "tile/0/x001/234.p/5", "tiles"])
        );
        assert_eq!(listed(&shelf, "tile").await, of(&["tile/0/000", "tile/0/x001/234.p/5"]));
        assert_eq!(listed(&shelf, "tile/0/x001").await, of(&["tile/0/x001/234.p/5"]));
        assert_eq!(listed(&shelf, "nowhere").await, []);
    });
}

#[test]
fn hostile_names_reach_no_disk_and_no_store() {
    let too_long = ["a".repeat(256), ["a"; 513].join("/")];
    let hostile = [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        ".",
        "./a",
        ".unfinished/x",
        "a/.b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a b",
        "C:x",
        "ä",
        "a%2e",
        "\u{202e}a",
        "a?versionId=1",
    ];
    on_both(async |shelf| {
        for name in hostile.into_iter().chain(too_long.iter().map(String::as_str)) {
            let none = Bytes::new;
            let spool = shelf.spool().await.unwrap();
            let listed = if name.is_empty() { None } else { shelf.list(name).next().await };
            let errors = [
                shelf.get(name).await.err(),
                shelf.read(name).await.err(),
                shelf.put(name, none()).await.err(),
                shelf.put_spooled(name, spool).await.err(),
                shelf.replace(name, none()).await.err(),
                shelf.replace_if(name, None, none()).await.err(),
                shelf.remove(name).await.err(),
                listed.map_or(Some(shelf.get("").await.unwrap_err()), Result::err),
            ];
            for error in errors {
                assert!(matches!(error, Some(ShelfError::Name { .. })), "{name:?}: {error:?}");
                let said = error.unwrap().to_string();
                assert!(!said.chars().any(char::is_control) && said.len() < 1200, "{said:?}");
            }
        }
        assert_eq!(listed(&shelf, "").await, []);
    });
}

#[test]
fn only_an_empty_place_becomes_a_shelf() {
    on_both(async |shelf| {
        shelf.create().await.unwrap();
        shelf.create().await.unwrap();
        shelf.put("one", Bytes::new()).await.unwrap();
        let error = shelf.create().await.unwrap_err();
        assert!(matches!(error, ShelfError::NotEmpty { .. }), "{error}");
    });
}

#[test]
fn what_is_too_big_for_one_piece_is_refused_both_ways() {
    on_both(async |shelf| {
        let bytes_max = usize::try_from(WHOLE_BYTES_MAX).unwrap();
        let too_big = Bytes::from(vec![0; bytes_max + 1]);
        let error = shelf.put("big", too_big.clone()).await.unwrap_err();
        assert!(matches!(error, ShelfError::TooBig { .. }), "{error}");
        put_spooled(&shelf, "big", &too_big).await.unwrap();
        let error = shelf.get("big").await.unwrap_err();
        assert!(matches!(error, ShelfError::TooBig { .. }), "{error}");
        assert!(!format!("{error:?}").contains("\0"));
        shelf.put("fits", too_big.slice(1..)).await.unwrap();
        assert_eq!(shelf.get("fits").await.unwrap().unwrap().len(), bytes_max);
    });
}

#[test]
fn an_address_is_a_path_or_a_store() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().display();
    fs::write(folder.path().join("one"), "1").unwrap();
    let none = BTreeMap::new();
    for place in [format!("{path}"), format!("{path}/"), format!("file://{path}")] {
        let shelf = Shelf::parse(&place, &none).unwrap();
        assert_eq!(run(shelf.get("one")).unwrap().unwrap(), "1");
        assert_eq!(shelf.to_string(), place);
    }
    for place in [
        "",
        "file://host/x",
        "file:///a%20b",
        "ftp://acme/x",
        "s3://",
        "s3://user:swordfish@acme",
        "s3://a/b//c",
    ] {
        let error = Shelf::parse(place, &none).unwrap_err();
        assert!(matches!(error, ShelfError::NotAPlace { .. }), "{place}: {error}");
        assert!(!format!("{error} {error:?}").contains("swordfish"));
    }
}
