//! What collecting says, and how it ends where logs could not be read.

use std::fs;

use crate::environment::TestEnvironment;

/// A log of Claude Code, in which one file is written.
pub(crate) fn log() -> String {
    let text: String = (0..30)
        .map(|nth| format!("    let anchor_{nth} = ballast.capstan(davit_{nth}, ensign) + fathom_{nth};\\n"))
        .collect();
    let call = format!(
        r#"{{"type":"assistant","uuid":"a-1","sessionId":"s-1","version":"2.1.37","cwd":"/home/ada/quay","timestamp":"2026-02-09T19:29:12.955Z","message":{{"model":"claude-opus-4-6","role":"assistant","content":[{{"type":"tool_use","id":"t-1","name":"Write","input":{{"file_path":"/home/ada/quay/src/gate.rs","content":"{text}"}}}}]}}}}"#
    );
    let result = format!(
        r#"{{"type":"user","uuid":"u-1","sessionId":"s-1","timestamp":"2026-02-09T19:29:13.955Z","toolUseResult":{{"type":"create","filePath":"/home/ada/quay/src/gate.rs","content":"{text}","structuredPatch":[],"originalFile":null}},"message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t-1","content":"written"}}]}}}}"#
    );
    format!("{call}\n{result}\n")
}

#[test]
fn logs_that_are_all_read_are_success() {
    let world = TestEnvironment::new();
    let log = world.file("session.jsonl", &log());
    let index = world.scratch("known");
    let run = world.run(&["collect", &log, "--index", index.to_str().unwrap()]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.contains("1 log read: 30 lines of 1 session"), "{}", run.stdout);
    assert_eq!(fs::read_dir(&index).unwrap().count(), 1);
}

#[test]
fn what_could_be_read_is_kept_and_the_rest_is_no_success() {
    let world = TestEnvironment::new();
    let folder = world.scratch("exported");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("session.jsonl"), log()).unwrap();
    fs::write(folder.join("other.log"), "a log of nobody's\n").unwrap();
    let index = world.scratch("known");
    let arguments = ["collect", folder.to_str().unwrap(), "--index", index.to_str().unwrap()];
    for quiet in [false, true] {
        let run = world.run(&[&arguments[..], if quiet { &["--quiet"] } else { &[] }].concat());
        assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
        assert_eq!(fs::read_dir(&index).unwrap().count(), 1, "what was read is there");
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.stderr, @"
            warning: $SCRATCH/exported/other.log: `other` is not a session log of a known format; leave it out, or look whether a newer version reads it
            error: 1 log or folder could not be read
            hint: the others are collected; what agents wrote in these is not in the index, so mend them and collect again
            ");
        }
    }
}

#[test]
fn with_nothing_read_the_failure_is_told_and_not_that_there_was_nothing() {
    let world = TestEnvironment::new();
    let log = world.file("session.jsonl", "a log of nobody's\n");
    let index = world.scratch("known");
    let run = world.run(&["collect", &log, "--index", index.to_str().unwrap()]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    let empty = world.scratch("empty");
    fs::create_dir(&empty).unwrap();
    let run = world.run(&["collect", empty.to_str().unwrap(), "--index", index.to_str().unwrap()]);
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
}
