//! Rows that hold several records.

use lazaret_shard::{Fate, Fault, Limits, Profile};
use proptest::prelude::*;

use crate::world::{Owned, PLAIN, SMALL, profile, read, records, write};

const COLUMNS: &str = r#"
    records = "files"
    ---
    text = "content"
    path = "path?"
    repository = ["/repo", "origin?"]
    generator = "/tool?"
"#;

fn files(row: &str) -> Vec<Owned> {
    records(&read(PLAIN, row.as_bytes(), &profile(COLUMNS), SMALL).unwrap())
}

#[test]
fn each_element_is_a_record_with_what_its_row_says() {
    let long = "z".repeat(64);
    let row = format!(
        "{{\"files\":[{{\"content\":\"a\",\"path\":\"p\"}},{{\"content\":\"b\",\"origin\":\"o/o\",\"x\":\"y\\n\"}}],\
         \"repo\":\"acme/tool\",\"about\":\"{long}\"}}\n"
    );
    let read = files(&row);
    let first = Owned {
        element: Some(0),
        text: Some("a".to_owned()),
        path: Some("p".to_owned()),
        beside: Some(long.clone()),
        repositories: vec!["acme/tool".to_owned()],
        ..Owned::default()
    };
    let second = Owned {
        element: Some(1),
        text: Some("b".to_owned()),
        beside: Some(format!("y\n\n\n\u{1e}\n\n{long}")),
        repositories: vec!["o/o".to_owned(), "acme/tool".to_owned()],
        ..Owned::default()
    };
    assert_eq!(read, [first, second]);
}

#[test]
fn faults_stay_with_their_element_unless_the_row_has_one() {
    let good = "{\"repo\":\"r\",\"files\":[{\"content\":\"a\"}]}\n";
    for (row, faults) in [
        (
            "{\"repo\":\"r\",\"files\":[{\"content\":\"a\"},{\"content\":null},{\"content\":1},7,{\"content\":\"b\",\"content\":\"c\"}]}",
            &[
                None,
                Some(Fault::MissingText),
                Some(Fault::WrongType),
                Some(Fault::NotAnObject),
                Some(Fault::DuplicateKey),
            ][..],
        ),
        ("{\"files\":[{\"content\":\"a\"},{\"content\":\"b\"}]}", &[Some(Fault::MissingColumn); 2]),
        ("{\"repo\":\"r\",\"files\":[]}", &[Some(Fault::MissingText)]),
        ("{\"repo\":\"r\",\"files\":null}", &[Some(Fault::MissingText)]),
        ("{\"repo\":\"r\"}", &[Some(Fault::MissingText)]),
        ("{\"repo\":\"r\",\"files\":{\"content\":\"a\"}}", &[Some(Fault::WrongType)]),
        (
            "{\"repo\":\"r\",\"files\":[{\"content\":\"a\"}],\"files\":[{\"content\":\"b\"}]}",
            &[Some(Fault::DuplicateKey)],
        ),
        ("{\"repo\":{},\"files\":[{\"content\":\"a\"}]}", &[Some(Fault::WrongType)]),
        ("{\"repo\":\"r\",\"files\":[{\"content\":\"a\"},]}", &[Some(Fault::Malformed)]),
        ("[{\"content\":\"a\"}]", &[Some(Fault::NotAnObject)]),
    ] {
        let read = files(&format!("{good}{row}\n"));
        let found: Vec<Option<Fault>> = read[1..].iter().map(|record| record.fault).collect();
        assert_eq!(found, faults, "{row}");
    }
}

#[test]
fn what_a_row_says_is_not_repeated_without_bound() {
    let elements = vec!["{\"content\":\"a\"}"; 60].join(",");
    let row = format!("{{\"repo\":\"r\",\"files\":[{elements}],\"about\":\"{}\"}}\n", "z".repeat(100));
    assert!(row.len() < SMALL.row_bytes_max);
    let read = files(&row);
    assert_eq!(read.len(), 60);
    assert!(read.iter().all(|record| record.fault == Some(Fault::OverLimit) && record.beside.is_none()));
}

#[test]
fn a_row_of_too_many_records_is_over_the_limits() {
    let row = format!("{{\"repo\":\"r\",\"files\":[{{}}{}]}}\n", ",{}".repeat(1 << 18));
    let limits = Limits { row_bytes_max: 64 << 20, ..SMALL };
    let read = records(&read(PLAIN, row.as_bytes(), &profile(COLUMNS), limits).unwrap());
    assert_eq!(read.iter().map(|record| record.fault).collect::<Vec<_>>(), [Some(Fault::OverLimit)]);
}

/// A row whose elements are the numbers, with white space that has to stay where it is.
fn row(texts: &[usize]) -> String {
    let elements: Vec<String> = texts.iter().map(|n| format!("{{ \"content\":\"{n}\" }}")).collect();
    format!(" {{\"repo\":\"r\", \"files\" : [ {} ] , \"x\":[1] }}\r\n", elements.join(" ,  "))
}

proptest! {
    #[test]
    fn what_is_kept_of_a_row_is_what_it_would_have_been(fates in proptest::collection::vec(any::<bool>(), 1..8)) {
        let all: Vec<usize> = (0..fates.len()).collect();
        let chunks = read(PLAIN, row(&all).as_bytes(), &profile(COLUMNS), SMALL).unwrap();
        let fate = |nth: usize| if fates[nth] { Fate::Keep } else { Fate::Drop };
        let (written, count) = write(PLAIN, &chunks, fate, |_| None).unwrap();
        let kept: Vec<usize> = all.into_iter().filter(|nth| fates[*nth]).collect();
        let expected = if kept.is_empty() { String::new() } else { row(&kept) };
        prop_assert_eq!(String::from_utf8(written).unwrap(), expected);
        prop_assert_eq!(count.records, kept.len() as u64);
        prop_assert_eq!(count.rows, u64::from(!kept.is_empty()));
    }
}

#[test]
fn an_element_is_replaced_where_it_stands() {
    let chunks = read(PLAIN, row(&[1, 2, 3]).as_bytes(), &profile(COLUMNS), SMALL).unwrap();
    let fate = |nth| [Fate::Drop, Fate::Replace("new"), Fate::Keep][nth];
    let (written, _) = write(PLAIN, &chunks, fate, |_| None).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), row(&[2, 3]).replace("\"2\"", "\"new\""));
}

#[test]
fn the_third_stack_is_read_by_its_profile() {
    let row = "{\"repo_path\":\"acme/tool\",\"commit_id\":\"c0ffee\",\"files\":[{\"file_path\":\"a.py\",\"content\":\"x = 1\"}]}\n";
    let read =
        records(&read(PLAIN, row.as_bytes(), &Profile::built_in("the-stack-v3").unwrap(), SMALL).unwrap());
    assert_eq!(
        (read[0].path.as_deref(), &read[0].repositories[..]),
        (Some("a.py"), &["acme/tool".to_owned()][..])
    );
}
