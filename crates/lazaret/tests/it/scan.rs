//! `lazaret scan`, as people and programs read it.

use insta::assert_snapshot;
use serde_json::Value;

use crate::environment::TestEnvironment;

fn json_of(world: &TestEnvironment, args: &[&str]) -> Value {
    let run = world.run(args);
    assert_eq!(run.stdout.lines().count(), 1, "{}\n{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn people_read_a_summary() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["scan", ".", "--no-cache"]);
    assert_eq!((run.code, run.stderr.as_str()), (10, ""));
    assert_snapshot!(run.stdout, @"
    $WORLD at 82412f6a3535

    3 of 6 lines (50.0 %) were written by a banned tool or model. Nothing shows who
    wrote 2 other lines: no mark is no proof, so they stay unproven.

      ██████████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░·············

      Verdict             Lines     Share       Files
      █ tainted              3    50.0 %           2
      ▓ suspect              0     0.0 %           0
      ░ unproven             2    33.3 %           0
      · clean                1    16.7 %           1

      1 of 2 commits carry a mark (50.0 %).

      By tool         tainted     suspect
      claude-code           3           0  ███████████████████████████████████████

      By model     tainted     suspect
      unknown            3           0  ████████████████████████████████████████

      By month: 2024-01
      claude-code  █  3 · most 2024-01
      Months are the commits' own dates, which prove nothing; each row has its own scale.

      Worst directories                            tainted  suspect    lines   share
      src/                                               3        0        5  60.0 %

      Worst files                                  tainted  suspect    lines   share
      src/lexer.rs                                       2        0        4  50.0 %
      src/parser.rs                                      1        0        1 100.0 %

      next: see who wrote each line: lazaret blame 'src/lexer.rs'
      next: see every file, line by line, in a browser: add --format html --output
            report.html
      next: prove lines clean: name curated sources and trusted dates in the policy,
            see lazaret policy explain

      policy default sha256:$DIGEST · catalog sha256:$DIGEST
      lazaret $VERSION
    ");
}

#[test]
fn programs_read_the_whole_report() {
    let world = TestEnvironment::with_history();
    let mut report = json_of(&world, &["scan", ".", "--no-cache", "--format", "json"]);
    report.sort_all_objects();
    assert_snapshot!(format!("{report:#}"));
}

#[test]
fn programs_read_the_marked_commits() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["scan", ".", "--no-cache", "--commits", "--format", "jsonl"]);
    assert_eq!(run.code, 10);
    assert_snapshot!(run.stdout, @r#"{"commit":"82412f6a353586e47b3fdc40a4b505559e5a4d9a","claims":[{"detector":"commit-trailer","tool":"claude-code","provider":"anthropic","model":null,"role":"co-author","strength":"declared","why":"a trailer `co-authored-by` that names a machine identity (mark claude-code-address)"}]}"#);
}

#[test]
fn a_history_without_marks_is_not_called_clean() {
    let world = TestEnvironment::with_history();
    let run = world.run(&["scan", ".", "--no-cache", "--rev", "HEAD~1"]);
    assert_eq!(run.code, 0);
    let sentence =
        "No mark of a banned tool was found. Nothing shows who wrote 3 lines: no mark is\nno proof";
    assert!(run.stdout.contains(sentence), "{}", run.stdout);
}

#[test]
fn several_origins_make_one_summary_and_one_line_of_json_each() {
    let world = TestEnvironment::with_history();
    let other = TestEnvironment::with_history();
    let other = other.repo.path().to_str().unwrap();
    let run = world.run(&["scan", ".", other, "--no-cache"]);
    assert!(run.stdout.starts_with("2 origins\n"), "{}", run.stdout);
    let run = world.run(&["scan", ".", other, "--no-cache", "--format", "json"]);
    assert_eq!(run.stdout.lines().count(), 2);
    let run = world.run(&["scan", ".", other, "--no-cache", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(log["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn code_scanning_gets_a_result_for_each_tainted_run_of_lines() {
    let world = TestEnvironment::with_history();
    let log = json_of(&world, &["scan", ".", "--no-cache", "--format", "sarif"]);
    let results: Vec<String> = log["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let (start, end) = (&place["region"]["startLine"], &place["region"]["endLine"]);
            format!(
                "{} {uri}:{start}-{end} {}",
                result["level"].as_str().unwrap(),
                result["ruleId"].as_str().unwrap()
            )
        })
        .collect();
    assert_snapshot!(results.join("\n"), @"
    error src/lexer.rs:2-2 commit-trailer
    error src/lexer.rs:4-4 commit-trailer
    error src/parser.rs:1-1 commit-trailer
    ");
}

#[test]
fn the_same_world_gives_the_same_bytes() {
    let world = TestEnvironment::with_history();
    for format in ["human", "json", "jsonl", "sarif", "html"] {
        let args = ["scan", ".", "--no-cache", "--format", format];
        let threads = [&args[..], &["--threads", "1"]].concat();
        assert_eq!(world.run(&args).stdout, world.run(&threads).stdout, "{format}");
    }
}

#[test]
fn a_folder_without_history_stays_unproven_and_says_why() {
    let world = TestEnvironment::new();
    let folder = world.scratch("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "a line\n").unwrap();
    let report = json_of(&world, &["scan", folder.to_str().unwrap(), "--format", "json"]);
    assert_eq!(report["origin"]["kind"], "directory");
    assert_eq!(report["files"][0]["verdict"], "unproven");
    assert_eq!(report["warnings"][0]["kind"], "no-history");
}

#[test]
fn what_was_not_examined_is_said_unless_the_caller_wants_quiet() {
    let world = TestEnvironment::with_history();
    world.repo.write("image.bin", b"\0\x01\x02\0");
    world.repo.commit("Add an image").create();
    let args = ["scan", ".", "--no-cache", "--format", "json"];
    assert_snapshot!(world.run(&args).stderr, @"warning: 1 thing in `$WORLD` could not be examined and stays unproven");
    assert_eq!(world.run(&[&args[..], &["--quiet"]].concat()).stderr, "");
}
