//! `lazaret policy` and `lazaret catalog`, as people read them.

use insta::assert_snapshot;

use crate::environment::TestEnvironment;

#[test]
fn a_faulty_policy_is_shown_at_its_places() {
    let world = TestEnvironment::new();
    let policy = world.file(
        "policy.toml",
        "version = 1\nname = \"acme\"\n\n[ban]\nprovider = [\"anthropic\"]\n\n[verdict]\nderived = \"clean\"\n",
    );
    let run = world.run(&["policy", "check", &policy]);
    assert_eq!(run.code, 20);
    assert_eq!(run.stdout, "");
    assert_snapshot!(run.stderr, @r#"
    unknown-key

      × unknown key `provider`
       ╭─[$SCRATCH/policy.toml:5:1]
     4 │ [ban]
     5 │ provider = ["anthropic"]
       · ────────
     6 │ 
       ╰────
      help: did you mean `providers`?

    bad-value

      × unknown value `clean`
       ╭─[$SCRATCH/policy.toml:8:11]
     7 │ [verdict]
     8 │ derived = "clean"
       ·           ───────
       ╰────
      help: known here: `suspect`, `tainted`

    error: the policy `$SCRATCH/policy.toml` is not valid: 2 faults
    hint: mend the places shown above; `lazaret policy schema` describes every key
    "#);
}

#[test]
fn programs_read_the_same_faults_as_people() {
    let world = TestEnvironment::new();
    let policy = world.file("policy.toml", "version = 1\nname = \"acme\"\n[ban]\nprovider = []\n");
    let run = world.run(&["policy", "check", &policy, "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (20, ""));
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["valid"], false);
    assert_eq!(answer["diagnostics"][0]["code"], "unknown-key");
    assert_eq!(answer["diagnostics"][0]["start"], 32);
}

#[test]
fn a_valid_policy_is_named_with_its_digest() {
    let world = TestEnvironment::new();
    let policy =
        world.file("policy.toml", "version = 1\nname = \"acme\"\n[ban]\nproviders = [\"anthropic\"]\n");
    let run = world.run(&["policy", "check", &policy]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @"policy `acme` is valid: sha256:$DIGEST");
}

#[test]
fn cases_say_what_was_otherwise_than_meant() {
    let world = TestEnvironment::new();
    let cases = world.file(
        "cases.toml",
        r#"now = 2026-01-01T00:00:00Z

[[case]]
name = "no mark is no proof"
lines = 3
expect = { verdict = "unproven" }

[[case]]
name = "a wrong expectation"
lines = 3
expect = { verdict = "clean" }
"#,
    );
    let run = world.run(&["policy", "test", &cases]);
    assert_eq!(run.code, 1);
    assert_snapshot!(run.stdout, @"
    ok     no mark is no proof
    failed a wrong expectation
        expected  the whole: clean
        but got   the whole: unproven
    2 cases, 1 failed
    ");
}

#[test]
fn the_schema_is_json() {
    let world = TestEnvironment::new();
    let run = world.run(&["policy", "schema"]);
    assert_eq!(run.code, 0);
    let schema: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(schema["properties"]["ban"].is_object());
}

#[test]
fn every_listed_entry_can_be_shown() {
    let world = TestEnvironment::new();
    for what in ["tools", "providers", "models"] {
        let list = world.run(&["catalog", "list", what, "--format", "jsonl"]).stdout;
        assert!(!list.is_empty(), "{what}");
        for line in list.lines().take(3) {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = entry["id"].as_str().unwrap();
            let shown = world.run(&["catalog", "show", id]);
            assert_eq!(shown.code, 0, "{id}");
            assert!(shown.stdout.starts_with(id), "{}", shown.stdout);
        }
    }
}
