//! `WebDataset` archives: what a group of files is read as, and what is written of it.

use lazaret_shard::{Codec, Fate, Fault, Format, Limits, Profile, Rows, ShardError};
use proptest::prelude::*;
use tar::{EntryType, Header};

use crate::world::{Owned, SMALL, profile, read, records, write};

const TAR: Format = Format::WebDataset(Codec::Plain);

/// Blocks of a file under a header that says what it is told.
fn file(name: &str, kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let padding = vec![0; (512 - bytes.len() % 512) % 512];
    [&header.as_bytes()[..], bytes, &padding].concat()
}

fn regular(name: &str, text: &str) -> Vec<u8> {
    file(name, EntryType::Regular, text.as_bytes())
}

fn archive(files: &[Vec<u8>]) -> Vec<u8> {
    [files.concat(), vec![0; 10240]].concat()
}

fn built_in() -> Profile {
    Profile::built_in("web-dataset").unwrap()
}

fn good() -> Vec<u8> {
    regular("good.txt", "good")
}

#[test]
fn files_of_one_stem_are_one_record() {
    let notes = "n".repeat(64);
    let shard = archive(&[
        file("train", EntryType::Directory, b""),
        regular("train/1.TXT", "first"),
        regular("train/1.json", "{\"source\":\"acme\",\"model\":\"m-1\"}"),
        regular("train/1.notes.md", &notes),
        regular("train/2.txt", "second"),
    ]);
    let chunks = read(TAR, &shard, &built_in(), SMALL).unwrap();
    let first = Owned {
        text: Some("first".to_owned()),
        id: Some("train/1".to_owned()),
        beside: Some(notes),
        generators: vec!["m-1".to_owned()],
        ..Owned::default()
    };
    let second =
        Owned { row: 1, text: Some("second".to_owned()), id: Some("train/2".to_owned()), ..Owned::default() };
    assert_eq!(records(&chunks), [first, second]);
    assert_eq!(write(TAR, &chunks, |_| Fate::Keep, |_| None).unwrap().0, shard);
}

#[test]
fn every_fault_of_a_group_is_named() {
    for (files, fault) in [
        (vec![regular("a.txt", "a"), regular("a.txt", "b")], Fault::DuplicateKey),
        (vec![regular("a.txt", "a"), regular("a.TXT", "b")], Fault::DuplicateKey),
        (vec![regular("a.txt", "a"), regular("a.json", "{\"x\":1,\"x\":2}")], Fault::DuplicateKey),
        (vec![regular("a.txt", "a"), regular("a.json", "{\"source\":")], Fault::Malformed),
        (vec![regular("a.txt", "a"), regular("a.json", "[]")], Fault::WrongType),
        (vec![regular("../a.txt", "a")], Fault::Malformed),
        (vec![regular("/a.txt", "a")], Fault::Malformed),
        (vec![regular("b/../a.txt", "a")], Fault::Malformed),
        (vec![file("a.txt", EntryType::Symlink, b"")], Fault::Malformed),
        (vec![file("a.txt", EntryType::Link, b"")], Fault::Malformed),
        (vec![file("a.txt", EntryType::Fifo, b"")], Fault::Malformed),
        (vec![file("a.txt", EntryType::Regular, b"\xff")], Fault::NotUtf8),
        (vec![regular("a.txt", "a"), file("a.jpg", EntryType::Regular, b"\xff\xd8")], Fault::NotUtf8),
        (vec![regular("a.md", "a")], Fault::MissingText),
        (vec![regular("a", "a")], Fault::MissingText),
        (vec![regular("a.txt", &"a".repeat(4001))], Fault::OverLimit),
        (vec![regular("a.txt", &"a".repeat(3000)), regular("a.md", &"a".repeat(3000))], Fault::OverLimit),
    ] {
        let shard = archive(&[good(), files.concat(), regular("last.txt", "good")]);
        let chunks = read(TAR, &shard, &built_in(), SMALL).unwrap();
        let faults: Vec<Option<Fault>> = records(&chunks).iter().map(|record| record.fault).collect();
        assert_eq!(faults, [None, Some(fault), None]);
    }
}

#[test]
fn a_damaged_archive_is_an_error() {
    let whole = archive(&[good(), regular("a.txt", "a")]);
    let mut flipped = whole.clone();
    flipped[1024 + 3] ^= 1;
    let with_tail = [whole.clone(), b"tail".to_vec()].concat();
    let hidden = [whole.clone(), good()].concat();
    let lone_zeros = [good(), vec![0; 512], good(), vec![0; 1024]].concat();
    let half_end = [good(), vec![0; 512]].concat();
    let lies = {
        let mut header = Header::new_ustar();
        header.set_path("a.txt").unwrap();
        header.set_entry_type(EntryType::Regular);
        header.set_size(1 << 33);
        header.set_cksum();
        [&header.as_bytes()[..], &[0; 2048]].concat()
    };
    for damaged in
        [flipped, with_tail, hidden, lone_zeros, half_end, lies, good(), Vec::new(), b"<html>".to_vec()]
    {
        let error = read(TAR, &damaged, &built_in(), SMALL).unwrap_err();
        assert!(matches!(error, ShardError::Archive { .. }), "{error}");
    }
}

#[test]
fn an_archive_cut_anywhere_before_its_end_is_an_error() {
    let whole = archive(&[good(), regular("a.txt", "a")]);
    for end in 0..whole.len() - 10240 + 1024 {
        assert!(read(TAR, &whole[..end], &built_in(), SMALL).is_err(), "cut after {end}");
    }
}

#[test]
fn long_names_and_headers_about_names_are_read_and_kept() {
    let long = format!("{}/1.txt", "d".repeat(120));
    let pax = |key: &str, value: &str| {
        let length = key.len() + value.len() + 3;
        let digits = if length + 2 < 100 { 2 } else { 3 };
        format!("{} {key}={value}\n", length + digits)
    };
    let shard = archive(&[
        file("g", EntryType::XGlobalHeader, pax("comment", "made up").as_bytes()),
        file("././@LongLink", EntryType::GNULongName, format!("{long}\0").as_bytes()),
        regular("cut.txt", "first"),
        file("x", EntryType::XHeader, pax("path", "named.txt").as_bytes()),
        regular("other.bin", "second"),
    ]);
    let chunks = read(TAR, &shard, &built_in(), SMALL).unwrap();
    let ids: Vec<Option<String>> = records(&chunks).into_iter().map(|record| record.id).collect();
    assert_eq!(ids, [Some(long.replace(".txt", "")), Some("named".to_owned())]);
    assert_eq!(write(TAR, &chunks, |_| Fate::Keep, |_| None).unwrap().0, shard);

    let named_all = archive(&[file("g", EntryType::XGlobalHeader, pax("path", "a").as_bytes()), good()]);
    assert!(read(TAR, &named_all, &built_in(), SMALL).is_err());
}

#[test]
fn a_text_is_replaced_as_a_file_and_within_json() {
    let files = [regular("a.txt", "old"), regular("b.txt", "bad"), regular("c.txt", "c")];
    let chunks = read(TAR, &archive(&files), &built_in(), SMALL).unwrap();
    let new = "new and longer ".repeat(50);
    let fate = |nth: usize| [Fate::Replace(&new), Fate::Drop, Fate::Keep][nth];
    let (written, count) = write(TAR, &chunks, fate, |_| None).unwrap();
    assert_eq!(written, archive(&[regular("a.txt", &new), regular("c.txt", "c")]));
    assert_eq!((count.records, count.rows), (2, 2));

    let json = profile("text = \"json.content\"\nid = \"__key__\"");
    let chunks = read(TAR, &archive(&[regular("a.json", "{ \"content\": \"old\" }")]), &json, SMALL).unwrap();
    let (written, _) = write(TAR, &chunks, |_| Fate::Replace("new"), |_| None).unwrap();
    assert_eq!(written, archive(&[regular("a.json", "{ \"content\": \"new\" }")]));
}

#[test]
fn what_was_not_kept_cannot_be_written() {
    let shard = archive(&[good(), regular("a.txt", &"a".repeat(1_000_000)), regular("b.txt", "b")]);
    let chunks = read(TAR, &shard, &built_in(), SMALL).unwrap();
    let longs = chunks.iter().flat_map(|chunk| match &chunk.rows {
        Rows::Entries(entries) => entries.iter().filter_map(|entry| entry.long).collect::<Vec<_>>(),
        Rows::Lines(_) | Rows::Columns(_) | _ => Vec::new(),
    });
    let digest = lazaret_core::Digest::of(&vec![b'a'; 1_000_000]);
    assert_eq!(longs.collect::<Vec<_>>(), [(1_000_000, digest)]);
    assert!(write(TAR, &chunks, |_| Fate::Keep, |_| None).is_err());
    let fate = |nth| if nth == 1 { Fate::Drop } else { Fate::Keep };
    assert_eq!(write(TAR, &chunks, fate, |_| None).unwrap().0, archive(&[good(), regular("b.txt", "b")]));
}

#[test]
fn a_column_that_the_first_record_lacks_is_an_error_of_the_shard() {
    let shard = archive(&[regular("a.py", "a")]);
    let error = read(TAR, &shard, &built_in(), SMALL).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the profile `web-dataset` names `txt`, which the shard does not have; it has `__key__`, `py`"
    );
}

#[test]
fn compressed_archives_are_read_and_written() {
    let chunks = read(TAR, &archive(&[good()]), &built_in(), SMALL).unwrap();
    let format = Format::of_name("part-0.tgz").unwrap();
    let (written, _) = write(format, &chunks, |_| Fate::Keep, |_| None).unwrap();
    let again = read(format, &written, &built_in(), SMALL).unwrap();
    assert_eq!(records(&again), records(&chunks));
}

proptest! {
    #[test]
    fn a_flipped_byte_is_an_error_or_written_as_it_stands(at in 0_usize..3000, byte in any::<u8>(), chunk_bytes in 1_usize..3000) {
        let mut shard = archive(&[good(), regular("a.txt", "a"), regular("a.json", "{\"source\":\"b\"}")]);
        shard[at] = byte;
        let limits = Limits { chunk_bytes, ..SMALL };
        if let Ok(chunks) = read(TAR, &shard, &built_in(), limits) {
            prop_assert_eq!(write(TAR, &chunks, |_| Fate::Keep, |_| None).unwrap().0, shard);
        }
    }
}
