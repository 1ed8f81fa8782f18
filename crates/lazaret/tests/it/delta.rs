//! A change of what was cleared: only what changed is read, and that is enough as long as everything else stands.
#![expect(
    clippy::indexing_slicing,
    reason = "what a command tells has the members that are asked for, or the test fails"
)]

use std::fs;

use serde_json::Value;

use crate::story::{POLICY, Story};

const MAST: &str = "src/mast.py";

/// A store whose policy accepts reviews of changes of at most so many lines, and the digest of a file that was cleared.
fn begin(lines: u32) -> (Story, String) {
    let story = Story::begin();
    let review = format!("[review]\ndelta-lines = {lines}\n\n[exemption]");
    story.world.file("policy.toml", &POLICY.replace("[exemption]", &review));
    story.make_store();
    hold(&story);
    let mast = story.case_over(MAST);
    let taints = story.told(&["case", "show", &mast, "--format", "json"])["taints"].clone();
    let refuted = format!("--refute={}=forged", taints[0]["evidence"].as_str().unwrap());
    story.must(story.by("cleo", &["case", "claim", &mast]));
    let clear = ["case", "propose", &mast, "--resolution", "cleared"];
    story
        .must(story.by("cleo", &[&clear[..], &["--justification", "observed-authoring", &refuted]].concat()));
    story.must(story.by("dov", &["case", "agree", &mast]));
    let base = content(&story, &mast);
    (story, base)
}

fn hold(story: &Story) {
    story.must(story.by("finn", &["hold", "repo", ".", "--no-cache"]));
}

fn content(story: &Story, case: &str) -> String {
    let sheet = story.told(&["case", "show", case, "--format", "json"]);
    sheet["held"][0]["content"].as_str().unwrap().to_owned()
}

/// Somebody goes on with the file, and the new version is held.
fn change(story: &Story, more: &str) -> String {
    let repo = &story.world.repo;
    let old = fs::read_to_string(repo.path().join(MAST)).unwrap();
    repo.write(MAST, format!("{old}{more}"));
    repo.commit("Shorten the mast").author("Mary Reed", "mary@harbour.example").create();
    hold(story);
    let list = story.told(&["case", "list", "--status", "open", "--format", "json"]);
    let cases = list["cases"].as_array().unwrap().iter();
    let mut cases = cases.map(|case| case["case"].as_str().unwrap().to_owned());
    cases.rfind(|case| content_path(story, case).ends_with(MAST)).unwrap()
}

fn content_path(story: &Story, case: &str) -> String {
    let sheet = story.told(&["case", "show", case, "--format", "json"]);
    sheet["held"][0]["places"][0].as_str().unwrap().to_owned()
}

fn propose(story: &Story, case: &str, base: &str) -> crate::environment::Run {
    let identity = story.text("vault");
    let clear = ["case", "propose", case, "--resolution", "cleared", "--justification", "observed-authoring"];
    story.by("cleo", &[&clear[..], &["--delta-of", base, "--identity", &identity]].concat())
}

fn scanned(story: &Story) -> Value {
    let args = ["scan", ".", "--no-cache", "--format", "json", "--store", &story.place];
    let output = story.world.command(&args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = report["files"].as_array().unwrap();
    files.iter().find(|file| file["path"] == MAST).unwrap().clone()
}

#[test]
fn two_people_read_what_changed_and_the_new_version_is_clean() {
    let (story, base) = begin(5);
    assert_eq!(scanned(&story)["verdict"], "clean");
    let case = change(&story, "# step\n\u{1b}[2J# stay\n");
    assert_eq!(scanned(&story)["verdict"], "tainted", "nobody has looked at it");
    let (new, identity) = (content(&story, &case), story.text("vault"));

    let diff = story.by("dov", &["case", "diff", &new, "--from", &base, "--identity", &identity]);
    assert_eq!(diff.code, 0, "{}", diff.stderr);
    let (head, lines) = diff.stdout.split_once('\n').unwrap();
    assert!(head.contains(" since "), "{head}");
    insta::assert_snapshot!(lines, @r"
          1       1   def mast(step, stay, shroud):
          2       2       return step, stay, shroud, step
                  3 + # step
                  4 + \u{1b}[2J# stay
    2 lines came in
    ");

    story.must(story.by("cleo", &["case", "claim", &case]));
    story.must(propose(&story, &case, &base));
    let sheet = story.by("dov", &["case", "show", &case]).stdout;
    assert!(sheet.contains("2 lines of it are not those of"), "{sheet}");
    let blind = story.by("dov", &["case", "agree", &case]);
    assert_eq!(blind.code, 2, "{}", blind.stderr);
    assert!(blind.stderr.contains("`lazaret case diff` shows them"), "{}", blind.stderr);
    // Mary wrote what changed, which bears no mark.
    assert_eq!(story.by("mary", &["case", "agree", &case, "--identity", &identity]).code, 12);
    story.must(story.by("dov", &["case", "agree", &case, "--identity", &identity]));

    let file = scanned(&story);
    assert_eq!((&file["verdict"], &file["case"]["standing"]), (&"clean".into(), &"cleared".into()));
    assert_eq!(story.by("ada", &["ledger", "verify"]).code, 0);

    // What it rests on is looked at again: both are open until that is decided.
    let old = story.told(&["case", "list", "--status", "decided", "--format", "json"]);
    let old = old["cases"].as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap().to_owned());
    let old = old.into_iter().find(|name| content(&story, name) == base).unwrap();
    story.must(story.by("finn", &["case", "reopen", &old, "--remark", "who said so?"]));
    let file = scanned(&story);
    assert_eq!((&file["verdict"], &file["case"]["standing"]), (&"tainted".into(), &"open".into()));
    assert!(file["case"]["why"].as_str().unwrap().contains("not cleared any more"), "{file}");
    let sheet = story.by("dov", &["case", "show", &case]).stdout;
    assert!(sheet.contains("it does not stand: what it is a change of is not cleared any more"), "{sheet}");
    let release = ["release", &new, "--to", &story.text("back.py"), "--identity", &identity];
    assert_eq!(story.by("finn", &release).code, 1);
}

#[test]
fn the_policy_says_how_many_lines_may_be_read_so_also_over_several_changes() {
    let (story, base) = begin(2);
    let first = change(&story, "# step\n# stay\n");
    story.must(story.by("cleo", &["case", "claim", &first]));
    story.must(propose(&story, &first, &base));
    let identity = story.text("vault");
    story.must(story.by("dov", &["case", "agree", &first, "--identity", &identity]));
    assert_eq!(scanned(&story)["verdict"], "clean");

    let second = change(&story, "# shroud\n");
    story.must(story.by("cleo", &["case", "claim", &second]));
    story.must(propose(&story, &second, &content(&story, &first)));
    story.must(story.by("dov", &["case", "agree", &second, "--identity", &identity]));
    let file = scanned(&story);
    assert_eq!(file["verdict"], "tainted", "three lines were read since anybody read the whole");
    assert!(file["case"]["why"].as_str().unwrap().ends_with("only what changed: 3 lines"), "{file}");

    let third = change(&story, "# a\n# b\n# c\n");
    story.must(story.by("cleo", &["case", "claim", &third]));
    let refused = propose(&story, &third, &base);
    assert_eq!(refused.code, 12, "{}", refused.stderr);
    assert!(refused.stderr.contains("`review.delta-lines`"), "{}", refused.stderr);
}
