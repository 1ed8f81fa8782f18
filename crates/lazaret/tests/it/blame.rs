//! `lazaret blame`, as people and programs read it.

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::TestEnvironment;

#[test]
fn people_read_lines_as_git_blame_shows_them() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["blame", "src/lexer.rs", "--no-cache"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @"
    5a01871c (Ada Meridian 2024-01-01 1) unproven -           fn first() {}
    82412f6a (Ada Meridian 2024-01-01 2) tainted  claude-code fn second() { peek() }
    5a01871c (Ada Meridian 2024-01-01 3) unproven -           fn third() {}
    82412f6a (Ada Meridian 2024-01-01 4) tainted  claude-code fn fourth() {}
    ");
}

#[test]
fn programs_read_every_line() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["blame", "src/lexer.rs", "--no-cache", "--format", "json"]);
    let blame: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(blame["format"], "lazaret.blame/1");
    assert_eq!(blame["lines"].as_array().unwrap().len(), 4);
    assert_eq!(blame["lines"][1]["verdict"], "tainted");
}

#[test]
fn a_file_that_the_revision_has_not_is_a_failure_with_a_way_out() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["blame", "src/parser.rs", "--rev", "HEAD~1", "--no-cache"]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stderr, @"
    error: revision `HEAD~1` has no file `src/parser.rs`
    hint: name a file that the revision has, or another revision with `--rev`
    ");
}

#[test]
fn a_file_without_lines_is_not_success() {
    let world = TestEnvironment::with_history();
    world.repo.write("image.bin", b"\0\x01\x02\0");
    world.repo.commit("Add an image").create();
    let run = world.run(&["blame", "image.bin", "--no-cache"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("not examined"), "{}", run.stderr);
}
