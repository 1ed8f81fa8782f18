//! Dolma's side files, read in step with their documents and written beside them.

use std::io::Cursor;

use lazaret_shard::{
    AttributeReader, AttributeWriter, Attributes, Chunk, Codec, Fault, Judged, Limits, Profile, ShardError,
};

use crate::world::{PLAIN, Paper, SMALL, read, records};

const DOCUMENTS: &str = "{\"id\":\"a\",\"source\":\"acme\",\"text\":\"caf\u{e9} one\"}\n\
                         {\"id\":2,\"text\":\"two\"}\n\
                         oops\n\
                         {\"id\":\"c\",\"text\":\"three\"}\n";

fn documents(limits: Limits) -> Vec<Chunk> {
    read(PLAIN, DOCUMENTS.as_bytes(), &Profile::built_in("dolma").unwrap(), limits).unwrap()
}

fn in_step(side: &str, limits: Limits) -> Result<Vec<Option<Attributes>>, ShardError> {
    let file = Box::new(Cursor::new(side.as_bytes().to_vec()));
    let mut reader = AttributeReader::open("quality", Codec::Plain, file, limits)?;
    let mut rows = Vec::new();
    for chunk in documents(limits) {
        rows.extend(reader.next_rows(&chunk.facts)?);
    }
    reader.finish()?;
    Ok(rows)
}

const SIDE: &str = "{\"id\":\"a\",\"attributes\":{\"q\":[[0,1,0.5]]}}\n{\"id\":2,\"attributes\":{}}\n\
                    {\"id\":null,\"attributes\":{}}\n{\"id\":\"c\",\"attributes\":{\"r\":1}}\n";

#[test]
fn rows_are_read_in_step_whatever_the_chunks() {
    for chunk_bytes in [1, 60, 1 << 20] {
        let rows = in_step(SIDE, Limits { chunk_bytes, ..SMALL }).unwrap();
        let names: Vec<Option<Vec<&str>>> =
            rows.iter().map(|row| Some(row.as_ref()?.keys().map(String::as_str).collect())).collect();
        assert_eq!(names, [Some(vec!["q"]), Some(vec![]), None, Some(vec!["r"])]);
    }
}

#[test]
fn a_row_about_another_document_is_told() {
    for (from, to) in [
        ("\"c\"", "\"d\""),
        ("\"c\"", "null"),
        ("\"id\":\"c\",", ""),
        ("\"attributes\":{\"r\":1}", "\"attributes\":7"),
        ("{\"id\":\"c\"", "x"),
    ] {
        let rows = in_step(&SIDE.replace(from, to), SMALL).unwrap();
        let are_there: Vec<bool> = rows.iter().map(Option::is_some).collect();
        assert_eq!(are_there, [true, true, false, false], "{to}");
    }
    let chunks = documents(Limits::default());
    let marked = chunks[0].facts.with_fault(Fault::Misaligned, |nth| nth >= 2).unwrap();
    let mut faults = Vec::new();
    marked.for_each(|_, record| faults.push(record.fault));
    assert_eq!(faults, [None, None, Some(Fault::Malformed), Some(Fault::Misaligned)]);
}

#[test]
fn fewer_and_more_rows_than_documents_are_errors() {
    let fewer = SIDE.rsplit_once("{\"id\"").unwrap().0;
    let message = in_step(fewer, SMALL).unwrap_err().to_string();
    assert_eq!(
        message,
        "the attributes `quality` end before the documents do, after 3 rows; write them again from these documents"
    );
    let more = format!("{SIDE}{SIDE}");
    let error = in_step(&more, SMALL).unwrap_err();
    assert!(matches!(error, ShardError::Attributes { rows: 5, .. }), "{error}");
    assert!(in_step("", SMALL).is_err());
}

#[test]
fn a_side_file_has_a_positive_attribute_on_admitted_documents_alone() {
    let paper = Paper::default();
    let mut writer = AttributeWriter::create(Codec::Plain, Box::new(paper.clone())).unwrap();
    let spans = [3..5, 6..9];
    let admitted = Judged { admitted: true, tainted: &[] };
    let chunks = documents(Limits::default());
    // The third is no JSON: it is not admitted whatever is asked for.
    let judged = [
        admitted,
        Judged { admitted: false, tainted: &spans[..1] },
        admitted,
        Judged { admitted: true, tainted: &spans },
    ];
    writer.write(&chunks[0], &judged).unwrap();
    assert!(writer.write(&chunks[0], &judged[1..]).is_err());
    assert_eq!(writer.finish().unwrap(), 4);
    insta::assert_snapshot!(String::from_utf8(paper.bytes()).unwrap(), @r#"
    {"id":"a","source":"acme","attributes":{"lazaret__admit":[[0,8,1.0]],"lazaret__tainted":[]}}
    {"id":2,"attributes":{"lazaret__admit":[],"lazaret__tainted":[[3,3,1.0]]}}
    {"id":null,"attributes":{"lazaret__admit":[],"lazaret__tainted":[]}}
    {"id":"c","attributes":{"lazaret__admit":[[0,5,1.0]],"lazaret__tainted":[[3,5,1.0],[5,5,1.0]]}}
    "#);
    assert_eq!(records(&chunks)[2].fault, Some(Fault::Malformed));
}
