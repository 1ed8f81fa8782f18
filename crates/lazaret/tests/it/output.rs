//! Where data goes: files appear whole or not at all, and a reader may hang up.

use std::io::Read as _;
use std::process::Stdio;

use crate::environment::TestEnvironment;

#[test]
fn a_file_holds_what_standard_output_would() {
    let world = TestEnvironment::with_history();
    let path = world.scratch("report.json");
    let run = world.run(&["scan", ".", "--no-cache", "--format", "json", "--output", path.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (10, ""));
    let printed = world.command(&["scan", ".", "--no-cache", "--format", "json"]).output().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), printed.stdout);
}

#[test]
fn a_failed_run_leaves_the_old_file_and_no_half_file() {
    let world = TestEnvironment::with_history();
    let folder = world.scratch("reports");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("report.json");
    std::fs::write(&path, "the last good one").unwrap();
    let run = world.run(&["scan", "/nowhere/at/all", "--format", "json", "--output", path.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the last good one");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure_that_names_it() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["scan", ".", "--no-cache", "--output", "/nowhere/report.txt"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.stderr, @"
    error: cannot write `/nowhere/report.txt`: No such file or directory (os error 2)
    hint: name a file in a folder that exists
    ");
}

#[test]
fn a_reader_that_hangs_up_changes_nothing_but_the_output() {
    let world = TestEnvironment::with_history();
    let mut child = world
        .command(&["scan", ".", "--no-cache", "--format", "html"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(10));
    assert_eq!(said, "");
}
