//! Tests of lineage events: how they read, and that nothing in them is random.

use super::*;

fn report(stage: RunStage) -> RunReport {
    RunReport {
        time: "2026-11-22T12:00:00Z".parse().unwrap(),
        stage,
        job: ("acme-data".to_owned(), "gate posts".to_owned()),
        identity: Digest::of(b"run"),
        program: Program { verifier: "https://acme.example/gate".to_owned(), version: "0.1.0".to_owned() },
        inputs: vec![ShardRead {
            namespace: "file".to_owned(),
            name: "posts.jsonl".to_owned(),
            sha256: Some(Digest::of(b"in")),
            bytes: Some(1000),
            records: Some(RecordCounts::new(10, 7, 2, 1).unwrap()),
        }],
        outputs: vec![ShardWritten {
            namespace: "file".to_owned(),
            name: "admitted/posts.jsonl".to_owned(),
            sha256: Digest::of(b"out"),
            bytes: 700,
            records: 7,
        }],
    }
}

/// The event as people read it.
fn page(report: &RunReport) -> String {
    String::from_utf8(json::to_page(&report.event())).unwrap()
}

#[test]
fn an_event_is_one_line() {
    let line = report(RunStage::Complete).to_json().unwrap();
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
    let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(value["eventType"], "COMPLETE");
}

#[test]
fn a_complete_run_reads_like_this() {
    insta::assert_snapshot!(page(&report(RunStage::Complete)));
}

#[test]
fn a_failed_run_says_why_and_counts_nothing_it_does_not_know() {
    let mut report = report(RunStage::Fail("the shard is cut off".to_owned()));
    report.outputs.clear();
    for input in &mut report.inputs {
        (input.sha256, input.bytes, input.records) = (None, None, None);
    }
    insta::assert_snapshot!(page(&report), @r#"
    {
      "eventTime": "2026-11-22T12:00:00Z",
      "eventType": "FAIL",
      "run": {
        "runId": "acba2551-2100-880b-96fc-3ccd14c65be5",
        "facets": {
          "processing_engine": {
            "_producer": "https://acme.example/gate",
            "_schemaURL": "https://openlineage.io/spec/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
            "name": "lazaret",
            "version": "0.1.0"
          },
          "errorMessage": {
            "_producer": "https://acme.example/gate",
            "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
            "message": "the shard is cut off",
            "programmingLanguage": "Rust"
          }
        }
      },
      "job": {
        "namespace": "acme-data",
        "name": "gate posts"
      },
      "inputs": [
        {
          "namespace": "file",
          "name": "posts.jsonl",
          "facets": {},
          "inputFacets": {}
        }
      ],
      "outputs": [],
      "producer": "https://acme.example/gate",
      "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    }
    "#);
}

#[test]
fn the_same_run_has_the_same_id() {
    let id = run_id(&Digest::of(b"run"));
    assert_eq!(id, run_id(&Digest::of(b"run")));
    assert_ne!(id, run_id(&Digest::of(b"ran")));
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!(id.as_bytes()[14], b'8', "{id}");
    assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
}

#[test]
fn a_failure_is_told_whatever_its_message() {
    let line = report(RunStage::Fail("\u{1b}[31m\n".repeat(1000))).to_json().unwrap();
    let event: serde_json::Value = serde_json::from_slice(&line).unwrap();
    let message = event["run"]["facets"]["errorMessage"]["message"].as_str().unwrap();
    assert!(message.starts_with("\\u{1b}[31m\\u{a}"), "{message}");
}

#[test]
fn names_that_steer_a_terminal_are_refused() {
    let mut bad = report(RunStage::Complete);
    bad.inputs[0].name = "a\nb".to_owned();
    assert_eq!(bad.to_json(), Err(NameError::Character { what: "the name of a shard" }));
}

#[test]
fn the_beginning_and_the_end_are_of_one_run() {
    let of =
        |stage| -> serde_json::Value { serde_json::from_slice(&report(stage).to_json().unwrap()).unwrap() };
    let (start, end) = (of(RunStage::Start), of(RunStage::Complete));
    assert_eq!((start["eventType"].as_str(), end["eventType"].as_str()), (Some("START"), Some("COMPLETE")));
    assert_eq!(start["run"], end["run"]);
    assert_eq!(start["job"], end["job"]);
}
