//! Tests of descriptions of data sets: how they read, and what is refused.

use super::context::TERMS;
use super::*;

fn data_set() -> DataSet {
    DataSet {
        name: "acme-posts".to_owned(),
        description: "Posts by people of Acme, admitted for training.".to_owned(),
        version: "1.0.0".to_owned(),
        license: Some("https://acme.example/licence".to_owned()),
        url: None,
        files: vec![DataSetFile {
            name: "data/part-0001.jsonl".to_owned(),
            sha256: Digest::of(b"shard"),
            bytes: 700,
            encoding: "application/jsonlines".to_owned(),
        }],
        columns: vec![
            Column { name: "text".to_owned(), kind: ColumnType::Text, is_repeated: false },
            Column { name: "tags".to_owned(), kind: ColumnType::Text, is_repeated: true },
        ],
        derivation: Derivation {
            inputs: vec![NamedDigest { name: "posts.jsonl".to_owned(), digest: Digest::of(b"in") }],
            policy: NamedDigest { name: "policy:acme-training".to_owned(), digest: Digest::of(b"policy") },
            catalog: Digest::of(b"catalog"),
            program: Program {
                verifier: "https://acme.example/gate".to_owned(),
                version: "0.1.0".to_owned(),
            },
            time: "2026-11-22T12:00:00Z".parse().unwrap(),
        },
    }
}

#[test]
fn a_description_reads_like_this() {
    let page = String::from_utf8(data_set().to_json().unwrap()).unwrap();
    let (context, rest) = page.split_once("  \"@type\": \"sc:Dataset\",\n").unwrap();
    assert_eq!(context.matches(": ").count(), 1 + TERMS.len() + 8, "{context}");
    insta::assert_snapshot!(rest);
}

#[test]
fn columns_that_are_not_known_are_not_described() {
    let set = DataSet { columns: Vec::new(), license: None, ..data_set() };
    let value: serde_json::Value = serde_json::from_slice(&set.to_json().unwrap()).unwrap();
    assert_eq!(value["distribution"].as_array().unwrap().len(), 1);
    for absent in ["recordSet", "license", "url"] {
        assert!(value.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn a_file_stands_for_itself_alone() {
    assert_eq!(literal("data/part-[1]*?.jsonl"), "data/part-[[]1][*][?].jsonl");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let mut set = data_set();
    set.files[0].name = "../part.jsonl".to_owned();
    assert_eq!(set.to_json(), Err(NameError::Path { what: "the name of a file" }));
    let set = DataSet { license: Some("free".to_owned()), ..data_set() };
    assert_eq!(set.to_json(), Err(NameError::Uri { what: "the licence" }));
}

#[test]
fn no_term_stands_twice() {
    let mut names: Vec<&str> = TERMS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TERMS.len());
}
