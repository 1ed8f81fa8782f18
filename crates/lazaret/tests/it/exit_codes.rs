//! Every exit code that this far can occur, as `docs/reference/exit-codes.md` lists them.

use crate::environment::TestEnvironment;

#[track_caller]
fn check(world: &TestEnvironment, args: &[&str], code: i32) {
    let run = world.run(args);
    assert_eq!(run.code, code, "{args:?}\n{}\n{}", run.stdout, run.stderr);
}

#[test]
fn a_scan_exits_by_the_worst_verdict_and_what_the_caller_asked_to_fail_on() {
    let world = TestEnvironment::with_history();
    for format in ["human", "json", "jsonl", "sarif", "html"] {
        check(&world, &["scan", ".", "--no-cache", "--format", format], 10);
        check(&world, &["scan", ".", "--no-cache", "--format", format, "--fail-on", "never"], 0);
        check(&world, &["scan", ".", "--no-cache", "--format", format, "--rev", "HEAD~1"], 0);
        check(
            &world,
            &["scan", ".", "--no-cache", "--format", format, "--rev", "HEAD~1", "--fail-on", "unproven"],
            11,
        );
    }
}

#[test]
fn nothing_to_examine_is_not_success() {
    let world = TestEnvironment::new();
    check(&world, &["scan", "."], 3);
    let folder = world.scratch("empty");
    std::fs::create_dir(&folder).unwrap();
    check(&world, &["scan", folder.to_str().unwrap()], 3);
}

#[test]
fn failures_usage_and_invalid_policies_have_codes_of_their_own() {
    let world = TestEnvironment::with_history();
    check(&world, &["scan", "/nowhere/at/all"], 1);
    check(&world, &["scan", ".", "--rev", "no-such-branch"], 1);
    check(&world, &["scan"], 2);
    check(&world, &["scan", ".", "--format", "yaml"], 2);
    check(&world, &["scan", ".", "--commits"], 2);
    check(&world, &["scan", ".", ".", "--format", "html"], 2);
    let policy = world.file("policy.toml", "version = 1\nname = \"x\"\n[bann]\n");
    check(&world, &["scan", ".", "--policy", &policy], 20);
    check(&world, &["policy", "check", &policy], 20);
    check(&world, &["policy", "check", "/nowhere/policy.toml"], 20);
    check(&world, &["catalog", "show", "no-such-tool"], 1);
    check(&world, &["catalog", "list"], 0);
}

#[test]
fn with_several_origins_the_most_pressing_outcome_decides() {
    let world = TestEnvironment::with_history();
    let clean = TestEnvironment::new();
    clean.repo.write("a.txt", "a line\n");
    clean.repo.commit("Start").create();
    let clean = clean.repo.path().to_str().unwrap();
    check(&world, &["scan", clean, "."], 10);
    check(&world, &["scan", clean, ".", "/nowhere/at/all"], 1);
    check(&world, &["scan", clean], 0);
}
