//! JSON lines: what each line is read as, and what is written of it.

use std::io::Read;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lazaret_core::Digest;
use lazaret_shard::{Fate, Fault, Limits, Profile, Rows, ShardError, open_text};
use proptest::prelude::*;
use serde::Deserialize;

use crate::world::{Owned, PLAIN, SMALL, profile, read, records, write};

const COLUMNS: &str = r#"
    text = "text"
    id = "id"
    path = "metadata.path?"
    repository = ["repo_name?", "fork_name?"]
    generator = "metadata.model?"
"#;

const PATH_COLUMNS: &str = "text = \"text\"\nid = \"id\"\npath = \"path?\"\ngenerator = \"metadata.model?\"";

const GOOD: &str = "{\"text\":\"good\",\"id\":\"good\"}\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    line: Option<String>,
    bytes: Option<Vec<u8>>,
    fault: Option<String>,
    text: Option<String>,
    id: Option<String>,
    path: Option<String>,
    beside: Option<String>,
    #[serde(default)]
    repositories: Vec<String>,
}

/// Writes out `<A*N>`.
fn unfold(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let repeated = after.split_once('>').and_then(|(inner, behind)| {
            let (sign, count) = inner.rsplit_once('*')?;
            Some((sign.repeat(count.parse().ok()?), behind))
        });
        let (repeated, behind) = repeated.unwrap_or_else(|| ("<".to_owned(), after));
        out.push_str(&repeated);
        rest = behind;
    }
    out + rest
}

#[test]
fn every_line_is_read_as_its_case_says() {
    #[derive(Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }
    let cases: Cases = toml::from_str(include_str!("../cases/lines.toml")).unwrap();
    for case in cases.case {
        let line =
            case.line.map_or_else(|| case.bytes.unwrap_or_default(), |line| unfold(&line).into_bytes());
        let columns = if case.name.starts_with("an optional column") { PATH_COLUMNS } else { COLUMNS };
        let shard = [GOOD.as_bytes(), &line, b"\n", GOOD.as_bytes()].concat();
        let chunks = read(PLAIN, &shard, &profile(columns), SMALL).unwrap();
        let read = records(&chunks);
        let [before, record, after] = &read[..] else { panic!("{}: {} records", case.name, read.len()) };
        assert_eq!((before.row, record.row, after.row), (0, 1, 2), "{}", case.name);
        assert_eq!((&before.text, &after.text), (&after.text, &Some("good".to_owned())), "{}", case.name);
        assert_eq!(record.fault.map(Fault::as_str), case.fault.as_deref(), "{}", case.name);
        if case.fault.is_none() {
            let expected = Owned {
                row: 1,
                text: case.text,
                id: case.id,
                path: case.path,
                beside: case.beside.map(|beside| unfold(&beside)),
                repositories: case.repositories,
                ..Owned::default()
            };
            assert_eq!(*record, expected, "{}", case.name);
        }
    }
}

#[test]
fn the_grammar_is_held_to_the_letter() {
    let cases: toml::Table = include_str!("../cases/strict-json.toml").parse().unwrap();
    for (expected, values) in &cases {
        for value in values.as_array().unwrap() {
            let value = value.as_str().unwrap();
            let shard = format!("{GOOD}{{\"text\":\"t\",\"id\":\"1\",\"value\":{value}}}\n");
            let chunks = read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
            let fault = records(&chunks)[1].fault.map_or("read", Fault::as_str);
            assert_eq!(fault, expected, "{value:?}");
        }
    }
}

#[test]
fn a_column_that_the_first_record_lacks_is_an_error_of_the_shard() {
    for (line, columns) in [
        ("{\"id\":\"1\"}", Some("text")),
        ("{\"text\":\"a\"}", Some("id")),
        ("{\"content\":\"a\"}", Some("text, id")),
        ("{}", Some("text, id")),
        ("{\"text\":null,\"id\":null}", None),
        ("{\"text\":1,\"id\":1}", None),
        ("[]", None),
        ("oops", None),
    ] {
        // What cannot be read says nothing of columns, so that the next line is asked.
        let shard = format!("\noops\n[]\n{line}\n{GOOD}");
        match (read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL), columns) {
            (Ok(chunks), None) => assert_eq!(records(&chunks).len(), 4, "{line}"),
            (Err(ShardError::MissingColumns { missing, .. }), Some(columns)) => {
                assert_eq!(missing.join(", "), columns);
            }
            (other, _) => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn blank_lines_and_line_ends_are_kept_and_rows_counted_by_lines() {
    let shard = "\n \t\r\n{\"text\":\"a\",\"id\":1}\r\n\n\n{\"text\":\"b\",\"id\":2}";
    let chunks = read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let rows: Vec<u64> = records(&chunks).iter().map(|record| record.row).collect();
    assert_eq!(rows, [2, 5]);
    let (written, count) = write(PLAIN, &chunks, |_| Fate::Keep, |_| None).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), shard);
    assert_eq!((count.records, count.rows), (2, 2));
    let (written, count) = write(PLAIN, &chunks, |_| Fate::Drop, |_| None).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "\n \t\r\n\n\n");
    assert_eq!((count.records, count.rows), (0, 0));
}

#[test]
fn an_empty_file_has_no_chunks() {
    assert_eq!(read(PLAIN, b"", &profile(COLUMNS), SMALL).unwrap().len(), 0);
}

#[test]
fn only_the_text_is_replaced() {
    let shard =
        "{\"a\" : 1.0e2, \"text\" :  \"\\u0041 old\" , \"id\": \"1\" }\r\n{\"text\":\"b\",\"id\":2}\n";
    let chunks = read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let fate = |nth| if nth == 0 { Fate::Replace("n\u{e9}w\n\"x\"") } else { Fate::Drop };
    let (written, count) = write(PLAIN, &chunks, fate, |_| None).unwrap();
    let expected = "{\"a\" : 1.0e2, \"text\" :  \"n\u{e9}w\\n\\\"x\\\"\" , \"id\": \"1\" }\r\n";
    assert_eq!(String::from_utf8(written).unwrap(), expected);
    assert_eq!((count.records, count.rows), (1, 1));
}

#[test]
fn a_text_of_several_cannot_be_replaced() {
    let shard = "{\"messages\":[{\"content\":\"a\"},{\"content\":\"b\"}]}\n";
    let chunks = read(PLAIN, shard.as_bytes(), &Profile::built_in("chat").unwrap(), SMALL).unwrap();
    assert_eq!(records(&chunks)[0].text.as_deref(), Some("a\n\nb"));
    let error = write(PLAIN, &chunks, |_| Fate::Replace("c"), |_| None).unwrap_err();
    assert!(matches!(error, ShardError::DoesNotFit { .. }));
    assert_eq!(write(PLAIN, &chunks, |_| Fate::Keep, |_| None).unwrap().0, shard.as_bytes());
}

fn columns(name: &str, n_rows: usize) -> RecordBatch {
    let strings: ArrayRef = Arc::new(StringArray::from_iter((0..n_rows).map(|n| (n > 0).then_some("clean"))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..i64::try_from(n_rows).unwrap()));
    RecordBatch::try_from_iter_with_nullable([(name, strings, true), ("lz_number", numbers, false)]).unwrap()
}

#[test]
fn further_columns_stand_at_the_end_of_each_object() {
    let shard = "{\"text\":\"a\",\"id\":1}\n{\"text\":\"b\",\"id\":2 } \noops\n{}\n";
    let chunks = read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let (written, _) = write(PLAIN, &chunks, |_| Fate::Keep, |n| Some(columns("lz_verdict", n))).unwrap();
    insta::assert_snapshot!(String::from_utf8(written).unwrap(), @r#"
    {"text":"a","id":1,"lz_verdict":null,"lz_number":0}
    {"text":"b","id":2 ,"lz_verdict":"clean","lz_number":1} 
    oops
    {"lz_verdict":"clean","lz_number":3}
    "#);
}

#[test]
fn a_column_that_is_there_already_is_refused() {
    let chunks = read(PLAIN, GOOD.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let error = write(PLAIN, &chunks, |_| Fate::Keep, |n| Some(columns("text", n))).unwrap_err();
    let message = "the records cannot be written: the shard has the column `text` already; give another name";
    assert_eq!(error.to_string(), message);
}

#[test]
fn fates_that_do_not_fit_the_records_are_refused() {
    let chunks = read(PLAIN, GOOD.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let mut writer = lazaret_shard::create_text(PLAIN, Box::new(std::io::sink())).unwrap();
    assert!(writer.write(&chunks[0].rows, &[], None).is_err());
    assert!(writer.write(&chunks[0].rows, &[Fate::Keep, Fate::Keep], None).is_err());
}

/// A line of so many bytes that never lies in memory as a whole.
struct LongLine {
    head: &'static [u8],
    left: u64,
    tail: &'static [u8],
}

impl Read for LongLine {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(into);
        }
        if self.left == 0 {
            return self.tail.read(into);
        }
        let n = into.len().min(usize::try_from(self.left).unwrap());
        into[..n].fill(b'x');
        self.left -= n as u64;
        Ok(n)
    }
}

#[test]
fn a_line_of_300_megabytes_is_counted_and_not_kept() {
    let left = 300_000_000;
    let file = LongLine { head: b"{\"text\":\"", left, tail: b"\"}\n{\"text\":\"good\",\"id\":\"1\"}\n" };
    let limits = Limits { chunk_bytes: 1 << 16, row_bytes_max: 1 << 20 };
    let mut reader = open_text(PLAIN, Box::new(file), &profile(COLUMNS), limits).unwrap();
    let chunk = reader.next_chunk().unwrap().unwrap();
    assert!(reader.next_chunk().unwrap().is_none());
    let Rows::Lines(lines) = &chunk.rows else { panic!("no lines") };
    assert!(lines.bytes.capacity() < 4 << 20, "{} bytes were kept", lines.bytes.capacity());
    let [long] = &lines.long[..] else { panic!("{} long lines", lines.long.len()) };
    assert_eq!((long.record, long.offset, long.bytes), (0, 0, left + 12));
    let read = records(&[chunk]);
    assert_eq!(read[0].fault, Some(Fault::OverLimit));
    assert_eq!((read[1].row, read[1].text.as_deref()), (1, Some("good")));
}

#[test]
fn a_long_line_has_the_digest_of_its_bytes_and_cannot_be_kept() {
    for length in [3990, 4001, 300_000, 1_000_000] {
        let long = format!("{{\"text\":\"{}\"}}\r\n", "x".repeat(length));
        let shard = format!("{GOOD}{long}{GOOD}");
        let chunks = read(PLAIN, shard.as_bytes(), &profile(COLUMNS), SMALL).unwrap();
        let mut found = Vec::new();
        for chunk in &chunks {
            let Rows::Lines(lines) = &chunk.rows else { panic!("no lines") };
            found.extend(lines.long.iter().map(|long| (long.offset, long.bytes, long.sha256)));
        }
        assert_eq!(found, [(GOOD.len() as u64, long.len() as u64, Digest::of(long.as_bytes()))]);
        let error = write(PLAIN, &chunks, |_| Fate::Keep, |_| None).unwrap_err();
        assert!(matches!(error, ShardError::DoesNotFit { .. }));
        let keep = |nth| if nth == 1 { Fate::Drop } else { Fate::Keep };
        assert_eq!(write(PLAIN, &chunks, keep, |_| None).unwrap().0, format!("{GOOD}{GOOD}").as_bytes());
    }
}

/// Lines that are nearly records.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(GOOD.as_bytes().to_vec()),
        2 => Just(b"{\"text\":\"\\n\",\"id\":null,\"files\":[{\"text\":\"a\"},{\"text\":\"b\"}]}\r\n".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b" \t".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..30),
        1 => Just(vec![b'x'; 5000]),
    ];
    let head = Just(GOOD.as_bytes().to_vec());
    (head, proptest::collection::vec(piece, 0..60))
        .prop_map(|(head, pieces)| [head, pieces.concat()].concat())
}

proptest! {
    #[test]
    fn no_byte_is_lost_and_every_line_is_a_record(shard in soup()) {
        let chunks = read(PLAIN, &shard, &profile(COLUMNS), SMALL).unwrap();
        let is_blank = |line: &&[u8]| line.iter().all(|byte| b" \t\r".contains(byte));
        let n_lines = shard.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)).count();
        // A blank line that is over the limits is told as one.
        let n_long_blank = shard.split_inclusive(|b| *b == b'\n').filter(|line| line.len() > 4000 && is_blank(&&line[..line.len() - 1])).count();
        prop_assert_eq!(records(&chunks).len(), n_lines + n_long_blank);
        let mut again = Vec::new();
        let mut is_long = Vec::new();
        for chunk in &chunks {
            let Rows::Lines(lines) = &chunk.rows else { panic!("no lines") };
            let mut start = 0;
            for line in &lines.rows {
                if line.end == start {
                    let long = lines.long.iter().find(|long| long.offset == again.len() as u64).unwrap();
                    let bytes = &shard[again.len()..again.len() + usize::try_from(long.bytes).unwrap()];
                    prop_assert_eq!(Digest::of(bytes), long.sha256);
                    again.extend_from_slice(bytes);
                }
                again.extend_from_slice(&lines.bytes[start..line.end]);
                start = line.end;
            }
            prop_assert_eq!(start, lines.bytes.len());
            let first = is_long.len();
            is_long.resize(first + chunk.facts.len(), false);
            lines.long.iter().for_each(|long| is_long[first + long.record] = true);
        }
        prop_assert_eq!(&again, &shard);
        let keep = |nth: usize| if is_long[nth] { Fate::Drop } else { Fate::Keep };
        let (written, _) = write(PLAIN, &chunks, keep, |_| None).unwrap();
        if !is_long.contains(&true) {
            prop_assert_eq!(written, shard);
        }
    }

    #[test]
    fn the_size_of_chunks_changes_no_record(shard in soup(), chunk_bytes in 1_usize..2000) {
        let limits = Limits { chunk_bytes, ..SMALL };
        let some = read(PLAIN, &shard, &profile(COLUMNS), limits).unwrap();
        let one = read(PLAIN, &shard, &profile(COLUMNS), Limits { chunk_bytes: 1 << 20, ..SMALL }).unwrap();
        prop_assert_eq!(records(&some), records(&one));
    }
}
