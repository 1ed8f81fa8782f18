//! `lazaret export`, as people and programs read it.

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::TestEnvironment;

/// A policy by which the repositories of tests are first-party sources.
const FIRST_PARTY: &str = r#"
version = 1
name = "first-party"
[ban]
rivals = true
[[source]]
match = "git:*"
kind = "first-party"
reason = "the tests write these repositories"
[[admission]]
class = "training"
admit = ["clean"]
partial = "excise-units"
"#;

fn world() -> TestEnvironment {
    let world = TestEnvironment::with_history();
    world.repo.write("logo.png", b"\x89PNG\0\0");
    world.repo.commit("Draw a logo").create();
    world
}

fn key(world: &TestEnvironment) -> (String, String) {
    let path = |name: &str| world.scratch(name).to_str().unwrap().to_owned();
    let (secret, public) = (path("export.key"), path("export.key.pub"));
    let run = world.run(&["key", "create", &secret]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    (secret, public)
}

#[test]
fn people_read_what_became_of_every_entry() {
    let world = world();
    let policy = world.file("policy.toml", FIRST_PARTY);
    let args = ["export", ".", "--no-cache", "--dry-run", "--repository", "acme/parser", "--retention"];
    let run = world.run(&[&args[..], &["--policy", &policy]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @"
    $WORLD at 050604d81d3a: 4 entries, exported by file

    No records
      binary                                        1

    acme/parser for the class `training`

      admitted                2    66.7 %
      held                    1    33.3 %
      rejected                0     0.0 %
      read                    3
      1 of them without the lines that are not admitted

    Verdicts
      clean                   1    33.3 %
      unproven                0     0.0 %
      suspect                 0     0.0 %
      tainted                 2    66.7 %

    Reasons
      after-first-availability                      3
      first-party                                   3
      banned-tool                                   2
      conflict                                      2
      trivial                                       2
      excised                                       1
      too-many-tokens                               1

    Tools
      claude-code                                   2

    Tokens kept
      records held whole                2     5.7 %
      functions cut out                14    40.0 %
      statements cut out               14    40.0 %
      lines cut out                    14    40.0 %
      all                              35   100.0 %

    Shards
      1 shard

    judged at 2026-06-01T00:00:00Z by the policy sha256:$DIGEST; nothing was written
    ");
}

#[test]
fn what_was_exported_verifies_and_goes_on() {
    let world = world();
    let policy = world.file("policy.toml", FIRST_PARTY);
    let (secret, public) = key(&world);
    let out = world.scratch("out").to_str().unwrap().to_owned();
    for (by, shards) in [("file", "parquet"), ("unit", "jsonl.zst")] {
        let out = format!("{out}-{by}");
        let args = ["export", ".", "--no-cache", "--policy", &policy, "--out", &out, "--key", &secret];
        let args = [&args[..], &["--by", by, "--shard-format", shards, "--format", "json"]].concat();
        let run = world.run(&args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["format"], "lazaret.export/1");
        assert_eq!(report["no_records"][0]["path"], "logo.png");
        assert_eq!(report["gate"]["shards"][0]["state"], "gated");
        let again: Value = serde_json::from_str(&world.run(&args).stdout).unwrap();
        assert_eq!(again["gate"]["shards"][0]["state"], "gated-before");
        let run = world.run(&["gate", "verify", &out, "--trust", &public]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn nothing_to_export_is_no_success() {
    let world = TestEnvironment::new();
    assert_eq!(world.run(&["export", ".", "--dry-run"]).code, 3, "no commit");
    world.repo.write("logo.png", b"\x89PNG\0\0");
    world.repo.commit("Draw a logo").create();
    assert_eq!(world.run(&["export", ".", "--dry-run", "--no-cache"]).code, 3, "no text");
    let folder = world.scratch("folder");
    std::fs::create_dir(&folder).unwrap();
    let run = world.run(&["export", folder.to_str().unwrap(), "--dry-run"]);
    assert_eq!(run.code, 1, "no repository");
    assert!(run.stderr.contains("hint: name a git repository"), "{}", run.stderr);
    assert_eq!(world.run(&["export", "."]).code, 2, "nowhere to write");
}
