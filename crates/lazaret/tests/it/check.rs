//! `lazaret check`, as hooks and CI run it.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::{Run, TestEnvironment};

const TRAILER: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

fn with_input(world: &TestEnvironment, args: &[&str], input: &str) -> Run {
    let mut command = world.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    world.ended(child.wait_with_output().unwrap())
}

#[test]
fn a_tainted_commit_of_a_range_is_refused_with_a_way_out() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["check", "--range", "HEAD~1..HEAD"]);
    assert_eq!((run.code, run.stderr.as_str()), (10, ""));
    assert_snapshot!(run.stdout, @"
    tainted  commit 82412f6a3535
             claude-code (co-author, declared): a trailer `co-authored-by` that
             names a machine identity (mark claude-code-address)
    refused: 1 tainted, in 1 commit and 2 files
    to pass: have people rewrite it without the tool, remove it, or ask the policy's
             owner about `ban` and `approve.tools`
    ");
}

#[test]
fn programs_read_the_same_findings() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["check", "--range", "HEAD~1..HEAD", "--format", "json"]);
    assert_eq!(run.code, 10);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["format"], "lazaret.check/1");
    assert_eq!(report["findings"][0]["claims"][0]["tool"], "claude-code");
    let run = world.run(&["check", "--range", "HEAD~1..HEAD", "--format", "sarif"]);
    assert_eq!(run.code, 10);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "commit-trailer");
}

#[test]
fn a_change_without_marks_passes_and_is_not_called_clean() {
    let world = TestEnvironment::with_history();
    world.repo.write("a.txt", "a line\n");
    world.repo.git(&["add", "a.txt"]);
    let run = world.run(&["check"]);
    assert_eq!(run.code, 0);
    assert_snapshot!(run.stdout, @"passed: no mark found, which proves nothing, in 1 file");
    let run = world.run(&["check", "--staged", "--fail-on", "unproven"]);
    assert_eq!(run.code, 11);
    assert!(run.stdout.contains("to pass: "), "{}", run.stdout);
}

#[test]
fn a_message_that_is_being_written_is_judged_with_what_is_staged() {
    let world = TestEnvironment::with_history();
    let message = world.file("COMMIT_EDITMSG", &format!("Mend it\n\n{TRAILER}\n# a comment\n"));
    assert_eq!(world.run(&["check", "--message", &message]).code, 10);
    let message = world.file("COMMIT_EDITMSG", &format!("Mend it\n\n# {TRAILER}\n"));
    assert_eq!(world.run(&["check", "--message", &message]).code, 0);
}

#[test]
fn an_empty_change_is_not_success() {
    let world = TestEnvironment::with_history();
    for args in [&["check"][..], &["check", "--range", "HEAD..HEAD"]] {
        let run = world.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}");
        assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    }
    assert_eq!(with_input(&world, &["check", "--pre-receive"], "").code, 3);
}

#[test]
fn a_push_is_refused_as_a_whole_and_a_deletion_passes() {
    let world = TestEnvironment::with_history();
    let (old, new) = (world.repo.id("HEAD~1"), world.repo.id("HEAD"));
    world.repo.git(&["update-ref", "HEAD", &old.to_string()]);
    let none = "0".repeat(40);
    let push = |lines: &str| with_input(&world, &["check", "--pre-receive"], lines).code;
    assert_eq!(push(&format!("{old} {new} refs/heads/main\n")), 10);
    assert_eq!(push(&format!("{none} {new} refs/heads/new\n")), 10);
    assert_eq!(push(&format!("{old} {none} refs/heads/main\n")), 0);
    assert_eq!(push(&format!("{none} {old} refs/heads/same\n")), 0);
    assert_eq!(push("nonsense\n"), 1);
    // What cannot be read was not checked, and a door that opens then is no door.
    assert_eq!(push(&format!("{none} {} refs/heads/lost\n", "1".repeat(40))), 1);
}

#[test]
fn a_server_refuses_a_real_push_through_its_hook() {
    let world = TestEnvironment::with_history();
    let server = TestEnvironment::new();
    server.repo.git(&["config", "receive.denyCurrentBranch", "ignore"]);
    let hook = server.repo.git_dir().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let script = format!("#!/bin/sh\nexec {} check --pre-receive\n", env!("CARGO_BIN_EXE_lazaret"));
    write_hook(&hook, &script);
    let url = server.repo.path().to_str().unwrap().to_owned();
    let push = |what: &str| {
        let mut command = world.repo.command();
        let output = command.args(["push", "--quiet", &url, what]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (accepted, said) = push("HEAD~1:refs/heads/main");
    assert!(accepted, "{said}");
    let (accepted, said) = push("HEAD:refs/heads/main");
    assert!(!accepted, "{said}");
    assert!(said.contains("refused: "), "the person who pushes reads why: {said}");
}

#[test]
fn a_commit_with_an_index_of_its_own_is_checked_by_that_index() {
    let world = TestEnvironment::with_history();
    let hook = world.repo.git_dir().join("hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    write_hook(&hook, &format!("#!/bin/sh\nexec {} check --staged\n", env!("CARGO_BIN_EXE_lazaret")));
    let commit = |args: &[&str]| {
        let output = world.repo.command().args(["commit", "--quiet", "-m", "x"]).args(args).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    world
        .repo
        .write("src/lexer.rs", "fn first() {}\n// as described here :contentReference[oaicite:3]{index=3}\n");
    let (made, said) = commit(&["--all"]);
    assert!(!made, "{said}");
    world.repo.write("src/lexer.rs", "fn first() {}\n");
    let (made, said) = commit(&["--all"]);
    assert!(made, "{said}");
}

fn write_hook(path: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
