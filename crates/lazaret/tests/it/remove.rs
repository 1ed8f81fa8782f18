//! `lazaret remove`, as people and programs read it.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::TestEnvironment;

const AUTHOR: &str = "Ada Grey <ada@harbour.example>";

#[test]
fn people_read_what_went_and_what_shows_it() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["remove", "--from", ".", "--no-cache", "--author", AUTHOR, "--branch", "clean"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    // The commit names the scan, and the scan the folder, which is another in each run.
    let commit: String = world.repo.id("clean").to_string().chars().take(12).collect();
    assert_snapshot!(run.stdout.replace(&commit, "$COMMIT"), @"
    $WORLD at 82412f6a3535: 3 lines of 2 files taken out by unit

    Taken out
      src/lexer.rs  2 lines
      src/parser.rs  1 line, the whole file

    Lines, by scans before and after
      clean                   1              3
      unproven                2              0
      suspect                 0              0
      tainted                 3              0
      all                     6              3

    What holds the files as they were
      refs/heads/main  2 files

    branch clean names commit $COMMIT; the history holds what it held
    ");
    assert_eq!(world.repo.git(&["show", "clean:src/lexer.rs"]), "fn first() {}\nfn third() {}");
    world.repo.git(&["fsck", "--strict"]);
    let run = world.run(&["scan", ".", "--rev", "clean", "--no-cache"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let run = world.run(&["remove", "--from", ".", "--rev", "clean", "--no-cache", "--author", AUTHOR]);
    assert_eq!(run.code, 3, "{}", run.stdout);
}

#[test]
fn a_patch_goes_to_standard_output_or_a_file() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["remove", "--from", ".", "--no-cache", "--patch", "-", "--by", "line"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("`--output` takes the report"), "{}", run.stderr);
    assert_snapshot!(run.stdout, @"
    diff --git a/src/lexer.rs b/src/lexer.rs
    index 5493df5b9d928531ebb4206f92aa7a5a44bcef2d..350a2e36ac2a118361eda67be9a7d5d9528879b2 100644
    --- a/src/lexer.rs
    +++ b/src/lexer.rs
    @@ -1,4 +1,2 @@
     fn first() {}
    -fn second() { peek() }
     fn third() {}
    -fn fourth() {}
    diff --git a/src/parser.rs b/src/parser.rs
    deleted file mode 100644
    index ebb104c7413df3d15a0b7984a3996619e9fe34a8..0000000000000000000000000000000000000000
    --- a/src/parser.rs
    +++ /dev/null
    @@ -1 +0,0 @@
    -fn parse() {}
    ");
    let path = world.scratch("clean.patch");
    let path = path.to_str().unwrap();
    let args = ["remove", "--from", ".", "--no-cache", "--patch", path, "--format", "json"];
    let run = world.run(&args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["format"], "lazaret.removal/1");
    assert_eq!((&report["outcome"], &report["branch"]), (&Value::from("removed"), &Value::Null));
    world.repo.git(&["checkout", "--quiet", "--force", "main"]);
    world.repo.git(&["apply", "--check", path]);
}

#[test]
fn the_author_is_whom_git_knows_and_never_nobody() {
    let world = TestEnvironment::with_history();
    let args = ["remove", "--from", ".", "--no-cache", "--branch", "clean"];
    let run = world.run(&args);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--author"), "{}", run.stderr);
    fs::write(
        world.scratch("lazaret-home").join(".gitconfig"),
        "[user]\nname = Bo Reed\nemail = bo@harbour.example\n",
    )
    .unwrap();
    assert_eq!(world.run(&args).code, 0);
    assert_eq!(world.repo.git(&["log", "-1", "--format=%an <%ae>", "clean"]), "Bo Reed <bo@harbour.example>");
    let run = world.run(&args);
    assert_eq!(run.code, 1, "the branch is there");
    assert!(run.stderr.contains("there is `clean` already"), "{}", run.stderr);
}

#[test]
fn what_is_left_is_no_success() {
    let world = TestEnvironment::with_history();
    world.repo.write("drawn.png", b"\x89PNG\0\0\n");
    world.repo.commit("Draw\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n").create();
    let run = world.run(&["remove", "--from", ".", "--no-cache", "--author", AUTHOR]);
    assert_eq!(run.code, 10, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("drawn.png  1 line  binary"), "{}", run.stdout);
}
