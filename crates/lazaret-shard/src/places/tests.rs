//! Places on this machine, and addresses.

use std::fs;
use std::io::Write as _;

use super::*;

fn nothing() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn place(path: &Path) -> Place {
    Place::parse(path.to_str().unwrap(), &nothing()).unwrap()
}

fn name(name: &str) -> ShardName {
    ShardName::new(name).unwrap()
}

/// Returns the names of all files in a folder, hidden ones too.
fn entries(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn names_stay_within_their_place() {
    for (bad, why) in [
        ("", "it is empty"),
        ("/etc/passwd", "it is absolute"),
        ("../one.jsonl", "it leads out of the place"),
        ("a/../../one.jsonl", "it leads out of the place"),
        ("a//b", "it has an empty part"),
        ("a/./b", "it has an empty part"),
        ("a/", "it has an empty part"),
        ("a\\b", "it has a backslash or a control character"),
        ("a\nb", "it has a backslash or a control character"),
    ] {
        let error = ShardName::new(bad).unwrap_err().to_string();
        assert!(error.ends_with(why), "{error}");
        assert!(!error.contains('\n'));
    }
    assert_eq!(name("data/0.parquet").beside("1.parquet").unwrap(), name("data/1.parquet"));
    assert_eq!(name("0.parquet").beside("1.parquet").unwrap(), name("1.parquet"));
}

#[test]
fn addresses_are_refused_without_being_repeated() {
    for text in [
        "",
        "s3://",
        "s3://user:swordfish@bucket/prefix",
        "s3://bucket:9000/prefix",
        "s3://bucket/../other",
        "ftp://bucket/swordfish",
        "gs:///prefix",
    ] {
        let error = Place::parse(text, &nothing()).unwrap_err().to_string();
        assert!(error.starts_with("the address names no place: "), "{error}");
        assert!(!error.contains("swordfish"), "{error}");
    }
}

#[cfg(feature = "object-stores")]
#[test]
fn every_store_is_known_and_another_bucket_cannot_slip_in() {
    let environment: BTreeMap<String, String> = [
        ("AWS_BUCKET", "other"),
        ("BUCKET", "other"),
        ("AWS_REGION", "here-1"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "acme"),
        ("GOOGLE_SKIP_SIGNATURE", "true"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    for address in ["s3://acme/data", "gs://acme/data", "az://acme/data"] {
        let place = Place::parse(address, &environment).unwrap();
        assert_eq!(place.to_string(), address);
        let Kind::Store(store) = place.kind else { panic!("{address} is no store") };
        let shown = format!("{store:?}");
        assert!(shown.contains("acme") && !shown.contains("other"), "{shown}");
    }
}

#[cfg(feature = "object-stores")]
#[test]
fn a_wrong_setting_is_an_error_that_does_not_quote_it() {
    let environment = [("GOOGLE_SERVICE_ACCOUNT_KEY".to_owned(), "{\"swordfish\":".to_owned())].into();
    let error = Place::parse("gs://acme/data", &environment).unwrap_err();
    let expected = "`gs://acme` cannot be opened: the environment variables `GOOGLE_…` do not make a whole \
                    configuration";
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("swordfish"));
}

#[cfg(not(feature = "object-stores"))]
#[test]
fn a_store_that_is_not_built_in_is_said_to_be_so() {
    let error = Place::parse("s3://acme/data", &nothing()).unwrap_err().to_string();
    assert!(error.contains("built without object stores"), "{error}");
}

#[test]
fn nothing_is_there_before_the_commit_and_all_of_it_after() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let shard = name("data/0.jsonl");
    let mut pending = place.create(&shard, IfThere::Refuse).unwrap();
    pending.write_all(b"one\n").unwrap();
    let mut out = pending.out().unwrap();
    out.write_all(b"two\n").unwrap();
    assert!(!folder.path().join("data/0.jsonl").exists());
    // An unfinished file is hidden: a listing shows it, and no layout takes it for a shard.
    assert_eq!(entries(&folder.path().join("data")), [".0.jsonl.unfinished"]);
    pending.commit().unwrap();
    assert_eq!(entries(&folder.path().join("data")), ["0.jsonl"]);
    assert_eq!(fs::read(place.open(&shard).unwrap().path()).unwrap(), b"one\ntwo\n");
}

#[test]
fn what_is_not_committed_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut pending = place(folder.path()).create(&name("0.jsonl"), IfThere::Refuse).unwrap();
    pending.write_all(b"half").unwrap();
    drop(pending);
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[test]
fn a_file_of_a_killed_run_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".0.jsonl.unfinished"), "much longer than what follows").unwrap();
    let mut pending = place(folder.path()).create(&name("0.jsonl"), IfThere::Refuse).unwrap();
    pending.write_all(b"whole").unwrap();
    pending.commit().unwrap();
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"whole");
    assert_eq!(entries(folder.path()), ["0.jsonl"]);
}

#[test]
fn a_whole_file_is_not_cut_off_under_its_unfinished_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0.jsonl"), "whole").unwrap();
    fs::hard_link(folder.path().join("0.jsonl"), folder.path().join(".0.jsonl.unfinished")).unwrap();
    let pending = place(folder.path()).create(&name("0.jsonl"), IfThere::Replace).unwrap();
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"whole");
    drop(pending);
    assert_eq!(entries(folder.path()), ["0.jsonl"]);
}

#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    fs::write(&other, "what somebody else keeps").unwrap();
    std::os::unix::fs::symlink(&other, folder.path().join(".0.jsonl.unfinished")).unwrap();
    let error = place(folder.path()).create(&name("0.jsonl"), IfThere::Replace).unwrap_err();
    assert!(matches!(error, PlaceError::Busy { .. }), "{error}");
    assert_eq!(fs::read(&other).unwrap(), b"what somebody else keeps");
}

#[test]
fn two_runs_do_not_write_one_file_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let shard = name("0.jsonl");
    let mut first = place.create(&shard, IfThere::Replace).unwrap();
    first.write_all(b"first").unwrap();
    let busy = place.create(&shard, IfThere::Replace).unwrap_err();
    assert!(matches!(busy, PlaceError::Busy { .. }), "{busy}");
    // What was begun is whole, and another hold on the file keeps others away from it no longer than it must.
    let out = first.out().unwrap();
    first.commit().unwrap();
    let mut second = place.create(&shard, IfThere::Replace).unwrap();
    drop(out);
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"first");
    second.write_all(b"second").unwrap();
    second.commit().unwrap();
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"second");
    assert_eq!(entries(folder.path()), ["0.jsonl"]);
}

#[test]
fn whoever_comes_first_writes_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = |writer: u32, round: u32| format!("{writer} {round}\n").repeat(2000);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = place(folder.path());
            scope.spawn(move || {
                for round in 0..12 {
                    let mut pending = match place.create(&name("0.jsonl"), IfThere::Replace) {
                        Err(PlaceError::Busy { .. }) => continue,
                        pending => pending.unwrap(),
                    };
                    for part in text(writer, round).as_bytes().chunks(997) {
                        pending.write_all(part).unwrap();
                    }
                    // Some give up, and take nothing away from the others.
                    if round % 3 > 0 {
                        pending.commit().unwrap();
                    }
                }
            });
        }
        for _ in 0..200 {
            let Ok(found) = fs::read_to_string(folder.path().join("0.jsonl")) else { continue };
            let mut words = found.split_whitespace().map(|word| word.parse().unwrap());
            assert_eq!(found, text(words.next().unwrap(), words.next().unwrap()));
        }
    });
    assert_eq!(entries(folder.path()), ["0.jsonl"]);
}

#[test]
fn a_shard_is_written_once_unless_it_is_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    let shard = name("0.jsonl");
    // Both see no file; the first that is whole stays.
    let pending = place.create(&shard, IfThere::Refuse).unwrap();
    fs::write(folder.path().join("0.jsonl"), "first").unwrap();
    let error = pending.commit().unwrap_err();
    assert!(matches!(error, PlaceError::Exists { .. }), "{error}");
    assert!(matches!(place.create(&shard, IfThere::Refuse).unwrap_err(), PlaceError::Exists { .. }));
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"first");
    let mut pending = place.create(&shard, IfThere::Replace).unwrap();
    pending.write_all(b"second").unwrap();
    pending.commit().unwrap();
    assert_eq!(fs::read(folder.path().join("0.jsonl")).unwrap(), b"second");
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = place(folder.path()).open(&name("0.jsonl")).unwrap_err();
    assert!(matches!(missing, PlaceError::NotFound { .. }), "{missing}");
    let missing = place(&folder.path().join("nowhere")).list().unwrap_err();
    assert!(matches!(missing, PlaceError::NotFound { .. }), "{missing}");
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[track_caller]
    fn refused(target: &str, why: &str) {
        let world = tempfile::tempdir().unwrap();
        let root = world.path().join("set");
        fs::create_dir_all(root.join("data")).unwrap();
        fs::write(world.path().join("outside.jsonl"), "a key").unwrap();
        symlink(target, root.join("link.jsonl")).unwrap();
        for error in [
            place(&root).list().map(|_| ()).unwrap_err(),
            place(&root).open(&name("link.jsonl")).map(|_| ()).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains(why) || error.ends_with("is not there"), "{error}");
        }
        let error = place(&root).list().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn links_out_of_the_folder_are_refused() {
        refused("../outside.jsonl", "leads out of the folder");
        refused("/etc/hostname", "leads out of the folder");
        refused("link.jsonl", "leads nowhere, or in a circle");
        refused("nothing.jsonl", "leads nowhere, or in a circle");
        refused("data", "leads to a folder");
        refused(".", "leads to a folder");
    }

    #[test]
    fn links_within_the_folder_and_into_the_cache_are_followed() {
        let world = tempfile::tempdir().unwrap();
        let snapshot = world.path().join("snapshots/0123");
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir_all(world.path().join("blobs")).unwrap();
        fs::write(world.path().join("blobs/abcd"), "{}\n").unwrap();
        symlink("../../blobs/abcd", snapshot.join("one.jsonl")).unwrap();
        symlink("one.jsonl", snapshot.join("two.jsonl")).unwrap();
        let listing = place(&snapshot).list().unwrap();
        assert_eq!(listing.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(fs::read(place(&snapshot).open(&name("two.jsonl")).unwrap().path()).unwrap(), b"{}\n");
    }

    #[test]
    fn a_link_that_the_user_names_is_followed() {
        let world = tempfile::tempdir().unwrap();
        fs::write(world.path().join("real.jsonl"), "{}").unwrap();
        fs::create_dir(world.path().join("set")).unwrap();
        symlink("../real.jsonl", world.path().join("set/link.jsonl")).unwrap();
        let place = place(&world.path().join("set/link.jsonl"));
        let shard = place.list().unwrap().files[0].name.clone();
        assert_eq!(fs::read(place.open(&shard).unwrap().path()).unwrap(), b"{}");
    }
}
